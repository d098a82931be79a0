"""Per-channel energy normalization (PCEN) in place of the logarithm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from kapre._checks import flag, message, number
from kapre._lazy import needs
from kapre.stages._stage import Call, Mistake, Stage, Values, above_0, fraction, not_negative, one_of
from kapre.stages.filter_bank import bands_of

if TYPE_CHECKING:
    from keras import ops

    from kapre.ops import features, pcen
    from kapre.ops.chunks import State
    from kapre.ops.kernels import active as kernel
    from kapre.recipe import Recipe

needs(
    __name__, ops="keras.ops", features="kapre.ops.features", pcen="kapre.ops.pcen", kernel="kapre.ops.kernels:active"
)


@dataclass(frozen=True, kw_only=True)
class Fields:
    """The fields of PCEN."""

    pcen: bool = False
    pcen_gain: float = 0.98
    pcen_bias: float = 2.0
    pcen_power: float = 0.5
    pcen_time_constant: float = 0.4
    pcen_smoothing: float | None = None
    pcen_epsilon: float = 1e-6
    pcen_start: Literal["unit", "first"] = "unit"


LIBROSA: dict[str, Any] = {**{entry.name: entry.default for entry in fields(Fields)}, "pcen": True}
"""The values of `librosa.pcen`, which are the defaults."""
LEAF: dict[str, Any] = {
    **LIBROSA,
    "pcen_gain": 0.96,
    "pcen_smoothing": 0.04,
    "pcen_epsilon": 1e-12,
    "pcen_start": "first",
}
"""The values of LEAF (Zeghidour et al., 2021) before training; its root is the reciprocal of the power."""


def _smoothing(name: str, value: Any) -> float | None:
    return None if value is None else fraction("Use None for pcen_time_constant.")(name, value)


def _bias(name: str, value: Any) -> float:
    rule, remedy = "0.0 or a number from 1e-6 on", "Use 2.0."
    found = number(name, value, remedy, at_least=0.0, rule=rule)
    if 0.0 < found < 1e-6:
        raise ValueError(message(name, rule, value, remedy))
    return found


class Pcen(Stage):
    """Divide each band by its smoothed level, and compress its range."""

    Fields = Fields
    checks: ClassVar = {
        "pcen": flag,
        "pcen_gain": not_negative,
        "pcen_bias": _bias,
        "pcen_power": above_0("Use 0.5, the reciprocal of LEAF's root of 2."),
        "pcen_time_constant": above_0("Use 0.4, in seconds."),
        "pcen_smoothing": _smoothing,
        "pcen_epsilon": lambda name, value: number(
            name, value, "Use 1e-6.", at_least=1e-30, rule="a number, 1e-30 or above"
        ),
        "pcen_start": one_of(("unit", "first"), "librosa starts from 1, LEAF from the first frame."),
    }
    added = tuple(LIBROSA)

    def idle_fields(self, f: Mapping[str, Any]) -> dict[str, str]:
        if not f["pcen"]:
            return dict.fromkeys(self.names[1:], "pcen=True")
        return {} if f["pcen_smoothing"] is None else {"pcen_time_constant": "pcen_smoothing=None"}

    def check(self, f: Values, defaults: Mapping[str, Any]) -> None:
        f.update((name, defaults[name]) for name in self.idle_fields(f))
        if not f["pcen"]:
            return
        for name in ("log", "chunk_length"):
            if f[name] is not None:
                raise ValueError(message(name, "None with pcen=True", f[name], f"Use {name}=None."))
        if f["pcen_smoothing"] is None and f["sample_rate"] is None:
            rule = "given with pcen_time_constant, which is in seconds"
            raise ValueError(message("sample_rate", rule, None, "Give it in Hz, or give pcen_smoothing."))

    def smoothing(self, recipe: Recipe) -> float:
        """Return the smoothing coefficient, which may follow from the time constant."""
        if recipe.pcen_smoothing is not None:
            return recipe.pcen_smoothing
        rate: Any = recipe.sample_rate
        return pcen.smoothing_of(recipe.pcen_time_constant, rate / recipe.hop_length)

    def is_on(self, recipe: Recipe) -> bool:
        return recipe.pcen

    def run(self, recipe: Recipe, x: Any, call: Call) -> Any:
        if x.shape[-2] == 0:
            return x
        begins = kernel.head(x, 1, axis=-2)
        if call.real is not None:  # the first frames of a fixed stream belong to no clip
            begins = features.first_real(x, call.real)
        if recipe.pcen_start == "unit":
            begins = ops.ones_like(ops.sum(x, axis=-2, keepdims=True))  # for any number of frames
        energy = x if call.real is None else ops.where(call.real, x, begins)
        before = begins
        if call.state is not None:
            kept = call.state["pcen"]
            before = ops.where(kept["begun"] > 0.0, kept["level"], begins)
        level = pcen.smoothed(energy, self.smoothing(recipe), before)
        if call.state is not None:
            begun = kept["begun"] + 1.0 if call.real is None else kept["begun"] + ops.cast(call.real[-1:], x.dtype)
            call.state["pcen"] = {"begun": ops.minimum(begun, 1.0), "level": kernel.tail(level, 1, axis=-2)}
        how = recipe.pcen_gain, recipe.pcen_bias, recipe.pcen_power, recipe.pcen_epsilon
        return pcen.compressed(x, level, *how)

    def no_way_back(self, recipe: Recipe) -> tuple[str, str] | None:
        return "pcen divides each band by its own level, which the features do not have", "pcen=False, log='ln'"

    def start(self, recipe: Recipe, empty: Any) -> State:
        level = ops.zeros((empty.shape[0], 1, bands_of(vars(recipe))), dtype=empty.dtype)
        return {"pcen": {"begun": level[..., :1], "level": level}}

    def mistakes(self, recipe: Recipe, peak: float) -> Iterator[Mistake]:
        yield "PCEN with librosa's values", dict(LIBROSA, log=None)
        yield "PCEN with LEAF's values", dict(LEAF, log=None)
        if recipe.pcen:
            yield "no PCEN", dict(pcen=False)
            yield "a logarithm in place of PCEN", dict(pcen=False, log="ln")
            yield "PCEN that starts from a level of 1, as librosa's", dict(pcen_start="unit")
            yield "PCEN that starts from the first frame, as LEAF's", dict(pcen_start="first")
            yield "samples scaled to 32-bit integers, as librosa advises for PCEN", dict(input_scale=2.0**31)
