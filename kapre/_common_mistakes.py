"""Recipes that differ from a recipe by one common mistake, with a description. Used by `kapre.compare`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from kapre import stages
from kapre.recipe import Recipe


@dataclass(frozen=True)
class Neighbour:
    """Describe a recipe that is similar to another one.

    Attributes:
        words: The description of the difference, "The features were made with …".
        recipe: The similar recipe.
        changes: The fields that turn the other recipe into this one, for `replace`.
        delay: Number of samples by which its frames start later. No field expresses this.
        skipped: Number of frames missing at the start. If negative, the number of extra frames there.
        preset: The preset that has this recipe, or an empty string.
        estimated: Whether the recipe was estimated from the features, which may be in another unit.
    """

    words: str
    recipe: Recipe
    changes: dict[str, Any] = field(default_factory=dict)
    delay: int = 0
    skipped: int = 0
    preset: str = ""
    estimated: bool = False


def _delays(recipe: Recipe) -> Iterator[tuple[str, int]]:
    if recipe.power is None or recipe.chunk_length is not None:
        return
    sizes = {
        recipe.hop_length // 2: " (half a hop)",
        recipe.hop_length: " (a hop)",
        (recipe.n_fft - recipe.win_length) // 2: " ((n_fft - win_length) / 2)",
        recipe.n_fft // 2: " (half a DFT)",
    }
    for size, which in sizes.items():
        if size:
            yield f"frames that start {size} samples later{which}", size
            yield f"frames that start {size} samples earlier{which}", -size


def least_changes(recipe: Recipe, other: Recipe, changes: dict[str, Any]) -> dict[str, Any]:
    """Return the subset of the changes that is needed to turn `recipe` into `other`."""
    needed = {name: value for name, value in changes.items() if getattr(other, name) != getattr(recipe, name)}
    return needed if changed(recipe, **needed) == other else changes


def changed(recipe: Recipe, **changes: Any) -> Recipe | None:
    """Return the recipe with changes, or None if they are not valid for it."""
    try:
        return recipe.replace(**changes)
    except (ValueError, TypeError, NotImplementedError):
        return None


def neighbours(recipe: Recipe, peak: float = 0.0) -> list[Neighbour]:
    """Return the distinct recipes that differ by one common mistake, without the recipe itself."""
    found: dict[tuple[Recipe, int], Neighbour] = {}
    for words, changes in stages.mistakes(recipe, peak):
        other = changed(recipe, **changes)
        if other is not None and other != recipe and (other, 0) not in found:
            found[other, 0] = Neighbour(words, other, least_changes(recipe, other, changes))
    for words, delay in _delays(recipe):
        found.setdefault((recipe, delay), Neighbour(words, recipe, {}, delay))
    return list(found.values())
