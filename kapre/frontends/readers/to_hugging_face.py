"""The other way: the `preprocessor_config.json` of transformers that describes a recipe."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from typing import Any

from kapre.frontends._source import SourceError
from kapre.frontends.readers._reader import Document, Settings
from kapre.frontends.readers.hugging_face import EXTRACTORS, READER, TYPE
from kapre.recipe import Recipe

Fields = dict[str, Any]


def _whole_seconds(name: str) -> Callable[[Recipe], Fields]:
    """Return a function that gives the fixed length in whole seconds under a name."""

    def fields(recipe: Recipe) -> Fields:
        rate = recipe.sample_rate
        if recipe.fixed_samples is None or not rate or recipe.fixed_samples % rate:
            return {}
        return {name: int(recipe.fixed_samples // rate)}

    return fields


def _clap(recipe: Recipe) -> Fields:
    truncation = "fusion" if recipe.htk else "rand_trunc"
    padding = "repeatpad" if recipe.fixed_by == "tile" else "pad"
    return {**_whole_seconds("max_length_s")(recipe), "truncation": truncation, "padding": padding}


def _ast(recipe: Recipe) -> Fields:
    shift, scale = recipe.feature_shift, recipe.feature_scale
    if isinstance(shift, tuple) or isinstance(scale, tuple):
        return {}
    if scale == 0.0:
        return {}
    if shift == 0.0 and scale == 1.0:
        return {"do_normalize": False}
    return {"do_normalize": True, "mean": -shift, "std": 0.5 / scale}


def _wave(recipe: Recipe) -> Fields:
    return {"sampling_rate": recipe.sample_rate, "do_normalize": bool(recipe.normalize_samples)}


_SPECIAL: dict[str, Callable[[Recipe], Fields]] = {
    "ASTFeatureExtractor": _ast,
    "ClapFeatureExtractor": _clap,
    "ClvpFeatureExtractor": _whole_seconds("default_audio_length"),
    "DacFeatureExtractor": lambda recipe: {"sampling_rate": recipe.sample_rate},
    "EncodecFeatureExtractor": lambda recipe: {"sampling_rate": recipe.sample_rate},
    "SeamlessM4TFeatureExtractor": lambda recipe: {"stride": recipe.stack},
    "Speech2TextFeatureExtractor": lambda recipe: {
        "normalize_means": recipe.normalize is not None,
        "normalize_vars": recipe.normalize == "mean_std",
    },
    "Wav2Vec2FeatureExtractor": _wave,
    "WhisperFeatureExtractor": _whole_seconds("chunk_length"),
}
"""Fields that follow from several of a recipe, or from none that has the same meaning."""
_ALIKE = (
    "CohereAsrFeatureExtractor",
    "DiaFeatureExtractor",
    "MossTranscribeDiarizeFeatureExtractor",
    "Qwen3ASRFeatureExtractor",
)
"""Extractors whose features of one clip are those of another."""


def config_of(recipe: Recipe) -> Fields:
    """Return the fields of the feature extractor of transformers that gives the numbers of a recipe.

    Every candidate is read back: only one that gives the same recipe is returned.

    Raises:
        SourceError: If there is none. The message names the nearest class and what it cannot express.
    """
    near: tuple[str, list[str]] | None = None
    for name in sorted(EXTRACTORS, key=lambda each: (each in _ALIKE, each != "WhisperFeatureExtractor", each)):
        made, found = _candidate(name, recipe)
        if found is None:
            continue
        names = [field.name for field in dataclasses.fields(Recipe)]
        different = [field for field in names if _differs(getattr(found, field), getattr(recipe, field))]
        if not different:
            return made
        if near is None or len(different) < len(near[1]):
            near = name, different
    assert near is not None, "the defaults of an extractor are read"
    listed = ", ".join(f"{field}={getattr(recipe, field)!r}" for field in near[1][:8])
    raise SourceError(
        f"no feature extractor of transformers has the numbers of the recipe: {near[0]}, the nearest, cannot express "
        f"{listed}. Use kapre.integrations.FeatureExtractor, or keep Recipe.to_json."
    )


def _differs(found: Any, value: Any) -> bool:
    """Tell whether two fields differ by more than the rounding of decimal fractions."""
    if isinstance(found, float) and isinstance(value, float):
        return abs(found - value) > 1e-12 * max(abs(found), abs(value))
    return bool(found != value)


def _candidate(name: str, recipe: Recipe) -> tuple[Fields, Recipe | None]:
    """Return the fields of an extractor that come nearest to a recipe, and what these give."""
    settings = Settings({}, name, name)
    with contextlib.suppress(SourceError):
        plain = EXTRACTORS[name](settings).recipe
        made: Fields = {TYPE: name}
        for ours, theirs in settings.theirs.items():
            value = getattr(recipe, ours)
            if value != getattr(plain, ours):
                made[theirs] = value
        made |= _SPECIAL[name](recipe) if name in _SPECIAL else {}
        return made, READER.read(Document(made, name)).recipe
    return {}, None
