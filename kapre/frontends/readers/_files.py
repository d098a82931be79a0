"""Configuration files as plain data: JSON, YAML and the archives of NeMo, within limits and without making objects.

Nothing is extracted, no tag of a file makes a Python object, and a pickle is never opened.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

from kapre.frontends._source import SourceError

LARGEST = 16 * 2**20
"""The largest configuration file that is read, in bytes."""
_DEEPEST = 100
_MOST_NODES = 1_000_000
_LARGEST_ARCHIVE = 4 * 2**30
"""How far a compressed archive is decompressed, in bytes."""
_MAGIC = (
    (b"PK\x03\x04", "a zip archive, such as a checkpoint of PyTorch or a .keras file"),
    (b"\x80\x02", "a pickle, which is never opened"),
    (b"\x80\x03", "a pickle, which is never opened"),
    (b"\x80\x04", "a pickle, which is never opened"),
    (b"\x80\x05", "a pickle, which is never opened"),
    (b"\x89HDF", "an HDF5 file"),
    (b"GGUF", "a GGUF file of weights"),
    (b"RIFF", "a RIFF file, such as a recording"),
    (b"fLaC", "a FLAC recording"),
    (b"\x89PNG", "a picture"),
    (b"\x1f\x8b", "a gzip file"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ", "an xz file"),
)


class Tagged:
    """Hold a value of YAML that has a tag of its own, such as `!new:package.Class`, as data."""

    def __init__(self, tag: str, value: Any) -> None:
        self.tag, self.value = tag, value

    def __repr__(self) -> str:
        return f"Tagged({self.tag!r}, {self.value!r})"


def shown(name: Any, longest: int = 60) -> str:
    """Return a name that a file gives, such as a key, as errors show it: on one line, and not too long."""
    text = str(name)
    text = text if text.isprintable() else repr(text)
    return text if len(text) <= longest else f"{text[: longest - 3]}…"


def what_is(path: Path) -> str:
    """Return what a file is, by its first bytes."""
    with open(path, "rb") as file:
        head = file.read(512)
    if not head:
        return "an empty file"
    for magic, words in _MAGIC:
        if head.startswith(magic):
            return words
    if head[257:262] == b"ustar":
        return "a tar archive"
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 2**32:
        return "a safetensors file of weights"
    try:
        head.decode("utf-8", "strict" if len(head) < 512 else "ignore")
    except UnicodeDecodeError:
        return "a binary file"
    return "a binary file" if b"\x00" in head else "a text file"


def load(path: Path) -> Any:
    """Return the contents of a configuration file, by its suffix: JSON, YAML, or the YAML within a .nemo archive."""
    suffix = path.suffix.lower()
    if suffix == ".nemo":
        return load_yaml(in_archive(path, "model_config.yaml"), f"{path}: model_config.yaml")
    if suffix in (".yaml", ".yml"):
        return load_yaml(text_of(path), str(path))
    return load_json(text_of(path), str(path))


def text_of(path: Path) -> str:
    """Return the text of a file of limited size."""
    try:
        size = os.stat(path).st_size
        if size > LARGEST:
            raise SourceError(
                f"{path}: {size / 2**20:.0f} MiB, where a configuration file has at most {LARGEST // 2**20}. "
                "Give the model's configuration file, not its weights."
            )
        with open(path, "rb") as file:
            return _decoded(file.read(LARGEST), path)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}. Give a model's folder or its configuration file.") from None


def _decoded(data: bytes, path: Path) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SourceError(f"{path}: {what_is(path)}, not a configuration file. Give the text file.") from None


_STRING_OR_COMMENT = re.compile(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*')


def load_json(text: str, place: str) -> Any:
    """Return the contents of JSON text. Comments from `//` to the end of a line are left out, as Coqui TTS does.

    A key that an object gives twice is refused: libraries take the last, and a person may have read the first.
    """

    def made(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name in found:
                raise _twice(place, name)
            found[name] = value
        return found

    try:
        try:
            return json.loads(text, object_pairs_hook=made)
        except json.JSONDecodeError:
            text = _STRING_OR_COMMENT.sub(lambda found: found[0] if found[0][0] == '"' else "", text)
            return json.loads(text, object_pairs_hook=made)
    except SourceError:
        raise
    except RecursionError:
        raise SourceError(f"{place}: nested too deep for a configuration file. Give another file.") from None
    except ValueError as error:  # JSONDecodeError, or an integer of thousands of digits
        raise SourceError(f"{place}: no JSON: {error}. Give the model's configuration file.") from None


def _twice(place: str, name: str) -> SourceError:
    return SourceError(f"{place}: the key {shown(name)} is given twice in one mapping. Remove one of the two.")


def load_yaml(text: str, place: str) -> Any:
    """Return the contents of YAML text. A tag of its own makes a `Tagged`, and a Python tag is refused.

    So is a key that a mapping gives twice, as in `load_json`.
    """
    try:
        import yaml
    except ImportError:
        raise ImportError(f"{place}: YAML needs PyYAML: run `pip install 'kapre[hub]'`.") from None
    try:
        _check_events(yaml, text, place)
        loader = _loader(yaml)(text)
        try:
            node = loader.get_single_node()
            _check_size(yaml, node, place)
            _check_keys(yaml, node, place)
            return None if node is None else loader.construct_document(node)
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError, RecursionError, AttributeError, TypeError) as error:
        if isinstance(error, SourceError):
            raise
        reason = " ".join(str(error).split())
        raise SourceError(f"{place}: no YAML: {reason[:200]}. Give the model's configuration file.") from None


def _check_events(yaml: Any, text: str, place: str) -> None:
    """Refuse what is nested too deep, before it is composed, which takes a stack."""
    depth = 0
    for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise SourceError(f"{place}: nested more than {_DEEPEST} deep. Give the model's configuration file.")


def _check_size(yaml: Any, root: Any, place: str) -> None:
    """Refuse what its aliases make too large, such as lists of lists that each hold the same list ten times."""
    sizes: dict[int, int] = {}
    entered: set[int] = set()

    def size(node: Any) -> int:
        if id(node) in entered:
            raise SourceError(f"{place}: an alias holds itself. Give the model's configuration file.")
        if id(node) not in sizes:
            entered.add(id(node))
            sizes[id(node)] = 1 + sum(map(size, _parts(yaml, node)))
            entered.discard(id(node))
        if sizes[id(node)] > _MOST_NODES:
            raise SourceError(f"{place}: its aliases stand for more than {_MOST_NODES} values. Write it without them.")
        return sizes[id(node)]

    if root is not None:
        size(root)


def _parts(yaml: Any, node: Any) -> list[Any]:
    """Return the keys and values of a mapping, or the values of a sequence."""
    if isinstance(node, yaml.MappingNode):
        return [each for pair in node.value for each in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _check_keys(yaml: Any, root: Any, place: str) -> None:
    """Refuse a key that a mapping gives twice. One that it also merges by `<<` is its own."""
    left, seen = [] if root is None else [root], set()
    while left:
        node = left.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        left.extend(_parts(yaml, node))
        keys = node.value if isinstance(node, yaml.MappingNode) else []
        names = [key.value for key, _ in keys if isinstance(key, yaml.ScalarNode) and not key.tag.endswith(":merge")]
        if len(set(names)) < len(names):
            raise _twice(place, next(name for name, times in Counter(names).items() if times > 1))


_loaders: dict[str, Any] = {}


def _loader(yaml: Any) -> Any:
    """Return the class that loads YAML as data. It is made once."""
    if "data" not in _loaders:
        import re

        class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
            """Load YAML as data."""

        def tagged(loader: Any, suffix: str, node: Any) -> Tagged:
            return Tagged(f"!{suffix}", _plain(yaml, loader, node))

        Loader.add_multi_constructor("!", tagged)
        # YAML 1.1 demands a dot in 1e-5, which is text without it. NeMo reads it as a number.
        floats = re.compile(r"^[-+]?[0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+$")
        Loader.add_implicit_resolver("tag:yaml.org,2002:float", floats, list("-+0123456789"))
        _loaders["data"] = Loader
    return _loaders["data"]


def _plain(yaml: Any, loader: Any, node: Any) -> Any:
    """Return the value of a node without its tag."""
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)


class _Limited(io.RawIOBase):
    """Read a file within limits: a part of it at once, and not past a place."""

    def __init__(self, file: Any, most: int, place: str) -> None:
        self.file, self.most, self.place = file, most, place

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > LARGEST:
            raise SourceError(f"{self.place}: an entry of it is too large. Give the model_config.yaml within it.")
        self._check(self.file.tell() + size)
        return bytes(self.file.read(size))

    def seek(self, offset: int, whence: int = 0) -> int:
        self._check(offset)
        return int(self.file.seek(offset, whence))

    def tell(self) -> int:
        return int(self.file.tell())

    def _check(self, place: int) -> None:
        if place > self.most:
            raise SourceError(f"{self.place}: too large to search. Give the model_config.yaml within it.")


def in_archive(path: Path, member: str) -> str:
    """Return the text of one member of a tar archive, which may be compressed by gzip. Nothing is extracted."""
    remedy = f"Give the {member} of the model."
    try:
        with open(path, "rb") as file:
            compressed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            opened: Any = gzip.GzipFile(fileobj=file) if compressed else file
            most = _LARGEST_ARCHIVE if compressed else os.fstat(file.fileno()).st_size + 2**20
            limited: Any = _Limited(opened, most, str(path))
            with tarfile.open(fileobj=limited, mode="r:") as archive:
                found = None
                for entry in archive:
                    if entry.name.removeprefix("./") != member or not entry.isreg():
                        continue
                    if found is not None:
                        raise SourceError(f"{path}: the archive holds {member} twice. Give the one of the model.")
                    found = _entry(archive, entry, path)
                    if compressed:  # to go on would decompress the weights
                        break
                if found is not None:
                    return found
    except SourceError:
        raise
    except OSError as error:
        reason = error.strerror or "a damaged gzip file"
        raise SourceError(f"{path}: {reason}. {remedy}") from None
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
        raise SourceError(f"{path}: {what_is(path)}, no archive of NeMo ({error}). {remedy}") from None
    raise SourceError(f"{path}: the archive holds no {member}. {remedy}")


def _entry(archive: tarfile.TarFile, entry: tarfile.TarInfo, path: Path) -> str:
    if entry.size > LARGEST:
        raise SourceError(f"{path}: {entry.name} has {entry.size} bytes. Give the model_config.yaml of the model.")
    found = archive.extractfile(entry)
    assert found is not None
    return _decoded(found.read(), path)
