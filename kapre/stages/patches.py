"""Patches of several frames."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from kapre._lazy import needs
from kapre.ops.counts import num_frames
from kapre.stages._stage import MOST_FRAMES, Back, Call, Mistake, Stage, Values, optional, positive

if TYPE_CHECKING:
    from kapre.ops import features
    from kapre.ops.chunks import Cutter
    from kapre.recipe import Recipe

needs(__name__, features="kapre.ops.features", Cutter="kapre.ops.chunks:Cutter")

STATE = "patches"


@dataclass(frozen=True, kw_only=True)
class Fields:
    """The fields of patches."""

    patch_frames: int | None = None
    patch_hop: int | None = None


class Patches(Stage):
    """Cut features into patches of `patch_frames` frames, every `patch_hop` frames."""

    Fields = Fields
    checks: ClassVar = {"patch_frames": optional("Use None for no patches.", MOST_FRAMES)}
    idle = (("patch_frames", None, ("patch_hop",)),)

    def check(self, f: Values, defaults: Mapping[str, Any]) -> None:
        hop = f["patch_frames"] if f["patch_hop"] is None else f["patch_hop"]
        if hop is not None:
            f["patch_hop"] = positive(f"Use None for {f['patch_frames']}: no overlap.", MOST_FRAMES)("patch_hop", hop)

    def count(self, recipe: Recipe, frames: Any) -> Any:
        """Return the number of patches in a number of frames: an int, None or an integer tensor."""
        return num_frames(frames, recipe.patch_frames or 1, recipe.patch_hop or 1) if self.is_on(recipe) else frames

    def shape(self, recipe: Recipe, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (int(self.count(recipe, shape[0])), recipe.patch_frames or 1, shape[1])

    def products(self, recipe: Recipe, shape: tuple[int, ...]) -> float:
        return 0.0

    def is_on(self, recipe: Recipe) -> bool:
        return recipe.patch_frames is not None

    def run(self, recipe: Recipe, x: Any, call: Call) -> Any:
        if call.state is not None:
            x, call.state[STATE] = call.cutters[STATE].push(x, call.state[STATE], call.invalid is not None)
        return features.patches(x, recipe.patch_frames or 1, recipe.patch_hop or 1)

    def undo(self, recipe: Recipe, x: Any, back: Back) -> Any:
        return features.joined(x, recipe.patch_hop or 1)

    def lost(self, recipe: Recipe) -> tuple[str, ...]:
        words = f"Frames after the last whole patch of {recipe.patch_frames} are not in the features."
        between = "Frames between two patches are taken from the nearest one."
        return (words, between) if (recipe.patch_hop or 1) > (recipe.patch_frames or 1) else (words,)

    def cutter(self, recipe: Recipe, chunk: int | None, delay: int) -> Cutter:
        """Return what cuts the frames of a stream into patches; see `Stack.cutter`."""
        size, hop = recipe.patch_frames or 1, recipe.patch_hop or 1
        return Cutter(size, hop, 0, "edge", axis=-2, chunk=chunk, delay=delay, cycle=hop)

    def mistakes(self, recipe: Recipe, peak: float) -> Iterator[Mistake]:
        if recipe.patch_frames is not None:
            yield "patches that don't overlap", dict(patch_hop=recipe.patch_frames)
            yield "patches that overlap by half", dict(patch_hop=max(1, recipe.patch_frames // 2))
