"""Filter banks by the centres and the widths of their bands, started from the bank of a recipe."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from keras import ops

from kapre._checks import message
from kapre.learned._parameters import Parameter
from kapre.ops import filterbanks
from kapre.ops.fourier import constant
from kapre.ops.kernels import active as kernel
from kapre.recipe import Recipe

Shape = Literal["triangular", "gaussian"]
_HALF = math.sqrt(2.0 * math.log(2.0))
"""The distance from the peak of a Gaussian at which it is half as large, in deviations."""
_LEAST_GAP = 1e-6
"""The smallest distance between centres that training can widen, as a fraction of the axis."""
_FURTHEST = 8.0
"""The largest change of the argument of softplus: distances between centres change by at most about 9 or 1 / 2000."""
_SOFT = 1.0 - 1.0 / math.e


@dataclass(frozen=True)
class Geometry:
    """State where the bands of a bank are on an axis from 0 to 1, on which the sides of triangles are straight.

    Attributes:
        bins: The position of each bin of the DFT, `(n_freq,)`.
        centres: The position of each peak, `(bands,)`, in rising order.
        lower: The distance from each peak to where its band begins.
        upper: The distance to where it ends.
        heights: The weight at each peak.
        top: The frequency in Hz, or its value on the scale, at the position 1.
        scale: The frequency scale of the axis; see `filterbanks.SCALES`.
        keeps_area: Whether a band that becomes wider becomes lower.
    """

    bins: np.ndarray
    centres: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    heights: np.ndarray
    top: float
    scale: str
    keeps_area: bool

    def hz(self, places: np.ndarray) -> np.ndarray:
        """Return the frequencies in Hz of positions on the axis."""
        return np.asarray(filterbanks.SCALES[self.scale][1](places * self.top))


def geometry(recipe: Recipe) -> Geometry:
    """Return where the bands of a recipe's bank are.

    Raises:
        ValueError: If the recipe has no bank, or its bands have several peaks.
    """
    bank = recipe.bank
    if bank is None or recipe.filterbank == "chroma":
        rule = "'mel', 'linear', 'bark', 'log' or 'gammatone', whose bands have one peak each"
        raise ValueError(message("filterbank", rule, recipe.filterbank, "Use a recipe with filterbank='mel'."))
    rate: Any = recipe.sample_rate if recipe.bank_rate is None else recipe.bank_rate
    bins = filterbanks.bin_frequencies(rate, recipe.n_freq, recipe.n_fft % 2 == 1)
    scale = "linear"
    if recipe.filterbank in ("log", "gammatone"):
        lower, centres, upper = _measured(bank, bins)
    else:
        low: Any = recipe.f_min
        high: Any = recipe.f_max
        named = {"mel": "htk" if recipe.htk else "slaney"}.get(recipe.filterbank or "", recipe.filterbank or "")
        corners = filterbanks.points(bank.shape[1], low, high, named)
        if recipe.triangles == "mel":
            scale = named
            bins, corners = (filterbanks.SCALES[scale][0](values) for values in (bins, corners))
        elif recipe.triangles == "bins":  # corners are whole bins, and at least one bin apart
            spacing = rate / (2 * (recipe.n_freq - 1))
            corners = spacing * np.floor((2 * (recipe.n_freq - 1) + 1) * corners / rate)
        centres, lower, upper = corners[1:-1], np.diff(corners)[:-1], np.diff(corners)[1:]
        if recipe.triangles == "symmetric":
            upper = lower
        elif recipe.triangles == "bins":
            lower, upper = np.maximum(lower, spacing), np.maximum(upper, spacing)
    top = float(max(bins[-1], centres[-1] * (1.0 + _LEAST_GAP)))
    bins, centres, lower, upper = (values / top for values in (bins, centres, lower, upper))
    heights = _heights(
        bank, np.minimum(1.0 + (bins[:, None] - centres) / lower, 1.0 - (bins[:, None] - centres) / upper)
    )
    keeps_area = recipe.norm == "slaney" and recipe.filterbank in ("mel", "linear", "bark")
    return Geometry(bins, centres, lower, upper, heights, top, scale, keeps_area)


def _heights(bank: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Return the height of each band, from the bin with the largest weight; of a band without bins, from others."""
    at = triangles.argmax(axis=0)
    bands = np.arange(len(at))
    found = bank[at, bands] / np.maximum(triangles[at, bands], 1e-12)
    there = found > 0.0
    return np.interp(bands, bands[there], found[there]) if there.any() else np.ones(len(at))


