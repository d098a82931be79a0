"""PCEN in a recipe, against librosa and SciPy: numbers, streams, ragged batches, JSON and errors."""

from __future__ import annotations

from typing import Any

import librosa
import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

import kapre
from kapre.ops import pcen
from kapre.stages.pcen import LEAF
from tests.conftest import BACKEND, chirp, float64, gradient, quick, relative_error, to_numpy

RATE = 16000
BANDS = kapre.Recipe(
    sample_rate=RATE, n_fft=512, hop_length=160, center=True, filterbank="mel", n_mels=20, input_scale=2.0**31
)
LIBROSA = BANDS.replace(pcen=True)
RECIPES = {
    "unit": LIBROSA,
    "first": BANDS.replace(input_scale=1.0, **LEAF),
    "in front of a cepstrum": LIBROSA.replace(
        n_mfcc=8, normalize="mean", normalize_over="running", stack=3, stack_edges="repeat", center=False
    ),
}
EXAMPLES = {"jax": 4, "tensorflow": 12}.get(BACKEND, 40)  # JAX compiles for every number of frames


def features(recipe: kapre.Recipe, x: np.ndarray, lengths: Any = None) -> np.ndarray:
    with float64():
        frontend = kapre.Frontend(recipe, dtype="float64")
        return to_numpy(quick(lambda x: frontend(x, lengths=lengths))(ops.convert_to_tensor(x)))


@pytest.mark.parametrize(
    ("fields", "arguments"),
    [
        ({}, {}),
        ({"pcen_gain": 0.8, "pcen_bias": 10.0, "pcen_power": 0.25}, {"gain": 0.8, "bias": 10.0, "power": 0.25}),
        ({"pcen_bias": 0.0}, {"bias": 0.0}),
        ({"pcen_time_constant": 0.06}, {"time_constant": 0.06}),
        ({"pcen_smoothing": 0.2, "pcen_epsilon": 1e-3}, {"b": 0.2, "eps": 1e-3}),
    ],
)
def test_numbers_are_librosas(fields: dict[str, Any], arguments: dict[str, Any]) -> None:
    x = chirp(1, 24000)[..., 0] * np.linspace(0.0, 1.0, 24000)
    bands = features(BANDS, x)[0].T
    right = librosa.pcen(bands, sr=RATE, hop_length=160, **arguments).T
    got = features(LIBROSA.replace(**fields), x)[0]
    assert got.shape == right.shape
    assert np.abs(got - right).max() <= 1e-6 * np.abs(right).max()


