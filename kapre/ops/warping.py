"""Gathering and linear interpolation along one axis, and the maps that augmentation warps axes by."""

from __future__ import annotations

from typing import Any

from keras import ops


def taken(x: Any, places: Any, axis: int) -> Any:
    """Return the entries of `x` along an axis at integer places, which broadcast to the other axes."""
    shape = [*ops.shape(x)]
    shape[axis] = ops.shape(places)[axis]
    return ops.take_along_axis(x, ops.broadcast_to(places, shape), axis=axis)


def interpolated(x: Any, positions: Any, axis: int) -> Any:
    """Return `x` at positions between its entries along an axis, linear between neighbours.

    Args:
        x: The values.
        positions: Floats that broadcast to the other axes of `x`. Positions outside `x` give its first or last entry.
        axis: The axis of the positions.
    """
    last = ops.shape(x)[axis] - 1
    positions = ops.clip(positions, 0.0, ops.cast(last, positions.dtype))
    below = ops.floor(positions)
    share = ops.cast(positions - below, x.dtype)
    below = ops.cast(below, "int32")
    low, high = taken(x, below, axis), taken(x, ops.minimum(below + 1, ops.cast(last, "int32")), axis)
    return ops.where(share > 0.0, low + share * (high - low), low)  # a place itself must not take from its neighbour


def with_moved_point(size: Any, point: Any, shift: Any, lengths: Any) -> Any:
    """Return where each place of an axis comes from if `point` moves by `shift` and the ends stay.

    The map is linear on both sides of the point. Places past an item's length come from themselves.

    Args:
        size: Number of places.
        point: float32 `(batch, 1)`, above 0 and below the last place of the item.
        shift: float32 `(batch, 1)`. The point must stay between the ends. 0 is no change.
        lengths: Number of places of each item, `(batch, 1)` or one number.
    """
    places = ops.cast(ops.arange(size, dtype="int32"), "float32")[None]
    last = ops.cast(lengths, "float32") - 1.0
    moves = shift != 0.0
    moved = ops.clip(point + shift, 1e-3, ops.maximum(last - 1e-3, 1e-3))
    before = places * point / moved
    behind = point + (places - moved) * (last - point) / ops.where(moves, last - moved, ops.ones_like(moved))
    warped = ops.where(places < moved, before, behind)
    return ops.where(ops.logical_and(moves, places <= last), warped, places)


def unwarped_frequencies(frequencies: Any, factor: Any, cutoff: float, nyquist: float) -> Any:
    """Return the frequency that vocal-tract length perturbation moves to each of `frequencies`, in Hz.

    The warp multiplies by `factor` below `cutoff * min(factor, 1) / factor`, and is linear from there to Nyquist.
    """
    end = cutoff * ops.minimum(factor, 1.0)
    start = end / factor
    above = nyquist - (nyquist - frequencies) * (nyquist - start) / (nyquist - end)
    return ops.where(frequencies <= end, frequencies / factor, above)


def places_between(values: Any, knots: Any) -> Any:
    """Return where values lie among rising knots, as floats: 1.5 is half-way between knots 1 and 2.

    Args:
        values: Floats `(..., n)`.
        knots: Floats `(k,)`, at least two.
    """
    above = ops.sum(ops.cast(values[..., None] >= knots, "int32"), axis=-1)
    index = ops.clip(above - 1, 0, knots.shape[0] - 2)
    low, high = ops.take(knots, index, axis=0), ops.take(knots, index + 1, axis=0)
    return ops.cast(index, values.dtype) + (values - low) / (high - low)
