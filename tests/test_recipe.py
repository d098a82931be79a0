"""Recipe: validation, derived values, JSON."""

from __future__ import annotations

import dataclasses
import pickle

import librosa
import numpy as np
import pytest
from keras import ops

import kapre
from kapre.executor import run
from tests.conftest import chirp, relative_error, to_numpy

MEL = kapre.Recipe(n_fft=512, win_length=400, hop_length=160, filterbank="mel", sample_rate=16000, n_mels=40)


def test_compares_hashes_and_changes() -> None:
    again = kapre.Recipe(**dataclasses.asdict(MEL))
    assert again == MEL
    assert hash(again) == hash(MEL)
    assert MEL.replace(n_mels=80) != MEL
    assert MEL.replace(n_mels=80).bands == 80
    assert pickle.loads(pickle.dumps(MEL)) == MEL
    assert len(pickle.dumps(MEL)) < 2000  # workers get the fields, not the arrays
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(MEL)).bank, MEL.bank)
    with pytest.raises(dataclasses.FrozenInstanceError):
        MEL.n_fft = 3  # type: ignore[misc]


def test_fields_that_do_not_matter_do_not_tell_recipes_apart() -> None:
    assert kapre.Recipe(n_mels=40, amin=0.1) == kapre.Recipe()
    assert MEL.replace(f_max=8000.0) == MEL == MEL.replace(f_min=None, n_bins=3)
    whole = dict(n_mels=np.int64(40), n_fft=np.int32(512), sample_rate=np.float32(16000), htk=np.bool_(False))
    assert kapre.Recipe.from_json(MEL.replace(**whole).to_json()) == MEL
    assert MEL.num_frames(np.int64(16000)) == 98


@pytest.mark.parametrize(
    "recipe",
    [
        MEL,
        kapre.Recipe(),
        MEL.replace(norm=np.inf),
        MEL.replace(filterbank="log", n_bins=20, f_min=100.0, decibel=True),
    ],
)
def test_json_round_trip(recipe: kapre.Recipe) -> None:
    assert kapre.Recipe.from_json(recipe.to_json()) == recipe
    assert kapre.Recipe.from_json(np.array(recipe.to_json())) == recipe  # as numpy.load gives it


def test_json_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="version 1; received kapre_recipe=2"):
        kapre.Recipe.from_json(MEL.to_json().replace('"kapre_recipe": 1', '"kapre_recipe": 2'))
    with pytest.raises(ValueError, match="preemphasis"):
        kapre.Recipe.from_json(MEL.to_json().replace('"n_fft"', '"preemphasis": 0.97, "n_fft"'))
    with pytest.raises(ValueError, match="kapre_recipe"):
        kapre.Recipe.from_json("[1, 2]")


def test_places_bands_and_frames() -> None:
    np.testing.assert_allclose(MEL.band_frequencies(), librosa.mel_frequencies(42, fmin=0, fmax=8000)[1:-1], rtol=1e-12)
    log = kapre.Recipe(filterbank="log", sample_rate=22050)
    np.testing.assert_allclose(log.band_frequencies()[::12], 32.70319566 * 2.0 ** np.arange(7), rtol=1e-9)
    assert kapre.Recipe(n_fft=512, sample_rate=16000).band_frequencies()[[0, 1, 256]].tolist() == [0, 31.25, 8000]
    np.testing.assert_allclose(MEL.frame_times(3), [0.0125, 0.0225, 0.0325])
    centred = kapre.Recipe(n_fft=512, hop_length=160, center=True, sample_rate=16000)
    np.testing.assert_allclose(centred.frame_times(3), [0.0, 0.01, 0.02])
    with pytest.raises(ValueError, match="`sample_rate` must be known"):
        kapre.Recipe().band_frequencies()
    with pytest.raises(ValueError, match="`sample_rate` must be known"):
        kapre.Recipe().frame_times(3)


@pytest.mark.parametrize("recipe", [MEL, MEL.replace(pad_begin=True, pad_end=True), MEL.replace(center=True)])
@pytest.mark.parametrize("time", [0, 1, 399, 400, 401, 559, 560, 4000])
def test_frame_count_is_what_run_gives(recipe: kapre.Recipe, time: int) -> None:
    x = ops.convert_to_tensor(np.zeros((1, time), "float32"))
    assert to_numpy(run(recipe, x)).shape == (1, recipe.num_frames(time), recipe.bands)
    assert recipe.num_frames(None) is None


def test_run_takes_trailing_time() -> None:
    recipe = MEL.replace(power=2.0, center=True, win_length=512)
    x = chirp(1, 4000)[:, :, 0]
    got = run(recipe, ops.convert_to_tensor(x.astype("float32")))
    reference = librosa.feature.melspectrogram(y=x[0], sr=16000, n_fft=512, hop_length=160, n_mels=40)
    assert relative_error(to_numpy(got)[0], reference.T) <= 2e-6


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (dict(filterbank="mel"), "`sample_rate` must be given with a filter bank"),
        (dict(filterbank="bark"), "`filterbank` must be one of None, 'mel', 'log'"),
        (dict(sample_rate=-1), "`sample_rate` must be a positive number"),
        (dict(filterbank="mel", sample_rate=8000, n_fft=511), "`n_fft` must be even"),
        (dict(dynamic_range=0), "`dynamic_range` must be"),
        (dict(filterbank="mel", sample_rate=8000, n_mels=-3), "`n_mels` must be a positive integer"),
        (dict(center=True, pad_mode="zeros"), "`pad_mode` must be one of"),
    ],
)
def test_bad_fields(fields: dict, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        kapre.Recipe(**fields)


@pytest.mark.parametrize("name", ["pad_begin", "pad_end", "center", "decibel"])
@pytest.mark.parametrize("value", ["yes", 2, None])
def test_bad_flags(name: str, value: object) -> None:
    with pytest.raises(TypeError, match=f"`{name}` must be True or False; received {name}={value!r}"):
        kapre.Recipe(**{name: value})
