"""Samples with an offset: removing the mean of a constant leaves nothing of it, however its sums are rounded."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kapre
from kapre.frontends import list_presets, preset
from kapre.ops import waves
from kapre.ops.kernels import overlaid
from kapre.ops.kernels.portable import PortableKernel
from tests.conftest import BACKEND, chirp, relative_error, to_numpy

# With zeros around a clip, a constant is not constant.
WITHOUT_MEAN = [
    name for name in list_presets() if preset(name).recipe.remove_dc and not preset(name).recipe.samples_multiple_strict
]
SILENCE = np.log(np.finfo("float32").eps)  # of Kaldi's recipes
levels = st.floats(-1.0, 1.0, width=32)


def constant(level: float, samples: int) -> np.ndarray:
    return np.full((1, samples), level, "float32")


def test_there_are_such_presets() -> None:
    assert len(WITHOUT_MEAN) >= 10


@pytest.mark.parametrize("name", WITHOUT_MEAN)
@settings(max_examples=6, deadline=None)
@given(level=levels)
def test_a_constant_is_silence_to_a_preset(name: str, level: float) -> None:
    frontend = kapre.Frontend.from_preset(name)
    assert (to_numpy(frontend(constant(level, 4000))) == to_numpy(frontend(constant(0.0, 4000)))).all()


@settings(max_examples=10 if BACKEND == "torch" else 4, deadline=None)
@given(level=levels)
def test_a_constant_is_silence_by_every_path(level: float) -> None:
    """Whole clips short and of several blocks, a stream, the energy, chunks, and what is exported."""
    fbank = kapre.Frontend.from_preset("kaldi_fbank", energy="first")
    for samples in (4000, 100_000):
        np.testing.assert_allclose(to_numpy(fbank(constant(level, samples))), SILENCE, rtol=1e-6)
    stream = fbank.stream(1600)
    y, state = stream.step(constant(level, 1600), stream.initial_state())
    y, _ = stream.step(constant(level, 1600), state)
    np.testing.assert_allclose(to_numpy(y), SILENCE, rtol=1e-6)
    with overlaid(PortableKernel()):
        exported = to_numpy(fbank(keras.ops.convert_to_tensor(constant(level, 4000))))
    np.testing.assert_allclose(exported, SILENCE, rtol=1e-6)


def test_the_mean_of_the_frames_of_chunks_is_removed_for_export_too() -> None:
    layer = kapre.Frontend.from_preset("silero_vad", remove_dc=True)
    x = keras.ops.convert_to_tensor((chirp(2, 5000)[:, :, 0] + 0.25).astype("float32"))
    offset = keras.ops.convert_to_tensor(np.concatenate([constant(0.3, 5000), constant(-0.7, 5000)]))
    with overlaid(PortableKernel()):
        exported, silent = to_numpy(layer(x)), to_numpy(layer(offset))
    assert relative_error(exported, to_numpy(layer(x))) < 1e-5
    inside = to_numpy(layer(offset))[:, 1:-1]  # the first chunk and the last hold zeros beside the constant
    assert not inside.any()
    assert not silent[:, 1:-1].any()


@settings(max_examples=10, deadline=None)
@given(level=levels)
def test_a_constant_wave_is_normalized_to_zero(level: float) -> None:
    x = keras.ops.convert_to_tensor(constant(level, 1001))
    assert not to_numpy(waves.normalized(x, 1e-7)).any()
    assert not to_numpy(waves.normalized(x, 0.001, keras.ops.convert_to_tensor(np.array([700], "int32")))).any()


@pytest.mark.parametrize("lengths", [None, [900]])
def test_the_mean_is_that_of_numpy(lengths: list[int] | None) -> None:
    x = (np.random.default_rng(0).normal(0.3, 0.1, (1, 1001))).astype("float32")
    own = x[:, : lengths[0] if lengths else None].astype("float64")
    wanted = (own - own.mean()) / np.sqrt(own.var() + 1e-7)
    counts = None if lengths is None else keras.ops.convert_to_tensor(np.array(lengths, "int32"))
    got = to_numpy(waves.normalized(keras.ops.convert_to_tensor(x), 1e-7, counts))
    np.testing.assert_allclose(got[:, : own.shape[1]], wanted, atol=1e-5)
    assert not got[:, own.shape[1] :].any()
    np.testing.assert_allclose(to_numpy(waves.without_mean(keras.ops.convert_to_tensor(x))), x - x.mean(), atol=1e-6)
