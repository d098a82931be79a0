"""Spectra from operations that every runtime has: strided convolutions, small matrix products, no complex numbers.

The real DFT of a frame is one strided convolution for each of its two parts. All linear operations of a recipe on a
frame are folded into the kernel. Above 512 points, such kernels become larger than everything else. Frames are then cut
by a convolution that only moves samples, and the DFT of Cooley and Tukey (1965) is computed in two small matrix
products. Nothing here computes with the shape of its input, except one reshape around those products.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from kapre.ops import fourier, frames, scales
from kapre.ops.fourier import Pair, constant, of_length
from kapre.ops.kernels import active
from kapre.ops.kernels._blocks import Groups, Outputs, Stages
from kapre.ops.kernels._prepare import prepared
from kapre.ops.kernels.base import Kernel


class Way(NamedTuple):
    """Describe how to build a transform from operations that every runtime has.

    Args:
        largest_direct: The largest DFT, in points, that is a single matrix. A longer one takes two stages.
        by_products: Whether to cut frames and multiply them by the matrix, for a runtime with slow convolutions.
    """

    largest_direct: int = 512
    by_products: bool = False


DEFAULT_WAY = Way()

_Active: Any = type(active)


class PortableKernel(_Active):
    """Replace some operations of the active kernel by ones that every runtime has, for export.

    A computation in the context `kapre.ops.kernels.overlaid(PortableKernel())` consists of these operations.

    Args:
        way: How to build transforms.

    Example:
        ```python
        import keras
        import kapre
        from kapre.executor import run
        from kapre.ops.kernels import overlaid
        from kapre.ops.kernels.portable import PortableKernel

        recipe = kapre.Recipe(n_fft=512, hop_length=160)
        x = keras.ops.ones((1, 16000))
        with overlaid(PortableKernel()):
            y = run(recipe, x)
        assert abs(y - run(recipe, x)).max() < 1e-3  # the same numbers, to rounding
        ```
    """

    compiles_eager_calls = False
    squares_per_bin = 1
    computes_sizes = False
    squeezes_channels = False
    fits_frames = True
    frames_unknown_time = True

    def __init__(self, way: Way = DEFAULT_WAY) -> None:
        self.way = way

    def factors(self, n_fft: int) -> tuple[int, int] | None:
        """Return the two factors of `n_fft` that are closest to each other, or None if its DFT is computed directly.

        Above 512 points two stages are faster and smaller: docs/export/matrix.md.
        """
        found = _next_to_each_other(n_fft)
        return found if n_fft > self.way.largest_direct and found[0] >= 8 else None

    def rfft(self, x: Any, n_fft: int) -> Pair:
        """Transform the last axis by products with matrices."""
        real, imag = (self.part(part, 0, part.shape[-1] - (n_fft // 2 + 1), -1) for part in self._dft(x, n_fft))
        return real, imag

    def _dft(self, x: Any, n_fft: int) -> Pair:
        """Return the bins in order. If the DFT has two stages, extra values follow them."""
        if self.factors(n_fft) is not None:
            return _two_stages(self, of_length(x, n_fft), n_fft)
        real, imag = (self.product(x, constant(matrix, x)) for matrix in _dft_matrices(x.shape[-1], n_fft))
        return real, imag

    def irfft(self, real: Any, imag: Any, n_fft: int) -> Any:
        """Invert `rfft` by products with matrices."""
        cosines, sines = _inverse_matrices(n_fft)
        return self.product(real, constant(cosines, real)) + self.product(imag, constant(sines, real))

    def squares(self, framed: Any, n_fft: int) -> Any:
        """Return the power of each bin. Extra values may follow."""
        real, imag = self._dft(framed, n_fft)
        return ops.square(real) + ops.square(imag)

    def root(self, x: Any) -> Any:
        """Return the square root, because a file needs no gradient."""
        return ops.sqrt(x)

    def dot(self, x: Any, matrix: Any) -> Any:
        """Multiply the last axis by a matrix in a single operation."""
        return self.product(x, matrix)

    def raised(self, x: Any, bias: float, power: float) -> Any:
        """Compute the difference directly, with the rounding of `bias ** power`, because ONNX has no `expm1`."""
        return (x + bias) ** power - bias**power

    def in_bands(self, x: Any, groups: Groups, repeat: int = 1) -> Any:
        """Multiply the last axis by a filter bank in a single operation."""
        bands = sum(weights.shape[1] for *_, weights in groups)
        bank = np.zeros((x.shape[-1], bands), groups[0][2].dtype)
        first = 0
        for low, high, weights in groups:
            bank[low:high, first : first + weights.shape[1]] = weights
            first += weights.shape[1]
        return self.product(x, constant(bank, x))

    def is_tracing(self) -> bool:
        """Return False, because a trace for export may follow everything."""
        return False

    def stft(self, x: Any, analysis: np.ndarray, n_fft: int, hop: int) -> Pair:
        """Transform `(batch, ..., time)` into pairs of `(batch, ..., frames, bins)`."""
        size = len(analysis)

        def of_channel(x: Any) -> list[Any]:
            if self.factors(n_fft) is None and not self.way.by_products:
                matrices = _dft_matrices(size, n_fft)
                return [self._convolved(x, constant(analysis[:, None] * matrix, x), hop) for matrix in matrices]
            windowed = self._cut(x, size, hop) * constant(analysis, x)
            pair = self.rfft(windowed, n_fft)
            return [self.part(part, 1, 0, axis=1) for part in pair]

        real, imag = _by_channel(of_channel, x)
        return real, imag

    def convolved(self, x: Any, taps: Callable[[], Any], keeps_tail: bool) -> Any:
        """Convolve by one convolution, because the matrices of a long DFT are large."""
        found = taps()
        if not keeps_tail and isinstance(x.shape[-1], int):
            found = found[: max(1, x.shape[-1])]  # later taps reach no sample
        before = found.shape[0] - 1
        weights = ops.flip(found)[:, None, None]

        def of_channel(x: Any) -> list[Any]:
            padded = ops.expand_dims(frames.pad(x, before, before if keeps_tail else 0), -1)
            return [ops.squeeze(ops.conv(padded, weights, padding="valid", data_format="channels_last"), -1)]

        (y,) = _by_channel(of_channel, x)
        return y

    def spectrum(self, *_: Any) -> None:
        """Return None: a file must not depend on a library."""
        return None

    def over_frames(
        self,
        fn: Callable[..., Outputs],
        x: Any,
        size: int,
        hop: int,
        count: int | None,
        weights: Sequence[Any],
        stages: Stages | None = None,
    ) -> Outputs:
        """Apply `fn` to all frames of `(batch, ..., time)`, or compute what `stages` describes by convolutions.

        A recipe that removes the mean cuts frames. Folded into a convolution, the mean would cancel only up to the
        rounding of the samples. For a clip with an offset, that error would remain.
        """

        def of_channel(x: Any) -> list[Any]:
            if stages is None or stages.remove_dc or self.factors(stages.n_fft) is not None:
                return self._by_frames(fn, x, size, hop, weights)
            if self.way.by_products and stages.chunk_pad is None:
                return self._by_frames(fn, x, size, hop, weights)
            return [self._by_convolutions(x, size, hop, stages)]

        return tuple(_by_channel(of_channel, x))

    def correlated(self, x: Any, taps: Sequence[Any], hop: int) -> Sequence[Any]:
        """Correlate `(batch, ..., time)` with each column of each `(size, columns)` by strided convolutions."""

        def of_channel(x: Any) -> list[Any]:
            columns = (constant(one, x) if isinstance(one, np.ndarray) else one for one in taps)
            return [self._convolved(x, each, hop) for each in columns]

        return _by_channel(of_channel, x)

    def averaged(self, x: Any, taps: Any, hop: int) -> Any:
        """Correlate each band of `(batch, channel, time, bands)` with its own column, by a convolution of each band."""
        size = taps.shape[0]
        extra = -(-size // hop)  # as in `_convolved`
        weights = ops.expand_dims(taps, -1)

        def of_channel(x: Any) -> Any:
            x = ops.pad(x, [(0, 0), (extra * hop, 0), (0, 0)])
            y = ops.depthwise_conv(x, weights, strides=hop, padding="valid", data_format="channels_last")
            return self.part(y, extra, 0, axis=1)

        channels = ops.split(x, x.shape[1], axis=1) if x.shape[1] > 1 else [x]
        every = [of_channel(ops.squeeze(channel, 1)) for channel in channels]
        return ops.stack(every, axis=1) if len(every) > 1 else ops.expand_dims(every[0], 1)

    def frames_of_chunks(self, x: Any, pad: int, size: int, hop: int) -> Any:
        """Select the samples of each frame by a product with a matrix."""
        cuts = _frames_of_a_chunk(x.shape[-1], pad, size, hop)
        return ops.stack([self.product(x, constant(cut, x)) for cut in cuts], axis=-2)

    def _by_frames(self, fn: Callable[..., Outputs], x: Any, size: int, hop: int, weights: Sequence[Any]) -> list[Any]:
        return [self.part(part, 1, 0, axis=1) for part in fn(self._cut(x, size, hop), *weights)]

    def _by_convolutions(self, x: Any, size: int, hop: int, stages: Stages) -> Any:
        width = len(stages.window)
        prepares = prepared(self, np.eye(stages.size), stages)[:, :width] * stages.window
        if stages.chunk_pad is None:
            cuts = [np.eye(size)]
        else:
            cuts = _frames_of_a_chunk(size, stages.chunk_pad, stages.size, stages.hop)
        parts = []
        for matrix in _dft_matrices(width, stages.n_fft):
            of_frame = prepares @ matrix
            every = [self._convolved(x, constant(cut @ of_frame, x), hop) for cut in cuts]
            parts.append(every[0] if stages.chunk_pad is None else ops.stack(every, axis=2))
        epsilon = stages.magnitude_epsilon, stages.magnitude_epsilon_by
        y = fourier.magnitude((parts[0], parts[1]), stages.power or 1.0, *epsilon)
        if stages.groups is not None:
            y = self.in_bands(y, stages.groups)
        if stages.log is not None:
            y = scales.logarithm(y, stages.log, stages.amin, stages.amin_by, stages.ref_value)
        return y

    def _convolved(self, x: Any, weights: Any, hop: int) -> Any:
        """Correlate `(batch, time)` with each column of `(size, columns)`, `hop` apart: `(batch, frames, columns)`.

        A clip shorter than `size` gives no frame.
        """
        size = weights.shape[0]
        # Add whole hops of zeros at the start and drop as many frames, so that every convolution fits.
        extra = -(-size // hop)
        x = ops.expand_dims(frames.pad(x, extra * hop, 0), -1)
        y = ops.conv(x, ops.expand_dims(weights, 1), strides=hop, padding="valid", data_format="channels_last")
        return self.part(y, extra, 0, axis=1)

    def _cut(self, x: Any, size: int, hop: int) -> Any:
        """Cut `(batch, time)` into frames, `hop` apart, `(batch, 1 + frames, size)`, from rows of samples side by side.

        The first frame holds zeros. At least one frame therefore exists, and no later tensor is empty.
        """
        row = _row(hop)
        rows_of_frame, extra = -(-size // row), -(-size // hop)  # `extra` frames at the start belong to no clip
        x = frames.pad(x, extra * hop, rows_of_frame * row - size)
        rows = self._convolved(x, constant(np.eye(row), x), row)
        parts = [self.part(rows, i, rows_of_frame - 1 - i, 1, hop // row) for i in range(rows_of_frame)]
        framed = self.part(ops.concatenate(parts, axis=-1), 0, rows_of_frame * row - size, axis=-1)
        return ops.pad(self.part(framed, extra, 0, axis=1), [(0, 0), (1, 0), (0, 0)])


class _ConvolutionKernel(PortableKernel):
    """Compute transforms of any length by convolutions, outside an export, which promises a shortest clip."""

    def part(self, x: Any, first: int, behind: int, axis: int, step: int = 1) -> Any:
        return Kernel.part(self, x, first, behind, axis, step)


_CONVOLUTIONS = _ConvolutionKernel(Way(largest_direct=sys.maxsize))


def stft_by_convolutions(x: Any, analysis: np.ndarray, n_fft: int, hop: int) -> Pair:
    """Transform `(..., time)` into pairs of `(..., frames, bins)` without a DFT of the framework."""
    *lead, time = ops.shape(x)
    if len(lead) == 2 and x.shape[1] == 1:  # then the graph needs no reshape and no shape
        return _CONVOLUTIONS.stft(x, analysis, n_fft, hop)
    real, imag = _CONVOLUTIONS.stft(ops.reshape(x, (-1, time)), analysis, n_fft, hop)
    return ops.reshape(real, (*lead, *ops.shape(real)[1:])), ops.reshape(imag, (*lead, *ops.shape(imag)[1:]))


def _next_to_each_other(n_fft: int) -> tuple[int, int]:
    first = next(n for n in range(math.isqrt(n_fft), 0, -1) if n_fft % n == 0)
    return first, n_fft // first


def _row(hop: int) -> int:
    """Return how many samples are moved together: a divisor of the hop, whose square is the size of a constant."""
    found = next(size for size in range(min(hop, 64), 0, -1) if hop % size == 0)
    return found if found >= 16 else hop


def _angles(rows: int, columns: int, period: int) -> np.ndarray:
    """Return `2π / period` times the products of the row and column numbers."""
    turns = np.outer(np.arange(rows), np.arange(columns)) % period  # exact for any length
    found: np.ndarray = 2.0 * np.pi / period * turns
    return found


@lru_cache(maxsize=16)
def _dft_matrices(size: int, n_fft: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the real and imaginary DFT matrices for frames of `size`, cropped or padded, `(size, bins)` each."""
    turned = _angles(min(size, n_fft), n_fft // 2 + 1, n_fft)
    behind = ((0, max(0, size - n_fft)), (0, 0))
    return np.pad(np.cos(turned), behind), np.pad(-np.sin(turned), behind)


@lru_cache(maxsize=16)
def _inverse_matrices(n_fft: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the matrices `(bins, n_fft)` of the inverse real DFT, for the real and for the imaginary parts."""
    bins = np.arange(n_fft // 2 + 1)
    turned = _angles(len(bins), n_fft, n_fft)
    counted = np.where((bins == 0) | (2 * bins == n_fft), 1.0, 2.0)[:, None] / n_fft
    return counted * np.cos(turned), -counted * np.sin(turned)


def _frames_of_a_chunk(length: int, pad: int, size: int, hop: int) -> list[np.ndarray]:
    """Return matrices `(length of a chunk, frame_length)` that select the samples of each frame in a chunk."""
    places = np.pad(np.arange(length), (0, pad), "reflect")
    return [np.eye(length)[:, places[start : start + size]] for start in range(0, len(places) - size + 1, hop)]


class _TwoStages(NamedTuple):
    first: tuple[np.ndarray, np.ndarray]
    twiddle: tuple[np.ndarray, np.ndarray]
    second: tuple[np.ndarray, np.ndarray]
    places: int
    """Number of output values, of which the first `n_fft // 2 + 1` are the bins in order."""


@lru_cache(maxsize=16)
def _constants_of_two_stages(n_fft: int) -> _TwoStages:
    """Return the constants of the DFT with two factors.

    `X[c + n1 d] = Σ_b e^(−2πi b d / n2) e^(−2πi b c / n) Σ_a e^(−2πi a c / n1) x[n2 a + b]`, with `n = n1 n2`.
    """
    n1, n2 = _next_to_each_other(n_fft)
    outer, inner = _angles(n1, n1, n1), _angles(n2, n2 // 2 + 1, n2)
    twiddle = _angles(n2, n1, n_fft)
    cosine, sine = np.cos(inner), np.sin(inner)
    return _TwoStages(
        (np.cos(outer), -np.sin(outer)),
        (np.cos(twiddle), -np.sin(twiddle)),
        (np.concatenate([cosine, sine]), np.concatenate([-sine, cosine])),
        (n2 // 2 + 1) * n1,
    )


def _two_stages(kernel: Kernel, framed: Any, n_fft: int) -> Pair:
    """Transform `(batch, ..., n_fft)` into pairs of `(batch, ..., places)`. The bins come first, in order."""
    n1, n2 = _next_to_each_other(n_fft)
    stage = _constants_of_two_stages(n_fft)

    def times(x: Any, matrix: np.ndarray) -> Any:
        return kernel.product(x, constant(matrix, x))

    lead = (-1, *ops.shape(framed)[1:-1])
    x = ops.swapaxes(ops.reshape(framed, (*lead, n1, n2)), -1, -2)
    real, imag = times(x, stage.first[0]), times(x, stage.first[1])
    cosine, sine = (constant(part, x) for part in stage.twiddle)
    turned = ops.concatenate([real * cosine - imag * sine, real * sine + imag * cosine], axis=-2)
    turned = ops.swapaxes(turned, -1, -2)
    parts = [ops.swapaxes(times(turned, matrix), -1, -2) for matrix in stage.second]
    real, imag = (ops.reshape(part, (*lead, stage.places)) for part in parts)
    return real, imag


def _by_channel(fn: Callable[[Any], list[Any]], x: Any) -> Sequence[Any]:
    """Apply a function of `(batch, time)` to each channel of `(batch, ..., time)`, and join the results."""
    if len(x.shape) == 2:
        return fn(x)
    if len(x.shape) != 3 or x.shape[1] is None:
        raise ValueError(
            f"The number of channels must be known to export; received samples of shape {tuple(x.shape)}. "
            "Give the model an Input of known channels, (None, 1) say."
        )
    channels = ops.split(x, x.shape[1], axis=1) if x.shape[1] > 1 else [x]
    every = [fn(ops.squeeze(channel, 1)) for channel in channels]
    if len(every) == 1:
        return [ops.expand_dims(part, 1) for part in every[0]]
    return [ops.stack(parts, axis=1) for parts in zip(*every, strict=True)]
