"""`Inventory`: what a model consists of, found in one walk over its layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import keras

from kapre import executor
from kapre._layer import AudioLayer
from kapre._models import ComposedSequential
from kapre.frontends import Frontend
from kapre.recipe import Recipe
from kapre.signal import Energy, Frame
from kapre.time_frequency import STFT, ApplyFilterbank, InverseSTFT


class Transform(NamedTuple):
    """Describe a transform: its layer's name, its number of points, its output, and whether it needs frames first."""

    layer: str
    n_fft: int
    inverse: bool = False
    output: str = ""
    of_frames: bool = False


@dataclass(frozen=True)
class Inventory:
    """State the facts about a model on which its export depends.

    Attributes:
        recipes: The recipes of the front ends and helpers, and then of the chains of single layers.
        front_end: The names of Kapre's layers.
        only_kapre: Whether the model has no other layers.
        sample_rate: The rate of the samples in Hz. None if it is unknown or not the same everywhere.
        least_samples: Number of samples that hold a whole frame, stack, patch or chunk of every front end.
        transforms: The transforms.
        complex_layers: The names of the layers that return or take a complex spectrogram next to samples.
        around_complex: The names of the layers, other than models, that contain such a layer.
    """

    recipes: tuple[Recipe, ...]
    front_end: tuple[str, ...]
    only_kapre: bool
    sample_rate: float | None
    least_samples: int
    transforms: tuple[Transform, ...]
    complex_layers: tuple[str, ...]
    around_complex: tuple[str, ...]


def inventory(model: Any) -> Inventory:
    """Return the inventory of a model."""
    found = _every_layer(model)
    ours = [layer for layer in found if isinstance(layer, (AudioLayer, ComposedSequential))]
    others = [layer for layer in found if not isinstance(layer, (AudioLayer, keras.Model, keras.layers.InputLayer))]
    chains = [
        layer.layers[first:last]
        for layer in found
        if isinstance(layer, keras.Sequential) and not is_fused(layer)
        for first, last in runs(layer.layers)
    ]
    whole = [layer.recipe for layer in ours if isinstance(layer, (Frontend, ComposedSequential))]
    recipes = [recipe for recipe in whole if recipe is not None]
    recipes += [recipe for chain in chains if (recipe := executor.recipe_of(chain)) is not None]
    rates = {recipe.clip_rate for recipe in recipes} - {None}
    rates |= {float(layer.filterbank_kwargs["sample_rate"]) for layer in ours if isinstance(layer, ApplyFilterbank)}
    least = [max(recipe.frame_length, recipe.least_samples()) for recipe in recipes]
    least += [layer.win_length for layer in ours if isinstance(layer, STFT)]
    least += [layer.frame_length for layer in ours if isinstance(layer, (Frame, Energy))]
    return Inventory(
        recipes=tuple(recipes),
        front_end=tuple(str(layer.name) for layer in ours),
        only_kapre=not others,
        sample_rate=rates.pop() if len(rates) == 1 else None,
        least_samples=max(least, default=1),
        transforms=tuple(_transforms(ours, {id(layer) for chain in chains for layer in chain})),
        complex_layers=tuple(layer.name for layer in ours if type(layer) in (STFT, InverseSTFT)),
        around_complex=tuple(
            layer.name
            for layer in found
            if not isinstance(layer, keras.Model)
            and any(type(part) in (STFT, InverseSTFT) for part in getattr(layer, "_layers", ()))
        ),
    )


def is_fused(layer: Any) -> bool:
    """Tell whether a layer is a helper that runs in one piece."""
    return isinstance(layer, ComposedSequential) and layer.recipe is not None


def runs(layers: list[Any]) -> list[tuple[int, int]]:
    """Return the start and stop of each run of layers in a list that is equivalent to a recipe."""
    found = []
    first = 0
    while first < len(layers):
        ends = range(len(layers), first + 1, -1)
        last = next((last for last in ends if executor.recipe_of(layers[first:last]) is not None), None)
        if last is not None:
            found.append((first, last))
        first = first + 1 if last is None else last
    return found


def _every_layer(model: Any) -> list[Any]:
    """Return the layers of a model, including those of models within it, each once. A fused helper is one layer."""
    found: dict[int, Any] = {}

    def visit(layer: Any) -> None:
        if id(layer) in found:
            return
        found[id(layer)] = layer
        for part in () if is_fused(layer) else getattr(layer, "_layers", ()) or getattr(layer, "layers", ()):
            visit(part)

    visit(model)
    return list(found.values())


def _transforms(layers: list[Any], chained: set[int]) -> list[Transform]:
    found = []
    for layer in layers:
        if isinstance(layer, (Frontend, ComposedSequential)):
            if layer.recipe is not None and layer.recipe.power is not None and layer.recipe.transform == "dft":
                of_frames = layer.recipe.remove_dc or layer.recipe.energy is not None or bool(layer.weights)
                found.append(Transform(layer.name, layer.recipe.n_fft, of_frames=of_frames))
        elif type(layer) is STFT:
            how = "in one piece with what follows" if id(layer) in chained else "its complex output as two real tensors"
            found.append(Transform(layer.name, layer.n_fft, output=f"; {how}"))
        elif type(layer) is InverseSTFT:
            found.append(Transform(layer.name, layer.n_fft, inverse=True))
    return found
