"""The length of a clip in samples: fixed, or a multiple."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from kapre._checks import flag, message
from kapre._lazy import needs
from kapre.ops.counts import padded_length
from kapre.stages._stage import Back, Call, Mistake, Stage, Values, at_least_0, one_of, optional, positive

if TYPE_CHECKING:
    from kapre.ops import frames, waves
    from kapre.recipe import Recipe

needs(__name__, frames="kapre.ops.frames", waves="kapre.ops.waves")


@dataclass(frozen=True, kw_only=True)
class Fields:
    """The fields of the length."""

    fixed_samples: int | None = None
    fixed_by: Literal["zeros", "tile"] = "zeros"
    samples_at_least: int = 0
    samples_multiple: int = 1
    samples_multiple_strict: bool = False
    multiple_by: Literal["zeros", "reflect"] = "zeros"
    zeros_after: int = 0


_MULTIPLE = ("samples_at_least", "samples_multiple", "samples_multiple_strict", "multiple_by")
_MODES = {"zeros": "constant", "reflect": "reflect"}


class Length(Stage):
    """Pad or trim the waveform to a fixed length, or pad it to a multiple."""

    Fields = Fields
    checks: ClassVar = {
        "fixed_samples": optional("Use None for clips of any length."),
        "fixed_by": one_of(("zeros", "tile"), "'tile' repeats the clip a whole number of times, then adds zeros."),
        "samples_at_least": at_least_0,
        "samples_multiple": positive("1 pads nothing."),
        "samples_multiple_strict": flag,
        "zeros_after": at_least_0,
        "multiple_by": one_of(tuple(_MODES), "'reflect' mirrors the end of the clip."),
    }
    added = ("samples_multiple_strict", "multiple_by", "zeros_after")
    idle = (("fixed_samples", None, ("fixed_by",)),)

    def idle_fields(self, f: Mapping[str, Any]) -> dict[str, str]:
        fixed = {} if f["fixed_samples"] is None else dict.fromkeys(_MULTIPLE, "fixed_samples=None")
        pads = f["samples_multiple"] > 1 or f["samples_multiple_strict"]
        mode = {} if pads else {"multiple_by": "a samples_multiple above 1"}
        return fixed | mode | super().idle_fields(f)

    def check(self, f: Values, defaults: Mapping[str, Any]) -> None:
        f.update((name, defaults[name]) for name in self.idle_fields(f) if name in _MULTIPLE)
        if f["multiple_by"] != "zeros" and f["samples_at_least"]:
            rule = "'zeros' with samples_at_least"
            raise ValueError(message("multiple_by", rule, f["multiple_by"], "Use samples_at_least=0."))

    def used(self, recipe: Recipe, n_samples: Any) -> Any:
        """Return the length of a clip after this stage: an int, None or an integer tensor."""
        if recipe.fixed_samples is not None:
            return recipe.fixed_samples + recipe.zeros_after
        padded = padded_length(n_samples, *self._multiple(recipe))
        return None if padded is None else padded + recipe.zeros_after

    def _multiple(self, recipe: Recipe) -> tuple[int, int, bool]:
        return recipe.samples_at_least, recipe.samples_multiple, recipe.samples_multiple_strict

    def shape(self, recipe: Recipe, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (int(self.used(recipe, shape[0])),)

    def products(self, recipe: Recipe, shape: tuple[int, ...]) -> float:
        return 0.0

    def is_on(self, recipe: Recipe) -> bool:
        changes = self._multiple(recipe) != (0, 1, False) or recipe.zeros_after > 0
        return recipe.fixed_samples is not None or changes

    def run(self, recipe: Recipe, x: Any, call: Call) -> Any:
        if call.state is not None:  # a stream adds the zeros at its end
            return x
        lengths = call.lengths
        call.lengths = None if lengths is None or recipe.fixed_samples is not None else self.used(recipe, lengths)
        return frames.pad(self._padded(recipe, x, lengths), 0, recipe.zeros_after)

    def _padded(self, recipe: Recipe, x: Any, lengths: Any) -> Any:
        if recipe.fixed_samples is None:
            return waves.pad_to_multiple(x, *self._multiple(recipe), _MODES[recipe.multiple_by], lengths)
        if recipe.fixed_by == "tile":
            return waves.tile(x, recipe.fixed_samples, lengths)
        return waves.fit(x, recipe.fixed_samples)

    def undo(self, recipe: Recipe, x: Any, back: Back) -> Any:
        if recipe.fixed_samples is not None:
            return waves.fit(x, recipe.fixed_samples)
        if recipe.power is None and recipe.zeros_after:
            return x[..., : max(0, x.shape[-1] - recipe.zeros_after)]
        return x

    def lost(self, recipe: Recipe) -> tuple[str, ...]:
        if recipe.fixed_samples is None:
            return ()
        return (f"Samples after the first {recipe.fixed_samples} are not in the features.",)

    def needs_whole_clip(self, recipe: Recipe) -> dict[str, dict[str, Any]]:
        if recipe.multiple_by != "zeros":
            return {f"multiple_by={recipe.multiple_by!r} (samples before the end, mirrored)": {"multiple_by": "zeros"}}
        if recipe.fixed_samples is None:
            return {}
        return {f"fixed_samples={recipe.fixed_samples} (padding up to a fixed length)": {"fixed_samples": None}}

    def mistakes(self, recipe: Recipe, peak: float) -> Iterator[Mistake]:
        if recipe.fixed_samples is not None:
            yield "clips that were not padded to a fixed length", dict(fixed_samples=None)
            other = "tile" if recipe.fixed_by == "zeros" else "zeros"
            yield f"short clips filled up by {other!r}", dict(fixed_by=other)
        elif recipe.sample_rate is not None:
            for seconds in (10, 30):
                length = round(seconds * recipe.sample_rate)
                yield f"clips padded or trimmed to {seconds} s", dict(fixed_samples=length)
        yield (
            "clips that were not padded to a multiple of samples",
            dict(samples_at_least=0, samples_multiple=1, samples_multiple_strict=False),
        )
        if recipe.samples_multiple > 1 and recipe.fixed_samples is None:
            yield "clips padded even if they are a multiple of samples already", dict(samples_multiple_strict=True)
            yield (
                "clips padded to a multiple of samples only if they are not one already",
                dict(samples_multiple_strict=False),
            )
            other = "zeros" if recipe.multiple_by == "reflect" else "reflect"
            yield f"clips padded to a multiple of samples by {other!r}", dict(multiple_by=other, samples_at_least=0)
