"""The files of a model: in a folder, alone, or on the Hub."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kapre._checks import message
from kapre.frontends._source import SourceError

_INNER = ("conf", "ivector")
"""The folders within a model's folder that are searched, too. Models of Kaldi have them."""
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True)
class Place:
    """Say where the files of a model are.

    Args:
        name: What errors call it.
        find: Returns the path of a file by its name, or None if there is none.
        names: The names of all files, or None if they are not known.
        given: The name of the one file that was given, if it was a file.
        out_of_reach: The files of the Hub that were neither in the cache nor within reach.
    """

    name: str
    find: Callable[[str], Path | None]
    names: tuple[str, ...] | None = None
    given: str = ""
    out_of_reach: list[str] = field(default_factory=list)


def place_of(source: Any) -> Place:
    """Return where the files of a model are, for a folder, a file or the name of a model on the Hub."""
    if not isinstance(source, (str, os.PathLike)):
        rule = "a folder, a file, a mapping, or the name of a model on the Hub"
        raise TypeError(message("source", rule, source, "Use the model's folder, such as 'models/mine'."))
    text = os.fspath(source)
    if isinstance(text, bytes):
        text = os.fsdecode(text)
    path = Path(text)
    try:
        if path.is_dir():
            return _folder(path)
        if path.exists():
            return _file(path)
    except (OSError, ValueError) as error:
        raise SourceError(f"{text[:100]!r}: {getattr(error, 'strerror', None) or error}. Check the path.") from None
    if isinstance(source, str) and _HUB_NAME.fullmatch(text) and not text.startswith("."):
        return _hub(text)
    raise SourceError(f"{text[:200]}: no such file or folder, and no owner/name of a model on the Hub. Check the path.")


def _folder(path: Path) -> Place:
    try:
        names = tuple(_names(path)) + tuple(
            f"{inner}/{name}" for inner in _INNER if (path / inner).is_dir() for name in _names(path / inner)
        )
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}. Check the folder.") from None

    listed = frozenset(names)

    def find(name: str) -> Path | None:
        if name in listed:
            return path / name
        return _below(path, name) if "/" in name else None  # a path that a field of a file names

    return Place(str(path), find, names)


def _below(folder: Path, name: str) -> Path | None:
    """Return the path of a file by its name, which may hold folders, or None if there is none."""
    path = folder / name
    return path if os.path.isfile(path) else None


def _names(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir() if entry.is_file())


def _file(path: Path) -> Place:
    if not path.is_file():
        raise SourceError(f"{path}: neither a file nor a folder. Give a model's folder or its configuration file.")

    return Place(str(path), lambda name: _below(path.parent, name), (path.name,), path.name)


def _hub(name: str) -> Place:
    """Return a place whose files are fetched one by one, or come from the cache of `huggingface_hub`."""
    try:
        import huggingface_hub
        from huggingface_hub import errors
    except ImportError:
        text = f"{name}: no such folder. To fetch a model from the Hub, run `pip install 'kapre[hub]'`."
        raise SourceError(text) from None

    def find(file: str) -> Path | None:
        try:
            return Path(huggingface_hub.hf_hub_download(name, file))
        except errors.LocalEntryNotFoundError:
            out_of_reach.append(file)
            return None
        except errors.EntryNotFoundError:
            return None
        except errors.GatedRepoError:
            remedy = "Accept its conditions there, and log in: `hf auth login`."
            raise SourceError(f"{name}: this model of the Hub is gated. {remedy}") from None
        except errors.RepositoryNotFoundError:
            remedy = "Check the name; a private model needs `hf auth login`."
            raise SourceError(f"{name}: no such folder, and no such model on the Hub. {remedy}") from None
        except Exception as error:  # of the network, whose client raises its own errors
            reason = " ".join(str(error).split())[:200]
            raise SourceError(f"{name}: the Hub cannot be reached ({reason}). Give the model's folder.") from None

    out_of_reach: list[str] = []
    return Place(name, find, out_of_reach=out_of_reach)
