"""Preemphasis, over the whole signal or within each frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from kapre._checks import message, number
from kapre._lazy import needs
from kapre.ops.counts import at_least_0
from kapre.stages._stage import Back, Call, Mistake, Stage, Values, one_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kapre.ops import frames, waves
    from kapre.ops.host import library
    from kapre.recipe import Recipe

needs(__name__, frames="kapre.ops.frames", waves="kapre.ops.waves", library="kapre.ops.host:library")

_FIRST = {
    "keep": "the first sample kept",
    "first": "the first sample taken for the one before it",
    "reflect": "the second sample taken for the one before the first",
    "drop": "the first sample left out",
}
_OF_SIGNAL = ("reflect", "drop")


@dataclass(frozen=True, kw_only=True)
class Fields:
    """The fields of preemphasis."""

    preemphasis: float = 0.0
    preemphasis_over: Literal["signal", "frame"] = "signal"
    preemphasis_first: Literal["keep", "first", "reflect", "drop"] = "keep"


def within_frames(recipe: Recipe) -> float:
    """Return the coefficient of preemphasis within each frame, 0.0 for none."""
    return recipe.preemphasis if recipe.preemphasis_over == "frame" else 0.0


def no_deemphasis(recipe: Recipe) -> tuple[str, str] | None:
    """Return why preemphasis cannot be undone, and a remedy, or None if it can."""
    if abs(recipe.preemphasis) < 1.0:
        return None
    return f"preemphasis={recipe.preemphasis:g} has an inverse that grows without end", "preemphasis=0.97"


def deemphasis(x: Any, coefficient: float, back: Back) -> Any:
    """Undo preemphasis. Samples in silent frames stay 0, where the filter would go on for a while."""
    y = waves.deemphasis(x, coefficient)
    return y if back.heard is None else y * back.heard


class Preemphasis(Stage):
    """Compute `y[n] = x[n] - a x[n - 1]` over the signal. The kernels apply it within frames."""

    Fields = Fields
    checks: ClassVar = {
        "preemphasis": lambda name, value: number(name, value, "Use 0.97, or 0.0 for none."),
        "preemphasis_over": one_of(("signal", "frame"), "Kaldi filters each frame, NeMo the whole signal."),
        "preemphasis_first": one_of(
            tuple(_FIRST), "What stands before the first sample: nothing (NeMo), itself (Kaldi) or the second one."
        ),
    }
    idle = (("preemphasis", 0.0, ("preemphasis_over", "preemphasis_first")),)

    def check(self, f: Values, defaults: Mapping[str, Any]) -> None:
        if f["power"] is None and f["preemphasis_over"] == "frame":
            rule = "'signal' with power=None, which has no frames"
            raise ValueError(message("preemphasis_over", rule, "frame", "Use preemphasis_over='signal'."))

        if f["preemphasis_first"] in _OF_SIGNAL and f["preemphasis_over"] == "frame":
            rule = "'keep' or 'first' within frames"
            way = "Use preemphasis_over='signal'."
            raise ValueError(message("preemphasis_first", rule, f["preemphasis_first"], way))

    def count(self, recipe: Recipe, n_samples: Any) -> Any:
        """Return the number of samples after preemphasis: an int, None or an integer tensor."""
        dropped = recipe.preemphasis_first == "drop" and self.is_on(recipe)
        return at_least_0(n_samples - 1) if dropped and n_samples is not None else n_samples

    def shape(self, recipe: Recipe, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (int(self.count(recipe, shape[0])),)

    def is_on(self, recipe: Recipe) -> bool:
        return recipe.preemphasis != 0.0 and recipe.preemphasis_over == "signal"

    def run(self, recipe: Recipe, x: Any, call: Call) -> Any:
        if call.state is None:
            y = waves.preemphasis(x, recipe.preemphasis, recipe.preemphasis_first)
            if call.lengths is None:
                return y
            call.lengths = self.count(recipe, call.lengths)
            return frames.keep(y, call.lengths)
        if not x.shape[1]:
            return x
        lib = library(x)
        y = waves.preemphasis(x, recipe.preemphasis, before=call.state["last"])
        if recipe.preemphasis_first == "first":
            first = call.seen + lib.arange(x.shape[1], dtype="int32") == call.delay
            y = y - recipe.preemphasis * lib.where(first, x, lib.zeros_like(x))  # 0 stands before the first sample
        call.state["last"] = lib.copy(x[:, -1:])  # a copy, as the caller may overwrite the samples
        return y

    def undo(self, recipe: Recipe, x: Any, back: Back) -> Any:
        if back.heard is not None:  # of a fixed length, whose rest is silent
            back.heard = waves.fit(back.heard, x.shape[-1])
        y = deemphasis(x, recipe.preemphasis, back)
        return frames.pad(y, 1, 0) if recipe.preemphasis_first == "drop" else y

    def lost(self, recipe: Recipe) -> tuple[str, ...]:
        return ("The first sample is not in the features.",) if recipe.preemphasis_first == "drop" else ()

    def no_way_back(self, recipe: Recipe) -> tuple[str, str] | None:
        return no_deemphasis(recipe)

    def needs_whole_clip(self, recipe: Recipe) -> dict[str, dict[str, Any]]:
        if recipe.preemphasis_first not in _OF_SIGNAL:
            return {}
        words = f"preemphasis_first={recipe.preemphasis_first!r} (samples after the first, or one sample less)"
        return {words: {"preemphasis_first": "first"}}

    def mistakes(self, recipe: Recipe, peak: float) -> Iterator[Mistake]:
        yield "no preemphasis", dict(preemphasis=0.0)
        for amount in dict.fromkeys((recipe.preemphasis or 0.97, 0.97, 0.95)):
            for over, place in (("signal", "the whole signal"), ("frame", "each frame")):
                for first, rule in _FIRST.items():
                    if over == "frame" and first in _OF_SIGNAL:
                        continue
                    yield (
                        f"preemphasis of {amount:g} over {place}, {rule}",
                        dict(preemphasis=amount, preemphasis_over=over, preemphasis_first=first),
                    )
