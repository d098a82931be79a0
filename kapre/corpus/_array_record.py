"""Shards in ArrayRecord format: each row is a record that holds an Arrow stream with the same columns as in Parquet.

ArrayRecord has no place for the description of a shard. It is therefore stored in the schema metadata of the last
record.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from kapre.audio._errors import one_line
from kapre.corpus._place import Place
from kapre.corpus._shards import KEY, SHARDS, damaged, unreadable

_WRITTEN = "group_size:1,zstd:3"  # each record is read without its neighbours
_READ = "max_parallelism:0,readahead_buffer_size:0"  # no threads, because a forked process would lack them


def module() -> Any:
    """Return the ArrayRecord module, or raise an ImportError that gives the remedy."""
    try:
        from array_record.python import array_record_module
    except ImportError as error:
        raise ImportError("Stores of ArrayRecord need array_record: run `pip install 'kapre[arrayrecord]'`.") from error
    return array_record_module


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    """Turn errors of the module into OSError."""
    try:
        yield
    except RuntimeError as error:
        raise OSError(one_line(error)) from error


class _Writer:
    def __init__(self, path: str) -> None:
        with _writing():
            self._file = module().ArrayRecordWriter(path, _WRITTEN)
        self._last: pa.Table | None = None

    def write(self, table: pa.Table) -> None:
        for row in range(table.num_rows):
            self._write_last()
            self._last = table.slice(row, 1)

    def finish(self, about: dict[str, Any]) -> None:
        assert self._last is not None, "a shard has a row for each item at least"
        self._last = self._last.replace_schema_metadata({KEY: json.dumps(about).encode()})
        self._write_last()

    def close(self) -> None:
        with _writing():
            self._file.close()

    def _write_last(self) -> None:
        if self._last is None:
            return
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self._last.schema) as stream:
            stream.write_table(self._last)
        with _writing():
            self._file.write(sink.getvalue().to_pybytes())


@contextlib.contextmanager
def shard(place: Place, name: str, schema: pa.Schema) -> Iterator[_Writer]:
    """Provide a writer for a shard. The shard is moved into place once it is complete."""
    with place.replacing(SHARDS, name) as temporary:
        writer = _Writer(os.fspath(temporary))
        yield writer
        writer.close()


class Shard:
    """Read a shard."""

    def __init__(self, place: Place, name: str) -> None:
        self._place, self._name = place, name
        self._path = place.at(SHARDS, name)
        self._opened: tuple[int, Any] | None = None
        try:
            self.rows = self._reader().num_records()
            if not self.rows:
                raise ValueError("it has no record")
            last = pa.ipc.open_stream(self._reader().read([self.rows - 1])[0]).schema
            self.about: dict[str, Any] = json.loads((last.metadata or {})[KEY])
        except (RuntimeError, OSError, pa.ArrowException, KeyError, ValueError) as error:
            raise unreadable(place, name, error) from None
        self.starts = list(range(self.rows))

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_opened": None}

    def _reader(self) -> Any:
        """Return the reader of this process. A forked process must not share a file position with another."""
        if self._opened is None or self._opened[0] != os.getpid():
            self._opened = os.getpid(), module().ArrayRecordReader(self._path, _READ)
        return self._opened[1]

    def read(self, columns: list[str] | None = None, group: int | None = None) -> pa.Table:
        """Return some columns of all rows, or of one row."""
        try:
            wanted = range(self.rows) if group is None else [group]
            tables = [pa.ipc.open_stream(self._reader().read([row])[0]).read_all() for row in wanted]
            found = pa.concat_tables([table.replace_schema_metadata(None) for table in tables])
        except (RuntimeError, OSError, IndexError, pa.ArrowException) as error:
            raise damaged(self._place, self._name, error) from None
        return found if columns is None else found.select(columns)
