"""TensorFlow: workarounds for gaps in Keras' ops, constants, and processing of frames in blocks."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kapre.ops.kernels import _on_host, _tf32
from kapre.ops.kernels._blocks import Outputs, Stages, plan
from kapre.ops.kernels._constants import Constants, repeated
from kapre.ops.kernels.base import Kernel


@functools.cache
def _has_gpu() -> bool:
    return bool(tf.config.list_physical_devices("GPU"))


def _multiplies_in_tf32() -> bool:
    """Tell whether TensorFlow rounds the inputs of a float32 product, which it does by default if there is a GPU."""
    return _has_gpu() and tf.config.experimental.tensor_float_32_execution_enabled()


def _split(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Split a tensor into the part that TF32 can represent, which has the tensor's gradient, and the remainder."""
    kept = tf.bitcast(tf.bitwise.bitwise_and(tf.bitcast(x, tf.int32), _tf32.BITS), tf.float32)
    high = x + tf.stop_gradient(kept - x)
    return high, x - high


def _tensor(values: np.ndarray, dtype: str, place: Any, repeat: int) -> tf.Tensor:
    return tf.constant(repeated(values, repeat), dtype=dtype)


_constants = Constants(_tensor)


def _in_tf_data() -> bool:
    """Tell whether tf.data traces the function that makes this call. TensorFlow has no public way to ask."""
    frame: Any = sys._getframe()
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith("tensorflow.python.data."):
            return True
        frame = frame.f_back
    return False


def _fitted(x: tf.Tensor, length: int) -> tf.Tensor:
    """Cut the last axis to a length, or zero-pad it at the end."""
    missing = length - x.shape[-1]
    return tf.pad(x, [[0, 0]] * (len(x.shape) - 1) + [[0, missing]]) if missing > 0 else x[..., :length]


