"""How the code of vocoders cuts frames: HiFi-GAN's, and that of models that took it over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kapre.recipe import Recipe

_SIZES = ("n_fft", "hop_length", "win_length")


def reflected(n_fft: int, hop_length: int, win_length: int, **_: Any) -> dict[str, Any]:
    """Return the framing of vocoders: padding that gives a frame for each hop, and a window in the middle of it."""
    pad = max(0, (n_fft - hop_length) // 2)
    return dict(pad_left=pad, pad_right=pad, **({"window_placement": "center"} if win_length < n_fft else {}))


def with_sizes(recipe: Recipe, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return changed fields of a recipe, with what the code of vocoders computes from those that are sizes.

    Other recipes, and fields that are given, stay as they are.
    """
    before = {name: getattr(recipe, name) for name in _SIZES}
    after = {name: value if (value := fields.get(name)) is not None else old for name, old in before.items()}
    framing = {name: getattr(recipe, name) for name in reflected(**before)}
    is_vocoder = recipe.pad_mode == "reflect" and recipe.pad_left > 0 and framing == reflected(**before)
    if not is_vocoder or after == before or not all(type(value) is int for value in after.values()):
        return dict(fields)
    return {**reflected(**after), **fields}
