"""Random draws for augmentation and their application: permutations of channels, and mask bands."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kapre.ops import frames
from kapre.ops.kernels import active as kernel


def draw_permutations(batch: Any, n: Any, seed: Any) -> Any:
    """Draw a random order of `n` elements for each item, with equal probabilities: `(batch, n)`."""
    return ops.argsort(keras.random.uniform((batch, n), seed=seed, dtype="float32"), axis=-1)


def draw_beta(shape: tuple[Any, ...], alpha: float, seed: Any) -> Any:
    """Draw float32 numbers in [0, 1] from the beta distribution with two equal parameters.

    The parameter is a float32 tensor, because PyTorch fails for Keras' default dtype where that is bfloat16.
    """
    parameter = ops.convert_to_tensor(alpha, dtype="float32")
    return keras.random.beta(shape, parameter, parameter, seed=seed, dtype="float32")


def draw_bands(batch: Any, count: int, largest: Any, sizes: Any, seed: Any) -> tuple[Any, Any]:
    """Draw `count` bands for each item. Return their starts and ends as two int32 tensors of shape `(batch, count)`.

    The width of a band is uniform on the integers 0 … `largest`, limited to the size of the item. Its position is
    uniform on the positions where it fits.

    Args:
        batch: Number of items.
        count: Number of bands for each item.
        largest: The largest width: a number, or a tensor of shape `(batch, 1)`.
        sizes: Length of each item's axis: an int, or an integer tensor of shape `(batch,)`.
        seed: A `keras.random.SeedGenerator`.
    """
    sizes = ops.cast(sizes, "float32")
    if len(sizes.shape):
        sizes = sizes[:, None]
    width, place = (keras.random.uniform((batch, count), seed=seed, dtype="float32") for _ in range(2))
    width = ops.minimum(ops.floor(width * (largest + 1.0)), sizes)
    start = ops.floor(place * (sizes - width + 1.0))
    return ops.cast(start, "int32"), ops.cast(start + width, "int32")


def selected(which: Any, y: Any, x: Any) -> Any:
    """Return the examples of `y` where `which`, bool `(batch,)`, is True, and those of `x` elsewhere."""
    if kernel.are_all(which):
        return y
    return ops.where(ops.reshape(which, (-1, *[1] * (len(x.shape) - 1))), y, x)


def covered(size: Any, bands: tuple[Any, Any]) -> Any:
    """Tell which of `size` positions lie in one of an item's bands, as a bool tensor `(batch, size)`."""
    start, end = bands
    places = ops.arange(size, dtype="int32")
    inside = ops.logical_and(places >= start[:, :, None], places < end[:, :, None])
    return ops.any(inside, axis=1)


def level(x: Any, kind: str, lengths: Any = None) -> Any:
    """Return the "mean", the "min" or the "band_mean" of each item of `(batch, channel, frame, bin)`.

    They are those of its first frames, over all channels. The first two are also over all bins.

    Args:
        x: The values.
        kind: "mean", "min" or "band_mean".
        lengths: Number of frames of each item, `(batch,)`, or None for all. The result is 0 for an item without frames.
    """
    if 0 in tuple(x.shape):
        return ops.zeros_like(x)
    there = ops.ones_like(x[..., :1], dtype="bool")
    if lengths is not None:
        there = ops.logical_and(there, frames.within(ops.shape(x)[2], lengths, 4, axis=2))
    if kind == "band_mean":
        total = ops.sum(ops.where(there, x, ops.zeros_like(x)), axis=(1, 2), keepdims=True)
        counted = ops.sum(ops.cast(there, x.dtype), axis=(1, 2), keepdims=True)
        return total / ops.maximum(counted, 1.0)
    some = ops.any(there, axis=(1, 2, 3), keepdims=True)
    axes = (1, 2, 3)
    if kind == "min":
        least = ops.min(ops.where(there, x, ops.full_like(x, float("inf"))), axis=axes, keepdims=True)
        return ops.where(some, least, ops.zeros_like(least))
    inside = ops.cast(there, x.dtype)
    of_row = ops.sum(x, axis=3, keepdims=True) / ops.cast(kernel.size(x, 3), x.dtype)
    total = ops.sum(ops.where(there, of_row, ops.zeros_like(of_row)), axis=axes, keepdims=True)
    counted = ops.sum(inside, axis=axes, keepdims=True)
    return total / ops.where(some, counted, ops.ones_like(counted))
