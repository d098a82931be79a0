"""JAX: workarounds for gaps in Keras' ops, constants, and processing of frames in blocks."""

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
    from kapre.ops.kernels import _jax_fft  # imported only when needed, because it loads more of JAX

    return _jax_fft


def _tensor(values: np.ndarray, dtype: str, place: Any, repeat: int) -> Array:
    with jax.ensure_compile_time_eval():  # never a tracer, as it outlives the trace
        return jnp.asarray(repeated(values, repeat), dtype=dtype)


_constants = Constants(_tensor)


_OFF_CPU = 64
"""How many times larger a block is if launching a kernel costs more than memory."""


def _fitted(x: Array, length: int) -> Array:
    """Cut the last axis to a length, or zero-pad it at the end."""
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
    """Implement the kernel for JAX, which compiles eager operations for each shape, or functions as a whole."""

    compiles_each_shape = True
    compiles_eager_calls = True

    def to_complex(self, real: Array, imag: Array) -> Array:
        return lax.complex(real, imag)

    def arctan2(self, y: Array, x: Array) -> Array:
        """Return the angle of (x, y) in (−π, π].

        Gap: `keras.ops.arctan2` (Keras 3.15) gives float32 for float64 on JAX and PyTorch. Drop when it keeps it.
        """
        return jnp.arctan2(y, x)

    def sin(self, x: Array) -> Array:
        """Return the sine.

        Gap: `keras.ops.sin` and `cos` (Keras 3.15) give float32 for float64 on JAX. Drop when they keep it.
        """
        return jnp.sin(x)

    def cos(self, x: Array) -> Array:
        """Return the cosine, overridden for the same gap."""
        return jnp.cos(x)

    def maximum(self, x: Array, y: Array) -> Array:
        """Override for the gap that the PyTorch kernel describes."""
        return jnp.maximum(x, y)

    def minimum(self, x: Array, y: Array) -> Array:
        """Override for the gap that the PyTorch kernel describes."""
        return jnp.minimum(x, y)

    def cumsum(self, x: Array, axis: int) -> Array:
        """Override for the gap that the PyTorch kernel describes."""
        return jnp.cumsum(x, axis=axis)

    def dot(self, x: Array, matrix: Array) -> Array:
        """Multiply the last axis by a matrix in full precision. The PyTorch kernel gives the reason.

        By default XLA multiplies float32 in TF32 on a GPU and in bfloat16 on a TPU, which keeps two or three digits.
        """
        return jnp.tensordot(x, matrix, axes=1, precision=lax.Precision.HIGHEST)

    def rfft(self, x: Array, n_fft: int) -> tuple[Array, Array]:
        """Transform the last axis; see the base class.

        Gap: for `jnp.fft.rfft`, XLA (JAX 0.10) gathers a batch that is sharded over several devices, and transforms all
            of it on each of them. Drop when it doesn't.
        """
        y = _shared_fft().rfft(x, n_fft) if jax.device_count() > 1 else jnp.fft.rfft(x, n_fft)
        return jnp.real(y), jnp.imag(y)

    def irfft(self, real: Array, imag: Array, n_fft: int) -> Array:
        """Invert `rfft`, overridden for the same gap."""
        y = lax.complex(real, imag)
        return _shared_fft().irfft(y, n_fft) if jax.device_count() > 1 else jnp.fft.irfft(y, n_fft)

    def constant(self, values: np.ndarray, dtype: str, like: Array, repeat: int = 1) -> Array:
        """Return an array as a tensor on the device of another, with each row repeated `repeat` times."""
        return _constants(values, dtype, jax.config.jax_enable_x64, repeat)

    def at_least(self, x: Array, value: float) -> Array:
        return jnp.maximum(x, jnp.asarray(value, x.dtype))

    def turned(self, turns: Array) -> tuple[Array, Array]:
        """Return the cosine and the sine by Taylor's polynomials on an eighth of a turn, in float32.

        XLA (JAX 0.10) computes them ten times slower on a CPU, because it allows for any angle. Drop when it doesn't.
        """
        if turns.dtype != jnp.float32:
            return super().turned(turns)
        quarters = jnp.round(4.0 * turns)
        angle = (4.0 * turns - quarters) * jnp.float32(0.5 * np.pi)
        square, sine, cosine = angle * angle, 1.0 / 362880.0, -1.0 / 3628800.0
        for one, two in ((-1 / 5040, 1 / 40320), (1 / 120, -1 / 720), (-1 / 6, 1 / 24), (1.0, -0.5)):
            sine, cosine = sine * square + one, cosine * square + two
        sine, cosine = sine * angle, cosine * square + 1.0
        quarter = quarters.astype("int32")
        crossed = (quarter & 1) == 1
        first, second = jnp.where(crossed, sine, cosine), jnp.where(crossed, cosine, sine)
        return jnp.where(((quarter + 1) & 2) == 2, -first, first), jnp.where((quarter & 2) == 2, -second, second)

    def order_statistics(self, x: Array, places: Array) -> tuple[Array, Array]:
        """Return order statistics bit by bit, by counting the entries below; see the base class.

        XLA (JAX 0.10) sorts on a CPU in more than ten times the time of these passes.
        """
        if x.dtype != jnp.float32 or 0 in x.shape:
            return super().order_statistics(x, places)
        bits = lax.bitcast_convert_type(x, jnp.uint32)
        # In the order of the numbers.
        bits = jnp.where(bits >> 31 == 1, ~bits, bits | jnp.uint32(1 << 31))[..., None, :]

        def step(index: Array, found: Array) -> Array:
            more = found | (jnp.uint32(1 << 31) >> index.astype("uint32"))
            below = jnp.sum(bits < more[..., None], axis=-1, dtype="int32")
            return jnp.where(below <= places, more, found)

        found = lax.fori_loop(0, 32, step, jnp.zeros(places.shape, "uint32"))
        upto = jnp.sum(bits <= found[..., None], axis=-1, dtype="int32")
        above = jnp.min(jnp.where(bits > found[..., None], bits, jnp.uint32(2**32 - 1)), axis=-1)
        after = jnp.where((upto >= places + 2) | (places + 2 > x.shape[-1]), found, above)

        def number(bits: Array) -> Array:
            bits = jnp.where(bits >> 31 == 1, bits & jnp.uint32(2**31 - 1), ~bits)
            return lax.bitcast_convert_type(bits, jnp.float32)

        return number(found), number(after)

    def frame(self, x: Array, size: int, hop: int) -> Array:
        """Cut the last axis into frames; see the base class.

        XLA turns this into one gather that copies each frame as a whole. With sample indices, it would look up each
        sample.
        """
        count = (x.shape[-1] - size) // hop + 1
        if size == hop:  # nothing overlaps
            return lax.slice_in_dim(x, 0, count * hop, axis=-1).reshape(*x.shape[:-1], count, size)
        starts = hop * jnp.arange(count)
        axis = x.ndim - 1
        return jax.vmap(lambda start: lax.dynamic_slice_in_dim(x, start, size, axis), out_axes=axis)(starts)

    def over_frames(
        self,
        fn: Callable[..., Outputs],
        x: Array,
        size: int,
        hop: int,
        count: int | None,
        weights: Sequence[Array],
        stages: Stages | None = None,
    ) -> Outputs:
        """Apply `fn` to frames in blocks; see the base class.

        All items take part in each block, so that devices that share a batch keep their items. The gradient recomputes
        the frames of each block.
        """
        assert count is not None
        blocks, per_block = plan(x.shape[:-1], count, size, 1 if jax.default_backend() == "cpu" else _OFF_CPU)
        if blocks == 1 and stages is not None:
            size = stages.size  # no zeros after frames: outside a loop, XLA adds them at no cost
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
            if missing:  # zero-pad only the last block, to avoid a copy of all samples
                part = lax.dynamic_slice_in_dim(_fitted(part, span + missing), start - begin, span, axis)
            return fn(self.frame(part, size, hop), *weights)

        def joined(y: Array) -> Array:
            y = jnp.moveaxis(y, 0, -3)
            return y.reshape(*y.shape[:-3], blocks * per_block, y.shape[-1])[..., :count, :]

        return tuple(map(joined, lax.map(block, jnp.arange(blocks))))

    def total(self, x: Array) -> Array:
        """Sum the last axis by a matrix product with so many columns that no library treats it as a sum.

        For another number of frames, XLA sums in another order. The resulting error of the mean affects the lowest
        bands. In a quiet band, the logarithm in a stream would differ from that of the whole clip by 1e-3.
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
        """Return the first `count` entries along an axis that has at least `count`, as a plain slice; see `part`."""
        return lax.slice_in_dim(x, 0, count, axis=axis)

    def tail(self, x: Array, count: int, axis: int) -> Array:
        """Return the last `count` entries along an axis that has at least `count`, as a plain slice; see `part`."""
        return lax.slice_in_dim(x, x.shape[axis] - count, x.shape[axis], axis=axis)

    def part(self, x: Array, first: int, behind: int, axis: int, step: int = 1) -> Array:
        """Return every `step`th entry along an axis, without the `first` initial and the `behind` final entries.

        The result is a plain slice. With an unknown size, `x[first:]` would become a gather, which LiteRT lacks.
        """
        stop = x.shape[axis] - behind
        if isinstance(stop, int):  # nothing is left of a shorter axis
            stop = max(stop, 0)
            first = min(first, stop)
        return lax.slice_in_dim(x, first, stop, step, axis)

    def is_plain(self, x: Any) -> bool:
        """Tell whether the input is an array without a Keras mask, and no Keras distribution is active."""
        if not isinstance(x, Array) or isinstance(x, jax.core.Tracer) or hasattr(x, "_keras_mask"):
            return False
        return keras.distribution.distribution() is None

    def is_abstract(self, x: Any) -> bool:
        """Tell whether the tensor has no values yet, because it is traced."""
        return isinstance(x, jax.core.Tracer)

    def compiled(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Compile a function for each value of its first argument and each shape of the others."""
        return jax.jit(fn, static_argnums=0)

    def are_all(self, which: Any) -> bool:
        return jax.default_backend() == "cpu" and self.is_held(which) and bool(np.asarray(which).all())

    def is_held(self, x: Any) -> bool:
        """Tell whether an array has its values on one device and does not belong to a trace."""
        if isinstance(x, np.ndarray):
            return True
        if not isinstance(x, Array) or isinstance(x, jax.core.Tracer) or keras.distribution.distribution() is not None:
            return False
        return len(x.sharding.device_set) == 1

    def given(self, x: Any) -> Any:
        """Return a NumPy array as a tensor. `jnp.asarray` (JAX 0.10) would compile something for each shape."""
        if not isinstance(x, np.ndarray) or x.dtype.kind not in "fc" or keras.distribution.distribution() is not None:
            return x
        return jax.device_put(x.copy())  # the caller may overwrite it

    def put(self, values: np.ndarray, dtype: str, like: Array) -> Array:
        """Return an array as a tensor on the device of another, committed like it, without compiling anything."""
        found = np.asarray(values, jnp.dtype(dtype), order="C")
        return (
            jax.device_put(found, *like.sharding.device_set)
            if getattr(like, "committed", True)
            else jax.device_put(found)
        )

    def as_one(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Compile a function of nests of arrays as a whole, for each of their shapes."""
        return jax.jit(fn)

    def for_inference(
        self, fn: Callable[..., Any], specs: Sequence[tuple[Sequence[int | None], str]] | None = None
    ) -> Any:
        return jax.jit(fn)
