"""Loudness by ITU-R BS.1770: K-weighting, and the gated mean of blocks of 400 ms."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from keras import ops

from kapre.ops import fourier, frames, iir
from kapre.ops.counts import at_least_0
from kapre.ops.kernels import active as kernel
from kapre.ops.waves import per_item

FLOOR = -70.0
"""The absolute gate in LUFS, and the loudness of what has no block above it."""
WEIGHTS = (1.0, 1.0, 1.0, 1.41, 1.41)
"""The weights of the channels: left, right, centre, left and right surround."""

_OFFSET, _RELATIVE = -0.691, -10.0
_BLOCKS = 4
"""How many steps of 100 ms a block has."""


def step_length(sample_rate: float) -> int:
    """Return the samples from one block to the next, 100 ms."""
    return max(1, round(sample_rate / 10.0))


@lru_cache(maxsize=32)
def k_weighting(sample_rate: float) -> np.ndarray:
    """Return K-weighting as sums of two sections: a shelf of 4 dB at 1500 Hz, and a high-pass at 38 Hz."""
    shelf = iir.design("highshelf", 1500.0, sample_rate, 1.0 / math.sqrt(2.0), 4.0)
    high = iir.design("highpass", 38.0, sample_rate, 0.5)
    found = np.stack([shelf, high])
    found.setflags(write=False)
    return found


def _loudness(power: Any) -> Any:
    """Return LUFS of a weighted power, whose silence is far below the gate."""
    return _OFFSET + (10.0 / math.log(10.0)) * ops.log(kernel.at_least(power, 1e-12))


def _gated(power: Any, kept: Any) -> Any:
    """Return the mean power of the blocks that are kept, `(batch,)`, or 0 without one."""
    counted = ops.sum(ops.cast(kept, power.dtype), axis=-1)
    total = ops.sum(ops.where(kept, power, ops.zeros_like(power)), axis=-1)
    return total / kernel.at_least(counted, 1.0)


@dataclass(frozen=True)
class Meter:
    """Measure integrated loudness: K-weighting and blocks at a sample rate, for samples of a dtype.

    `weights` holds a number for each channel. None is those of BS.1770, of which the channels take the first ones.
    """

    sample_rate: float
    weights: tuple[float, ...] | None
    dtype: str
    sums: np.ndarray = field(init=False, repr=False, compare=False)
    tail: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        sums = k_weighting(self.sample_rate)
        tail = iir.decay_length(iir.coefficients(sums), self.dtype)
        assert tail is not None, "both sections are stable"
        object.__setattr__(self, "sums", sums)
        object.__setattr__(self, "tail", tail)

    def __call__(self, x: Any, lengths: Any = None) -> Any:
        """Return the loudness in LUFS, `(batch,)`, of samples `(batch, channel, time)`, at least `FLOOR`.

        Blocks of four steps begin at every step. One that is not complete does not count, except that a clip shorter
        than a block is padded with silence to one. `lengths` is the number of samples of each item. The gates have no
        gradient.
        """
        return _integrated(x, self, lengths)

    def gains(self, x: Any) -> Any:
        """Return a weight for each channel of samples."""
        if self.weights is not None:
            return fourier.constant(np.array(self.weights), x)
        return kernel.head(fourier.constant(np.array(WEIGHTS), x), ops.shape(x)[1], axis=0)


def _integrated(x: Any, meter: Meter, lengths: Any) -> Any:
    step = step_length(meter.sample_rate)
    size = _BLOCKS * step
    if lengths is not None:
        x = frames.keep(x, lengths)
    weighted = iir.apply(x, meter.sums, meter.tail)
    if lengths is not None:
        weighted = frames.keep(weighted, lengths)
    power = ops.einsum("bct,c->bt", ops.square(weighted), meter.gains(x))  # fails where there are not as many channels
    power = frames.pad(power, 0, size)  # at least one block, and room to cut whole steps
    total = ops.shape(x)[-1]
    count = 1 + at_least_0(total - size) // step
    steps = ops.sum(frames.frame(power, step, step), axis=-1)
    blocks: Any = 0.0
    for place in range(_BLOCKS):
        blocks = blocks + kernel.head(kernel.part(steps, place, 0, axis=-1), count, axis=-1)
    blocks = blocks / float(size)
    level = _loudness(blocks)
    kept = level > FLOOR
    if lengths is not None:
        own = 1 + at_least_0(ops.cast(lengths, "int32") - size) // step
        kept = ops.logical_and(kept, frames.within(count, own, 2))
    gate = _loudness(_gated(blocks, kept)) + _RELATIVE
    kept = ops.logical_and(kept, level > gate[:, None])
    found = _loudness(_gated(blocks, kept))
    heard = ops.any(kept, axis=-1)
    nothing = ops.full_like(found, FLOOR) + 0.0 * ops.sum(power, axis=-1)  # NaN goes on
    return ops.where(heard, found, nothing)


def level(x: Any, by_peak: bool, lengths: Any = None) -> Any:
    """Return the RMS or the peak of all samples of each item `(batch, channel, time)`, `(batch,)`; 0 for nothing."""
    if lengths is not None:
        x = frames.keep(x, lengths)
    if by_peak:
        padded = frames.pad(x, 0, 1)  # a maximum of nothing is an error
        nothing = ops.sum(0.0 * padded, axis=(1, 2))  # NaN, which JAX's maximum (0.10) loses in long clips
        return ops.amax(ops.abs(padded), axis=(1, 2)) + nothing
    if lengths is None:
        lengths = ops.reshape(kernel.number(kernel.size(x, -1), x, "int32"), (1,))
    count = ops.cast(ops.reshape(lengths, (-1,)), x.dtype) * float(x.shape[1])
    return kernel.root(ops.sum(ops.square(x), axis=(1, 2)) / kernel.at_least(count, 1.0))


def amplified(x: Any, gain_db: Any, max_gain_db: float | None) -> Any:
    """Multiply each item by a gain in dB, at most `max_gain_db`."""
    if max_gain_db is not None:
        gain_db = -kernel.at_least(-gain_db, -max_gain_db)
    return x * per_item(ops.exp(gain_db * (math.log(10.0) / 20.0)), x)
