"""Running medians by a network of comparisons, which every backend and format has, and separation by them.

The windows at all positions are sorted side by side. A window of 16 values is the union of two of 8 that begin 8
positions apart, so that each merge serves both: a median of 31 takes some 150 operations on the whole array.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from kapre.ops import fourier, frames, scales
from kapre.ops.kernels import active as kernel

_BLOCK = 1 << 15
"""Number of values of a block of rows in eager calls on PyTorch."""

Sorted = list[Any]
"""Tensors of one shape: the smallest values at each position, the second smallest ones, and so on."""


def _merged(one: Sorted, other: Sorted) -> Sorted:
    """Return the union of two sorted lists, by Batcher's odd-even merge."""
    if not one or not other:
        return one or other
    if len(one) == len(other) == 1:
        return [kernel.minimum(one[0], other[0]), kernel.maximum(one[0], other[0])]
    even, odd = _merged(one[::2], other[::2]), _merged(one[1::2], other[1::2])
    found = [even[0]]
    for place in range(max(len(even) - 1, len(odd))):
        low = odd[place] if place < len(odd) else None
        high = even[place + 1] if place + 1 < len(even) else None
        if low is None or high is None:
            found.append(high if low is None else low)
        else:
            found += [kernel.minimum(low, high), kernel.maximum(low, high)]
    return found


def _smallest(one: Sorted, other: Sorted, place: int) -> Any:
    """Return the value at a place, from 0, of the union of two sorted lists."""
    found = None
    for taken in range(max(0, place + 1 - len(other)), min(len(one), place + 1) + 1):
        rest = place + 1 - taken
        parts = [values[count - 1] for values, count in ((one, taken), (other, rest)) if count]
        highest = parts[0] if len(parts) == 1 else kernel.maximum(*parts)
        found = highest if found is None else kernel.minimum(found, highest)
    return found


def _medians(x: Any, size: int) -> Any:
    """Return the median of each window of an odd size on the last axis, without padding."""
    if size == 1:
        return x
    blocks, width = {1: [x]}, 1  # of each width, the sorted windows that begin at each position
    while 2 * width <= size:
        block = blocks[width]
        early, late = ([kernel.part(values, *cut, axis=-1) for values in block] for cut in ((0, width), (width, 0)))
        blocks[2 * width] = _merged(early, late)
        width *= 2
    parts, begin = [], 0
    for bit in reversed(range(size.bit_length())):
        if size >> bit & 1:
            width = 1 << bit
            behind = size - begin - width
            parts.append([kernel.part(values, begin, behind, axis=-1) for values in blocks[width]])
            begin += width
    *small, large = parts[::-1]
    rest: Sorted = []
    for part in small:
        rest = _merged(rest, part)
    return _smallest(large, rest, size // 2)


def running_median(x: Any, size: int, lengths: Any = None) -> Any:
    """Return the median of `size` values around each one on the last axis of `(batch, ..., entries)`.

    The ends are mirrored with the edge repeated, as in SciPy's mode "reflect". `lengths` is the number of entries of
    each item, or None. `size` is odd.
    """
    if lengths is not None:
        x = frames.keep(x, lengths)
    padded = frames.pad(x, size // 2, size // 2, "symmetric", lengths=lengths)
    if not kernel.is_plain(x) or kernel.compiles_eager_calls or 0 in tuple(padded.shape):
        return _medians(padded, size)
    # One operation after the other, in blocks that stay in the cache, and whose intermediate results are small.
    rows = ops.reshape(padded, (-1, padded.shape[-1]))
    count = max(1, _BLOCK // padded.shape[-1])
    found = [_medians(rows[first : first + count], size) for first in range(0, rows.shape[0], count)]
    return ops.reshape(ops.concatenate(found, axis=0), tuple(x.shape))


def soft_mask(x: Any, other: Any, power: float, halves: bool) -> Any:
    """Return `x ** power / (x ** power + other ** power)`, for values of at least 0.

    An infinite power gives 1 where `x` is larger. Where both are 0, the mask is 0.5 with `halves`, else 0.
    """
    if power == math.inf:
        return ops.cast(x > other, x.dtype)
    highest = kernel.maximum(x, other)
    silent = highest < float(np.finfo(keras.backend.standardize_dtype(x.dtype)).tiny)
    scale = ops.where(silent, ops.ones_like(highest), highest)
    mine, theirs = (scales.powered(part / scale, power) for part in (x, other))
    total = ops.where(silent, ops.ones_like(highest), mine + theirs)
    return ops.where(silent, kernel.filled(highest, 0.5 if halves else 0.0), mine / total)


def separated(
    s: Any, sizes: tuple[int, int], power: float, margins: tuple[float, float], lengths: Any = None
) -> tuple[Any, Any]:
    """Return the masks of harmonic and of percussive sound for magnitudes `(batch, ..., frames, bins)`.

    Sound that lasts is a line along time, and a stroke is a line along frequency: the medians of `sizes[0]` frames and
    of `sizes[1]` bins leave one of them.
    """
    along_time = ops.swapaxes(running_median(ops.swapaxes(s, -2, -1), sizes[0], lengths), -2, -1)
    along_bins = running_median(s, sizes[1])
    halves = margins == (1.0, 1.0)
    of_harmonic, of_percussive = (fourier.constant(margin, s) for margin in margins)
    harmonic = soft_mask(along_time, along_bins * of_harmonic, power, halves)
    return harmonic, soft_mask(along_bins, along_time * of_percussive, power, halves)
