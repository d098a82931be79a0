"""Correlations of frames, or of samples at each hop, with long kernels; see `kapre.ops.constant_q`."""

from __future__ import annotations

from typing import Any

from keras import ops

from kapre.ops import frames
from kapre.ops.constant_q import Octave
from kapre.ops.fourier import Pair, constant
from kapre.ops.kernels import active as kernel
from kapre.ops.kernels import current


def of_frames(framed: Any, octaves: tuple[Octave, ...]) -> Pair:
    """Correlate frames `(..., frames, size)` with kernels. Return pairs `(..., frames, bins)`."""
    every = [
        current().dot(kernel.part(framed, each.first, each.behind, axis=-1), constant(each.taps, framed))
        for each in octaves
    ]
    return _joined(every)


def of_samples(x: Any, octaves: tuple[Octave, ...], hop: int) -> Pair:
    """Cut samples `(..., time)` into frames and correlate these, without memory for the frames."""
    return _joined([_correlated(kernel.part(x, each.first, each.behind, axis=-1), each, hop) for each in octaves])


def _correlated(x: Any, octave: Octave, hop: int) -> Any:
    """Correlate samples with the taps of an octave, `hop` apart: `(..., frames, columns)`.

    One product gives the share of each row of `hop` samples in all frames of which the row is a part.
    """
    found = current().correlated(x, [octave.taps], hop)
    if found is not None:
        return found[0]
    size, columns = octave.taps.shape
    rows = octave.folded.shape[1] // columns
    x = frames.pad(x, 0, rows * hop - size)
    count = kernel.size(x, -1) // hop
    x = kernel.head(x, count * hop, axis=-1)
    shares = kernel.dot(ops.reshape(x, (*ops.shape(x)[:-1], count, hop)), constant(octave.folded, x))
    parts = ops.split(shares, rows, axis=-1) if rows > 1 else [shares]
    total = None
    for row, part in enumerate(parts):
        part = kernel.part(part, row, rows - 1 - row, axis=-2)
        total = part if total is None else total + part
    return total


def _joined(every: list[Any]) -> Pair:
    pairs = [ops.split(part, 2, axis=-1) for part in every]
    real, imag = ([pair[side] for pair in pairs] for side in (0, 1))
    if len(pairs) == 1:
        return real[0], imag[0]
    return ops.concatenate(real, axis=-1), ops.concatenate(imag, axis=-1)
