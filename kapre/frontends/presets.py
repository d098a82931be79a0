"""Published front ends by name. Their table is `_table.py`, whose filter banks are made when the first is asked for."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from kapre._checks import message
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


def _table() -> dict[str, Preset]:
    from kapre.frontends._table import PRESETS

    return PRESETS


def list_presets() -> list[str]:
    """Return the names of the published front ends that `kapre.Frontend.from_preset` makes, sorted.

    Example:
        ```python
        import kapre

        assert "whisper" in kapre.list_presets()
        ```
    """
    return sorted(_table())


def preset(name: str) -> Preset:
    """Return a published front end by name: its recipe, its source, who uses it.

    Args:
        name: One of `kapre.list_presets()`.

    Raises:
        ValueError: If there is none of that name; the message names the nearest.

    Example:
        ```python
        import kapre

        assert kapre.frontends.preset("nemo").recipe.n_mels == 80
        ```
    """
    known = _table()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(str(name), known, n=3, cutoff=0.4)
    remedy = f"Use {' or '.join(map(repr, near))}." if near else "kapre.list_presets() has them all."
    raise ValueError(message("name", "a preset of kapre.list_presets()", name, remedy))
