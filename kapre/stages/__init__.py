"""The stages of a recipe, in order, one file for each: its fields, checks, computation, stream and common mistakes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from kapre.stages._stage import Back as Back
from kapre.stages._stage import Call as Call
from kapre.stages._stage import Mistake as Mistake
from kapre.stages._stage import Stage as Stage
from kapre.stages._stage import Values as Values
from kapre.stages.affine import Affine
from kapre.stages.cepstrum import Cepstrum
from kapre.stages.chunks import Chunks
from kapre.stages.count import Count
from kapre.stages.deltas import Deltas, SecondDeltas
from kapre.stages.energy import Energy
from kapre.stages.filter_bank import Bank
from kapre.stages.framing import OF_WAVES, Framing
from kapre.stages.layout import Layout
from kapre.stages.length import Length
from kapre.stages.logarithm import Logarithm
from kapre.stages.microfrontend import Microfrontend
from kapre.stages.multiple import Multiple
from kapre.stages.normalization import Normalization
from kapre.stages.one_hot import OneHot
from kapre.stages.patches import Patches
from kapre.stages.pcen import Pcen
from kapre.stages.preemphasis import Preemphasis
from kapre.stages.rate import Rate
from kapre.stages.samples import Samples
from kapre.stages.spectrum import Spectrum
from kapre.stages.stack import Stack
from kapre.stages.window import Window

if TYPE_CHECKING:
    from kapre.recipe import Recipe

RATE, PREEMPHASIS, LENGTH, FRAMING, BANK, COUNT = Rate(), Preemphasis(), Length(), Framing(), Bank(), Count()
DELTAS, SECOND_DELTAS, STACK, AFFINE, MULTIPLE = Deltas(), SecondDeltas(), Stack(), Affine(), Multiple()
PATCHES = Patches()

AT_OWN_RATE: tuple[Stage, ...] = (Samples(), PREEMPHASIS, LENGTH)
"""Stages of the waveform at the rate of the recipe."""
OF_SAMPLES: tuple[Stage, ...] = (RATE, *AT_OWN_RATE)
"""Stages of the waveform. In a stream they run on each chunk."""
TO_FRAMES: tuple[Stage, ...] = (FRAMING, Chunks(), Window())
"""Stages that describe frames. In a stream, a cutter takes the place of the padding."""
OF_FRAMES: tuple[Stage, ...] = (
    *(Spectrum(), BANK, Logarithm(), Pcen(), Microfrontend(), Cepstrum(), Energy(), Normalization(), OneHot()),
)
"""Stages of single frames. JAX compiles them in one piece for each piece of a stream."""
OF_ENTRIES: tuple[Stage, ...] = (COUNT, DELTAS, SECOND_DELTAS, STACK, AFFINE, MULTIPLE, PATCHES, Layout())
"""Stages over several frames."""
STAGES: tuple[Stage, ...] = (*OF_SAMPLES, *TO_FRAMES, *OF_FRAMES, *OF_ENTRIES)
"""All stages, in the order of their fields and of the computation."""
CUTTERS: dict[str, Deltas | SecondDeltas | Stack | Patches] = {
    DELTAS.state: DELTAS,
    SECOND_DELTAS.state: SECOND_DELTAS,
    "stacks": STACK,
    "patches": PATCHES,
}
"""Stages that cut the frames of a stream into groups, by the name of their state."""
_WITHOUT_FRAMES: tuple[Stage, ...] = (*OF_SAMPLES, FRAMING, AFFINE)
"""The stages of a recipe with power=None, which leaves samples as they are."""


def active(recipe: Recipe) -> tuple[Stage, ...]:
    """Return the stages that compute something for a recipe."""
    return tuple(stage for stage in (STAGES if recipe.power is not None else _WITHOUT_FRAMES) if stage.is_on(recipe))


def run(recipe: Recipe, x: Any, call: Call, of: tuple[Stage, ...] | None = None) -> Any:
    """Run the stages in order, or those `of` a part of them."""
    for stage in recipe.active_stages:
        if of is None or stage in of:
            x = stage.run(recipe, x, call)
    return x


def in_words(recipe: Recipe) -> list[str]:
    """Return what the active stages do, in order, in phrases."""
    return [phrase for stage in recipe.active_stages for phrase in stage.in_words(recipe)]


def undo(recipe: Recipe, x: Any, back: Back) -> Any:
    """Undo the stages from the last to the first: convert features `(..., *entries)` to samples `(..., time)`."""
    for stage in reversed(recipe.active_stages):
        x = stage.undo(recipe, x, back)
    return x


def lost(recipe: Recipe) -> list[str]:
    """Return what `undo` cannot bring back, in sentences."""
    return [sentence for stage in recipe.active_stages for sentence in stage.lost(recipe)]


def without_way_back(recipe: Recipe) -> list[tuple[str, str]]:
    """Return why features cannot be undone, each with a remedy. Empty if they can."""
    found = (stage.no_way_back(recipe) for stage in recipe.active_stages)
    return [reason for reason in found if reason is not None]


def check_invertible(recipe: Recipe) -> None:
    """Refuse a recipe with a stage that cannot be undone, and name it."""
    found = without_way_back(recipe)
    if found:
        why = "; ".join(reason for reason, _ in found)
        changes = ", ".join(change for _, change in found)
        raise ValueError(
            f"Features of this recipe cannot be inverted: {why}. Use recipe.replace({changes}), whose features can."
        )


def canonical(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> Values:
    """Return every field, checked and in canonical form. Fields without an effect have their defaults."""
    f = dict(given)
    for stage in STAGES:
        f.update((name, check(name, f[name])) for name, check in stage.checks.items())
    if f["power"] is None:
        f.update((name, defaults[name]) for name in _of_frames() if name != "power")
    for stage in STAGES:
        for name, value, others in stage.idle:
            if f[name] == value:
                f.update((other, defaults[other]) for other in others)
    for stage in STAGES:
        stage.check(f, defaults)
    return f


def idle(f: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields that have no effect with the other fields of a recipe, and what each of them would need."""
    found = {} if f["power"] is not None else dict.fromkeys(_of_frames(), "power=1.0 or 2.0")
    found.pop("power", None)
    for stage in STAGES:
        found = {**stage.idle_fields(f), **found}
    return found


def _of_frames() -> list[str]:
    names = [name for stage in STAGES if stage not in _WITHOUT_FRAMES for name in stage.names]
    return [*names, *(name for name in FRAMING.names if name not in OF_WAVES)]


def mistakes(recipe: Recipe, peak: float) -> Iterator[Mistake]:
    """Yield the common mistakes in each stage; see `Stage.mistakes`."""
    for stage in STAGES:
        yield from stage.mistakes(recipe, peak)


def needs_whole_clip(recipe: Recipe) -> dict[str, dict[str, Any]]:
    """Return what of a recipe cannot stream, with the changes that make it stream; see `Stage.needs_whole_clip`."""
    return {words: changes for stage in STAGES for words, changes in stage.needs_whole_clip(recipe).items()}
