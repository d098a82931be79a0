"""Distortion of amplitudes, sample by sample: functions on `(batch, channel, time)`."""

from __future__ import annotations

import math
from typing import Any

from keras import ops

from kapre.ops import frames
from kapre.ops.fourier import constant
from kapre.ops.kernels import active as kernel
from kapre.ops.kernels import current
from kapre.ops.placement import at_least


def quantiles(x: Any, shares: tuple[Any, ...], lengths: Any = None, per_channel: bool = False) -> tuple[Any, ...]:
    """Return quantiles of the valid samples of each item, with linear interpolation as `numpy.quantile`.

    Args:
        x: Samples, `(batch, channel, time)`.
        shares: The wanted shares in [0, 1], each a tensor `(batch, channel or 1, 1)`.
        lengths: Number of valid samples of each item, or None for all.
        per_channel: Whether each channel has its own quantiles. Else they are those of all channels of an item.

    Returns:
        A tensor `(batch, channel or 1, 1)` for each share. It is 0 for an item without samples.
    """
    batch, channels, time = ops.shape(x)
    valid = ops.cast(kernel.size(x, 2), "int32") if lengths is None else ops.reshape(lengths, (-1, 1, 1))
    if lengths is not None:
        x = frames.keep(x, lengths, float("inf"))
    rows = x if per_channel else ops.reshape(x, (batch, 1, channels * time))
    valid = valid if per_channel else valid * channels
    if lengths is not None or not rows.shape[-1]:
        rows = frames.pad(rows, 0, 1, value=float("inf"))  # one more, for an item without samples
    last = at_least(valid - 1, 0)
    place = ops.concatenate(shares, axis=-1) * ops.cast(last, x.dtype)
    low = ops.minimum(ops.cast(ops.floor(place), "int32"), last)
    part = place - ops.cast(low, x.dtype)
    below, above = current().order_statistics(rows, low)
    above = ops.where(low < last, above, below)
    value = below + part * (above - below)
    value = ops.where(valid > 0, value, ops.zeros_like(value))
    return tuple(value[..., index : index + 1] for index in range(len(shares)))


def hard_clip(x: Any, low: Any, high: Any) -> Any:
    """Replace samples below `low` or above `high` by these values. NaN stays NaN."""
    return kernel.clipped(x, low, high)


def soft_clip(x: Any, gain: Any) -> Any:
    """Return `tanh(gain · x) / tanh(gain)`, which keeps −1, 0 and 1."""
    return ops.tanh(gain * x) / ops.tanh(gain)


def quantize(x: Any, bits: Any) -> Any:
    """Round samples to the steps of a number of bits, `round(x · 2 ** (bits − 1)) / 2 ** (bits − 1)`.

    The gradient is that of the identity.
    """
    two = constant(2.0, x)
    scale = ops.power(two, ops.cast(bits, x.dtype) - 1.0)
    return kernel.rounded(x, scale)


def companded(x: Any, law: str) -> Any:
    """Round samples in [−1, 1] to the codes of 8 bits of the "mu_law" or the "a_law". Clip those outside.

    The gradient is that of the identity.
    """
    size, sign = ops.abs(ops.clip(x, -1.0, 1.0)), ops.sign(x)
    if law == "mu_law":
        scale = math.log1p(255.0)
        curve = ops.log1p(255.0 * size) / scale
        steps = _steps(sign * curve)
        y = ops.sign(steps) * ops.expm1(ops.abs(steps) * scale) / 255.0
    else:
        a = 87.6
        scale = 1.0 + math.log(a)
        curve = ops.where(size < 1.0 / a, a * size, 1.0 + ops.log(ops.maximum(a * size, 1.0))) / scale
        steps = _steps(sign * curve)
        size = ops.abs(steps) * scale
        y = ops.sign(steps) * ops.where(size < 1.0, size, ops.exp(ops.maximum(size, 1.0) - 1.0)) / a
    return x + ops.stop_gradient(y - x)


def _steps(curve: Any) -> Any:
    """Round numbers in [−1, 1] to 127 steps on either side of 0, as codes of 8 bits do."""
    return ops.round(curve * 127.0) / 127.0
