"""Augmentations of spectrograms against NumPy: maps of an axis by `np.interp`, gains, statistics and their laws."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import scipy.stats

import kapre
from kapre import augmentation as aug
from tests.augmentation.calls import drawn as changed
from tests.conftest import to_numpy

RNG = np.random.default_rng(3)
X = RNG.standard_normal((4, 60, 33, 2)).astype("float32")
LENGTHS = np.array([60, 41, 20, 0])


def warped(x: np.ndarray, point: float, shift: float) -> np.ndarray:
    """Warp the first axis: knots 0, `point + shift` and the last place come from 0, `point` and the last place."""
    last = len(x) - 1
    places = np.arange(len(x))
    sources = np.interp(places, [0.0, point + shift, last], [0.0, point, last])
    flat = x.reshape(len(x), -1)
    return np.stack([np.interp(sources, places, column) for column in flat.T], axis=-1).reshape(x.shape)


@pytest.mark.parametrize("lengths", [None, LENGTHS])
def test_time_warp(lengths: np.ndarray | None) -> None:
    layer = kapre.SpecAugment(0, 0, time_warp=10, seed=1)
    y, drawn = changed(layer, X, lengths=lengths)
    own = [60] * 4 if lengths is None else lengths
    for item, length in enumerate(own):
        shift, point = drawn["warp_shift"][item, 0], drawn["warp_point"][item, 0]
        right = X[item].astype("float64")
        if length >= 21:
            assert 10.0 <= point <= length - 11.0
            assert 0.0 < abs(shift) < 10.0
            right[:length] = warped(right[:length], point, shift)
        else:
            assert shift == 0.0
        np.testing.assert_allclose(y[item], right, rtol=0, atol=1e-4)
    np.testing.assert_array_equal(y[:, 0], X[:, 0])


def test_a_warp_of_a_ramp_has_two_slopes() -> None:
    ramp = np.broadcast_to(np.arange(200.0)[:, None, None], (1, 200, 3, 1)).astype("float32")
    y, drawn = changed(kapre.SpecAugment(0, 0, time_warp=40, seed=2), ramp)
    moved = float((drawn["warp_point"] + drawn["warp_shift"])[0, 0])
    slopes = np.diff(y[0, :, 0, 0])
    before, behind = slopes[: int(moved) - 1], slopes[int(moved) + 2 :]
    assert np.ptp(before) < 1e-3
    assert np.ptp(behind) < 1e-3
    assert abs(before.mean() - behind.mean()) > 1e-2
    assert (y[0, 0, 0, 0], y[0, -1, 0, 0]) == (0.0, 199.0)


def test_the_law_of_a_warp() -> None:
    x = np.zeros((4000, 100, 1, 1), "float32")
    _, drawn = changed(kapre.SpecAugment(0, 0, time_warp=20, seed=3), x)
    assert scipy.stats.kstest(drawn["warp_point"][:, 0], scipy.stats.uniform(20.0, 59.0).cdf).pvalue > 1e-3
    assert scipy.stats.kstest(drawn["warp_shift"][:, 0], scipy.stats.uniform(-20.0, 40.0).cdf).pvalue > 1e-3


def test_nan_stays_in_its_frames() -> None:
    """A frame that comes from one place alone takes nothing from the neighbour of that place."""
    x = np.ones((1, 50, 2, 1), "float32")
    x[0, 30] = np.nan
    layer = kapre.SpecAugment(0, 0, time_warp=5)
    drawn = {"warp_point": [[20.0]], "warp_shift": [[0.0]], "applied": [True]}
    drawn |= {f"{axis}_{end}": np.zeros((1, 1), "int32") for axis in ("freq", "time") for end in ("start", "end")}
    drawn = {name: np.asarray(value, None if name != "warp_point" else "float32") for name, value in drawn.items()}
    y = to_numpy(layer(x, training=True, parameters=drawn))
    np.testing.assert_array_equal(y, x)


@pytest.mark.parametrize("lengths", [None, np.array([500, 130, 24, 3] * 25)])
def test_shares_of_the_frames(lengths: np.ndarray | None) -> None:
    x = np.ones((100, 500, 2, 1), "float32")
    layer = kapre.SpecAugment(0, 0.04, n_time_masks=0.04, mask_value=-1.0, seed=4)
    _, drawn = changed(layer, x, lengths=lengths)
    widths = drawn["time_end"] - drawn["time_start"]
    own = np.full(100, 500) if lengths is None else lengths
    for item, length in enumerate(own):
        most = int(0.04 * length + 1e-6)
        assert widths[item].max() <= most
        assert (widths[item, min(most, 20) :] == 0).all()
        assert (drawn["time_end"][item] <= length).all()
    assert widths[own == 500].max() == 20
    assert (widths[own == 500] > 0).sum(axis=1).max() > 15


def test_a_limit_of_the_share() -> None:
    x = np.ones((500, 50, 2, 1), "float32")
    _, drawn = changed(kapre.SpecAugment(0, 40, max_time_share=0.2, seed=4), x)
    widths = (drawn["time_end"] - drawn["time_start"])[:, 0]
    assert scipy.stats.chisquare(np.bincount(widths, minlength=11)).pvalue > 1e-3
    assert widths.max() == 10


def test_policies_are_those_of_the_paper() -> None:
    of = {
        "LB": (80, 27, 1, 100, 1.0, 1),
        "LD": (80, 27, 2, 100, 1.0, 2),
        "SM": (40, 15, 2, 70, 0.2, 2),
        "SS": (40, 27, 2, 70, 0.2, 2),
    }
    for name, right in of.items():
        c = kapre.SpecAugment.policy(name, seed=1).get_config()
        found = [c["time_warp"], c["freq_mask_param"], c["n_freq_masks"]]
        assert (*found, c["time_mask_param"], c["max_time_share"], c["n_time_masks"]) == right
        assert c["seed"] == 1
    assert kapre.SpecAugment.policy("LB", time_warp=0).time_warp == 0
    with pytest.raises(ValueError, match="`name` must be one of"):
        kapre.SpecAugment.policy("LibriSpeech")


@pytest.mark.parametrize("lengths", [None, LENGTHS])
def test_the_mean_of_each_band(lengths: np.ndarray | None) -> None:
    layer = kapre.SpecAugment(0, 30, n_time_masks=2, mask_value="band_mean", seed=5)
    y, drawn = changed(layer, X, lengths=lengths)
    own = [60] * 4 if lengths is None else lengths
    for item, length in enumerate(own):
        mean = X[item, :length].mean(axis=(0, 2), keepdims=True)[0] if length else np.zeros((33, 1))
        hidden = np.zeros(60, bool)
        for start, end in zip(drawn["time_start"][item], drawn["time_end"][item], strict=True):
            hidden[start:end] = True
        right = np.where(hidden[:, None, None], mean, X[item])
        np.testing.assert_allclose(y[item], right, atol=1e-6)


@pytest.mark.parametrize("mode", ["edge", "roll", "constant"])
def test_frequency_shift(mode: Any) -> None:
    y, drawn = changed(aug.FrequencyShift(5, mode=mode, fill_value=-9.0, per_channel=True, seed=0), X)
    for item in range(4):
        for channel in range(2):
            shift = int(drawn["shift"][item, channel])
            right = np.roll(X[item, :, :, channel], shift, axis=-1)
            if mode != "roll" and shift:
                free = slice(None, shift) if shift > 0 else slice(shift, None)
                edge = X[item, :, : 1 if shift > 0 else None, channel][:, [0 if shift > 0 else -1]]
                right[:, free] = -9.0 if mode == "constant" else edge
            np.testing.assert_array_equal(y[item, :, :, channel], right)
    assert len(np.unique(drawn["shift"])) > 2


@pytest.mark.parametrize("table", [None, 700.0 * (np.exp(np.linspace(0.05, 2.45, 33)) - 1.0)])
def test_vtlp(table: np.ndarray | None) -> None:
    layer = aug.VTLP(16000, 0.8, 1.25, frequencies_hz=table, seed=0)
    y, drawn = changed(layer, X)
    frequencies = np.linspace(0.0, 8000.0, 33) if table is None else table
    fine = np.linspace(0.0, 8000.0, 400_001)
    for item in range(4):
        factor = float(drawn["factor"][item, 0])
        cut = 4800.0 * min(factor, 1.0)
        upper = 8000.0 - (8000.0 - cut) / (8000.0 - cut / factor) * (8000.0 - fine)
        forward = np.where(fine <= cut / factor, fine * factor, upper)
        sources = np.interp(frequencies, forward, fine)
        right = np.stack(
            [[np.interp(sources, frequencies, row) for row in X[item, :, :, c]] for c in range(2)], axis=-1
        )
        np.testing.assert_allclose(y[item], right, rtol=0, atol=2e-3)
    assert np.ptp(drawn["factor"]) > 0.05


@pytest.mark.parametrize(
    ("scale", "as_db"),
    [
        ("db", lambda x: x),
        ("ln", lambda x: 10.0 * x / np.log(10.0)),
        ("log10", lambda x: 10.0 * x),
        ("power", lambda x: 10.0 * np.log10(x)),
        ("magnitude", lambda x: 20.0 * np.log10(x)),
    ],
)
@pytest.mark.parametrize("kind", ["step", "linear"])
def test_filter_augment(kind: Any, scale: Any, as_db: Any) -> None:
    x = np.abs(X) + 0.1
    y, drawn = changed(aug.FilterAugment(kind=kind, scale=scale, seed=0), x)
    gain = as_db(y.astype("float64")) - as_db(x.astype("float64"))
    for item in range(4):
        edges, gains = drawn["boundaries"][item, 0], drawn["gain_db"][item, 0]
        right = np.zeros(33)
        for band, (start, end) in enumerate(pairwise(edges)):
            if end > start:
                linear = np.linspace(gains[band], gains[band + 1], end - start, endpoint=False)
                right[start:end] = gains[band] if kind == "step" else linear
        np.testing.assert_allclose(gain[item], np.broadcast_to(right[:, None], gain[item].shape), atol=2e-4)


def test_the_bands_of_filter_augment() -> None:
    x = np.zeros((4000, 1, 64, 1), "float32")
    _, drawn = changed(aug.FilterAugment(seed=1), x)
    widths = np.diff(drawn["boundaries"][:, 0])
    assert (widths.sum(axis=1) == 64).all()
    number = (widths > 0).sum(axis=1)
    assert scipy.stats.chisquare(np.bincount(number, minlength=7)[3:]).pvalue > 1e-3
    assert widths[widths > 0].min() == 6
    assert scipy.stats.kstest(drawn["gain_db"].ravel(), scipy.stats.uniform(-6.0, 12.0).cdf).pvalue > 1e-3
    first = widths[number == 3][:, :3].mean(axis=0)
    np.testing.assert_allclose(first, 64 / 3, atol=1.0)  # no band is wider than the others on average
    _, few = changed(aug.FilterAugment(6, 6, seed=1), x[:50, :, :13])
    widths = np.diff(few["boundaries"][:, 0])
    assert (widths.sum(axis=1) == 13).all()
    assert widths.min() == 2  # the bins do not suffice for 6


@pytest.mark.parametrize("lengths", [None, np.array([60, 41, 20, 1])])
def test_freq_mix_style(lengths: np.ndarray | None) -> None:
    layer = aug.FreqMixStyle(p=1.0, seed=0)
    y, drawn = changed(layer, 3.0 * X + 5.0, lengths=lengths)
    own = [60] * 4 if lengths is None else lengths
    x = 3.0 * X.astype("float64") + 5.0
    mean = [x[i, : own[i]].mean(axis=(0, 2)) for i in range(4)]
    deviation = [np.sqrt(x[i, : own[i]].var(axis=(0, 2)) + 1e-6) for i in range(4)]
    for i in range(4):
        j, share = int(drawn["partner"][i]), float(drawn["share"][i])
        right = x[i].copy()
        normal = (x[i, : own[i]] - mean[i][:, None]) / deviation[i][:, None]
        mixed = share * deviation[i] + (1.0 - share) * deviation[j]
        right[: own[i]] = normal * mixed[:, None] + (share * mean[i] + (1.0 - share) * mean[j])[:, None]
        np.testing.assert_allclose(y[i], right, atol=1e-4)


def test_the_law_of_freq_mix_style() -> None:
    _, drawn = changed(aug.FreqMixStyle(seed=0), np.zeros((2000, 1, 1, 1), "float32"))
    assert scipy.stats.kstest(drawn["share"], scipy.stats.beta(0.3, 0.3).cdf).pvalue > 1e-3
    assert sorted(drawn["partner"]) == list(range(2000))
    assert scipy.stats.binomtest(int(drawn["applied"].sum()), 2000, 0.7).pvalue > 1e-3


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (lambda: kapre.SpecAugment(1, 1.5), TypeError, "`time_mask_param` must be an integer"),
        (lambda: kapre.SpecAugment(1, 1, time_warp=-1), ValueError, "`time_warp` must be"),
        (lambda: kapre.SpecAugment(1, 1, max_time_share=1.5), ValueError, "`max_time_share` must be a share"),
        (lambda: aug.FrequencyShift(-1), ValueError, "`max_shift` must be"),
        (lambda: aug.FrequencyShift(1, mode="wrap"), ValueError, "`mode` must be one of"),
        (lambda: aug.VTLP(0), ValueError, "`sample_rate` must be a rate"),
        (lambda: aug.VTLP(16000, cutoff_hz=8000), ValueError, "`cutoff_hz` must be in Hz"),
        (lambda: aug.VTLP(16000, 1.1, 0.9), ValueError, "`min_factor` must be at most"),
        (lambda: aug.VTLP(16000, frequencies_hz=[1.0, 1.0]), ValueError, "each above the one before"),
        (lambda: aug.VTLP(16000, frequencies_hz="mel"), TypeError, "`frequencies_hz` must be"),
        (lambda: aug.VTLP(16000, frequencies_hz=[1.0, 2.0])(X), ValueError, "one frequency for each of 33 bins"),
        (lambda: aug.FilterAugment(4, 3), ValueError, "`min_bands` must be at most max_bands=3"),
        (lambda: aug.FilterAugment(kind="cubic"), ValueError, "`kind` must be one of"),
        (lambda: aug.FilterAugment(scale="mel"), ValueError, "`scale` must be one of"),
        (lambda: aug.FreqMixStyle(alpha=0.0), ValueError, "`alpha` must be a number above 0"),
    ],
)
def test_bad_arguments(make: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        make()
