"""Mixtures of the examples of a batch, and of their labels."""

from __future__ import annotations

from typing import Any

from keras import ops


def beside(numbers: Any, x: Any) -> Any:
    """Return numbers `(batch,)` in the dtype of `x`, so that they broadcast to its other axes."""
    return ops.reshape(ops.cast(numbers, x.dtype), (-1, *[1] * (len(x.shape) - 1)))


def sources(x: Any, partners: Any) -> list[Any]:
    """Return the examples `(batch, ...)`, then those that are mixed with them. `partners` is `(batch, n)`."""
    return [x, *(ops.take(x, partners[:, i], axis=0) for i in range(partners.shape[1]))]


def mixture(parts: list[Any], weights: Any) -> Any:
    """Return the sum of examples times their weights `(batch, n)`. Examples with a weight of 0 do not count."""
    total = None
    for i, part in enumerate(parts):
        weight = beside(weights[:, i], part)
        term = ops.where(weight == 0.0, ops.zeros_like(part), weight * part)
        total = term if total is None else total + term
    return total


def union(parts: list[Any], weights: Any) -> Any:
    """Return the largest label of the examples whose weight `(batch, n)` is not 0."""
    found = None
    for i, part in enumerate(parts):
        there = beside(weights[:, i], part) > 0.0
        label = ops.where(there, part, ops.zeros_like(part))
        found = label if found is None else ops.maximum(found, label)
    return found


def power_preserving(weights: Any) -> Any:
    """Divide weights `(batch, n)` by the root of their squares' sum, so that independent sounds keep their power."""
    return weights / ops.sqrt(ops.sum(ops.square(weights), axis=-1, keepdims=True))


def by_level(weights: Any, levels: Any) -> Any:
    """Return weights of waveforms that mix their perceived levels as `weights` says, and preserve the power.

    Args:
        weights: Shares of the examples, `(batch, n)`.
        levels: Root mean squares of the examples, `(batch, n)`.
    """
    loudest = ops.max(levels, axis=-1, keepdims=True)
    known = ops.where(levels > 0.0, levels, loudest)  # silence has no level that could be made up for
    shares = weights / ops.where(known > 0.0, known, ops.ones_like(known))
    return power_preserving(shares / ops.sum(shares, axis=-1, keepdims=True))


def root_mean_square(x: Any, lengths: Any, axis: int) -> Any:
    """Return the level of each example `(batch,)` over its valid places on an axis. Places past them are 0."""
    axes = tuple(range(1, len(x.shape)))
    power = ops.mean(ops.square(x), axis=axes)
    if lengths is None:
        return ops.sqrt(power)
    time = ops.cast(ops.shape(x)[axis], x.dtype)
    return ops.sqrt(power * time / ops.maximum(ops.cast(lengths, x.dtype), 1.0))


def merged(weights: Any, partners: Any) -> Any:
    """Add the weights of an example that occurs more than once in a mixture, where it would count as another sound."""
    own = ops.arange(ops.shape(partners)[0], dtype="int32")
    members = [own, *(partners[:, i] for i in range(partners.shape[1]))]
    found = [weights[:, i] for i in range(len(members))]
    for later in range(len(members) - 1, 0, -1):
        for earlier in range(later):
            moved = ops.where(members[earlier] == members[later], found[later], ops.zeros_like(found[later]))
            found[earlier], found[later] = found[earlier] + moved, found[later] - moved
    return ops.stack(found, axis=-1)


def spliced(x: Any, other: Any, start: Any, end: Any, axis: int) -> Any:
    """Return `x` with the places start … end − 1 of an axis from `other`. Both are int32 `(batch,)`."""
    shape = [1] * len(x.shape)
    shape[axis] = -1
    places = ops.reshape(ops.arange(ops.shape(x)[axis], dtype="int32"), shape)
    first, last = (ops.reshape(bound, (-1, *[1] * (len(x.shape) - 1))) for bound in (start, end))
    return ops.where(ops.logical_and(places >= first, places < last), other, x)
