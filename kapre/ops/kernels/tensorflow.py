"""TensorFlow: gaps in Keras' ops, constants, and frames worked through in blocks."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from keras import ops

from kapre.ops.kernels._blocks import Outputs, Stages, plan
from kapre.ops.kernels._constants import Constants, repeated
from kapre.ops.kernels._eager import COMPILES_EAGER_CALLS as COMPILES_EAGER_CALLS
from kapre.ops.kernels._eager import beside as beside
from kapre.ops.kernels._eager import filled as filled
from kapre.ops.kernels._eager import given as given
from kapre.ops.kernels._eager import is_held as is_held
from kapre.ops.kernels._eager import number as number
from kapre.ops.kernels._eager import place_of as place_of
from kapre.ops.kernels._eager import put as put
from kapre.ops.kernels._eager import total as total


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


def cumsum(x: tf.Tensor, axis: int) -> tf.Tensor:
    """Add up along an axis.

    Here for the gap that the PyTorch kernel names.
    """
    return tf.cumsum(x, axis=axis)


def dot(x: tf.Tensor, matrix: tf.Tensor) -> tf.Tensor:
    """Multiply the last axis by a matrix; see the PyTorch kernel for why.

    Not `tf.matmul`: of rank 4 by rank 2 it crashes TensorFlow 2.20 and 2.21 on one shape.
    """
    if x.dtype == tf.float32 and _multiplies_in_tf32():
        return in_full_precision(lambda x, y: tf.tensordot(x, y, axes=1), x, matrix)
    return tf.tensordot(x, matrix, axes=1)


@functools.cache
def _has_gpu() -> bool:
    return bool(tf.config.list_physical_devices("GPU"))


def _multiplies_in_tf32() -> bool:
    """Tell whether TensorFlow rounds the inputs of a float32 product: by its default, wherever there is a GPU."""
    return _has_gpu() and tf.config.experimental.tensor_float_32_execution_enabled()


_TF32_BITS = -1 << 13


def in_full_precision(multiply: Callable[..., Any], x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """Multiply float32 matrices to float32's precision by products in TF32; see the PyTorch kernel."""
    (x_high, x_low), (y_high, y_low) = map(_split, (x, y))
    return multiply(x_low, y_high) + multiply(x_high, y_low) + multiply(x_high, y_high)


