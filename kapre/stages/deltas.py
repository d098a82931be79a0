"""Deltas: how fast the values of a frame change, appended to the values themselves."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from kapre._checks import message
from kapre._lazy import needs
from kapre.stages._stage import MOST_JOINED, Back, Call, Mistake, Stage, Values, one_of, positive

if TYPE_CHECKING:
    from kapre.ops import features
    from kapre.ops.chunks import Cutter
    from kapre.ops.host import library
    from kapre.recipe import Recipe

needs(__name__, features="kapre.ops.features", Cutter="kapre.ops.chunks:Cutter", library="kapre.ops.host:library")

_WINDOWS = {3: "the shortest", 5: "Kaldi and torchaudio", 9: "librosa"}


@dataclass(frozen=True, kw_only=True)
class Fields:
    """The fields of deltas."""

    deltas: Literal[0, 1, 2] = 0
    delta_window: int = 5
    delta_edges: Literal["nearest", "interp"] = "nearest"


@dataclass(frozen=True, kw_only=True)
class _NoFields:
    """The second order has the fields of the first."""


def _window(name: str, value: Any) -> int:
    remedy = "Use 5 (Kaldi, torchaudio) or 9 (librosa)."
    size = positive(remedy, MOST_JOINED)(name, value)
    if size < 3 or size % 2 == 0:
        raise ValueError(message(name, "odd, and at least 3", value, remedy))
    return size


class _Appended(Stage):
    """Append the deltas of one order to the values of each frame."""

    order: ClassVar[int]

    @property
    def state(self) -> str:
        """Return the name of the state in a stream."""
        return f"deltas{self.order}"

    def shape(self, recipe: Recipe, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (*shape[:-1], shape[-1] * (self.order + 1) // self.order)

    def products(self, recipe: Recipe, shape: tuple[int, ...]) -> float:
        return float(math.prod(shape) / (self.order + 1) * recipe.delta_window)

    def is_on(self, recipe: Recipe) -> bool:
        return recipe.deltas >= self.order

    def run(self, recipe: Recipe, x: Any, call: Call) -> Any:
        window = recipe.delta_window
        if call.state is None:
            found = features.held(*self._taken(recipe, x), call.counts, self._of(recipe))
            return features.keep_valid(self._appended(x, found), call.counts)
        cutter, kept = call.cutters[self.state], call.state
        invalid = call.invalid or 0
        own = x[:, : x.shape[1] - invalid] if invalid else x
        span, kept[self.state] = cutter.push(own, kept[self.state])
        found = [self._within(recipe, span, window)]
        if call.invalid is not None:
            rest = cutter.finish(kept[self.state])
            found.append(self._within(recipe, rest, window))
            wide = library(rest).zeros((x.shape[0], invalid, found[0].shape[-1]), dtype=rest.dtype)
            found.append(wide)
        return library(x).concatenate(found, axis=1) if len(found) > 1 else found[0]

    def undo(self, recipe: Recipe, x: Any, back: Back) -> Any:
        return x[..., : x.shape[-1] * self.order // (self.order + 1)]

    def _within(self, recipe: Recipe, span: Any, window: int) -> Any:
        """Return the frames of a span that have all their neighbours, with their deltas."""
        half = window // 2
        if span.shape[1] < window:
            lib = library(span)
            return lib.concatenate([span[:, :0], self._part(recipe, span[:, :0])], axis=-1)
        inner = span[:, half : span.shape[1] - half]
        return self._appended(inner, self._of(recipe)(self._part(recipe, span), window))

    def _taken(self, recipe: Recipe, x: Any) -> tuple[Any, int, str]:
        return self._part(recipe, x), recipe.delta_window, recipe.delta_edges

    def _part(self, recipe: Recipe, x: Any) -> Any:
        """Return the values that deltas are taken of: all of them, or the deltas of the first order among them."""
        if self.order == 1:
            return x
        half = x.shape[-1] // 2
        return x[..., :half] if recipe.delta_edges == "interp" else x[..., half:]

    def _of(self, recipe: Recipe) -> Any:
        """Return what is computed. librosa's second order is the curvature of the values themselves."""
        return features.curvatures if self.order == 2 and recipe.delta_edges == "interp" else features.slopes

    def _appended(self, x: Any, found: Any) -> Any:
        return library(x).concatenate([x, found], axis=-1)

    def cutter(self, recipe: Recipe, chunk: int | None, delay: int) -> Cutter:
        """Return what cuts the frames of a stream into windows; see `Stack.cutter`."""
        half = recipe.delta_window // 2
        return Cutter(recipe.delta_window, 1, half, "edge", right=half, axis=-2, chunk=chunk, delay=delay)


class Deltas(_Appended):
    """Append the deltas of the values of each frame. The fields are those of both orders."""

    order = 1
    Fields = Fields
    checks: ClassVar = {
        "deltas": one_of((0, 1, 2), "2 appends the deltas of the deltas, too."),
        "delta_window": _window,
        "delta_edges": one_of(
            ("nearest", "interp"), "'nearest' repeats frames (Kaldi, torchaudio), 'interp' is librosa's."
        ),
    }
    added = ("deltas", "delta_window", "delta_edges")
    idle = (("deltas", 0, ("delta_window", "delta_edges")),)

    def check(self, f: Values, defaults: Mapping[str, Any]) -> None:
        f["deltas"] = int(f["deltas"])
        if f["deltas"] and f["fixed_frames"] is not None:
            way = "Use fixed_samples, or deltas=0."
            raise ValueError(message("fixed_frames", "None with deltas", f["fixed_frames"], way))

    def needs_whole_clip(self, recipe: Recipe) -> dict[str, dict[str, Any]]:
        if not recipe.deltas or recipe.delta_edges == "nearest":
            return {}
        return {f"delta_edges={recipe.delta_edges!r} (the last whole window)": {"delta_edges": "nearest"}}

    def mistakes(self, recipe: Recipe, peak: float) -> Iterator[Mistake]:
        for order, words in ((0, "no deltas"), (1, "deltas of the first order"), (2, "deltas of both orders")):
            yield words, dict(deltas=order)
        if recipe.deltas:
            for edges, form in (("nearest", "the edges repeated"), ("interp", "librosa's edges")):
                for size, users in _WINDOWS.items():
                    yield f"deltas over {size} frames ({users}), {form}", dict(delta_window=size, delta_edges=edges)


class SecondDeltas(_Appended):
    """Append the deltas of the second order, if the recipe has any."""

    order = 2
    Fields = _NoFields
