"""Operations on frames before their window, built from the operations of a kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from kapre.ops.kernels._blocks import Stages


def without_mean(kernel: Any, x: Any) -> Any:
    """Subtract the mean over the last axis.

    The mean is computed from the differences to the first value, so that a constant becomes exactly 0. A directly
    computed mean is rounded, and a logarithm would reveal the remainder of the constant.

    Gap: `keras.ops.mean` (Keras 3.15) computes float64 in float32 on JAX and PyTorch. Drop when it doesn't.
    """
    if x.shape[-1] == 0:
        return x
    moved = x - kernel.head(x, 1, axis=-1)
    return moved - kernel.total(moved) / float(x.shape[-1])


def preemphasis(kernel: Any, x: Any, coefficient: float, first: str = "keep", before: Any = None) -> Any:
    """Return `x[n] - coefficient * x[n - 1]`; see `kapre.ops.waves.preemphasis`."""
    by_numpy = isinstance(x, np.ndarray)
    if before is None and first == "keep":
        widths = [(0, 0)] * (len(x.shape) - 1) + [(1, 0)]
        if by_numpy:
            return x - coefficient * np.pad(x, widths)[..., :-1]
        return x - coefficient * kernel.part(ops.pad(x, widths), 0, 1, axis=-1)
    if before is None:
        before = x[..., :1] if by_numpy or x.shape[-1] == 0 else kernel.head(x, 1, axis=-1)
    if by_numpy:
        return x - coefficient * np.concatenate([before, x[..., :-1]], axis=-1)
    return x - coefficient * ops.concatenate([before, kernel.part(x, 0, 1, axis=-1)], axis=-1)


def prepared(kernel: Any, framed: Any, stages: Stages) -> Any:
    """Apply the stages before the window to `(..., frames, size)`."""
    framed = without_mean(kernel, framed) if stages.remove_dc else framed
    if not stages.preemphasis:
        return framed
    return preemphasis(kernel, framed, stages.preemphasis, stages.preemphasis_first)
