"""Samples moved, cut or faded in time: functions on `(batch, ..., time)` that heed the length of each item.

Parameters are tensors that broadcast to `(batch, ..., time)`, such as `(batch, 1, 1)`. Where a function takes
`lengths`, it is an integer tensor of shape `(batch,)`, or None if all samples are valid, and samples past an item's
length are 0.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from keras import ops

from kapre.ops import frames
from kapre.ops.fourier import constant
from kapre.ops.kernels import active as kernel

FadeShape = Literal["linear", "quarter_sine", "half_sine", "logarithmic", "exponential"]


def lengths_beside(x: Any, lengths: Any) -> Any:
    """Return the lengths as int32 that broadcast to `(batch, ..., time)`, or the size of the last axis for None."""
    if lengths is None:
        return ops.cast(kernel.size(x, -1), "int32")
    return ops.reshape(ops.cast(lengths, "int32"), (-1, *[1] * (len(x.shape) - 1)))


def at_least(x: Any, least: int) -> Any:
    """Return the larger of int32 numbers and an int.

    `keras.ops.maximum` (3.15) gives float32 on JAX where floatx is bfloat16. Drop when it doesn't.
    """
    return ops.where(x > least, x, ops.full_like(x, least))


def positions(size: Any) -> Any:
    """Return the int32 positions on an axis."""
    return ops.arange(size, dtype="int32")


def gather(x: Any, places: Any) -> Any:
    """Return the samples at positions on the last axis. The positions broadcast to the other axes of `x`."""
    if not isinstance(kernel.size(x, -1), int) or x.shape[-1] == 0:
        x = frames.pad(x, 0, 1)  # position 0 must exist in an empty clip too: a zero
    shape = (*ops.shape(x)[:-1], ops.shape(places)[-1])
    return ops.take_along_axis(x, ops.broadcast_to(places, shape), axis=-1)


def rolled(x: Any, starts: Any, size: Any, lengths: Any = None) -> Any:
    """Return `size` samples from positions `(..., 1)` on, and again from the first behind the last of an item."""
    found = kernel.rolled(x, starts, size, None, lengths)
    if found is not None:
        return found
    return gather(x, (positions(size) + starts) % at_least(lengths_beside(x, lengths), 1))


def reverse(x: Any, lengths: Any = None) -> Any:
    """Reverse each item within its length."""
    if lengths is None:
        return ops.flip(x, axis=-1)
    here, length = positions(ops.shape(x)[-1]), lengths_beside(x, lengths)
    return gather(x, ops.where(here < length, length - 1 - here, here))


def shift(x: Any, samples: Any, rollover: bool, lengths: Any = None) -> Any:
    """Move each item to the right by a number of samples, or to the left by a negative number.

    With `rollover`, samples that leave an item at one end enter at the other. Else zeros enter.
    """
    size, length, samples = ops.shape(x)[-1], lengths_beside(x, lengths), ops.cast(samples, "int32")
    moved = rolled(x, -samples % at_least(length, 1), size, lengths)
    if not rollover:
        source = positions(size) - samples
        moved = ops.where(ops.logical_and(source >= 0, source < length), moved, ops.zeros_like(moved))
    return moved if lengths is None else frames.keep(moved, lengths)


def crop(x: Any, start: Any, size: int, lengths: Any = None) -> Any:
    """Return `size` samples from a position on. Past the end of an item, they are 0."""
    here = ops.cast(start, "int32") + positions(size)
    inside = here < lengths_beside(x, lengths)
    found = gather(x, ops.where(inside, here, 0))
    return ops.where(inside, found, ops.zeros_like(found))


def silenced(x: Any, starts: Any, sizes: Any) -> Any:
    """Return `(batch, channel, time)` with zeros in the chunks `(batch, channel or 1, n)`."""
    found = kernel.silenced(x, starts, sizes)
    if found is not None:
        return found
    return ops.where(chunks(ops.shape(x)[-1], starts, sizes), ops.zeros_like(x), x)


def chunks(size: Any, starts: Any, lengths: Any) -> Any:
    """Tell which positions lie in one of the chunks `(..., n)`, as a bool tensor `(..., size)`."""
    here = positions(size)
    hidden = None
    for i in range(starts.shape[-1]):
        first = starts[..., i : i + 1]
        chunk = ops.logical_and(here >= first, here < first + lengths[..., i : i + 1])
        hidden = chunk if hidden is None else ops.logical_or(hidden, chunk)
    return hidden


def ramp(share: Any, shape: FadeShape) -> Any:
    """Return the gain of a fade-in at a share of its duration in [0, 1]. The result is in [0, 1]."""
    if shape == "linear":
        return share
    if shape == "quarter_sine":
        return ops.sin(share * constant(np.pi / 2.0, share))
    if shape == "half_sine":
        return 0.5 - 0.5 * ops.cos(share * constant(np.pi, share))
    if shape == "logarithmic":
        gain = 1.0 + ops.log(0.1 + share) / constant(np.log(10.0), share)
        return ops.clip(gain, 0.0, 1.0)
    return share * ops.exp((share - 1.0) * constant(np.log(2.0), share))


def fade(x: Any, fade_in: Any, fade_out: Any, shape: FadeShape, lengths: Any = None) -> Any:
    """Fade each item in over its first samples, and out over its last.

    The gain is 0 at the first sample of a fade-in, and 1 at its last. The fade-out is the mirror image. A fade-in of
    one sample makes it 0, and a fade-out of one sample changes nothing, as in torchaudio.
    """
    here, length = positions(ops.shape(x)[-1]), lengths_beside(x, lengths)
    for place, size, least in ((here, fade_in, 1), (length - 1 - here, fade_out, 2)):
        size = ops.cast(size, "int32")
        size = ops.where(size < least, ops.zeros_like(size), size)
        steps = ops.cast(at_least(size - 1, 1), x.dtype)
        share = ops.clip(ops.cast(place, x.dtype) / steps, 0.0, 1.0)
        x = x * ops.where(place < size, ramp(share, shape), ops.ones_like(share))
    return x
