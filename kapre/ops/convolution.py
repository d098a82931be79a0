"""Convolution and filters by FFT, on the last axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from keras import ops

from kapre._checks import message
from kapre.ops import fourier, frames, placement
from kapre.ops.counts import power_of_two
from kapre.ops.fourier import Pair
from kapre.ops.kernels import active as kernel
from kapre.ops.kernels import current

Mode = Literal["full", "same", "valid"]

_AT_ONCE = 1 << 18
"""The most samples that are transformed at once. Up to here, blocks take as long or longer on every backend."""
_BLOCK = 1 << 14
"""The fewest samples of a block in a longer clip, or in one of unknown length."""


def fast_size(at_least: int) -> int:
    """Return the smallest even size with no prime factor above 5: FFT libraries are fast at these."""
    best = 2
    while best < at_least:
        best *= 2
    fives = 1
    while fives < best:
        size = fives
        while size < best:
            twice = size * max(2, power_of_two(-(-at_least // size)))
            best = min(best, twice)
            size *= 3
        fives *= 5
    return best


def times(x: Pair, y: Pair) -> Pair:
    """Multiply two complex numbers given as pairs."""
    return x[0] * y[0] - x[1] * y[1], x[0] * y[1] + x[1] * y[0]


def filtered(x: Any, response: Callable[[int], Pair], tail: int, keeps_tail: bool = True) -> Any:
    """Filter `(..., time)` by FFT, into `(..., time + tail)`, or into `(..., time)` without the tail.

    Args:
        x: The samples.
        response: A function that returns the `n_fft // 2 + 1` values of the filter's response for an even `n_fft`, as
            pairs of NumPy arrays, or of tensors whose other axes broadcast to those of `x`.
        tail: Number of samples after which the filter's impulse response is over, less one.
        keeps_tail: Whether to return the samples behind the last one of `x`.
    """
    found = current().convolved(x, lambda: _taps(response, tail + 1, x), keeps_tail)
    if found is not None:
        return found

    def of_pieces(pieces: Any, n_fft: int) -> Any:
        real, imag = _beside(response(n_fft), x)
        if len(pieces.shape) > len(x.shape) and len(real.shape) > 1:
            real, imag = real[..., None, :], imag[..., None, :]
        return fourier.weighted(pieces, (real, imag), n_fft)

    y = _in_pieces(x, of_pieces, tail)
    return y if keeps_tail else kernel.part(y, 0, tail, axis=-1)


def filtered_apart(x: Any, response: Callable[[int], Pair], tail: int) -> Any:
    """Filter each item of `(batch, ..., time)` by a filter of its own, into `(batch, ..., time)`.

    The arguments are those of `filtered`. The response of each item is computed at no more bins than its `tail + 1`
    samples need, because it has many operations. A transform of these samples then gives it at all bins.
    """
    n_fft = fast_size(tail + 1)
    taps = fourier.irfft(response(n_fft), n_fft)[..., : tail + 1]
    return kernel.part(fft_convolve(x, taps), 0, tail, axis=-1)


def _in_pieces(x: Any, of_pieces: Callable[[Any, int], Any], tail: int) -> Any:
    """Apply a filter, given as a function of `(..., time)` or of pieces `(..., pieces, time)`, which are then added."""
    length = x.shape[-1]
    if isinstance(length, int) and length + tail <= _AT_ONCE:
        n_fft = fast_size(length + tail)
        return kernel.head(of_pieces(x, n_fft), length + tail, axis=-1)
    n_fft = fast_size(max(4 * tail, _BLOCK))
    step = n_fft - tail
    pieces = of_pieces(frames.frame(frames.pad(x, 0, step), step, step), n_fft)
    return frames.overlap_add(pieces, step)[..., : ops.shape(x)[-1] + tail]


def _taps(response: Callable[[int], Pair], size: int, like: Any) -> Any:
    """Return an impulse response of `size` samples as a tensor."""
    n_fft = fast_size(size)
    real, imag = response(n_fft)
    if isinstance(real, np.ndarray):
        return fourier.constant(np.fft.irfft(real + 1j * imag, n_fft)[:size], like)
    return fourier.irfft((real[None], imag[None]), n_fft)[0, :size]


def _beside(pair: Pair, x: Any) -> Pair:
    real, imag = pair
    if isinstance(real, np.ndarray):
        return fourier.constant(real, x), fourier.constant(imag, x)
    return real, imag


def convolve_from(x: Any, taps: Any, starts: Any = None) -> Any:
    """Convolve each item of `(batch, channel, time)` with a response of its own, into as many samples.

    `taps` are `(batch, channel or 1, taps)`. `starts`, an integer tensor `(batch, channel or 1, 1)`, is the sample of
    each convolution to begin with, below the number of taps. None is 0.
    """
    size = ops.shape(x)[-1]
    found = current().convolved_apart(x, taps, 0 if starts is None else starts, size)
    if found is not None:
        return found
    y = fft_convolve(x, taps)
    return kernel.part(y, 0, taps.shape[-1] - 1, axis=-1) if starts is None else placement.rolled(y, starts, size)


def fft_convolve(x: Any, taps: Any, mode: Mode = "full") -> Any:
    """Convolve `(..., time)` with `(..., taps)`, a NumPy array or a tensor.

    The result of "full" has `time + taps - 1` samples. "same" takes `time` of them from the middle. "valid" takes the
    `max(0, time - taps + 1)` to which each tap contributes.
    """
    size = taps.shape[-1]
    if not isinstance(size, int) or size < 1:
        raise ValueError(message("kernel", "of a known length, at least 1", tuple(taps.shape), "Give it a shape."))

    def response(n_fft: int) -> Pair:
        if isinstance(taps, np.ndarray):
            found = np.fft.rfft(taps.astype("float64"), n_fft)
            return found.real, found.imag
        return fourier.rfft(ops.cast(taps, x.dtype), n_fft)

    def of_pieces(pieces: Any, n_fft: int) -> Any:
        own = ops.cast(taps, x.dtype)
        return fourier.circular(pieces, own[..., None, :] if len(pieces.shape) > len(x.shape) else own, n_fft)

    y = filtered(x, response, size - 1) if len(taps.shape) == 1 else _in_pieces(x, of_pieces, size - 1)
    if mode == "full":
        return y
    if mode == "same":
        first = (size - 1) // 2
        return kernel.part(y, first, size - 1 - first, axis=-1)
    length = y.shape[-1]
    if isinstance(length, int) and length < 2 * (size - 1):  # shorter than the taps
        return kernel.head(y, 0, axis=-1)
    return kernel.part(y, size - 1, size - 1, axis=-1)
