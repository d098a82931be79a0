"""Which frames are valid, and a fixed number of frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from kapre._lazy import needs
from kapre.ops.counts import at_least_0, num_frames
from kapre.stages._stage import MOST_FRAMES, Back, Call, Mistake, Stage, one_of, optional

if TYPE_CHECKING:
    from kapre.ops import features
    from kapre.recipe import Recipe

needs(__name__, features="kapre.ops.features")


@dataclass(frozen=True, kw_only=True)
class Fields:
    """The fields of the count."""

    valid_frames: Literal["all", "hops", "whole"] = "all"
    fixed_frames: int | None = None


class Count(Stage):
    """Set frames that are not valid to 0, and pad or trim features to a fixed number of frames."""

    Fields = Fields
    checks: ClassVar = {
        "valid_frames": one_of(("all", "hops", "whole"), "'hops' counts n_samples // hop_length."),
        "fixed_frames": optional("Use None for as many frames as there are.", MOST_FRAMES),
    }

    def valid(self, recipe: Recipe, found: Any, n_samples: Any) -> Any:
        """Return how many of the frames found in a clip are valid."""
        if recipe.valid_frames == "all" or n_samples is None:
            return found
        if recipe.valid_frames == "hops":
            counted = n_samples // recipe.hop_length
        else:
            counted = num_frames(n_samples + recipe.padding[0], *recipe.cut)
        return found - at_least_0(found - counted)  # the smaller of the two

    def shape(self, recipe: Recipe, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (shape[0] if recipe.fixed_frames is None else recipe.fixed_frames, *shape[1:])

    def products(self, recipe: Recipe, shape: tuple[int, ...]) -> float:
        return 0.0

    def is_on(self, recipe: Recipe) -> bool:
        return recipe.valid_frames != "all" or recipe.fixed_frames is not None or recipe.stack > 1 or recipe.deltas > 0

    def run(self, recipe: Recipe, x: Any, call: Call) -> Any:
        if call.state is not None:
            return x if not call.invalid else features.fixed(x[:, : max(0, x.shape[1] - call.invalid)], x.shape[1])
        x = features.keep_valid(x, call.counts)
        if recipe.fixed_frames is None:
            return x
        call.counts = None
        return features.fixed(x, recipe.fixed_frames)

    def undo(self, recipe: Recipe, x: Any, back: Back) -> Any:
        if recipe.fixed_frames is not None or recipe.valid_frames != "all":
            back.silent = features.zeros_in(x, back.silent)
        return x

    def lost(self, recipe: Recipe) -> tuple[str, ...]:
        if recipe.fixed_frames is None:
            return ()
        return (f"Frames after the first {recipe.fixed_frames} are not in the features.",)

    def needs_whole_clip(self, recipe: Recipe) -> dict[str, dict[str, Any]]:
        if recipe.fixed_frames is None:
            return {}
        return {f"fixed_frames={recipe.fixed_frames} (padding up to a fixed length)": {"fixed_frames": None}}

    def mistakes(self, recipe: Recipe, peak: float) -> Iterator[Mistake]:
        counted = {"all": "every frame", "hops": "n_samples // hop_length frames", "whole": "whole frames only"}
        for rule, words in counted.items():
            yield f"{words} counted as valid", dict(valid_frames=rule)
        if recipe.fixed_frames is not None:
            yield "as many frames as the clip has", dict(fixed_frames=None)
