"""Per-channel energy normalization (PCEN): automatic gain control of each band, then compression of its range.

Wang et al., "Trainable Frontend for Robust and Far-Field Keyword Spotting", 2017; Lostanlen et al., "Per-Channel Energy
Normalization: Why and How", 2019.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from keras import ops

from kapre._checks import message
from kapre.ops.fourier import constant
from kapre.ops.kernels import active as kernel
from kapre.ops.kernels import current

_LONGEST = 1 << 16
"""The most frames that a term may be older than another where the number of frames is unknown."""
_LEAST = 1e-38
"""The smallest weight there, next to which no energy in float32 shows."""
LEAST_SMOOTHING = 2e-3
"""The smallest coefficient that training may reach, so that clips of unknown length can be computed."""


def smoothing_of(time_constant: float, frame_rate: float) -> float:
    """Return the smoothing coefficient of a time constant in seconds, for frames at a rate in Hz."""
    frames = time_constant * frame_rate
    return (math.sqrt(1.0 + 4.0 * frames**2) - 1.0) / (2.0 * frames**2)


def smoothed(x: Any, smoothing: Any, before: Any, least: float | None = None) -> Any:
    """Return `M[t] = (1 - smoothing) M[t - 1] + smoothing x[t]` of `(..., frames, bands)`.

    `smoothing` is one number, or one for each band in an array or, with `least`, in a tensor of numbers from `least`
    on. `before` is M before the first frame, `(..., 1, bands)`. There is no loop over frames: step k adds the terms
    that are 2**k frames older, so that the number of operations grows with the logarithm of the number of frames.
    Energies are positive, so that nothing cancels.

    Raises:
        ValueError: If the number of frames is unknown and the smoothing so small that a frame counts after 65536 more.
    """
    count = x.shape[-2]
    if count == 0:
        return x
    share = np.asarray(smoothing) if least is None else smoothing
    decay = 1.0 - share
    slowest = float(decay.max()) if least is None else 1.0 - least
    if not isinstance(count, int) and slowest**_LONGEST > _LEAST:
        needed = -math.expm1(math.log(_LEAST) / _LONGEST)
        rule, remedy = (
            f"at least {needed:.2g} for clips of unknown length",
            "Raise it, lower pcen_time_constant, or give clips a known length.",
        )
        raise ValueError(message("pcen_smoothing", rule, smoothing, remedy))
    y = ops.concatenate([before, _weight(share, x) * x], axis=-2)
    widths = [(0, 0)] * (len(x.shape) - 2)
    step = 1
    while step <= count if isinstance(count, int) else slowest**step > _LEAST:
        older = kernel.part(ops.pad(y, [*widths, (step, 0), (0, 0)]), 0, step, axis=-2)
        y = y + _weight(decay**step if least is None else decay, x) * older
        if least is not None:
            decay = decay * decay
        step *= 2
    return kernel.part(y, 1, 0, axis=-2)


def _weight(weight: Any, x: Any) -> Any:
    if not isinstance(weight, np.ndarray | np.generic):
        return weight
    return float(weight) if weight.ndim == 0 else constant(np.asarray(weight), x)


def compressed(x: Any, level: Any, gain: Any, bias: Any, power: Any, epsilon: float) -> Any:
    """Return `(x / (epsilon + level) ** gain + bias) ** power - bias ** power`.

    The gain, the bias and the power are numbers, or tensors with one number for each band.
    """
    controlled = x * ops.exp(-gain * ops.log(level + epsilon))
    if isinstance(bias, float) and bias == 0.0:  # the slope at 0 is defined as 0
        silent = controlled <= 0.0
        return ops.where(silent, 0.0 * x, ops.where(silent, ops.ones_like(x), controlled) ** power)
    return current().raised(controlled, bias, power)
