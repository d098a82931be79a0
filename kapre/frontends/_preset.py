"""`Preset`: the description of a published front end."""

from __future__ import annotations

from dataclasses import dataclass

from kapre.recipe import Recipe


@dataclass(frozen=True)
class Preset:
    """Describe a published front end: its name, recipe and origin.

    Args:
        name: The name that `kapre.Frontend.from_preset` takes.
        recipe: The recipe of the front end.
        title: A one-line description.
        used_by: The models that were trained with it.
        source: The reference implementation, and the paper if there is one.
        note: Advice to read before use.
        version: The version of the reference, if the front end changed between versions; else empty.

    Example:
        ```python
        import kapre

        entry = kapre.frontends.preset("vocos")
        assert entry.recipe.sample_rate == 24000 and "F5-TTS" in entry.used_by
        ```
    """

    name: str
    recipe: Recipe
    title: str
    used_by: str
    source: str
    note: str = ""
    version: str = ""
