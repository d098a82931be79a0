"""Published front ends by name. The filter banks in `_table.py` are made when the first preset is requested."""

from __future__ import annotations

import difflib
from typing import Any

from kapre._arguments import PresetName
from kapre._checks import message
from kapre.frontends._preset import Preset


def _table() -> dict[str, Preset]:
    from kapre.frontends._table import PRESETS

    return PRESETS


def list_presets() -> list[PresetName]:
    """Return the sorted names of the published front ends that `kapre.Frontend.from_preset` accepts.

    Example:
        ```python
        import kapre

        assert "whisper" in kapre.list_presets()
        ```
    """
    names: list[Any] = sorted(_table())
    return names


def preset(name: str) -> Preset:
    """Return a published front end by name, with its recipe, its source and its users.

    Args:
        name: One of `kapre.list_presets()`.

    Raises:
        ValueError: If there is no preset of that name. The message names the nearest ones.

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
