"""Backend kernels: workarounds for gaps in Keras' own ops, each with its condition for removal, and fast paths.

These are the only files that name a backend. `kernels.active` is the kernel of the backend on which Keras runs.
`base.Kernel` defines the operations of a kernel.
"""

from __future__ import annotations

import keras

from kapre.ops.kernels.base import Kernel


def _load() -> Kernel:
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


active = _load()
