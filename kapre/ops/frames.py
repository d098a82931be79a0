"""Padding, framing and overlap-add on the last axis."""

from __future__ import annotations

import numbers
from typing import Any, Literal

import numpy as np
from keras import ops

from kapre.ops.counts import PAD_MODES as PAD_MODES
from kapre.ops.counts import num_frames as num_frames
from kapre.ops.host import library
from kapre.ops.kernels import active as kernel
from kapre.ops.kernels._blocks import Edges

PadMode = Literal["constant", "reflect", "symmetric", "edge"]


def sources(positions: Any, length: Any, mode: str) -> Any:
    """Map positions on the time axis to the samples in `[0, length)` that padding repeats there.

    `length` is at least 1. Both arguments are ints and NumPy arrays, or both are tensors.
    """
    known = isinstance(length, numbers.Integral)
    lib: Any = np if known else ops
    if mode == "edge":
        return lib.clip(positions, 0 if known else kernel.number(0, length), length - 1)
    # Mirror to positive values first, because tf2onnx (1.17) computes a remainder with another sign below 0.
    if mode == "symmetric":
        folded = lib.where(positions < 0, -1 - positions, positions) % (2 * length)
        return lib.where(folded < length, folded, 2 * length - 1 - folded)
    period = lib.maximum(2 * (length - 1), 1 if known else kernel.number(1, length))
    folded = lib.abs(positions) % period
    return lib.minimum(lib.minimum(folded, period - folded), length - 1)


def within(size: Any, lengths: Any, rank: int, axis: int = -1) -> Any:
    """Tell which of `size` positions on an axis of a tensor with `rank` axes lie within each item's length.

    Args:
        size: An int or an integer tensor.
        lengths: Integer tensor of shape `(batch,)`.
        rank: Number of axes of the tensor to which the result broadcasts. The first axis is the batch.
        axis: The axis of the positions.
    """
    axis %= rank
    places = ops.reshape(ops.arange(size, dtype="int32"), (-1, *[1] * (rank - 1 - axis)))
    return places < ops.reshape(ops.cast(lengths, "int32"), (-1, *[1] * (rank - 1)))


def keep(x: Any, lengths: Any, value: float = 0.0, axis: int = -1) -> Any:
    """Replace the samples past each item's length on an axis of `(batch, ..., time)`, the last one, by `value`."""
    inside = within(ops.shape(x)[axis], lengths, len(x.shape), axis)
    return ops.where(inside, x, kernel.filled(x, value))


def lengths_of(mask: Any) -> Any:
    """Return each item's length, the position of the last True in `(batch, time)` plus one, as int32 `(batch,)`."""
    lib = library(mask)
    if mask.shape[0] == 0:
        return lib.zeros((0,), dtype="int32")  # `amax` fails on TensorFlow where there is no item (Keras 3.15)
    places = lib.arange(1, lib.shape(mask)[1] + 1, dtype="int32")
    ends = lib.where(mask, places, lib.zeros_like(places))
    return lib.amax(lib.pad(ends, [(0, 0), (0, 1)]), axis=1)  # one more, because an empty time axis has no maximum


def inside(mask: Any) -> Any:
    """Fill the holes of a mask `(batch, time)`, so that it is True up to each item's last True."""
    lib = library(mask)
    ones = mask.astype("int32") if lib is np else ops.cast(mask, "int32")
    return lib.flip(lib.cumsum(lib.flip(ones, axis=1), axis=1), axis=1) > 0


def frame_mask(mask: Any, padding: int, frame_length: int, hop_length: int, pad_end: bool = False) -> Any:
    """Return the mask over frames, `num_frames` per item, for a mask over samples with `padding` at both ends.

    The mask is a slice and needs no size, so a symbolic mask of unknown length also works.
    """
    before = padding + (frame_length - 1 if pad_end else 0)
    padded = library(mask).pad(inside(mask), [(0, 0), (before, 0)], constant_values=True)
    return padded[:, frame_length - 1 :: hop_length]


def sample_mask(mask: Any, padding: int, frame_length: int, hop_length: int, size: int | None = None) -> Any:
    """Return the mask over overlap-added samples for a mask over frames, with `padding` samples cut off.

    With `size`, the samples are cut or zero-padded to that many.
    """
    before = frame_length - hop_length - padding
    samples = library(mask).repeat(inside(mask), hop_length, axis=1)
    if before < 0:
        samples = samples[:, -before:]
    else:
        samples = library(mask).pad(samples, [(0, 0), (before, 0)], constant_values=True)
    if size is None:
        return samples
    return library(samples).pad(samples, [(0, 0), (0, size)], constant_values=False)[:, :size]


