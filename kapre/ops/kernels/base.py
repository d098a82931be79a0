"""The operations required of a backend, in Keras' ops. The JAX, TensorFlow and PyTorch kernels override some."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from kapre.ops.counts import at_least_0
from kapre.ops.kernels._blocks import Edges, Groups, Inversion, Operations, Outputs, Stages
from kapre.ops.kernels._constants import repeated
from kapre.ops.kernels._effects import EffectOperations


class Kernel(EffectOperations):
    """Provide operations that Keras' ops lack, at least on some backends, and ways to run functions on a backend.

    This class is the kernel of Keras' NumPy backend. A subclass overrides what differs on its backend. A method that
    works around a gap in Keras' ops names the gap and the condition for its removal.

    Example:
        ```python
        import numpy as np
        from kapre.ops.kernels import active as kernel

        x = kernel.constant(np.arange(5.0), "float32", like=None)
        assert tuple(kernel.head(x, 2, axis=-1).shape) == (2,)
        ```
    """

    compiles_each_shape = False
    """Whether a function is compiled or traced for each shape of its arguments."""
    compiles_eager_calls = False
    """Whether each operation of an eager call is compiled for each shape."""
    squares_per_bin = 1
    """Number of adjacent values from `squares` whose sum is the power of a bin."""
    computes_sizes = True
    """Whether a graph may compute with sizes that are unknown when it is built."""
    squeezes_channels = True
    """Whether a single channel may be moved by removing and inserting its axis."""
    fits_frames = False
    """Whether `rfft` and `squares` take frames of any length, and crop or zero-pad them themselves."""
    pads_products = False
    """Whether `circular` and `weighted` zero-pad what is shorter than the DFT themselves."""
    frames_unknown_time = False
    """Whether `over_frames` takes samples of unknown length, and chunks. `count` is then None, for all frames."""

    # Arithmetic.

    def to_complex(self, real: Any, imag: Any) -> Any:
        """Join two real tensors into complex64 or complex128."""
        return real + 1j * imag

    def arctan2(self, y: Any, x: Any) -> Any:
        """Return the angle of (x, y) in (−π, π]."""
        return ops.arctan2(y, x)

    def sin(self, x: Any) -> Any:
        """Return the sine."""
        return ops.sin(x)

    def cos(self, x: Any) -> Any:
        """Return the cosine."""
        return ops.cos(x)

    def maximum(self, x: Any, y: Any) -> Any:
        """Return the larger of two tensors, or NaN where either is NaN."""
        return ops.maximum(x, y)

    def minimum(self, x: Any, y: Any) -> Any:
        """Return the smaller of two tensors, or NaN where either is NaN."""
        return ops.minimum(x, y)

    def at_least(self, x: Any, value: float) -> Any:
        """Return the larger of a tensor and a number, or NaN where the tensor is NaN."""
        return ops.maximum(x, ops.convert_to_tensor(value, dtype=x.dtype))

    def largest(self, x: Any, count: int) -> Any:
        """Return the `count` largest values of the last axis, in descending order."""
        return ops.top_k(x, count)[0]

    def cumsum(self, x: Any, axis: int) -> Any:
        """Return the cumulative sum along an axis."""
        return ops.cumsum(x, axis=axis)

    def total(self, x: Any) -> Any:
        """Sum the last axis, which is kept with length 1, in an order that does not depend on the other axes."""
        return ops.sum(x, axis=-1, keepdims=True)

    def root(self, x: Any) -> Any:
        """Return the square root. Its slope at 0 is defined as 0, so that silence has a gradient."""
        return ops.sqrt(x)

    def dot(self, x: Any, matrix: Any) -> Any:
        """Multiply the last axis by a matrix in the full precision of the tensors."""
        return ops.tensordot(x, matrix, axes=1)

    def product(self, x: Any, matrix: Any) -> Any:
        """Multiply the last axis by a matrix in a single graph operation."""
        return ops.matmul(x, matrix)

    def rfft(self, x: Any, n_fft: int) -> tuple[Any, Any]:
        """Transform the last axis of `n_fft` samples into real and imaginary parts of `n_fft // 2 + 1` bins."""
        real, imag = ops.rfft(x, fft_length=n_fft)
        return real, imag

    def irfft(self, real: Any, imag: Any, n_fft: int) -> Any:
        """Invert `rfft`."""
        return ops.irfft((real, imag), fft_length=n_fft)

    def circular(self, x: Any, taps: Any, n_fft: int) -> Any:
        """Convolve the last axes of `n_fft` samples, circularly."""
        return self.weighted(x, self.rfft(taps, n_fft), n_fft)

    def weighted(self, x: Any, response: tuple[Any, Any], n_fft: int) -> Any:
        """Multiply the spectra of the last axis of `n_fft` samples by those of a response, given as a pair."""
        (real, imag), (of_real, of_imag) = self.rfft(x, n_fft), response
        return self.irfft(real * of_real - imag * of_imag, real * of_imag + imag * of_real, n_fft)

    def turned(self, turns: Any) -> tuple[Any, Any]:
        """Return the cosine and the sine of angles in turns, from 0 to 1."""
        angle = turns * self.constant(np.asarray(2.0 * np.pi), keras.backend.standardize_dtype(turns.dtype), turns)
        return ops.cos(angle), ops.sin(angle)

    def stft(self, x: Any, analysis: np.ndarray, n_fft: int, hop: int) -> tuple[Any, Any] | None:
        """Return the spectra of `(..., time)` if this kernel computes them in a way of its own, else None."""
        return None

    def convolved(self, x: Any, taps: Callable[[], Any], keeps_tail: bool) -> Any:
        """Return `(..., time)` convolved with the tensor `taps()`, or None if products of spectra do it.

        The result has `taps - 1` more samples if it keeps the tail, else as many as `x`.
        """
        return None

    def squares(self, framed: Any, n_fft: int) -> Any:
        """Return squares. The sum of `squares_per_bin` adjacent values is the power of a bin."""
        real, imag = self.rfft(framed, n_fft)
        return ops.square(real) + ops.square(imag)

    def in_bands(self, x: Any, groups: Groups, repeat: int = 1) -> Any:
        """Multiply the last axis, in which each bin occurs `repeat` times, by a filter bank."""
        dtype = keras.backend.standardize_dtype(x.dtype)
        parts = [
            self.dot(x[..., repeat * low : repeat * high], self.constant(weights, dtype, x, repeat))
            for low, high, weights in groups
        ]
        return parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=-1)

    def raised(self, x: Any, bias: float, power: float) -> Any:
        """Return `(x + bias) ** power - bias ** power`, also where it is small."""
        return bias**power * ops.expm1(power * ops.log1p(x / bias))

    # Frames and positions on an axis.

    def frame(self, x: Any, size: int, hop: int) -> Any:
        """Cut the last axis, of at least `size` samples, into frames, `hop` apart: `(..., frames, size)`."""
        starts = hop * np.arange((x.shape[-1] - size) // hop + 1)
        return ops.take(x, starts[:, None] + np.arange(size), axis=-1)

    def spectrum(
        self, x: Any, count: int | None, edges: Edges | None, operations: Operations
    ) -> tuple[Any, Any] | None:
        """Compute `count` frames of `(..., time)`, with these edges and the stages of `operations`, if this kernel can.

        If the number of samples is not known, `count` is None.

        Return the values of each frame and, or None, the logarithm of its energy `(..., frames, 1)`. Return None alone
        if this kernel has no way of its own. `operations` compute the same, with other lengths too.
        """
        return None

    def inverse(self, z: Any, counts: Any, operations: Inversion) -> Any:
        """Compute the samples of complex spectra `(..., frames, bins)` if this kernel can; else return None.

        `counts` holds the number of valid frames of each item, or is None. `operations` compute the same.
        """
        return None

    def over_frames(
        self,
        fn: Callable[..., Outputs],
        x: Any,
        size: int,
        hop: int,
        count: int | None,
        weights: Sequence[Any],
        stages: Stages | None = None,
    ) -> Outputs:
        """Apply `fn`, a function of frames `(..., frames, size)` and the weights, to `count` frames of `(..., time)`.

        A subclass processes many frames in blocks that fit in the cache. Memory then grows with the results of `fn` and
        not with the frames. If `fn` needs no weights, `stages` describes it as plain data, for a kernel that has its
        own implementation.
        """
        assert count is not None
        missing = max(0, (count - 1) * hop + size - x.shape[-1])
        padded = ops.pad(x, [(0, 0)] * (len(x.shape) - 1) + [(0, missing)])
        return fn(self.frame(padded, size, hop)[..., :count, :], *weights)

    def correlated(self, x: Any, taps: Sequence[Any], hop: int) -> Sequence[Any] | None:
        """Correlate `(..., time)` with each column of each `(size, columns)`, `hop` apart: `(..., frames, columns)`.

        The columns are arrays, as constants, or tensors. Return None if this kernel has no way of its own.
        """
        return None

    def averaged(self, x: Any, taps: Any, hop: int) -> Any:
        """Correlate each band of `(..., time, bands)` with its own column of `(size, bands)`, `hop` apart.

        The samples are laid out in rows of one hop, so that none is copied. Each row is summed once for each part of
        the taps that it can meet. A clip shorter than `size` gives no frame.
        """
        size, bands = taps.shape
        rows = -(-size // hop)
        *lead, time, _ = ops.shape(x)
        count = at_least_0(time - size + hop) // hop
        keep = [(0, 0)] * len(lead)
        x = ops.pad(x, [*keep, (0, rows * hop), (0, 0)])[..., : (count + rows - 1) * hop, :]
        x = ops.reshape(x, (*lead, count + rows - 1, hop, bands))
        parts = ops.reshape(ops.pad(taps, [(0, rows * hop - size), (0, 0)]), (rows, hop, bands))
        sums = [ops.sum(x[..., row : count + row, :, :] * parts[row], axis=-2) for row in range(rows)]
        return sum(sums[1:], sums[0])

    def frames_of_chunks(self, x: Any, pad: int, size: int, hop: int) -> Any:
        """Cut chunks `(..., chunks, length)`, of which `pad` samples are reflected at the end, into frames.

        The result, `(..., chunks, frames, size)`, is None if this kernel has no way of its own.
        """
        return None

    def size(self, x: Any, axis: int) -> Any:
        """Return a size as an int if it is known, else as an int32 tensor for computations in a graph."""
        return x.shape[axis]

    def take(self, x: Any, places: Any, axis: int = -1) -> Any:
        """Return the entries along an axis at the positions in a 1-D array or tensor."""
        return ops.take(x, places, axis=axis)

    def head(self, x: Any, count: int, axis: int) -> Any:
        """Return the first `count` entries along an axis that has at least `count` entries."""
        return x[(*[slice(None)] * (axis % len(x.shape)), slice(0, count))]

    def tail(self, x: Any, count: int, axis: int) -> Any:
        """Return the last `count` entries along an axis that has at least `count` entries."""
        return x[(*[slice(None)] * (axis % len(x.shape)), slice(-count, None))]

    def part(self, x: Any, first: int, behind: int, axis: int, step: int = 1) -> Any:
        """Return every `step`th entry along an axis, without the `first` initial and the `behind` final entries."""
        return x[(*[slice(None)] * (axis % len(x.shape)), slice(first, -behind or None, step))]

    # Tensors of known values.

    def constant(self, values: np.ndarray, dtype: str, like: Any, repeat: int = 1) -> Any:
        """Return an array as a tensor on the device of another, with each row repeated `repeat` times."""
        return ops.convert_to_tensor(repeated(values, repeat).astype(dtype))

    def number(self, value: Any, like: Any, dtype: str | None = None) -> Any:
        """Return a number in the form that Keras' ops need next to a tensor."""
        return value if dtype is None else ops.convert_to_tensor(value, dtype=dtype)

    def filled(self, like: Any, value: float) -> Any:
        """Return a tensor with the shape and dtype of another, filled with one number."""
        return ops.full_like(like, value)

    def put(self, values: np.ndarray, dtype: str, like: Any) -> Any:
        """Return an array as a tensor on the device of another."""
        return ops.cast(ops.convert_to_tensor(values), dtype)

    def given(self, x: Any) -> Any:
        """Return the input of a layer, with a NumPy array converted to a tensor if that is cheaper on this backend."""
        return x

    def static_value(self, x: Any) -> Any:
        """Return the value of a tensor that is a constant in a graph, else the tensor."""
        return x

    def beside(self, x: Any, like: Any) -> Any:
        """Return a tensor on the device of another, if the backend does not move tensors itself."""
        return x

    def place_of(self, x: Any) -> str:
        """Return the name of a tensor's device if the backend needs all tensors on one device, else an empty string."""
        return ""

    def held(self, values: np.ndarray, dtype: str, like: Any) -> Any:
        """Return a large read-only array as a tensor that a graph refers to and does not contain, where it can."""
        return self.constant(values, dtype, like)

    # The context of a call.

    def seed_in_pipeline(self, generator: Any) -> Any:
        """Return the next seed of a generator in a function of a pipeline that runs in parallel, else None."""
        return None

    def is_tracing(self) -> bool:
        """Tell whether PyTorch is tracing this call."""
        return False

    def is_replica(self) -> bool:
        """Tell whether a replica makes the call. Its thread may have to wait for those of other replicas."""
        return False

    def is_compiling(self) -> bool:
        """Tell whether `torch.compile` is analysing the Python code of this call."""
        return False

    def is_plain(self, x: Any) -> bool:
        """Tell whether a layer call on this input may skip Keras' work around it."""
        return False

    def is_abstract(self, x: Any) -> bool:
        """Tell whether the tensor has no values yet."""
        return False

    def is_held(self, x: Any) -> bool:
        """Tell whether an eager call may use NumPy: operations are compiled on this backend, and the values exist."""
        return False

    # Ways to run functions.

    def are_all(self, which: Any) -> bool:
        """Tell whether a bool tensor of an eager call on the CPU is True throughout, which makes `where` a copy."""
        return False

    def to_some(self, which: Any, fn: Callable[..., Any], x: Any, y: Any, *nests: Any) -> Any:
        """Return `y` with the results of a function of `x` for the examples where `which`, bool `(batch,)`, is True.

        `nests` are dicts, tensors or None. The first axis of their tensors is the batch, as that of `x`. The function
        treats examples apart, so that a kernel may call it with those alone that are chosen.
        """
        found = fn(x, *nests)
        if self.are_all(which):
            return found
        return ops.where(ops.reshape(which, (-1, *[1] * (len(found.shape) - 1))), found, y)

    def untraced(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a function of constants so that a trace calls it without tracing into it."""
        return fn

    def call(self, layer: Any, x: Any) -> Any:
        """Call a layer, without Keras, on an input for which `is_plain` is True."""
        return layer.call(x)

    def compiled(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Compile a function for each value of its first argument, which is hashable, if that is worthwhile."""
        return fn

    def as_one(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a function of nests of tensors so that it runs in one piece if possible, for each of their shapes."""
        return fn

    def for_inference(
        self, fn: Callable[..., Any], specs: Sequence[tuple[Sequence[int | None], str]] | None = None
    ) -> Any:
        """Wrap a function of arrays to run without gradients, compiled if the backend compiles.

        `specs` are the shapes of the arguments, with None for dynamic axes, and their dtypes. With them, the function
        is traced once.
        """
        return fn
