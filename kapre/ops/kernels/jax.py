"""JAX: gaps in Keras' ops, constants, and frames worked through in blocks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
from jax import Array, lax

from kapre.ops.kernels._blocks import Outputs, Stages, plan
from kapre.ops.kernels._constants import Constants, repeated
from kapre.ops.kernels.base import Kernel


def _shared_fft() -> Any:
    from kapre.ops.kernels import _jax_fft  # only where it is needed: it loads more of JAX

    return _jax_fft


def _tensor(values: np.ndarray, dtype: str, place: Any, repeat: int) -> Array:
    with jax.ensure_compile_time_eval():  # never a tracer: it outlives the trace
        return jnp.asarray(repeated(values, repeat), dtype=dtype)


_constants = Constants(_tensor)


_OFF_CPU = 64
"""How many times larger a block is where launching costs more than memory."""


def _fitted(x: Array, length: int) -> Array:
    """Cut the last axis, or zero-pad it behind, to a length."""
    missing = length - x.shape[-1]
    return jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, missing)]) if missing > 0 else x[..., :length]


_COLUMNS = 8


_root = jax.custom_jvp(jnp.sqrt)


def _slope_of_root(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    y = _root(*primals)
    zero = y == 0.0
    return y, tangents[0] * jnp.where(zero, 0.0, 0.5 / jnp.where(zero, 1.0, y))


_root.defjvp(_slope_of_root)


class JaxKernel(Kernel):
    """JAX compiles: each operation of an eager call for each shape, and a function as a whole."""

    compiles_each_shape = True
    compiles_eager_calls = True

    def to_complex(self, real: Array, imag: Array) -> Array:
        return lax.complex(real, imag)

    def arctan2(self, y: Array, x: Array) -> Array:
        """Return the angle of (x, y) in (−π, π].

        Gap: `keras.ops.arctan2` (Keras 3.15) gives float32 for float64 on JAX and PyTorch. Drop when it keeps it.
        """
        return jnp.arctan2(y, x)

    def maximum(self, x: Array, y: Array) -> Array:
        """Here for the gap that the PyTorch kernel names."""
        return jnp.maximum(x, y)

    def cumsum(self, x: Array, axis: int) -> Array:
        """Here for the gap that the PyTorch kernel names."""
        return jnp.cumsum(x, axis=axis)

    def dot(self, x: Array, matrix: Array) -> Array:
        """Multiply the last axis by a matrix, in full precision; see the PyTorch kernel for why.

        By default XLA multiplies float32 in TF32 on a GPU and in bfloat16 on a TPU: three or two digits.
        """
        return jnp.tensordot(x, matrix, axes=1, precision=lax.Precision.HIGHEST)

    def rfft(self, x: Array, n_fft: int) -> tuple[Array, Array]:
        """Transform the last axis; see the base.

        Gap: XLA (JAX 0.10) gathers a batch that several devices share for `jnp.fft.rfft`, and transforms all of it on
        each of them. Drop when it doesn't.
        """
        y = _shared_fft().rfft(x, n_fft) if jax.device_count() > 1 else jnp.fft.rfft(x, n_fft)
        return jnp.real(y), jnp.imag(y)

    def irfft(self, real: Array, imag: Array, n_fft: int) -> Array:
        """Invert `rfft`; here for the same gap."""
        y = lax.complex(real, imag)
        return _shared_fft().irfft(y, n_fft) if jax.device_count() > 1 else jnp.fft.irfft(y, n_fft)

    def constant(self, values: np.ndarray, dtype: str, like: Array, repeat: int = 1) -> Array:
        """Return an array as a tensor beside another, each of its rows `repeat` times."""
        return _constants(values, dtype, jax.config.jax_enable_x64, repeat)

    def at_least(self, x: Array, value: float) -> Array:
        return jnp.maximum(x, jnp.asarray(value, x.dtype))

    def frame(self, x: Array, size: int, hop: int) -> Array:
        """Cut the last axis into frames; see the base.

        XLA makes one gather of it that copies each frame in one piece; indices of samples are looked up one by one.
        """
        starts = hop * jnp.arange((x.shape[-1] - size) // hop + 1)
        axis = x.ndim - 1
        return jax.vmap(lambda start: lax.dynamic_slice_in_dim(x, start, size, axis), out_axes=axis)(starts)

    def over_frames(
        self,
        fn: Callable[..., Outputs],
        x: Array,
        size: int,
        hop: int,
        count: int,
        weights: Sequence[Array],
        stages: Stages | None = None,
    ) -> Outputs:
        """Do to frames what `fn` does, in blocks; see the base.

        All items take part in each block, so that devices that share a batch stay with their items. The gradient makes
        each block's frames anew.
        """
        blocks, per_block = plan(x.shape[:-1], count, size, 1 if jax.default_backend() == "cpu" else _OFF_CPU)
        if blocks == 1 and stages is not None:
            size = stages.size  # frames without zeros behind them: outside of a loop, XLA puts these there in passing
        span = (per_block - 1) * hop + size
        if blocks == 1:
            return fn(self.frame(_fitted(x, span), size, hop), *weights)
        needed = (count - 1) * hop + size
        x = _fitted(x, max(span, min(needed, x.shape[-1])))
        missing = max(0, (blocks * per_block - 1) * hop + size - x.shape[-1])
        last = x.shape[-1] - span
        axis = x.ndim - 1

        @partial(jax.checkpoint, prevent_cse=False)
        def block(index: Array) -> Outputs:
            start = index * (per_block * hop)
            begin = jnp.minimum(start, last)
            part = lax.dynamic_slice_in_dim(x, begin, span, axis)
            if missing:  # zeros behind the last block alone: behind all samples, these would be copied
                part = lax.dynamic_slice_in_dim(_fitted(part, span + missing), start - begin, span, axis)
            return fn(self.frame(part, size, hop), *weights)

        def joined(y: Array) -> Array:
            y = jnp.moveaxis(y, 0, -3)
            return y.reshape(*y.shape[:-3], blocks * per_block, y.shape[-1])[..., :count, :]

        return tuple(map(joined, lax.map(block, jnp.arange(blocks))))

    def total(self, x: Array) -> Array:
        """Add up the last axis by a product with so many columns that no library takes it for a sum.

        XLA adds up in another order for another number of frames. An error of the mean lies on the lowest bands, and in
        a quiet one a stream's logarithm would differ from the whole clip's by 1e-3.
        """
        ones = jnp.ones((x.shape[-1], _COLUMNS), x.dtype)
        return jnp.matmul(x, ones, precision=lax.Precision.HIGHEST)[..., :1]

    def squares(self, framed: Array, n_fft: int) -> Array:
        real, imag = self.rfft(framed, n_fft)
        return real * real + imag * imag

    def root(self, x: Array) -> Array:
        y: Array = _root(x)
        return y

    def product(self, x: Array, matrix: Array) -> Array:
        return jnp.matmul(x, matrix, precision=lax.Precision.HIGHEST)

    def size(self, x: Array, axis: int) -> Any:
        length = x.shape[axis]
        return length if isinstance(length, int) else jnp.asarray(length, jnp.int32)

    def take(self, x: Array, places: Any, axis: int = -1) -> Array:
        return jnp.take(x, jnp.asarray(places), axis=axis)

    def head(self, x: Array, count: int, axis: int) -> Array:
        """Return the first `count` entries along an axis, which has as many: a slice and nothing else, as `part`."""
        return lax.slice_in_dim(x, 0, count, axis=axis)

    def tail(self, x: Array, count: int, axis: int) -> Array:
        """Return the last `count` entries along an axis, which has as many: a slice and nothing else, as `part`."""
        return lax.slice_in_dim(x, x.shape[axis] - count, x.shape[axis], axis=axis)

    def part(self, x: Array, first: int, behind: int, axis: int, step: int = 1) -> Array:
        """Return every `step`th entry along an axis without the first ones and without those behind.

        A slice and nothing else: of a size that is not known, `x[first:]` becomes a gather, which LiteRT has not.
        """
        stop = x.shape[axis] - behind
        if isinstance(stop, int):  # of fewer entries than that, none is left
            stop = max(stop, 0)
            first = min(first, stop)
        return lax.slice_in_dim(x, first, stop, step, axis)

    def is_plain(self, x: Any) -> bool:
        """Tell whether it is an array without a mask of Keras', and none is to be shared out among devices."""
        if not isinstance(x, Array) or isinstance(x, jax.core.Tracer) or hasattr(x, "_keras_mask"):
            return False
        return keras.distribution.distribution() is None

    def is_abstract(self, x: Any) -> bool:
        """Tell whether it has no values yet: a trace follows it."""
        return isinstance(x, jax.core.Tracer)

    def compiled(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function, compiled for each first argument and the shapes of the others."""
        return jax.jit(fn, static_argnums=0)

    def is_held(self, x: Any) -> bool:
        """Tell whether the numbers of an array are there, on one device, and it is none of a trace."""
        if isinstance(x, np.ndarray):
            return True
        if not isinstance(x, Array) or isinstance(x, jax.core.Tracer) or keras.distribution.distribution() is not None:
            return False
        return len(x.sharding.device_set) == 1

    def given(self, x: Any) -> Any:
        """Return an array of NumPy as a tensor; `jnp.asarray` (JAX 0.10) compiles something for each shape."""
        if not isinstance(x, np.ndarray) or x.dtype.kind not in "fc" or keras.distribution.distribution() is not None:
            return x
        return jax.device_put(x.copy())  # the caller may write over it

    def put(self, values: np.ndarray, dtype: str, like: Array) -> Array:
        """Return an array as a tensor beside another, bound to its device as that is, without compiling anything."""
        found = np.asarray(values, jnp.dtype(dtype), order="C")
        return (
            jax.device_put(found, *like.sharding.device_set)
            if getattr(like, "committed", True)
            else jax.device_put(found)
        )

    def as_one(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function of nests of arrays that runs in one piece, compiled for each of their shapes."""
        return jax.jit(fn)

    def for_inference(
        self, fn: Callable[..., Any], specs: Sequence[tuple[Sequence[int | None], str]] | None = None
    ) -> Any:
        return jax.jit(fn)
