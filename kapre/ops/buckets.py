"""Length buckets. On JAX, which compiles for each shape, they limit eager calls to a few lengths."""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from typing import Any

import numpy as np

from kapre.ops.kernels import active as kernel
from kapre.ops.kernels import current

FEW = 4
"""Number of lengths of a recipe that are compiled at their own size."""
LEAST = 4096
"""Number of samples in the shortest bucket."""


def bucket(samples: int, least: int = LEAST) -> int:
    """Return the bucket of a length: one of two per octave, so that at most a third is padding (above `least`).

    Example:
        ```python
        from kapre.ops.buckets import bucket

        assert [bucket(n) for n in (1, 4097, 6145, 16000)] == [4096, 6144, 8192, 16384]
        ```
    """
    size = least
    while size < samples:
        size = size // 2 * 3 if size & (size - 1) == 0 else size // 3 * 4
    return size


@lru_cache(maxsize=256)
def _exact(kind: Hashable) -> set[int]:
    return set()


def is_for_bucket(kind: Hashable, samples: int, *values: Any) -> bool:
    """Tell whether an eager call with this many samples uses a bucket, as from the fifth length of its kind on.

    `values` are the arguments of the call. If one of them is traced or shared among devices, no bucket is used.
    """
    if not current().compiles_eager_calls or not all(kernel.is_held(value) for value in values if value is not None):
        return False
    exact = _exact(kind)
    if samples in exact:
        return False
    if len(exact) < FEW:
        exact.add(samples)
        return False
    return True


def padded(x: Any, least: int = LEAST) -> np.ndarray:
    """Return `(..., time)` as NumPy, padded with zeros at the end to the size of its bucket."""
    given = np.asarray(x)
    time = given.shape[-1]
    room = np.zeros((*given.shape[:-1], bucket(time, least)), given.dtype)
    room[..., :time] = given
    return room
