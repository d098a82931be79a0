"""Spectra from operations that every runtime has: strided convolutions, small matrix products, no complex numbers.

The real DFT of a frame is one strided convolution for each of its two parts. All linear operations of a recipe on a
frame are folded into the kernel. Above 512 points, such kernels become larger than everything else. Frames are then cut
by a convolution that only moves samples, and the DFT of Cooley and Tukey (1965) is computed in two small matrix
products. Nothing here computes with the shape of its input, except one reshape around those products.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from kapre.ops import frames
from kapre.ops.fourier import Pair, angles, constant, dft_matrices, lowering_way, of_length
from kapre.ops.kernels import active as kernel


def _next_to_each_other(n_fft: int) -> tuple[int, int]:
    first = next(n for n in range(math.isqrt(n_fft), 0, -1) if n_fft % n == 0)
    return first, n_fft // first


def factors(n_fft: int) -> tuple[int, int] | None:
    """Return the two factors of `n_fft` that are closest to each other, or None if its DFT is computed directly.

    Above 512 points two stages are faster and smaller: docs/export/matrix.md.
    """
    found = _next_to_each_other(n_fft)
    return found if n_fft > lowering_way().largest_direct and found[0] >= 8 else None


def convolve(x: Any, weights: Any, hop: int) -> Any:
    """Correlate `(batch, time)` with each column of `(size, columns)`, `hop` samples apart: `(batch, frames, columns)`.

    A clip shorter than `size` gives no frame.
    """
    size = weights.shape[0]
    # Add whole hops of zeros at the start and drop as many frames, so that every convolution fits.
    extra = -(-size // hop)
    x = ops.expand_dims(frames.pad(x, extra * hop, 0), -1)
    y = ops.conv(x, ops.expand_dims(weights, 1), strides=hop, padding="valid", data_format="channels_last")
    return kernel.part(y, extra, 0, axis=1)


def _row(hop: int) -> int:
    """Return how many samples are moved together: a divisor of the hop, whose square is the size of a constant."""
    found = next(size for size in range(min(hop, 64), 0, -1) if hop % size == 0)
    return found if found >= 16 else hop


def frame(x: Any, size: int, hop: int) -> Any:
    """Cut `(batch, time)` into frames, `hop` apart, `(batch, 1 + frames, size)`, from rows of samples side by side.

    The first frame holds zeros. At least one frame therefore exists, and no later tensor is empty.
    """
    row = _row(hop)
    rows_of_frame, extra = -(-size // row), -(-size // hop)  # `extra` frames at the start belong to no clip
    x = frames.pad(x, extra * hop, rows_of_frame * row - size)
    rows = convolve(x, constant(np.eye(row), x), row)
    parts = [kernel.part(rows, i, rows_of_frame - 1 - i, 1, hop // row) for i in range(rows_of_frame)]
    framed = kernel.part(ops.concatenate(parts, axis=-1), 0, rows_of_frame * row - size, axis=-1)
    return ops.pad(kernel.part(framed, extra, 0, axis=1), [(0, 0), (1, 0), (0, 0)])


class _TwoStage(NamedTuple):
    first: tuple[np.ndarray, np.ndarray]
    twiddle: tuple[np.ndarray, np.ndarray]
    second: tuple[np.ndarray, np.ndarray]
    places: int
    """Number of output values, of which the first `n_fft // 2 + 1` are the bins in order."""


@lru_cache(maxsize=16)
def _two_stage(n_fft: int) -> _TwoStage:
    """Return the constants of the DFT with two factors.

    `X[c + n1 d] = Σ_b e^(−2πi b d / n2) e^(−2πi b c / n) Σ_a e^(−2πi a c / n1) x[n2 a + b]`, with `n = n1 n2`.
    """
    n1, n2 = _next_to_each_other(n_fft)
    outer, inner = angles(n1, n1, n1), angles(n2, n2 // 2 + 1, n2)
    twiddle = angles(n2, n1, n_fft)
    cosine, sine = np.cos(inner), np.sin(inner)
    return _TwoStage(
        (np.cos(outer), -np.sin(outer)),
        (np.cos(twiddle), -np.sin(twiddle)),
        (np.concatenate([cosine, sine]), np.concatenate([-sine, cosine])),
        (n2 // 2 + 1) * n1,
    )


def two_stage(framed: Any, n_fft: int) -> Pair:
    """Transform `(batch, frames, n_fft)` into pairs of `(batch, frames, places)`.

    The bins come first, in order. Ignore the values after them.
    """
    n1, n2 = _next_to_each_other(n_fft)
    stage = _two_stage(n_fft)

    def times(x: Any, matrix: np.ndarray) -> Any:
        return kernel.product(x, constant(matrix, x))

    count = ops.shape(framed)[1]
    x = ops.transpose(ops.reshape(framed, (-1, count, n1, n2)), (0, 1, 3, 2))
    real, imag = times(x, stage.first[0]), times(x, stage.first[1])
    cosine, sine = (constant(part, x) for part in stage.twiddle)
    turned = ops.concatenate([real * cosine - imag * sine, real * sine + imag * cosine], axis=2)
    turned = ops.transpose(turned, (0, 1, 3, 2))
    parts = [ops.transpose(times(turned, matrix), (0, 1, 3, 2)) for matrix in stage.second]
    real, imag = (ops.reshape(part, (-1, count, stage.places)) for part in parts)
    return real, imag


def bins_of(pair: Pair, n_fft: int) -> Pair:
    """Return only the bins from the output of `two_stage`."""
    more = _two_stage(n_fft).places - (n_fft // 2 + 1)
    real, imag = (kernel.part(part, 0, more, axis=-1) for part in pair)
    return real, imag


def stft(x: Any, analysis: np.ndarray, n_fft: int, hop: int, pad_end: bool = False) -> Pair:
    """Transform `(batch, ..., time)` into pairs of `(batch, ..., frames, bins)`."""
    size = len(analysis)

    def one(x: Any) -> list[Any]:
        if pad_end:
            x = frames.pad(x, 0, size - 1)
        if factors(n_fft) is None:
            matrices = [constant(analysis[:, None] * matrix, x) for matrix in dft_matrices(size, n_fft)]
            if not lowering_way().by_products:
                return [convolve(x, matrix, hop) for matrix in matrices]
            framed = frame(x, size, hop)
            pair = kernel.product(framed, matrices[0]), kernel.product(framed, matrices[1])
        else:
            windowed = frame(x, size, hop) * constant(analysis, x)
            pair = bins_of(two_stage(of_length(windowed, n_fft), n_fft), n_fft)
        return [kernel.part(part, 1, 0, axis=1) for part in pair]

    real, imag = by_channel(one, x)
    return real, imag


def by_channel(fn: Any, x: Any) -> Sequence[Any]:
    """Apply a function of `(batch, time)` to each channel of `(batch, ..., time)`, and join the results."""
    if len(x.shape) == 2:
        found: Sequence[Any] = fn(x)
        return found
    if len(x.shape) != 3 or x.shape[1] is None:
        raise ValueError(
            f"The number of channels must be known to export; received samples of shape {tuple(x.shape)}. "
            "Give the model an Input of known channels, (None, 1) say."
        )
    channels = ops.split(x, x.shape[1], axis=1) if x.shape[1] > 1 else [x]
    every = [fn(ops.squeeze(channel, 1)) for channel in channels]
    if len(every) == 1:
        return [None if part is None else ops.expand_dims(part, 1) for part in every[0]]
    return [None if parts[0] is None else ops.stack(parts, axis=1) for parts in zip(*every, strict=True)]
