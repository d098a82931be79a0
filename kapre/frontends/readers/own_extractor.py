"""The file of `kapre.integrations.FeatureExtractor`, which holds a recipe as it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from kapre._checks import message
from kapre.frontends.readers._hf_fields import of_batches
from kapre.frontends.readers._reader import Published, Settings
from kapre.recipe import Recipe

NAME = "KapreFeatureExtractor"
"""The `feature_extractor_type` of the file."""


def _recipe(name: str, value: Any) -> Recipe:
    if not isinstance(value, Mapping):
        raise ValueError(message(name, "the fields of a recipe", value, "Write them with FeatureExtractor.to_dict."))
    return Recipe.from_json(json.dumps(dict(value)))


def _input_name(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.isidentifier():
        raise ValueError(message(name, "the name of an argument", value, "Use 'input_features'."))
    return value


def read(settings: Settings) -> Published:
    """Take the recipe, and what the extractor returns beside features."""
    recipe = settings.take("recipe", check=_recipe)
    settings.take("input_name", None, _input_name)
    if "return_attention_mask" in settings:
        settings.flag("return_attention_mask", False)
    settings.follows("feature_size", 1 if recipe.power is None else recipe.bands, "recipe")
    settings.follows("sampling_rate", recipe.clip_rate, "recipe")
    of_batches(settings)
    return settings.finish(recipe)
