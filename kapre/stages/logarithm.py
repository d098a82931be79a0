"""The logarithm of the bands, and the range of its values."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from kapre._checks import message, number
from kapre._lazy import needs
from kapre.stages._stage import Call, Mistake, Stage, Values, one_of

if TYPE_CHECKING:
    from kapre.ops import features, scales
    from kapre.recipe import Recipe

needs(__name__, features="kapre.ops.features", scales="kapre.ops.scales")

_LOGS = {"ln": "a natural logarithm", "log10": "a logarithm to base 10", "db": "decibels", None: "no logarithm"}
_AMINS = (1e-5, 1e-6, 1e-7, 1e-8, 1e-10, 2.0**-24, 2.0**-23, 1e-3, 0.01, 1.0)


@dataclass(frozen=True, kw_only=True)
class Fields:
    """The fields of the logarithm."""

    log: Literal["ln", "log10", "db"] | None = None
    amin: float = 1e-5
    amin_by: Literal["max", "add"] = "max"
    ref_value: float | Literal["max"] = 1.0
    dynamic_range: float | None = None
    range_top: float | None = None


def check_decibel(ref_value: Any, amin: Any, dynamic_range: Any) -> tuple[float, float, float]:
    """Return the three arguments of a decibel scale as floats. Raise if one is invalid."""
    unbounded = isinstance(dynamic_range, numbers.Real) and float(dynamic_range) == math.inf
    return (_reference(ref_value), _amin(amin), math.inf if unbounded else _dynamic_range(dynamic_range))


def fixed_reference(recipe: Recipe) -> float:
    """Return the reference that does not depend on the clip: 1.0 for "max", which is subtracted from the decibels."""
    return 1.0 if isinstance(recipe.ref_value, str) else recipe.ref_value


def _reference(value: Any) -> float:
    return number("ref_value", value, "Use 1.0.", above=0.0, rule="a positive number")


def _amin(value: Any) -> float:
    return number("amin", value, "Use 1e-5 for magnitudes, 1e-10 for power.", above=0.0, rule="a positive number")


def _dynamic_range(value: Any) -> float:
    return number("dynamic_range", value, "Use 80.0 for decibels.", above=0.0, rule="a positive number of dB")


class Logarithm(Stage):
    """Limit the range of the logarithm, which `spectrum.of_frames` computes."""

    Fields = Fields
    checks: ClassVar = {
        "log": one_of((None, "ln", "log10", "db"), "'db' is 10 log10."),
        "amin_by": one_of(("max", "add"), "'max' is log(max(x, amin)), 'add' is log(x + amin)."),
    }
    idle = (
        ("log", None, ("amin", "amin_by", "ref_value", "dynamic_range", "range_top")),
        ("dynamic_range", None, ("range_top",)),
    )

    def check(self, f: Values, defaults: Mapping[str, Any]) -> None:
        f["amin"] = _amin(f["amin"])
        if not isinstance(f["ref_value"], str):
            f["ref_value"] = _reference(f["ref_value"])
        elif f["ref_value"] != "max":
            rule = "a positive number or 'max'"
            raise ValueError(message("ref_value", rule, f["ref_value"], "'max' is the maximum of each clip."))
        if f["dynamic_range"] is not None:
            f["dynamic_range"] = _dynamic_range(f["dynamic_range"])
        if f["range_top"] is not None:
            f["range_top"] = number("range_top", f["range_top"], "Use None for each clip's own maximum.")
        if f["log"] != "db" and f["ref_value"] != 1.0:
            raise ValueError(message("ref_value", "1.0 unless log='db'", f["ref_value"], "Use log='db'."))

    def in_words(self, recipe: Recipe) -> tuple[str, ...]:
        return ("largest value as reference",) if recipe.dynamic_range is None else ("range below the largest value",)

    def is_on(self, recipe: Recipe) -> bool:
        return recipe.log is not None and (recipe.dynamic_range is not None or recipe.ref_value == "max")

    def run(self, recipe: Recipe, x: Any, call: Call) -> Any:
        log: Any = recipe.log
        floor = scales.lowest_log(log, recipe.amin, fixed_reference(recipe))
        valid = features.valid(x, call.counts)
        if recipe.dynamic_range is not None:
            x = scales.limit_range(x, recipe.dynamic_range, floor, recipe.range_top, valid)
        return scales.below_maximum(x, floor, valid) if recipe.ref_value == "max" else x

    def lost(self, recipe: Recipe) -> tuple[str, ...]:
        found = []
        if recipe.ref_value == "max":
            found.append("Values are relative to the maximum of the clip, whose level is lost.")
        if recipe.dynamic_range is not None:
            top = "the maximum of the clip" if recipe.range_top is None else f"{recipe.range_top:g}"
            found.append(f"Values more than {recipe.dynamic_range:g} below {top} are raised to that floor.")
        return tuple(found)

    def needs_whole_clip(self, recipe: Recipe) -> dict[str, dict[str, Any]]:
        found = {"ref_value='max' (the clip's own maximum)": {"ref_value": 1.0}} if recipe.ref_value == "max" else {}
        if recipe.log is None or recipe.dynamic_range is None or recipe.range_top is not None:
            return found
        top = {"ln": 3.5, "log10": 1.5, "db": 15.0}[recipe.log]
        words = f"dynamic_range={recipe.dynamic_range:g} below the clip's own maximum"
        return {words: {"range_top": top}, **found}

    def mistakes(self, recipe: Recipe, peak: float) -> Iterator[Mistake]:
        for kind, words in _LOGS.items():
            yield words, dict(log=kind, ref_value=1.0)
            if kind is not None and kind != recipe.log:
                for amin in (1e-10, 1e-7, 2.0**-24, 2.0**-23):
                    yield f"{words}, floor {amin:.3g}", dict(log=kind, amin=amin, ref_value=1.0)
        if recipe.log != "db":
            yield (
                "decibels down to 80 below the maximum",
                dict(log="db", amin=1e-10, dynamic_range=80.0, range_top=None),
            )
        if recipe.log == "db":
            yield "decibels relative to the clip's own maximum", dict(ref_value="max")
        if recipe.log is None:
            return
        form = {"max": "log(max(x, {0:.7g}))", "add": "log(x + {0:.7g})"}
        for by, text in form.items():
            for amin in dict.fromkeys((recipe.amin, *_AMINS)):
                yield f"the floor {text.format(amin)}", dict(amin=amin, amin_by=by)
        yield "no floor below the maximum", dict(dynamic_range=None)
        for below in (8.0, 80.0):
            yield f"a floor {below:g} below the clip's maximum", dict(dynamic_range=below, range_top=None)
