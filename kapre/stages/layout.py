"""The order of the last two axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from kapre._lazy import needs
from kapre.stages._stage import Back, Call, Stage, one_of

if TYPE_CHECKING:
    from kapre.ops.host import library
    from kapre.recipe import Recipe

needs(__name__, library="kapre.ops.host:library")


@dataclass(frozen=True, kw_only=True)
class Fields:
    """The field of the layout."""

    layout: Literal["time_first", "band_first"] = "time_first"


class Layout(Stage):
    """Order the last two axes as the recipe specifies."""

    Fields = Fields
    checks: ClassVar = {"layout": one_of(("time_first", "band_first"), "'time_first' is (frames, bands).")}

    def shape(self, recipe: Recipe, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (*shape[:-2], shape[-1], shape[-2])

    def products(self, recipe: Recipe, shape: tuple[int, ...]) -> float:
        return 0.0

    def is_on(self, recipe: Recipe) -> bool:
        return recipe.layout == "band_first"

    def run(self, recipe: Recipe, x: Any, call: Call) -> Any:
        return library(x).swapaxes(x, -1, -2)

    def undo(self, recipe: Recipe, x: Any, back: Back) -> Any:
        return library(x).swapaxes(x, -1, -2)
