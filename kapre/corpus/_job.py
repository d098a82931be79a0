"""A job: the data that every worker needs to make a shard of a store, on any engine."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from kapre.corpus._clips import UNFETCHED
from kapre.corpus._errors import CorpusError, ItemError
from kapre.corpus._items import Item
from kapre.corpus._place import Place
from kapre.corpus._rows import Extractor
from kapre.corpus._shards import SHARDS, Columns, Shard, open_shards, shard_name, write_shard
from kapre.recipe import Recipe

Told = Callable[[int, int, int, float], None]
"""A function that receives the items, rows, errors and seconds of audio completed since the last call."""


@dataclass(frozen=True)
class Job:
    """Describe a run over items, in shards.

    Attributes:
        run: The name of the run that made the store. A resumed run keeps it.
        place: The store.
        cwd: The folder to which the paths of items are relative.
        format: The format of the shards.
        recipe: The recipe as JSON.
        dtype: The dtype of the features.
        segment: Duration of a segment in seconds, or None.
        channel: Number of the channel, starting from 0, or None for the mean.
        items: Number of items.
        shard_size: Number of items in a shard. The last shard holds the remaining items.
        carried: The columns that items carry.
        fail: Whether the first error ends the run.
        about: The description that each shard contains.
        warns: Whether the store has warnings. A store begun before warnings existed has none.
    """

    run: str
    place: Place
    cwd: str
    format: str
    recipe: str
    dtype: str
    segment: float | None
    channel: int | None
    items: int
    shard_size: int
    carried: pa.Schema
    fail: bool
    about: dict[str, Any]
    warns: bool = True

    @property
    def shards(self) -> int:
        """Return the number of shards."""
        return math.ceil(self.items / self.shard_size)

    def span(self, number: int) -> tuple[int, int]:
        """Return the first item of a shard and the first item after it."""
        return number * self.shard_size, min(self.items, (number + 1) * self.shard_size)

    def name(self, number: int) -> str:
        """Return the file name of a shard."""
        return shard_name(number, self.shards, self.format)

    def open(self, numbers: Sequence[int]) -> list[Shard]:
        """Return existing shards, or raise if one does not belong to this job."""
        found = open_shards(self.place, [self.name(number) for number in numbers])
        for number, shard in zip(numbers, found, strict=True):
            first, stop = self.span(number)
            about = shard.about
            told = tuple(about.get(key) for key in ("run", "first_item", "items", "rows"))
            if told != (self.run, first, stop - first, shard.rows):
                raise CorpusError(f"{self.shown(number)}: is of another run. Remove it, and use resume=True.")
        return found

    def shown(self, number: int) -> str:
        """Return the path of that file for display."""
        return self.place.shown(SHARDS, self.name(number))


class Worker:
    """Make shards of a job with one compiled front end."""

    def __init__(self, job: Job) -> None:
        recipe = Recipe.from_json(job.recipe)
        self.job = job
        self.extractor = Extractor(recipe, job.dtype, job.segment, job.channel)
        rate = round(recipe.clip_rate or 0)
        self.columns = Columns(job.dtype, rate, lambda rank: recipe.time_axis(rank + 1) - 1, job.carried, job.warns)

    def make(self, number: int, items: Sequence[Item], told: Told) -> dict[str, Any]:
        """Write a shard and return its counts."""
        job = self.job
        first, stop = job.span(number)
        counts = {"rows": 0, "ok": 0, "failed": 0, "samples": 0, "unfetched": 0, "warned": 0}
        seen: set[int] = set()
        with write_shard(job.place, job.name(number), self.columns.schema) as writer:
            for rows in self.extractor.windows(items):
                failed = [row for row in rows if row.error]
                if failed and job.fail:
                    path, reason = items[failed[0].item].path, failed[0].error
                    raise ItemError(f"{path}: {reason}. Mend it or leave it out, or use on_error='skip'.")
                for table in self.columns.tables(rows, items):
                    writer.write(table)
                samples = sum(row.n_samples for row in rows if not row.error)
                unfetched = sum(row.error.startswith(f"{UNFETCHED}: ") for row in failed)
                warned = sum(bool(row.warning) for row in rows)
                new = (len(rows), len(rows) - len(failed), len(failed), samples, unfetched, warned)
                counts = {name: before + more for (name, before), more in zip(counts.items(), new, strict=True)}
                before = len(seen)
                seen |= {row.item for row in rows}
                told(len(seen) - before, len(rows), len(failed), samples / self.columns.rate)
            if len(seen) != len(items):
                raise ItemError(f"{job.shown(number)}: {len(items) - len(seen)} items gave no row. Report this.")
            if not job.warns:
                del counts["warned"]
            about = {**job.about, "run": job.run, "shard": number, "first_item": first, "items": stop - first, **counts}
            writer.finish(about)
        return counts
