"""PyTorch: workarounds for gaps in Keras' ops, constants, and processing of frames in blocks."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from keras import ops

from kapre.ops.kernels import _tf32, _torch_items
from kapre.ops.kernels import _torch_fused as fused
from kapre.ops.kernels._blocks import Outputs, Stages
from kapre.ops.kernels._constants import Constants, repeated
from kapre.ops.kernels._torch_eager import has_hooks, has_tangent, is_eager_on_cpu, is_ordinary, transforms_active
from kapre.ops.kernels._torch_effects import TorchEffects
from kapre.ops.kernels.base import Kernel

_BLOCK_ELSEWHERE = 1 << 26
"""Number of frame samples in a block on devices where launching a kernel costs more than memory."""


def _split(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Split a tensor into the part that TF32 can represent, which has the tensor's gradient, and the remainder."""
    high = (x.detach().view(torch.int32) & _tf32.BITS).view(torch.float32)
    high = x + (high - x).detach()  # exact: the same values, with the gradient of x
    return high, x - high


def _tensor(values: np.ndarray, dtype: str, place: Any, repeat: int) -> torch.Tensor:
    with torch.inference_mode(False):  # the tensor outlives inference mode
        if not values.ndim:
            return torch.full((), values.item(), dtype=getattr(torch, dtype), device=place)
        return torch.tensor(repeated(values, repeat), dtype=getattr(torch, dtype), device=place)


_constants = Constants(_tensor)


def _block_for(x: torch.Tensor) -> int:
    return fused.BLOCK if x.device.type == "cpu" else _BLOCK_ELSEWHERE


def _framed(x: torch.Tensor, size: int, hop: int, count: int) -> torch.Tensor:
    """Cut the last axis into `count` frames, and zero-pad it at the end if it is too short."""
    length = (count - 1) * hop + size
    missing = length - x.shape[-1]
    x = torch.nn.functional.pad(x, (0, missing)) if missing > 0 else x[..., :length]
    return x.unfold(-1, size, hop)


