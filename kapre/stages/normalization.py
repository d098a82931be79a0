"""Normalisation of each band by its mean and deviation over time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from kapre._checks import flag, message
from kapre._lazy import needs
from kapre.stages._stage import MOST_FRAMES, Back, Call, Mistake, Stage, Values, not_negative, one_of, positive

if TYPE_CHECKING:
    from kapre.ops import features
    from kapre.ops.chunks import State
    from kapre.recipe import Recipe

needs(__name__, features="kapre.ops.features")


@dataclass(frozen=True, kw_only=True)
class Fields:
    """The fields of normalisation."""

    normalize: Literal["mean", "mean_std"] | None = None
    normalize_over: Literal["utterance", "running", "sliding"] = "utterance"
    normalize_ddof: int = 0
    normalize_epsilon: float = 0.0
    normalize_epsilon_in: Literal["variance", "deviation"] = "variance"
    normalize_window: int = 600
    normalize_min_frames: int = 100
    normalize_center: bool = False


_OF_DEVIATION = ("normalize_ddof", "normalize_epsilon", "normalize_epsilon_in")
_OF_SLIDING = ("normalize_window", "normalize_min_frames", "normalize_center")


class Normalization(Stage):
    """Normalise each band over the frames of the clip, or over those up to the present one."""

    Fields = Fields
    checks: ClassVar = {
        "normalize": one_of(
            (None, "mean", "mean_std"), "Each band over time: 'mean' subtracts, 'mean_std' divides too."
        ),
        "normalize_over": one_of(
            ("utterance", "running", "sliding"),
            "'running' takes the frames up to the present one, 'sliding' only the last ones of these.",
        ),
        "normalize_ddof": one_of((0, 1), "1 divides the variance by the frames less one."),
        "normalize_epsilon": not_negative,
        "normalize_epsilon_in": one_of(
            ("variance", "deviation"), "Where the epsilon is added: before or after the root."
        ),
        "normalize_window": positive("Kaldi takes 600 frames.", MOST_FRAMES),
        "normalize_min_frames": positive("Kaldi takes 100 frames, 1 can stream.", MOST_FRAMES),
        "normalize_center": flag,
    }
    added = _OF_SLIDING
    idle = (
        ("normalize", None, ("normalize_over", *_OF_DEVIATION, *_OF_SLIDING)),
        ("normalize", "mean", _OF_DEVIATION),
        ("normalize_over", "utterance", _OF_SLIDING),
        ("normalize_over", "running", _OF_SLIDING),
        ("normalize_center", True, ("normalize_min_frames",)),
    )

    def check(self, f: Values, defaults: Mapping[str, Any]) -> None:
        if f["normalize_min_frames"] > f["normalize_window"] and f["normalize_over"] == "sliding":
            if f["normalize_min_frames"] == defaults["normalize_min_frames"]:
                f["normalize_min_frames"] = f["normalize_window"]
                return
            rule = f"at most normalize_window={f['normalize_window']}"
            raise ValueError(message("normalize_min_frames", rule, f["normalize_min_frames"], "Lower it."))

    def is_on(self, recipe: Recipe) -> bool:
        return recipe.normalize is not None

    def run(self, recipe: Recipe, x: Any, call: Call) -> Any:
        how: dict[str, Any] = dict(
            std=recipe.normalize == "mean_std",
            ddof=recipe.normalize_ddof,
            epsilon=recipe.normalize_epsilon,
            epsilon_in=recipe.normalize_epsilon_in,
        )
        if recipe.normalize_over == "utterance":
            return features.normalize(x, counts=call.counts, **how)
        if recipe.normalize_over == "sliding" and call.state is None:
            extent = recipe.normalize_window, recipe.normalize_min_frames, recipe.normalize_center
            return features.normalize_sliding(x, *extent, counts=call.counts, **how)
        if recipe.normalize_over == "sliding" and call.state is not None:
            x, call.state["sliding"] = features.slide(
                x, call.state["sliding"], recipe.normalize_window, real=call.real, **how
            )
            return x
        state = features.running_start(x) if call.state is None else call.state["running"]
        x, state = features.normalize_running(x, state, real=call.real, **how)
        if call.state is not None:
            call.state["running"] = state
        return x

    def undo(self, recipe: Recipe, x: Any, back: Back) -> Any:
        if recipe.normalize == "mean_std":
            x = x * back.deviation
        return x + back.mean

    def lost(self, recipe: Recipe) -> tuple[str, ...]:
        over = {
            "utterance": "over the clip",
            "running": "up to each frame",
            "sliding": f"over {recipe.normalize_window} frames",
        }[recipe.normalize_over]
        mean = f"Each band's mean {over} is not in the features: it is taken to be `mean`."
        deviation = f"Each band's deviation {over} is not in the features: it is taken to be `deviation`."
        return (mean, deviation) if recipe.normalize == "mean_std" else (mean,)

    def needs_whole_clip(self, recipe: Recipe) -> dict[str, dict[str, Any]]:
        if recipe.normalize is None or recipe.normalize_over == "running":
            return {}
        if recipe.normalize_over == "sliding":
            words = "normalize_center=True (frames after the present one)"
            changes: dict[str, Any] = dict(normalize_center=False, normalize_min_frames=1)
            if not recipe.normalize_center:
                words = f"normalize_min_frames={recipe.normalize_min_frames} (frames after the first ones)"
                del changes["normalize_center"]
            return {words: changes} if recipe.normalize_center or recipe.normalize_min_frames > 1 else {}
        return {f"normalize={recipe.normalize!r} over the whole clip": {"normalize_over": "running"}}

    def start(self, recipe: Recipe, empty: Any) -> State:
        if recipe.normalize_over == "sliding":
            return {"sliding": features.sliding_start(empty, recipe.normalize_window)}
        return {"running": features.running_start(empty)}

    def mistakes(self, recipe: Recipe, peak: float) -> Iterator[Mistake]:
        yield "bands that were not normalised over time", dict(normalize=None)
        yield "each band's mean over time subtracted", dict(normalize="mean")
        for ddof in (0, 1):
            for epsilon, place in ((0.0, "variance"), (1e-7, "variance"), (1e-5, "deviation"), (1e-10, "deviation")):
                yield (
                    f"bands normalised over time, ddof {ddof}, epsilon {epsilon:g} added to the {place}",
                    dict(
                        normalize="mean_std", normalize_ddof=ddof, normalize_epsilon=epsilon, normalize_epsilon_in=place
                    ),
                )
        for over, words in (
            ("utterance", "of the whole clip"),
            ("running", "up to the present frame"),
            ("sliding", "of a sliding window"),
        ):
            yield f"statistics {words}", dict(normalize_over=over)
