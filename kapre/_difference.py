"""Two arrays of features laid on one another, and how far apart they are. Read by `kapre.compare`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from kapre._checks import message

_STRAY = 1e-3  # of the values: where a band is nearly empty, float32 leaves more than the tolerance in a few
_STRAY_TOLERANCES = 5.0  # how far these may be apart; the smallest wrong choice known, Kaldi's triangles, is 7
_FEW = 0.1  # of the longer one: what may be missing at an axis' end and still be called the same axis


@dataclass(frozen=True)
class Difference:
    """How far two arrays of features are from one another.

    Attributes:
        shapes: The two shapes as given.
        compared: The shape of the part that was compared, in the first one's axes; empty if there is none.
        maximum: The largest difference; infinity if nothing could be compared.
        mean: The mean difference.
        peak: The largest magnitude of the first one.
        where: Where the largest difference is, an index of the first one.
        non_finite: Values that are NaN or infinite in one and not the same in the other; they are in no statistics.
        notes: What else differs, and what was done about it.
        same_values: Whether the arrays hold as many values in the same order, unit axes aside.
        tolerance: The largest difference that counts as none.
        beyond: The fraction of the values that are further apart than that.
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
        """The largest difference as a fraction of the peak."""
        return self.maximum / self.peak if self.peak > 0.0 else (0.0 if self.maximum == 0.0 else math.inf)

    @property
    def within(self) -> bool:
        """Whether the part compared is the same within the tolerance.

        One value in a thousand may be up to five times as far apart: rounding in a band that holds next to nothing.
        """
        stray = self.beyond <= _STRAY and self.maximum <= _STRAY_TOLERANCES * self.tolerance
        return self.non_finite == 0 and (self.maximum <= self.tolerance or stray)

    @property
    def equal(self) -> bool:
        """Whether the two are the same within the tolerance, in the same layout."""
        return self.same_values and self.within


def numeric(name: str, values: Any) -> np.ndarray:
    """Return real numbers as a float64 array of at least one axis and value, or raise."""
    array = np.asarray(values)
    remedy = "Give features: an array of floating-point numbers."
    if array.dtype.kind not in "fiub":
        raise TypeError(message(name, "an array of real numbers", f"dtype {array.dtype}", remedy))
    if array.ndim == 0 or array.size == 0:
        raise ValueError(message(name, "an array with values in it", f"shape {array.shape}", remedy))
    return array.astype(np.float64)


def stripped(array: np.ndarray, rank: int) -> list[np.ndarray]:
    """Return the array without as many leading or trailing axes of length 1 as leave `rank`, every way to do so."""
    if array.ndim <= rank:
        return [array] if array.ndim == rank else []
    found = stripped(array[0], rank) if array.shape[0] == 1 else []
    return found + (stripped(array[..., 0], rank) if array.shape[-1] == 1 else [])


def _swapped(array: np.ndarray) -> np.ndarray:
    return array.swapaxes(-1, -2)


def _misfit(a: tuple[int, ...], b: tuple[int, ...]) -> float:
    """Return 0 for the same shape, a fraction for one that lacks something at one axis' end, else infinity."""
    apart = [(m, n) for m, n in zip(a, b, strict=True) if m != n]
    if not apart:
        return 0.0
    if len(apart) > 1:
        return math.inf
    m, n = apart[0]
    missing = abs(m - n) / max(m, n)
    # Of two axes or more, the other ones are alike: frames are missing. Of one, nothing says what belongs together.
    return missing if len(a) > 1 or missing <= _FEW or abs(m - n) <= 2 else math.inf


def aligned(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[str]] | None:
    """Return the parts of two arrays that can be compared, and notes on what was done; None if there are none."""
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
    """Measure how far two arrays of one shape are apart."""
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
    """Return the difference of arrays that cannot be laid on one another."""
    peak = float(np.abs(a[np.isfinite(a)]).max(initial=0.0))
    return Difference(shapes or (a.shape, b.shape), (), math.inf, math.inf, peak, (), 0, (note,), False, tolerance, 1.0)
