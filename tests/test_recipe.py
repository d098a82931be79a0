"""Recipe: validation, derived values, JSON."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import pickle
import re
import typing
from pathlib import Path

import librosa
import numpy as np
import pytest
from keras import ops

import kapre
from kapre import stages
from kapre._arguments import RecipeFields
from kapre.executor import run
from tests.conftest import BACKEND, chirp, relative_error, to_numpy

if BACKEND == "jax":
    import jax

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
        MEL.replace(filterbank="log", n_bins=20, f_min=100.0, log="db", dynamic_range=80.0),
    ],
)
def test_json_round_trip(recipe: kapre.Recipe) -> None:
    assert kapre.Recipe.from_json(recipe.to_json()) == recipe
    assert kapre.Recipe.from_json(np.array(recipe.to_json())) == recipe  # as numpy.load gives it


def test_json_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="version 2; received kapre_recipe=1"):
        kapre.Recipe.from_json(MEL.to_json().replace('"kapre_recipe": 2', '"kapre_recipe": 1'))
    with pytest.raises(ValueError, match="spectral_flux"):
        kapre.Recipe.from_json(MEL.to_json().replace('"n_fft"', '"spectral_flux": 0.97, "n_fft"'))
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
    x = np.zeros((1, time), "float32")
    if BACKEND == "jax" and time not in (0, 400, 4000):  # a trace gives the same shape, and compiles nothing
        given = jax.eval_shape(lambda x: run(recipe, x), x)
    else:
        given = run(recipe, ops.convert_to_tensor(x))
    assert tuple(given.shape) == (1, recipe.num_frames(time), recipe.bands)
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
        (dict(filterbank="cochlea"), "`filterbank` must be one of None, 'mel', 'log'"),
        (dict(sample_rate=-1), "`sample_rate` must be a positive number"),
        (dict(filterbank="mel", sample_rate=8000, n_fft=1), "`n_fft` must be at least 2"),
        (dict(log="db", dynamic_range=0), "`dynamic_range` must be"),
        (dict(filterbank="mel", sample_rate=8000, n_mels=-3), "`n_mels` must be a positive integer"),
        (dict(center=True, pad_mode="zeros"), "`pad_mode` must be one of"),
    ],
)
def test_bad_fields(fields: dict, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        kapre.Recipe(**fields)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"n_fft": 10**8}, "`n_fft` must be at most 4194304 samples"),
        ({"n_fft": 512, "win_length": 10**8}, "`win_length` must be at most"),
        ({"n_fft": 512, "frame_length": 10**8, "window_placement": "start"}, "`frame_length` must be at most"),
        ({"filterbank": "mel", "n_mels": 10**9}, "`n_mels` must be so few that 1025 bins"),
        ({"filterbank": "chroma", "n_chroma": 10**7}, "`n_chroma` must be so few"),
        ({"filterbank": "linear", "n_bins": 10**7}, "`n_bins` must be so few"),
        ({"filterbank": "mel", "n_fft": 1 << 22, "n_mels": 80}, "`n_mels` must be so few that 2097153 bins"),
    ],
)
def test_sizes_that_would_fill_the_memory(fields: dict, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        kapre.Recipe(sample_rate=16000, **fields)


@pytest.mark.parametrize("name", ["pad_begin", "pad_end", "center", "remove_dc"])
@pytest.mark.parametrize("value", ["yes", 2, 0.5])
def test_bad_flags(name: str, value: object) -> None:
    with pytest.raises(TypeError, match=f"`{name}` must be True or False; received {name}={value!r}"):
        kapre.Recipe(**{name: value})


PRESETS = pytest.mark.parametrize("name", kapre.list_presets())


@PRESETS
def test_presets_go_to_json_and_back(name: str) -> None:
    recipe = kapre.frontends.preset(name).recipe
    assert kapre.Recipe.from_json(recipe.to_json(indent=2)) == recipe
    assert pickle.loads(pickle.dumps(recipe)) == recipe
    assert kapre.Recipe(**recipe.changed_fields()) == recipe
    assert len(pickle.dumps(recipe)) < 3000
    if recipe.power is not None:
        times = recipe.frame_times(3)
        assert (np.diff(times) > 0).all()


def test_a_field_that_says_nothing_is_forgotten() -> None:
    base = kapre.Recipe(sample_rate=16000)
    for idle in (
        dict(fixed_by="tile"),
        dict(samples_epsilon=1.0),
        dict(preemphasis_over="frame", preemphasis_first="first"),
        dict(amin=3.0, amin_by="add", dynamic_range=8.0, range_top=1.0),
        dict(lifter=22.0),
        dict(n_mfcc=None, lifter_start=1),
        dict(energy_floor=1.0),
        dict(normalize_ddof=1, normalize_epsilon=1e-5, normalize_over="running"),
        dict(stack_edges="repeat"),
        dict(patch_hop=3),
        dict(chunk_context=4, chunk_pad=4),
        dict(pad_mode="reflect"),
    ):
        assert base.replace(**idle) == base, idle


def test_replace_changes_what_it_names() -> None:
    whisper = kapre.frontends.preset("whisper").recipe
    longer = whisper.replace(n_fft=512)
    assert (longer.win_length, longer.hop_length, longer.frame_length) == (400, 160, 512)
    assert MEL.f_max == 8000.0
    assert MEL.replace(sample_rate=22050).f_max == 11025.0
    assert MEL.replace(f_max=7000).replace(sample_rate=22050).f_max == 7000.0
    centred = MEL.replace(center=True)
    assert (centred.frame_length, centred.window_placement) == (512, "center")
    assert centred.replace(center=False) == MEL
    with pytest.raises(TypeError, match=r"`changes` must be fields of kapre.Recipe; received changes='n_mel'"):
        MEL.replace(n_mel=3)


@pytest.mark.parametrize("lifter", [0.0, 13.0, 22.0])
def test_the_lifter_is_librosas_or_kaldis(lifter: float) -> None:
    x = chirp(1, 4000)[:, :, 0].astype("float32")
    recipe = MEL.replace(log="db", amin=1e-10, n_mfcc=13, lifter=lifter, lifter_start=1)
    bands = to_numpy(run(recipe.replace(n_mfcc=None), ops.convert_to_tensor(x)))[0].T
    of_librosa = librosa.feature.mfcc(S=bands, n_mfcc=13, lifter=lifter).T
    np.testing.assert_allclose(to_numpy(run(recipe, ops.convert_to_tensor(x)))[0], of_librosa, atol=1e-3)
    plain = librosa.feature.mfcc(S=bands, n_mfcc=13).T
    weights = np.array([1 + 0.5 * lifter * np.sin(np.pi * i / lifter) if lifter else 1.0 for i in range(13)])
    kaldi = recipe.replace(lifter_start=0)
    np.testing.assert_allclose(to_numpy(run(kaldi, ops.convert_to_tensor(x)))[0], plain * weights, atol=1e-3)


def test_json_of_the_first_release_is_unchanged() -> None:
    """Stores and files of 1.0.0.dev0 hold this text, and a run that goes on compares it."""
    cepstra = MEL.replace(log="ln", n_mfcc=13, lifter=22.0)
    assert "lifter_start" not in json.loads(cepstra.to_json())
    other = cepstra.replace(lifter_start=1)
    assert json.loads(other.to_json())["lifter_start"] == 1
    assert kapre.Recipe.from_json(other.to_json()) == other
    assert other != cepstra


def test_vectors() -> None:
    shift = np.arange(40.0)
    recipe = MEL.replace(feature_shift=shift, feature_scale=[2.0] * 40)
    assert recipe.feature_shift == tuple(shift)
    assert recipe.feature_scale == 2.0
    assert hash(recipe) == hash(MEL.replace(feature_shift=tuple(shift), feature_scale=2.0))
    x = ops.convert_to_tensor(chirp(1, 1600)[:, :, 0].astype("float32"))
    np.testing.assert_allclose(to_numpy(run(recipe, x)), (to_numpy(run(MEL, x)) + shift) * 2.0, rtol=1e-6)


@pytest.mark.parametrize("triangles", ["hz", "mel", "symmetric"])
def test_triangles(triangles: str) -> None:
    """A band peaks at its centre, and its sides are straight where they are said to be."""
    bank = MEL.replace(n_fft=8192, norm=None, htk=True, triangles=triangles).bank
    assert bank is not None
    hz = np.arange(4097) * 16000 / 8192
    mel = 2595.0 * np.log10(1.0 + hz / 700.0)
    corners = np.linspace(0.0, 2595.0 * np.log10(1.0 + 8000.0 / 700.0), 42)
    edges = 700.0 * (10.0 ** (corners / 2595.0) - 1.0)
    axis, points = (mel, corners) if triangles == "mel" else (hz, edges)
    for band in (3, 20, 38):
        left, centre, right = points[band : band + 3]
        if triangles == "symmetric":
            right = 2.0 * centre - left
        expected = np.interp(axis, [left, centre, right], [0.0, 1.0, 0.0], left=0.0, right=0.0)
        np.testing.assert_allclose(bank[:, band], expected, atol=1e-9)


@pytest.mark.parametrize(
    ("fields", "kind", "text"),
    [
        (dict(center=True, pad_left=3), ValueError, "`pad_left` must be 0 with center=True; received pad_left=3"),
        (dict(snip_edges=False, center=True), ValueError, "`snip_edges` must be True with center=True"),
        (dict(snip_edges=False, pad_end=True), ValueError, "`pad_end` must be False with snip_edges=False"),
        (dict(window_periodic=True, window_name="vorbis_window"), ValueError, "`window_periodic` must be None with"),
        (dict(window_periodic="yes"), TypeError, "`window_periodic` must be True or False"),
        (dict(power=3.0), ValueError, "`power` must be one of 1.0, 2.0, None"),
        (dict(log="log2"), ValueError, "`log` must be one of None, 'ln', 'log10', 'db'"),
        (dict(log="ln", ref_value=2.0), ValueError, "`ref_value` must be 1.0 unless log='db'"),
        (dict(power=2.0, magnitude_epsilon=1e-9), ValueError, "`magnitude_epsilon` must be 0.0 unless power=1.0"),
        (dict(n_mfcc=300, n_fft=512), ValueError, "`n_mfcc` must be at most the 257 bands"),
        (
            dict(energy="c0", filterbank="mel", sample_rate=16000),
            ValueError,
            "`energy` must be None, 'first' or 'last' with a filter bank without n_mfcc",
        ),
        (dict(frame_length=100), ValueError, "`frame_length` must be at least win_length=2048"),
        (dict(stack=2, stack_hop=3, stack_edges="repeat"), ValueError, "`stack_hop` must be at most stack=2"),
        (dict(chunk_length=512, log="ln"), ValueError, "`log` must be None with chunk_length"),
        (dict(feature_shift=[1.0, 2.0]), ValueError, "`feature_shift` must be a number or 1025 numbers; received"),
        (dict(feature_shift="loud"), TypeError, "`feature_shift` must be a number or a sequence"),
        (dict(dither=-1), ValueError, "`dither` must be a number, 0 or above"),
        (dict(drop_last=-1), ValueError, "`drop_last` must be an integer, 0 or above"),
        (
            dict(power=None, preemphasis=0.9, preemphasis_over="frame"),
            ValueError,
            "`preemphasis_over` must be 'signal'",
        ),
        (dict(power=None, feature_shift=[1.0, 2.0]), ValueError, "`feature_shift` must be a number"),
        (dict(snip_edges=False, n_fft=16, hop_length=25), ValueError, "`hop_length` must be at most win_length=16"),
        (dict(n_fft=512, chunk_length=100), ValueError, "`chunk_length` must be long enough"),
        (dict(stack=0), ValueError, "`stack` must be a positive integer"),
        (
            dict(win_length=400, n_fft=512, center=True, preemphasis=0.97, preemphasis_over="frame"),
            ValueError,
            "`preemphasis_over` must be 'signal' with a window shorter than its frame",
        ),
    ],
)
def test_bad_widened_fields(fields: dict, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=re.escape(text)):
        kapre.Recipe(**fields)


def test_bands_without_frequencies() -> None:
    for name, field in (("kaldi_mfcc", "n_mfcc"), ("wav2vec2", "power"), ("paraformer", "stack")):
        with pytest.raises(ValueError, match=f"`{field}` must be such that values are bands in Hz"):
            kapre.frontends.preset(name).recipe.band_frequencies()


def test_text_that_is_no_recipe() -> None:
    with pytest.raises(ValueError, match=r"`text` must be JSON \(Expecting value\); received text='nonsense'"):
        kapre.Recipe.from_json("nonsense")


def test_a_fixed_length_is_of_no_multiple() -> None:
    assert kapre.Recipe(fixed_samples=100, samples_multiple=7) == kapre.Recipe(fixed_samples=100)


@pytest.mark.parametrize("hop", [1, 7, 160, 441])
def test_mirrored_edges_count_as_kaldi_says(hop: int) -> None:
    recipe = kapre.Recipe(n_fft=512, hop_length=hop, snip_edges=False)
    for n in (0, 1, hop, 1000, 4630):
        assert recipe.num_frames(n) == (n + hop // 2) // hop


def test_whole_floats_are_integers() -> None:
    given = kapre.Recipe(sample_rate=16000.0, n_fft=512.0, hop_length=np.float32(160.0), filterbank="mel", n_mels=40.0)
    plain = kapre.Recipe(sample_rate=16000, n_fft=512, hop_length=160, filterbank="mel", n_mels=40)
    assert given == plain
    assert hash(given) == hash(plain)
    for name in ("sample_rate", "n_fft", "hop_length", "n_mels"):
        assert type(getattr(given, name)) is int, name
    assert kapre.Recipe(sample_rate=16000.5).sample_rate == 16000.5
    assert '"sample_rate": 16000.0' in plain.to_json()  # as files of 1.0.0.dev0 have it
    assert given.to_json() == plain.to_json()
    assert kapre.Recipe.from_json(plain.to_json()) == plain
    assert kapre.Recipe(drop_last=0.0).drop_last == 0
    for value in (160.5, True, "160", float("nan"), float("inf")):
        with pytest.raises(TypeError, match="`hop_length` must be a positive integer"):
            kapre.Recipe(hop_length=value)
    with pytest.raises(ValueError, match="`hop_length` must be a positive integer"):
        kapre.Recipe(hop_length=-160.0)


def test_json_and_hashes_of_presets_are_those_of_the_first_release() -> None:
    """Of 1.0.0.dev0, whose files and stores hold them."""
    file = Path(__file__).parent / "fixtures" / "preset_hashes.json"
    stored = json.loads(file.read_text())
    found = {name: kapre.frontends.preset(name).recipe.to_json() for name in stored}
    assert {name: hashlib.sha256(text.encode()).hexdigest()[:16] for name, text in found.items()} == stored


def test_the_need_of_a_field_without_effect_is_that_of_the_outermost_one() -> None:
    found = stages.idle(vars(kapre.Recipe()))
    assert found["range_top"] == "another log than None"
    assert found["lifter_start"] == "another lifter than 0.0"
    assert found["pcen_gain"] == "pcen=True"


def test_types_of_the_fields_can_be_read() -> None:
    assert set(typing.get_type_hints(kapre.Recipe.__init__)) - {"return"} == set(RecipeFields.__annotations__)


def test_every_field_belongs_to_one_stage() -> None:
    names = [name for stage in stages.STAGES for name in stage.names]
    assert names == [field.name for field in dataclasses.fields(kapre.Recipe)]
    assert set(RecipeFields.__annotations__) == set(names)
    for stage in stages.STAGES:
        assert {*stage.checks, *stage.added, *(name for row in stage.idle for name in row[2])} <= set(stage.names)


@pytest.mark.parametrize("name", ["whisper", "tacotron2", "torchaudio_mel"])
def test_a_periodic_window_stays_periodic(name: str) -> None:
    recipe = kapre.frontends.preset(name).recipe.replace(win_length=101)
    values = recipe.analysis_window[np.flatnonzero(recipe.analysis_window)]
    np.testing.assert_allclose(values, librosa.filters.get_window("hann", 101)[1:], atol=1e-15)
    assert kapre.Recipe(n_fft=64, win_length=51).replace(win_length=52).window_periodic
