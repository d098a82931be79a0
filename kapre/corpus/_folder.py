"""A store's folder: whether a run may write to it, how one begins or goes on, and what the store says of itself."""

from __future__ import annotations

import json
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import keras

from kapre._version import __version__
from kapre.corpus import _shards
from kapre.corpus._errors import CorpusError


def versions() -> dict[str, str]:
    """Return the versions of what makes features."""
    found = {"kapre": __version__, "python": sys.version.split()[0]}
    for name in ("keras", "numpy", keras.backend.backend(), "soundfile", "soxr", "pyarrow"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def check_place(folder: Path, resume: bool, overwrite: bool) -> None:
    """Make the store's folder, or raise where one may not be written to."""
    if folder.exists() and not folder.is_dir():
        raise CorpusError(f"{folder}: a file, not a folder. Give a new folder.")
    if folder.exists() and any(path.name != _shards.LOCK for path in folder.iterdir()):
        if not (folder / _shards.ABOUT).exists():
            raise CorpusError(f"{folder}: a folder that is no store. Give a new one.")
        if not (resume or overwrite):
            raise CorpusError(
                f"{folder}: there is a store already. Use --resume to go on with it, or --overwrite to replace it."
            )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _shards.LOCK).touch()
    except OSError as error:
        raise CorpusError(f"{folder}: nothing can be written there ({error.strerror}). Choose another.") from error


def begin(folder: Path, about: dict[str, Any], size: int, chosen: bool, resume: bool) -> int:
    """Begin a store, or check that a run can go on with it; return the size of its shards.

    That is `size`, but that of the store where a run goes on and none was `chosen`.
    """
    file = folder / _shards.ABOUT
    if resume and file.exists():
        before = about_store(folder)
        size = size if chosen else int(before["shard_size"])
        _refuse_differences(folder, before, {**about, "shard_size": size})
        _shards.remove_unfinished(folder)
        return size
    file.unlink(missing_ok=True)
    (folder / _shards.ERRORS).unlink(missing_ok=True)
    shutil.rmtree(folder / _shards.SHARDS, ignore_errors=True)
    (folder / _shards.SHARDS).mkdir()
    write_about(folder, {**about, "shard_size": size, "complete": False})
    return size


def write_about(folder: Path, about: dict[str, Any]) -> None:
    """Write what a store says of itself."""
    text = {"kapre": __version__, "versions": versions(), "format": "parquet", **about}
    _shards.write_text(folder / _shards.ABOUT, json.dumps(text, indent=1) + "\n")


def about_store(folder: Path) -> dict[str, Any]:
    """Return what a store says of itself."""
    file = folder / _shards.ABOUT
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CorpusError(
            f"{folder}: no store of `kapre extract` (it has no {_shards.ABOUT}). Check the path."
        ) from None
    except (OSError, ValueError) as error:
        raise CorpusError(f"{file}: cannot be read ({' '.join(str(error).split())[:200]}).") from None
    return found


_IN_WORDS = {"digest": "the files, their slices or carried columns", "items": "the number of files"}


def _refuse_differences(folder: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    """Raise where a run that goes on would be another one, and say what differs."""
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
            f"{folder}: this run cannot go on with the store: {'; '.join(changes)}. Give the settings it was begun "
            "with, or use --overwrite."
        )
