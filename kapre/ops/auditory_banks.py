"""Gammatone and chroma banks over the bins of a real DFT, in NumPy float64; see `filterbanks`."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from kapre._checks import message, number, positive_int
from kapre.ops.filterbanks import bin_frequencies, check_range

# Glasberg and Moore (1990): the equivalent rectangular bandwidth is f / _EAR_Q + _LEAST_BANDWIDTH, in Hz.
_EAR_Q = 9.26449
_LEAST_BANDWIDTH = 24.7
LOWEST_HZ = 50.0
"""The default of `f_min` for a gammatone bank: its lowest centre."""
_A4_HZ = 440.0
_C_FROM_A = 9
"""Number of semitones from C up to A."""


def check_gammatone(sample_rate: float, n_bins: Any, f_min: Any, f_max: Any) -> dict[str, Any]:
    """Return the arguments of the gammatone bank in canonical form, or raise."""
    n_bins = positive_int("n_bins", n_bins, "64 bands are usual.")
    return dict(n_bins=n_bins, **check_range(sample_rate, f_min, f_max, LOWEST_HZ))


def gammatone_centres(n_bins: int, f_min: float, f_max: float) -> np.ndarray:
    """Return the centres in Hz, equally far apart on the scale of equivalent rectangular bandwidths.

    The lowest is `f_min`. The highest is one step below `f_max`.
    """
    offset = _EAR_Q * _LEAST_BANDWIDTH
    steps = np.arange(n_bins, 0, -1) / n_bins
    low, high = np.log(f_min + offset), np.log(f_max + offset)
    centres: np.ndarray = np.exp(high + steps * (low - high)) - offset
    return centres


@lru_cache(maxsize=32)
def gammatone(
    sample_rate: float, n_freq: int, n_bins: int, f_min: float, f_max: float, dtype: str = "float64", odd: bool = False
) -> np.ndarray:
    """Return the magnitude of Slaney's gammatone filters at each bin, 1 at the centre of a band: `(n_freq, n_bins)`.

    Each filter is a cascade of four sections of second order (Slaney, 1993, An Efficient Implementation of the
    Patterson-Holdsworth Auditory Filter Bank). The sections have the same poles and four different zeros.
    """
    centre = 2.0 * np.pi * gammatone_centres(n_bins, f_min, f_max) / sample_rate
    width = gammatone_centres(n_bins, f_min, f_max) / _EAR_Q + _LEAST_BANDWIDTH
    radius = np.exp(-1.019 * 2.0 * np.pi * width / sample_rate)
    pole = radius * np.exp(1j * centre)
    slopes = [sign * np.sqrt(3.0 + by * 2.0**1.5) for by in (1.0, -1.0) for sign in (1.0, -1.0)]
    zeros = [radius * (np.cos(centre) + slope * np.sin(centre)) for slope in slopes]

    def response(z: np.ndarray) -> np.ndarray:
        found = np.ones(np.broadcast_shapes(z.shape, centre.shape))
        for zero in zeros:
            found = found * np.abs(z - zero) / np.abs((z - pole) * (z - pole.conj()))
        return found

    places = np.exp(2j * np.pi * bin_frequencies(sample_rate, n_freq, odd) / sample_rate)
    bank = (response(places[:, None]) / response(np.exp(1j * centre))).astype(dtype)
    bank.setflags(write=False)
    return bank


def check_chroma(sample_rate: float, n_chroma: Any, tuning: Any) -> dict[str, Any]:
    """Return the arguments of the chroma bank in canonical form, or raise."""
    n_chroma = positive_int("n_chroma", n_chroma, "12 gives semitones.")
    remedy = "Use 0.0 for A4 = 440 Hz."
    found = number("tuning", tuning, remedy)
    if abs(found) > 10.0 * n_chroma:  # ten octaves, beyond which there is no sound
        raise ValueError(message("tuning", f"from {-10 * n_chroma} to {10 * n_chroma} bins", found, remedy))
    return dict(n_chroma=n_chroma, tuning=found)


def chroma_centres(n_chroma: int, tuning: float) -> np.ndarray:
    """Return the pitch of each class in the octave from C4, in Hz."""
    steps = np.arange(n_chroma) + tuning - n_chroma * _C_FROM_A / 12.0
    centres: np.ndarray = _A4_HZ * 2.0 ** (steps / n_chroma)
    return centres


@lru_cache(maxsize=32)
def chroma(
    sample_rate: float,
    n_freq: int,
    n_chroma: int = 12,
    tuning: float = 0.0,
    dtype: str = "float64",
    odd: bool = False,
) -> np.ndarray:
    """Return weights from bins to pitch classes, the first of which is C: `(n_freq, n_chroma)`.

    A bin belongs to the classes around its own pitch, by a Gaussian as wide as the bin (Ellis, 2007, Chroma Feature
    Analysis and Synthesis). The weights of each bin have a norm of 1, times a Gaussian over the octaves around the
    fifth, two octaves wide. The numbers are those of `librosa.filters.chroma` with its defaults.
    """
    n_fft = 2 * n_freq - 1 if odd else 2 * (n_freq - 1)
    hz = np.arange(1, n_freq + 1) * sample_rate / n_fft  # one bin more, to know how wide the last one is
    octaves = np.log2(hz / (_A4_HZ * 2.0 ** (tuning / n_chroma) / 16.0))
    classes = n_chroma * np.concatenate([[octaves[0] - 1.5], octaves])  # the bin of 0 Hz, far below the first
    width = np.maximum(np.diff(classes), 1.0)
    classes = classes[:n_freq]
    half = np.round(n_chroma / 2.0)
    distance = np.remainder(classes[:, None] - np.arange(n_chroma) + half + 10 * n_chroma, n_chroma) - half
    bank = np.exp(-0.5 * (2.0 * distance / width[:n_freq, None]) ** 2)
    bank = bank / np.sqrt(np.sum(bank**2, axis=1, keepdims=True))
    bank = bank * np.exp(-0.5 * ((classes / n_chroma - 5.0) / 2.0) ** 2)[:, None]
    bank = np.ascontiguousarray(np.roll(bank, -3 * (n_chroma // 12), axis=1)).astype(dtype)
    bank.setflags(write=False)
    return bank
