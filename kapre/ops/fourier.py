"""The real DFT as (real, imag) pairs, and the short-time transform based on it."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from kapre._checks import message
from kapre.ops import frames
from kapre.ops.filterbanks import Groups
from kapre.ops.kernels import active as kernel
from kapre.ops.kernels import current
from kapre.ops.windows import overlapped_power

Pair = tuple[Any, Any]


def is_empty(x: Any) -> bool:
    """Tell whether a dimension is known to be 0."""
    return 0 in tuple(x.shape)


def constant(values: np.ndarray | float, like: Any) -> Any:
    """Return a constant as a tensor of the dtype of `like`.

    This also applies to numbers, because on torch, Keras' `maximum` and `where` (3.15) round a Python number to
    float32. Drop when they don't.
    """
    return kernel.constant(np.asarray(values), keras.backend.standardize_dtype(like.dtype), like)


def of_length(x: Any, n_fft: int) -> Any:
    """Crop the last axis to the length of the DFT, or zero-pad it on the right."""
    length = x.shape[-1]
    return kernel.part(x, 0, length - n_fft, axis=-1) if length >= n_fft else frames.pad(x, 0, n_fft - length)


def rfft(x: Any, n_fft: int) -> Pair:
    """Transform the last axis, cropped or zero-padded on the right to `n_fft`, into `n_fft // 2 + 1` bins."""
    by = current()
    x = x if by.fits_frames else of_length(x, n_fft)
    if is_empty(x):  # FFT libraries refuse empty batches (MKL in torch 2.13, TensorFlow 2.21). Drop when they don't.
        nothing = of_length(x, n_fft)[..., : n_fft // 2 + 1] * 0.0
        return nothing, nothing
    return by.rfft(x, n_fft)


def irfft(pair: Pair, n_fft: int) -> Any:
    """Invert `rfft`: convert `(..., n_fft // 2 + 1)` pairs to `(..., n_fft)` samples."""
    real, imag = pair
    if is_empty(real):
        return frames.pad(real, 0, n_fft - real.shape[-1])
    return current().irfft(real, imag, n_fft)


def circular(x: Any, taps: Any, n_fft: int) -> Any:
    """Convolve the last axes, zero-padded on the right to `n_fft`, circularly."""
    by = current()
    if is_empty(x) or is_empty(taps):
        return irfft(rfft(x, n_fft), n_fft)
    x, taps = (part if by.pads_products else of_length(part, n_fft) for part in (x, taps))
    return by.circular(x, taps, n_fft)


def weighted(x: Any, response: Pair, n_fft: int) -> Any:
    """Multiply the spectra of the last axis, zero-padded on the right to `n_fft`, by those of a response."""
    by = current()
    if is_empty(x):
        return irfft(rfft(x, n_fft), n_fft)
    return by.weighted(x if by.pads_products else of_length(x, n_fft), response, n_fft)


def stft(x: Any, analysis: np.ndarray, n_fft: int, hop_length: int, pad_end: bool = False) -> Pair:
    """Transform `(..., time)` into pairs of `(..., frames, n_fft // 2 + 1)`. Frames are as long as the window."""
    x = frames.pad(x, 0, len(analysis) - 1) if pad_end else x
    found = current().stft(x, analysis, n_fft, hop_length)
    if found is not None:
        return found
    framed = frames.frame(x, len(analysis), hop_length)
    return rfft(framed * constant(analysis, framed), n_fft)


def power_in_bands(framed: Any, n_fft: int, groups: Groups) -> Any:
    """Return the bands `(..., frames, bands)` of the power spectrum of windowed frames; see `filterbanks.groups`."""
    if is_empty(framed):
        return in_bands(rfft(framed, n_fft)[0], groups)
    by = current()
    framed = framed if by.fits_frames else of_length(framed, n_fft)
    return by.in_bands(by.squares(framed, n_fft), groups, by.squares_per_bin)


def in_bands(x: Any, groups: Groups) -> Any:
    """Multiply the last axis by a filter bank."""
    return current().in_bands(x, groups)


def apply_bank(x: Any, bank: Any) -> Any:
    """Multiply the last axis by a `(n_freq, bands)` matrix, given as a NumPy array or a weight."""
    return current().dot(x, constant(bank, x) if isinstance(bank, np.ndarray) else ops.cast(bank, x.dtype))


def istft(
    pair: Pair,
    analysis: np.ndarray,
    synthesis: np.ndarray,
    n_fft: int,
    hop_length: int,
    exact_edges: bool = False,
    lengths: Any = None,
) -> Any:
    """Overlap-add the inverse transforms of `(..., frames, n_fft // 2 + 1)` pairs into `(..., time)`.

    The synthesis window divides by the overlapped power of an endless signal, so the ends remain tapered. With
    `exact_edges`, the sum is divided by the squared windows that actually overlap. `lengths` holds the number of frames
    of each item. Frames past it are excluded.
    """
    real = pair[0]
    there = None
    if lengths is not None:
        there = frames.within(ops.shape(real)[-2], lengths, len(real.shape), axis=-2)
    if not exact_edges:
        return frames.overlap_add(synthesized(pair, synthesis, n_fft, there), hop_length)
    summed = frames.overlap_add(synthesized(pair, analysis, n_fft, there), hop_length)
    return over_envelope(summed, frames.overlap_add(squared_windows(real, analysis, there), hop_length))


def synthesized(pair: Pair, weights: np.ndarray, n_fft: int, there: Any = None) -> Any:
    """Return the inverse transforms times a window, `(..., frames, frame_length)`, excluding those not `there`."""
    samples = irfft(pair, n_fft)
    if there is not None:
        samples = ops.where(there, samples, ops.zeros_like(samples))
    width = len(weights)
    samples = samples[..., :width] if width < n_fft else frames.pad(samples, 0, width - n_fft)
    return samples * constant(weights, samples)


def squared_windows(like: Any, analysis: np.ndarray, there: Any = None) -> Any:
    """Return the squared window of each frame of `(..., frames, bins)` that is `there`, for overlap-add."""
    counted = ops.ones((ops.shape(like)[-2], 1), dtype=like.dtype) if there is None else ops.cast(there, like.dtype)
    return counted * ops.square(constant(analysis, like))  # `analysis**2` fails under torch.compile (PyTorch 2.13)


def over_envelope(summed: Any, envelope: Any) -> Any:
    """Divide overlap-added samples by the overlap-added squared windows. Return 0 where there are none."""
    covered = envelope > np.finfo(np.float32).tiny
    return ops.where(covered, summed / ops.where(covered, envelope, ops.ones_like(envelope)), 0.0 * summed)


def magnitude(pair: Pair, power: float = 1.0, epsilon: float = 0.0, epsilon_by: str = "add") -> Any:
    """Return `|z| ** power` for power 1 or 2, `sqrt(|z|² + epsilon)`, or `sqrt(max(|z|², epsilon))` by "max".

    The gradient of the magnitude at 0 is 0.
    """
    real, imag = pair
    squared = ops.square(real) + ops.square(imag)
    if power == 2.0:
        return squared
    if epsilon and epsilon_by == "max":
        return ops.sqrt(kernel.at_least(squared, epsilon))
    if epsilon:
        return ops.sqrt(squared + constant(epsilon, squared))
    return current().root(squared)


def phase(pair: Pair, atan_terms: int | None = None) -> Any:
    """Return the angle in (-pi, pi]. Where the power underflows, the angle and its gradient are 0."""
    real, imag = pair
    smallest = float(np.finfo(keras.backend.standardize_dtype(real.dtype)).tiny)  # its reciprocal is still finite
    silent = ops.square(real) + ops.square(imag) < smallest
    real = ops.where(silent, ops.ones_like(real), real)
    imag = ops.where(silent, ops.zeros_like(imag), imag)
    if atan_terms is None:
        return kernel.arctan2(imag, real)
    return _approximate_arctan2(imag, real, atan_terms)


def _approximate_arctan2(y: Any, x: Any, terms: int) -> Any:
    """Return arctan2 by basic arithmetic: a continued fraction of `terms` levels on ratios within tan(pi / 8)."""
    steep = ops.abs(y) > ops.abs(x)
    large, small = ops.where(steep, y, x), ops.where(steep, x, y)
    ratio = small / large
    # Halve the angle: tan(a / 2) = t / (1 + sqrt(1 + t^2)), so that |t| <= tan(pi / 8) and each level adds a digit.
    half = ratio / (1.0 + ops.sqrt(1.0 + ops.square(ratio)))
    terms = min(terms, 12)  # enough for float64
    tail = 2.0 * terms - 1.0 + 0.0 * half
    for level in range(terms - 1, 0, -1):
        tail = (2.0 * level - 1.0) + ops.square(level * half) / tail
    angle = 2.0 * half / tail
    half_turn = ops.where(y < 0.0, constant(-math.pi, angle), constant(math.pi, angle))
    from_x_axis = angle + ops.where(x < 0.0, half_turn, ops.zeros_like(angle))
    from_y_axis = half_turn / 2.0 - angle
    return ops.where(steep, from_y_axis, from_x_axis)


def check_invertible(analysis: np.ndarray, hop_length: int, largest_gain: float, window_name: str) -> None:
    """Refuse an overlap whose inverse would amplify rounding errors by more than `largest_gain`."""
    power = overlapped_power(analysis, hop_length)
    if power.min() * largest_gain**2 < power.max():
        raise RuntimeError(
            message(
                "hop_length",
                f"short enough for {window_name!r} of {len(analysis)} samples to be inverted",
                hop_length,
                f"Use {max(1, len(analysis) // 4)} (75 % overlap), or at most {max(1, len(analysis) // 2)}.",
            )
        )
