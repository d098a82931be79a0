"""The folder of a store: permission to write, beginning or resuming a run, and the description of the store."""

from __future__ import annotations

import json
import sys
import uuid
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pyarrow as pa

from kapre._version import __version__
from kapre.audio._errors import one_line
from kapre.corpus import _shards
from kapre.corpus._errors import CorpusError
from kapre.corpus._place import Place


def versions() -> dict[str, str]:
    """Return the versions of the packages that affect features."""
    import keras  # reading a store does not need Keras

    found = {"kapre": __version__, "python": sys.version.split()[0]}
    for name in ("keras", "numpy", keras.backend.backend(), "soundfile", "soxr", "pyarrow", "av"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def check_place(place: Place, resume: bool, overwrite: bool) -> None:
    """Create the folder of a store, or raise if a store must not be written there."""
    try:
        if place.kind() == "file":
            raise CorpusError(f"{place.name}: a file, not a folder. Give a new folder.")
        if not place.is_empty_but_for(_shards.LOCK):
            if not place.kind(_shards.ABOUT):
                raise CorpusError(f"{place.name}: a folder that is no store. Give a new one.")
            if not (resume or overwrite) and place.sizes(_shards.SHARDS):  # an empty store does not block
                raise CorpusError(
                    f"{place.name}: there is a store already. Use resume=True to go on with it, or overwrite=True to "
                    "replace it."
                )
        place.make()
        if place.is_local:
            Path(place.at(_shards.LOCK)).touch()
    except (OSError, pa.ArrowException) as error:
        reason = getattr(error, "strerror", None) or one_line(error)
        raise CorpusError(f"{place.name}: nothing can be written there ({reason}). Choose another.") from error


def begin(place: Place, about: dict[str, Any], size: int, chosen: bool, resume: bool) -> tuple[int, str, bool]:
    """Begin a store, or check that a run can continue it.

    Return the shard size, the name of the run, and whether the store has warnings. The shard size is `size`. A resumed
    run without a `chosen` size uses the size of the store.
    """
    place.remove_unfinished()
    place.remove_folder(_shards.MANIFEST)
    if resume and place.kind(_shards.ABOUT):
        before = about_store(place)
        size = size if chosen else int(before["shard_size"])
        _refuse_differences(place, before, {**about, "shard_size": size})
        place.remove_unfinished(_shards.SHARDS)
        return size, str(before.get("run")), bool(before.get("warnings", "warned" in before))
    run = uuid.uuid4().hex
    # Write the description only after old shards are gone: at any interruption, the folder is a store and can be
    # replaced.
    place.remove_folder(_shards.SHARDS)
    place.remove(_shards.ERRORS)
    write_about(place, {**about, "shard_size": size, "run": run, "warnings": True, "complete": False})
    place.make(_shards.SHARDS)
    return size, run, True


def write_about(place: Place, about: dict[str, Any]) -> None:
    """Write the description of a store."""
    text = {"kapre": __version__, "versions": versions(), **about}
    place.write_text(json.dumps(text, indent=1) + "\n", _shards.ABOUT)


def about_store(place: Place) -> dict[str, Any]:
    """Return the description of a store."""
    try:
        found: dict[str, Any] = json.loads(place.read_text(_shards.ABOUT))
    except FileNotFoundError:
        raise CorpusError(
            f"{place.name}: no store of `kapre extract` (it has no {_shards.ABOUT}). Check the path."
        ) from None
    except (OSError, ValueError) as error:
        reason = one_line(error)
        raise CorpusError(f"{place.shown(_shards.ABOUT)}: cannot be read ({reason}).") from None
    return found


_IN_WORDS = {"digest": "the files, their slices or carried columns", "items": "the number of files"}


def _refuse_differences(place: Place, before: dict[str, Any], now: dict[str, Any]) -> None:
    """Raise an error that lists the differences if a resumed run would differ from the original one."""
    changes = []
    for key, value in now.items():
        old = before.get(key)
        if old == value:
            continue
        if key == "recipe":
            own, other = now[key], before.get(key) or {}
            changes += [
                f"recipe.{name} is {own.get(name)!r}, was {other.get(name)!r}"
                for name in sorted(set(own) | set(other))
                if own.get(name) != other.get(name)
            ]
        elif key == "digest":
            changes.append(f"{_IN_WORDS[key]} changed")
        else:
            changes.append(f"{_IN_WORDS.get(key, key)} is {value!r}, was {old!r}")
    if changes:
        raise CorpusError(
            f"{place.name}: this run cannot go on with the store: {'; '.join(changes)}. Give the settings it was begun "
            "with, or use overwrite=True."
        )