def _blocks(items: int, size: int, count: int, block: int) -> Iterator[tuple[slice, slice]]:
    """Yield the items and the frames of each block. All frames of an item come before those of the next."""
    frames = max(8, block // size)
    some = max(1, frames // count)
    for item in range(0, items, some):
        for first in range(0, count, frames):
            yield slice(item, min(items, item + some)), slice(first, min(count, first + frames))


def _in_blocks(
    fn: Callable[..., Outputs], x: torch.Tensor, size: int, hop: int, count: int, weights: Sequence[torch.Tensor]
) -> Outputs:
    rows: list[Outputs] = []
    row: list[Outputs] = []
    for items, some in _blocks(len(x), size, count, _block_for(x)):
        row.append(fn(_framed(x[items, some.start * hop :], size, hop, some.stop - some.start), *weights))
        if some.stop == count:
            rows.append(_joined(row, 1))
            row = []
    return _joined(rows, 0)


def _joined(parts: list[Outputs], axis: int) -> Outputs:
    if len(parts) == 1:
        return parts[0]
    return tuple(torch.cat(same, axis) for same in zip(*parts, strict=True))


class _Blockwise(torch.autograd.Function):
    """Run `_in_blocks` with a gradient that recomputes each block, so that no frames and no spectra are kept."""

    @staticmethod
    def forward(ctx: Any, fn: Any, size: int, hop: int, count: int, x: torch.Tensor, *weights: torch.Tensor) -> Any:
        ctx.fn, ctx.cut = fn, (size, hop, count)
        ctx.save_for_backward(x, *weights)
        return _in_blocks(fn, x, size, hop, count, weights)

    @staticmethod
    def backward(ctx: Any, *slopes: torch.Tensor) -> Any:
        inputs = ctx.saved_tensors
        wanted = ctx.needs_input_grad[4:]
        if torch.is_grad_enabled():  # the gradient itself needs a gradient
            y = ctx.fn(_framed(inputs[0], *ctx.cut), *inputs[1:])
            learning = [tensor for tensor, wants in zip(inputs, wanted, strict=True) if wants]
            found = iter(_gradient(y, learning, slopes, create_graph=True))
            return (None,) * 4 + tuple(next(found) if wants else None for wants in wanted)
        return (None,) * 4 + _slopes(ctx.fn, ctx.cut, inputs, wanted, slopes)


def _gradient(
    y: Sequence[torch.Tensor], learning: list[torch.Tensor], slopes: Sequence[torch.Tensor], create_graph: bool = False
) -> tuple[torch.Tensor | None, ...]:
    """Return the gradient by each tensor, with None for unused ones: an energy does not depend on a filter bank."""
    pairs = [(part, slope) for part, slope in zip(y, slopes, strict=True) if part.requires_grad]
    parts, wanted = zip(*pairs, strict=True)
    return torch.autograd.grad(parts, learning, wanted, create_graph=create_graph, allow_unused=True)


def _slopes(
    fn: Callable[..., Outputs],
    cut: tuple[int, int, int],
    inputs: tuple[torch.Tensor, ...],
    wanted: tuple[bool, ...],
    slopes: tuple[torch.Tensor, ...],
) -> tuple[torch.Tensor | None, ...]:
    """Return the gradient by each input that requires one, block by block."""
    size, hop, count = cut
    x, *weights = inputs
    length = max(x.shape[-1], (count - 1) * hop + size)
    sums = [x.new_zeros(len(x), length) if wanted[0] else None, *map(torch.zeros_like, weights)]
    for items, some in _blocks(len(x), size, count, _block_for(x)):
        begin, number = some.start * hop, some.stop - some.start
        with torch.enable_grad():
            framed = _framed(x[items, begin:], size, hop, number)
            copies = [tensor.detach() for tensor in (framed, *weights)]
            learning = [copy.requires_grad_() for copy, wants in zip(copies, wanted, strict=True) if wants]
            y = fn(*copies)
            found = iter(_gradient(y, learning, [slope[items, some] for slope in slopes]))
        for index, (summed, wants) in enumerate(zip(sums, wanted, strict=True)):
            slope = next(found) if wants else None
            if slope is None or summed is None:
                continue
            if index:
                summed += slope
            else:
                fused.add_frames(summed[items, begin:], slope, hop)
    if sums[0] is not None:
        sums[0] = sums[0][:, : x.shape[-1]]
    return tuple(summed if wants else None for summed, wants in zip(sums, wanted, strict=True))


@functools.lru_cache(maxsize=64)
def _places(values: bytes, dtype: str, device: torch.device) -> torch.Tensor:
    """Return positions as a tensor on a GPU. They are copied there once; see `number`."""
    with torch.inference_mode(False):
        return torch.tensor(np.frombuffer(values, dtype), device=device)


class TorchKernel(TorchEffects, Kernel):
    """Implement the kernel for PyTorch, which runs eagerly, with reused memory for frames and explicit gradients."""

    squares_per_bin = 2
    pads_products = True

    def to_complex(self, real: torch.Tensor, imag: torch.Tensor) -> torch.Tensor:
        return torch.complex(real, imag)

    def arctan2(self, y: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Override for the gap that the JAX kernel describes."""
        return torch.arctan2(y, x)

    def maximum(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the larger of two tensors, or NaN where either is NaN.

        Gap: `keras.ops.maximum` (Keras 3.15) gives float32 for float64 on PyTorch. Drop when it keeps it.
        """
        return torch.maximum(x, y)

    def minimum(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Return the smaller of two tensors, or NaN where either is NaN.

        Gap: `keras.ops.minimum` (Keras 3.15) gives float32 for float64 on PyTorch. Drop when it keeps it.
        """
        return torch.minimum(x, y)

    def cumsum(self, x: torch.Tensor, axis: int) -> torch.Tensor:
        """Return the cumulative sum along an axis.

        Gap: `keras.ops.cumsum` (Keras 3.15) gives float32 for float64 on PyTorch. Drop when it keeps it.
        """
        return torch.cumsum(x, dim=axis)

    def largest(self, x: torch.Tensor, count: int) -> torch.Tensor:
        """Return the largest values of the last axis.

        Gap: on a CPU, `torch.topk` (2.13) takes seven times as long on an axis below 64 times `count`, which is
        therefore padded. Drop when it doesn't.
        """
        length = x.shape[-1]
        if count == 1 and length:
            return x.amax(dim=-1, keepdim=True)
        missing = 64 * count - length
        if x.device.type == "cpu" and 0 < missing <= length:
            x = torch.nn.functional.pad(x, (0, missing), value=-math.inf)
        return torch.topk(x, count, dim=-1)[0]

    def dot(self, x: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
        """Multiply the last axis by a matrix.

        Gap: `keras.ops.matmul` and `tensordot` (Keras 3.15) compute float64 in float32 on PyTorch. Drop when they
        don't.

        Fewer than `FEWEST` rows are padded to that number. MKL sums fewer rows in another order, which would be visible
        in the first frames of a stream, whose statistics come from two or three frames.

        `torch.set_float32_matmul_precision("high")` selects TF32 for the whole program, including the model's own
        products. The power of a band would then have only three digits.
        """
        device = x.device.type
        if device != "meta" and torch.is_autocast_enabled(device):  # autocast would round powers to half precision
            with torch.autocast(device, enabled=False):
                return self.dot(x, matrix)
        if device == "cuda" and x.dtype == torch.float32 and torch.get_float32_matmul_precision() != "highest":
            product: torch.Tensor = _tf32.in_full_precision(torch.matmul, _split, x, matrix)
            return product
        if torch.compiler.is_compiling() or torch.jit.is_tracing() or device != "cpu":
            return torch.matmul(x, matrix)
        rows = math.prod(x.shape[:-1])
        if not 0 < rows < fused.FEWEST:
            return torch.matmul(x, matrix)
        few = torch.nn.functional.pad(x.reshape(rows, -1), (0, 0, 0, fused.FEWEST - rows))
        return torch.matmul(few, matrix)[:rows].reshape(*x.shape[:-1], -1)

    def is_tracing(self) -> bool:
        """Tell whether `torch.compile` or `torch.export` is tracing this call.

        Tracing follows every dictionary that a call accesses, including `sys.modules`, and fails if one grows
        meanwhile.
        """
        return bool(torch.compiler.is_compiling())

    def is_compiling(self) -> bool:
        """Tell whether `torch.compile` is analysing this call's Python. `torch.export` runs it, without `strict`."""
        return bool(torch.compiler.is_dynamo_compiling())

    def untraced(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a function of constants so that a trace calls it without tracing into it.

        `torch.compile` would convert NumPy to torch, and fails at features it does not know (2.13: read-only arrays).
        """
        return torch.compiler.disable(fn)

    def constant(self, values: np.ndarray, dtype: str, like: torch.Tensor, repeat: int = 1) -> torch.Tensor:
        """Return an array as a tensor on the device of another, with each row repeated `repeat` times."""
        if self.is_compiling():  # there, NumPy arrays are tensors and have no NumPy dtype
            return torch.as_tensor(repeated(values, repeat)).to(like.device, getattr(torch, dtype))
        if not is_ordinary(like) or torch.compiler.is_compiling() or transforms_active():
            return ops.convert_to_tensor(repeated(values, repeat).astype(dtype)).to(like.device)  # must not outlive it
        return _constants(values, dtype, like.device, repeat)

    def beside(self, x: Any, like: torch.Tensor) -> Any:
        """Return a tensor of numbers on the device of another, because lengths are usually computed on the CPU."""
        if not (isinstance(x, torch.Tensor) and isinstance(like, torch.Tensor)) or x.device == like.device:
            return x
        return x if "meta" in (x.device.type, like.device.type) else x.to(like.device)

    def place_of(self, x: torch.Tensor) -> str:
        """Return the name of a tensor's device."""
        return str(x.device)

    def number(self, value: Any, like: torch.Tensor, dtype: str | None = None) -> Any:
        """Return a number. Next to a tensor on a GPU, return a tensor that is filled there.

        Keras' ops (3.15) copy each number to the GPU. This waits for the GPU's work and cannot be part of a CUDA graph.
        """
        on_gpu = isinstance(like, torch.Tensor) and like.device.type == "cuda"
        if not on_gpu or not isinstance(value, int | float):
            return value if dtype is None else ops.convert_to_tensor(value, dtype=dtype)
        return torch.full((), value, dtype=like.dtype if dtype is None else getattr(torch, dtype), device=like.device)

    def filled(self, like: torch.Tensor, value: float) -> torch.Tensor:
        """Return a tensor with the shape and dtype of another, filled with one number; see `number`."""
        return torch.full_like(like, value) if like.device.type == "cuda" else ops.full_like(like, value)

    def at_least(self, x: torch.Tensor, value: float) -> torch.Tensor:
        """Return the larger of a tensor and a number, or NaN where the tensor is NaN.

        Gap: `keras.ops.maximum` (Keras 3.15) rounds the number to float32 on PyTorch. Drop when it doesn't.
        """
        return torch.clamp_min(x, value)

    def frame(self, x: torch.Tensor, size: int, hop: int) -> torch.Tensor:
        """Cut the last axis, of at least `size` samples, into frames, `hop` apart: `(..., frames, size)`."""
        return torch.unfold_copy(x, -1, size, hop)  # not a view, as a caller may write into a layer's output

    def over_frames(
        self,
        fn: Callable[..., Outputs],
        x: torch.Tensor,
        size: int,
        hop: int,
        count: int | None,
        weights: Sequence[torch.Tensor],
        stages: Stages | None = None,
    ) -> Outputs:
        """Apply `fn`, a function of frames and the weights, to `count` frames of `(..., time)`; see the JAX kernel.

        Short clips share a block. If `fn` needs no weights, `stages` describes it.
        """
        assert count is not None
        x = x.contiguous()  # else the layout of frames, and thus the last bits, would depend on the batch
        # A trace would add guards on sizes. In torch.func and in forward mode, a Function would need its own rules.
        if torch.compiler.is_compiling() or torch.jit.is_tracing() or transforms_active() or has_tangent(x):
            return fn(_framed(x, size, hop, count), *weights)
        rows = math.prod(x.shape[:-1]) * count
        fast = stages is not None and not stages.magnitude_epsilon and is_ordinary(x)
        if stages is not None and fast and x.device.type == "cpu" and rows >= fused.FEWEST:
            flat = x.view(-1, x.shape[-1])
            y = fused.features(flat, count, stages, self, lambda v: fn(_framed(v, size, hop, count))[0])
            return (y.view(*x.shape[:-1], *y.shape[1:]),)
        if rows * size <= _block_for(x):
            return fn(_framed(x, size, hop, count), *weights)
        flat = x.reshape(-1, x.shape[-1])
        if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in (x, *weights)):
            y = _Blockwise.apply(fn, size, hop, count, flat, *weights)
        else:
            y = _in_blocks(fn, flat, size, hop, count, weights)
        return tuple(part.reshape(*x.shape[:-1], *part.shape[1:]) for part in y)

    def squares(self, framed: torch.Tensor, n_fft: int) -> torch.Tensor:
        """Return squares, `(..., 2 * n_freq)`. The sum of `squares_per_bin` adjacent values is the power of a bin.

        A filter bank with each row repeated computes these sums at the same time and saves a pass over the spectrum.
        """
        return torch.view_as_real(torch.fft.rfft(framed, n=n_fft)).flatten(-2).square()

    def root(self, x: torch.Tensor) -> torch.Tensor:
        if not (x.requires_grad or transforms_active() or has_tangent(x)):
            return torch.sqrt(x)
        zero = x == 0.0
        return torch.where(zero, 0.0 * x, torch.sqrt(torch.where(zero, torch.ones_like(x), x)))

    def product(self, x: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
        return torch.matmul(x, matrix)

    def size(self, x: torch.Tensor, axis: int) -> Any:
        """Return a size as an int if it is known, else as an int32 tensor for computations in a graph.

        `torch.export` (2.13) treats a size as a constant if it is converted to a tensor in any other way.
        """
        length = x.shape[axis]
        return length if isinstance(length, int) else torch.scalar_tensor(length, dtype=torch.int32)

    def take(self, x: torch.Tensor, places: Any, axis: int = -1) -> torch.Tensor:
        """Return the entries along an axis at the given positions.

        Gap: `keras.ops.take` (Keras 3.15) uses a squeeze that `torch.onnx` (2.13) cannot write, and reads the dtype of
            an array, which `torch.compile` (2.13) cannot do. Drop when they can.
        """
        if isinstance(places, np.ndarray) and x.device.type == "cuda" and is_ordinary(x) and not self.is_tracing():
            places = _places(places.tobytes(), str(places.dtype), x.device)
        return torch.index_select(x, axis, torch.as_tensor(places, device=x.device))

    def is_plain(self, x: Any) -> bool:
        """Tell whether the input is a tensor of numbers that is not traced and has no Keras mask."""
        if type(x) is not torch.Tensor or hasattr(x, "_keras_mask"):
            return False
        return not (torch.compiler.is_compiling() or torch.jit.is_tracing())

    def is_abstract(self, x: Any) -> bool:
        """Tell whether the tensor has no values yet, because it is traced or Keras builds a model with it."""
        if torch.compiler.is_compiling():
            return True
        return isinstance(x, torch.Tensor) and (not is_ordinary(x) or x.device.type == "meta")

    def call(self, layer: Any, x: torch.Tensor) -> torch.Tensor:
        """Call a layer on an input for which `is_plain` is True, with PyTorch's work around it but without Keras."""
        if has_hooks(layer):
            return torch.nn.Module.__call__(layer, x)
        return layer.call(x)

    def circular(self, x: torch.Tensor, taps: torch.Tensor, n_fft: int) -> torch.Tensor:
        return self._product(x, torch.fft.rfft(taps, n=n_fft), n_fft)

    def weighted(self, x: torch.Tensor, response: tuple[torch.Tensor, torch.Tensor], n_fft: int) -> torch.Tensor:
        return self._product(x, torch.complex(*response), n_fft)

    def _product(self, x: torch.Tensor, response: torch.Tensor, n_fft: int) -> torch.Tensor:
        """Multiply spectra as complex numbers. Their parts lie apart in memory, which makes operations slow."""
        found = torch.fft.rfft(x, n=n_fft)
        in_place = is_eager_on_cpu(x) and not response.requires_grad and found.dtype == response.dtype
        in_place = in_place and torch.broadcast_shapes(found.shape, response.shape) == found.shape
        found = found.mul_(response) if in_place else found * response
        return torch.fft.irfft(found, n=n_fft)

    def are_all(self, which: torch.Tensor) -> bool:
        return is_eager_on_cpu(which) and bool(which.all())

    def to_some(self, which: torch.Tensor, fn: Callable[..., Any], x: torch.Tensor, y: Any, *nests: Any) -> Any:
        apart = is_eager_on_cpu(x) and is_eager_on_cpu(y) and is_ordinary(which)
        return _torch_items.to_some(which, fn, x, y, nests) if apart else super().to_some(which, fn, x, y, *nests)

    def as_one(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a function of nests of tensors to run without gradients.

        `torch.compile` is not used, because it takes a minute to start. Inference mode is not used, because training
        could not use its outputs.
        """
        return torch.no_grad()(lambda *nests: fn(*nests))

    def for_inference(
        self, fn: Callable[..., Any], specs: Sequence[tuple[Sequence[int | None], str]] | None = None
    ) -> Any:

        def without_gradients(*arrays: Any) -> Any:
            with torch.inference_mode():
                return fn(*(torch.from_numpy(x) if isinstance(x, np.ndarray) else x for x in arrays))

        return without_gradients
