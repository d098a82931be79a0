"""Several devices: a model with a front end in it learns as on one, and JAX's devices keep their share of the batch.

The devices are this machine's processor, eight times (JAX), twice (TensorFlow), or in two processes (PyTorch).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import BACKEND
from tests.devices import train
from tests.processes import python

ROOT = Path(__file__).resolve().parents[1]
SEVERAL = {"jax": 8, "tensorflow": 2, "torch": 2}[BACKEND]
MODELS = ("frontend", "helper")


def trained(count: int, file: Path) -> dict[str, Any]:
    """Return what tests/devices/train.py writes, on so many devices."""
    words = ("-m", "tests.devices.train", count, file)
    result = python(*words, timeout=300, KERAS_BACKEND=BACKEND, PYTHONWARNINGS="ignore")
    assert result.returncode == 0, result.stderr[-3000:]
    with np.load(file) as found:
        return dict(found)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the runs on one device, here, and on several, in a process that knows their number from its start."""
    return train.alone(), trained(SEVERAL, tmp_path_factory.mktemp("devices") / "several.npz")


@pytest.mark.parametrize("model", MODELS)
def test_losses_are_those_of_one_device(runs: tuple[dict[str, Any], dict[str, Any]], model: str) -> None:
    one, several = (run[f"{model} losses"] for run in runs)
    assert len(one) == 4
    assert one[-1] < one[0]
    np.testing.assert_allclose(several, one, rtol=1e-5)


@pytest.mark.parametrize("model", MODELS)
def test_weights_go_where_they_go_on_one_device(runs: tuple[dict[str, Any], dict[str, Any]], model: str) -> None:
    one, several = runs
    for index in range(4):  # the front end's filter bank and window among them
        start, end = one[f"{model} start {index}"], one[f"{model} weight {index}"]
        way = np.abs(end - start).max()
        assert way > 1e-5
        np.testing.assert_allclose(several[f"{model} weight {index}"], end, rtol=0, atol=0.02 * way)
    assert f"{model} weight 4" not in one


if BACKEND == "jax":
    import jax
    import jax.export
    import jax.numpy as jnp

    from kapre.ops.kernels import _jax_fft
    from tests.conftest import float64

    @pytest.mark.parametrize("program", [*MODELS, "there and back", "kaldi"])
    def test_no_device_gathers_the_batch(runs: tuple[dict[str, Any], dict[str, Any]], program: str) -> None:
        one, several = (str(run[f"{program} program"]) for run in runs)
        assert "all-gather" not in several
        assert "all-to-all" not in several
        assert "collective-permute" not in several
        transforms = [re.findall(r"= \w+\[(\d+),[^ ]* fft\(", text) for text in (one, several)]
        assert len(transforms[0]) >= 2  # there, and for the gradient back
        assert transforms[0] == ["16"] * len(transforms[0])
        assert transforms[1] == ["2"] * len(transforms[0])

    TRANSFORMS = {
        "rfft": (_jax_fft.rfft, jnp.fft.rfft),
        "irfft": (_jax_fft.irfft, jnp.fft.irfft),
    }

    @pytest.mark.parametrize("n_fft", [8, 9])
    @pytest.mark.parametrize("name", TRANSFORMS)
    def test_the_shared_transform_is_jax_own(name: str, n_fft: int) -> None:
        ours, theirs = (lambda x, fn=fn: fn(x, n_fft) for fn in TRANSFORMS[name])

        def loss(fn: Any) -> Any:
            return lambda x: (
                jnp.sum(jnp.abs(fn(x)) ** 2 * jnp.arange(1.0, fn(x).shape[-1] + 1)) + jnp.sum(jnp.real(fn(x)) ** 3)
            )

        with float64():
            rng = np.random.default_rng(0)
            x = jnp.asarray(rng.standard_normal((3, 4, n_fft)))
            direction = jnp.asarray(rng.standard_normal((3, 4, n_fft)))
            if name == "irfft":
                x, direction = jnp.fft.rfft(x), jnp.fft.rfft(direction)
            for wanted in ("complex64", "complex128") if name == "irfft" else ("float32", "float64"):
                assert ours(x.astype(wanted)).dtype == theirs(x.astype(wanted)).dtype
            with jax.disable_jit():
                np.testing.assert_array_equal(ours(x), theirs(x))
            both = []
            for fn in (ours, theirs):
                slope = jax.grad(loss(fn))
                mapped = (jax.vmap(fn, 1, 1)(x), jax.vmap(slope)(x))
                both.append((fn(x), slope(x), *mapped, *(jax.jvp(f, (x,), (direction,))[1] for f in (fn, slope))))
        for got, expected in zip(*both, strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)

    @pytest.mark.parametrize("name", TRANSFORMS)
    def test_the_shared_transform_exports_as_a_plain_one(name: str) -> None:
        fn, _ = TRANSFORMS[name]
        (batch,) = jax.export.symbolic_shape("batch")
        spec = (batch, 8) if name == "rfft" else (batch, 5)
        struct = jax.ShapeDtypeStruct(spec, "float32" if name == "rfft" else "complex64")
        exported = jax.export.export(jax.jit(lambda x: fn(x, 8)), platforms=("cpu", "cuda", "tpu"))(struct)
        assert "stablehlo.fft" in exported.mlir_module()
        assert "custom_call @CustomSPMDPartitioning" not in exported.mlir_module()
