"""`Source`: where a front end was read from, and what became of each field of the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class SourceError(ValueError):
    """Report that a model's files cannot be read as a front end. The message is one line."""


@dataclass(frozen=True)
class Source:
    """Describe the file that a front end was read from by `kapre.Frontend.from_pretrained`.

    Args:
        reader: The name of the reader, with what it read: "Hugging Face (WhisperFeatureExtractor)".
        where: The file, or a description of it.
        honoured: The fields of the file that determine the recipe, with their values. A field that the file leaves out
            has the default of the library that wrote the file.
        ignored: The fields of the file that have no effect on the numbers, with the reason.
        notes: Advice to read before use.

    Example:
        ```python
        import kapre

        config = {"feature_extractor_type": "WhisperFeatureExtractor", "feature_size": 128, "processor_class": "X"}
        source = kapre.Frontend.from_pretrained(config).source
        assert source.reader == "Hugging Face (WhisperFeatureExtractor)"
        assert source.honoured["feature_size"] == 128 and "processor_class" in source.ignored
        ```
    """

    reader: str
    where: str
    honoured: Mapping[str, Any] = field(default_factory=dict)
    ignored: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
