"""Hugging Face: `preprocessor_config.json`, or `processor_config.json` with its `feature_extractor`.

One function for each feature extractor of transformers takes its fields; the modules `_hf_…` hold them by family.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kapre._hints import nearest
from kapre.frontends._source import SourceError
from kapre.frontends.readers import _hf_sound, _hf_speech, _hf_whisper, own_extractor
from kapre.frontends.readers._hf_fields import Extractor, of_processors
from kapre.frontends.readers._reader import Document, Published, Reader, Settings

EXTRACTORS: dict[str, Extractor] = {**_hf_whisper.EXTRACTORS, **_hf_speech.EXTRACTORS, **_hf_sound.EXTRACTORS}
"""The function that reads the fields of each feature extractor, by the name of its class."""

_ALL: dict[str, Extractor] = {**EXTRACTORS, own_extractor.NAME: own_extractor.read}
"""Those of transformers, and that of Kapre."""

TYPE = "feature_extractor_type"


def _fields(data: Any) -> Mapping[str, Any] | None:
    """Return the fields of the feature extractor, which a processor's file nests."""
    if not isinstance(data, Mapping):
        return None
    inner = data.get("feature_extractor")
    if isinstance(inner, Mapping) and TYPE in inner:
        return inner
    return data if TYPE in data else None


def _read(document: Document) -> Published:
    fields = _fields(document.data)
    assert fields is not None
    name = fields[TYPE]
    if not isinstance(name, str) or name not in _ALL:
        near = nearest(str(name), _ALL)
        way = f"Is it {' or '.join(near)}?" if near else "Make the recipe by hand: kapre.Recipe(…)."
        rule = "a feature extractor that Kapre reads"
        raise SourceError(f"{document.place}: `{TYPE}` must be {rule}; received {TYPE}={name!r}. {way}")
    settings = Settings(fields, f"Hugging Face ({name})", document.place)
    of_processors(settings)
    found = _ALL[name](settings)
    if found.recipe.n_fft % 2 and found.recipe.filterbank is not None:
        way = "transformers places the bands of an odd DFT elsewhere; make the recipe by hand: kapre.Recipe(…)."
        raise settings.error("n_fft", "even", found.recipe.n_fft, way)
    return found


READER = Reader(
    name="Hugging Face",
    files=("processor_config.json", "preprocessor_config.json"),
    holds="`feature_extractor_type`",
    knows=lambda data: _fields(data) is not None,
    read=_read,
)
