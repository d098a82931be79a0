"""What is done to frames, and how many of them a block holds where all items take part in each: JAX and TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

Outputs = tuple[Any, ...]
"""What is done to frames gives one tensor or more, each `(..., frames, values)`."""


class Stages(NamedTuple):
    """From samples to the logarithm of bands, as plain data, for a kernel that does it by itself; see `Recipe`."""

    size: int
    hop: int
    n_fft: int
    window: np.ndarray
    power: float
    groups: tuple[tuple[int, int, np.ndarray], ...] | None
    log: str | None
    amin: float
    amin_by: str
    reference: float
    remove_dc: bool = False
    preemphasis: float = 0.0
    preemphasis_first: str = "keep"

    @property
    def prepares_frames(self) -> bool:
        """Tell whether something is done to a frame before its window."""
        return self.remove_dc or self.preemphasis != 0.0


_BLOCK = 1 << 19
"""Samples of frames in a block, 2 MiB of float32: what stays in a core's cache with its spectrum and power."""
_LARGE = 1 << 22
"""Samples of frames from which on they are worked through in blocks: a loop costs what few blocks don't win back."""


def plan(lead: Sequence[Any], count: int, size: int, scale: int = 1) -> tuple[int, int]:
    """Return the number of blocks, and of frames in each, for `count` frames of each item; one where they are few.

    Items whose number is not known are counted as one. `scale` is how much larger a block may be than a core's cache.
    """
    items = 1
    for length in lead:
        items *= length if isinstance(length, int) else 1
    if items * count * size < _LARGE * scale:
        return 1, count
    blocks = -(-count // max(8, _BLOCK * scale // (items * size)))
    return blocks, -(-count // blocks)
