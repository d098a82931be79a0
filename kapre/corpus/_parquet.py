"""Shards in Parquet format: zstd over split bytes, a checksum for each page, row groups for random access."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from kapre.corpus._place import Place
from kapre.corpus._shards import KEY, SHARDS, damaged, unreadable


def module() -> Any:
    """Return the Parquet module of pyarrow."""
    return pq


class _Writer:
    def __init__(self, writer: pq.ParquetWriter) -> None:
        self._writer = writer

    def write(self, table: pa.Table) -> None:
        self._writer.write_table(table, row_group_size=table.num_rows)

    def finish(self, about: dict[str, Any]) -> None:
        self._writer.add_key_value_metadata({KEY: json.dumps(about).encode()})


@contextlib.contextmanager
def shard(place: Place, name: str, schema: pa.Schema) -> Iterator[_Writer]:
    """Provide a writer for a shard. The shard is moved into place once it is complete."""
    plain = [column for column in schema.names if column not in ("features", "shape")]
    with (
        place.replacing(SHARDS, name) as temporary,
        pq.ParquetWriter(
            temporary,
            schema,
            compression="zstd",
            use_dictionary=plain,
            use_byte_stream_split=["features.list.element"],
            write_page_checksum=True,
            write_statistics=plain,  # statistics of features are useless and take time
        ) as writer,
    ):
        yield _Writer(writer)


class Shard:
    """Read a shard."""

    def __init__(self, place: Place, name: str) -> None:
        self._place, self._name = place, name
        try:
            with place.open(SHARDS, name) as file:
                metadata = pq.read_metadata(file)
            self.about: dict[str, Any] = json.loads((metadata.metadata or {})[KEY])
        except (OSError, pa.ArrowInvalid, KeyError, ValueError) as error:
            raise unreadable(place, name, error) from None
        sizes = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
        self.starts = [0, *accumulate(sizes)][:-1]
        self.rows = metadata.num_rows

    def read(self, columns: list[str] | None = None, group: int | None = None) -> pa.Table:
        """Return some columns of all rows, or of one row group."""
        try:
            with self._place.open(SHARDS, self._name) as source:
                file = pq.ParquetFile(source, page_checksum_verification=True)
                return file.read(columns) if group is None else file.read_row_group(group, columns)
        except (OSError, pa.ArrowException) as error:
            raise damaged(self._place, self._name, error) from None
