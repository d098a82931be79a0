"""JAX: spectra by the compiled library, on CPUs in float32, as one primitive.

XLA calls the library (`jax.ffi`) where the program is for a CPU. On other platforms, in an export and in a gradient,
the operations of the framework take its place.
"""

from __future__ import annotations

import functools
import os
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.core import ShapedArray
from jax.extend import core as extend_core
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from kapre import _native
from kapre.ops.kernels import _native_plan as native
from kapre.ops.kernels._blocks import Edges, Inversion, Operations
from kapre.ops.kernels.jax import JaxKernel
from kapre.ops.kernels.native_effects import NativeEffects

_TARGETS = ("kapre_jax_spectrum", "kapre_jax_spectrum_and_energy", "kapre_jax_transform", "kapre_jax_inverse")


class _About(NamedTuple):
    """What the primitive computes, apart from its tensors. Two with equal fields share a program."""

    plan: native.Plan
    frames: int
    edges: Edges
    operations: Operations
    has_lengths: bool
    axes: int = 0
    """Number of leading axes that vmap has added."""

    def results(self, lead: tuple[int, ...]) -> list[tuple[tuple[int, ...], str]]:
        """Return the shape and the dtype of each result for samples `(*lead, time)`."""
        found = [((*lead, self.frames, self.plan.size), "complex64" if self.plan.is_complex else "float32")]
        return [*found, ((*lead, self.frames, 1), "float32")] if self.plan.energy else found

    def lead(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the axes of the items."""
        return shape[:-1]

    def operate(self, x: Array, lengths: Array | None) -> tuple[Array, ...]:
        """Compute the results with the operations of the framework."""
        bands, energy = self.operations(x, lengths)
        return (bands,) if energy is None else (bands, energy)

    def target(self) -> tuple[str, dict[str, Any]]:
        """Return the name of the library's function for XLA, and its attributes."""
        left, right, mode, _ = self.edges
        name = _TARGETS[2 if self.plan.is_complex else self.plan.energy]
        return name, dict(left=np.int64(left), right=np.int64(right), padding=np.int32(native.PADDINGS.index(mode)))


class _Inverse(NamedTuple):
    """What the primitive computes if it inverts spectra. Its second tensor counts the frames of each item."""

    plan: native.Plan
    time: int
    operations: Inversion
    has_lengths: bool
    axes: int = 0

    def results(self, lead: tuple[int, ...]) -> list[tuple[tuple[int, ...], str]]:
        return [((*lead, self.time), "float32")]

    def lead(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape[:-2]

    def operate(self, x: Array, lengths: Array | None) -> tuple[Array, ...]:
        return (self.operations(x, lengths),)

    def target(self) -> tuple[str, dict[str, Any]]:
        left, right = self.operations.cut(self.has_lengths)
        normalise = np.int32(self.operations.normalises)
        return _TARGETS[3], dict(left=np.int64(left), right=np.int64(right), normalise=normalise)


def register() -> bool:
    """Tell XLA the functions of the library, and return whether both have them."""
    loaded = _native.library()
    if loaded is None or not hasattr(jax, "ffi"):
        return False
    functions = [loaded.function(name) for name in _TARGETS]
    if None in functions:
        return False
    for name, function in zip(_TARGETS, functions, strict=True):
        jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(function), platform="cpu")
    return True


def _trace_state() -> Any:
    """Return what can be compared with that of another call, or something that is equal to nothing before JAX 0.6."""
    try:
        return extend_core.get_opaque_trace_state()
    except (AttributeError, TypeError):
        return float("nan")


_EAGER = _trace_state()
"""The state outside of a trace. An import within one has another, and then no call counts as eager."""


def _is_eager() -> bool:
    """Tell whether nothing traces this call. A concrete array within a trace is a constant of its program."""
    return bool(_trace_state() == _EAGER)


class NativeJaxKernel(NativeEffects, JaxKernel):
    """Compute spectra with `kapre-native`, unless they are in another dtype or several devices share the work."""

    def on_host(self, *tensors: Any) -> list[np.ndarray] | None:
        if not _is_eager() or jax.device_count() > 1 or jax.default_backend() != "cpu":
            return None
        if not all(isinstance(tensor, Array) and not isinstance(tensor, jax.core.Tracer) for tensor in tensors):
            return None
        return [np.asarray(tensor) for tensor in tensors]

    def from_host(self, array: np.ndarray) -> Array:
        return jnp.asarray(array)

    def threads(self) -> int:
        return _threads()

    def spectrum(
        self, x: Array, count: int | None, edges: Edges | None, operations: Operations
    ) -> tuple[Array, Array | None] | None:
        if count is None or x.dtype != jnp.float32 or 0 in x.shape or jax.device_count() > 1:
            return None
        plan = native.plan(operations.stages("float32"))
        if plan is None:
            return None
        edges = edges or Edges()
        about = _About(plan, count, edges._replace(lengths=None), operations, edges.lengths is not None)
        bands, *energy = _spectrum.bind(x, _for_rows(edges.lengths, x.shape[:-1]), about=about)
        return bands, energy[0] if energy else None

    def inverse(self, z: Array, counts: Any, operations: Inversion) -> Array | None:
        if z.dtype != jnp.complex64 or not isinstance(z.shape[-2], int) or jax.device_count() > 1:
            return None
        plan = native.plan(operations.stages("float32"))
        if plan is None:
            return None
        about = _Inverse(plan, operations.num_samples(z.shape[-2]), operations, counts is not None)
        (x,) = _spectrum.bind(z, _for_rows(counts, z.shape[:-2]), about=about)
        return x


def _for_rows(lengths: Any, lead: tuple[int, ...]) -> Array:
    """Return one length for each row of a batch, or none."""
    if lengths is None:
        return jnp.zeros((0,), "int32")
    return jnp.broadcast_to(jnp.reshape(jnp.asarray(lengths, "int32"), (-1, *[1] * (len(lead) - 1))), lead)


def _by_operations(x: Array, lengths: Array, *, about: _About | _Inverse) -> list[Array]:
    def of_batch(x: Array, lengths: Array) -> tuple[Array, ...]:
        own = jnp.reshape(lengths, (x.shape[0], -1))[:, 0] if about.has_lengths else None
        return about.operate(x, own)

    fn = of_batch
    for _ in range(about.axes):
        fn = jax.vmap(fn, in_axes=(0, 0 if about.has_lengths else None))
    return list(fn(x, lengths))


def _by_library(x: Array, lengths: Array, *, about: _About | _Inverse) -> list[Array]:
    results = [jax.ShapeDtypeStruct(*result) for result in about.results(about.lead(x.shape))]
    name, attributes = about.target()
    call = jax.ffi.ffi_call(name, results)
    found: list[Array] = call(x, about.plan.memory.view("uint8"), lengths, **attributes, threads=np.int32(_threads()))
    return found


def _threads() -> int:
    """Return how many threads XLA has for an operation."""
    if "xla_cpu_multi_thread_eigen=false" in os.environ.get("XLA_FLAGS", ""):
        return 1
    return native.cores()


_spectrum = Primitive("kapre_spectrum")
_spectrum.multiple_results = True


def _shapes(x: Any, lengths: Any, *, about: _About | _Inverse) -> list[ShapedArray]:
    return [ShapedArray(shape, jnp.dtype(dtype)) for shape, dtype in about.results(about.lead(x.shape))]


@functools.lru_cache(maxsize=256)
def _compiled(about: _About | _Inverse) -> Any:
    return jax.jit(functools.partial(_spectrum.bind, about=about))


def _eager(x: Array, lengths: Array, *, about: _About | _Inverse) -> list[Array]:
    if jax.config.jax_disable_jit:
        return _by_operations(x, lengths, about=about)
    found: list[Array] = _compiled(about)(x, lengths)
    return found


_spectrum.def_abstract_eval(_shapes)
_spectrum.def_impl(_eager)


def _on_cpu(ctx: Any, x: Any, lengths: Any, *, about: _About | _Inverse) -> Any:
    """Lower to a call of the library, but not for `jax.export`: its files must run elsewhere."""
    exported = getattr(getattr(ctx.module_context, "lowering_parameters", None), "for_export", False)
    fn = _by_operations if exported else _by_library
    return mlir.lower_fun(fn, multiple_results=True)(ctx, x, lengths, about=about)


mlir.register_lowering(_spectrum, mlir.lower_fun(_by_operations, multiple_results=True))
mlir.register_lowering(_spectrum, _on_cpu, platform="cpu")


def _slope(primals: Any, tangents: Any, *, about: _About | _Inverse) -> Any:
    """Differentiate the operations of the framework, whose results a gradient needs in any case."""
    x, lengths = primals
    tangent = ad.instantiate_zeros(tangents[0])
    return jax.jvp(lambda x: _by_operations(x, lengths, about=about), (x,), (tangent,))


ad.primitive_jvps[_spectrum] = _slope


def _batched(values: Any, axes: Any, *, about: _About | _Inverse) -> Any:
    """Compute all entries of an axis that vmap has added as items."""
    size = next(value.shape[axis] for value, axis in zip(values, axes, strict=True) if axis is not None)
    x, lengths = (
        value if axis is None and not needed else _first(value, axis, size)
        for value, axis, needed in zip(values, axes, (True, about.has_lengths), strict=True)
    )
    found = _spectrum.bind(x, lengths, about=about._replace(axes=about.axes + 1))
    return found, [0] * len(found)


def _first(value: Array, axis: int | None, size: int) -> Array:
    if axis is None:
        return jnp.broadcast_to(value, (size, *value.shape))
    return jnp.moveaxis(value, axis, 0)


batching.primitive_batchers[_spectrum] = _batched
