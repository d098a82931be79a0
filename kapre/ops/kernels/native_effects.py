"""Parts of augmentations by the compiled library: eager calls on a CPU in float32, without a gradient."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from kapre import _native
from kapre.ops.kernels import _on_host
from kapre.ops.kernels._effects import EffectOperations
from kapre.ops.kernels._native_effects import Effects


def _is_single(*arrays: np.ndarray) -> bool:
    """Tell whether all arrays of floats are of float32, which the library reads by their addresses."""
    return all(array.dtype == np.float32 for array in arrays if not np.issubdtype(array.dtype, np.integer))


class NativeEffects(EffectOperations):
    """Compute noise, sections, convolutions and order statistics with `kapre-native`, or leave them to the next class.

    A subclass for a backend says which tensors have values in the memory of the CPU, and how many threads there are.
    """

    def on_host(self, *tensors: Any) -> list[np.ndarray] | None:
        """Return tensors as arrays that share their memory, or None if one is traced, elsewhere, or has a gradient."""
        raise NotImplementedError

    def from_host(self, array: np.ndarray) -> Any:
        """Return an array, which nobody else has, as a tensor."""
        raise NotImplementedError

    def threads(self) -> int:
        """Return how many threads a call may use."""
        raise NotImplementedError

    @functools.cached_property
    def _effects(self) -> Effects:
        library = _native.library()
        assert library is not None, "this kernel is made where there is one"
        return Effects(library, self.threads)

    def white(self, keys: Any, size: Any, dtype: str) -> Any:
        arrays = self.on_host(keys) if dtype == "float32" and isinstance(size, int) else None
        if arrays is None:
            return super().white(keys, size, dtype)
        return self.from_host(self._effects.white(arrays[0], size))

    def mixed(
        self, x: Any, noise: Any, keys: Any, ratio: Any, lengths: Any, per_channel: bool, adds: bool = True
    ) -> Any:
        given = [x, ratio, *(tensor for tensor in (noise, keys, lengths) if tensor is not None)]
        arrays = self.on_host(*given)
        if arrays is None or not _is_single(*arrays):
            return super().mixed(x, noise, keys, ratio, lengths, per_channel, adds)
        rest = iter(arrays[2:])
        of_noise, of_keys, own = (None if tensor is None else next(rest) for tensor in (noise, keys, lengths))
        ratios = arrays[1].reshape(arrays[1].shape[:2])
        return self.from_host(self._effects.mixed(arrays[0], of_noise, of_keys, ratios, own, per_channel, adds, True))

    def sections(self, x: Any, sums: Any) -> Any:
        arrays = self.on_host(x, sums)
        if arrays is None or arrays[0].dtype != np.float32:
            return super().sections(x, sums)
        return self.from_host(self._effects.filtered(*arrays))

    def convolved_apart(self, x: Any, taps: Any, starts: Any, size: Any) -> Any:
        arrays = self.on_host(x, taps) if isinstance(size, int) else None
        first = [np.asarray(starts)] if isinstance(starts, int) else self.on_host(starts)
        if arrays is None or first is None or not _is_single(*arrays):
            return super().convolved_apart(x, taps, starts, size)
        own, responses = arrays
        which = np.arange(responses.shape[0] * responses.shape[1]).reshape(responses.shape[:2])
        begin = first[0] if first[0].ndim == 0 else first[0][..., 0]
        flat = responses.reshape(-1, responses.shape[-1])
        found = self._effects.convolved(own, flat, which, begin, size)
        return super().convolved_apart(x, taps, starts, size) if found is None else self.from_host(found)

    def rolled(self, x: Any, starts: Any, size: Any, rows: Any, lengths: Any) -> Any:
        given = [x, starts, *(tensor for tensor in (rows, lengths) if tensor is not None)]
        arrays = self.on_host(*given) if isinstance(size, int) else None
        if arrays is None:
            return super().rolled(x, starts, size, rows, lengths)
        rest = iter(arrays[2:])
        of_row, own = (None if tensor is None else next(rest) for tensor in (rows, lengths))
        return self.from_host(_on_host.rolled(arrays[0], arrays[1], size, of_row, own))

    def order_statistics(self, x: Any, places: Any) -> tuple[Any, Any]:
        arrays = self.on_host(x, places)
        found = None
        if arrays is not None and arrays[0].dtype == np.float32 and arrays[0].shape[-1]:
            found = self._effects.order_statistics(*arrays)
        if found is None:
            return super().order_statistics(x, places)
        return self.from_host(found[0]), self.from_host(found[1])
