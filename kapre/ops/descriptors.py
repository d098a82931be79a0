"""Numbers that describe each frame of a spectrum, of samples, or of an onset envelope.

A descriptor is a frozen object without tensors. A call takes features `(..., frames, values)`, magnitudes or samples,
and returns `(..., frames)`, or `(..., frames, entries)` if the descriptor has `entries`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from kapre._checks import message
from kapre.ops import fourier, frames, scales
from kapre.ops.counts import num_frames, power_of_two
from kapre.ops.kernels import active as kernel

_TINY = {"float32": 1e-30, "float64": 1e-300}
"""A sum of magnitudes below this is that of silence."""


def is_silent(size: Any) -> Any:
    """Tell where a sum of magnitudes is that of silence. NaN is not."""
    return size <= _TINY[keras.backend.standardize_dtype(size.dtype)]


def divisor(size: Any) -> Any:
    """Return a sum of magnitudes, or 1 where it is that of silence."""
    return ops.where(is_silent(size), ops.ones_like(size), size)


def relative(x: Any) -> Any:
    """Divide by the largest magnitude of the last axis, which counts as a constant. Silence stays 0.

    What does not depend on the level then has the same gradient, and its squares neither vanish nor overflow.
    """
    largest = ops.top_k(ops.abs(x), 1)[0]  # `ops.amax` fails on TensorFlow where there is no frame (Keras 3.15)
    return x / ops.stop_gradient(divisor(largest))


def divided(above: Any, below: Any) -> Any:
    """Return a quotient, or 0 where the divisor is that of silence."""
    quotient = above / divisor(below)
    return ops.where(is_silent(below), ops.zeros_like(quotient), quotient)


def autocorrelation(x: Any, lags: int) -> Any:
    """Return the products of the last axis with itself, 0 to `lags - 1` entries later, summed."""
    n_fft = power_of_two(2 * x.shape[-1])
    real, imag = fourier.rfft(x, n_fft)
    power = ops.square(real) + ops.square(imag)
    return fourier.irfft((power, ops.zeros_like(power)), n_fft)[..., :lags]


def change(x: Any, lag: int) -> Any:
    """Return each frame minus the one `lag` before it, without the first `lag` frames."""
    return kernel.part(x, lag, 0, axis=-2) - kernel.part(x, 0, lag, axis=-2)


def _later(x: Any, count: int, like: Any) -> Any:
    """Return `(..., frames)` behind `count` zeros, as long as the frames of `like`."""
    return kernel.head(frames.pad(x, count, 0), ops.shape(like)[-2], axis=-1)


@dataclass(frozen=True)
class Descriptor:
    """Compute a number, or several numbers, of each frame."""

    of_samples: ClassVar[bool] = False
    """Whether it takes frames of samples, and not magnitudes."""

    @property
    def whole_clip(self) -> str | None:
        """Return what of it needs the whole clip, so that it does not stream, or None."""
        return None

    @property
    def memory(self) -> int:
        """Return how many earlier frames a frame depends on. A frame with fewer before it gives 0."""
        return 0

    @property
    def entries(self) -> int | None:
        """Return how many numbers there are of each frame, or None for one without an axis."""
        return None

    def of_clip(self, x: Any, size: int, hop: int) -> Any:
        """Return the numbers of padded samples `(..., time)` without their frames, or None if frames are better."""
        return None

    def __call__(self, x: Any, valid: Any = None) -> Any:
        """Return the numbers. `valid` tells which frames count, as a bool tensor that broadcasts, or None."""
        raise NotImplementedError


@dataclass(frozen=True)
class _OfBins(Descriptor):
    sample_rate: float
    n_fft: int

    def frequencies(self) -> np.ndarray:
        """Return the frequency of each bin in Hz."""
        found: np.ndarray = np.arange(self.n_fft // 2 + 1) * (self.sample_rate / self.n_fft)
        return found


@dataclass(frozen=True)
class Centroid(_OfBins):
    """Compute the mean frequency, weighted by the magnitude."""

    def __call__(self, x: Any, valid: Any = None) -> Any:
        return divided(ops.sum(x * fourier.constant(self.frequencies(), x), axis=-1), ops.sum(x, axis=-1))


@dataclass(frozen=True)
class Bandwidth(_OfBins):
    """Compute `(Σ S |f - c| ** p / Σ S) ** (1 / p)` around the centroid c."""

    p: float = 2.0

    def __call__(self, x: Any, valid: Any = None) -> Any:
        center = Centroid(self.sample_rate, self.n_fft)(x)
        away = ops.abs(fourier.constant(self.frequencies(), x) - ops.expand_dims(center, -1))
        return scales.powered(
            divided(ops.sum(x * scales.powered(away, self.p), axis=-1), ops.sum(x, axis=-1)), 1.0 / self.p
        )


@dataclass(frozen=True)
class Rolloff(_OfBins):
    """Compute the frequency of the first bin up to which there is at least a share of the sum of magnitudes."""

    share: float = 0.85

    def __call__(self, x: Any, valid: Any = None) -> Any:
        sums = kernel.cumsum(x, axis=-1)
        total = kernel.part(sums, x.shape[-1] - 1, 0, axis=-1)
        below = ops.sum(ops.cast(sums < self.share * total, x.dtype), axis=-1)
        return (self.sample_rate / self.n_fft) * below + 0.0 * total[..., 0]  # NaN goes on


@dataclass(frozen=True)
class Flatness(Descriptor):
    """Compute the geometric mean of `max(S ** power, amin)`, divided by its arithmetic mean."""

    amin: float = 1e-10
    power: float = 2.0

    def __call__(self, x: Any, valid: Any = None) -> Any:
        least = max(self.amin, float(np.finfo(keras.backend.standardize_dtype(x.dtype)).tiny))
        kept = kernel.at_least(scales.powered(x, self.power), least)
        bins = float(x.shape[-1])
        return ops.exp(ops.sum(ops.log(kept), axis=-1) / bins) / (ops.sum(kept, axis=-1) / bins)


def contrast_bands(
    sample_rate: float, n_fft: int, n_bands: int, f_min: float, quantile: float
) -> tuple[tuple[int, int, int], ...]:
    """Return octaves from `f_min` on, below them one band more, and the rest of the spectrum within the last.

    Of each band, return its first bin, the bin behind its last, and how many bins its top and its bottom have.

    Raises:
        ValueError: If a band has no bin.
    """
    frequencies = np.arange(n_fft // 2 + 1) * (sample_rate / n_fft)
    edges = np.concatenate([[0.0], f_min * 2.0 ** np.arange(n_bands + 1)])
    bands = []
    for place in range(n_bands + 1):
        inside = np.flatnonzero((frequencies >= edges[place]) & (frequencies <= edges[place + 1]))
        is_last = place == n_bands
        first = int(inside[0]) - (place > 0) if len(inside) else 0
        stop = (len(frequencies) if is_last else int(inside[-1])) if len(inside) else 0
        if stop <= first:
            rule = f"octaves with a bin each; {edges[place]:g} to {edges[place + 1]:g} Hz has none"
            given = f"{n_bands} from f_min={f_min:g} Hz for sample_rate={sample_rate:g}, n_fft={n_fft}"
            raise ValueError(message("n_bands", rule, given, "Use fewer bands, a higher f_min or a longer n_fft."))
        taken = int(np.rint(quantile * (stop - first + (not is_last))))
        bands.append((first, stop, min(stop - first, max(1, taken))))
    return tuple(bands)


@dataclass(frozen=True)
class Contrast(Descriptor):
    """Compute how far the mean of each band's largest values is above that of its smallest."""

    bands: tuple[tuple[int, int, int], ...]
    dynamic_range: float | None = 80.0
    linear: bool = False
    amin: float = 1e-10

    @property
    def entries(self) -> int:
        return len(self.bands)

    @property
    def whole_clip(self) -> str | None:
        return None if self.linear or self.dynamic_range is None else "the maximum of the contrast's dynamic_range"

    def __call__(self, x: Any, valid: Any = None) -> Any:
        peaks, valleys = [], []
        for first, stop, taken in self.bands:
            band = x[..., first:stop]
            peaks.append(_mean_of_largest(band, taken))
            valleys.append(-_mean_of_largest(-band, taken))
        peak, valley = ops.stack(peaks, axis=-1), ops.stack(valleys, axis=-1)
        if self.linear:
            return peak - valley
        top, bottom = (scales.logarithm(each, "db", self.amin) for each in (peak, valley))
        if self.dynamic_range is not None:
            floor = scales.lowest_log("db", self.amin)
            top, bottom = (scales.limit_range(x, self.dynamic_range, floor, valid=valid) for x in (top, bottom))
        return top - bottom


