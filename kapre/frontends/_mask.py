"""Masks over the output of layers of clips, in a call and as nodes of a functional model."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from kapre._checks import message
from kapre._layer import lengths_of
from kapre._lengths import lengths_within
from kapre.ops import frames
from kapre.ops.kernels import active as kernel
from kapre.recipe import Recipe


def recipe_of(value: Any) -> Recipe:
    """Return a recipe, or that of a mapping with its fields."""
    if isinstance(value, Recipe):
        return value
    if isinstance(value, Mapping):
        return Recipe.from_json(json.dumps(dict(value)))
    way = "Use kapre.Frontend.from_preset(name) for a published front end, kapre.Recipe.from_json(text) for JSON."
    raise TypeError(message("recipe", "a kapre.Recipe", value, way))


def entries_within(entries: Callable[[Any], Any], valid: Callable[[Any], Any], inputs: Any, within: Any) -> Any:
    """Tell which entries along an axis of the output of clips `(batch, time)` belong to the clip.

    Args:
        entries: Returns the number of entries of a number of samples: an int, None (unknown) or an integer tensor.
        valid: Returns how many of these entries are valid for a clip of this length.
        inputs: The clips.
        within: The number of samples of each clip, `(batch,)`, or a mask over the samples, `(batch, time)`.

    Returns:
        A bool tensor of shape `(batch, entries)`.
    """
    if len(within.shape) == 1 and kernel.compiles_eager_calls and kernel.is_held(inputs) and kernel.is_held(within):
        samples = np.clip(within, 0, inputs.shape[1]).astype("int64")
        own = np.array([valid(int(n)) for n in samples], "int32")
        return kernel.put(np.arange(entries(inputs.shape[1])) < own.reshape(-1, 1), "bool", inputs)
    lengths = lengths_of(within) if len(within.shape) == 2 else lengths_within(within, inputs)
    known = _known_time(inputs, within)
    time = ops.shape(inputs)[1] if known is None else known
    return frames.within(entries(time), valid(lengths), 2)


def _known_time(inputs: Any, within: Any) -> int | None:
    """Return the number of samples, if the input or a mask over it has a known time."""
    time = inputs.shape[1] if isinstance(inputs.shape[1], int) or len(within.shape) == 1 else within.shape[1]
    return time if isinstance(time, int) else None


class ClipMask(keras.Operation):
    """Compute a mask over the output of clips as a node of a functional model, so that it is saved with the model.

    A subclass counts the entries of the axis that the mask covers; see `entries_within`.
    """

    def entries(self, samples: Any) -> Any:
        """Return the number of entries of a number of samples."""
        raise NotImplementedError

    def valid(self, samples: Any) -> Any:
        """Return how many of these entries are valid for a clip of this length."""
        return self.entries(samples)

    def call(self, inputs: Any, within: Any) -> Any:
        """Return the mask `(batch, entries)` for lengths `(batch,)` or a mask over samples `(batch, time)`."""
        return entries_within(self.entries, self.valid, inputs, within)

    def compute_output_spec(self, inputs: Any, within: Any) -> Any:
        """Return the shape and dtype of the mask."""
        batch = within.shape[0] if inputs.shape[0] is None else inputs.shape[0]
        return keras.KerasTensor((batch, self.entries(_known_time(inputs, within))), dtype="bool")


@keras.saving.register_keras_serializable(package="Kapre")
class FrontendMask(ClipMask):
    """Compute the mask over the time axis of a front end's output.

    Args:
        recipe: The recipe of the front end, or its JSON-compatible form.
        **kwargs: The `name` of the layer.
    """

    def __init__(self, recipe: Recipe | Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.recipe = recipe_of(recipe)

    def entries(self, samples: Any) -> Any:
        return self.recipe.num_frames(samples)

    def valid(self, samples: Any) -> Any:
        return self.recipe.num_valid_entries(samples)

    def get_config(self) -> dict[str, Any]:
        """Return the name, and the recipe in a JSON-compatible form."""
        return {"name": self.name, "recipe": json.loads(self.recipe.to_json())}
