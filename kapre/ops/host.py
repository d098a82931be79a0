"""Data movement by NumPy where each new shape would be compiled. Keras' ops and NumPy share these function names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from keras import ops

from kapre.ops.kernels import active as kernel
from kapre.ops.kernels import current


class TracedError(Exception):
    """Signal that a call with concrete inputs is being traced."""


def library(x: Any) -> Any:
    """Return NumPy for an array that `on_host` provides, else Keras' ops."""
    return np if kernel.compiles_eager_calls and isinstance(x, np.ndarray | np.generic) else ops


def as_tensors(nest: Any) -> Any:
    """Return a nest with each NumPy array replaced by a tensor, because a state may have been stored as arrays."""

    def tensor(x: Any) -> Any:
        return ops.convert_to_tensor(x) if isinstance(x, np.ndarray | np.generic) else x

    return mapped(tensor, nest)


def mapped(fn: Callable[[Any], Any], nest: Any) -> Any:
    """Apply a function to each tensor in a nest of dicts and tuples."""
    if isinstance(nest, dict):
        return {name: mapped(fn, part) for name, part in nest.items()}
    return tuple(mapped(fn, part) for part in nest) if isinstance(nest, tuple) else fn(nest)


def leaves(nest: Any) -> Iterator[Any]:
    """Yield the tensors in a nest of dicts and tuples."""
    if isinstance(nest, dict | tuple):
        for part in nest.values() if isinstance(nest, dict) else nest:
            yield from leaves(part)
    else:
        yield nest


def goes_by_host(*nests: Any) -> bool:
    """Tell whether NumPy moves the data: in eager calls on JAX, which compiles for each shape."""
    if not (kernel.compiles_eager_calls and current().compiles_eager_calls):  # the first is enough on most backends
        return False
    return all(map(kernel.is_held, leaves(nests)))


def on_host(fn: Callable[..., Any], *nests: Any) -> Any:
    """Call a function with nests of tensors converted to NumPy arrays, and return its result as tensors."""
    like = next(x for x in leaves(nests) if not isinstance(x, np.ndarray))
    found = fn(*(mapped(np.asarray, nest) for nest in nests))
    return mapped(lambda part: None if part is None else kernel.put(np.asarray(part), str(part.dtype), like), found)


MOST = 256
"""Largest number of frames in a piece."""


def in_pieces(
    fn: Callable[[np.ndarray, Any], tuple[Any, Any]],
    x: np.ndarray,
    size: int,
    hop: int,
    count: int,
    carry: Any,
    most: int = MOST,
) -> Any:
    """Apply `fn` to `count` frames in `(..., time)`, in pieces whose numbers of frames are powers of two.

    This limits the number of shapes for any number of frames. A piece has at most `most` frames. `fn` takes a piece of
    samples and the carry of the previous piece. It returns frames and the next carry.

    Returns:
        The frames of all pieces, each as a NumPy array, and the last carry.
    """
    missing = (count - 1) * hop + size - x.shape[-1]
    if count and missing > 0:
        x = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, missing)])
    parts: list[np.ndarray] = []
    for done, number in pieces(count, most):
        start = done * hop
        y, carry = fn(x[..., start : start + (number - 1) * hop + size if number else start], carry)
        if not kernel.is_held(y):
            raise TracedError
        parts.append(np.asarray(y))
    return parts, carry


def pieces(count: int, most: int = MOST) -> Iterator[tuple[int, int]]:
    """Yield the start and size, a power of two, of each piece of `count` frames. For 0 frames, yield an empty piece."""
    done = 0
    while done < count or not done:
        number = min(most, 1 << (count - done).bit_length() - 1) if count else 0
        yield done, number
        if not number:
            return
        done += number
