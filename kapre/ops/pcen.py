"""Per-channel energy normalization (PCEN): automatic gain control of each band, then compression of its range.

Wang et al., "Trainable Frontend for Robust and Far-Field Keyword Spotting", 2017; Lostanlen et al., "Per-Channel Energy
Normalization: Why and How", 2019.
"""

from __future__ import annotations

import math
from typing import Any

from keras import ops

from kapre.ops.kernels import active as kernel

_LEAST = 1e-20
"""A weight below which a term changes no digit."""


def smoothing_of(time_constant: float, frame_rate: float) -> float:
    """Return the smoothing coefficient of a time constant in seconds, for frames at a rate in Hz."""
    frames = time_constant * frame_rate
    return (math.sqrt(1.0 + 4.0 * frames**2) - 1.0) / (2.0 * frames**2)


def smoothed(x: Any, smoothing: float, before: Any) -> Any:
    """Return `M[t] = (1 - smoothing) M[t - 1] + smoothing x[t]` of `(..., frames, bands)`.

    `before` is M before the first frame, `(..., 1, bands)`. There is no loop over frames: step k adds the terms that
    are 2**k frames older, so that the number of operations grows with the logarithm of the number of frames. Energies
    are positive, so that nothing cancels.
    """
    count, decay = x.shape[-2], 1.0 - smoothing
    if count == 0:
        return x
    y = ops.concatenate([before, smoothing * x], axis=-2)
    widths = [(0, 0)] * (len(x.shape) - 2)
    step = 1
    while decay**step > _LEAST and (not isinstance(count, int) or step <= count):
        older = kernel.part(ops.pad(y, [*widths, (step, 0), (0, 0)]), 0, step, axis=-2)
        y = y + decay**step * older
        step *= 2
    return kernel.part(y, 1, 0, axis=-2)


def compressed(x: Any, level: Any, gain: float, bias: float, power: float, epsilon: float) -> Any:
    """Return `(x / (epsilon + level) ** gain + bias) ** power - bias ** power`."""
    controlled = x * ops.exp(-gain * (math.log(epsilon) + ops.log1p(level / epsilon)))
    if bias == 0.0:
        return controlled**power
    return bias**power * ops.expm1(power * ops.log1p(controlled / bias))
