"""Inputs of an extraction: files, folders, manifests and slices. Each is an item with its carried columns."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from kapre.audio._container import count as counted
from kapre.audio._errors import one_line
from kapre.corpus._errors import CorpusError
from kapre.corpus._place import fetched, files_of, is_uri, split_uri

_COMPRESSED = (".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".m4b", ".aac")
_PLAIN = (".wav", ".wave", ".bwf", ".aiff", ".aif", ".aifc", ".au", ".snd", ".caf", ".w64", ".rf64", ".sph", ".nist")
SUFFIXES = (*_PLAIN, ".voc", ".ircam", ".sf", ".svx", ".8svx", ".paf", ".pvf", ".avr", *_COMPRESSED)
"""Endings of files that are taken from a folder without a pattern. Video files are not, even if they contain sound."""
OF_PYAV = (
    ".webm",
    ".weba",
    ".mka",
    ".wma",
    ".asf",
    ".amr",
    ".awb",
    ".3ga",
    ".ape",
    ".tta",
    ".wv",
    ".tak",
    ".dsf",
    ".spx",
)
"""Endings of files that are also taken if PyAV is installed."""
MANIFESTS = (".csv", ".jsonl", ".json", ".parquet")
OWN = ("path", "start", "duration", "channel")
"""Columns of a manifest that have a meaning. All others are carried along."""
RESERVED = ("sample_rate", "n_samples", "frames", "bands", "shape", "features", "error")
"""Columns that a manifest must not have. `warning` is also refused, except for a store begun without it."""


@dataclass(frozen=True)
class Item:
    """Describe a file, or a slice of a file.

    Attributes:
        path: The file.
        start: Start in seconds from the beginning of the file, or None for the whole file.
        duration: Duration in seconds, or None for up to the end.
        channel: Number of the channel, starting from 0, or None for the run's setting.
        carried: The values of the other columns of a manifest.
    """

    path: str
    start: float | None = None
    duration: float | None = None
    channel: int | None = None
    carried: dict[str, Any] = field(default_factory=dict)

    @property
    def is_slice(self) -> bool:
        """Return whether the item is a part of its file."""
        return self.start is not None or self.duration is not None


def suffixes() -> tuple[str, ...]:
    """Return the endings of the files to take from a folder, depending on what is installed."""
    return SUFFIXES + (OF_PYAV if find_spec("av") else ())


def collect(
    inputs: Iterable[str | os.PathLike[str]], glob: str | None, skipped: Counter[str] | None = None
) -> list[Item]:
    """Return the items of files, folders, manifests and standard input (`-`) in order. Items of a folder are sorted.

    If there is no pattern, `skipped` counts the other files in folders by ending.
    """
    skipped = Counter() if skipped is None else skipped
    items: list[Item] = []
    for given in inputs:
        name = os.fspath(given)
        if name in ("-", "/dev/stdin"):
            items += _of_lines(sys.stdin, "", "standard input")
        elif split_uri(name)[0].endswith(MANIFESTS):
            items += _of_manifest(name)
        elif is_uri(name):
            items += [Item(path) for path in _at_uri(name, glob, skipped)]
        elif os.path.isdir(name):
            items += [Item(str(path)) for path in _in_folder(Path(name), glob, skipped)]
        else:
            items.append(Item(name))  # a missing file becomes a row with an error
    if not items:
        others = f" Skipped: {in_words(skipped)}." if skipped else ""
        raise CorpusError(
            f"There is nothing to extract: no audio file was found.{others} Check the inputs and the pattern."
        )
    return items


def in_words(skipped: Mapping[str, int]) -> str:
    """Return the number of skipped files by ending, with a remedy for those that PyAV would read."""
    found = sorted(skipped.items(), key=lambda each: (-each[1], each[0]))
    text = f"{counted(sum(skipped.values()), 'file')} ({', '.join(f'{number} {suffix}' for suffix, number in found)})"
    return text + ("; `pip install 'kapre[av]'` reads some of them" if set(skipped) & set(OF_PYAV) else "")


def _taken(path: str, skipped: Counter[str]) -> bool:
    """Return whether a file in a folder is audio according to its name. Count it in `skipped` if not."""
    if _is_hidden(path):
        return False
    if path.lower().endswith(suffixes()):
        return True
    skipped[os.path.splitext(path)[1].lower() or "(no ending)"] += 1
    return False


def _at_uri(name: str, glob: str | None, skipped: Counter[str]) -> list[str]:
    """Return the file, or the files of a folder, at a URI."""
    try:
        found = files_of(name)
    except OSError as error:
        raise CorpusError(f"{name}: cannot be listed ({one_line(error)}). Check it.") from None
    if found is None:
        return [name]
    if glob is None:
        wanted = (path for path in found if _taken(path, skipped))
    else:
        wanted = (path for path in found if _matches(path.split("/"), glob.split("/")))
    folder, query = split_uri(name)
    return [f"{folder.rstrip('/')}/{path}{query}" for path in wanted]


def _matches(parts: list[str], pattern: list[str]) -> bool:
    """Tell whether the parts of a path match those of a pattern, in which ** stands for any number of folders."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_matches(parts[first:], pattern[1:]) for first in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and _matches(parts[1:], pattern[1:])


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") for part in path.split("/"))


