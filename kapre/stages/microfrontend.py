"""TensorFlow Lite's microfrontend: noise reduction and gain control of the bands, and their logarithm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from kapre._checks import flag, message
from kapre._lazy import needs
from kapre.stages._stage import Call, Mistake, Stage, Values, above_0, fraction, not_negative
from kapre.stages.filter_bank import bands_of

if TYPE_CHECKING:
    from keras import ops

    from kapre.ops import microfrontend
    from kapre.ops.chunks import State
    from kapre.ops.kernels import active as kernel
    from kapre.recipe import Recipe

needs(__name__, ops="keras.ops", microfrontend="kapre.ops.microfrontend", kernel="kapre.ops.kernels:active")


@dataclass(frozen=True, kw_only=True)
class Fields:
    """The fields of the microfrontend."""

    microfrontend: bool = False
    noise_even: float = 0.025
    noise_odd: float = 0.06
    noise_floor: float = 0.05
    pcan_strength: float = 0.95
    pcan_offset: float = 80.0


_FIELDS = ("noise_even", "noise_odd", "noise_floor", "pcan_strength", "pcan_offset")


_fraction = fraction("Use TensorFlow Lite's default.")


class Microfrontend(Stage):
    """Reduce the noise in each band, control its gain and take the logarithm, as TensorFlow Lite's microfrontend."""

    Fields = Fields
    checks: ClassVar = {
        "microfrontend": flag,
        "noise_even": _fraction,
        "noise_odd": _fraction,
        "noise_floor": _fraction,
        "pcan_strength": not_negative,
        "pcan_offset": above_0("Use 80.0."),
    }
    added = ("microfrontend", *_FIELDS)
    idle = (("microfrontend", False, _FIELDS),)

    def check(self, f: Values, defaults: Mapping[str, Any]) -> None:
        if not f["microfrontend"]:
            return
        plain = {"log": None, "pcen": False, "power": 2.0, "transform": "dft", "chunk_length": None}
        for name, value in plain.items():
            if f[name] != value:
                way = f"Use {name}={value!r}."
                raise ValueError(message(name, f"{value} with microfrontend=True", f[name], way))

    def is_on(self, recipe: Recipe) -> bool:
        return recipe.microfrontend

    def run(self, recipe: Recipe, x: Any, call: Call) -> Any:
        if x.shape[-2] == 0:
            return x
        root = kernel.root(x)
        if call.real is not None:  # the first frames of a fixed stream belong to no clip, and the noise starts at 0
            root = ops.where(call.real, root, ops.zeros_like(root))
        before = ops.zeros_like(ops.sum(x, axis=-2, keepdims=True)) if call.state is None else call.state["noise"]
        smoothing = np.where(np.arange(x.shape[-1]) % 2 == 0, recipe.noise_even, recipe.noise_odd)
        noise = microfrontend.estimated(root, smoothing, before)
        if call.state is not None:
            call.state["noise"] = kernel.tail(noise, 1, axis=-2)
        y = microfrontend.reduced(root, noise, recipe.noise_floor)
        return microfrontend.controlled(y, noise, recipe.pcan_strength, recipe.pcan_offset)

    def no_way_back(self, recipe: Recipe) -> tuple[str, str] | None:
        why = "microfrontend divides each band by its own noise, and cuts off what is below it"
        return why, "microfrontend=False, log='ln'"

    def start(self, recipe: Recipe, empty: Any) -> State:
        return {"noise": ops.zeros((empty.shape[0], 1, bands_of(vars(recipe))), dtype=empty.dtype)}

    def mistakes(self, recipe: Recipe, peak: float) -> Iterator[Mistake]:
        yield "TensorFlow Lite's microfrontend in place of a logarithm", dict(microfrontend=True, log=None, power=2.0)
        if recipe.microfrontend:
            yield "a logarithm in place of the microfrontend", dict(microfrontend=False, log="ln")
            yield "no noise reduction", dict(noise_floor=1.0)
            yield "no gain control", dict(pcan_strength=0.0)