def test_numbers_are_leafs() -> None:
    """As LEAF states it: the level starts from the first frame, and the root is of 2."""
    x = chirp(2, 9000)[..., 0]
    recipe = BANDS.replace(input_scale=1.0, power=2.0)
    bands = features(recipe, x)
    level, _ = scipy.signal.lfilter([0.04], [1.0, -0.96], bands, axis=1, zi=0.96 * bands[:, :1])
    right = (bands / (1e-12 + level) ** 0.96 + 2.0) ** 0.5 - 2.0**0.5
    assert relative_error(features(recipe.replace(**LEAF), x), right) <= 1e-9


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
@given(
    frames=st.one_of(st.integers(0, 9), st.sampled_from([63, 64, 65, 300])),
    smoothing=st.floats(1e-4, 1.0),
    seed=st.integers(0, 99),
)
def test_the_level_is_a_recursive_filters(frames: int, smoothing: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, before = 10.0 ** rng.uniform(-9, 9, (2, frames, 3)), rng.uniform(0.0, 2.0, (2, 1, 3))
    with float64():
        got = to_numpy(pcen.smoothed(ops.convert_to_tensor(x), smoothing, ops.convert_to_tensor(before)))
    right = x
    if frames:
        right, _ = scipy.signal.lfilter([smoothing], [1.0, smoothing - 1.0], x, axis=1, zi=(1.0 - smoothing) * before)
    np.testing.assert_allclose(got, right, rtol=1e-9)


def test_the_level_after_a_loud_passage() -> None:
    """It falls for thousands of frames, however loud the passage was, as in a stream."""
    x = np.zeros((1, 3000, 1))
    x[:, :10] = 1e24
    with float64():
        got = to_numpy(pcen.smoothed(ops.convert_to_tensor(x), 0.0247, ops.ones((1, 1, 1), dtype="float64")))
    right, _ = scipy.signal.lfilter([0.0247], [1.0, -0.9753], x, axis=1, zi=np.full((1, 1, 1), 0.9753))
    assert 0.0 < right[0, -1, 0] < 1e-6
    np.testing.assert_allclose(got, right, rtol=1e-9)


def test_without_bias_silence_has_a_slope() -> None:
    frontend = kapre.Frontend(LIBROSA.replace(pcen_bias=0.0))
    assert np.isfinite(gradient(frontend, np.zeros((1, 2000), "float32"))).all()


if BACKEND == "tensorflow":

    def test_slow_levels_of_unknown_length_are_refused() -> None:
        import tensorflow as tf

        def traced(recipe: kapre.Recipe) -> Any:
            layer = kapre.Frontend(recipe)
            return tf.function(layer, input_signature=[tf.TensorSpec((None, None))])

        x = chirp(1, 9000)[..., 0].astype("float32")
        right = to_numpy(kapre.Frontend(LIBROSA)(x))
        assert relative_error(traced(LIBROSA)(x), right) <= 1e-5
        with pytest.raises(ValueError, match=r"`pcen_smoothing` must be at least 0\.0013 for clips of unknown length"):
            traced(LIBROSA.replace(pcen_time_constant=60.0))(x)


@pytest.mark.parametrize("name", list(RECIPES))
@pytest.mark.parametrize("chunk", [None, 480])
def test_a_stream_gives_the_numbers_of_the_clip(name: str, chunk: int | None) -> None:
    recipe = RECIPES[name]
    assert kapre.frontends.whole_clip_stages(recipe) == {}
    x = chirp(2, 160 * 33 + 7)[..., 0]
    right = features(recipe, x)
    with float64():
        stream = kapre.Frontend(recipe, dtype="float64").stream(chunk_samples=chunk)
        state, parts, at = stream.initial_state(2), [], 0
        for size in [chunk] * 11 if chunk else [1, 0, 700, 33, 160, 2000, 513]:
            y, state = stream.step(ops.convert_to_tensor(x[:, at : at + size]), state)
            parts.append(to_numpy(y))
            at += size
        parts.append(to_numpy(stream.flush(state, ops.convert_to_tensor(x[:, at:]))))
    assert relative_error(np.concatenate(parts, axis=1)[:, stream.warmup :], right) <= 1e-9


@pytest.mark.parametrize("name", ["unit", "first"])
def test_a_short_clip_is_the_same_beside_a_long_one(name: str) -> None:
    x, lengths = chirp(3, 5000)[..., 0], [5000, 1234, 0]
    got = features(RECIPES[name], x, lengths=np.array(lengths, "int32"))
    for item, length in enumerate(lengths):
        alone = features(RECIPES[name], x[item : item + 1, :length])[0]
        assert relative_error(got[item, : len(alone)], alone) <= 1e-9


@pytest.mark.parametrize("name", list(RECIPES))
def test_silence_is_finite_in_float32(name: str) -> None:
    y = to_numpy(kapre.Frontend(RECIPES[name])(np.zeros((1, 4000), "float32")))
    assert y.size
    assert np.isfinite(y).all()


def test_json_has_the_fields_only_where_they_matter() -> None:
    assert "pcen" not in BANDS.to_json()
    assert '"pcen": true' in LIBROSA.to_json()
    assert kapre.Recipe.from_json(LIBROSA.to_json()) == LIBROSA
    assert BANDS.replace(pcen_gain=0.5) == BANDS
    assert LIBROSA.replace(pcen_smoothing=0.1, pcen_time_constant=3.0) == LIBROSA.replace(pcen_smoothing=0.1)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"log": "ln"}, "`log` must be None with pcen=True; received log='ln'"),
        ({"sample_rate": None, "filterbank": None}, "`sample_rate` must be given with pcen_time_constant"),
        ({"pcen_smoothing": 1.5}, "`pcen_smoothing` must be a number above 0, at most 1; received pcen_smoothing=1.5"),
        ({"pcen_epsilon": 1e-40}, "`pcen_epsilon` must be a number, 1e-30 or above"),
        ({"pcen_bias": 1e-38}, "`pcen_bias` must be 0.0 or a number from 1e-6 on"),
        ({"pcen_power": 0}, "`pcen_power` must be a positive number"),
        ({"pcen_start": "zero"}, "`pcen_start` must be one of 'unit', 'first'"),
    ],
)
def test_errors(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        LIBROSA.replace(**fields)
