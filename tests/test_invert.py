"""`Frontend.invert`: waveforms from features, stage by stage, for recipes of every kind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from keras import ops

import kapre
from kapre import stages
from kapre.frontends.presets import list_presets, preset
from kapre.ops import features
from kapre.stages import Back
from tests.conftest import compiled, mostly_on, relative_error, to_numpy
from tests.inverted import REFUSED, error, speech

FIELDS: dict[str, Any] = dict(sample_rate=8000, n_fft=256, hop_length=64)
BANDS: dict[str, Any] = dict(**FIELDS, filterbank="mel", n_mels=40, power=2.0, log="ln", amin=1e-10)


@pytest.mark.parametrize(
    ("fields", "most"),
    [
        (dict(**FIELDS, center=True), 0.1),
        pytest.param(dict(**FIELDS, power=2.0, pad_end=True, pad_begin=True), 0.1, marks=mostly_on("torch")),
        pytest.param(
            dict(**FIELDS, magnitude_epsilon=1e-4, pad_left=96, pad_right=96, pad_mode="reflect"),
            0.15,
            marks=mostly_on("torch"),
        ),
        (dict(sample_rate=8000, n_fft=255, hop_length=60, center=True), 0.15),
        pytest.param(
            dict(sample_rate=8000, n_fft=256, win_length=200, hop_length=50, window_placement="center"),
            0.1,
            marks=mostly_on("torch"),
        ),
        pytest.param(dict(BANDS, center=True, input_scale=32768.0, amin=1.0), 0.15, marks=mostly_on("torch")),
        (dict(BANDS, log="log10", amin_by="add", amin=1e-6, snip_edges=False, layout="band_first"), 0.15),
        pytest.param(
            dict(BANDS, log="db", ref_value=0.1, dynamic_range=80.0, center=True), 0.15, marks=mostly_on("torch")
        ),
        pytest.param(
            dict(BANDS, preemphasis=0.97, center=True, feature_shift=4.0, feature_scale=0.25),
            0.15,
            marks=mostly_on("torch"),
        ),
        (dict(BANDS, preemphasis=0.97, preemphasis_over="frame", remove_dc=True), 0.15),
        pytest.param(
            dict(BANDS, preemphasis=0.9, preemphasis_first="drop", fixed_samples=6000), 0.15, marks=mostly_on("torch")
        ),
        (dict(BANDS, normalize="mean_std", normalize_epsilon=1e-5), 0.25),
        (dict(BANDS, stack=3, stack_hop=2, deltas=2, stack_edges="repeat"), 0.2),
        pytest.param(dict(BANDS, patch_frames=16, patch_hop=8), 0.15, marks=mostly_on("torch")),
        (dict(BANDS, n_mfcc=40, lifter=22.0, energy="c0"), 0.25),
        pytest.param(
            dict(BANDS, n_mfcc=40, lifter=22.0, lifter_start=1, energy="last"), 0.15, marks=mostly_on("torch")
        ),
        pytest.param(dict(BANDS, filterbank="gammatone", n_mels=128, n_bins=40), 0.15, marks=mostly_on("torch")),
        pytest.param(dict(BANDS, input_rate=16000), 0.2, marks=mostly_on("torch")),
        (dict(**FIELDS, win_length=256, transform="identity", center=True), 1e-4),
        (dict(power=None, sample_rate=8000, preemphasis=0.97, pad_left=5, pad_right=7), 1e-4),
    ],
)
def test_features_come_back(fields: dict[str, Any], most: float) -> None:
    frontend = kapre.Frontend(kapre.Recipe(**fields))
    assert error(frontend) <= most


def test_a_waveform_comes_back_exactly() -> None:
    """Without a spectrum, nothing is lost but the samples that were padded."""
    fields: dict[str, Any] = dict(power=None, sample_rate=8000, input_scale=3.0, zeros_after=9, pad_left=4)
    frontend = kapre.Frontend(kapre.Recipe(**fields))
    x = speech(500)[None]
    y = to_numpy(frontend.invert(frontend(x)))
    assert y.shape == x.shape
    assert relative_error(y, x) <= 1e-6
    assert frontend.lost == []


def test_the_level_of_the_clip_comes_back() -> None:
    """The scale of Kaldi, the lifter and the energy all count: the inverse is as loud as the clip."""
    x = speech(6000)[None]
    for fields in (
        dict(BANDS, input_scale=32768.0, amin=1e-7),
        dict(BANDS, n_mfcc=20, lifter=22.0, energy="c0", preemphasis=0.97, preemphasis_over="frame", remove_dc=True),
    ):
        frontend = kapre.Frontend(kapre.Recipe(**fields))
        y = to_numpy(frontend.invert(frontend(x)))
        assert 0.8 <= np.sqrt((y**2).mean()) / np.sqrt((x**2).mean()) <= 1.25


def test_statistics_can_be_given() -> None:
    """With the mean and deviation of the clip, the inverse of normalised features is that of the features."""
    x = speech(4000)[None]
    plain = kapre.Frontend(kapre.Recipe(**BANDS))
    normalised = kapre.Frontend(plain.recipe.replace(normalize="mean_std"))
    bands = to_numpy(plain(x))
    mean, deviation = bands[0].mean(axis=0), bands[0].std(axis=0)
    y = to_numpy(normalised.invert(normalised(x), mean=mean, deviation=deviation, n_iter=2))
    right = to_numpy(plain.invert(bands, n_iter=2))
    assert relative_error(y, right) <= 5e-2  # each iteration magnifies the rounding of the statistics
    assert relative_error(to_numpy(normalised.invert(normalised(x), n_iter=2)), right) > 0.5


@pytest.mark.parametrize(
    "fields",
    [
        dict(BANDS, center=True, pad_mode="reflect"),
        dict(BANDS, fixed_frames=90),
        pytest.param(dict(BANDS, fixed_samples=5000), marks=mostly_on("torch")),
        pytest.param(dict(BANDS, pad_end=True, valid_frames="hops"), marks=mostly_on("torch")),
        dict(BANDS, stack=7, stack_hop=6, stack_edges="repeat"),
        pytest.param(dict(BANDS, stack=4, stack_hop=3), marks=mostly_on("torch")),
        pytest.param(dict(BANDS, stack=4, stack_hop=5, stack_edges="zeros"), marks=mostly_on("torch")),
        pytest.param(dict(BANDS, patch_frames=8, patch_hop=8), marks=mostly_on("torch")),
        pytest.param(dict(BANDS, stack=2, patch_frames=5, patch_hop=3, frames_multiple=2), marks=mostly_on("torch")),
        dict(**FIELDS, win_length=256, transform="identity", center=True),
    ],
)
def test_a_clip_is_inverted_as_if_alone(fields: dict[str, Any]) -> None:
    frontend = kapre.Frontend(kapre.Recipe(**fields))
    lengths = np.array([2000, 4000])
    x = np.stack([np.pad(speech(2000), (0, 2000)), speech(4000, seed=1)])
    both = to_numpy(frontend.invert(frontend(x, lengths=lengths), lengths=lengths, n_iter=2))
    alone = to_numpy(frontend.invert(frontend(x[:1, :2000]), lengths=lengths[:1], n_iter=2))
    count = min(2000, alone.shape[1])
    assert np.abs(both[0, :count] - alone[0, :count]).max() <= 1e-3 * np.abs(alone).max()
    assert not both[0, count:].any()
    assert both[1, 3000:3900].any()


@pytest.mark.parametrize(("log", "power"), [("ln", 1.0), ("log10", 2.0), ("db", 2.0)])
def test_any_features_give_finite_samples(log: Any, power: float) -> None:
    """From a frame far below the floor to one far above full scale, whose exponential float32 does not hold."""
    frontend = kapre.Frontend(kapre.Recipe(**dict(BANDS, log=log, power=power)))
    values = np.array([-1e4, -50.0, 0.0, 50.0, 1e4], "float32")
    y = to_numpy(frontend.invert(np.broadcast_to(values[:, None, None], (5, 6, 40)), n_iter=3))
    assert np.isfinite(y).all()
    assert not y[0].any()
    assert y[1:].any(axis=1).tolist() == [log == "db", True, True, True]


def test_silence_comes_back_as_silence() -> None:
    for fields in (dict(BANDS), dict(BANDS, n_mfcc=13, energy="c0"), dict(BANDS, fixed_frames=50), dict(FIELDS)):
        frontend = kapre.Frontend(kapre.Recipe(**fields))
        y = to_numpy(frontend.invert(frontend(np.zeros((1, 2000), "float32"))))
        assert np.abs(y).max() <= 1e-4


def test_no_frames() -> None:
    for fields in (dict(FIELDS), dict(BANDS, stack=2), dict(BANDS, patch_frames=4), dict(BANDS, deltas=1)):
        frontend = kapre.Frontend(kapre.Recipe(**fields))
        empty = frontend(np.zeros((2, 10), "float32"))
        assert to_numpy(frontend.invert(empty)).shape[0] == 2


def test_a_trace_gives_the_same() -> None:
    frontend = kapre.Frontend(kapre.Recipe(**dict(BANDS, stack=2, layout="band_first")))
    x = ops.convert_to_tensor(to_numpy(frontend(speech(2000)[None])))
    eager = to_numpy(frontend.invert(x, n_iter=3))
    traced = to_numpy(compiled(lambda given: frontend.invert(given, n_iter=3))(x))
    assert relative_error(traced, eager) <= 1e-3


@pytest.mark.parametrize(("size", "hop", "front"), [(4, 4, 0), (4, 2, 0), (3, 5, 0), (7, 6, 3)])
def test_joined_groups(size: int, hop: int, front: int) -> None:
    """The frames of groups come back in order. Those between two groups repeat the one before."""
    frames = np.arange(1.0, 41.0)[:, None]
    groups = 1 + (len(frames) - size) // hop
    cut = np.stack([frames[hop * k : hop * k + size] for k in range(groups)])[None]
    got = to_numpy(features.joined(ops.convert_to_tensor(cut), hop, front))[0, :, 0]
    covered = np.arange(front, (groups - 1) * hop + size)
    group = np.minimum(covered // hop, groups - 1)
    assert got.tolist() == (frames[group * hop + np.minimum(covered - group * hop, size - 1), 0]).tolist()


def test_trained_weights_are_inverted() -> None:
    """The inverse takes the bank of the layer, not that of its recipe."""
    frontend = kapre.Frontend(kapre.Recipe(**BANDS), trainable_filterbank=True, trainable_window=True)
    for weight in frontend.trainable_weights:
        weight.assign(weight + 0.3)
    assert relative_error(frontend.filterbank, frontend.recipe.bank) > 0.01
    assert error(frontend) <= 0.15


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_presets_without_an_inverse(name: str) -> None:
    frontend = kapre.Frontend.from_preset(name)
    features = frontend(np.zeros((1, 16000), "float32"))
    with pytest.raises(ValueError, match=f"cannot be inverted: {REFUSED[name]}.*recipe.replace"):
        frontend.invert(features)


def test_the_changes_that_the_error_names_have_an_inverse() -> None:
    changes: dict[str, dict[str, Any]] = {
        "microfrontend": dict(microfrontend=False, log="ln"),
        "musicgen_melody": dict(one_hot=False),
    }
    for name, fields in changes.items():
        assert not stages.without_way_back(preset(name).recipe.replace(**fields))
    leaf = kapre.Recipe(**dict(BANDS, log=None, pcen=True))
    assert [change for _, change in stages.without_way_back(leaf)] == ["pcen=False, log='ln'"]
    steep = kapre.Recipe(power=None, preemphasis=1.0)
    assert [change for _, change in stages.without_way_back(steep)] == ["preemphasis=0.97"]


def test_every_preset_says_what_is_lost() -> None:
    """Each sentence ends with a full stop. Only waveforms lose nothing."""
    for name in list_presets():
        recipe = preset(name).recipe
        sentences = stages.lost(recipe)
        assert all(sentence[0].isupper() or sentence[0].isdigit() for sentence in sentences)
        assert all(sentence.endswith(".") for sentence in sentences)
        if recipe.power is not None and recipe.transform == "dft":
            assert any("phases" in sentence for sentence in sentences)
        if recipe.normalize is not None:
            assert any("`mean`" in sentence for sentence in sentences)


def test_what_is_lost_in_words() -> None:
    frontend = kapre.Frontend.from_preset("speech2text")
    assert frontend.lost == [
        "The mean of each frame is lost.",
        "The phases are lost: Griffin-Lim estimates others.",
        "80 bands hold 257 bins, from 31 to 7969 Hz.",
        f"Values below {frontend.recipe.amin:g} are raised to it, and become silence.",
        "Each band's mean over the clip is not in the features: it is taken to be `mean`.",
        "Each band's deviation over the clip is not in the features: it is taken to be `deviation`.",
    ]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (dict(features=np.zeros((2, 5, 39), "float32")), r"of shape \(batch, time, 40\)"),
        (dict(features=np.zeros((5, 40), "float32")), "add the batch"),
        (dict(n_iter=-1), "n_iter"),
        (dict(momentum=2.0), "momentum"),
        (dict(bank_steps=1.5), "bank_steps"),
        (dict(mean=0.0), "does not normalise by a mean"),
        (dict(lengths=[1, 2]), "one number for each of 1 clips"),
    ],
)
def test_errors(settings: dict[str, Any], words: str) -> None:
    frontend = kapre.Frontend(kapre.Recipe(**BANDS))
    given = {"features": np.zeros((1, 5, 40), "float32"), **settings}
    with pytest.raises((ValueError, TypeError), match=words):
        frontend.invert(**given)
    with pytest.raises(ValueError, match="or 40 of them"):
        kapre.Frontend(frontend.recipe.replace(normalize="mean")).invert(np.zeros((1, 5, 40)), mean=[1.0, 2.0])


def test_back_holds_no_state_between_calls() -> None:
    """Two calls give the same, with a recipe whose stages leave notes for others."""
    frontend = kapre.Frontend(kapre.Recipe(**dict(BANDS, n_mfcc=13, energy="c0", fixed_frames=60)))
    found = frontend(speech(2000)[None])
    first, second = (to_numpy(frontend.invert(found, n_iter=1)) for _ in range(2))
    assert np.array_equal(first, second)
    assert Back(window=None).silent is None