def _split(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return what TF32 holds of a tensor, with the tensor's gradient, and the rest."""
    kept = tf.bitcast(tf.bitwise.bitwise_and(tf.bitcast(x, tf.int32), _TF32_BITS), tf.float32)
    high = x + tf.stop_gradient(kept - x)
    return high, x - high


def rfft(x: tf.Tensor, n_fft: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Transform the last axis, of `n_fft` samples, into real and imaginary parts of `n_fft // 2 + 1` bins.

    Here for the gap that the JAX kernel names.
    """
    real, imag = ops.rfft(x, fft_length=n_fft)
    return real, imag


def irfft(real: tf.Tensor, imag: tf.Tensor, n_fft: int) -> tf.Tensor:
    """Invert `rfft`; see the JAX kernel."""
    return ops.irfft((real, imag), fft_length=n_fft)


def is_tracing() -> bool:
    """Tell whether PyTorch is tracing this call; nothing else has to be asked."""
    return False


def is_replica() -> bool:
    """Tell whether the call is one replica's under `tf.distribute`: its thread may have to wait for the others'."""
    return bool(tf.distribute.has_strategy() and not tf.distribute.in_cross_replica_context())


def is_compiling() -> bool:
    """Tell whether `torch.compile` is reading this call's Python."""
    return False


def untraced(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of constants that a trace calls and does not look into.

    Only PyTorch traces NumPy code.
    """
    return fn


def _tensor(values: np.ndarray, dtype: str, place: Any, repeat: int) -> tf.Tensor:
    return tf.constant(repeated(values, repeat), dtype=dtype)


_constants = Constants(_tensor)


def constant(values: np.ndarray, dtype: str, like: tf.Tensor, repeat: int = 1) -> tf.Tensor:
    """Return an array as a tensor beside another, each of its rows `repeat` times; in a graph, one of the graph's."""
    return (_constants if tf.executing_eagerly() else _tensor)(values, dtype, None, repeat)


def at_least(x: tf.Tensor, value: float) -> tf.Tensor:
    """Return the larger of a tensor and a number; see the PyTorch kernel for why."""
    return tf.maximum(x, tf.constant(value, x.dtype))


def frame(x: tf.Tensor, size: int, hop: int) -> tf.Tensor:
    """Cut the last axis, of `size` samples or more, into frames, `hop` apart: `(..., frames, size)`."""
    return tf.signal.frame(x, size, hop)


def _fitted(x: tf.Tensor, length: int) -> tf.Tensor:
    """Cut the last axis, or zero-pad it behind, to a length."""
    missing = length - x.shape[-1]
    return tf.pad(x, [[0, 0]] * (len(x.shape) - 1) + [[0, missing]]) if missing > 0 else x[..., :length]


def over_frames(
    fn: Callable[..., Outputs],
    x: tf.Tensor,
    size: int,
    hop: int,
    count: int,
    weights: Sequence[tf.Tensor],
    stages: Stages | None = None,
) -> Outputs:
    """Do to `count` frames of `(..., time)` what `fn` does to some of them and the weights; see the JAX kernel."""
    blocks, per_block = plan(x.shape[:-1], count, size)
    span = (per_block - 1) * hop + size
    needed = (count - 1) * hop + size
    x = x[..., :needed] if x.shape[-1] > needed else x
    x = _fitted(x, (blocks * per_block - 1) * hop + size)
    if blocks == 1:
        return fn(frame(x, size, hop), *weights)
    # Cut once: the gradient of a slice for each block would be as long as the samples.
    spans = frame(x, span, per_block * hop)
    rank = len(spans.shape)
    spans = tf.transpose(spans, [rank - 2, *range(rank - 2), rank - 1])

    def block(part: tf.Tensor) -> Outputs:
        part.set_shape((*x.shape[:-1], span))
        return fn(frame(part, size, hop), *weights)

    if tf.executing_eagerly():
        return tuple(tf.concat(same, -2)[..., :count, :] for same in zip(*map(block, tf.unstack(spans)), strict=True))
    kinds = tuple(tf.type_spec_from_value(y) for y in block(spans[0]))  # a graph leaves out what nobody uses
    results = tf.map_fn(block, spans, fn_output_signature=kinds, parallel_iterations=2)

    def joined(y: tf.Tensor) -> tf.Tensor:
        rank = len(y.shape)
        y = tf.transpose(y, [*range(1, rank - 2), 0, rank - 2, rank - 1])
        shape = tf.shape(y)
        y = tf.reshape(y, tf.concat([shape[: rank - 3], [blocks * per_block], shape[rank - 1 :]], axis=0))
        return y[..., :count, :]

    return tuple(map(joined, results))


SQUARES_PER_BIN = 1


def squares(framed: tf.Tensor, n_fft: int) -> tf.Tensor:
    """Return the power spectrum of frames; see the PyTorch kernel."""
    real, imag = rfft(framed, n_fft)
    return tf.square(real) + tf.square(imag)


def root(x: tf.Tensor) -> tf.Tensor:
    """Return the square root, whose slope at 0 is taken for 0; see the PyTorch kernel."""
    zero = tf.equal(x, 0.0)
    return tf.where(zero, 0.0 * x, tf.sqrt(tf.where(zero, tf.ones_like(x), x)))


def product(x: tf.Tensor, matrix: tf.Tensor) -> tf.Tensor:
    """Multiply the last axis by a matrix, as one operation of a graph.

    `tf.tensordot`, which Keras calls, computes with the shape, and what converts it fails where there is no frame.
    """
    return tf.matmul(x, tf.reshape(matrix, [1] * (len(x.shape) - 2) + matrix.shape.as_list()))


def size(x: tf.Tensor, axis: int) -> Any:
    """Return a size as an int where it is known, else as an int32 tensor; see the PyTorch kernel."""
    length = x.shape[axis]
    return tf.shape(x)[axis] if length is None else length


def take(x: tf.Tensor, places: Any, axis: int = -1) -> tf.Tensor:
    """Return the entries along an axis at some places, an array or a tensor of one axis; see the PyTorch kernel."""
    return tf.gather(x, places, axis=axis)


def head(x: tf.Tensor, count: int, axis: int) -> tf.Tensor:
    """Return the first `count` entries along an axis, which has as many; see the JAX kernel."""
    return x[(*[slice(None)] * (axis % len(x.shape)), slice(0, count))]


def tail(x: tf.Tensor, count: int, axis: int) -> tf.Tensor:
    """Return the last `count` entries along an axis, which has as many; see the JAX kernel."""
    return x[(*[slice(None)] * (axis % len(x.shape)), slice(-count, None))]


def part(x: tf.Tensor, first: int, behind: int, axis: int, step: int = 1) -> tf.Tensor:
    """Return every `step`th entry along an axis without the first ones and without those behind; see the JAX kernel."""
    return x[(*[slice(None)] * (axis % len(x.shape)), slice(first, -behind or None, step))]


def is_plain(x: Any) -> bool:
    """Tell whether a call of a layer may go the short way; what it spares is little here."""
    return False


def is_abstract(x: Any) -> bool:
    """Tell whether it has no values yet: it belongs to a graph."""
    return tf.is_tensor(x) and not hasattr(x, "numpy")


def call(layer: Any, x: tf.Tensor) -> tf.Tensor:
    """Call a layer on what `is_plain`, without Keras."""
    return layer.call(x)


def compiled(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function; see the JAX kernel. A graph for each new shape would cost more than it saves."""
    return fn


COMPILES_EACH_SHAPE = True


def as_one(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of nests of tensors that runs in one piece, traced for each of their shapes."""
    return tf.function(lambda *nests: fn(*nests), autograph=False)


def for_inference(fn: Callable[..., Any], specs: Sequence[tuple[Sequence[int | None], str]] | None = None) -> Any:
    """Return a function of arrays that is compiled, without gradients.

    `specs` are the arguments' shapes, None for what is free, and dtypes: it is then traced once.
    """
    signature = None if specs is None else [tf.TensorSpec(shape, dtype) for shape, dtype in specs]
    return tf.function(fn, input_signature=signature, autograph=False)
