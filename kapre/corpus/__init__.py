"""Corpora: compute features of recordings, report all damage, and keep the features in a store.

`kapre.audio` reads the files. `kapre.corpus.audio` is its old address. The other modules need pyarrow and are imported
on first use.
"""

from typing import TYPE_CHECKING

from kapre._lazy import on_first_use
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


def _check_pyarrow(name: str) -> None:
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise ImportError(f"kapre.corpus.{name} needs pyarrow: run `pip install 'kapre[audio]'`.") from error


if not TYPE_CHECKING:  # a type checker would otherwise accept any name
    __getattr__, __dir__ = on_first_use(__name__, _ON_FIRST_USE, _check_pyarrow)
