"""Every layer under every dtype policy: the work is done in float32 at least, and a real result is rounded once."""

from __future__ import annotations

import contextlib
import copy
import functools
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from tests.conftest import BACKEND, compiled, float64, gradient, to_numpy
from tests.layer_cases import CASES

POLICIES = ("float16", "bfloat16", "float32", "float64", "mixed_float16", "mixed_bfloat16")
ROUNDED: tuple[str, ...] = POLICIES
if BACKEND == "jax":  # which compiles for each dtype
    ROUNDED = ("float16", "bfloat16", "mixed_float16", "float64")
ONE_OF_EACH_LAYER = {case.layer: name for name, case in reversed(CASES.items())}.values()
# The slower test: half precision once and one case of each layer, then all others.
# PyTorch takes long to compile a model.
HELD = [
    pytest.param(name, policy, marks=[] if often else pytest.mark.thorough)
    for name in CASES
    for policy in POLICIES
    if policy != "float32"
    for policies in [("mixed_bfloat16",) if CASES[name].layer == "ComposedModel" else ("mixed_bfloat16", "float64")]
    for often in [name in ONE_OF_EACH_LAYER and policy in policies]
]
SPACING = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23}

pytestmark = pytest.mark.filterwarnings("ignore:.*filter bank bands hold no")


def loud_and_quiet(name: str) -> np.ndarray:
    """Return the case's input with a quiet half: what float16 samples could not hold."""
    x = CASES[name].single("channels_last")
    x[:, : x.shape[1] // 2] *= 1e-3
    return x


@functools.cache
def in_float32(name: str) -> np.ndarray:
    return to_numpy(CASES[name].make("channels_last")(loud_and_quiet(name)))


@pytest.mark.parametrize("name", list(CASES))
@pytest.mark.parametrize("policy", ROUNDED)
def test_the_result_is_the_float32_one_rounded_once(name: str, policy: str) -> None:
    x, exact = loud_and_quiet(name), in_float32(name)
    keras.config.set_dtype_policy(policy)
    compute = policy.removeprefix("mixed_")
    if compute == "float64":
        return check_float64(name, exact)
    got = CASES[name].make("channels_last")(x)
    if np.iscomplexobj(exact) or exact.dtype == np.int32:
        assert keras.backend.standardize_dtype(got.dtype) == str(exact.dtype)
        np.testing.assert_allclose(to_numpy(got), exact, rtol=1e-6, atol=1e-6 * np.abs(exact).max())
        return None
    assert keras.backend.standardize_dtype(got.dtype) == compute
    got = to_numpy(ops.cast(got, "float32"))
    last_place = np.exp2(np.floor(np.log2(np.maximum(np.abs(exact), 2.0**-14)))) * SPACING[compute]
    assert (np.abs(got - exact) <= last_place + 1e-6 * np.abs(exact).max()).all()
    return None


def check_float64(name: str, single_precision: np.ndarray) -> None:
    """Under float64 the digits beyond float32 are there: the result moves as a float64 input does."""
    case = CASES[name]
    with float64():
        x = case.input("channels_last")
        layer = case.make("channels_last")
        got = to_numpy(layer(x))
        if case.integer:
            assert got.dtype == np.int32
            return
        assert got.dtype == (np.complex128 if np.iscomplexobj(single_precision) else np.float64)
        assert got.shape == single_precision.shape
        if case.flat:  # a count, which does not move
            return
        step = 1e-9 * np.cos(np.arange(x.size)).reshape(x.shape)
        ahead, behind = to_numpy(layer(x + step)), to_numpy(layer(x - step))
        # A central difference of what float32 had rounded would be 0, or a last place of float32 in size.
        slope = (ahead - behind) / 2e-9
        wide = (to_numpy(layer(x + 100 * step)) - to_numpy(layer(x - 100 * step))) / 2e-7
        moved = np.abs(slope - wide)
        assert np.median(moved) <= 1e-4 * np.abs(wide).max()
        assert np.abs(slope).max() > 0.0


def as_numpy(y: Any) -> np.ndarray:
    """Return a tensor as NumPy, half precision as float32."""
    half = keras.backend.standardize_dtype(y.dtype) in ("float16", "bfloat16")
    return to_numpy(ops.cast(y, "float32") if half else y)


@pytest.mark.parametrize(("name", "policy"), HELD)
def test_the_contract_holds_under_every_policy(name: str, policy: str, tmp_path: Path) -> None:
    """Shapes, dtypes, config, file, compiled call and gradient: test_layers.py has them for float32, one by one."""
    case = CASES[name]
    double = policy == "float64"
    keras.config.set_dtype_policy(policy)
    with float64() if double else contextlib.nullcontext():
        x = case.input("channels_last")
        x = x if double else x.astype(case.dtype)
        layer = case.make("channels_last")
        y = layer(x)
        spec = layer.compute_output_spec(keras.KerasTensor(x.shape, dtype=str(x.dtype)))
        assert case.fits(spec.shape, y.shape)
        assert keras.backend.standardize_dtype(y.dtype) == spec.dtype
        again = type(layer).from_config(copy.deepcopy(layer.get_config()))
        assert again.dtype_policy.name == layer.dtype_policy.name
        expected = as_numpy(y)
        np.testing.assert_array_equal(as_numpy(again(x)), expected)
        allowed = 2 * SPACING.get(policy.removeprefix("mixed_"), 1e-12) * np.abs(expected).max() + 2e-6 * case.integer
        tensor = ops.convert_to_tensor(x, dtype=str(x.dtype))
        whole = compiled(layer)
        in_one_piece = as_numpy(whole(tensor))
        np.testing.assert_allclose(in_one_piece, expected, atol=max(allowed, 2e-6 * np.abs(expected).max()))
        if not case.integer:
            # JAX would compile each operation of an eager gradient by itself; test_layers.py has those.
            assert np.isfinite(gradient(whole if BACKEND == "jax" else layer, x)).all()
        inputs = keras.Input(case.dynamic_shape("channels_last"), dtype=str(x.dtype))
        keras.Model(inputs, case.make("channels_last")(inputs)).save(tmp_path / "model.keras")
        keras.config.set_dtype_policy("float32")  # the file says what it needs
        np.testing.assert_array_equal(as_numpy(keras.saving.load_model(tmp_path / "model.keras")(x)), expected)


@pytest.mark.parametrize("given", ["float16", "bfloat16", "float64"])
@pytest.mark.parametrize(
    "name", [name for name, case in CASES.items() if case.exemplary and case.takes in ("waveform", "spectrogram")]
)
def test_samples_of_another_float_type_are_taken_as_they_are(name: str, given: str) -> None:
    with float64():
        x = ops.cast(ops.convert_to_tensor(CASES[name].single("channels_last")), given)
        as_float32 = to_numpy(CASES[name].make("channels_last")(ops.cast(x, "float32")))
        got = to_numpy(CASES[name].make("channels_last")(x))
        assert got.dtype == as_float32.dtype
        tolerance = 0.0 if BACKEND != "jax" else 1e-6
        np.testing.assert_allclose(got, as_float32, atol=tolerance * np.abs(as_float32).max())


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.takes_integers])
@pytest.mark.parametrize("dtype", ["int16", "uint8", "int32", "bool"])
def test_integers_are_refused(name: str, dtype: str) -> None:
    x = np.zeros(CASES[name].input("channels_last").shape, dtype)
    layer = CASES[name].make("channels_last")
    with pytest.raises(TypeError, match=r"kapre\.pcm_to_float|must be complex"):
        layer(x)
