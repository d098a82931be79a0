"""The waveform: its scale, its statistics or level, and dither."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from kapre._checks import flag, number
from kapre._lazy import needs
from kapre.ops.sinc import MOST_RATE
from kapre.stages._stage import Back, Call, Mistake, Stage, Values, above_0, at_most, not_negative, one_of

if TYPE_CHECKING:
    from kapre.ops import frames, waves
    from kapre.recipe import Recipe

needs(__name__, frames="kapre.ops.frames", waves="kapre.ops.waves")

KALDI_SCALE = 32768.0
LEVELS = ("rms", "peak")
_OF_LEVEL = ("target_dbfs", "only_raise", "peak_limit")


@dataclass(frozen=True, kw_only=True)
class Fields:
    """The fields of the waveform."""

    sample_rate: float | None = None
    input_scale: float = 1.0
    normalize_samples: bool | Literal["rms", "peak"] = False
    samples_epsilon: float = 1e-7
    target_dbfs: float = -25.0
    only_raise: bool = False
    peak_limit: float | None = None
    dither: float = 0.0


def _rate(name: str, value: Any) -> float | None:
    if value is None:
        return None
    rate = number(name, value, "Give it in Hz.", above=0.0, rule="a positive number of Hz")
    at_most(name, rate, MOST_RATE, "Give it in Hz.", "Hz")
    return int(rate) if rate.is_integer() else rate


def _normalization(name: str, value: Any) -> bool | str:
    if value in LEVELS and isinstance(value, str):
        return value
    if isinstance(value, str):
        one_of((False, True, *LEVELS), "True is mean 0 and variance 1, 'rms' and 'peak' set a level.")(name, value)
    return flag(name, value)


def _limit(name: str, value: Any) -> float | None:
    remedy = "Use 1.0 for full scale, or None for no limit."
    return None if value is None else number(name, value, remedy, above=0.0, rule="None or a positive number")


class Samples(Stage):
    """Scale the samples, add dither, and normalise the waveform or its level."""

    Fields = Fields
    checks: ClassVar = {
        "sample_rate": _rate,
        "input_scale": above_0("Use 1.0, or 32768.0 for Kaldi's scale."),
        "normalize_samples": _normalization,
        "samples_epsilon": not_negative,
        "target_dbfs": lambda name, value: number(name, value, "Give it in dB below full scale, such as -25.0."),
        "only_raise": flag,
        "peak_limit": _limit,
        "dither": not_negative,
    }
    added = _OF_LEVEL
    idle = (("normalize_samples", False, ("samples_epsilon", *_OF_LEVEL)), ("normalize_samples", True, _OF_LEVEL))

    def check(self, f: Values, defaults: Mapping[str, Any]) -> None:
        if f["normalize_samples"] == "peak":
            f["peak_limit"] = defaults["peak_limit"]

    def idle_fields(self, f: Mapping[str, Any]) -> dict[str, str]:
        of_peak = {"peak_limit": "normalize_samples='rms'"} if f["normalize_samples"] == "peak" else {}
        return of_peak | super().idle_fields(f)

    def in_words(self, recipe: Recipe) -> tuple[str, ...]:
        return ("level of samples",)

    def run(self, recipe: Recipe, x: Any, call: Call) -> Any:
        if call.lengths is not None:
            x = frames.keep(x, call.lengths)
        if recipe.input_scale != 1.0:
            x = x * recipe.input_scale
        if call.noise is not None:
            x = x + recipe.dither * call.noise
            x = x if call.lengths is None else frames.keep(x, call.lengths)
        if recipe.normalize_samples is False:
            return x
        if recipe.normalize_samples is True:
            return waves.normalized(x, recipe.samples_epsilon, call.lengths)
        target = 10.0 ** (recipe.target_dbfs / 20.0)
        by_peak = recipe.normalize_samples == "peak"
        x = waves.levelled(x, target, recipe.samples_epsilon, by_peak, recipe.only_raise, call.lengths)
        return x if recipe.peak_limit is None else waves.limited(x, recipe.peak_limit, recipe.samples_epsilon)

    def undo(self, recipe: Recipe, x: Any, back: Back) -> Any:
        return x / recipe.input_scale if recipe.input_scale != 1.0 else x

    def lost(self, recipe: Recipe) -> tuple[str, ...]:
        if recipe.normalize_samples is True:
            return ("The mean and the level of the clip are lost: its variance is 1.",)
        if recipe.normalize_samples:
            return (f"The level of the clip is lost: it is {recipe.target_dbfs:g} dB.",)
        return ()

    def needs_whole_clip(self, recipe: Recipe) -> dict[str, dict[str, Any]]:
        words = "normalize_samples (the clip's mean and variance, or its level)"
        return {words: {"normalize_samples": False}} if recipe.normalize_samples else {}

    def mistakes(self, recipe: Recipe, peak: float) -> Iterator[Mistake]:
        if recipe.input_scale == 1.0:
            yield "samples scaled by 32768, as Kaldi's are", dict(input_scale=KALDI_SCALE)
        else:
            yield f"samples in [-1, 1], not scaled by {recipe.input_scale:g}", dict(input_scale=1.0)
        yield "samples scaled by 32768 twice", dict(input_scale=recipe.input_scale * KALDI_SCALE)
        yield "samples divided by 32768 once too often", dict(input_scale=recipe.input_scale / KALDI_SCALE)
        if peak > 0.0:
            yield "samples scaled to a peak of 1 first", dict(input_scale=recipe.input_scale / peak)
        if recipe.normalize_samples:
            yield "samples that were not normalised", dict(normalize_samples=False)
            for epsilon in (0.0, 1e-5):
                yield f"an epsilon of {epsilon:g} under the samples' variance", dict(samples_epsilon=epsilon)
        if recipe.normalize_samples is not True:
            yield "samples normalised to mean 0 and variance 1", dict(normalize_samples=True)
        for target in (-20.0, -25.0, -30.0):
            yield f"samples at an RMS of {target:g} dB", dict(normalize_samples="rms", target_dbfs=target)
        yield "samples at a peak of 0 dB", dict(normalize_samples="peak", target_dbfs=0.0)
