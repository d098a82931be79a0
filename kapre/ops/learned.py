"""Filters whose parameters are tensors: band-passes, Gabor filters and Gaussian averages."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from keras import ops

from kapre.ops import filterbanks, frames
from kapre.ops.convolution import fft_convolve
from kapre.ops.counts import num_frames
from kapre.ops.fourier import constant, is_empty
from kapre.ops.kernels import active as kernel
from kapre.ops.kernels import current

GABOR_WIDTH = math.sqrt(2.0 * math.log(2.0)) / math.pi
"""The product of a Gaussian's deviation in time and the whole width, in cycles, of its response at half its peak."""

_BY_SPECTRA = 32
"""From how many taps for each sample between frames on spectra are faster than frames (measured on PyTorch)."""


def band_pass_start(
    filters: int, sample_rate: float, min_low_hz: float, min_band_hz: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return where the lower edges and the widths of band-passes start, in Hz, beyond their smallest values.

    They are the values of a grid of `filters + 1` frequencies that are equally far apart in mel, and its differences.
    """
    low, high = filterbanks.hz_to_mel([min_low_hz, sample_rate / 2.0 - min_low_hz - min_band_hz], htk=True)
    grid = filterbanks.mel_to_hz(np.linspace(low, high, filters + 1), htk=True)
    return grid[:-1], np.diff(grid)


def band_passes(low: Any, high: Any, size: int) -> Any:
    """Return the taps `(size, filters)` of band-passes: a difference of two sinc functions under a Hamming window.

    `low` and `high` are tensors `(filters,)`, in cycles per sample. The tap in the middle is 1. `size` is odd.
    """
    steps, window, middle = _steps(size)
    turned = constant(steps, low)
    taps = (kernel.sin(turned * high) - kernel.sin(turned * low)) / (turned * (high - low))
    taps = ops.where(kernel.constant(middle, "bool", low), ops.ones_like(taps), taps)
    return taps * constant(window, low)


@lru_cache(maxsize=16)
def _steps(size: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return 2π times the number of each tap (1 for the one in the middle), the window, and which is in the middle."""
    numbers = np.arange(size)[:, None] - size // 2
    middle = numbers == 0
    return 2.0 * np.pi * np.where(middle, 1, numbers), np.hamming(size)[:, None], middle


@lru_cache(maxsize=16)
def _centred(size: int) -> np.ndarray:
    """Return the distance of each tap from the middle in samples, `(size, 1)`."""
    return np.arange(size)[:, None] - 0.5 * (size - 1)


@lru_cache(maxsize=16)
def _places(size: int) -> np.ndarray:
    """Return the distance of each tap from the middle as a fraction of the largest, `(size, 1)`."""
    return _centred(size) / max(0.5 * (size - 1), 1.0)


def gabor_start(
    filters: int, size: int, sample_rate: float, f_min: float, f_max: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return where the frequencies, in radians per sample, and the deviations, in samples, of Gabor filters start.

    The peak of the response of each filter, and its width at half of the peak, are those of a triangle of a mel bank.
    """
    corners = filterbanks.mel_points(filters, f_min, f_max, htk=True)
    centres = 2.0 * np.pi * corners[1:-1] / sample_rate
    deviations = GABOR_WIDTH * sample_rate / (0.5 * (corners[2:] - corners[:-2]))
    return centres, np.clip(deviations, *gabor_deviations(size))


def gabor_deviations(size: int) -> tuple[float, float]:
    """Return the smallest and the largest deviation of a Gabor filter of `size` taps, in samples."""
    return 4.0 * GABOR_WIDTH, max(4.0, size) * GABOR_WIDTH


def gabor_filters(centres: Any, deviations: Any, size: int) -> tuple[Any, Any]:
    """Return the real and the imaginary taps, each `(size, filters)`: `exp(-t² / 2σ²) exp(jηt) / (sqrt(2π) σ)`.

    `centres` η are in radians per sample and `deviations` σ in samples, both `(filters,)`.
    """
    steps = constant(_centred(size), centres)
    envelope = ops.exp(-0.5 * ops.square(steps / deviations)) / (math.sqrt(2.0 * math.pi) * deviations)
    return envelope * kernel.cos(steps * centres), envelope * kernel.sin(steps * centres)


def gaussian_averages(deviations: Any, size: int) -> Any:
    """Return the taps `(size, filters)` of Gaussians whose largest is 1.

    `deviations`, `(filters,)`, are fractions of half the number of taps less one.
    """
    return ops.exp(-0.5 * ops.square(constant(_places(size), deviations) / deviations))


def correlated(x: Any, taps: Sequence[Any], hop: int) -> tuple[Any, ...]:
    """Correlate `(..., time)` with each column of each `(size, columns)`, `hop` apart: `(..., frames, columns)`.

    Long taps close together are products of spectra, and others products of frames.
    """
    found = current().correlated(x, taps, hop)
    if found is not None:
        return tuple(found)
    size, length = taps[0].shape[0], x.shape[-1]
    if size >= _BY_SPECTRA * hop and not is_empty(x):
        return _by_spectra(x, taps, hop)
    count = num_frames(length, size, hop) if isinstance(length, int) else None
    if count and not is_empty(x):
        return kernel.over_frames(_products, x, size, hop, count, taps)
    return _products(frames.frame(x, size, hop), *taps)  # none, or of an unknown number


def _by_spectra(x: Any, taps: Sequence[Any], hop: int) -> tuple[Any, ...]:
    rows = ops.flip(ops.transpose(ops.concatenate(list(taps), axis=1)), axis=1)
    y = ops.swapaxes(fft_convolve(ops.expand_dims(x, -2), rows, "valid"), -1, -2)
    y = y if hop == 1 else kernel.part(y, 0, 0, axis=-2, step=hop)
    columns = [one.shape[1] for one in taps]
    ends = np.cumsum(columns).tolist()
    return tuple(y[..., end - one : end] for end, one in zip(ends, columns, strict=True))


def _products(framed: Any, *taps: Any) -> tuple[Any, ...]:
    return tuple(kernel.dot(framed, one) for one in taps)


def averaged(x: Any, taps: Any, hop: int) -> Any:
    """Correlate each band of `(..., time, bands)` with its own column of `(size, bands)`, `hop` apart.

    Return `(..., frames, bands)`.
    """
    size, time = taps.shape[0], x.shape[-2]
    if time is not None and num_frames(time, size, hop) == 0:
        return x[..., :0, :]
    return current().averaged(x, taps, hop)
