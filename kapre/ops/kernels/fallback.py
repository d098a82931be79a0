"""Any other Keras backend (`numpy`): plain arithmetic, no gap filled beyond it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def to_complex(real: Any, imag: Any) -> Any:
    """Join two real arrays into complex64 or complex128."""
    return real + 1j * imag


def static_value(x: Any) -> Any:
    """Return `x`: only TensorFlow's graphs hold constants as tensors."""
    return x


def arctan2(y: Any, x: Any) -> Any:
    """Return the angle of (x, y) in (−π, π].

    Here for the gap that the JAX kernel names.
    """
    return np.arctan2(y, x)


def maximum(x: Any, y: Any) -> Any:
    """Return the larger of two tensors, NaN where either is.

    Here for the gap that the PyTorch kernel names.
    """
    return np.maximum(x, y)


def dot(x: Any, matrix: Any) -> Any:
    """Multiply the last axis by a matrix; see the PyTorch kernel for why."""
    return np.tensordot(x, matrix, axes=1)


def untraced(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of constants that a trace calls and does not look into.

    Only PyTorch traces NumPy code.
    """
    return fn