def _mean_of_largest(x: Any, count: int) -> Any:
    """Return a mean along the last axis."""
    return ops.sum(kernel.largest(x, count), axis=-1) / float(count)


@dataclass(frozen=True)
class Flux(Descriptor):
    """Compute the norm of the change from the previous frame. The first frame, which has none, gives 0."""

    norm: int = 2
    rectify: bool = False

    @property
    def memory(self) -> int:
        return 1

    def __call__(self, x: Any, valid: Any = None) -> Any:
        found = change(x, 1)
        found = ops.relu(found) if self.rectify else found
        total = ops.sum(ops.abs(found), axis=-1) if self.norm == 1 else kernel.root(ops.sum(ops.square(found), axis=-1))
        return _later(total, 1, x)


@dataclass(frozen=True)
class Onsets(Descriptor):
    """Compute the mean rise of bands in dB within `lag` frames, `shift` frames later."""

    lag: int = 1
    shift: int = 0
    needs: str | None = None

    @property
    def whole_clip(self) -> str | None:
        return self.needs

    @property
    def memory(self) -> int:
        return self.lag + self.shift

    def __call__(self, x: Any, valid: Any = None) -> Any:
        rise = ops.sum(ops.relu(change(x, self.lag)), axis=-1) / float(x.shape[-1])
        return _later(rise, self.lag + self.shift, x)


