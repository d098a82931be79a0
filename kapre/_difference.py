"""Alignment of two arrays of features, and the difference between them. Used by `kapre.compare`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from kapre._checks import message

_STRAY = 1e-3  # fraction of values; in a nearly empty band, float32 errors exceed the tolerance in a few
_STRAY_TOLERANCES = 5.0  # largest difference of these; the smallest known wrong choice, Kaldi's triangles, gives 7
_FEW = 0.1  # fraction of the longer axis that may be missing at its end


@dataclass(frozen=True)
class Difference:
    """Describe the difference between two arrays of features.

    Attributes:
        shapes: The two shapes as given.
        compared: The shape of the compared part, in the axes of the first array. Empty if there is none.
        maximum: The largest difference. Infinity if nothing could be compared.
        mean: The mean difference.
        peak: The largest magnitude of the first array.
        where: The position of the largest difference, as an index of the first array.
        non_finite: Number of values that are NaN or infinite in one array and not the same in the other. The statistics
            exclude them.
        notes: Other differences, and how they were handled.
        same_values: Whether the arrays hold the same number of values in the same order, apart from axes of length 1.
        tolerance: The largest difference that counts as equal.
        beyond: The fraction of the values whose difference is larger than that.
    """

    shapes: tuple[tuple[int, ...], tuple[int, ...]]
    compared: tuple[int, ...]
    maximum: float
    mean: float
    peak: float
    where: tuple[int, ...]
    non_finite: int
    notes: tuple[str, ...]
    same_values: bool
    tolerance: float
    beyond: float

    @property
    def relative(self) -> float:
        """Return the largest difference as a fraction of the peak."""
        return self.maximum / self.peak if self.peak > 0.0 else (0.0 if self.maximum == 0.0 else math.inf)

    @property
    def within(self) -> bool:
        """Return whether the compared parts are equal within the tolerance.

        One value in a thousand may differ by up to five times as much, because of rounding in a nearly empty band.
        """
        stray = self.beyond <= _STRAY and self.maximum <= _STRAY_TOLERANCES * self.tolerance
        return self.non_finite == 0 and (self.maximum <= self.tolerance or stray)

    @property
    def equal(self) -> bool:
        """Return whether the two arrays are equal within the tolerance and have the same layout."""
        return self.same_values and self.within


def numeric(name: str, values: Any) -> np.ndarray:
    """Return real numbers as a float64 array with at least one axis and one value. Raise for anything else."""
    array = np.asarray(values)
    remedy = "Give features: an array of floating-point numbers."
    if array.dtype.kind not in "fiub":
        raise TypeError(message(name, "an array of real numbers", f"dtype {array.dtype}", remedy))
    if array.ndim == 0 or array.size == 0:
        raise ValueError(message(name, "an array with values in it", f"shape {array.shape}", remedy))
    return array.astype(np.float64)


def stripped(array: np.ndarray, rank: int) -> list[np.ndarray]:
    """Return all arrays of `rank` axes that result from dropping leading or trailing axes of length 1."""
    if array.ndim <= rank:
        return [array] if array.ndim == rank else []
    found = stripped(array[0], rank) if array.shape[0] == 1 else []
    return found + (stripped(array[..., 0], rank) if array.shape[-1] == 1 else [])


def _swapped(array: np.ndarray) -> np.ndarray:
    return array.swapaxes(-1, -2)


def _misfit(a: tuple[int, ...], b: tuple[int, ...]) -> float:
    """Return 0 for equal shapes, the missing fraction if one axis is shorter, else infinity."""
    apart = [(m, n) for m, n in zip(a, b, strict=True) if m != n]
    if not apart:
        return 0.0
    if len(apart) > 1:
        return math.inf
    m, n = apart[0]
    missing = abs(m - n) / max(m, n)
    # With two or more axes, the other axes are equal, so frames are missing. With one axis, nothing shows a relation.
    return missing if len(a) > 1 or missing <= _FEW or abs(m - n) <= 2 else math.inf


def aligned(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[str]] | None:
    """Return the parts of two arrays that can be compared, with notes on the alignment, or None if there are none."""
    ways: list[tuple[float, bool, np.ndarray, np.ndarray]] = []
    for rank in range(max(1, min(a.ndim, b.ndim)), 0, -1):
        for one in stripped(a, rank):
            for other in stripped(b, rank):
                ways.append((_misfit(one.shape, other.shape), False, one, other))
                if rank > 1:
                    ways.append((_misfit(one.shape, _swapped(other).shape), True, one, _swapped(other)))
    best = min(ways, key=lambda way: (way[0], way[1]), default=None)
    if best is None or math.isinf(best[0]):
        return None
    _, turned, one, other = best
    notes = []
    if one.ndim != a.ndim or other.ndim != b.ndim:
        notes.append(f"axes of length 1 dropped: {a.shape} and {b.shape} compared as {one.ndim} axes")
    if turned:
        notes.append("the second is transposed: its last two axes are swapped")
    for axis, (m, n) in enumerate(zip(one.shape, other.shape, strict=True)):
        if m != n:
            notes.append(f"axis {axis} holds {m} and {n} entries: the first {min(m, n)} are compared")
    common = tuple(slice(0, min(m, n)) for m, n in zip(one.shape, other.shape, strict=True))
    return one[common], other[common], notes


def difference(
    a: np.ndarray,
    b: np.ndarray,
    tolerance: float,
    shapes: tuple[tuple[int, ...], tuple[int, ...]],
    notes: list[str],
    same_values: bool,
) -> Difference:
    """Measure the difference between two arrays of the same shape."""
    finite = np.isfinite(a) & np.isfinite(b)
    with np.errstate(invalid="ignore"):
        apart = np.where(finite, np.abs(a - b), 0.0)
        odd = int(np.count_nonzero(~finite & ~((a == b) | (np.isnan(a) & np.isnan(b)))))
    if odd:
        notes = [*notes, f"{odd} values are NaN or infinite in one and not the same in the other"]
    count = int(np.count_nonzero(finite))
    where = np.unravel_index(int(apart.argmax()), apart.shape) if apart.size else ()
    return Difference(
        shapes=shapes,
        compared=a.shape,
        maximum=float(apart.max()) if count else math.inf,
        mean=float(apart.sum() / count) if count else math.inf,
        peak=float(np.abs(a[np.isfinite(a)]).max(initial=0.0)),
        where=tuple(int(i) for i in where),
        non_finite=odd,
        notes=tuple(notes),
        same_values=same_values,
        tolerance=tolerance,
        beyond=float(np.count_nonzero(apart > tolerance) / max(1, count)),
    )


def nothing_in_common(
    a: np.ndarray,
    b: np.ndarray,
    tolerance: float,
    shapes: tuple[tuple[int, ...], tuple[int, ...]] | None = None,
    note: str = "the shapes have nothing in common that could be compared",
) -> Difference:
    """Return the difference of arrays that cannot be aligned."""
    peak = float(np.abs(a[np.isfinite(a)]).max(initial=0.0))
    return Difference(shapes or (a.shape, b.shape), (), math.inf, math.inf, peak, (), 0, (note,), False, tolerance, 1.0)
