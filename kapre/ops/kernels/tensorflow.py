"""TensorFlow: gaps in Keras' ops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf


def to_complex(real: tf.Tensor, imag: tf.Tensor) -> tf.Tensor:
    """Join two real tensors into complex64 or complex128.

    Gap: `keras.ops.view_as_complex` (Keras 3.15) gives complex64 for float64 too. Drop when it keeps the precision.
    """
    return tf.complex(real, imag)


def static_value(x: Any) -> Any:
    """Return the value of a tensor that a graph holds as a constant (`tf.signal.stft` passes lengths so)."""
    value = tf.get_static_value(x)
    return x if value is None else value


def arctan2(y: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    """Return the angle of (x, y) in (−π, π].

    Here for the gap that the JAX kernel names.
    """
    return tf.math.atan2(y, x)


def maximum(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """Return the larger of two tensors, NaN where either is.

    Here for the gap that the PyTorch kernel names.
    """
    return tf.maximum(x, y)


def dot(x: tf.Tensor, matrix: tf.Tensor) -> tf.Tensor:
    """Multiply the last axis by a matrix; see the PyTorch kernel for why.

    Not `tf.matmul`: of rank 4 by rank 2 it crashes TensorFlow 2.20 and 2.21 on one shape.
    """
    return tf.tensordot(x, matrix, axes=1)


def untraced(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of constants that a trace calls and does not look into.

    Only PyTorch traces NumPy code.
    """
    return fn
