"""The cases of benchmarks.gpu_checks, and what each gives in float64 on the processor."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

import kapre
from kapre import frontends
from tests.layer_cases import CASES

BACKEND = keras.backend.backend()
FORMATS = ("channels_last", "channels_first")


def wave(batch: int, samples: int, rate: float) -> np.ndarray:
    """Return sweeps over noise, float64 of values that float32 holds, `(batch, samples)`."""
    rng = np.random.default_rng(samples)
    t = np.arange(samples) / rate
    start = 100.0 + 130.0 * np.arange(batch)[:, None]
    x = 0.3 * np.sin(2 * np.pi * (start * t + 0.1 * rate * t**2 / 2)) + 0.02 * rng.standard_normal((batch, samples))
    return x.astype("float32").astype("float64")


def clip_of(recipe: kapre.Recipe) -> np.ndarray:
    """Return two clips of 1.3 s for a recipe."""
    rate = recipe.sample_rate or 16000
    return wave(2, int(1.3 * rate), rate)


def unit_of(recipe: kapre.Recipe) -> float | None:
    """Return what makes a difference one in natural-log units; None for linear features."""
    if recipe.log is None:
        return None
    factor = {"ln": 1.0, "log10": math.log(10.0), "db": math.log(10.0) / 10.0}[recipe.log]
    return (1.0 if recipe.normalize else factor) / float(np.max(np.abs(recipe.feature_scale)))


def error_of(got: np.ndarray, expected: np.ndarray, unit: float | None) -> float:
    """Return the largest difference, in natural-log units or of the peak."""
    assert got.shape == expected.shape, f"{got.shape} instead of {expected.shape}"
    assert np.isfinite(got).all(), "not finite"
    worst = float(np.abs(got - expected).max(initial=0.0))
    return worst / (float(np.abs(expected).max(initial=0.0)) or 1.0) if unit is None else worst * unit


def to_numpy(y: Any) -> np.ndarray:
    """Return a tensor as an array, float64 or complex128."""
    y = keras.ops.convert_to_numpy(y)
    return y.astype("complex128" if np.iscomplexobj(y) else "float64")


def tensor(x: np.ndarray, dtype: str = "float32") -> Any:
    """Return an array on the backend's own device."""
    return keras.ops.convert_to_tensor(x, dtype=dtype)


@contextlib.contextmanager
def policy(name: str) -> Iterator[None]:
    """Build layers of a dtype policy."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def cases(part: str, few: bool) -> Iterator[tuple[str, Callable[[], Any], np.ndarray, float | None]]:
    """Yield a name, what makes the layer, its input, and the unit of what it gives."""
    if part == "presets":
        for name in kapre.list_presets()[:: 12 if few else 1]:
            recipe = frontends.preset(name).recipe
            yield name, lambda recipe=recipe: kapre.Frontend(recipe), clip_of(recipe), unit_of(recipe)
        return
    for name, case in list(CASES.items())[:: 9 if few else 1]:
        for data_format in FORMATS:
            length = 4000 if case.takes == "waveform" else 30
            x = case.input(data_format, length=length)
            yield f"{name}, {data_format}", lambda case=case, df=data_format: case.make(df), x, None


def given(x: np.ndarray, dtype: str) -> Any:
    """Return an input in a floating type, or the complex one of the same precision."""
    return tensor(x, {"float32": "complex64", "float64": "complex128"}[dtype] if np.iscomplexobj(x) else dtype)


def reference(folder: Path, few: bool) -> None:
    """Write what every case gives in float64, and the gradient of one."""
    found: dict[str, np.ndarray] = {}
    with policy("float64"):
        for part in ("presets", "layers"):
            for name, make, x, _ in cases(part, few):
                found[f"{part} {name}"] = to_numpy(make()(given(x, "float64"))).astype("complex128")
    found["gradient"] = gradient("float64")
    partial = folder / "partial.npz"
    np.savez(partial, **{name.replace("/", "|"): y for name, y in found.items()})
    partial.replace(folder / "reference.npz")


def waited_for(path: Path, seconds: float = 240.0) -> Any:
    """Return what the reference wrote, once it is there."""
    end = time.monotonic() + seconds
    while not path.exists():
        if time.monotonic() > end:
            raise TimeoutError(f"no {path.name} after {seconds:.0f} s")
        time.sleep(0.2)
    return np.load(path)


def sum_of_squares(y: Any) -> Any:
    """Return what the gradients are of."""
    return keras.ops.sum(keras.ops.square(y))


def gradient(dtype: str) -> np.ndarray:
    """Return the gradient of a preset's features by the samples."""
    recipe = frontends.preset("kaldi_fbank").recipe
    layer, x = kapre.Frontend(recipe, dtype=dtype), clip_of(recipe)
    if BACKEND == "jax":
        import jax

        return to_numpy(jax.grad(lambda x: sum_of_squares(layer(x)))(tensor(x, dtype)))
    value = tensor(x, dtype).requires_grad_()
    sum_of_squares(layer(value)).backward()
    return to_numpy(value.grad)
