"""Constants of the kernels. Each array is converted to a tensor once."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np


def repeated(values: np.ndarray, repeat: int) -> np.ndarray:
    """Return an array in which each row is repeated `repeat` times."""
    return values if repeat == 1 else np.repeat(values, repeat, axis=0)


class Constants:
    """Keep the tensor of each read-only array, one per dtype and place, for as long as the array exists.

    Args:
        make: A function that makes a tensor from an array, the name of a dtype, a place and the number of repetitions
            of each row. The tensor must not belong to a trace.

    Example:
        ```python
        import numpy as np
        from kapre.ops.kernels._constants import Constants

        window = np.ones(4)
        window.setflags(write=False)
        tensors = Constants(lambda values, dtype, place, repeat: values.astype(dtype))
        assert tensors(window, "float32") is tensors(window, "float32")
        ```
    """

    def __init__(self, make: Callable[[np.ndarray, str, Any, int], Any]) -> None:
        self._make = make
        self._made: dict[Hashable, Any] = {}

    def __call__(self, values: np.ndarray, dtype: str, place: Hashable = None, repeat: int = 1) -> Any:
        if values.flags.writeable or not values.ndim:
            return self._make(values, dtype, place, repeat)
        key = (id(values), dtype, place, repeat)
        tensor = self._made.get(key)
        if tensor is None:
            made = self._make(values, dtype, place, repeat)
            tensor = self._made.setdefault(key, made)
            if tensor is made:  # no other thread was faster
                weakref.finalize(values, self._made.pop, key, None).atexit = False
        return tensor
