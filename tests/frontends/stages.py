"""Few presets that between them have every stage, for the backends on which all of them would take long."""

from __future__ import annotations

import dataclasses
from typing import Any

import kapre
from tests.conftest import BACKEND

# They change numbers alone, not which stages there are; test_agreement.py has them of every preset.
NUMBERS = ("window_name", "window_periodic", "norm", "htk", "f_min", "f_max", "n_mels", "sample_rate", "input_scale")


def choices(recipe: kapre.Recipe) -> set[tuple[str, Any]]:
    """Return what a recipe chooses: words and flags by their value, numbers by whether they are the default."""
    found = set()
    for field in dataclasses.fields(recipe):
        value = getattr(recipe, field.name)
        if field.name not in NUMBERS:
            of_words = value is None or isinstance(value, str | bool)
            found.add((field.name, value if of_words else value == field.default))
    return found


def of_every_stage(recipes: dict[str, kapre.Recipe]) -> list[str]:
    """Return names of recipes that between them choose all that any chooses; on PyTorch, the quickest, all names."""
    if BACKEND == "torch":
        return list(recipes)
    left = set().union(*map(choices, recipes.values()))
    found = []
    while left:
        name = max(recipes, key=lambda each: len(left & choices(recipes[each])))
        found.append(name)
        left -= choices(recipes[name])
    return sorted(found)