class TensorFlowKernel(Kernel):
    """Implement the kernel for TensorFlow, which runs eagerly or in graphs with tensors as constants and shapes."""

    compiles_each_shape = True

    def to_complex(self, real: tf.Tensor, imag: tf.Tensor) -> tf.Tensor:
        """Join two real tensors into complex64 or complex128.

        Gap: `keras.ops.view_as_complex` (Keras 3.15) also gives complex64 for float64. Drop when it keeps the
            precision.
        """
        return tf.complex(real, imag)

    def static_value(self, x: Any) -> Any:
        """Return the value of a tensor that is a constant in a graph. `tf.signal.stft` passes lengths in this way."""
        value = tf.get_static_value(x)
        return x if value is None else value

    def arctan2(self, y: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
        """Override for the gap that the JAX kernel describes."""
        return tf.math.atan2(y, x)

    def maximum(self, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        """Override for the gap that the PyTorch kernel describes."""
        return tf.maximum(x, y)

    def minimum(self, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        """Override for the gap that the PyTorch kernel describes."""
        return tf.minimum(x, y)

    def cumsum(self, x: tf.Tensor, axis: int) -> tf.Tensor:
        """Override for the gap that the PyTorch kernel describes."""
        return tf.cumsum(x, axis=axis)

    def dot(self, x: tf.Tensor, matrix: tf.Tensor) -> tf.Tensor:
        """Multiply the last axis by a matrix. The PyTorch kernel gives the reason.

        `tf.matmul` is not used, because for rank 4 by rank 2 it crashes TensorFlow 2.20 and 2.21 on one shape.
        """
        if x.dtype == tf.float32 and _multiplies_in_tf32():
            return _tf32.in_full_precision(lambda x, y: tf.tensordot(x, y, axes=1), _split, x, matrix)
        return tf.tensordot(x, matrix, axes=1)

    def is_replica(self) -> bool:
        """Tell whether a replica under `tf.distribute` makes the call. Its thread may have to wait for others."""
        return bool(tf.distribute.has_strategy() and not tf.distribute.in_cross_replica_context())

    def constant(self, values: np.ndarray, dtype: str, like: tf.Tensor, repeat: int = 1) -> tf.Tensor:
        """Return an array as a tensor. In a graph, it is a tensor of that graph."""
        return (_constants if tf.executing_eagerly() else _tensor)(values, dtype, None, repeat)

    def held(self, values: np.ndarray, dtype: str, like: tf.Tensor) -> tf.Tensor:
        """Return a large read-only array as an eager tensor, which a graph captures. A graph may hold at most 2 GB."""
        with tf.init_scope():
            return _constants(values, dtype, None, 1)

    def seed_in_pipeline(self, generator: Any) -> tf.Tensor | None:
        """Return the next seed of a generator in a function of tf.data, else None; see `seeds`.

        The counter is a variable of the generator. One operation reads and advances it, so that no two calls in
        parallel get the same number, and the next epoch continues where the last one ended.
        """
        if tf.executing_eagerly() or not _in_tf_data():
            return None
        if not hasattr(generator, "_in_tf_data"):
            with tf.init_scope(), tf.device("cpu"):
                generator._in_tf_data = tf.Variable([0, 0, 0], dtype=tf.int64, trainable=False)
        philox, once = 1, tf.constant(1, tf.uint64)
        count = tf.raw_ops.RngReadAndSkip(resource=generator._in_tf_data.handle, alg=philox, delta=once)[0] // 256
        first = tf.cast(generator.state.value[0], tf.int64)
        return tf.stack([tf.bitwise.bitwise_xor(first, 0x5DEECE66), count])

    def white(self, keys: tf.Tensor, size: Any, dtype: str) -> tf.Tensor | None:
        if not (tf.executing_eagerly() and isinstance(size, int)) or _has_gpu():
            return None
        return tf.convert_to_tensor(_on_host.white(keys.numpy(), size, dtype))

    def are_all(self, which: tf.Tensor) -> bool:
        return tf.executing_eagerly() and not _has_gpu() and bool(which.numpy().all())

    def order_statistics(self, x: tf.Tensor, places: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        if not tf.executing_eagerly() or _has_gpu():
            return super().order_statistics(x, places)
        found = _on_host.order_statistics(x.numpy(), places.numpy())
        return tf.convert_to_tensor(found[0]), tf.convert_to_tensor(found[1])

    def at_least(self, x: tf.Tensor, value: float) -> tf.Tensor:
        return tf.maximum(x, tf.constant(value, x.dtype))

    def frame(self, x: tf.Tensor, size: int, hop: int) -> tf.Tensor:
        """Cut the last axis, of at least `size` samples, into frames, `hop` apart: `(..., frames, size)`."""
        return tf.signal.frame(x, size, hop)

    def over_frames(
        self,
        fn: Callable[..., Outputs],
        x: tf.Tensor,
        size: int,
        hop: int,
        count: int | None,
        weights: Sequence[tf.Tensor],
        stages: Stages | None = None,
    ) -> Outputs:
        assert count is not None
        blocks, per_block = plan(x.shape[:-1], count, size)
        span = (per_block - 1) * hop + size
        needed = (count - 1) * hop + size
        x = x[..., :needed] if x.shape[-1] > needed else x
        x = _fitted(x, (blocks * per_block - 1) * hop + size)
        if blocks == 1:
            return fn(self.frame(x, size, hop), *weights)
        # Cut once. A slice for each block would have a gradient as long as the samples.
        spans = self.frame(x, span, per_block * hop)
        rank = len(spans.shape)
        spans = tf.transpose(spans, [rank - 2, *range(rank - 2), rank - 1])

        def block(part: tf.Tensor) -> Outputs:
            part.set_shape((*x.shape[:-1], span))
            return fn(self.frame(part, size, hop), *weights)

        if tf.executing_eagerly():
            return tuple(
                tf.concat(same, -2)[..., :count, :] for same in zip(*map(block, tf.unstack(spans)), strict=True)
            )
        kinds = tuple(tf.type_spec_from_value(y) for y in block(spans[0]))  # a graph drops unused outputs
        results = tf.map_fn(block, spans, fn_output_signature=kinds, parallel_iterations=2)

        def joined(y: tf.Tensor) -> tf.Tensor:
            rank = len(y.shape)
            y = tf.transpose(y, [*range(1, rank - 2), 0, rank - 2, rank - 1])
            shape = tf.shape(y)
            y = tf.reshape(y, tf.concat([shape[: rank - 3], [blocks * per_block], shape[rank - 1 :]], axis=0))
            return y[..., :count, :]

        return tuple(map(joined, results))

    def root(self, x: tf.Tensor) -> tf.Tensor:
        zero = tf.equal(x, 0.0)
        return tf.where(zero, 0.0 * x, tf.sqrt(tf.where(zero, tf.ones_like(x), x)))

    def product(self, x: tf.Tensor, matrix: tf.Tensor) -> tf.Tensor:
        """Multiply the last axis by a matrix in a single graph operation.

        Keras calls `tf.tensordot`, which computes with the shape. Converters fail at this if there is no frame.
        """
        return tf.matmul(x, tf.reshape(matrix, [1] * (len(x.shape) - 2) + matrix.shape.as_list()))

    def size(self, x: tf.Tensor, axis: int) -> Any:
        length = x.shape[axis]
        return tf.shape(x)[axis] if length is None else length

    def take(self, x: tf.Tensor, places: Any, axis: int = -1) -> tf.Tensor:
        return tf.gather(x, places, axis=axis)

    def is_abstract(self, x: Any) -> bool:
        """Tell whether the tensor has no values yet, because it belongs to a graph."""
        return tf.is_tensor(x) and not hasattr(x, "numpy")

    def as_one(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a function of nests of tensors so that it runs in one piece, traced for each of their shapes."""
        return tf.function(lambda *nests: fn(*nests), autograph=False)

    def for_inference(
        self, fn: Callable[..., Any], specs: Sequence[tuple[Sequence[int | None], str]] | None = None
    ) -> Any:
        """Compile a function of arrays, without gradients.

        `specs` are the shapes of the arguments, with None for dynamic axes, and their dtypes. With them, the function
        is traced once.
        """
        signature = None if specs is None else [tf.TensorSpec(shape, dtype) for shape, dtype in specs]
        return tf.function(fn, input_signature=signature, autograph=False)
