"""What is known of a published front end."""

from __future__ import annotations

from dataclasses import dataclass

from kapre.recipe import Recipe


@dataclass(frozen=True)
class Preset:
    """Name a published front end: its recipe, and where it comes from.

    Args:
        name: What `kapre.Frontend.from_preset` takes.
        recipe: Its recipe.
        title: What it is, in a line.
        used_by: Who trained on it.
        source: The reference implementation, and the paper where there is one.
        note: What to know before using it.
        version: Which of the reference's versions, where it changed; else empty.

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
