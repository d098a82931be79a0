"""The loss between the features of any front end."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from kapre import executor
from kapre._checks import message, number
from kapre.frontends._mask import recipe_of
from kapre.frontends.presets import preset
from kapre.losses._base import WaveformLoss, mean
from kapre.ops import frames
from kapre.ops.kernels import active as kernel
from kapre.recipe import Recipe


def _recipes(front_end: Any) -> tuple[Recipe, ...]:
    """Return the recipes of a name, a recipe, its JSON-compatible form, or a list of these."""
    if isinstance(front_end, str):
        return (preset(front_end).recipe,)
    if isinstance(front_end, Sequence):
        found = tuple(recipe for each in front_end for recipe in _recipes(each))
        if not found:
            raise ValueError(message("recipe", "at least one recipe", front_end, 'Use "hifigan".'))
        return found
    return (recipe_of(getattr(front_end, "recipe", front_end)),)


@keras.saving.register_keras_serializable(package="Kapre")
class MelLoss(WaveformLoss):
    """Compare the features that a front end computes from two waveforms.

    The loss of a clip is the mean of the absolute differences of its features, times `weight`. It takes any recipe. For
    the mel loss of HiFi-GAN, use the preset "hifigan" with `weight=45`. For that of a speech recogniser, use the
    recogniser's own preset.

    Args:
        recipe: The name of a preset, a `kapre.Recipe`, a `kapre.Frontend`, or a list of these, whose losses are added.
        weight: Number by which the loss is multiplied.
        **kwargs: `data_format`, `reduction`, `name` and `dtype` of `WaveformLoss`.

    Raises:
        ValueError: If there is no such preset, or the list is empty.
        TypeError: If `recipe` is of the wrong type.

    Notes:
        Dither is left out. Only the recipe of a `Frontend` is used, not its trained weights.

    Example:
        ```python
        import numpy as np
        import kapre

        loss = kapre.losses.MelLoss("hifigan", weight=45.0)
        x = np.random.uniform(-1, 1, (2, 22050)).astype("float32")
        assert float(loss(x, x)) == 0.0
        assert abs(float(loss(x, 0.5 * x)) - 45.0 * np.log(2.0)) < 0.1
        ```

    References:
        Kong, Kim and Bae (2020), HiFi-GAN.
    """

    def __init__(self, recipe: Any, weight: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.recipe = tuple(each.replace(dither=0.0) for each in _recipes(recipe))
        self.weight = number("weight", weight, "Use 1.0.", at_least=0.0, rule="a number, 0 or above")

    def compare(self, y_true: Any, y_pred: Any, lengths: Any) -> Any:
        losses = [_distance(recipe, y_true, y_pred, lengths) for recipe in self.recipe]
        return self.weight * sum(losses[1:], losses[0])

    def get_config(self) -> dict[str, Any]:
        recipes: list[Mapping[str, Any]] = [json.loads(each.to_json()) for each in self.recipe]
        return {**super().get_config(), "recipe": recipes, "weight": self.weight}


def _distance(recipe: Recipe, y_true: Any, y_pred: Any, lengths: Any) -> Any:
    """Return the mean absolute difference of the features of each row, `(batch, channel)`."""
    s, t = (executor.run(recipe, y, lengths) for y in (y_true, y_pred))
    apart = ops.abs(s - t)
    axes = tuple(range(2, len(apart.shape)))
    entries = recipe.num_frames(lengths) if lengths is not None else None
    if entries is None or isinstance(entries, int):
        return mean(apart, axes)
    axis = recipe.time_axis(len(apart.shape) - 1) + 1
    shape = ops.shape(apart)
    inside = frames.within(shape[axis], entries, len(apart.shape), axis=axis)
    total = ops.sum(ops.where(inside, apart, ops.zeros_like(apart)), axis=axes)
    others = 1
    for place in axes:
        others = others if place == axis else others * shape[place]
    counted = ops.cast(entries, apart.dtype) * ops.cast(others, apart.dtype)
    return total / kernel.at_least(ops.reshape(counted, (-1, 1)), 1.0)
