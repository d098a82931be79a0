"""JAX: gaps in Keras' ops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array, lax


def to_complex(real: Array, imag: Array) -> Array:
    """Join two real arrays into complex64 or complex128; see the TensorFlow kernel for why."""
    return lax.complex(real, imag)


def static_value(x: Any) -> Any:
    """Return `x`: only TensorFlow's graphs hold constants as tensors."""
    return x


def arctan2(y: Array, x: Array) -> Array:
    """Return the angle of (x, y) in (−π, π].

    Gap: `keras.ops.arctan2` (Keras 3.15) gives float32 for float64 on JAX and PyTorch. Drop when it keeps it.
    """
    return jnp.arctan2(y, x)


def maximum(x: Array, y: Array) -> Array:
    """Return the larger of two tensors, NaN where either is.

    Here for the gap that the PyTorch kernel names.
    """
    return jnp.maximum(x, y)


def dot(x: Array, matrix: Array) -> Array:
    """Multiply the last axis by a matrix; see the PyTorch kernel for why."""
    return jnp.tensordot(x, matrix, axes=1)


def untraced(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of constants that a trace calls and does not look into.

    Only PyTorch traces NumPy code.
    """
    return fn
