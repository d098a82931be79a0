"""What every test file shares: the backend under test and ways to evaluate on it."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

# `make test` names the backend of each process. Without a name (a bare `pytest`), Kapre chooses.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the frameworks' own deprecations while they load
    import keras

    import kapre  # noqa: F401

BACKEND = keras.backend.backend()


def pytest_report_header() -> str:
    return f"Keras {keras.__version__} on {BACKEND}, NumPy {np.__version__}"


def to_numpy(x: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(x))


def mostly_on(*backends: str) -> pytest.MarkDecorator:
    """Return a mark for a test that runs on these backends; on another one it is among the thorough tests."""
    return pytest.mark.filterwarnings() if BACKEND in backends else pytest.mark.thorough


@contextlib.contextmanager
def float64() -> Iterator[None]:
    """Let the backend compute in float64 (JAX has to be told)."""
    if BACKEND == "jax":
        import jax

        # `jax.experimental.enable_x64` until JAX 0.8.
        enable_x64 = jax.enable_x64 if hasattr(jax, "enable_x64") else jax.experimental.enable_x64
        with enable_x64(True):
            yield
    else:
        yield


def compiled(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Return `fn` traced and compiled by the backend."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        return tf.function(fn)
    if BACKEND == "jax":
        import jax

        return jax.jit(fn)
    if BACKEND == "numpy":
        return fn
    import torch

    return torch.compile(fn, backend="aot_eager", fullgraph=False)


def quick(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Return `fn`, under JAX compiled as a whole: one compilation for a shape in place of one for each operation."""
    return compiled(fn) if BACKEND == "jax" else fn


def gradient(fn: Callable[[Any], Any], x: np.ndarray) -> np.ndarray:
    """Return the gradient of the sum of `|fn(x)|²` at `x`."""

    def loss(value: Any) -> Any:
        y = fn(value)
        if "complex" in str(y.dtype):
            return keras.ops.sum(keras.ops.square(keras.ops.real(y)) + keras.ops.square(keras.ops.imag(y)))
        return keras.ops.sum(keras.ops.square(y))

    if BACKEND == "tensorflow":
        import tensorflow as tf

        value = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(value)
            total = loss(value)
        result = tape.gradient(total, value)
        assert result is not None, "the output does not depend on the input"
        return result.numpy()
    if BACKEND == "jax":
        import jax

        result = jax.jit(jax.grad(loss))(jax.numpy.asarray(x))  # one compilation in place of one for each operation
        # JAX returns dL/dx for complex x; TensorFlow and PyTorch its conjugate.
        return np.conj(np.asarray(result))
    import torch

    value = torch.tensor(x, requires_grad=True)
    loss(value).backward()
    assert value.grad is not None
    return value.grad.resolve_conj().numpy()


def chirp(batch: int, time: int, channels: int = 1, sample_rate: float = 16000.0, seed: int = 0) -> np.ndarray:
    """Make sweeps at 0.3 over noise at 0.02, a different one for each item and channel: `(batch, time, channel)`."""
    rng = np.random.default_rng(seed)
    t = np.arange(time)[None, :, None] / sample_rate
    start = 100.0 + 130.0 * np.arange(batch * channels).reshape(batch, 1, channels)
    x = 0.3 * np.sin(2 * np.pi * (start * t + 1500.0 * t**2))
    return x + 0.02 * rng.standard_normal((batch, time, channels))


def relative_error(got: Any, reference: Any) -> float:
    """Return the largest difference as a fraction of the reference's peak (of 1 where that is silent)."""
    got, reference = to_numpy(got), np.asarray(reference)
    assert got.shape == reference.shape, (got.shape, reference.shape)
    if got.size == 0:
        return 0.0
    return float(np.abs(got - reference).max() / (np.abs(reference).max() or 1.0))


@pytest.fixture(autouse=True)
def _keras_state() -> Iterator[None]:
    """Leave Keras' global settings as they were."""
    policy, data_format, floatx = keras.config.dtype_policy(), keras.config.image_data_format(), keras.config.floatx()
    yield
    keras.config.set_floatx(floatx)
    keras.config.set_dtype_policy(policy)
    keras.config.set_image_data_format(data_format)
