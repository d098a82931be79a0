"""The log energy of each frame, beside the bands or in place of the first coefficient or bin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from kapre._checks import message
from kapre._lazy import needs
from kapre.stages._stage import Back, Call, Mistake, Stage, Values, not_negative, one_of

if TYPE_CHECKING:
    from keras import ops

    from kapre.ops import scales
    from kapre.recipe import Recipe

needs(__name__, ops="keras.ops", scales="kapre.ops.scales")

_KALDI_EPSILON = float(np.finfo(np.float32).eps)  # the smallest energy whose logarithm Kaldi takes


@dataclass(frozen=True, kw_only=True)
class Fields:
    """The fields of the energy."""

    energy: Literal["first", "last", "c0"] | None = None
    energy_floor: float = 0.0


def least_energy(recipe: Recipe) -> float:
    """Return the smallest energy whose logarithm is taken."""
    return max(_KALDI_EPSILON, recipe.energy_floor)


def log_energy(recipe: Recipe, framed: Any) -> Any:
    """Return the natural logarithm of the energy of frames without their mean, `(..., frames, 1)`."""
    energy = ops.sum(ops.square(framed), axis=-1, keepdims=True)
    return scales.logarithm(energy, "ln", least_energy(recipe))


class Energy(Stage):
    """Insert the log energy, which the spectrum computes, at its position."""

    Fields = Fields
    checks: ClassVar = {
        "energy": one_of((None, "first", "last", "c0"), "'c0' replaces the first value."),
        "energy_floor": not_negative,
    }
    idle = (("energy", None, ("energy_floor",)),)

    def check(self, f: Values, defaults: Mapping[str, Any]) -> None:
        if f["energy"] == "c0" and f["n_mfcc"] is None and f["filterbank"] is not None:
            rule = "None, 'first' or 'last' with a filter bank without n_mfcc"
            raise ValueError(message("energy", rule, "c0", "Use energy='first'."))

    def shape(self, recipe: Recipe, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (*shape[:-1], shape[-1] + (recipe.energy != "c0"))

    def products(self, recipe: Recipe, shape: tuple[int, ...]) -> float:
        return float(shape[0] * recipe.frame_length)

    def is_on(self, recipe: Recipe) -> bool:
        return recipe.energy is not None

    def run(self, recipe: Recipe, x: Any, call: Call) -> Any:
        energy = call.energy
        parts = {"first": [energy, x], "last": [x, energy], "c0": [energy, x[..., 1:]]}[recipe.energy or "first"]
        return ops.concatenate(parts, axis=-1)

    def undo(self, recipe: Recipe, x: Any, back: Back) -> Any:
        if recipe.energy == "last":
            return x[..., :-1]
        if recipe.energy == "first":
            return x[..., 1:]
        if recipe.n_mfcc is None:  # the first bin, at 0 Hz
            return ops.concatenate([x[..., 1:2], x[..., 1:]], axis=-1)
        back.energy = x[..., :1]
        return ops.concatenate([ops.zeros_like(x[..., :1]), x[..., 1:]], axis=-1)

    def lost(self, recipe: Recipe) -> tuple[str, ...]:
        if recipe.energy != "c0":
            return ()
        if recipe.n_mfcc is None:
            return ("The energy replaces the first bin, which is taken from the second.",)
        return ("The energy replaces the first coefficient: it sets the level of each frame.",)

    def mistakes(self, recipe: Recipe, peak: float) -> Iterator[Mistake]:
        if recipe.n_mfcc is not None:
            yield "the first coefficient kept, no energy", dict(energy=None)
            yield "the energy in place of the first coefficient", dict(energy="c0")
        for floor in (0.0, 1.0):
            yield f"an energy floor of {floor:g}", dict(energy_floor=floor)
