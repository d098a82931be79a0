"""The number of frames: padded with zeros to a multiple."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from kapre._lazy import needs
from kapre.ops.counts import padded_length
from kapre.stages._stage import MOST_FRAMES, Back, Call, Mistake, Stage, positive

if TYPE_CHECKING:
    from kapre.ops import features
    from kapre.ops.host import library
    from kapre.recipe import Recipe

needs(__name__, features="kapre.ops.features", library="kapre.ops.host:library")


@dataclass(frozen=True, kw_only=True)
class Fields:
    """The field of the multiple of frames."""

    frames_multiple: int = 1


class Multiple(Stage):
    """Append frames of zeros up to a multiple of frames."""

    Fields = Fields
    checks: ClassVar = {"frames_multiple": positive("1 appends nothing.", MOST_FRAMES)}
    added = ("frames_multiple",)

    def count(self, recipe: Recipe, frames: Any) -> Any:
        """Return the number of frames with those that are appended: an int, None or an integer tensor."""
        return padded_length(frames, 0, recipe.frames_multiple)

    def shape(self, recipe: Recipe, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (int(self.count(recipe, shape[0])), *shape[1:])

    def products(self, recipe: Recipe, shape: tuple[int, ...]) -> float:
        return 0.0

    def is_on(self, recipe: Recipe) -> bool:
        return recipe.frames_multiple > 1

    def run(self, recipe: Recipe, x: Any, call: Call) -> Any:
        if call.state is not None:
            if call.total is not None and call.valid is not None and call.valid < call.total:
                x = features.fixed(x[:, : max(0, x.shape[1] - (call.total - call.valid))], x.shape[1])
            missing = 0 if call.total is None else self.count(recipe, call.total) - call.total
            zeros = library(x).zeros((x.shape[0], missing, x.shape[-1]), dtype=x.dtype)
            return library(x).concatenate([x, zeros], axis=1) if missing else x
        if call.counts is not None:
            x = features.keep_valid(x, recipe.num_stacks(call.counts))
        return features.to_multiple(x, recipe.frames_multiple)

    def undo(self, recipe: Recipe, x: Any, back: Back) -> Any:
        back.silent = features.zeros_in(x, back.silent)
        return x

    def mistakes(self, recipe: Recipe, peak: float) -> Iterator[Mistake]:
        if recipe.frames_multiple > 1:
            yield "no zeros up to a multiple of frames", dict(frames_multiple=1)
