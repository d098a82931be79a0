"""Products in float32's precision where a backend rounds the inputs of float32 products to TF32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

BITS = -1 << 13
"""Mask of the bits of a float32 that TF32 keeps."""


def in_full_precision(
    multiply: Callable[[Any, Any], Any], split: Callable[[Any], tuple[Any, Any]], x: Any, y: Any
) -> Any:
    """Multiply float32 matrices in float32 precision by products that round their inputs to TF32.

    Each matrix is split into the sum of two matrices that TF32 can represent. The product of the two small parts is
    below float32's rounding and is omitted.

    Args:
        multiply: The product of the backend.
        split: Splits a tensor into the part that TF32 can represent, which has the tensor's gradient, and the
            remainder. The gradients are then those of a single product.
        x: The first matrix.
        y: The second matrix.
    """
    (x_high, x_low), (y_high, y_low) = split(x), split(y)
    return multiply(x_low, y_high) + multiply(x_high, y_low) + multiply(x_high, y_high)
