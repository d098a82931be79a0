"""Noise reduction, gain control and the logarithm of TensorFlow Lite's microfrontend, in floating point.

The library computes in integers (`tensorflow/lite/experimental/microfrontend`). Here, a value is not rounded.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from kapre.ops import pcen
from kapre.ops.kernels import active as kernel

_LOG_SCALE = 64.0
"""What the logarithm is multiplied by."""
_GAIN = 64.0 * 8.0
"""What the controlled energies are multiplied by before the logarithm."""


def estimated(x: Any, smoothing: np.ndarray, before: Any) -> Any:
    """Return the noise `n[t] = s x[t] + (1 - s) n[t - 1]` of each band, where `smoothing` holds s of each."""
    return pcen.smoothed(x, smoothing, before)


def reduced(x: Any, noise: Any, floor: float) -> Any:
    """Subtract the noise. At least `floor` of a value remains."""
    return kernel.maximum(x - noise, floor * x)


def controlled(x: Any, noise: Any, strength: float, offset: float) -> Any:
    """Divide by `(noise + offset) ** strength`, compress what is below 2, and return `64 ln(512 x)`, at least 0."""
    q = x * ops.exp(-strength * ops.log(noise + offset))
    low = q < 2.0
    compressed = ops.where(low, 0.25 * ops.square(q), q - 1.0)
    audible = compressed > 1.0 / _GAIN
    return ops.where(audible, _LOG_SCALE * ops.log(_GAIN * ops.where(audible, compressed, ops.ones_like(q))), 0.0 * q)
