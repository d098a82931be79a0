"""Changes to the recipe and the layer of a published front end."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from kapre._checks import message
from kapre._hints import remedy
from kapre.frontends._vocoder import with_sizes
from kapre.recipe import Recipe
from kapre.stages import idle

_OF_LAYER = ("trainable_filterbank", "trainable_window", "seed", "name", "dtype", "trainable", "activity_regularizer")


def changed(recipe: Recipe, changes: Mapping[str, Any], which: str) -> tuple[Recipe, dict[str, Any]]:
    """Return a recipe with changed fields, and the remaining changes, which are arguments of the layer.

    Args:
        recipe: The published recipe.
        changes: Fields of the recipe, and arguments of the layer. For vocoders, sizes change the padding, too.
        which: What errors call the published recipe.

    Raises:
        ValueError: If a changed field has no effect with the other fields.
        TypeError: If a change is neither a field nor an argument of the layer.
    """
    defaults = {field.name: field.default for field in dataclasses.fields(Recipe)}
    given = dict(changes)
    fields = {key: given.pop(key) for key in list(given) if key in defaults}
    for key in sorted(set(given) - set(_OF_LAYER)):
        rule = "a field of kapre.Recipe or an argument of the layer"
        way = remedy(key, (*defaults, *_OF_LAYER), "See help(kapre.Recipe).")
        raise TypeError(message("changes", rule, key, way))
    made = recipe.replace(**with_sizes(recipe, fields))
    needed = idle(vars(made))
    for name, value in fields.items():
        if name in needed and value is not None and value not in (getattr(made, name), defaults[name]):
            rule = f"left out of {which!r}, where it has no effect"
            raise ValueError(message(name, rule, value, f"It needs {needed[name]}."))
    return made, given
