"""Stacks: several frames joined into one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from kapre._checks import message
from kapre._lazy import needs
from kapre.ops.counts import num_frames
from kapre.stages._stage import MOST_FRAMES, MOST_JOINED, UNSET, Back, Call, Mistake, Stage, Values, one_of, positive

if TYPE_CHECKING:
    from keras import ops

    from kapre.ops import features
    from kapre.ops.chunks import Cutter, State
    from kapre.ops.host import library
    from kapre.recipe import Recipe

needs(
    __name__,
    ops="keras.ops",
    features="kapre.ops.features",
    Cutter="kapre.ops.chunks:Cutter",
    library="kapre.ops.host:library",
)

STATE = "stacks"


@dataclass(frozen=True, kw_only=True)
class Fields:
    """The fields of stacks."""

    stack: int = 1
    stack_hop: int = UNSET
    stack_edges: Literal["drop", "zeros", "repeat"] = "drop"


class Stack(Stage):
    """Join `stack` frames into one, every `stack_hop` frames."""

    Fields = Fields
    checks: ClassVar = {
        "stack": positive("1 stacks nothing.", MOST_JOINED),
        "stack_edges": one_of(("drop", "zeros", "repeat"), "What becomes of frames that fill no whole stack."),
    }
    idle = (("stack", 1, ("stack_hop", "stack_edges")),)

    def check(self, f: Values, defaults: Mapping[str, Any]) -> None:
        hop = f["stack"] if f["stack_hop"] is None else f["stack_hop"]
        f["stack_hop"] = positive(f"Use None for {f['stack']}: no overlap.", MOST_FRAMES)("stack_hop", hop)
        if f["stack_edges"] == "repeat" and f["stack_hop"] > f["stack"]:
            raise ValueError(message("stack_hop", f"at most stack={f['stack']}", f["stack_hop"], "Lower it."))

    def front(self, recipe: Recipe) -> int:
        """Return how often the first frame is repeated before it."""
        return (recipe.stack - 1) // 2 if recipe.stack_edges == "repeat" else 0

    def count(self, recipe: Recipe, frames: Any) -> Any:
        """Return the number of stacks in a number of frames: an int, None or an integer tensor."""
        if recipe.stack == 1 or frames is None:
            return frames
        if recipe.stack_edges == "drop":
            return num_frames(frames, recipe.stack, recipe.stack_hop)
        return (frames + recipe.stack_hop - 1) // recipe.stack_hop

    def shape(self, recipe: Recipe, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (int(self.count(recipe, shape[0])), shape[1] * recipe.stack)

    def products(self, recipe: Recipe, shape: tuple[int, ...]) -> float:
        return 0.0

    def is_on(self, recipe: Recipe) -> bool:
        return recipe.stack > 1

    def run(self, recipe: Recipe, x: Any, call: Call) -> Any:
        if call.state is None:
            return features.stack(x, recipe.stack, recipe.stack_hop, recipe.stack_edges, call.counts)
        cutter, ended = call.cutters[STATE], call.invalid is not None
        span, call.state[STATE] = cutter.push(x, call.state[STATE], ended)
        y = features.stack(span, cutter.size, cutter.hop, "drop")
        return library(y).concatenate([y, self._last(recipe, cutter, call.state[STATE])], axis=1) if ended else y

    def _last(self, recipe: Recipe, cutter: Cutter, state: State) -> Any:
        """Complete the stacks of the remaining frames, as the recipe specifies."""
        kept, edges = state["kept"], recipe.stack_edges
        waits = "left" in state and state["left"].shape[0]  # too few frames to repeat the first one yet
        if edges != "repeat" or waits:
            return features.stack(kept if edges != "drop" else kept[:, :0], cutter.size, cutter.hop, edges)
        count = -(-max(0, kept.shape[1] - cutter.left) // cutter.hop)
        filled = features.repeat_edges(kept, 0, cutter.size)
        span = filled[:, : (count - 1) * cutter.hop + cutter.size if count else 0]
        return features.stack(span, cutter.size, cutter.hop, "drop")

    def undo(self, recipe: Recipe, x: Any, back: Back) -> Any:
        def apart(of_stacks: Any, width: int) -> Any:
            shape = (*ops.shape(of_stacks)[:-1], recipe.stack, width)
            return features.joined(ops.reshape(of_stacks, shape), recipe.stack_hop, self.front(recipe))

        if back.silent is not None:
            back.silent = apart(ops.repeat(back.silent, recipe.stack, axis=-1), 1)
        return apart(x, x.shape[-1] // recipe.stack)

    def lost(self, recipe: Recipe) -> tuple[str, ...]:
        if recipe.stack_hop > recipe.stack:
            return ("Frames between two stacks are taken from the nearest one.",)
        return ("Frames after the last whole stack are not in the features.",) if recipe.stack_edges == "drop" else ()

    def cutter(self, recipe: Recipe, chunk: int | None, delay: int) -> Cutter:
        """Return what cuts the frames of a stream into stacks.

        A fixed chunk has `chunk` frames, and a fixed stream begins with `delay` frames that belong to no clip.
        """
        size, hop = recipe.stack, recipe.stack_hop
        return Cutter(size, hop, self.front(recipe), "edge", axis=-2, chunk=chunk, delay=delay, cycle=hop)

    def needs_whole_clip(self, recipe: Recipe) -> dict[str, dict[str, Any]]:
        if recipe.stack == 1 or recipe.valid_frames == "all" or recipe.stack_edges != "repeat":
            return {}
        words = f"stack_edges='repeat' of the last frame that counts (valid_frames={recipe.valid_frames!r})"
        return {words: {"stack_edges": "zeros"}}

    def mistakes(self, recipe: Recipe, peak: float) -> Iterator[Mistake]:
        if recipe.stack > 1:
            yield "stacks not filled left out", dict(stack_edges="drop")
            yield "stacks not filled filled with zeros", dict(stack_edges="zeros")
            yield "stacks not filled filled by repeating", dict(stack_edges="repeat")
