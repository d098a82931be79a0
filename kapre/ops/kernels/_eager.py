"""What the kernels share whose backends do not compile each operation of an eager call; the JAX kernel has its own."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

COMPILES_EAGER_CALLS = False


def is_held(x: Any) -> bool:
    """Tell whether an eager call may go by NumPy; see the JAX kernel. Nothing compiles here, so none does."""
    return False


def given(x: Any) -> Any:
    """Return what a layer was called with; see the JAX kernel."""
    return x


def put(values: np.ndarray, dtype: str, like: Any) -> Any:
    """Return an array as a tensor beside another; see the JAX kernel."""
    return ops.cast(ops.convert_to_tensor(values), dtype)


def beside(x: Any, like: Any) -> Any:
    """Return a tensor on the device of another; see the PyTorch kernel."""
    return x


def place_of(x: Any) -> str:
    """Return nothing: this backend brings together, or refuses by itself, what lies on several devices."""
    return ""


def number(value: Any, like: Any, dtype: str | None = None) -> Any:
    """Return a number; see the PyTorch kernel."""
    return value if dtype is None else ops.convert_to_tensor(value, dtype=dtype)


def filled(like: Any, value: float) -> Any:
    """Return a tensor of the shape and dtype of another, of one number; see the PyTorch kernel."""
    return ops.full_like(like, value)


def total(x: Any) -> Any:
    """Add up the last axis, which is kept; see the JAX kernel."""
    return ops.sum(x, axis=-1, keepdims=True)
