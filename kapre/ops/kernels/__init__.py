"""The only files that name a backend: gaps in Keras' own ops, each with what would let us drop it, and fast paths.

`kernels.active` is the kernel of the backend that Keras runs on; `base.Kernel` says what a kernel does.
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
