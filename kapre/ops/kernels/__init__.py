"""Backend kernels: workarounds for gaps in Keras' own ops, each with its condition for removal, and fast paths.

These are the only files that name a backend. `kernels.active` is the kernel of the backend on which Keras runs.
`base.Kernel` defines the operations of a kernel. An overlay, such as `portable.PortableKernel`, replaces some of them
in a context; `current` returns it there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import keras

from kapre import _native
from kapre.ops.kernels.base import Kernel


def framework() -> Kernel:
    """Return the kernel of the backend on which Keras runs, which computes with the backend's operations alone."""
    backend = keras.backend.backend()
    if backend == "jax":
        from kapre.ops.kernels.jax import JaxKernel

        return JaxKernel()
    if backend == "tensorflow":
        from kapre.ops.kernels.tensorflow import TensorFlowKernel

        return TensorFlowKernel()
    if backend == "torch":
        from kapre.ops.kernels.torch import TorchKernel

        return TorchKernel()
    return Kernel()


def _load() -> Kernel:
    backend = keras.backend.backend()
    if backend in ("jax", "tensorflow", "torch") and _native.library() is not None:
        if backend == "jax":
            from kapre.ops.kernels import native_jax

            if native_jax.register():
                return native_jax.NativeJaxKernel()
        elif backend == "tensorflow":
            from kapre.ops.kernels import native_tensorflow

            if native_tensorflow.register():
                return native_tensorflow.NativeTensorFlowKernel()
        else:
            from kapre.ops.kernels.native_torch import NativeTorchKernel

            return NativeTorchKernel()
    return framework()


active = _load()
_overlay: ContextVar[Kernel | None] = ContextVar("_overlay", default=None)


def current() -> Kernel:
    """Return the overlay of this context, or the active kernel.

    In `torch.compile`, which cannot read a ContextVar, the result is always the active kernel.
    """
    return active if active.is_compiling() else _overlay.get() or active


@contextmanager
def overlaid(kernel: Kernel) -> Iterator[None]:
    """Compute with an overlay in this context. Other threads are not affected.

    An overlay can only replace what its users ask of `current()`, by that name or as `by`.
    """
    token = _overlay.set(kernel)
    try:
        yield
    finally:
        _overlay.reset(token)


def compiled(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function with the active kernel, and call the function itself where an overlay is in place."""
    return _unless_overlaid(fn, active.compiled(fn))


def as_one(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Run a function in one piece with the active kernel, and call the function itself where an overlay is in place."""
    return _unless_overlaid(fn, active.as_one(fn))


def _unless_overlaid(fn: Callable[..., Any], whole: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any) -> Any:
        return (whole if current() is active else fn)(*args)

    return fn if whole is fn else call
