"""Readers of published models' configuration files, one file for each format, and the search for the right one."""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from kapre.frontends._source import SourceError
from kapre.frontends.readers import (
    coqui,
    espnet,
    essentia,
    funasr,
    hugging_face,
    kaldi,
    keras_hub,
    nemo,
    speechbrain,
    vits,
    wenet,
    wespeaker,
)
from kapre.frontends.readers._files import shown, what_is
from kapre.frontends.readers._places import Place, place_of
from kapre.frontends.readers._reader import Document as Document
from kapre.frontends.readers._reader import Published as Published
from kapre.frontends.readers._reader import Reader as Reader
from kapre.frontends.readers._reader import refusing

READERS: tuple[Reader, ...] = (
    *(hugging_face.READER, nemo.READER, kaldi.READER, speechbrain.READER, funasr.READER, wenet.READER),
    *(wespeaker.READER, espnet.READER, keras_hub.READER, coqui.READER, vits.VITS, vits.HIFIGAN, essentia.READER),
)
"""The readers, in the order in which they look at a source."""
_LARGEST_OTHER = 2**20
"""The largest file that is looked at beside the one that is read, in bytes: vocabularies are larger."""


def read(source: str | os.PathLike[str] | Mapping[str, Any]) -> Published:
    """Read the front end of a published model.

    Args:
        source: The model's folder, its configuration file, the contents of that file as a mapping, or the name of a
            model on the Hub.

    Raises:
        SourceError: If no reader knows the file, or the file has a field that could change the numbers and that the
            recipe cannot express.
        TypeError: If the source is none of these.
    """
    if not isinstance(source, (str, os.PathLike, Mapping)):
        return _read(source)  # raises a TypeError
    with refusing("the mapping" if isinstance(source, Mapping) else str(source)):
        return _read(source)


def _read(source: str | os.PathLike[str] | Mapping[str, Any]) -> Published:
    if isinstance(source, Mapping):
        reader = _knowing(source, READERS)
        if reader is None:
            keys = ", ".join(map(shown, list(source)[:5]))
            raise SourceError(f"the mapping ({keys}, …) is of no known format. {_looked(READERS)}")
        return reader.read(Document(source, "the mapping"))
    place = place_of(source)
    return _of_file(place) if place.given else _of_folder(place)


def _knowing(data: Any, readers: tuple[Reader, ...]) -> Reader | None:
    return next((reader for reader in readers if reader.knows(data)), None)


def _looked(readers: tuple[Reader, ...]) -> str:
    return f"Looked at by: {', '.join(reader.name for reader in readers)}."


def _of_file(place: Place) -> Published:
    """Read the one file that was given: by the readers of its name, else by those of its contents."""
    path = Path(place.name)
    named = tuple(reader for reader in READERS if reader.takes(path.name))
    loads = {reader.load for reader in named}
    readers = (*named, *(reader for reader in READERS if reader not in named and (not named or reader.load in loads)))
    text_like = path.suffix.lower() in (".json", ".yaml", ".yml", ".conf", ".nemo")
    if not named and not text_like:
        raise SourceError(f"{path}: {what_is(path)}, not a configuration file. {_looked(READERS)}")
    loaded: dict[Any, Any] = {}
    for reader in readers:
        if reader.load not in loaded:
            loaded[reader.load] = reader.load(path)
        if reader.knows(loaded[reader.load]):
            return reader.read(Document(loaded[reader.load], place.name, place.find))
    kind = path.suffix.lower().lstrip(".").upper() or "text"
    why = _joined(_why_unknown(reader, loaded[reader.load]) for reader in named)
    reasons = f"; it {why}" if why else ""
    raise SourceError(f"{path}: a {kind} file of no known format{reasons}. {_looked(READERS)} {_BY_HAND}")


def _of_folder(place: Place) -> Published:
    """Read the first file of a folder that a reader knows, and note the others that a reader knows."""
    unknown: dict[str, list[str]] = {}
    for reader, pattern, name, path in _candidates(place):
        try:
            data = reader.load(path)
        except SourceError as error:
            if "*" not in pattern or reader.knows_names:
                raise
            reason = str(error).removeprefix(f"{path}: ").partition(". ")[0]
            unknown[name] = [f"cannot be read ({reason})"]  # any file may have such a name
            continue
        if reader.knows(data):
            others = _others(place, name)
            _check_equals(place, reader, pattern, name, others)
            where = os.path.join(place.name, name) if place.names is not None else f"{place.name}: {name}"
            return _noting(reader.read(Document(data, where, place.find)), list(others))
        unknown.setdefault(name, []).append(_why_unknown(reader, data))
    if unknown:
        raise SourceError(f"{place.name}: none of its files describes a front end: {_reasons(unknown)}. {_BY_HAND}")
    if place.out_of_reach:
        remedy = "Check the path, connect once, or give the model's folder."
        why = "not in the cache of the Hub, which cannot be reached"
        raise SourceError(f"{place.name}: no such folder, and {why} ({place.unreached[0]}). {remedy}")
    known = ", ".join(dict.fromkeys(name for reader in READERS for name in reader.files))
    raise SourceError(f"{place.name}: holds no file that a reader knows: {known}.")


