"""The files of a model: in a folder, alone, or on the Hub."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kapre._checks import message
from kapre.frontends._source import SourceError
from kapre.frontends.readers._files import shown

_INNER = ("conf", "ivector")
"""The folders within a model's folder that are searched, too. Models of Kaldi have them."""
_HUB_NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*", re.ASCII)
_SUFFIXES = (
    *(".json", ".jsonl", ".yaml", ".yml", ".conf", ".cfg", ".ini", ".toml", ".txt", ".mvn", ".nemo", ".npz", ".npy"),
    *(".bin", ".ckpt", ".h5", ".keras", ".onnx", ".pb", ".pkl", ".pt", ".pth", ".safetensors", ".tflite"),
    *(".gz", ".tar", ".zip"),
)
"""The suffixes of files, which no name of a model on the Hub has."""


@dataclass(frozen=True)
class Place:
    """Say where the files of a model are.

    Args:
        name: What errors call it.
        find: Returns the path of a file by its name, or None if there is none.
        names: The names of all files, or None if they are not known.
        given: The name of the one file that was given, if it was a file.
        out_of_reach: The files of the Hub that were neither in the cache nor within reach.
        unreached: Why the Hub could not be reached, once it was asked.
    """

    name: str
    find: Callable[[str], Path | None]
    names: tuple[str, ...] | None = None
    given: str = ""
    out_of_reach: list[str] = field(default_factory=list)
    unreached: list[str] = field(default_factory=list)


def place_of(source: Any) -> Place:
    """Return where the files of a model are, for a folder, a file or the name of a model on the Hub."""
    if not isinstance(source, (str, os.PathLike)):
        rule = "a folder, a file, a mapping, or the name of a model on the Hub"
        raise TypeError(message("source", rule, source, "Use the model's folder, such as 'models/mine'."))
    text = os.fsdecode(source)
    if not text.strip():
        raise SourceError(f"the source is {text!r}, which names nothing. Give a model's folder, '.' for this one.")
    path = Path(text)
    try:
        path = path if path.exists() else Path(os.path.expanduser(text))
        if path.is_dir():
            return _folder(path)
        if path.exists():
            return _file(path)
    except (OSError, ValueError) as error:
        raise SourceError(f"{text[:100]!r}: {getattr(error, 'strerror', None) or error}. Check the path.") from None
    if isinstance(source, str) and _may_be_of_hub(text):
        return _hub(text)
    raise SourceError(f"{shown(text, 200)}: no such file or folder{_why_no_path(text)}")


def _may_be_of_hub(text: str) -> bool:
    """Tell whether a text that names no file may be the owner/name of a model, and looks like no path."""
    owner = text.partition("/")[0]
    return bool(_HUB_NAME.fullmatch(text)) and not text.lower().endswith(_SUFFIXES) and not os.path.lexists(owner)


def _why_no_path(text: str) -> str:
    """Return the end of the error of a path that does not exist, with the remedy."""
    if text != text.strip():
        return ". Remove the white space at its ends."
    if "://" in text:
        return ": it is an address. Give owner/name for a model on the Hub, or download the file and give its path."
    folder = os.path.dirname(os.path.expanduser(text))
    if not folder:
        return ". Check the path; a model on the Hub is given as owner/name."
    if not os.path.isdir(folder):
        return (
            f", nor is there a folder {shown(folder, 200)}. Check the path; a model on the Hub is given as owner/name."
        )
    remedy = "Check the path"
    if _HUB_NAME.fullmatch(text) and not text.lower().endswith(_SUFFIXES):
        remedy += "; to read a model of this name on the Hub, work in a folder that does not hold its owner's name"
    return f" in the folder {shown(folder, 200)}. {remedy}."


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
        if not unreached:
            unreached.append(_unreached())
        try:
            return Path(huggingface_hub.hf_hub_download(name, file, local_files_only=bool(unreached[0])))
        except errors.LocalEntryNotFoundError as error:
            unreached[0] = unreached[0] or _reason(error)  # later files are looked for in the cache alone
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
        except errors.HFValidationError:
            remedy = "Check the path, or give owner/name of a model."
            raise SourceError(
                f"{name}: no such folder, and no name that a model on the Hub can have. {remedy}"
            ) from None
        except Exception as error:  # of the network, whose client raises its own errors
            raise SourceError(
                f"{name}: the Hub cannot be reached ({_reason(error)}). Give the model's folder."
            ) from None

    unreached: list[str] = []
    out_of_reach: list[str] = []
    return Place(name, find, out_of_reach=out_of_reach, unreached=unreached)


def _unreached() -> str:
    """Return why the Hub cannot be reached, or an empty text. This takes as long as `HF_HUB_ETAG_TIMEOUT` at most.

    `huggingface_hub` tries each of the files several times, which takes minutes where there is no route.
    """
    import huggingface_hub
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set"
    patience = float(constants.HF_HUB_ETAG_TIMEOUT)
    found = [f"no answer within {patience:g} s; HF_HUB_ETAG_TIMEOUT sets this time"]

    def ask() -> None:
        try:
            huggingface_hub.get_session().head(constants.ENDPOINT, timeout=patience)
            found[0] = ""
        except Exception as error:  # of the client of any version, such as httpx.ConnectError
            found[0] = _reason(error)

    asking = threading.Thread(target=ask, daemon=True)  # a name may be looked up for longer than the client's timeout
    asking.start()
    asking.join(patience)
    return found[0]


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
