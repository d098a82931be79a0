"""Resampling by a windowed sinc, on the last axis: `(..., time)` to `(..., ceil(new * time / old))`.

Smith, "Digital Audio Resampling", 2002. Output sample p is `Σ_i x[i] k(i / old - p / new)`. The kernel repeats every
`new` outputs, which are `old` inputs apart. A row of inputs as long as a whole number of such periods, and the start of
the next row, determine a row of outputs. Resampling is therefore two matrix products.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from keras import ops

from kapre.ops import fourier, frames
from kapre.ops.chunks import Cutter, State
from kapre.ops.counts import num_frames
from kapre.ops.host import library
from kapre.ops.kernels import active as kernel
from kapre.ops.kernels import current
from kapre.ops.sinc import NAMED as NAMED
from kapre.ops.sinc import Method as Method
from kapre.ops.sinc import Sinc as Sinc
from kapre.ops.sinc import check_rates as check_rates
from kapre.ops.sinc import check_sinc as check_sinc
from kapre.ops.sinc import out_length as out_length
from kapre.ops.sinc import period, reach, row_length
from kapre.ops.sinc import speed_ratio as speed_ratio


def out_mask(mask: Any, old: int, new: int) -> Any:
    """Return the mask over the resampled time for a mask over samples `(batch, time)`."""
    lib = library(mask)
    size, lengths = (out_length(each, old, new) for each in (lib.shape(mask)[1], frames.lengths_of(mask)))
    return np.arange(size) < lengths[:, None] if lib is np else frames.within(size, lengths, 2)


def resample(x: Any, old: int, new: int, sinc: Sinc) -> Any:
    """Convert the last axis from the rate `old` to `new`, of which 1 is the greatest common divisor."""
    if old == new:
        return x
    before, row = reach(old, new, sinc), row_length(old, new, sinc)
    here, ahead = _matrices(old, new, sinc)
    *lead, length = ops.shape(x)
    rows = frames.frame(frames.pad(x, before, 2 * row - before), row, row)
    by = current()
    own, following = kernel.part(rows, 0, 1, axis=-2), kernel.part(rows, 1, 0, axis=-2)[..., : 2 * before]
    y = by.dot(own, fourier.constant(here, x)) + by.dot(following, fourier.constant(ahead, x))
    count = ops.shape(y)[-2]
    return ops.reshape(y, (*lead, count * here.shape[1]))[..., : out_length(length, old, new)]


@kernel.untraced
@lru_cache(maxsize=32)
def _matrices(old: int, new: int, sinc: Sinc) -> tuple[np.ndarray, np.ndarray]:
    """Return the matrices for a row of inputs and for the start of the next row, `(inputs, outputs of a row)` each."""
    row, one = row_length(old, new, sinc), period(old, new, sinc)
    whole = np.zeros((row + 2 * reach(old, new, sinc), row // old * new))
    for start in range(row // old):
        whole[start * old : start * old + len(one), start * new : (start + 1) * new] = one
    parts = np.ascontiguousarray(whole[:row]), np.ascontiguousarray(whole[row:])
    for part in parts:
        part.setflags(write=False)  # its tensor is made once
    return parts


_period = kernel.untraced(period)


def cutter(old: int, new: int, sinc: Sinc, chunk: int | None = None) -> Cutter:
    """Return what cuts a stream into the inputs of single periods. `chunk` is the size of fixed chunks."""
    before = reach(old, new, sinc)
    return Cutter(old + 2 * before, old, before, right=before + old - 1, chunk=chunk, cycle=old)


def step(x: Any, state: State, cutter: Cutter, new: int, sinc: Sinc) -> tuple[Any, State]:
    """Resample a chunk `(..., time)` of a stream. Return the samples of the completed periods and the next state.

    A stream of fixed chunks begins with `cutter.warmup * new` zeros that belong to no clip.
    """
    span, state = cutter.push(x, state)
    y = _periods(span, cutter, new, sinc)
    real = cutter.real(state)
    y = y if real is None else library(y).where(real, y, library(y).zeros_like(y))
    return _flat(y), state


def rest(state: State, cutter: Cutter, new: int, sinc: Sinc) -> Any:
    """Return the samples that remain after the end of a stream, from the state of a stream with any chunks."""
    length = state["kept"].shape[-1] - cutter.left
    return _flat(_periods(cutter.finish(state), cutter, new, sinc))[..., : out_length(length, cutter.hop, new)]


def _periods(span: Any, cutter: Cutter, new: int, sinc: Sinc) -> Any:
    """Return the outputs of each period, `(..., periods, new)`."""
    matrix = _period(cutter.hop, new, sinc)
    if library(span) is ops:
        return current().dot(frames.frame(span, cutter.size, cutter.hop), fourier.constant(matrix, span))
    count = num_frames(span.shape[-1], cutter.size, cutter.hop)
    if not count:
        return np.zeros((*span.shape[:-1], 0, new), span.dtype)
    cut = np.lib.stride_tricks.sliding_window_view(span, cutter.size, axis=-1)[..., :: cutter.hop, :]
    return cut @ matrix.astype(span.dtype)


def _flat(y: Any) -> Any:
    *lead, count, new = y.shape
    return library(y).reshape(y, (*lead, count * new))
