"""Noise, order statistics and parts of rows in NumPy, for eager calls on the CPU.

NumPy has unsigned numbers, writes into memory that is there, and selects without sorting. It takes a fraction of the
time of eager operations of PyTorch and TensorFlow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

FIRST_FACTOR, SECOND_FACTOR = 0x85EBCA6B, 0xC2B2AE35
"""The factors of the final step of MurmurHash3."""
OF_PLACE, OF_ANGLE = 0x9E3779B9, 0x7F4A7C15
"""What tells apart the numbers of two places, and the two numbers of a place."""
ALIGNMENT = 64
"""Bytes of which the addresses of results are multiples, as TensorFlow requires of memory that it is to share."""


def empty(shape: Sequence[int], dtype: str | np.dtype) -> np.ndarray:
    """Return memory for a result, of which every number is to be written. `ALIGNMENT` divides its address."""
    kind = np.dtype(dtype)
    size = math.prod(shape) * kind.itemsize
    memory = np.empty(size + ALIGNMENT, "uint8")
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size].view(kind).reshape(shape)


def _mixed(x: np.ndarray, spare: np.ndarray) -> None:
    """Mix the bits of uint32 numbers in place, as `kapre.ops.noise` does."""
    for shift, factor in ((16, FIRST_FACTOR), (13, SECOND_FACTOR), (16, 1)):
        np.right_shift(x, np.uint32(shift), out=spare)
        np.bitwise_xor(x, spare, out=x)
        if factor != 1:
            np.multiply(x, np.uint32(factor), out=x)


def white(keys: np.ndarray, size: int, dtype: str) -> np.ndarray:
    """Return the noise of `kapre.ops.noise.white` for int32 keys: `(..., 2)` to `(..., size)`."""
    pairs = (size + 1) // 2
    places = np.arange(pairs, dtype="uint32") * np.uint32(OF_PLACE)
    rows = keys.reshape(-1, 2).astype("int32", copy=False).view("uint32")
    noise = np.empty((len(rows), 2 * pairs), dtype)
    bits, spare, radius, angle, wave = (np.empty(pairs, kind) for kind in ("uint32", "uint32", dtype, dtype, dtype))
    for row, (first, second) in zip(noise, rows, strict=True):
        np.add(places, first, out=bits)
        _mixed(bits, spare)
        np.bitwise_xor(bits, second, out=bits)
        _mixed(bits, spare)
        _fractions(bits, spare, radius)
        np.log(radius, out=radius)
        np.multiply(radius, -2.0, out=radius)
        np.sqrt(radius, out=radius)
        np.add(bits, np.uint32(OF_ANGLE), out=bits)
        _mixed(bits, spare)
        _fractions(bits, spare, angle)
        np.multiply(angle, angle.dtype.type(2.0 * np.pi), out=angle)
        for part, function in enumerate((np.cos, np.sin)):
            np.multiply(radius, function(angle, out=wave), out=row[part::2])
    return noise[:, :size].reshape(*keys.shape[:-1], size)


def _fractions(bits: np.ndarray, spare: np.ndarray, out: np.ndarray) -> None:
    """Write numbers in (0, 1) with 23 random bits each."""
    np.right_shift(bits, np.uint32(9), out=spare)
    np.add(spare.view("int32"), 0.5, out=out, casting="unsafe", dtype=out.dtype)
    np.multiply(out, 2.0**-23, out=out)


def order_statistics(x: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the entries at places `(..., n)` of the sorted last axis, and those after them, without sorting it."""
    last = x.shape[-1] - 1
    found = np.empty((2, *places.shape), x.dtype)
    for row in np.ndindex(x.shape[:-1]):
        both = np.stack([places[row], np.minimum(places[row] + 1, last)])
        found[(slice(None), *row)] = np.partition(x[row], np.unique(both))[both]
    return found[0], found[1]


def rolled(
    x: np.ndarray, starts: np.ndarray, size: int, rows: np.ndarray | None, lengths: np.ndarray | None
) -> np.ndarray:
    """Copy parts of rows, which takes a tenth of the time of gathering samples; see `Kernel.rolled`."""
    time = x.shape[-1]
    lead = x.shape[:-1] if rows is None else starts.shape[:-1]
    found = empty((*lead, size), x.dtype)
    if not (x.size and found.size):
        return np.zeros_like(found)
    sources = x.reshape(-1, time)
    first = np.broadcast_to(starts[..., 0], lead).ravel().tolist()
    of_row: Sequence[int] = range(len(first))
    if rows is not None:
        of_row = np.broadcast_to(rows[..., 0], lead).ravel().tolist()
    ends = [time] * len(first)
    if lengths is not None:
        ends = np.broadcast_to(lengths.reshape(-1, *[1] * (len(lead) - 1)), lead).ravel().tolist()
    for to, start, row, end in zip(found.reshape(-1, size), first, of_row, ends, strict=True):
        place, source = 0, sources[row, : max(1, end)]
        while place < size:
            part = source[start : start + size - place]
            to[place : place + len(part)] = part
            place, start = place + len(part), 0
    return found