_BY_HAND = "Add the file that does, such as preprocessor_config.json, or make the recipe by hand: kapre.Recipe(…)."
_MOST_REASONS = 4


def _why_unknown(reader: Reader, data: Any) -> str:
    """Return why contents are not of a reader's format."""
    if data is None or (isinstance(data, (Mapping, list, str)) and not data):
        return "holds nothing"
    if not isinstance(data, Mapping):
        return f"holds a {type(data).__name__}, no fields"
    return f"has no {re.sub('^(an?|the) ', '', reader.holds)} ({reader.name})"


def _joined(reasons: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(reasons)).replace(", has no ", ", no ")


def _reasons(unknown: Mapping[str, list[str]]) -> str:
    """Return the reasons why files are not read, of which the first are shown."""
    texts = [f"{shown(name)} {_joined(reasons)}" for name, reasons in unknown.items()]
    more = len(texts) - _MOST_REASONS
    return "; ".join([*texts[:_MOST_REASONS], *([f"and {more} more"] if more > 0 else [])])


def _candidates(place: Place) -> Iterator[tuple[Reader, str, str, Path]]:
    """Return the files of a place that have a name of a reader, in order, each with the reader and the pattern."""
    for reader in READERS:
        for pattern in reader.files:
            for name, path in _matching(place, pattern):
                yield reader, pattern, name, path


def _others(place: Place, name: str) -> dict[str, tuple[Reader, str]]:
    """Return the other files of a folder that a reader knows, with the reader and its pattern. The Hub is not asked."""
    found: dict[str, tuple[Reader, str]] = {}
    loaded: dict[Any, Any] = {}
    for reader, pattern, other, path in _candidates(place) if place.names is not None else ():
        if other == name or other in found:
            continue
        if (reader.load, path) not in loaded:
            loaded[reader.load, path] = _loaded(reader, path)
        if reader.knows(loaded[reader.load, path]):
            found[other] = (reader, pattern)
    return found


def _loaded(reader: Reader, path: Path) -> Any:
    """Return the contents of a file beside the one that is read, or None if it cannot be read or is large."""
    try:
        if path.suffix.lower() != ".nemo" and os.stat(path).st_size > _LARGEST_OTHER:
            return None
        with refusing(str(path)):
            return reader.load(path)
    except (SourceError, OSError, ImportError):
        return None


def _check_equals(
    place: Place, reader: Reader, pattern: str, name: str, others: Mapping[str, tuple[Reader, str]]
) -> None:
    """Refuse a folder in which the name of another file tells as much as that of the one that is read."""
    group = reader.group(pattern)
    equals = [other for other, (by, fits) in others.items() if by is reader and fits in group]
    if equals:
        listed = _listed([name, *equals])
        remedy = f"Name the file to read, such as {os.path.join(place.name, name)!r}."
        raise SourceError(f"{place.name}: {listed} could each be the front end of {reader.name}. {remedy}")


def _noting(published: Published, others: list[str]) -> Published:
    """Return what was read, with a note of the files that were not."""
    if not others:
        return published
    note = f"{_listed(others)} {'was' if len(others) == 1 else 'were'} not read; name the file to read it"
    return published._replace(source=replace(published.source, notes=(*published.source.notes, note)))


def _listed(names: list[str]) -> str:
    """Return the names of files, of which the first ten are shown."""
    return ", ".join([*map(shown, names[:10]), *(["…"] if len(names) > 10 else [])])


def _matching(place: Place, pattern: str) -> list[tuple[str, Path]]:
    """Return the files of a place that fit a pattern. On the Hub, a pattern finds nothing: files are named."""
    unlisted = [] if "*" in pattern else [pattern]
    names = unlisted if place.names is None else fnmatch.filter(place.names, pattern)
    found = [(name, place.find(name)) for name in names]
    return [(name, path) for name, path in found if path is not None]