def _measured(bank: np.ndarray, bins: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the distance down, the peak and the distance up of bands in Hz: twice those to half of the peak."""
    spacing = bins[1] - bins[0]
    found = []
    for band in bank.T:
        peak = int(band.argmax())
        sides = []
        for side in (band[peak::-1], band[peak:]):
            below = np.flatnonzero(side < 0.5 * band[peak])
            last = int(below[0]) if below.size else len(side) - 1
            high, low = side[max(last - 1, 0)], side[last]
            part = (high - 0.5 * band[peak]) / (high - low) if high > low else 1.0
            sides.append(2.0 * spacing * max(last - 1 + min(part, 1.0), 0.5))
        found.append((sides[0], bins[peak], sides[1]))
    lower, centres, upper = np.array(found).T
    order = np.maximum.accumulate(centres)  # narrow bands may share a bin
    return lower, order, upper


class Bands:
    """Compute a filter bank from the trained centres and widths of its bands.

    The distances between neighbouring centres, and those to 0 and to the end of the axis, are softplus functions of the
    weights, divided by their sum. Centres therefore keep their order and stay on the axis.
    """

    name = "filterbank"

    def __init__(self, layer: Any, recipe: Recipe, shape: Shape, multiplier: float) -> None:
        self.geometry = at = geometry(recipe)
        self._shape, self._dtype = shape, layer.work_dtype
        gaps = np.maximum(np.diff(at.centres, prepend=0.0, append=1.0), _LEAST_GAP)
        self._gaps = gaps / gaps.sum()
        # Times the changes of the distances, it gives what moves the centres, before the division by the sum.
        count = len(at.centres)
        self._moves = np.tril(np.ones((count, count + 1))).T - at.centres
        self._offsets = at.bins[:, None] - at.centres
        bounds = -_FURTHEST, _FURTHEST
        self._distances = Parameter(layer, "distances", np.zeros(count + 1), bounds, multiplier)
        least = float(np.diff(at.bins).max())  # so that a band cannot fall between two bins
        self._lower, self._upper = (
            Parameter(layer, name, start, (np.minimum(start, least), 1.0), multiplier, relative=True)
            for name, start in (("lower", np.minimum(at.lower, 1.0)), ("upper", np.minimum(at.upper, 1.0)))
        )
        for array in (self._gaps, self._moves, self._offsets):
            array.setflags(write=False)

    def _moved(self) -> Any:
        """Return by how much each centre has moved: exactly 0 at the start."""
        change = ops.exp(self._distances.change()) - 1.0
        wider = constant(self._gaps, change) * ops.log(1.0 + _SOFT * change)
        return kernel.dot(wider[None], constant(self._moves, change))[0] / (1.0 + ops.sum(wider))

    def tensor(self) -> Any:
        """Return the bank `(n_freq, bands)` as a tensor through which gradients reach the weights."""
        lower, upper = self._lower.tensor(), self._upper.tensor()
        offsets = constant(self._offsets, lower) - self._moved()
        below = offsets / lower
        above = offsets / upper
        if self._shape == "triangular":
            found = kernel.at_least(kernel.minimum(1.0 + below, 1.0 - above), 0.0)
        else:
            side = ops.where(offsets < 0.0, below, above)
            found = ops.exp(-0.5 * ops.square(2.0 * _HALF * side))
        heights = constant(self.geometry.heights, lower)
        if self.geometry.keeps_area:
            heights = heights * constant(self.geometry.lower + self.geometry.upper, lower) / (lower + upper)
        return found * heights

    def array(self) -> np.ndarray:
        """Return the bank as a NumPy array."""
        return np.asarray(ops.convert_to_numpy(self.tensor()))

    def places(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return in Hz where each band begins, peaks and ends, as far as it lies on the axis."""
        centres = self.geometry.centres + np.asarray(ops.convert_to_numpy(self._moved()), "float64")
        edges = centres - self._lower.array(), centres, centres + self._upper.array()
        lower, peaks, upper = (self.geometry.hz(np.clip(places, 0.0, 1.0)) for places in edges)
        return lower, peaks, upper