def _in_folder(folder: Path, glob: str | None, skipped: Counter[str]) -> list[Path]:
    if glob is not None:
        return sorted(path for path in folder.glob(glob) if path.is_file())
    found = []
    seen: set[str] = set()  # folders already visited, because links may form cycles
    for root, folders, files in os.walk(folder, followlinks=True):  # visit the targets of links after real folders
        if (real := os.path.realpath(root)) in seen:
            folders.clear()
            continue
        seen.add(real)
        kept = [name for name in folders if not name.startswith(".")]
        folders[:] = sorted(kept, key=lambda name: (os.path.islink(os.path.join(root, name)), name))
        found += [Path(root) / name for name in files if _taken(name, skipped)]
    return sorted(found)


def _of_lines(lines: Iterable[str], base: str, where: str) -> Iterator[Item]:
    """Yield the items of text lines. Each line is a path or a JSON object."""
    for number, line in enumerate(lines, 1):
        line = line.strip()
        if not line:
            continue
        if not line.startswith("{"):
            yield Item(_joined(base, line))
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise CorpusError(f"{where}, line {number}: not JSON ({error}). Give an object a line.") from None
        yield _item(row, base, f"{where}, line {number}")


def _joined(base: str, path: str) -> str:
    """Return a path that may be relative to the folder of a manifest."""
    if is_uri(path) or os.path.isabs(path) or not base:
        return path
    if not is_uri(base):
        return os.path.join(base, path)
    folder, query = split_uri(base)
    return f"{folder.rstrip('/')}/{path}{query}"


def _of_manifest(name: str) -> list[Item]:
    plain, query = split_uri(name)
    base = f"{plain.rpartition('/')[0]}{query}" if is_uri(name) else os.path.dirname(name)
    try:
        with fetched(name) as path:
            if plain.endswith(".parquet"):
                import pyarrow.parquet

                rows = pyarrow.parquet.read_table(path).to_pylist()
            elif plain.endswith(".csv"):
                rows = _of_csv(path)
            else:
                text = Path(path).read_text(encoding="utf-8")
                if not text.lstrip().startswith("["):
                    return list(_of_lines(text.split("\n"), base, name))
                rows = json.loads(text)
    except FileNotFoundError:
        raise CorpusError(f"{name}: no such manifest. Check the path.") from None
    except (ValueError, OSError) as error:
        raise CorpusError(f"{name}: cannot be read as a manifest: {one_line(error)}") from None
    return [_item(row, base, f"{name}, row {number}") for number, row in enumerate(rows, 1)]


def _of_csv(path: str) -> list[dict[str, Any]]:
    """Read a CSV file. Convert a column to numbers if nothing is lost, unlike the leading zeros of 007."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        try:
            rows: list[dict[Any, Any]] = list(reader)
        except csv.Error as error:
            raise ValueError(f"line {reader.line_num}: {error}") from None
    for number, row in enumerate(rows, 1):
        if None in row or None in row.values():
            raise ValueError(f"row {number} has not as many cells as there are columns")
    for name in reader.fieldnames or ():
        if name not in OWN:
            for row, value in zip(rows, _numbers([row[name] for row in rows]), strict=True):
                row[name] = value
    return rows


def _numbers(cells: list[str]) -> Sequence[Any]:
    """Return a column's cells as integers or floats, with None for empty cells, or unchanged if not numbers."""
    filled = [cell for cell in cells if cell]
    if filled and all(_WHOLE.fullmatch(cell) and abs(int(cell)) < 1 << 63 for cell in filled):
        return [int(cell) if cell else None for cell in cells]
    if filled and all(_REAL.fullmatch(cell) for cell in filled):
        return [float(cell) if cell else None for cell in cells]
    return cells


_WHOLE = re.compile(r"0|-?[1-9][0-9]*")
_REAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")


def _item(row: Any, base: str, where: str) -> Item:
    """Return the item of a row in a manifest."""
    if not isinstance(row, dict) or not isinstance(row.get("path"), str) or not row["path"]:
        raise CorpusError(f"{where}: no path. A manifest needs a column `path` with a file in every row.")
    clash = sorted(set(row) & set(RESERVED))
    if clash:
        raise CorpusError(f"{where}: the column `{clash[0]}` is one that a store has itself. Rename it.")
    start = _seconds(row.get("start"), "start", where, 0.0)
    duration = _seconds(row.get("duration"), "duration", where, math.ulp(0.0))
    channel = _number(row.get("channel"))
    if channel is not None and (
        not isinstance(channel, float) or not 0 <= channel < math.inf or channel != int(channel)
    ):
        raise CorpusError(f"{where}: channel must be a number from 0 on; received {row['channel']!r}.")
    carried = {name: value for name, value in row.items() if name not in OWN}
    return Item(_joined(base, row["path"]), start, duration, None if channel is None else int(channel), carried)


def _number(value: Any) -> Any:
    """Return a cell as a float, None if it is empty, or the cell itself if it is not a finite number."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return value
    try:
        found = float(value)
    except (TypeError, ValueError):
        return value
    return found if math.isfinite(found) else value


def _seconds(value: Any, name: str, where: str, least: float) -> float | None:
    found = _number(value)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, float) or not least <= found < math.inf:
        rule = "0 or more" if least == 0.0 else "more than 0"
        raise CorpusError(f"{where}: {name} must be {rule} seconds; received {value!r}.")
    return found


def digest(items: Sequence[Item]) -> str:
    """Return a hash of items in order, including all carried values."""
    found = hashlib.sha256()
    for item in items:
        line = [item.path, item.start, item.duration, item.channel, sorted(item.carried.items())]
        found.update(json.dumps(line, default=str).encode("utf-8", "surrogateescape"))
    return found.hexdigest()
