"""Operations on frames, and the number of frames per block when all items take part in each: JAX and TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from kapre.ops.filterbanks import Groups as Groups

Outputs = tuple[Any, ...]
"""The result of an operation on frames: one or more tensors, each `(..., frames, values)`."""


class Stages(NamedTuple):
    """Describe, as plain data, the stages from samples to the logarithm of bands, for a kernel's own way; see `Recipe`.

    If `chunk_pad` is not None, the kernel receives chunks in place of frames. Each chunk is extended by `chunk_pad`
    reflected samples and then cut into frames of `size`, `hop` apart. If `least_energy` is not None, the logarithm of
    the energy of each frame before its preemphasis, at least that of `least_energy`, is a second result. If `power` is
    None, the result is the complex spectrum. If `is_inverse`, the stages go from that to the frame times the window.
    """

    size: int
    hop: int
    n_fft: int
    window: np.ndarray
    power: float | None
    groups: Groups | None
    log: str | None
    amin: float
    amin_by: str
    ref_value: float
    reference: float
    remove_dc: bool = False
    preemphasis: float = 0.0
    preemphasis_first: str = "keep"
    magnitude_epsilon: float = 0.0
    magnitude_epsilon_by: str = "add"
    chunk_pad: int | None = None
    least_energy: float | None = None
    is_inverse: bool = False

    @property
    def prepares_frames(self) -> bool:
        """Tell whether a frame is processed before its window."""
        return self.remove_dc or self.preemphasis != 0.0


class Edges(NamedTuple):
    """Describe how each item is padded at its own ends, before frames are cut: `mode` is one of `numpy.pad`.

    `lengths` is a tensor `(batch,)` with the number of samples of each item, or None if all are as long as the tensor.
    What follows an item, and its padding at the end, counts as zeros.
    """

    left: int = 0
    right: int = 0
    mode: str = "constant"
    lengths: Any = None


class Operations(Protocol):
    """Compute what `Edges` and `Stages` describe with operations of the framework, which have gradients."""

    @property
    def edges(self) -> Edges | None:
        """The edges without their lengths, which are tensors. None if nothing is padded."""

    def parts(self) -> tuple[Any, ...]:
        """Return constants from which `of` makes operations that are equal."""

    @classmethod
    def of(cls, *parts: Any) -> Operations:
        """Return the operations of these parts."""

    def counting(self) -> tuple[int, int, int]:
        """Return `size`, `hop` and `dropped`: samples have `max(0, (samples - size) // hop + 1 - dropped)` frames."""

    def stages(self, dtype: str) -> Stages:
        """Return the stages as data, made once for each recipe and dtype."""

    def pad(self, x: Any, lengths: Any = None) -> Any:
        """Pad samples at the ends of each item."""

    def __call__(self, x: Any, lengths: Any = None) -> tuple[Any, Any]:
        """Return the values of each frame and, or None, the logarithm of its energy."""


class Inversion(Protocol):
    """Compute samples from complex spectra with operations of the framework, which have gradients.

    Frames overlap and are added. `left` and `right` samples are left out at the ends.
    """

    @property
    def normalises(self) -> bool:
        """Whether the sum is divided by that of the squared windows that overlap at a sample."""

    @property
    def length(self) -> int | None:
        """The number of samples of each item, or None if it follows from that of the frames."""

    def parts(self) -> tuple[Any, ...]:
        """Return constants from which `of` makes operations that are equal."""

    @classmethod
    def of(cls, *parts: Any) -> Inversion:
        """Return the operations of these parts."""

    def cut(self, counted: bool) -> tuple[int, int]:
        """Return `left` and `right`. `counted` tells that the items have their own numbers of frames."""

    def num_samples(self, count: int) -> int:
        """Return the number of samples of `count` frames."""

    def stages(self, dtype: str) -> Stages:
        """Return the window and the DFT as data, made once for each recipe and dtype."""

    def __call__(self, z: Any, counts: Any = None) -> Any:
        """Return the samples of spectra `(..., frames, bins)`. `counts` holds the number of frames of each item."""


_BLOCK = 1 << 19
"""Number of frame samples in a block, 2 MiB of float32. With spectrum and power, this fits in a core's cache."""
_LARGE = 1 << 22
"""Number of frame samples from which blocks are used. For fewer samples, a loop costs more than it saves."""


def plan(lead: Sequence[Any], count: int, size: int, scale: int = 1) -> tuple[int, int]:
    """Return the number of blocks, and of frames in each, for `count` frames per item. Use one block for few frames.

    If the number of items is unknown, one item is assumed. `scale` tells how much larger than a core's cache a block
    may be.
    """
    items = 1
    for length in lead:
        items *= length if isinstance(length, int) else 1
    if items * count * size < _LARGE * scale:
        return 1, count
    blocks = -(-count // max(8, _BLOCK * scale // (items * size)))
    return blocks, -(-count // blocks)
