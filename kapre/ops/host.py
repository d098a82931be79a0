"""Move data by NumPy where each new shape would be compiled: Keras' ops and NumPy have these functions by one name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from keras import ops

from kapre.ops.kernels import active as kernel


class TracedError(Exception):
    """Raised when a call with concrete inputs is being traced."""


def library(x: Any) -> Any:
    """Return NumPy for an array that `on_host` hands out, else Keras' ops."""
    return np if kernel.compiles_eager_calls and isinstance(x, np.ndarray | np.generic) else ops


def as_tensors(nest: Any) -> Any:
    """Return a nest with a tensor in place of each array of NumPy: a state may have been stored as such."""

    def tensor(x: Any) -> Any:
        return ops.convert_to_tensor(x) if isinstance(x, np.ndarray | np.generic) else x

    return _mapped(tensor, nest)


def _mapped(fn: Callable[[Any], Any], nest: Any) -> Any:
    if isinstance(nest, dict):
        return {name: _mapped(fn, part) for name, part in nest.items()}
    return tuple(_mapped(fn, part) for part in nest) if isinstance(nest, tuple) else fn(nest)


def leaves(nest: Any) -> Iterator[Any]:
    """Yield the tensors of a nest of dicts and tuples."""
    if isinstance(nest, dict | tuple):
        for part in nest.values() if isinstance(nest, dict) else nest:
            yield from leaves(part)
    else:
        yield nest


def goes_by_host(*nests: Any) -> bool:
    """Tell whether data is to be moved by NumPy: on JAX, where it compiles for each shape, in eager calls."""
    return kernel.compiles_eager_calls and all(map(kernel.is_held, leaves(nests)))


def on_host(fn: Callable[..., Any], *nests: Any) -> Any:
    """Call a function with nests of tensors as arrays of NumPy, and return its nest of these as tensors."""
    like = next(x for x in leaves(nests) if not isinstance(x, np.ndarray))
    found = fn(*(_mapped(np.asarray, nest) for nest in nests))
    return _mapped(lambda part: None if part is None else kernel.put(np.asarray(part), str(part.dtype), like), found)


def in_pieces(
    fn: Callable[[np.ndarray, Any], tuple[Any, Any]], x: np.ndarray, size: int, hop: int, count: int, carry: Any
) -> Any:
    """Do to `count` frames in `(..., time)` what `fn` does to some, in pieces of as many frames as a power of two.

    So there are few shapes, however many frames come at a time. `fn` takes a piece of samples and what the piece before
    handed on, and returns frames and what it hands on.

    Returns:
        The frames of all pieces, each an array of NumPy, and what the last handed on.
    """
    missing = (count - 1) * hop + size - x.shape[-1]
    if count and missing > 0:
        x = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, missing)])
    parts: list[np.ndarray] = []
    for done, number in pieces(count):
        start = done * hop
        y, carry = fn(x[..., start : start + (number - 1) * hop + size if number else start], carry)
        if not kernel.is_held(y):
            raise TracedError
        parts.append(np.asarray(y))
    return parts, carry


def pieces(count: int) -> Iterator[tuple[int, int]]:
    """Yield where each piece of `count` frames starts and how many it holds, a power of two; of none, one of none."""
    done = 0
    while done < count or not done:
        number = min(MOST, 1 << (count - done).bit_length() - 1) if count else 0
        yield done, number
        if not number:
            return
        done += number


MOST = 256
"""Frames in a piece, at most."""
