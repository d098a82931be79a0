"""Noise: white and coloured, made from small keys, and added at a signal-to-noise ratio.

The noise of a key is the same on every backend, in every batch and at every length: sample `t` is a function of the key
and of `t`. A draw can therefore be stored as its key.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from kapre.ops import fourier, frames
from kapre.ops.fourier import constant
from kapre.ops.kernels import active as kernel
from kapre.ops.kernels import current
from kapre.ops.kernels._on_host import FIRST_FACTOR, OF_ANGLE, OF_PLACE, SECOND_FACTOR

TAPS = 4096
"""Length of the filter that colours noise: 4 / TAPS of 16 kHz is 16 Hz."""
BLOCK = 16384
"""Length of the transforms that apply it."""


def _shifted(x: Any, bits: int) -> Any:
    """Shift int32 numbers to the right, and fill with zeros."""
    return ops.right_shift(x, bits) & ((1 << (32 - bits)) - 1)


def _signed(value: int) -> int:
    """Return the int32 that has the bits of a uint32."""
    return value - (1 << 32) if value >= 1 << 31 else value


def _mixed(x: Any) -> Any:
    """Mix the bits of int32 numbers, so that each bit of the input changes half of those of the output.

    This is the final step of MurmurHash3. A product that overflows wraps around on every backend.

    Operators take numbers as int32. Some of Keras' ops (3.15) take them as float32 on JAX where floatx is bfloat16.
    """
    x = (x ^ _shifted(x, 16)) * _signed(FIRST_FACTOR)
    x = (x ^ _shifted(x, 13)) * _signed(SECOND_FACTOR)
    return x ^ _shifted(x, 16)


def _fractions(x: Any, dtype: str) -> Any:
    """Return numbers in (0, 1) with 23 random bits each, from int32 numbers."""
    return (ops.cast(_shifted(x, 9), dtype) + 0.5) * 2.0**-23


def white(key: Any, size: Any, dtype: str = "float32") -> Any:
    """Return Gaussian white noise of variance 1 for int32 keys: `(..., 2)` to `(..., size)`.

    Two samples come from two uniform numbers, by the method of Box and Muller.
    """
    found = current().white(key, size, keras.backend.standardize_dtype(dtype))
    if found is not None:
        return found
    pairs = (size + 1) // 2
    places = ops.arange(pairs, dtype="int32")
    first, second = key[..., 0:1], key[..., 1:2]
    bits = _mixed(_mixed(places * _signed(OF_PLACE) + first) ^ second)
    radius = ops.sqrt(-2.0 * ops.log(_fractions(bits, dtype)))
    cosine, sine = kernel.turned(_fractions(_mixed(bits + _signed(OF_ANGLE)), dtype))
    both = ops.stack([radius * cosine, radius * sine], axis=-1)
    return ops.reshape(both, (*ops.shape(both)[:-2], 2 * pairs))[..., :size]


def colored(key: Any, exponent: Any, size: Any) -> Any:
    """Return Gaussian noise whose power spectral density is proportional to `f ** -exponent`.

    White noise passes through a filter of `TAPS` samples. Its response is `f ** (-exponent / 2)` from about 4 / `TAPS`
    of the sample rate on, constant below, and 0 at a frequency of 0 before the taper. The level of the noise depends on
    the exponent.

    Args:
        key: int32 keys, `(..., 2)`.
        exponent: The exponent of each key, `(..., 1)`: 0 is white, 1 pink, 2 brown, −1 blue, −2 violet.
        size: Number of samples, an int or an integer tensor.
    """
    taps = _coloring(exponent)
    hop = BLOCK - TAPS + 1
    blocks = (size + hop - 1) // hop
    noise = white(key, (blocks - 1) * hop + BLOCK, keras.backend.standardize_dtype(exponent.dtype))
    found = current().convolved_apart(noise, taps, TAPS - 1, size) if len(noise.shape) == 3 else None
    if found is not None:
        return found
    pieces = frames.frame(noise, BLOCK, hop)
    found = fourier.circular(pieces, taps[..., None, :], BLOCK)
    found = found[..., TAPS - 1 :]  # overlap-save: the first samples wrap around
    return ops.reshape(found, (*ops.shape(key)[:-1], blocks * hop))[..., :size]


def _coloring(exponent: Any) -> Any:
    """Return the impulse response of the filter for each exponent: `(..., 1)` to `(..., TAPS)`."""
    bins = np.arange(TAPS // 2 + 1)
    density = constant(-0.5 * np.log(np.maximum(bins, 1) / (TAPS // 2)), exponent)
    # (−1) ** k moves the middle of the response to TAPS / 2, where the taper is largest.
    sign = constant(np.where(bins > 0, (-1.0) ** bins, 0.0), exponent)
    real = ops.exp(exponent * density) * sign
    taps = fourier.irfft((real, ops.zeros_like(real)), TAPS)
    return taps * constant(np.hanning(TAPS + 1)[:-1], taps)


def recorded(bank: Any, index: Any, offset: Any, size: Any) -> Any:
    """Return `size` samples of recordings `(n, samples)`, from an offset on, and again from the start behind the end.

    Args:
        bank: The recordings.
        index: Which recording, an integer tensor `(..., 1)`.
        offset: The first sample, an integer tensor `(..., 1)`.
        size: Number of samples.
    """
    length = bank.shape[1]
    found = kernel.rolled(bank, offset, size, index, None)
    if found is not None:
        return found
    places = (ops.cast(offset, "int32") + ops.arange(size, dtype="int32")) % length
    return ops.take(ops.reshape(bank, (-1,)), places + ops.cast(index, "int32") * length, axis=0)


def power(x: Any, lengths: Any = None) -> Any:
    """Return the mean square of `(batch, channel, time)` over an item's channels and valid samples: `(batch, 1, 1)`.

    The mean is 0 for an item without samples. Samples past an item's length must be 0.
    """
    total = kernel.energy(x, (1, 2))
    counted = ops.cast(kernel.size(x, 2) if lengths is None else ops.reshape(lengths, (-1, 1, 1)), x.dtype)
    return total / (ops.maximum(counted, ops.ones_like(counted)) * ops.cast(kernel.size(x, 1), x.dtype))


def added(x: Any, noise: Any, snr_db: Any, lengths: Any = None, per_channel: bool = False) -> Any:
    """Return the sum of a signal and noise at a signal-to-noise ratio in decibels; see `gain_to_snr`.

    The noise is not to be used afterwards: its memory may become that of the result.
    """
    found = current().mixed(x, noise, None, decibels_to_gain(-snr_db), lengths, per_channel)
    if found is not None:
        return found
    noise = noise if lengths is None else frames.keep(noise, lengths)
    return kernel.plus_scaled(x, noise, gain_to_snr(x, noise, snr_db, lengths, per_channel))


def with_white(x: Any, key: Any, snr_db: Any, lengths: Any = None, per_channel: bool = False) -> Any:
    """Return the sum of a signal and the white noise of keys `(batch, channel or 1, 2)`; see `added`."""
    found = current().mixed(x, None, key, decibels_to_gain(-snr_db), lengths, per_channel)
    if found is not None:
        return found
    sound = white(key, ops.shape(x)[-1], keras.backend.standardize_dtype(x.dtype))
    return added(x, sound, snr_db, lengths, per_channel)


def at_level_of(x: Any, y: Any, lengths: Any = None, per_channel: bool = False) -> Any:
    """Return `y`, which is not to be used afterwards, scaled to the level of `x`; see `gain_to_snr`."""
    batch, channels = ops.shape(x)[:2]
    groups = (batch, channels if per_channel else 1, 1)
    found = current().mixed(x, y, None, ops.ones(groups, dtype=x.dtype), lengths, per_channel, adds=False)
    if found is not None:
        return found
    same = ops.zeros((1, 1, 1), dtype=x.dtype)  # decibels
    return y * gain_to_snr(x, y, same, lengths, per_channel)


def gain_to_snr(x: Any, noise: Any, snr_db: Any, lengths: Any = None, per_channel: bool = False) -> Any:
    """Return the gain of noise at which a signal and the noise have a signal-to-noise ratio in decibels.

    Where the signal or the noise is silent, the gain is 0. Samples past an item's length must be 0.

    Args:
        x: The signal, `(batch, channel, time)`.
        noise: The noise, `(batch, channel or 1, time)`.
        snr_db: The ratio of the powers over valid samples, `(batch, channel or 1, 1)`.
        lengths: Number of valid samples of each item, or None for all.
        per_channel: Whether each channel has the ratio. Else the power is that of all channels of an item together.
    """
    if per_channel:
        levels = [kernel.energy(part, -1) for part in (x, noise)]
    else:
        levels = [power(part, lengths) for part in (x, noise)]
    sounding = ops.logical_and(levels[0] > 0.0, levels[1] > 0.0)
    one = ops.ones_like(levels[1])
    ratio = ops.where(sounding, levels[0], one) / ops.where(sounding, levels[1], one)
    gain = ops.sqrt(ratio) * decibels_to_gain(-snr_db)
    return ops.where(sounding, gain, ops.zeros_like(gain))


def decibels_to_gain(decibels: Any) -> Any:
    """Return `10 ** (decibels / 20)`."""
    return ops.exp(decibels * constant(math.log(10.0) / 20.0, decibels))
