"""Corpora: recordings decoded with every damage found, and their features in a store.

`kapre.corpus.audio` reads audio files; the rest needs pyarrow, and loads on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from kapre.corpus._errors import CorpusError
from kapre.corpus.audio import AudioError, AudioInfo, Recording, inspect, readable_formats

if TYPE_CHECKING:
    from kapre.corpus.extraction import Plan, Progress, Summary, extract, plan
    from kapre.corpus.reading import Store, StoredClip, StoredError, read

_ON_FIRST_USE = dict.fromkeys(("Plan", "Progress", "Summary", "extract", "plan"), "extraction")
_ON_FIRST_USE |= dict.fromkeys(("Store", "StoredClip", "StoredError", "read"), "reading")

__all__ = [
    "AudioError",
    "AudioInfo",
    "CorpusError",
    "Plan",
    "Progress",
    "Recording",
    "Store",
    "StoredClip",
    "StoredError",
    "Summary",
    "extract",
    "inspect",
    "plan",
    "read",
    "readable_formats",
]


if not TYPE_CHECKING:  # a checker would take any name for one of these

    def __getattr__(name: str) -> Any:
        """Load what needs pyarrow when it is asked for."""
        if name not in _ON_FIRST_USE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            import pyarrow  # noqa: F401
        except ImportError as error:
            raise ImportError(f"kapre.corpus.{name} needs pyarrow: run `pip install 'kapre[audio]'`.") from error
        return getattr(import_module(f"kapre.corpus.{_ON_FIRST_USE[name]}"), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *_ON_FIRST_USE})
