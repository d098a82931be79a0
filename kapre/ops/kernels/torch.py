"""PyTorch: gaps in Keras' ops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


def to_complex(real: torch.Tensor, imag: torch.Tensor) -> torch.Tensor:
    """Join two real tensors into complex64 or complex128; see the TensorFlow kernel for why."""
    return torch.complex(real, imag)


def static_value(x: Any) -> Any:
    """Return `x`: only TensorFlow's graphs hold constants as tensors."""
    return x


def arctan2(y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Return the angle of (x, y) in (−π, π].

    Here for the gap that the JAX kernel names.
    """
    return torch.arctan2(y, x)


def maximum(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return the larger of two tensors, NaN where either is.

    Gap: `keras.ops.maximum` (Keras 3.15) gives float32 for float64 on PyTorch. Drop when it keeps it.
    """
    return torch.maximum(x, y)


def dot(x: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    """Multiply the last axis by a matrix.

    Gap: `keras.ops.matmul` and `tensordot` (Keras 3.15) compute float64 in float32 on PyTorch. Drop when they don't.
    """
    return torch.matmul(x, matrix)


def untraced(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of constants that a trace calls and does not look into.

    `torch.compile` would turn NumPy into torch, and fails at what it does not know (2.13: read-only arrays).
    """
    return torch.compiler.disable(fn)
