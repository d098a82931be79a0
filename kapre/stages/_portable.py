"""The spectra of a recipe, computed for export with the operations of `kapre.ops.lowered`, which every runtime has."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from kapre.ops import fourier, frames, lowered, scales, waves
from kapre.ops.fourier import constant
from kapre.ops.kernels import active as kernel
from kapre.stages.energy import log_energy
from kapre.stages.preemphasis import within_frames
from kapre.stages.window import placed

if TYPE_CHECKING:
    from kapre.recipe import Recipe


@lru_cache(maxsize=64)
def _emphasis(recipe: Recipe) -> np.ndarray:
    """Return the preemphasis within a frame as a matrix."""
    size = recipe.frame_length
    if not within_frames(recipe):
        return np.eye(size)
    emphasis = np.eye(size) - recipe.preemphasis * np.eye(size, k=1)
    if recipe.preemphasis_first == "first":
        emphasis[0, 0] -= recipe.preemphasis
    return emphasis


@lru_cache(maxsize=64)
def _frames_of_a_chunk(recipe: Recipe) -> tuple[np.ndarray, ...]:
    """Return matrices `(length of a chunk, frame_length)` that select the samples of each frame in a chunk."""
    length, _ = recipe.cut
    places = np.pad(np.arange(length), (0, recipe.chunk_pad), "reflect")
    starts = range(0, len(places) - recipe.frame_length + 1, recipe.hop_length)
    return tuple(np.eye(length)[:, places[start : start + recipe.frame_length]] for start in starts)


def _times(matrix: np.ndarray, values: Any, like: Any) -> Any:
    """Multiply matrices, in NumPy if both are NumPy arrays."""
    return matrix @ values if isinstance(values, np.ndarray) else ops.matmul(constant(matrix, like), values)


def _of_frames(recipe: Recipe, x: Any, values: Any) -> Any:
    """Multiply each frame of `(batch, time)` by a matrix, given as a NumPy array or a tensor."""
    hop = recipe.cut[1]

    def convolved(values: Any) -> Any:
        return lowered.convolve(x, constant(values, x) if isinstance(values, np.ndarray) else values, hop)

    if recipe.chunk_length is None:
        return convolved(values)
    return ops.stack([convolved(_times(places, values, x)) for places in _frames_of_a_chunk(recipe)], axis=2)


def _directly(recipe: Recipe, x: Any, window: Any) -> tuple[fourier.Pair, Any]:
    """Return the spectra of `(batch, time)` by convolutions, and the samples from which an energy is computed.

    This does not work for a recipe that removes the mean. Folded into a convolution, the mean would cancel only up to
    the rounding of the samples. For a clip with an offset, that error would remain.
    """
    emphasis = _emphasis(recipe)
    parts = []
    for matrix in fourier.dft_matrices(recipe.frame_length, recipe.n_fft):
        if window is None:
            windowed: Any = recipe.analysis_window[:, None] * matrix
        else:
            windowed = ops.expand_dims(placed(recipe, window, x), 1) * constant(matrix, x)
        parts.append(_of_frames(recipe, x, _times(emphasis, windowed, x)))
    samples = None if recipe.energy is None else _of_frames(recipe, x, np.eye(recipe.frame_length))
    return (parts[0], parts[1]), samples


def _framed(recipe: Recipe, x: Any) -> Any:
    """Cut `(batch, time)` into frames `(batch, frames, frame_length)`, or into frames of chunks with one more axis."""
    cut = lowered.frame(x, *recipe.cut)
    if recipe.chunk_length is None:
        return cut
    return ops.stack([kernel.product(cut, constant(places, cut)) for places in _frames_of_a_chunk(recipe)], axis=2)


def _by_frames(recipe: Recipe, x: Any, window: Any) -> tuple[fourier.Pair, Any]:
    """Compute the same as `_directly`, but cut the frames first.

    If the DFT has two stages, extra values follow the bins. A frame of zeros precedes the others.
    """
    framed = _framed(recipe, x)
    framed = waves.without_mean(framed) if recipe.remove_dc else framed
    analysis = constant(recipe.analysis_window, framed) if window is None else placed(recipe, window, framed)
    whole = within_frames(recipe)
    windowed = (waves.preemphasis(framed, whole, recipe.preemphasis_first) if whole else framed) * analysis
    if lowered.factors(recipe.n_fft) is not None:
        return lowered.two_stage(fourier.of_length(windowed, recipe.n_fft), recipe.n_fft), framed
    matrices = fourier.dft_matrices(recipe.frame_length, recipe.n_fft)
    real, imag = (kernel.product(windowed, constant(matrix, windowed)) for matrix in matrices)
    return (real, imag), framed


def _bank_tensor(bank: Any, y: Any) -> Any:
    """Return a filter bank (NumPy array or weight) as a tensor, with rows of zeros for the values after the bins."""
    more = y.shape[-1] - bank.shape[0]
    if isinstance(bank, np.ndarray):
        return constant(np.pad(bank, ((0, more), (0, 0))), y)
    bank = ops.cast(bank, y.dtype)
    return ops.pad(bank, [(0, more), (0, 0)]) if more else bank


def spectra(recipe: Recipe, x: Any, window: Any, bank: Any, ends: bool) -> tuple[Any, Any]:
    """Convert padded samples `(..., time)` to bands and their logarithm; see `spectrum.of_samples`."""
    whole = recipe.chunk_length is None
    in_stages = whole and lowered.factors(recipe.n_fft) is not None
    by_frames = in_stages or recipe.remove_dc or (whole and fourier.lowering_way().by_products)
    values = recipe.bank_in(keras.backend.standardize_dtype(x.dtype)) if bank is None else bank

    def of_channel(x: Any) -> list[Any]:
        if recipe.pad_end and ends:
            x = frames.pad(x, 0, recipe.cut[0] - 1)
        pair, samples = (_by_frames if by_frames else _directly)(recipe, x, window)
        if in_stages and values is None:
            pair = lowered.bins_of(pair, recipe.n_fft)
        y = fourier.magnitude(pair, recipe.power or 1.0, recipe.magnitude_epsilon)
        if values is not None:
            y = kernel.product(y, _bank_tensor(values, y))
        if recipe.log is not None:
            y = scales.logarithm(y, recipe.log, recipe.amin, recipe.amin_by, recipe.ref_value)
        energy = None if recipe.energy is None else log_energy(recipe, samples)
        first, last = int(by_frames), recipe.drop_last if ends else 0
        return [None if part is None else kernel.part(part, first, last, axis=1) for part in (y, energy)]

    bands, energy = lowered.by_channel(of_channel, x)
    return bands, energy
