"""The rate of the samples that are given, from which they are resampled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from kapre._checks import message
from kapre._lazy import needs
from kapre.ops import sinc
from kapre.stages._stage import Call, Mistake, Stage, Values, one_of

if TYPE_CHECKING:
    from kapre.ops import frames, resample
    from kapre.ops.chunks import Cutter
    from kapre.recipe import Recipe

needs(__name__, frames="kapre.ops.frames", resample="kapre.ops.resample")


@dataclass(frozen=True, kw_only=True)
class Fields:
    """The fields of the rate of the input."""

    input_rate: int | None = None
    resampling_method: Literal["sinc_interp_hann", "sinc_interp_kaiser", "kaiser_best", "kaiser_fast"] = (
        "sinc_interp_hann"
    )


def _kernel(f: Mapping[str, Any]) -> sinc.Sinc:
    return sinc.check_sinc(None, None, f["resampling_method"], None)


class Rate(Stage):
    """Resample the waveform from `input_rate` to `sample_rate`."""

    Fields = Fields
    checks: ClassVar = {
        "resampling_method": one_of(
            get_args(sinc.Method), "Use 'sinc_interp_hann' (torchaudio), or 'kaiser_best' for precision."
        ),
    }
    idle = (("input_rate", None, ("resampling_method",)),)
    added = ("input_rate", "resampling_method")

    def check(self, f: Values, defaults: Mapping[str, Any]) -> None:
        if f["input_rate"] is None:
            return
        if not isinstance(f["sample_rate"], int):
            rule = "a whole number of Hz with an input_rate"
            raise ValueError(message("sample_rate", rule, f["sample_rate"], "Give the rate of the features."))
        whole = isinstance(f["input_rate"], float) and f["input_rate"].is_integer()
        given = int(f["input_rate"]) if whole else f["input_rate"]
        f["input_rate"] = sinc.check_input_rate(given, f["sample_rate"], _kernel(f))
        if f["input_rate"] == f["sample_rate"]:
            f.update((name, defaults[name]) for name in self.names)

    def ratio(self, recipe: Recipe) -> tuple[int, int]:
        """Return the rates before and after, divided by their greatest common divisor: (1, 1) if they are the same."""
        if recipe.input_rate is None:
            return 1, 1
        assert isinstance(recipe.sample_rate, int)
        return sinc.reduced(recipe.input_rate, recipe.sample_rate)

    def count(self, recipe: Recipe, n_samples: Any) -> Any:
        """Return the number of resampled samples: an int, None or an integer tensor."""
        return n_samples if recipe.input_rate is None else sinc.out_length(n_samples, *self.ratio(recipe))

    def reach(self, recipe: Recipe) -> int:
        """Return how many samples the resampling needs on either side of a sample."""
        return 0 if recipe.input_rate is None else sinc.reach(*self.ratio(recipe), _kernel(vars(recipe)))

    def shape(self, recipe: Recipe, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (int(self.count(recipe, shape[0])),)

    def products(self, recipe: Recipe, shape: tuple[int, ...]) -> float:
        old, _ = self.ratio(recipe)
        return float(shape[0] * (2 * self.reach(recipe) + old))

    def is_on(self, recipe: Recipe) -> bool:
        return recipe.input_rate is not None

    def run(self, recipe: Recipe, x: Any, call: Call) -> Any:
        old, new = self.ratio(recipe)
        if call.state is not None:
            cutter = call.cutters["rate"]
            y, call.state["rate"] = resample.step(x, call.state["rate"], cutter, new, _kernel(vars(recipe)))
            return y
        if call.lengths is not None:
            x = frames.keep(x, call.lengths)
            call.lengths = self.count(recipe, call.lengths)
        return resample.resample(x, old, new, _kernel(vars(recipe)))

    def lost(self, recipe: Recipe) -> tuple[str, ...]:
        rate: Any = recipe.sample_rate
        half = min(rate, recipe.input_rate or rate) / 2.0
        return (f"Frequencies above {half:g} Hz are lost, and the waveform stays at {rate:g} Hz.",)

    def cutter(self, recipe: Recipe, chunk: int | None) -> Cutter:
        """Return what cuts a stream into the inputs of single periods. `chunk` is the size of fixed chunks."""
        return resample.cutter(*self.ratio(recipe), _kernel(vars(recipe)), chunk)

    def rest(self, recipe: Recipe, call: Call) -> Any:
        """Return the samples that remain after the end of a stream, from the state of a stream with any chunks."""
        assert call.state is not None
        _, new = self.ratio(recipe)
        return resample.rest(call.state["rate"], call.cutters["rate"], new, _kernel(vars(recipe)))

    def mistakes(self, recipe: Recipe, peak: float) -> Iterator[Mistake]:
        if recipe.input_rate is None:
            return
        yield "samples that were not resampled", dict(input_rate=None)
        for method in get_args(sinc.Method):
            yield f"samples resampled by {method!r}", dict(resampling_method=method)
