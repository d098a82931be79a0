"""The waveform: its scale, its statistics and dither."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from kapre._checks import flag, number
from kapre._lazy import needs
from kapre.stages._stage import Call, Mistake, Stage, above_0, not_negative

if TYPE_CHECKING:
    from kapre.ops import frames, waves
    from kapre.recipe import Recipe

needs(__name__, frames="kapre.ops.frames", waves="kapre.ops.waves")

KALDI_SCALE = 32768.0


@dataclass(frozen=True, kw_only=True)
class Fields:
    """The fields of the waveform."""

    sample_rate: float | None = None
    input_scale: float = 1.0
    normalize_samples: bool = False
    samples_epsilon: float = 1e-7
    dither: float = 0.0


def _rate(name: str, value: Any) -> float | None:
    if value is None:
        return None
    rate = number(name, value, "Give it in Hz.", above=0.0, rule="a positive number of Hz")
    return int(rate) if rate.is_integer() else rate


class Samples(Stage):
    """Scale the samples, add dither and normalise the waveform."""

    Fields = Fields
    checks: ClassVar = {
        "sample_rate": _rate,
        "input_scale": above_0("Use 1.0, or 32768.0 for Kaldi's scale."),
        "normalize_samples": flag,
        "samples_epsilon": not_negative,
        "dither": not_negative,
    }
    idle = (("normalize_samples", False, ("samples_epsilon",)),)

    def run(self, recipe: Recipe, x: Any, call: Call) -> Any:
        if call.lengths is not None:
            x = frames.keep(x, call.lengths)
        if recipe.input_scale != 1.0:
            x = x * recipe.input_scale
        if call.noise is not None:
            x = x + recipe.dither * call.noise
            x = x if call.lengths is None else frames.keep(x, call.lengths)
        return waves.normalized(x, recipe.samples_epsilon, call.lengths) if recipe.normalize_samples else x

    def needs_whole_clip(self, recipe: Recipe) -> dict[str, dict[str, Any]]:
        words = "normalize_samples (the clip's mean and variance)"
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
        else:
            yield "samples normalised to mean 0 and variance 1", dict(normalize_samples=True)
