"""Operations on features over time, `(..., frames, bands)`: statistics, a fixed length, stacks and patches.

`counts` is the number of valid frames: None (all), or an integer tensor of shape `(batch,)` or `(1,)`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from kapre.ops import frames
from kapre.ops.counts import num_frames, padded_length
from kapre.ops.host import library
from kapre.ops.kernels import active as kernel
from kapre.ops.kernels import current
from kapre.ops.waves import fit, per_item

Running = dict[str, Any]
_COUNTED = 2.0**23
"""Number of frames that running statistics count exactly: a day of frames 10 ms apart."""


def valid(x: Any, counts: Any) -> Any:
    """Tell which frames are valid, as a bool tensor that broadcasts to `x`, or None if all are."""
    return None if counts is None else frames.within(ops.shape(x)[-2], counts, len(x.shape), axis=-2)


def keep_valid(x: Any, counts: Any) -> Any:
    """Replace the frames that are not valid by zeros."""
    return x if counts is None else ops.where(valid(x, counts), x, ops.zeros_like(x))


def _divided(centred: Any, variance: Any, epsilon: float, epsilon_in: str) -> Any:
    """Return the values divided by their deviation. Where the deviation is 0, the values are already 0."""
    if epsilon_in == "variance":
        variance = variance + epsilon
    silent = variance <= 0.0
    deviation = ops.sqrt(ops.where(silent, ops.ones_like(variance), variance))
    deviation = ops.where(silent, ops.zeros_like(variance), deviation)
    if epsilon_in == "deviation":
        deviation = deviation + epsilon
    return centred / ops.where(deviation == 0.0, ops.ones_like(deviation), deviation)


def normalize(x: Any, std: bool, ddof: int, epsilon: float, epsilon_in: str, counts: Any = None) -> Any:
    """Subtract each band's mean over time and, with `std`, divide by its deviation. Frames that are not valid become 0.

    The variance of too few frames (`ddof` of them) is taken as 0.
    """
    if x.shape[-2] == 0:
        return x
    if counts is None:
        total = ops.cast(kernel.number(kernel.size(x, -2), x), x.dtype)
    else:
        total = per_item(ops.maximum(counts, kernel.number(1, counts)), x)
    moved = x - x[..., :1, :]  # small numbers, whose sums keep digits that a large common level would lose
    mean = ops.sum(keep_valid(moved, counts), axis=-2, keepdims=True) / total
    centred = keep_valid(moved - mean, counts)
    if not std:
        return centred
    degrees = kernel.maximum(total - float(ddof), ops.ones_like(total))
    variance = ops.sum(ops.square(centred), axis=-2, keepdims=True) / degrees
    return _divided(centred, variance, epsilon, epsilon_in)


def _trailing(x: Any, weights: Any, window: int) -> tuple[Any, Any, Any]:
    """Return the count, the mean and the sum of squared deviations of the last `window` frames, for each frame.

    Frames of weight 0 do not count. Statistics of 1, 2, 4, … frames are merged (Chan et al., 1979), so that no sum is
    longer than the window, and no large sums are subtracted.
    """
    zeros = ops.zeros_like(x)
    block = weights, weights * x, zeros  # of one frame
    found, length = None, 0
    for bit in range(window.bit_length()):
        size = 1 << bit
        if window & size:
            found = block if found is None else _merged(found, tuple(_later(each, length) for each in block))
            length += size
        if window >> (bit + 1):
            block = _merged(block, tuple(_later(each, size) for each in block))
    assert found is not None, "a window has a frame"
    return found


def _later(x: Any, frames: int) -> Any:
    """Return what is a number of frames before each frame, with zeros before the first one."""
    padded = _pad_frames(x, frames, 0)
    return kernel.part(padded, 0, frames, axis=-2) if frames else x


def _merged(one: tuple[Any, ...], other: tuple[Any, ...]) -> tuple[Any, Any, Any]:
    """Return the statistics of two groups of frames together."""
    (n, mean, squares), (more, of_more, more_squares) = one, other
    total = n + more
    counted = kernel.maximum(total, ops.ones_like(total))
    apart = of_more - mean
    moved = mean + apart * (more / counted)
    return total, moved, squares + more_squares + ops.square(apart) * (n * more / counted)


def normalize_sliding(
    x: Any,
    window: int,
    least: int,
    center: bool,
    std: bool,
    ddof: int,
    epsilon: float,
    epsilon_in: str,
    counts: Any = None,
) -> Any:
    """Apply `normalize` with the statistics of the `window` frames before each one and of that frame, as Kaldi does.

    The first frames take the first `least` frames, at most `window`. With `center`, `window` frames around each frame
    are taken. At the ends of the clip, the window is moved inside.
    """
    if x.shape[-2] == 0:
        return x
    size = ops.shape(x)[-2]
    places = ops.arange(size, dtype="int32")
    total = ops.convert_to_tensor(size, dtype="int32") if counts is None else ops.cast(counts, "int32")
    total = ops.reshape(total, (-1, 1))
    last = places + 0 * total
    zero = kernel.number(0, last)
    if center:  # the window that ends `behind` frames later, but inside the clip
        behind = window - 1 - window // 2
        last = ops.maximum(last + behind, kernel.number(window - 1, last))
    else:
        last = ops.maximum(last, kernel.number(least - 1, last))
    last = ops.maximum(ops.minimum(last, total - 1), zero)
    last = ops.reshape(last, (-1, *[1] * (len(x.shape) - 3), size, 1))
    inside = ops.ones_like(x[..., :1]) if counts is None else ops.cast(valid(x, counts), x.dtype)
    inside = inside * ops.ones_like(x[..., :1])
    statistics = _trailing(x, inside, window if center else window + 1)

    def at_last(values: Any) -> Any:
        shape = tuple(ops.shape(values))
        return ops.take_along_axis(values, ops.broadcast_to(last, shape), axis=-2)

    return _by_window(x, tuple(map(at_last, statistics)), std, ddof, epsilon, epsilon_in, counts)


def _by_window(
    x: Any, statistics: tuple[Any, ...], std: bool, ddof: int, epsilon: float, epsilon_in: str, counts: Any = None
) -> Any:
    """Return frames normalised by the statistics of their own windows."""
    taken, mean, squares = statistics
    centred = keep_valid(x - mean, counts)
    if not std:
        return centred
    variance = squares / kernel.maximum(taken - float(ddof), ops.ones_like(taken))
    return keep_valid(_divided(centred, variance, epsilon, epsilon_in), counts)


def sliding_start(x: Any, window: int) -> Running:
    """Return the state of `slide` before the first frame of `(..., frames, bands)`."""
    nothing = ops.zeros_like(ops.sum(x, axis=-2, keepdims=True))
    kept = ops.repeat(nothing, window, axis=-2)
    return {"kept": kept, "real": kept[..., :1]}


def slide(
    x: Any, state: Running, window: int, std: bool, ddof: int, epsilon: float, epsilon_in: str, real: Any = None
) -> tuple[Any, Running]:
    """Apply `normalize_sliding` with `least` 1 and without `center`, continuing from a state."""
    if x.shape[-2] == 0:
        return x, state
    weights = ops.ones_like(x[..., :1])
    weights = weights if real is None else ops.cast(real, x.dtype) * weights
    values = ops.concatenate([state["kept"], x], axis=-2)
    weights = ops.concatenate([state["real"], weights], axis=-2)
    following = {"kept": kernel.tail(values, window, axis=-2), "real": kernel.tail(weights, window, axis=-2)}
    statistics = tuple(kernel.part(each, window, 0, axis=-2) for each in _trailing(values, weights, window + 1))
    return _by_window(x, statistics, std, ddof, epsilon, epsilon_in), following


def running_start(x: Any) -> Running:
    """Return the state of `normalize_running` before the first frame of `(..., frames, bands)`."""
    nothing = ops.zeros_like(ops.sum(x, axis=-2, keepdims=True))  # for any number of frames
    return {"count": nothing[..., :1], "origin": nothing, "sum": nothing, "squares": nothing}


def first_real(x: Any, real: Any) -> Any:
    """Return the first frame where `real`, `(frames, 1)`, is True, as `(..., 1, bands)`, or the last if none is."""
    skipped = ops.sum(1 - ops.cast(real, "int32"))
    return ops.take(x, ops.reshape(ops.minimum(skipped, x.shape[-2] - 1), (1,)), axis=-2)


def normalize_running(
    x: Any, state: Running, std: bool, ddof: int, epsilon: float, epsilon_in: str, real: Any = None
) -> tuple[Any, Running]:
    """Apply `normalize` with the statistics of the frames up to each one, continuing from a state.

    Frames where `real`, a bool tensor of shape `(frames, 1)`, is False are excluded from the statistics.
    """
    if x.shape[-2] == 0:
        return x, state
    # Sum differences to the first frame, and sum squares by Welford's (1962) recurrence, which avoids cancellation.
    begun = ops.cast(state["count"] > 0.0, x.dtype)
    weights = ops.ones_like(x[..., :1])
    first = x[..., :1, :]
    if real is not None:
        weights = ops.cast(real, x.dtype) * weights
        first = first_real(x, real)
    origin = begun * state["origin"] + (1.0 - begun) * first
    moved = weights * (x - origin)
    sums = state["sum"] + kernel.cumsum(moved, axis=-2)
    count = state["count"] + kernel.cumsum(weights, axis=-2)
    counted = kernel.maximum(count, ops.ones_like(count))
    mean = sums / counted
    before = ops.where(count > 1.0, (sums - moved) / kernel.maximum(count - 1.0, ops.ones_like(count)), moved)
    squares = state["squares"] + kernel.cumsum(weights * (moved - before) * (moved - mean), axis=-2)
    # Halve everything before float32 stops counting. The statistics do not change, and new frames have double weight.
    kept = ops.where(count[..., -1:, :] < _COUNTED, 1.0, 0.5)
    sizes = {"count": count, "sum": sums, "squares": squares}
    last = {"origin": origin, **{name: ops.cast(kept, x.dtype) * y[..., -1:, :] for name, y in sizes.items()}}
    centred = moved - mean
    if not std:
        return centred, last
    degrees = kernel.maximum(count - float(ddof), ops.ones_like(count))
    return _divided(centred, squares / degrees, epsilon, epsilon_in), last


def fixed(x: Any, size: int) -> Any:
    """Pad with frames of zeros, or trim, to `size` frames."""
    if isinstance(x, np.ndarray):
        return _pad_frames(x[..., :size, :], 0, max(0, size - x.shape[-2]))
    return fit(x, size, axis=-2)


def to_multiple(x: Any, multiple: int) -> Any:
    """Pad with frames of zeros to a multiple of `multiple` frames."""
    have = library(x).shape(x)[-2]
    padded = padded_length(have, 0, multiple)
    if isinstance(have, int):
        return _pad_frames(x, 0, padded - have)
    return kernel.head(_pad_frames(x, 0, multiple - 1), padded, axis=-2)


def _sliced(x: Any, size: int, hop: int) -> list[Any] | None:
    """Return the first frames of all groups, then the second ones, and so on, without a computed shape, for export.

    Return None if this is not necessary.
    """
    if current().computes_sizes or isinstance(x.shape[-2], int):
        return None
    return [kernel.part(x, i, size - 1 - i, -2, hop) for i in range(size)]


def _taken(x: Any, places: Any) -> Any:
    """Return the frames at the given positions."""
    return np.take(x, places, axis=-2) if isinstance(x, np.ndarray) else kernel.take(x, places, -2)


def _gathered(x: Any, size: int, hop: int) -> Any:
    """Return groups of `size` frames, `hop` apart: `(..., groups, size, bands)`."""
    lib = library(x)
    count = num_frames(lib.shape(x)[-2], size, hop)
    bands = x.shape[-1]
    lead = lib.shape(x)[:-2]
    if size == hop:
        return lib.reshape(x[..., : count * size, :], (*lead, count, size, bands))
    if isinstance(count, int):
        places: Any = (hop * np.arange(count)[:, None] + np.arange(size)).reshape(-1).astype("int32")
    else:
        starts = hop * ops.arange(count, dtype="int32")
        places = ops.reshape(starts[:, None] + ops.arange(size, dtype="int32"), (-1,))
    return lib.reshape(_taken(x, places), (*lead, count, size, bands))


def patches(x: Any, size: int, hop: int) -> Any:
    """Cut into patches of `size` frames, `(..., patches, size, bands)`, without an incomplete patch at the end."""
    sliced = _sliced(x, size, hop)
    return _gathered(x, size, hop) if sliced is None else ops.stack(sliced, axis=-2)


def stack(x: Any, size: int, hop: int, edges: str, counts: Any = None) -> Any:
    """Join `size` frames into one, every `hop` frames: `(..., stacks, size * bands)`; see `Recipe.stack_edges`."""
    front = (size - 1) // 2 if edges == "repeat" else 0
    if edges == "repeat":
        x = repeat_edges(x, front, size - 1 - front, counts)
    elif edges == "zeros":
        x = _pad_frames(x, 0, size - 1)
    sliced = _sliced(x, size, hop)
    if sliced is not None:
        return ops.concatenate(sliced, axis=-1)
    groups, lib = _gathered(x, size, hop), library(x)
    return lib.reshape(groups, (*lib.shape(groups)[:-2], size * x.shape[-1]))


def slopes(x: Any, window: int) -> Any:
    """Return the slope of the line fitted to each `window` frames, without padding: `frames - window + 1` frames.

    This is `Σ n x[t + n] / Σ n²` over n from `-(window // 2)` to `window // 2`.
    """
    half = window // 2
    return _weighted(x, np.arange(-half, half + 1) / float(2 * sum(n * n for n in range(half + 1))))


def curvatures(x: Any, window: int) -> Any:
    """Return the second derivative of the parabola fitted to each `window` frames, without padding."""
    half = window // 2
    places = np.arange(-half, half + 1, dtype="float64")
    fit_of = np.linalg.pinv(np.vander(places, 3))
    return _weighted(x, 2.0 * fit_of[0])


def _weighted(x: Any, weights: np.ndarray) -> Any:
    """Return the sum of `len(weights)` neighbouring frames, each with its weight, without padding."""
    size = len(weights)
    found = None
    for place, weight in enumerate(weights):
        if abs(weight) < 1e-15:
            continue
        behind = size - 1 - place
        part = (
            x[..., place : x.shape[-2] - behind, :] if isinstance(x, np.ndarray) else kernel.part(x, place, behind, -2)
        )
        found = float(weight) * part if found is None else found + float(weight) * part
    return found


def held(x: Any, window: int, edges: str, counts: Any, of: Callable[[Any, int], Any]) -> Any:
    """Return `of` the frames, `slopes` or `curvatures`, for each frame.

    With the edges "nearest", the first and the last frame are repeated. With "interp", the first and the last
    `window // 2` frames have the value of the first and of the last whole window, and a clip shorter than a window is
    completed by its last frame.
    """
    half = window // 2
    total = library(x).shape(x)[-2]
    if isinstance(total, int) and total == 0:
        return x
    if edges == "nearest":
        return of(repeat_edges(x, half, half, counts), window)
    found = of(repeat_edges(x, 0, 2 * half, counts), window)
    if counts is None:
        if isinstance(total, int):
            inside = max(1, total - 2 * half)
            return repeat_edges(_taken(found, np.arange(inside, dtype="int32")), half, total - half - inside)[
                ..., :total, :
            ]
        counts = ops.reshape(ops.convert_to_tensor(total), (1,))
    inside = ops.maximum(ops.cast(counts, "int32") - 2 * half, kernel.number(1, counts, "int32"))
    return kernel.part(repeat_edges(found, half, 0, inside), 0, half, -2)


def _pad_frames(x: Any, before: int, after: int) -> Any:
    return library(x).pad(x, [(0, 0)] * (len(x.shape) - 2) + [(before, after), (0, 0)])


def repeat_edges(x: Any, before: int, after: int, counts: Any = None) -> Any:
    """Repeat the first frame `before` times at the start, and the last valid frame in place of all frames after it."""
    total = library(x).shape(x)[-2]
    if isinstance(total, int) and total == 0:
        return x
    if counts is None and isinstance(total, int):
        places = np.clip(np.arange(-before, total + after), 0, total - 1).astype("int32")
        return _taken(x, places)
    if counts is None and not current().computes_sizes:
        first, last = kernel.head(x, 1, -2), kernel.tail(x, 1, -2)
        return ops.concatenate([*[first] * before, x, *[last] * after], axis=-2)
    last = ops.reshape(ops.cast(total if counts is None else counts, "int32"), (-1,)) - 1
    places = ops.arange(-before, total + after, dtype="int32")
    zero = kernel.number(0, last)
    places = ops.minimum(ops.maximum(places[None, :], zero), ops.maximum(last, zero)[:, None])
    lead = ops.shape(x)[:-2]
    places = ops.reshape(places, (-1, *[1] * (len(lead) - 1), total + before + after, 1))
    places = ops.broadcast_to(places, (*lead, total + before + after, x.shape[-1]))
    return ops.take_along_axis(_pad_frames(x, 0, 1), places, axis=-2)  # index 0 must exist even without a frame


def joined(x: Any, hop: int, front: int = 0) -> Any:
    """Return the frames `(..., frames, bands)` of groups `(..., groups, size, bands)`, every `hop` frames.

    A frame of several groups is taken from the first one, because the last one may not belong to the clip, and a frame
    between two groups from the one before it. The first `front` frames are left out.
    """
    *lead, groups, size, bands = ops.shape(x)
    if groups == 0:
        return ops.zeros((*lead, 0, bands), dtype=x.dtype)
    places = np.arange(front, (groups - 1) * hop + size)
    group = np.minimum(places // hop, np.maximum(0, -((size - 1 - places) // hop)))
    within = np.minimum(places - group * hop, size - 1)
    flat = ops.reshape(x, (*lead, groups * size, bands))
    return _taken(flat, (group * size + within).astype("int32"))


def zeros_in(x: Any, others: Any = None) -> Any:
    """Tell which frames hold nothing but zeros, as padding does, `(..., frames, 1)`, or are among the `others`."""
    found = ops.max(ops.abs(x), axis=-1, keepdims=True) < 1e-5 if x.shape[-1] else ops.zeros_like(x) > 0
    return found if others is None else ops.logical_or(found, others)
