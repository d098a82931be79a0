"""The front end that a layer or an integration is given: a layer, a recipe or the name of a preset."""

from __future__ import annotations

from typing import Any, cast

from kapre._arguments import PresetName
from kapre._checks import message
from kapre.frontends.frontend import Frontend
from kapre.recipe import Recipe


def frontend_of(value: Any, **kwargs: Any) -> Frontend:
    """Return a front end, or make that of a recipe or a preset, with Keras' layer arguments."""
    if isinstance(value, Frontend):
        return value
    if isinstance(value, Recipe):
        return Frontend(value, **kwargs)
    if isinstance(value, str):
        return Frontend.from_preset(cast(PresetName, value), **kwargs)  # an unknown name is refused there
    way = "Use kapre.Frontend.from_pretrained(source) for the files of a model."
    raise TypeError(message("frontend", "a kapre.Frontend, a kapre.Recipe or the name of a preset", value, way))
