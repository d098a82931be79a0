"""Descriptors of music: pitch classes, tonal centroids, pitch, and the MDCT; see `kapre.ops.descriptors`."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from keras import ops

from kapre.ops import fourier, frames
from kapre.ops.descriptors import Descriptor, autocorrelation, divisor, is_silent, relative
from kapre.ops.kernels import active as kernel
from kapre.ops.windows import window


def normalized(x: Any, norm: float | None) -> Any:
    """Divide the last axis by its largest value (infinity), or by its sum (1) or root of squares (2).

    The values are 0 or above. What is silent stays so.
    """
    if norm is None:
        return x
    x = relative(x)
    if norm == 1.0:
        return x / divisor(ops.sum(x, axis=-1, keepdims=True))
    x = x / divisor(ops.top_k(x, 1)[0])
    return x if norm == math.inf else x / divisor(kernel.root(ops.sum(ops.square(x), axis=-1, keepdims=True)))


@dataclass(frozen=True)
class Chroma(Descriptor):
    """Normalise the energies of pitch classes."""

    n_chroma: int
    norm: float | None = math.inf

    @property
    def entries(self) -> int:
        return self.n_chroma

    def __call__(self, x: Any, valid: Any = None) -> Any:
        return normalized(x, self.norm)


def tonal_matrix(n_chroma: int) -> np.ndarray:
    """Return the projection of pitch classes on circles of fifths, minor and major thirds: `(n_chroma, 6)`."""
    steps = np.arange(n_chroma) * 12.0 / n_chroma
    columns = []
    for interval, radius in ((7.0 / 6.0, 1.0), (3.0 / 2.0, 1.0), (2.0 / 3.0, 0.5)):
        angle = np.pi * interval * steps
        columns += [radius * np.sin(angle), radius * np.cos(angle)]
    return np.stack(columns, axis=1)


@dataclass(frozen=True)
class Tonnetz(Descriptor):
    """Project pitch classes, normalised to a sum of 1, on the six tonal centroids."""

    n_chroma: int

    @property
    def entries(self) -> int:
        return 6

    def __call__(self, x: Any, valid: Any = None) -> Any:
        return kernel.dot(normalized(x, 1.0), fourier.constant(tonal_matrix(self.n_chroma), x))


@dataclass(frozen=True)
class Yin(Descriptor):
    """Estimate the pitch of frames of samples, and how aperiodic they are."""

    sample_rate: float
    frame_length: int
    least: int
    most: int
    threshold: float
    of_samples = True

    @property
    def entries(self) -> int:
        return 2

    def __call__(self, x: Any, valid: Any = None) -> Any:
        x = x - ops.sum(x, axis=-1, keepdims=True) / float(self.frame_length)  # the differences do not depend on it
        x = relative(x)
        lags = self.most + 2  # a neighbour on either side of each candidate
        products = autocorrelation(x, lags)
        sums = kernel.cumsum(ops.square(x), axis=-1)
        total = sums[..., -1:]
        before = frames.pad(sums, 1, 0)[..., :lags]  # the energy of the first samples
        until = ops.flip(sums[..., self.frame_length - lags :], axis=-1)  # of all but the last 0, 1, … samples
        difference = (until - products) + (total - before - products)
        difference = kernel.at_least(difference[..., 1:], 0.0)  # lag 0 has none
        mean = kernel.cumsum(difference, axis=-1) / fourier.constant(np.arange(1.0, lags), x)
        accuracy = float(np.finfo(keras.backend.standardize_dtype(x.dtype)).eps)
        silent = ops.logical_or(mean <= 16.0 * accuracy * total, is_silent(mean))  # rounding of the products alone
        ratio = ops.where(silent, ops.ones_like(mean), difference / ops.where(silent, ops.ones_like(mean), mean))
        return self._chosen(ratio)

    def _chosen(self, ratio: Any) -> Any:
        """Return pitch and aperiodicity for the normalised differences at the lags from 1 on."""
        first = self.least - 1
        here = ratio[..., first : self.most]
        left = ratio[..., first - 1 : self.most - 1]
        right = ratio[..., first + 1 : self.most + 1]
        dip = ops.logical_and(ops.logical_and(here < left, here <= right), here < self.threshold)
        places = np.arange(self.most - first)
        order = fourier.constant(places[::-1].astype("float64") + 1.0, ratio)
        earliest = ops.argmax(ops.where(dip, order, ops.zeros_like(here)), axis=-1)
        lowest = ops.argmin(ops.stop_gradient(here), axis=-1)
        found = ops.any(dip, axis=-1)
        place = ops.where(found, ops.cast(earliest, "int32"), ops.cast(lowest, "int32"))
        each = kernel.constant(places, "int32", ratio)
        chosen = ops.cast(ops.equal(ops.expand_dims(place, -1), each), ratio.dtype)
        low, middle, high = (ops.sum(chosen * part, axis=-1) for part in (left, here, right))
        curve = low - 2.0 * middle + high
        flat = curve <= 1e-12
        shift = 0.5 * (low - high) / ops.where(flat, ops.ones_like(curve), curve)
        shift = ops.clip(ops.where(flat, ops.zeros_like(curve), shift), -1.0, 1.0)
        period = ops.cast(place, ratio.dtype) + float(self.least) + shift
        return ops.stack([self.sample_rate / period, middle], axis=-1)


def mdct_matrix(size: int, window_name: str, ortho: bool) -> np.ndarray:
    """Return the MDCT of frames of `2 * size` samples, with its window: `(2 * size, size)`."""
    place = np.arange(2 * size)[:, None] + 0.5 + size / 2.0
    waves = np.cos(np.pi / size * place * (np.arange(size) + 0.5))
    scale = math.sqrt(2.0 / size) if ortho else 2.0
    found: np.ndarray = scale * window(window_name, 2 * size)[:, None] * waves
    return found


@dataclass(frozen=True)
class Mdct(Descriptor):
    """Compute the modified discrete cosine transform of frames of samples."""

    size: int
    window_name: str
    ortho: bool
    matrix: np.ndarray = field(init=False, repr=False, compare=False)  # made here, because torch.compile cannot make it
    of_samples = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "matrix", mdct_matrix(self.size, self.window_name, self.ortho))

    @property
    def entries(self) -> int:
        return self.size

    def __call__(self, x: Any, valid: Any = None) -> Any:
        return kernel.dot(x, fourier.constant(self.matrix, x))


def inverse_mdct(x: Any, matrix: np.ndarray) -> Any:
    """Multiply `(..., frames, size)` by a matrix and overlap-add: `(..., (frames + 1) * size)` samples."""
    return frames.overlap_add(kernel.dot(x, fourier.constant(matrix, x)), matrix.shape[0])


def inverse_mdct_matrix(size: int, window_name: str, ortho: bool) -> np.ndarray:
    """Return the inverse MDCT to frames of `2 * size` samples, with its window: `(size, 2 * size)`."""
    found: np.ndarray = mdct_matrix(size, window_name, ortho).T / (1.0 if ortho else 2.0 * size)
    return found


_POLES = {
    "A": (12194.217, 20.598997, 107.65265, 737.86223),
    "B": (12194.217, 20.598997, 158.48932),
    "C": (12194.217, 20.598997),
}
_AT_1_KHZ = {"A": 2.0, "B": 0.17, "C": 0.062}


def weighting(frequencies: np.ndarray, kind: str, min_db: float | None) -> np.ndarray:
    """Return the frequency weighting "A", "B", "C" (IEC 61672) or "D" (IEC 537) in dB, at least `min_db`."""
    squared = np.asarray(frequencies, "float64") ** 2
    with np.errstate(divide="ignore"):
        log = np.log10(squared)
    if kind == "D":
        above = np.log10((1037918.48 - squared) ** 2 + 1080768.16 * squared)
        below = np.log10((9837328.0 - squared) ** 2 + 11723776.0 * squared)
        rest = np.log10(squared + 79919.29) + np.log10(squared + 1345600.0)
        found = 20.0 * (0.5 * log - math.log10(6.8966888496476e-5) + 0.5 * (above - below - rest))
    else:
        outer, inner, *others = (pole**2 for pole in _POLES[kind])
        found = (1.0 + 0.5 * len(others)) * log + math.log10(outer)
        found = found - np.log10(squared + outer) - np.log10(squared + inner)
        for pole in others:
            found = found - 0.5 * np.log10(squared + pole)
        found = 20.0 * found + _AT_1_KHZ[kind]
    kept: np.ndarray = found if min_db is None else np.maximum(found, min_db)
    return kept
