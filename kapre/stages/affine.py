"""Shift and scale of the features."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kapre._checks import message, number
from kapre._lazy import needs
from kapre.stages._stage import Back, Call, Mistake, Stage, Values
from kapre.stages.filter_bank import bands_of

if TYPE_CHECKING:
    from kapre.ops.fourier import constant
    from kapre.recipe import Recipe

needs(__name__, constant="kapre.ops.fourier:constant")


@dataclass(frozen=True, kw_only=True)
class Fields:
    """The fields of shift and scale."""

    feature_shift: float | tuple[float, ...] = 0.0
    feature_scale: float | tuple[float, ...] = 1.0


def width(f: Mapping[str, Any]) -> tuple[int, int]:
    """Return the number of values in a frame, before deltas and after stacking."""
    values = (bands_of(f) if f["n_mfcc"] is None else f["n_mfcc"]) + (f["energy"] in ("first", "last"))
    return int(values), int(values * (1 + f["deltas"]) * f["stack"])


def _vector(name: str, value: Any, width: int) -> float | tuple[float, ...]:
    """Return a number, or one number for each value of a frame as a tuple."""
    remedy = f"Give one number, or {width}, one for each value in a frame."
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        return number(name, value, remedy)
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, Iterable) or isinstance(value, (str, bytes)):
        raise TypeError(message(name, "a number or a sequence of numbers", value, remedy))
    values = tuple(number(name, entry, remedy) for entry in value)
    if len(values) != width or width == 1:
        raise ValueError(message(name, f"a number or {width} numbers", f"{len(values)} numbers", remedy))
    return values[0] if len(set(values)) == 1 else values


class Affine(Stage):
    """Compute `(x + feature_shift) * feature_scale`."""

    Fields = Fields

    def check(self, f: Values, defaults: Mapping[str, Any]) -> None:
        values = 1 if f["power"] is None else width(f)[1]
        for name in self.names:
            f[name] = _vector(name, f[name], values)

    def is_on(self, recipe: Recipe) -> bool:
        return recipe.feature_shift != 0.0 or recipe.feature_scale != 1.0

    def run(self, recipe: Recipe, x: Any, call: Call) -> Any:
        if isinstance(x, np.ndarray):
            return (x + x.dtype.type(recipe.feature_shift)) * x.dtype.type(recipe.feature_scale)
        if recipe.feature_shift != 0.0:
            x = x + constant(np.asarray(recipe.feature_shift), x)
        return x * constant(np.asarray(recipe.feature_scale), x) if recipe.feature_scale != 1.0 else x

    def undo(self, recipe: Recipe, x: Any, back: Back) -> Any:
        scale = np.asarray(recipe.feature_scale, "float64")
        factor = np.where(scale == 0.0, 0.0, 1.0 / np.where(scale == 0.0, 1.0, scale))
        return x * constant(factor, x) - constant(np.asarray(recipe.feature_shift), x)

    def lost(self, recipe: Recipe) -> tuple[str, ...]:
        zeros = np.count_nonzero(np.asarray(recipe.feature_scale) == 0.0)
        return (f"{zeros} values of a frame are multiplied by 0.",) if zeros else ()

    def mistakes(self, recipe: Recipe, peak: float) -> Iterator[Mistake]:
        if self.is_on(recipe):
            yield "no shift and scale at the end", dict(feature_shift=0.0, feature_scale=1.0)
        else:
            yield "Whisper's (x + 4) / 4 at the end", dict(feature_shift=4.0, feature_scale=0.25)
