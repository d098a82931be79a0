"""PyTorch: spectra by the compiled library, on a CPU in float32, with the gradient of the other kernel."""

from __future__ import annotations

import hashlib
import math
from typing import Any, NamedTuple

import numpy as np
import torch

from kapre.ops.kernels import _native_plan as native
from kapre.ops.kernels import _torch_fused as fused
from kapre.ops.kernels._blocks import Edges, Inversion, Operations, Stages
from kapre.ops.kernels._torch_eager import has_tangent, is_eager_on_cpu, is_ordinary, transforms_active
from kapre.ops.kernels.native_effects import NativeEffects
from kapre.ops.kernels.torch import TorchKernel

_NO_EDGES = Edges()
_HAS_ARRAYS = (torch.float32, torch.int32, torch.int64)


class NativeTorchKernel(NativeEffects, TorchKernel):
    """Compute spectra with `kapre-native`, unless a call is exported, transformed, in another dtype or on a GPU."""

    def on_host(self, *tensors: torch.Tensor) -> list[np.ndarray] | None:
        if not all(is_eager_on_cpu(tensor) and tensor.dtype in _HAS_ARRAYS for tensor in tensors):
            return None
        return [tensor.detach().resolve_neg().numpy() for tensor in tensors]

    def from_host(self, array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(array)

    def threads(self) -> int:
        return torch.get_num_threads()

    def spectrum(
        self, x: torch.Tensor, count: int | None, edges: Edges | None, operations: Operations
    ) -> tuple[torch.Tensor, torch.Tensor | None] | None:
        if count is None or x.dtype != torch.float32 or x.device.type != "cpu":
            return None
        if torch.compiler.is_compiling():
            return _in_a_program(x, count, edges, operations)
        if not is_ordinary(x) or 0 in x.shape or torch.jit.is_tracing() or transforms_active() or has_tangent(x):
            return None
        edges = edges or _NO_EDGES
        stages = operations.stages("float32")
        if not (x.requires_grad and torch.is_grad_enabled()):
            plan = native.plan(stages)
            return None if plan is None else _run(plan, x, count, edges)
        if stages.power is None:
            return None  # the framework's gradient needs no second transform
        few = math.prod(x.shape[:-1]) * count < fused.FEWEST
        if few or stages.least_energy is not None or stages.magnitude_epsilon or native.plan(stages) is None:
            return None  # there is no gradient of these but the one of their operations
        return _Spectrum.apply(x, count, stages, edges, self, operations), None

    def inverse(self, z: torch.Tensor, counts: Any, operations: Inversion) -> torch.Tensor | None:
        if z.dtype != torch.complex64 or z.device.type != "cpu" or (z.requires_grad and torch.is_grad_enabled()):
            return None  # the gradient does not need the samples
        if torch.compiler.is_compiling():
            if not _may_be_in_a_program():
                return None
            key = _key(type(operations), *operations.parts())
            own = None if counts is None else torch.as_tensor(counts, device=z.device)
            return _samples(z, own, key) if key else None
        if not is_ordinary(z) or torch.jit.is_tracing() or transforms_active() or has_tangent(z):
            return None
        plan = native.plan(operations.stages("float32"))
        return None if plan is None else _invert(plan, z, counts, operations)


def _dtype(plan: native.Plan) -> torch.dtype:
    return torch.complex64 if plan.is_complex else torch.float32


def _for_rows(lengths: Any, lead: list[int]) -> torch.Tensor:
    """Return one length for each row of a batch `(*lead, ...)`: the library reads so many."""
    given = lengths if isinstance(lengths, torch.Tensor) else torch.as_tensor(lengths, device="cpu")
    own = given.to("cpu", torch.int64).reshape(-1)
    return own.expand(lead[0]).repeat_interleave(math.prod(lead[1:]))


def _run(plan: native.Plan, x: torch.Tensor, count: int, edges: Edges) -> tuple[torch.Tensor, torch.Tensor | None]:
    *lead, time = x.shape
    rows = math.prod(lead)
    flat = x.detach().reshape(rows, time)
    flat = flat if flat.stride(1) == 1 or time == 1 else flat.contiguous()
    y = torch.empty(*lead, count, plan.size, dtype=_dtype(plan), device="cpu")
    energy = torch.empty(*lead, count, 1, dtype=torch.float32, device="cpu") if plan.energy else None
    lengths = None if edges.lengths is None else _for_rows(edges.lengths, lead)
    plan.run(
        flat.data_ptr(),
        (rows, time),
        flat.stride(0),
        count,
        y.data_ptr(),
        None if energy is None else energy.data_ptr(),
        None if lengths is None else lengths.data_ptr(),
        edges,
        torch.get_num_threads(),
    )
    return y, energy


def _check_bins(bins: int, plan: native.Plan) -> None:
    """Refuse spectra of another DFT: the library would read past them."""
    if bins != plan.size:
        raise ValueError(f"The input must have {plan.size} frequency bins; received {bins}.")


def _invert(plan: native.Plan, z: torch.Tensor, counts: Any, operations: Inversion) -> torch.Tensor:
    *lead, frames, bins = z.shape
    _check_bins(bins, plan)
    rows, time = math.prod(lead), operations.num_samples(frames)
    spectra = torch.view_as_real(z.detach().resolve_conj()).contiguous()
    y = torch.empty(*lead, time, dtype=torch.float32, device="cpu")
    own = None if counts is None else _for_rows(counts, lead)
    plan.invert(
        spectra.data_ptr(),
        (rows, frames),
        None if own is None else own.data_ptr(),
        operations.cut(own is not None),
        time,
        operations.normalises,
        torch.get_num_threads(),
        y.data_ptr(),
    )
    return y


class _Spectrum(torch.autograd.Function):
    """Compute the bands by the library, and the gradient block by block as the other kernel does."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, count: int, stages: Stages, edges: Edges, kernel: Any, operations: Any
    ) -> torch.Tensor:
        plan = native.plan(stages, logarithm=False)
        assert plan is not None
        bands, _ = _run(plan, x, count, edges)
        ctx.save_for_backward(x, None if stages.log is None else bands)
        ctx.about = count, stages, edges, kernel, operations
        if stages.log is None:
            return bands
        y = bands.clone()
        fused.to_logarithm(y, stages)
        return y

    @staticmethod
    def backward(ctx: Any, slope: torch.Tensor) -> Any:
        x, bands = ctx.saved_tensors
        count, stages, edges, kernel, operations = ctx.about
        again = torch.is_grad_enabled()  # the gradient itself needs a gradient
        with torch.enable_grad():
            if again or fused.is_batched(slope):
                y, _ = operations(x, edges.lengths)
                return torch.autograd.grad(y, x, slope, create_graph=again)[0], *[None] * 5
            leaf = x.detach().requires_grad_()
            padded = operations.pad(leaf, edges.lengths)
        items = math.prod(x.shape[:-1])
        flat = slope.reshape(items, count, -1)
        found = fused.slope(padded.detach().reshape(items, -1), count, stages, kernel, bands, flat).view(padded.shape)
        if padded is not leaf:
            (found,) = torch.autograd.grad(padded, leaf, found)
        return found, *[None] * 5


class _Kept(NamedTuple):
    """What an operation of a compiled program computes."""

    plan: native.Plan
    operations: Any  # `Operations`, or the `Inversion` of an inverse


_kept: dict[str, _Kept] = {}
"""By the key that programs contain."""


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def _key(kind: type[Operations | Inversion], *parts: Any) -> str:
    """Return the key of what a program is to compute, or "" if the library cannot.

    It is made of the contents, because PyTorch keeps compiled programs for other processes.
    """
    operations = kind.of(*parts)
    plan = native.plan(operations.stages("float32"))
    if plan is None:
        return ""
    kind_of = "complex" if plan.is_complex else "real"
    key = f"{kind_of}_{plan.digest}_{hashlib.sha256(repr(operations).encode()).hexdigest()[:16]}"
    _kept[key] = _Kept(plan, operations)
    return key


def _kept_as(key: str) -> _Kept:
    try:
        return _kept[key]
    except KeyError:
        raise RuntimeError(
            "This compiled program comes from another process, and what kapre-native is to compute in it is not known "
            "here. Compile the function in this process, or compile it for others with KAPRE_NATIVE=0."
        ) from None


def _in_forward_mode() -> bool:
    """Tell whether tensors may have tangents (PyTorch 2.13 has no public name for that)."""
    return int(getattr(torch.autograd.forward_ad, "_current_level", -1)) >= 0


def _may_be_in_a_program() -> bool:
    """Tell whether what is compiled is for this process, and is not transformed."""
    return not (torch.compiler.is_exporting() or transforms_active() or _in_forward_mode())


def _in_a_program(
    x: torch.Tensor, count: int, edges: Edges | None, operations: Operations
) -> tuple[torch.Tensor, torch.Tensor | None] | None:
    """Compute a spectrum in a program of `torch.compile`, but not of `torch.export`, which must run elsewhere."""
    if not _may_be_in_a_program():
        return None
    key = _key(type(operations), *operations.parts())
    if not key or (key.startswith("complex") and x.requires_grad and torch.is_grad_enabled()):
        return None
    own = None if edges is None else edges.lengths
    lengths = None if own is None else torch.as_tensor(own, device=x.device)
    bands, *energy = _spectrum(x, lengths, key, count)
    return bands, energy[0] if energy else None


@torch.library.custom_op("kapre::spectrum", mutates_args=())  # type: ignore[untyped-decorator]
def _spectrum(x: torch.Tensor, lengths: torch.Tensor | None, key: str, count: int) -> list[torch.Tensor]:
    plan, operations = _kept_as(key)
    bands, energy = _run(plan, x, count, (operations.edges or _NO_EDGES)._replace(lengths=lengths))
    return [bands] if energy is None else [bands, energy]


@_spectrum.register_fake  # type: ignore[untyped-decorator]
def _shapes(x: torch.Tensor, lengths: torch.Tensor | None, key: str, count: int) -> list[torch.Tensor]:
    plan = _kept_as(key).plan
    bands = x.new_empty(*x.shape[:-1], count, plan.size, dtype=_dtype(plan))
    return [bands, x.new_empty(*x.shape[:-1], count, 1)] if plan.energy else [bands]


def _keep(ctx: Any, inputs: tuple[Any, ...], output: list[torch.Tensor]) -> None:
    x, lengths, ctx.key, _ = inputs
    ctx.save_for_backward(x, lengths)


def _slope(ctx: Any, slopes: list[torch.Tensor]) -> tuple[torch.Tensor, None, None, None]:
    x, lengths = ctx.saved_tensors
    again = torch.is_grad_enabled()  # the gradient itself needs a gradient
    with torch.enable_grad():
        leaf = x if again else x.detach().requires_grad_()
        bands, energy = _kept_as(ctx.key).operations(leaf, lengths)
        results = [bands] if energy is None else [bands, energy]
        return torch.autograd.grad(results, leaf, slopes, create_graph=again)[0], None, None, None


_spectrum.register_autograd(_slope, setup_context=_keep)


@torch.library.custom_op("kapre::inverse", mutates_args=())  # type: ignore[untyped-decorator]
def _samples(z: torch.Tensor, counts: torch.Tensor | None, key: str) -> torch.Tensor:
    plan, operations = _kept_as(key)
    return _invert(plan, z, counts, operations)


@_samples.register_fake  # type: ignore[untyped-decorator]
def _shape_of_samples(z: torch.Tensor, counts: torch.Tensor | None, key: str) -> torch.Tensor:
    *lead, frames, bins = z.shape
    _check_bins(bins, _kept_as(key).plan)
    return z.new_empty(*lead, _kept_as(key).operations.num_samples(frames), dtype=torch.float32)
