"""What a backend is asked for, in Keras' ops: the kernels of JAX, TensorFlow and PyTorch override what those lack."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from keras import ops

from kapre.ops.kernels._blocks import Outputs, Stages
from kapre.ops.kernels._constants import repeated


class Kernel:
    """The operations that Keras' own ops do not have, or not on every backend, and how a backend runs functions.

    This class is the kernel of Keras' NumPy backend. A subclass overrides what its backend does otherwise; a method
    that fills a gap in Keras' ops names the gap and when it can be dropped.

    Example:
        ```python
        import numpy as np
        from kapre.ops.kernels import active as kernel

        x = kernel.constant(np.arange(5.0), "float32", like=None)
        assert tuple(kernel.head(x, 2, axis=-1).shape) == (2,)
        ```
    """

    compiles_each_shape = False
    """Whether a function is compiled, or traced, for each shape of its arguments."""
    compiles_eager_calls = False
    """Whether each operation of an eager call is compiled for each shape."""
    squares_per_bin = 1
    """Neighbours of what `squares` returns that add up to the power of a bin."""

    # Arithmetic.

    def to_complex(self, real: Any, imag: Any) -> Any:
        """Join two real tensors into complex64 or complex128."""
        return real + 1j * imag

    def arctan2(self, y: Any, x: Any) -> Any:
        """Return the angle of (x, y) in (−π, π]."""
        return ops.arctan2(y, x)

    def maximum(self, x: Any, y: Any) -> Any:
        """Return the larger of two tensors, NaN where either is."""
        return ops.maximum(x, y)

    def at_least(self, x: Any, value: float) -> Any:
        """Return the larger of a tensor and a number, NaN where the tensor is."""
        return ops.maximum(x, ops.convert_to_tensor(value, dtype=x.dtype))

    def cumsum(self, x: Any, axis: int) -> Any:
        """Add up along an axis."""
        return ops.cumsum(x, axis=axis)

    def total(self, x: Any) -> Any:
        """Add up the last axis, which is kept, in an order that does not depend on the other axes."""
        return ops.sum(x, axis=-1, keepdims=True)

    def root(self, x: Any) -> Any:
        """Return the square root, whose slope at 0 is taken for 0, so that silence has a gradient."""
        return ops.sqrt(x)

    def dot(self, x: Any, matrix: Any) -> Any:
        """Multiply the last axis by a matrix, in the full precision of the tensors."""
        return ops.tensordot(x, matrix, axes=1)

    def product(self, x: Any, matrix: Any) -> Any:
        """Multiply the last axis by a matrix, as one operation of a graph."""
        return ops.matmul(x, matrix)

    def rfft(self, x: Any, n_fft: int) -> tuple[Any, Any]:
        """Transform the last axis, of `n_fft` samples, into real and imaginary parts of `n_fft // 2 + 1` bins."""
        real, imag = ops.rfft(x, fft_length=n_fft)
        return real, imag

    def irfft(self, real: Any, imag: Any, n_fft: int) -> Any:
        """Invert `rfft`."""
        return ops.irfft((real, imag), fft_length=n_fft)

    def squares(self, framed: Any, n_fft: int) -> Any:
        """Return squares of which `squares_per_bin` neighbours add up to the power of a bin."""
        real, imag = self.rfft(framed, n_fft)
        return ops.square(real) + ops.square(imag)

    # Frames and places on an axis.

    def frame(self, x: Any, size: int, hop: int) -> Any:
        """Cut the last axis, of `size` samples or more, into frames, `hop` apart: `(..., frames, size)`."""
        starts = hop * np.arange((x.shape[-1] - size) // hop + 1)
        return ops.take(x, starts[:, None] + np.arange(size), axis=-1)

    def over_frames(
        self,
        fn: Callable[..., Outputs],
        x: Any,
        size: int,
        hop: int,
        count: int,
        weights: Sequence[Any],
        stages: Stages | None = None,
    ) -> Outputs:
        """Do to `count` frames of `(..., time)` what `fn` does to some of them, `(..., frames, size)`, and the weights.

        A subclass works through many frames in blocks that stay in the cache, so that memory grows with what `fn` gives
        and not with the frames. `stages` says in plain data what `fn` does where it needs no weights, for a kernel that
        does it by itself.
        """
        missing = max(0, (count - 1) * hop + size - x.shape[-1])
        padded = ops.pad(x, [(0, 0)] * (len(x.shape) - 1) + [(0, missing)])
        return fn(self.frame(padded, size, hop)[..., :count, :], *weights)

    def size(self, x: Any, axis: int) -> Any:
        """Return a size as an int where it is known, else as an int32 tensor that a graph computes with."""
        return x.shape[axis]

    def take(self, x: Any, places: Any, axis: int = -1) -> Any:
        """Return the entries along an axis at some places, an array or a tensor of one axis."""
        return ops.take(x, places, axis=axis)

    def head(self, x: Any, count: int, axis: int) -> Any:
        """Return the first `count` entries along an axis, which has as many."""
        return x[(*[slice(None)] * (axis % len(x.shape)), slice(0, count))]

    def tail(self, x: Any, count: int, axis: int) -> Any:
        """Return the last `count` entries along an axis, which has as many."""
        return x[(*[slice(None)] * (axis % len(x.shape)), slice(-count, None))]

    def part(self, x: Any, first: int, behind: int, axis: int, step: int = 1) -> Any:
        """Return every `step`th entry along an axis without the first ones and without those behind."""
        return x[(*[slice(None)] * (axis % len(x.shape)), slice(first, -behind or None, step))]

    # Tensors of values that are known.

    def constant(self, values: np.ndarray, dtype: str, like: Any, repeat: int = 1) -> Any:
        """Return an array as a tensor beside another, each of its rows `repeat` times."""
        return ops.convert_to_tensor(repeated(values, repeat).astype(dtype))

    def number(self, value: Any, like: Any, dtype: str | None = None) -> Any:
        """Return a number as Keras' ops take it beside a tensor."""
        return value if dtype is None else ops.convert_to_tensor(value, dtype=dtype)

    def filled(self, like: Any, value: float) -> Any:
        """Return a tensor of the shape and dtype of another, of one number."""
        return ops.full_like(like, value)

    def put(self, values: np.ndarray, dtype: str, like: Any) -> Any:
        """Return an array as a tensor beside another."""
        return ops.cast(ops.convert_to_tensor(values), dtype)

    def given(self, x: Any) -> Any:
        """Return what a layer was called with, an array of NumPy as a tensor where that costs less here."""
        return x

    def static_value(self, x: Any) -> Any:
        """Return the value of a tensor that a graph holds as a constant, else the tensor."""
        return x

    def beside(self, x: Any, like: Any) -> Any:
        """Return a tensor on the device of another, where the backend does not bring them together itself."""
        return x

    def place_of(self, x: Any) -> str:
        """Return the name of a tensor's device, where the backend asks that all be on one; else nothing."""
        return ""

    # What a call is part of.

    def is_tracing(self) -> bool:
        """Tell whether PyTorch is tracing this call."""
        return False

    def is_replica(self) -> bool:
        """Tell whether the call is one replica's, whose thread may have to wait for the others'."""
        return False

    def is_compiling(self) -> bool:
        """Tell whether `torch.compile` is reading this call's Python."""
        return False

    def is_plain(self, x: Any) -> bool:
        """Tell whether a call of a layer on it may leave out what Keras does around it."""
        return False

    def is_abstract(self, x: Any) -> bool:
        """Tell whether it has no values yet."""
        return False

    def is_held(self, x: Any) -> bool:
        """Tell whether an eager call may go by NumPy: where operations are compiled, and the numbers are there."""
        return False

    # How functions are run.

    def untraced(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function of constants that a trace calls and does not look into."""
        return fn

    def call(self, layer: Any, x: Any) -> Any:
        """Call a layer on what `is_plain`, without Keras."""
        return layer.call(x)

    def compiled(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function, compiled for each first argument, which is hashable, where that pays."""
        return fn

    def as_one(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function of nests of tensors that runs in one piece where it can, for each of their shapes."""
        return fn

    def for_inference(
        self, fn: Callable[..., Any], specs: Sequence[tuple[Sequence[int | None], str]] | None = None
    ) -> Any:
        """Return a function of arrays without gradients, compiled where the backend compiles.

        `specs` are the arguments' shapes, None for what is free, and dtypes: it is then traced once.
        """
        return fn
