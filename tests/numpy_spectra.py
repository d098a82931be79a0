"""A recipe's spectra and their slopes in NumPy, float64, frame by frame: what the kernels' blocks are held against."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

import kapre


@dataclass
class Spectra:
    """Bands `(items, frames, bands)`, or with an axis of chunks, energies `(..., 1)` or None, and what they are of."""

    bands: np.ndarray
    energy: np.ndarray | None
    by_samples: np.ndarray
    by_window: np.ndarray
    by_bank: np.ndarray | None


@lru_cache(maxsize=4)
def _turned(n_fft: int) -> np.ndarray:
    """Return the matrix of the DFT, `(bins, n_fft)`."""
    matrix: np.ndarray = np.exp(-2j * np.pi / n_fft * np.outer(np.arange(n_fft // 2 + 1), np.arange(n_fft)))
    return matrix


def _places(recipe: kapre.Recipe, time: int) -> np.ndarray:
    """Return the sample that stands at each place of each frame; `time` is that of a zero."""
    length, hop = recipe.cut
    last = time - 1 if recipe.pad_end else time - length
    starts = list(range(0, last + 1, hop))
    starts = starts[: len(starts) - recipe.drop_last] if recipe.drop_last else starts
    places = np.array([start + np.arange(length) for start in starts]).reshape(-1, length)
    if recipe.chunk_length is not None:
        places = np.pad(places, [(0, 0), (0, recipe.chunk_pad)], "reflect")
        inner = range(0, places.shape[1] - recipe.frame_length + 1, recipe.hop_length)
        places = np.stack([places[:, start : start + recipe.frame_length] for start in inner], 1)
    return np.minimum(places, time)


def spectra(recipe: kapre.Recipe, x: np.ndarray) -> Spectra:
    """Compute bands of padded samples `(items, time)`, and the slopes of the sum of their squares."""
    places = _places(recipe, x.shape[1])
    framed = np.pad(x.astype("float64"), [(0, 0), (0, 1)])[:, places]
    size, n_fft = recipe.frame_length, recipe.n_fft
    centring = np.eye(size) - (1.0 / size if recipe.remove_dc else 0.0)
    emphasis = np.eye(size)
    if recipe.preemphasis and recipe.preemphasis_over == "frame":
        emphasis -= recipe.preemphasis * np.eye(size, k=1)
        emphasis[0, 0] -= recipe.preemphasis * (recipe.preemphasis_first == "first")
    centred = framed @ centring
    emphasized = centred @ emphasis
    window = recipe.analysis_window
    z = np.fft.rfft(emphasized * window, n_fft)
    power = np.abs(z) ** 2
    raised = recipe.magnitude_epsilon_by == "max"
    under_root = (np.maximum if raised else np.add)(power, recipe.magnitude_epsilon)
    values = power if recipe.power == 2.0 else np.sqrt(under_root)
    bands = values if recipe.bank is None else values @ recipe.bank
    y, by_bands = _logarithm(recipe, bands)
    by_bands = 2.0 * y * by_bands
    by_values = by_bands if recipe.bank is None else by_bands @ recipe.bank.T
    by_power = by_values if recipe.power == 2.0 else by_values * 0.5 / np.where(values > 0.0, values, np.inf)
    by_power = by_power * (power >= recipe.magnitude_epsilon) if raised else by_power
    turned = _turned(n_fft)[:, : min(size, n_fft)]
    by_windowed = np.zeros_like(framed)
    by_windowed[..., :n_fft] = 2.0 * ((by_power * z.conj()) @ turned).real
    by_centred = (by_windowed * window) @ emphasis.T
    energy = None
    if recipe.energy is not None:
        least = max(np.finfo("float32").eps, recipe.energy_floor)
        total = np.sum(centred**2, axis=-1, keepdims=True)
        energy = np.log(np.maximum(total, least))
        by_centred += 2.0 * energy * (total > least) * 2.0 * centred / np.maximum(total, least)
    by_samples = np.zeros((len(x), x.shape[1] + 1))
    np.add.at(by_samples, (slice(None), places), by_centred @ centring.T)
    rows = tuple(range(framed.ndim - 1))
    by_bank = None if recipe.bank is None else np.tensordot(values, by_bands, (rows, rows))
    return Spectra(y, energy, by_samples[:, :-1], np.sum(by_windowed * emphasized, axis=rows), by_bank)


def _logarithm(recipe: kapre.Recipe, bands: np.ndarray) -> tuple[np.ndarray, Any]:
    """Return the logarithm of bands, and its slope."""
    if recipe.log is None:
        return bands, 1.0
    added = recipe.amin_by == "add"
    inner = bands + recipe.amin if added else np.maximum(bands, recipe.amin)
    scale = {"ln": 1.0, "log10": 1.0 / np.log(10.0), "db": 10.0 / np.log(10.0)}[recipe.log]
    y = scale * np.log(inner)
    if recipe.log == "db":
        y = y - scale * np.log(max(recipe.amin, 1.0 if recipe.ref_value == "max" else recipe.ref_value))
    return y, scale / inner * (added | (bands >= recipe.amin))
