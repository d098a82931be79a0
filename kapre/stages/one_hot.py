"""The largest value of each frame as 1, and the others as 0."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from kapre._checks import flag
from kapre._lazy import needs
from kapre.stages._stage import Call, Mistake, Stage

if TYPE_CHECKING:
    from keras import ops

    from kapre.recipe import Recipe

needs(__name__, ops="keras.ops")


@dataclass(frozen=True, kw_only=True)
class Fields:
    """The field of the one-hot frames."""

    one_hot: bool = False


class OneHot(Stage):
    """Replace the largest value of each frame by 1 and the others by 0. The first of equal values counts."""

    Fields = Fields
    checks: ClassVar = {"one_hot": flag}
    added = ("one_hot",)

    def is_on(self, recipe: Recipe) -> bool:
        return recipe.one_hot

    def run(self, recipe: Recipe, x: Any, call: Call) -> Any:
        return ops.one_hot(ops.argmax(x, axis=-1), x.shape[-1], dtype=x.dtype)

    def no_way_back(self, recipe: Recipe) -> tuple[str, str] | None:
        return "one_hot keeps which value of a frame is the largest, and none of the values", "one_hot=False"

    def mistakes(self, recipe: Recipe, peak: float) -> Iterator[Mistake]:
        if recipe.one_hot:
            yield "the values themselves, not only which is the largest", dict(one_hot=False)
        elif recipe.filterbank == "chroma":
            yield "only which value of a frame is the largest", dict(one_hot=True)
