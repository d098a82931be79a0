"""The location of a store or a recording: a folder or a file on this machine, or on any pyarrow file system."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import fs

from kapre.audio._errors import one_line
from kapre.corpus._errors import CorpusError

WRITING = ".writing-"
"""Prefix of the names of incomplete files."""
_WHOLE_AT_ONCE = ("s3", "gcs", "abfs")
"""File systems on which a file appears when its writer closes, and not before."""
_OPTIONS = "region|endpoint_override|scheme|allow_bucket_creation|allow_bucket_deletion|retry_limit_seconds|project_id"
"""Options allowed in a query. Others are refused: object keys may contain question marks, and paths no secrets."""
_URI = re.compile(
    rf"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+)://(?P<host>[^/?]*)(?P<path>/.*?)?(?P<query>\?(?:{_OPTIONS})=.*)?", re.S
)
_SECRET = re.compile(r"(?<=://)[^/@:]+:[^/@]+@")
_TRIES = (0.0, 0.5, 2.0)
"""Seconds to wait before each attempt to fetch a file."""


def is_uri(path: str) -> bool:
    """Tell whether a path names its file system, as s3://bucket/folder does."""
    return "://" in path and _URI.fullmatch(path) is not None


def split_uri(uri: str) -> tuple[str, str]:
    """Return a URI without its query, and the query, such as "?region=eu-west-1"."""
    match = _URI.fullmatch(uri) if "://" in uri else None
    query = (match and match["query"]) or ""
    return uri[: len(uri) - len(query)], query


def without_secrets(path: str) -> str:
    """Return a path or URI for display and storage, without the query, user and password."""
    return _SECRET.sub("", split_uri(path)[0]) if "://" in path else path


@lru_cache(64)
def _file_system(scheme: str, host: str, query: str) -> tuple[Any, str]:
    """Return a file system and the prefix of paths on it, such as the name of a bucket."""
    uri = f"{scheme}://{host}/kapre{query}"
    name = without_secrets(uri).removesuffix("/kapre")
    try:
        found, path = fs.FileSystem.from_uri(uri)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError) as error:
        try:
            import fsspec

            other, path = fsspec.core.url_to_fs(uri)
        except (ImportError, ValueError):
            reason = one_line(error)
            raise CorpusError(
                f"{name}: no file system that can be used ({reason}). Use one of pyarrow's, such as s3://, "
                "gs:// or abfs://, or install the fsspec package that knows it."
            ) from None
        found = fs.PyFileSystem(fs.FSSpecHandler(other))
    except (OSError, ImportError) as error:
        reason = one_line(error)
        raise CorpusError(f"{name}: cannot be reached ({reason}). Check it, and your credentials.") from None
    return found, path.removesuffix("kapre")


def on_file_system(path: str) -> tuple[Any, str]:
    """Return the file system of a path, and the path on that file system."""
    match = _URI.fullmatch(path) if "://" in path else None
    if match is None:
        return fs.LocalFileSystem(), os.path.abspath(path)
    scheme, host, inside, query = match.groups()
    found, prefix = _file_system(scheme, host, query or "")
    return found, prefix + (inside or "").removeprefix("/")


