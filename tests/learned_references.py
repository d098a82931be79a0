"""Learned front ends as their papers state them, in NumPy float64."""

from __future__ import annotations

import numpy as np


def correlation(x: np.ndarray, taps: np.ndarray, hop: int) -> np.ndarray:
    """Return `(batch, frames, filters)` of samples `(batch, time)` and taps `(size, filters)`."""
    size = len(taps)
    if x.shape[-1] < size:
        return np.zeros((len(x), 0, taps.shape[1]), taps.dtype)
    found: np.ndarray = np.lib.stride_tricks.sliding_window_view(x, size, axis=-1)[:, ::hop] @ taps
    return found


def sinc(x: np.ndarray, low: np.ndarray, high: np.ndarray, rate: float, size: int, hop: int) -> np.ndarray:
    """SincNet: differences of sinc functions between edges in Hz, under a Hamming window."""
    t = (np.arange(size)[:, None] - size // 2) / rate
    both = 2.0 * high * np.sinc(2.0 * high * t) - 2.0 * low * np.sinc(2.0 * low * t)
    return correlation(x, both / (2.0 * (high - low)) * np.hamming(size)[:, None], hop)


def energies(
    x: np.ndarray, centre: np.ndarray, bandwidth: np.ndarray, average: np.ndarray, rate: float, size: int, hop: int
) -> np.ndarray:
    """LEAF without PCEN: Gabor filters of centres and widths at half of the peak in Hz, squared and averaged."""
    t = np.arange(size)[:, None] - size // 2
    sigma = np.sqrt(2.0 * np.log(2.0)) / (np.pi * bandwidth / rate)
    gabor = np.exp(-(t**2) / (2.0 * sigma**2) + 2j * np.pi * centre / rate * t) / (np.sqrt(2.0 * np.pi) * sigma)
    window = np.exp(-0.5 * (t / (0.5 * average * (size - 1))) ** 2)
    power = np.abs(correlation(np.pad(x, [(0, 0), (size // 2, size // 2)]), gabor, 1)) ** 2
    power = np.pad(power, [(0, 0), (size // 2, size // 2), (0, 0)])
    rows = [(power[:, i : i + size] * window).sum(axis=1) for i in range(0, x.shape[1], hop)]
    return np.maximum(np.stack(rows, axis=1), 1e-5)


def pcen(
    x: np.ndarray,
    gain: np.ndarray,
    bias: np.ndarray,
    power: np.ndarray,
    smoothing: np.ndarray,
    epsilon: float,
    start: str,
) -> np.ndarray:
    """PCEN of energies `(batch, frames, bands)`, frame by frame."""
    level = np.ones_like(x[:, 0]) if start == "unit" else x[:, 0]
    found = []
    for frame in np.moveaxis(x, 1, 0):
        level = (1.0 - smoothing) * level + smoothing * frame
        found.append((frame / (epsilon + level) ** gain + bias) ** power - bias**power)
    return np.stack(found, axis=1)
