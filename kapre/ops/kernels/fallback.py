"""Any other Keras backend (`numpy`): plain arithmetic, no gap filled beyond it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from keras import ops

from kapre.ops.kernels._blocks import Outputs, Stages
from kapre.ops.kernels._constants import repeated
from kapre.ops.kernels._eager import COMPILES_EAGER_CALLS as COMPILES_EAGER_CALLS
from kapre.ops.kernels._eager import beside as beside
from kapre.ops.kernels._eager import filled as filled
from kapre.ops.kernels._eager import given as given
from kapre.ops.kernels._eager import is_held as is_held
from kapre.ops.kernels._eager import number as number
from kapre.ops.kernels._eager import place_of as place_of
from kapre.ops.kernels._eager import put as put
from kapre.ops.kernels._eager import total as total


def to_complex(real: Any, imag: Any) -> Any:
    """Join two real arrays into complex64 or complex128."""
    return real + 1j * imag


def static_value(x: Any) -> Any:
    """Return `x`: only TensorFlow's graphs hold constants as tensors."""
    return x


def arctan2(y: Any, x: Any) -> Any:
    """Return the angle of (x, y) in (−π, π].

    Here for the gap that the JAX kernel names.
    """
    return np.arctan2(y, x)


def maximum(x: Any, y: Any) -> Any:
    """Return the larger of two tensors, NaN where either is.

    Here for the gap that the PyTorch kernel names.
    """
    return np.maximum(x, y)


def cumsum(x: Any, axis: int) -> Any:
    """Add up along an axis.

    Here for the gap that the PyTorch kernel names.
    """
    return np.cumsum(x, axis=axis)


def dot(x: Any, matrix: Any) -> Any:
    """Multiply the last axis by a matrix; see the PyTorch kernel for why."""
    return np.tensordot(x, matrix, axes=1)


def rfft(x: Any, n_fft: int) -> tuple[Any, Any]:
    """Transform the last axis, of `n_fft` samples, into real and imaginary parts of `n_fft // 2 + 1` bins.

    Here for the gap that the JAX kernel names.
    """
    real, imag = ops.rfft(x, fft_length=n_fft)
    return real, imag


def irfft(real: Any, imag: Any, n_fft: int) -> Any:
    """Invert `rfft`; see the JAX kernel."""
    return ops.irfft((real, imag), fft_length=n_fft)


def is_tracing() -> bool:
    """Tell whether PyTorch is tracing this call; nothing else has to be asked."""
    return False


def is_replica() -> bool:
    """Tell whether the call is one replica's; see the TensorFlow kernel."""
    return False


def is_compiling() -> bool:
    """Tell whether `torch.compile` is reading this call's Python."""
    return False


def untraced(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of constants that a trace calls and does not look into.

    Only PyTorch traces NumPy code.
    """
    return fn


def constant(values: np.ndarray, dtype: str, like: Any, repeat: int = 1) -> Any:
    """Return an array as a tensor beside another, each of its rows `repeat` times."""
    return repeated(values, repeat).astype(dtype)


def at_least(x: Any, value: float) -> Any:
    """Return the larger of a tensor and a number; see the PyTorch kernel for why."""
    return np.maximum(x, np.asarray(value, x.dtype))


def frame(x: Any, size: int, hop: int) -> Any:
    """Cut the last axis, of `size` samples or more, into frames, `hop` apart: `(..., frames, size)`."""
    return np.lib.stride_tricks.sliding_window_view(x, size, axis=-1)[..., ::hop, :]


def over_frames(
    fn: Callable[..., Outputs],
    x: Any,
    size: int,
    hop: int,
    count: int,
    weights: Sequence[Any],
    stages: Stages | None = None,
) -> Outputs:
    """Do to `count` frames of `(..., time)` what `fn` does to some of them and the weights; see the JAX kernel."""
    missing = max(0, (count - 1) * hop + size - x.shape[-1])
    return fn(frame(np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, missing)]), size, hop)[..., :count, :], *weights)


SQUARES_PER_BIN = 1


def squares(framed: Any, n_fft: int) -> Any:
    """Return the power spectrum of frames; see the PyTorch kernel."""
    real, imag = rfft(framed, n_fft)
    return real * real + imag * imag


def root(x: Any) -> Any:
    """Return the square root; see the PyTorch kernel."""
    return np.sqrt(x)


def product(x: Any, matrix: Any) -> Any:
    """Multiply the last axis by a matrix, as one operation of a graph; see the TensorFlow kernel."""
    return np.matmul(x, matrix)


def size(x: Any, axis: int) -> Any:
    """Return a size; see the PyTorch kernel."""
    return x.shape[axis]


def take(x: Any, places: Any, axis: int = -1) -> Any:
    """Return the entries along an axis at some places, an array or a tensor of one axis; see the PyTorch kernel."""
    return np.take(x, places, axis=axis)


def head(x: Any, count: int, axis: int) -> Any:
    """Return the first `count` entries along an axis, which has as many; see the JAX kernel."""
    return x[(*[slice(None)] * (axis % x.ndim), slice(0, count))]


def tail(x: Any, count: int, axis: int) -> Any:
    """Return the last `count` entries along an axis, which has as many; see the JAX kernel."""
    return x[(*[slice(None)] * (axis % x.ndim), slice(-count, None))]


def part(x: Any, first: int, behind: int, axis: int, step: int = 1) -> Any:
    """Return every `step`th entry along an axis without the first ones and without those behind; see the JAX kernel."""
    return x[(*[slice(None)] * (axis % x.ndim), slice(first, -behind or None, step))]


def is_plain(x: Any) -> bool:
    """Tell whether a call of a layer may go the short way; what it spares is little here."""
    return False


def is_abstract(x: Any) -> bool:
    """Tell whether it has no values yet."""
    return False


def call(layer: Any, x: Any) -> Any:
    """Call a layer on what `is_plain`, without Keras."""
    return layer.call(x)


def compiled(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function; see the JAX kernel."""
    return fn


COMPILES_EACH_SHAPE = False


def as_one(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function; see the JAX kernel."""
    return fn


def for_inference(fn: Callable[..., Any], specs: Sequence[tuple[Sequence[int | None], str]] | None = None) -> Any:
    """Return the function: nothing compiles here; see the TensorFlow kernel."""
    return fn
