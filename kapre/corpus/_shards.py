"""The files of a store: shards, each complete or absent, with their descriptions."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa

from kapre.audio._errors import one_line
from kapre.corpus._errors import CorpusError
from kapre.corpus._items import Item
from kapre.corpus._place import Place, without_secrets

if TYPE_CHECKING:
    from kapre.corpus._rows import Row

KEY = b"kapre"
ABOUT = "_kapre.json"
"""The description of a store. Readers of Parquet folders skip files whose names begin with an underscore."""
SHARDS = "shards"
LOCK = ".lock"
ERRORS = "errors.csv"
MANIFEST = "manifest"
"""The folder with the work to be done, during a run on a cluster."""
_GROUP_VALUES = 1 << 21
"""Number of feature values in a row group, unless one row has more: 4 to 8 MB, for random access."""
FORMATS = ("parquet", "array_record")


class Shard(Protocol):
    """Define a shard for reading. Bytes that changed on the disk raise an error.

    Attributes:
        about: The description in the shard.
        rows: Number of rows.
        starts: The first row of each group of rows that is read together.
    """

    about: dict[str, Any]
    rows: int
    starts: list[int]

    def read(self, columns: list[str] | None = None, group: int | None = None) -> pa.Table:
        """Return some columns of all rows, or of one group."""


class Writer(Protocol):
    """Define a writer of a shard."""

    def write(self, table: pa.Table) -> None:
        """Write rows."""

    def finish(self, about: dict[str, Any]) -> None:
        """Write the description of the shard, after all rows."""


def format_module(name: str) -> Any:
    """Return the module for a format, with `shard` for writing and `Shard` for reading."""
    return import_module(f"kapre.corpus._{name}")


def shard_name(number: int, of: int, kind: str) -> str:
    """Return the file name of a shard."""
    return f"shard-{number:05d}-of-{of:05d}.{kind}"


def shards_of(place: Place, kind: str) -> dict[str, int]:
    """Return the shards of a store in order, with their sizes in bytes."""
    found = place.sizes(SHARDS).items()
    return {name: size for name, size in found if name.startswith("shard-") and name.endswith(f".{kind}")}


def open_shard(place: Place, name: str) -> Shard:
    """Open a shard of a store for reading, or raise if that fails."""
    found: Shard = format_module(name.rpartition(".")[2]).Shard(place, name)
    return found


def write_shard(place: Place, name: str, schema: pa.Schema) -> AbstractContextManager[Writer]:
    """Provide a writer for a shard. The shard is moved into place once it is complete."""
    found: AbstractContextManager[Writer] = format_module(name.rpartition(".")[2]).shard(place, name, schema)
    return found


def open_shards(place: Place, names: Sequence[str]) -> list[Shard]:
    """Open shards for reading, several at a time, because each takes several requests on object storage."""
    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(lambda name: open_shard(place, name), names))


def unreadable(place: Place, name: str, error: object) -> CorpusError:
    """Return the error for a shard that cannot be opened."""
    reason = one_line(error)
    return CorpusError(
        f"{place.shown(SHARDS, name)}: is no shard that can be read ({reason}). Remove it, and use resume=True."
    )


def damaged(place: Place, name: str, error: object) -> CorpusError:
    """Return the error for a shard whose rows cannot be read."""
    reason = one_line(error)
    return CorpusError(f"{place.shown(SHARDS, name)}: is damaged ({reason}). Remove it, and use resume=True.")


@contextlib.contextmanager
def locked(place: Place) -> Iterator[None]:
    """Keep other runs out of a store while one writes to it. A run that is killed releases the store.

    This works only for a folder on this machine, because object stores have no locks.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    if not place.is_local:
        yield
        return
    with open(place.at(LOCK), "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CorpusError(f"{place.name}: another run is writing to this store. Wait for it, or end it.") from None
        except OSError:  # a file system without locks
            pass
        yield


def carried_schema(items: Iterable[Item]) -> pa.Schema:
    """Return the types of the columns that items carry, from all items, so that every shard has the same types."""
    names: dict[str, None] = {}
    for item in items:
        names.update(dict.fromkeys(item.carried))
    fields = []
    for name in names:
        try:
            kind = pa.array([item.carried.get(name) for item in items]).type
        except (pa.ArrowException, OverflowError, TypeError, ValueError):
            raise CorpusError(
                f"The column `{name}` has values of several kinds. Give it one kind in the manifest."
            ) from None
        fields.append(pa.field(name, pa.string() if pa.types.is_null(kind) else kind))
    return pa.schema(fields)


def schema(dtype: str, carried: pa.Schema, warns: bool = True) -> pa.Schema:
    """Return the columns of a store. An older store has no `warning`, unless its manifest has one."""
    value = pa.float16() if dtype == "float16" else pa.float32()
    own = [
        ("path", pa.string()),
        ("start", pa.float64()),
        ("duration", pa.float64()),
        ("sample_rate", pa.int32()),
        ("n_samples", pa.int64()),
        ("frames", pa.int32()),
        ("bands", pa.int32()),
        ("shape", pa.list_(pa.int32())),
        ("features", pa.list_(value)),
        ("error", pa.string()),
        *([("warning", pa.string())] if warns else []),
    ]
    return pa.schema([pa.field(name, kind) for name, kind in own] + list(carried))


class Columns:
    """Make tables from rows.

    Args:
        dtype: The dtype of the features.
        rate: Samples per second of the recipe.
        time_axis: A function that returns the time axis for the number of axes of a clip's features.
        carried: The columns that items carry.
        warns: Whether the store has warnings.
    """

    def __init__(self, dtype: str, rate: int, time_axis: Any, carried: pa.Schema, warns: bool) -> None:
        self.schema, self.dtype, self.warns = schema(dtype, carried, warns), dtype, warns
        self.rate, self.time_axis, self.carried = rate, time_axis, carried

    def tables(self, rows: Sequence[Row], items: Sequence[Item]) -> Iterator[pa.Table]:
        """Yield one table for each row group."""
        group: list[Row] = []
        values = 0
        for row in rows:
            size = 0 if row.features is None else row.features.size
            if group and values + size > _GROUP_VALUES:
                yield self._table(group, items)
                group, values = [], 0
            group.append(row)
            values += size
        if group:
            yield self._table(group, items)

    def _table(self, rows: list[Row], items: Sequence[Item]) -> pa.Table:
        shapes = [None if row.features is None else list(row.features.shape) for row in rows]
        frames = [None if shape is None else shape[self.time_axis(len(shape))] for shape in shapes]
        bands = [
            None
            if shape is None
            else int(np.prod([n for axis, n in enumerate(shape) if axis != self.time_axis(len(shape))]))
            for shape in shapes
        ]
        columns: dict[str, Any] = {
            "path": [shown(items[row.item].path) for row in rows],
            "start": [row.start for row in rows],
            "duration": [row.n_samples / self.rate for row in rows],
            "sample_rate": [self.rate] * len(rows),
            "n_samples": [row.n_samples for row in rows],
            "frames": frames,
            "bands": bands,
            "shape": shapes,
            "features": self._features(rows),
            "error": [row.error for row in rows],
            **({"warning": [row.warning for row in rows]} if self.warns else {}),
        }
        columns |= {name: [items[row.item].carried.get(name) for row in rows] for name in self.carried.names}
        arrays = [
            values if isinstance(values, pa.Array) else pa.array(values, self.schema.field(name).type)
            for name, values in columns.items()
        ]
        return pa.Table.from_arrays(arrays, schema=self.schema)

    def _features(self, rows: list[Row]) -> pa.Array:
        flat = [row.features.ravel() for row in rows if row.features is not None]
        values = pa.array(np.concatenate(flat) if flat else np.zeros(0, self.dtype))
        sizes = np.array([0 if row.features is None else row.features.size for row in rows], "int64")
        offsets = np.concatenate([[0], np.cumsum(sizes)]).astype("int32")
        missing = pa.array([row.features is None for row in rows])
        return pa.ListArray.from_arrays(pa.array(offsets), values, mask=missing)


def shown(path: str) -> str:
    """Return a path as text that can be stored. Bytes that are not UTF-8 become escapes."""
    return without_secrets(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def errors_of(shard: Shard) -> Iterator[tuple[str, float, str, str]]:
    """Yield the path, start, stage and reason of each row with an error in a shard."""
    for row in shard.read(["path", "start", "error"]).to_pylist():
        if row["error"]:
            stage, _, reason = row["error"].partition(": ")
            yield row["path"], row["start"], stage, reason


def write_errors(place: Place, shards: Iterable[Shard]) -> None:
    """Write errors.csv with all rows that have an error in the given shards."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["path", "start", "stage", "reason"])
    for each in shards:
        writer.writerows(errors_of(each))
    place.write_text(text.getvalue(), ERRORS)