@dataclass(frozen=True)
class Place:
    """Represent a folder.

    Attributes:
        filesystem: The pyarrow file system.
        path: The path on that file system.
        name: The path as given, for display.
    """

    filesystem: Any
    path: str
    name: str

    @classmethod
    def of(cls, folder: str | os.PathLike[str], filesystem: Any = None) -> Place:
        """Return the place for a path or URI, or for a path on a given file system."""
        name = os.fspath(folder)
        if filesystem is not None:
            return cls(filesystem, name.rstrip("/"), name)
        found, path = on_file_system(name)
        return cls(found, path.rstrip("/") or "/", without_secrets(name))

    @property
    def is_local(self) -> bool:
        """Return whether the folder is on this machine."""
        return isinstance(self.filesystem, fs.LocalFileSystem)

    def at(self, *names: str) -> str:
        """Return the path of an entry in the folder."""
        return "/".join([self.path, *names])

    def shown(self, *names: str) -> str:
        """Return the path of an entry for display."""
        return os.path.join(self.name, *names) if self.is_local else "/".join([self.name.rstrip("/"), *names])

    def kind(self, *names: str) -> str:
        """Return "file", "folder", or "" if nothing exists."""
        info = self.filesystem.get_file_info(self.at(*names) if names else self.path)
        kinds = {fs.FileType.File: "file", fs.FileType.Directory: "folder", fs.FileType.NotFound: ""}
        return kinds.get(info.type, "file")

    def sizes(self, folder: str = "") -> dict[str, int]:
        """Return the names and sizes in bytes of the files in a subfolder, sorted by name."""
        selector = fs.FileSelector(self.at(folder) if folder else self.path, allow_not_found=True)
        found = self.filesystem.get_file_info(selector)
        return {info.base_name: info.size for info in sorted(found, key=lambda info: info.path) if info.is_file}

    def is_empty_but_for(self, *names: str) -> bool:
        """Return whether the folder holds nothing but the given names and incomplete files."""
        found = self.filesystem.get_file_info(fs.FileSelector(self.path, allow_not_found=True))
        return all(info.base_name in names or info.base_name.startswith(WRITING) for info in found)

    def open(self, *names: str) -> Any:
        """Open a file for random access."""
        return self.filesystem.open_input_file(self.at(*names))

    def read_text(self, *names: str) -> str:
        """Return the text of a file."""
        with self.open(*names) as file:
            text: bytes = file.read()
        return text.decode("utf-8")

    def make(self, folder: str = "") -> None:
        """Create the folder, or a subfolder."""
        self.filesystem.create_dir(self.at(folder) if folder else self.path, recursive=True)

    def remove(self, *names: str) -> None:
        """Remove a file if it exists."""
        with contextlib.suppress(FileNotFoundError):
            if self.kind(*names):
                self.filesystem.delete_file(self.at(*names))

    def remove_folder(self, folder: str) -> None:
        """Remove a subfolder if it exists."""
        if self.kind(folder):
            self.filesystem.delete_dir(self.at(folder))

    def remove_unfinished(self, folder: str = "") -> None:
        """Remove incomplete files that a killed run left."""
        for name in self.sizes(folder):
            if name.startswith(WRITING):
                self.remove(*filter(None, (folder, name)))

    def write_text(self, text: str, *names: str) -> None:
        """Write a text file, completely or not at all."""
        with self.replacing(*names) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="")

    @contextlib.contextmanager
    def replacing(self, *names: str) -> Iterator[Path]:
        """Provide the name of a temporary local file that replaces a file once it is complete."""
        if not self.is_local:
            with tempfile.TemporaryDirectory(prefix="kapre-") as folder:
                temporary = Path(folder) / names[-1]
                yield temporary
                self._upload(temporary, names)
            return
        path = Path(self.at(*names))
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=WRITING, suffix=path.suffix)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            with open(temporary, "rb+") as file:
                os.fsync(file.fileno())
            os.chmod(temporary, 0o666 & ~_umask())
            os.replace(temporary, path)
            _sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)

    def _upload(self, file: Path, names: tuple[str, ...]) -> None:
        at_once = self.filesystem.type_name in _WHOLE_AT_ONCE
        target = self.at(*names) if at_once else self.at(*names[:-1], f"{WRITING}{uuid.uuid4().hex}")
        # Write in one call. An exception closes the stream, and the part written so far would become the file.
        with pa.memory_map(os.fspath(file)) as source, self.filesystem.open_output_stream(target) as sink:
            sink.write(source.read_buffer())
        if not at_once:
            self.filesystem.move(target, self.at(*names))


def _umask() -> int:
    value = os.umask(0)
    os.umask(value)
    return value


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # not every system can open a folder
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def fetched(path: str) -> Iterator[str]:
    """Provide a local file with the contents of a path or URI.

    Raises:
        FileNotFoundError: If the file does not exist.
        OSError: If the file cannot be fetched after several attempts.
        CorpusError: If the file system does not exist.
    """
    if not is_uri(path):
        yield path
        return
    filesystem, inside = on_file_system(path)
    with tempfile.TemporaryDirectory(prefix="kapre-") as folder:
        name = os.path.join(folder, "recording" + os.path.splitext(inside)[1])
        for number, pause in enumerate(_TRIES, 1):
            time.sleep(pause)
            try:
                with filesystem.open_input_stream(inside) as source, open(name, "wb") as sink:
                    shutil.copyfileobj(source, sink, 1 << 22)
                break
            except FileNotFoundError:
                raise
            except (pa.ArrowInvalid, ValueError) as error:  # not a valid path on that file system
                raise FileNotFoundError(str(error)) from None
            except Exception as error:  # packages behind fsspec have their own errors
                if number == len(_TRIES):
                    raise OSError(one_line(error)) from error
        yield name


def files_of(folder: str) -> list[str] | None:
    """Return the relative paths of all files below a folder at a URI, sorted, or None if it is not a folder."""
    filesystem, inside = on_file_system(folder)
    inside = inside.rstrip("/")
    if filesystem.get_file_info(inside).type != fs.FileType.Directory:
        return None
    found = filesystem.get_file_info(fs.FileSelector(inside, recursive=True))
    return sorted(info.path[len(inside) :].lstrip("/") for info in found if info.is_file)
