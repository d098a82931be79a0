"""One row for every augmentation: how tests make it, what it takes, and the law of what it draws.

Every law of `tests/augmentation/test_laws.py` and the contract of `tests/test_layers.py` runs over the rows. A new
layer gets them by a row here, and needs its own comparison with a reference only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy.stats

import kapre
from kapre import augmentation as aug

Drawn = dict[str, np.ndarray]
BANK = np.random.default_rng(7).standard_normal((3, 70)) * np.array([[0.1], [1.0], [3.0]])
TIME = 10**6
"""Number of samples for which 10,000 draws are compared with their law: so many that integers are nearly continuous."""


def uniform(values: np.ndarray, low: float, high: float) -> float:
    """Return how probable values so far from a uniform law are (Kolmogorov and Smirnov)."""
    return float(scipy.stats.kstest(values.ravel(), scipy.stats.uniform(low, high - low).cdf).pvalue)


def equal(values: np.ndarray, low: int, high: int) -> float:
    """Return how probable integers so far from equal shares are (chi-square). 0 if one is out of range."""
    values = values.ravel().astype(int)
    if values.min() < low or values.max() > high:
        return 0.0
    return float(scipy.stats.chisquare(np.bincount(values - low, minlength=high - low + 1)).pvalue)


@dataclass(frozen=True)
class Augmentation:
    """How to make a layer with arguments by which tests can see it, and the law of its draws at its defaults."""

    make: Callable[..., Any]
    law: Callable[[Drawn], list[float]]
    """The probabilities of 10,000 draws of three channels and `TIME` samples, for a layer without other arguments."""
    takes: Literal["waveform", "spectrogram"] = "waveform"
    default: Callable[..., Any] | None = None
    """How to make it with its defaults, if that is not `make`."""
    takes_p: bool = True
    takes_per_channel: bool = True
    keeps_time: bool = True
    is_one_way: bool = False
    """Whether there is only one way to change an example, so that draws differ in `applied` alone."""
    changes_silence: bool = False
    mixes_examples: bool = False
    """Whether an example of the output depends on other examples."""
    mixes_channels: bool = False
    """Whether a channel of the output depends on other channels, with `per_channel` too."""
    rounding: float = 1e-6
    """How far two programs may lie apart, as a fraction of the peak."""


def _dropped(drawn: Drawn) -> list[float]:
    there = drawn["chunk_samples"] > 0
    assert (drawn["start"] + drawn["chunk_samples"] <= TIME).all()
    assert (there[..., 0] >= there[..., 1]).all()
    first, start = drawn["chunk_samples"][..., 0], drawn["start"][..., 0]
    return [
        equal(there.sum(axis=-1), 1, 3),
        uniform(first / TIME, 0.01, 0.1),
        uniform(start / (TIME - first), 0.0, 1.0),
    ]


def _masked(drawn: Drawn) -> list[float]:
    return [equal(drawn[f"{axis}_end"] - drawn[f"{axis}_start"], 0, most) for axis, most in (("freq", 5), ("time", 3))]


def _orders(order: np.ndarray) -> float:
    """Return how probable the shares of the six orders of three channels are."""
    _, counts = np.unique(order, axis=0, return_counts=True)
    return float(scipy.stats.chisquare(counts).pvalue) if len(counts) == 6 else 0.0


AUGMENTATIONS: dict[str, Augmentation] = {
    "ChannelSwap": Augmentation(
        lambda **k: kapre.ChannelSwap(**k),
        lambda drawn: [_orders(drawn["order"])],
        takes="spectrogram",
        takes_per_channel=False,
        mixes_channels=True,
    ),
    "SpecAugment": Augmentation(
        lambda **k: kapre.SpecAugment(5, 3, **k),
        _masked,
        takes="spectrogram",
        takes_per_channel=False,
    ),
    "SpecAugment, warp": Augmentation(
        lambda **k: kapre.SpecAugment(0, 0.1, n_time_masks=0.02, time_warp=10, max_time_share=0.05, **k),
        lambda drawn: [
            uniform(drawn["warp_point"], 10.0, 89.0),
            uniform(drawn["warp_shift"], -10.0, 10.0),
            equal(drawn["time_end"][:, 0] - drawn["time_start"][:, 0], 0, 5),
        ],
        takes="spectrogram",
        takes_per_channel=False,
        rounding=3e-5,  # float32 has steps of 1.5e-5 at frame 200
    ),
    "FrequencyShift": Augmentation(
        lambda **k: aug.FrequencyShift(3, **k), lambda drawn: [equal(drawn["shift"], -3, 3)], takes="spectrogram"
    ),
    "VTLP": Augmentation(
        lambda **k: aug.VTLP(16000, **k), lambda drawn: [uniform(drawn["factor"], 0.9, 1.1)], takes="spectrogram"
    ),
    "FilterAugment": Augmentation(
        lambda **k: aug.FilterAugment(min_bandwidth=1, kind="linear", scale="power", **k),
        lambda drawn: [
            uniform(drawn["gain_db"], -6.0, 6.0),
            equal((np.diff(drawn["boundaries"]) > 0).sum(axis=-1), 3, 6),
        ],
        takes="spectrogram",
    ),
    "FreqMixStyle": Augmentation(
        lambda **k: aug.FreqMixStyle(**{"p": 1.0, **k}),
        lambda drawn: [float(scipy.stats.kstest(drawn["share"], scipy.stats.beta(0.3, 0.3).cdf).pvalue)],
        default=lambda **k: aug.FreqMixStyle(**k),
        takes="spectrogram",
        takes_per_channel=False,
        mixes_examples=True,
        mixes_channels=True,
    ),
    "RandomGain": Augmentation(lambda **k: aug.RandomGain(**k), lambda drawn: [uniform(drawn["gain_db"], -12.0, 12.0)]),
    "PolarityInversion": Augmentation(
        lambda **k: aug.PolarityInversion(**{"p": 1.0, **k}),
        lambda drawn: [equal(drawn["applied"], 0, 1)],
        default=lambda **k: aug.PolarityInversion(**k),
        takes_per_channel=False,
        is_one_way=True,
    ),
    "TimeInversion": Augmentation(
        lambda **k: aug.TimeInversion(**{"p": 1.0, **k}),
        lambda drawn: [equal(drawn["applied"], 0, 1)],
        default=lambda **k: aug.TimeInversion(**k),
        takes_per_channel=False,
        is_one_way=True,
    ),
    "RandomShift": Augmentation(
        lambda **k: aug.RandomShift(**k), lambda drawn: [uniform(drawn["shift_samples"] / TIME, -0.5, 0.5)]
    ),
    "RandomShift, zeros": Augmentation(
        lambda **k: aug.RandomShift(-0.01, 0.02, "seconds", rollover=False, sample_rate=1000.0, **k),
        lambda drawn: [equal(drawn["shift_samples"][np.abs(drawn["shift_samples"] - 5) < 15], -9, 19)],
    ),
    "RandomCrop": Augmentation(
        lambda **k: aug.RandomCrop(50, **k),
        lambda drawn: [uniform(drawn["start"] / (TIME - 50), 0.0, 1.0)],
        takes_p=False,
        takes_per_channel=False,
        keeps_time=False,
    ),
    "Fade": Augmentation(
        lambda **k: aug.Fade(fade_shape="half_sine", **k),
        lambda drawn: [uniform(drawn[f"fade_{end}_samples"] / TIME, 0.0, 0.25) for end in ("in", "out")],
    ),
    "AddNoise": Augmentation(
        lambda **k: aug.AddNoise(BANK, **k),
        lambda drawn: [
            uniform(drawn["snr_db"], 3.0, 30.0),
            equal(drawn["index"], 0, 2),
            equal(drawn["offset"], 0, 69),
        ],
    ),
    "AddColoredNoise": Augmentation(
        lambda **k: aug.AddColoredNoise(**k),
        lambda drawn: [
            uniform(drawn["snr_db"], 3.0, 30.0),
            uniform(drawn["psd_exponent"], -2.0, 2.0),
            uniform(drawn["key"][..., 0], 0, 2**31),
            uniform(drawn["key"][..., 1], 0, 2**31),
        ],
    ),
    "RandomFilter": Augmentation(
        lambda **k: aug.RandomFilter(16000, **k),
        lambda drawn: [
            equal(drawn["kind"], 0, 6),
            uniform(drawn["q"], 0.5, 2.0),
            uniform(drawn["gain_db"], -12.0, 12.0),
            uniform(np.log(drawn["frequency_hz"][drawn["kind"] == 0]), np.log(150.0), np.log(7200.0)),
            uniform(np.log(drawn["frequency_hz"][drawn["kind"] == 1]), np.log(20.0), np.log(2400.0)),
        ],
    ),
    "RandomEqualizer": Augmentation(
        lambda **k: aug.RandomEqualizer(16000, **k),
        lambda drawn: [uniform(drawn["gain_db"][..., band], -12.0, 12.0) for band in range(6)],
    ),
    "Reverb": Augmentation(
        lambda **k: aug.Reverb(16000, min_t60_seconds=0.005, max_t60_seconds=0.01, **k),
        lambda drawn: [
            uniform(drawn["t60_seconds"], 0.15, 0.8),
            uniform(drawn["direct_to_reverberant_db"], -6.0, 18.0),
            uniform(drawn["key"][..., 0], 0, 2**31),
        ],
        default=lambda **k: aug.Reverb(16000, **k),
    ),
    "PitchShift": Augmentation(
        lambda **k: aug.PitchShift([-3, 2, 4], n_fft=32, **k),
        lambda drawn: [equal(drawn["index"], 0, 4)],
        default=lambda **k: aug.PitchShift(**k),
        takes_per_channel=False,
    ),
    "Telephone": Augmentation(
        lambda **k: aug.Telephone(16000, **{"p": 1.0, **k}),
        lambda drawn: [equal(drawn["applied"], 0, 1)],
        default=lambda **k: aug.Telephone(16000, **k),
        takes_per_channel=False,
        is_one_way=True,
    ),
    "Clipping": Augmentation(lambda **k: aug.Clipping(**k), lambda drawn: [uniform(drawn["percent"], 0.0, 40.0)]),
    "SoftClip": Augmentation(lambda **k: aug.SoftClip(**k), lambda drawn: [uniform(drawn["drive_db"], 0.0, 20.0)]),
    "BitCrush": Augmentation(lambda **k: aug.BitCrush(**k), lambda drawn: [equal(drawn["bits"], 5, 10)]),
    "DropChunk": Augmentation(lambda **k: aug.DropChunk(**k), _dropped),
    "ChannelDrop": Augmentation(
        lambda **k: aug.ChannelDrop(**k),
        lambda drawn: [equal((~drawn["kept"]).argmax(axis=1), 0, 2) if (drawn["kept"].sum(axis=1) == 2).all() else 0.0],
        takes="spectrogram",
        takes_per_channel=False,
    ),
}