_MOST_PARTS = 64


def _parts(size: int, hop: int) -> int:
    """Return of how many equal parts a frame is made, each of which belongs to all frames that contain it."""
    return size // math.gcd(size, hop)


def _sums(x: Any, size: int, hop: int) -> Any:
    """Return the sum of each frame of `(..., time)`, from sums of the parts of frames."""
    count, unit = num_frames(ops.shape(x)[-1], size, hop), math.gcd(size, hop)
    parts = ops.sum(frames.frame(x, unit, unit), axis=-1)
    found = None
    for place in range(_parts(size, hop)):
        part = kernel.head(kernel.part(parts, place, 0, axis=-1, step=hop // unit), count, axis=-1)
        found = part if found is None else found + part
    return found


@dataclass(frozen=True)
class RootMeanSquare(Descriptor):
    """Compute the root of the mean square of each frame of samples."""

    of_samples = True

    def of_clip(self, x: Any, size: int, hop: int) -> Any:
        return None if _parts(size, hop) > _MOST_PARTS else kernel.root(_sums(ops.square(x), size, hop) / float(size))

    def __call__(self, x: Any, valid: Any = None) -> Any:
        return kernel.root(ops.sum(ops.square(x), axis=-1) / float(x.shape[-1]))


@dataclass(frozen=True)
class ZeroCrossings(Descriptor):
    """Compute the changes of sign in each frame of samples, divided by its length. |x| ≤ threshold counts as +0."""

    threshold: float = 1e-10
    of_samples = True

    def of_clip(self, x: Any, size: int, hop: int) -> Any:
        if _parts(size, hop) > _MOST_PARTS:
            return None
        negative = frames.pad(ops.cast(x < -self.threshold, x.dtype), 1, 0)
        changes = ops.abs(kernel.part(negative, 1, 0, axis=-1) - kernel.part(negative, 0, 1, axis=-1)) + 0.0 * x
        found = _sums(changes, size, hop)
        starts = kernel.head(kernel.part(changes, 0, 0, axis=-1, step=hop), ops.shape(found)[-1], axis=-1)
        return (found - starts) / float(size)  # the change at the first sample is not within the frame

    def __call__(self, x: Any, valid: Any = None) -> Any:
        negative = ops.cast(x < -self.threshold, x.dtype)
        changes = ops.abs(kernel.part(negative, 1, 0, axis=-1) - kernel.part(negative, 0, 1, axis=-1))
        return ops.sum(changes, axis=-1) / float(x.shape[-1]) + 0.0 * ops.sum(x, axis=-1)  # NaN goes on


def tempogram(envelope: Any, window: np.ndarray, normalized: bool, counts: Any = None) -> Any:
    """Return the autocorrelation of an onset envelope around each frame: `(batch, ..., frames)` plus lags.

    Both ends of the envelope fall to 0 in a straight line. `counts` is the number of valid frames of each item.
    """
    size = len(window)
    half = size // 2
    lead, total = tuple(ops.shape(envelope)[:-1]), ops.shape(envelope)[-1]
    if counts is None:
        counts = ops.reshape(kernel.number(total, envelope, "int32"), (1,)) + ops.zeros((lead[0],), dtype="int32")
    padded = frames.pad(frames.keep(envelope, counts), half, half, "edge", lengths=counts)
    places = ops.arange(total + 2 * half, dtype="int32")
    behind = ops.reshape(counts, (-1, *[1] * (len(lead)))) + (2 * half - 1) - places
    ramp = ops.cast(ops.minimum(places, behind), envelope.dtype) / float(half) if half else None
    if ramp is not None:
        padded = padded * ops.clip(ramp, 0.0, 1.0)
    framed = kernel.head(frames.frame(padded, size, 1), total, axis=-2) * fourier.constant(window, envelope)
    lags = autocorrelation(framed, size)
    return lags / divisor(lags[..., :1]) if normalized else lags  # no other lag has more than the first
