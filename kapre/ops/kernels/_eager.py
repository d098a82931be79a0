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


def total(x: Any) -> Any:
    """Add up the last axis, which is kept; see the JAX kernel."""
    return ops.sum(x, axis=-1, keepdims=True)
