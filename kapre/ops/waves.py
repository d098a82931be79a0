"""Operations on whole waveforms, along the last axis: length, statistics, preemphasis and its inverse."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from kapre.ops import frames, iir
from kapre.ops.counts import padded_length
from kapre.ops.kernels import _prepare
from kapre.ops.kernels import active as kernel


def per_item(lengths: Any, x: Any) -> Any:
    """Return one number for each entry of the first axis, in the dtype of `x`, broadcastable to it."""
    return ops.reshape(ops.cast(lengths, x.dtype), (-1, *[1] * (len(x.shape) - 1)))


def without_mean(x: Any) -> Any:
    """Subtract the mean over the last axis. A constant becomes exactly 0."""
    return _prepare.without_mean(kernel, x)


def normalized(x: Any, epsilon: float, lengths: Any = None) -> Any:
    """Return `(x - mean) / sqrt(variance + epsilon)` of each waveform. Its padding remains zero."""
    if 0 in tuple(x.shape):
        return x
    if lengths is None:
        lengths = ops.reshape(kernel.number(kernel.size(x, -1), x, "int32"), (1,))
    samples = per_item(ops.maximum(lengths, kernel.number(1, lengths)), x)
    moved = frames.keep(x - kernel.head(x, 1, axis=-1), lengths)  # a constant becomes exactly 0, as in `without_mean`
    centred = frames.keep(moved - ops.sum(moved, axis=-1, keepdims=True) / samples, lengths)
    variance = ops.sum(ops.square(centred), axis=-1, keepdims=True) / samples
    return centred / ops.sqrt(variance + epsilon)


_LEAST_DEVIATION = 1e-10


def standardized(x: Any) -> Any:
    """Subtract the mean over the last axis, and divide by the deviation (`ddof` 1), which is at least 1e-10.

    Silence remains silence.
    """
    centred = without_mean(x)
    variance = kernel.total(ops.square(centred)) / float(max(1, x.shape[-1] - 1))
    return centred / ops.sqrt(kernel.at_least(variance, _LEAST_DEVIATION**2))


def levelled(
    x: Any, target: float, epsilon: float, by_peak: bool = False, only_raise: bool = False, lengths: Any = None
) -> Any:
    """Multiply each waveform so that its RMS, or its peak, is `target`. Silence remains silence.

    `epsilon` is added to the present level. With `only_raise`, a waveform that is louder than the target is unchanged.
    """
    if 0 in tuple(x.shape):
        return x
    if by_peak:
        level = ops.max(ops.abs(x), axis=-1, keepdims=True)
    else:
        if lengths is None:
            lengths = ops.reshape(kernel.number(kernel.size(x, -1), x, "int32"), (1,))
        samples = per_item(ops.maximum(lengths, kernel.number(1, lengths)), x)
        squares = ops.sum(ops.square(x), axis=-1, keepdims=True) / samples
        silent = squares <= 0.0
        root = ops.sqrt(ops.where(silent, ops.ones_like(squares), squares))  # its gradient is infinite at 0
        level = ops.where(silent, ops.zeros_like(squares), root)
    level = level + epsilon
    gain = target / ops.where(level <= 0.0, ops.full_like(level, target), level)
    return x * (kernel.maximum(gain, ops.ones_like(gain)) if only_raise else gain)


def limited(x: Any, peak: float, epsilon: float) -> Any:
    """Divide each waveform whose peak is above `peak` by `(its peak + epsilon) / peak`."""
    if 0 in tuple(x.shape):
        return x
    found = ops.max(ops.abs(x), axis=-1, keepdims=True)
    divisor = ops.where(found > peak, (found + epsilon) / peak, ops.ones_like(found))
    return x / divisor


def preemphasis(x: Any, coefficient: float, first: str = "keep", before: Any = None) -> Any:
    """Return `x[n] - coefficient * x[n - 1]`.

    The value before the first sample is 0 ("keep"), the "first" sample itself, the second one ("reflect"), or, within a
    stream, the previous sample `before`, of shape `(..., 1)`. "drop" leaves out the first result.
    """
    if first == "reflect" and x.shape[-1] != 0:
        before = frames.pad(x, 0, 2)[..., 1:2]
    if first == "drop":
        y = _prepare.preemphasis(kernel, x, coefficient)
        return y if x.shape[-1] == 0 else kernel.part(y, 1, 0, axis=-1)
    return _prepare.preemphasis(kernel, x, coefficient, first, before)


def deemphasis(x: Any, coefficient: float) -> Any:
    """Return `y[n] = x[n] + coefficient * y[n - 1]`, the inverse of `preemphasis` with the first sample kept."""
    sos = np.array([[1.0, 0.0, 0.0, 1.0, -coefficient, 0.0]])
    decay = iir.decay_length(sos, keras.backend.standardize_dtype(x.dtype))
    assert decay is not None, "the coefficient is within (-1, 1)"
    return iir.apply(x, iir.sections(sos), decay)


def fit(x: Any, size: int, axis: int = -1) -> Any:
    """Pad an axis with zeros, or trim it, to `size` entries."""
    have = x.shape[axis]
    room = size if have is None or not isinstance(have, int) else max(0, size - have)
    widths = [(0, 0)] * len(x.shape)
    widths[axis] = (0, room)
    return kernel.head(ops.pad(x, widths), size, axis)


def tile(x: Any, size: int, lengths: Any = None) -> Any:
    """Repeat each clip as many whole times as fit into `size` samples, then pad with zeros. Trim a longer clip."""
    places = np.arange(size, dtype="int32")
    length = kernel.size(x, -1)
    source = frames.pad(x, 0, 1)  # index 0 must exist in an empty clip too: a zero
    if lengths is None and isinstance(length, int):
        used = max(1, min(length, size))
        taken = kernel.take(source, places % used)
        return fit(taken[..., : size // used * used], size)
    counts = ops.reshape(ops.convert_to_tensor(length), (1,)) if lengths is None else lengths
    counts = ops.cast(counts, "int32")
    used = ops.clip(counts, kernel.number(1, counts), kernel.number(size, counts))
    if lengths is None:
        taken = kernel.take(source, ops.convert_to_tensor(places) % used)
    else:
        lead = ops.shape(x)[:-1]
        indices = ops.arange(size, dtype="int32")[None] % used[:, None]
        indices = ops.reshape(indices, (-1, *[1] * (len(x.shape) - 2), size))
        taken = ops.take_along_axis(source, ops.broadcast_to(indices, (*lead, size)), axis=-1)
    return frames.keep(taken, size // used * used)


def pad_to_multiple(
    x: Any, at_least: int, multiple: int, strict: bool = False, mode: str = "constant", lengths: Any = None
) -> Any:
    """Pad the last axis to `at_least + k * multiple` samples; see `padded_length`.

    With another `mode` than "constant", each item of `lengths` is padded at its own end to its own multiple.
    """
    length = ops.shape(x)[-1]
    padded = padded_length(length, at_least, multiple, strict)
    most = multiple if strict else multiple - 1
    if mode != "constant":
        y = frames.pad(x, 0, most, mode, lengths=lengths)[..., :padded]
        return y if lengths is None else frames.keep(y, padded_length(lengths, at_least, multiple, strict))
    if isinstance(length, int):
        return frames.pad(x, 0, padded - length)
    return frames.pad(x, 0, at_least + most)[..., :padded]
