"""The only files that name a backend: gaps in Keras' own ops, each with what would let us drop it, and fast paths.

`kernels.active` is the module of the backend that Keras runs on. Every module has the same functions.
"""

from __future__ import annotations

import importlib
from types import ModuleType

import keras

_MODULES = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}


def _load() -> ModuleType:
    return importlib.import_module(f"{__name__}.{_MODULES.get(keras.backend.backend(), 'fallback')}")


active = _load()