def _pad_items(x: Any, left: int, right: int, mode: str, lengths: Any) -> Any:
    """Pad each item at its own end by gathering. Past that end, the item holds zeros."""
    rank = len(x.shape)
    lengths = ops.cast(lengths, "int32")
    places = ops.arange(-left, ops.shape(x)[-1] + right, dtype="int32")
    items = ops.zeros_like(lengths)[:, None]
    indices = sources(
        places[None, :] + items, ops.maximum(lengths, kernel.number(1, lengths))[:, None] + 0 * places, mode
    )
    indices = ops.reshape(indices, (-1, *[1] * (rank - 2), ops.shape(places)[0]))
    lead = ops.shape(x)[:-1]
    indices = ops.broadcast_to(indices, (*lead, ops.shape(places)[0]))
    padded = ops.take_along_axis(pad(x, 0, 1), indices, axis=-1)  # index 0 must exist in an empty clip too: a zero
    return keep(padded, ops.where(lengths > 0, lengths + (left + right), ops.zeros_like(lengths)))


def pad(x: Any, left: int, right: int, mode: str = "constant", value: float = 0.0, lengths: Any = None) -> Any:
    """Pad the last axis as `numpy.pad` does. A clip shorter than the padding is reflected repeatedly.

    A clip without samples has nothing to repeat, so it is padded with zeros in every mode. With `lengths`, each item of
    `(batch, ..., time)` is padded at its own length and must hold zeros past it.
    """
    if left == 0 and right == 0:
        return x
    if mode != "constant" and lengths is not None:
        return _pad_items(x, left, right, mode, lengths)
    if mode == "constant":
        return ops.pad(x, [(0, 0)] * (len(x.shape) - 1) + [(left, right)], constant_values=value)
    length = kernel.size(x, -1)
    known = isinstance(length, int)
    before, after = np.arange(-left, 0, dtype="int32"), np.arange(right, dtype="int32")
    if not known:
        before, after = ops.convert_to_tensor(before), ops.convert_to_tensor(after)
    repeated = max(length, 1) if known else ops.maximum(length, 1)
    source = x if known and length > 0 else pad(x, 0, 1)  # index 0 must exist in an empty clip too: a zero
    if known:
        places = [sources(where, repeated, mode) for where in (before, after + length)]
    else:  # with an axis: ExecuTorch (1.5) turns an int32 scalar plus a number into int64
        places = [sources(where, repeated + 0 * where, mode) for where in (before, after + length)]
    pieces = [kernel.take(source, where) for where in places]
    return ops.concatenate([pieces[0], x, pieces[1]], axis=-1)


def at_edges(x: Any, edges: Edges | None) -> Any:
    """Pad the last axis at the ends of each item."""
    if edges is None:
        return x
    x = x if edges.lengths is None else keep(x, edges.lengths)
    return pad(x, edges.left, edges.right, edges.mode, lengths=edges.lengths)


def frame(x: Any, frame_length: int, hop_length: int, pad_end: bool = False, pad_value: float = 0.0) -> Any:
    """Cut the last axis into frames: `(..., time)` to `(..., frames, frame_length)`."""
    if pad_end:
        x = pad(x, 0, frame_length - 1, value=pad_value)
    length = ops.shape(x)[-1]
    if isinstance(length, int) and length < frame_length:
        return kernel.frame(pad(x, 0, frame_length - length), frame_length, hop_length)[..., :0, :]
    return kernel.frame(x, frame_length, hop_length)


def overlap_add(frames: Any, hop_length: int) -> Any:
    """Add frames at their positions: `(..., frames, frame_length)` to `(..., (frames - 1) * hop + frame_length)`."""
    *lead, count, frame_length = ops.shape(frames)
    parts = -(-frame_length // hop_length)
    rank = len(frames.shape)
    keep = [(0, 0)] * (rank - 2)
    # Each frame becomes `parts` pieces of one hop. They are laid out as (parts, count + parts) rows and flattened.
    # Dropping the last `parts` rows shifts part k by k rows, so that one sum over the parts adds all overlapping
    # pieces.
    padded = ops.pad(frames, [*keep, (0, 0), (0, parts * hop_length - frame_length)])
    pieces = ops.reshape(padded, (*lead, count, parts, hop_length))
    pieces = ops.swapaxes(pieces, -3, -2)
    pieces = ops.pad(pieces, [*keep, (0, 0), (0, parts), (0, 0)])
    rows = ops.reshape(pieces, (*lead, parts * (count + parts), hop_length))
    rows = rows[..., : parts * (count + parts - 1), :]
    total = ops.sum(ops.reshape(rows, (*lead, parts, count + parts - 1, hop_length)), axis=-3)
    samples = ops.reshape(total, (*lead, (count + parts - 1) * hop_length))
    return samples[..., : (count - 1) * hop_length + frame_length]
