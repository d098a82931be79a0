"""Conversion of items to rows of a store: the extractor that every engine runs."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kapre.corpus._clips import Clip, Failure, Reader
from kapre.corpus._compute import Computer, Piecewise
from kapre.corpus._items import Item
from kapre.frontends.stream import whole_clip_stages
from kapre.recipe import Recipe

_WINDOW_SAMPLES = 1 << 22
"""Largest number of samples in clips computed together as row groups: 4 minutes at 16 kHz, 16 MB."""
_WINDOW_CLIPS = 256


@dataclass(frozen=True)
class Row:
    """Hold a row of a store: the features of a clip, or the reason why there are none.

    Attributes:
        item: The number of the item.
        start: Start in the file, in seconds.
        n_samples: Number of samples at the rate of the recipe.
        features: The features in the layout of the recipe, or None after an error.
        error: "stage: reason", or empty for a clip without an error.
        warning: A problem that is not an error, such as channels whose mean is silence.
    """

    item: int
    start: float
    n_samples: int
    features: np.ndarray | None
    error: str = ""
    warning: str = ""


class Extractor:
    """Convert items to rows, window by window.

    Args:
        recipe: The recipe, with a whole sample rate.
        dtype: The dtype of the features, "float16" or "float32".
        segment: Duration of a segment in seconds. None means that of the recipe: a fixed length, or the whole file.
        channel: Number of the channel, starting from 0, or None for the mean of all.
    """

    def __init__(self, recipe: Recipe, dtype: str, segment: float | None, channel: int | None) -> None:
        self.recipe, self.dtype = recipe, dtype
        rate = round(recipe.clip_rate or 0)
        samples = recipe.clip_samples if segment is None else round(segment * rate)
        self._reader = Reader(rate, samples, channel, recipe.least_samples(), list(whole_clip_stages(recipe)))
        self._computer: Computer | None = None

    @property
    def computer(self) -> Computer:
        """Return the compiled front end, which is made once."""
        if self._computer is None:
            self._computer = Computer(self.recipe)
        return self._computer

    def windows(self, items: Sequence[Item]) -> Iterator[list[Row]]:
        """Yield the rows of items, several at a time. The next clips are decoded while features are computed."""
        clips: list[Clip] = []
        failures: list[Failure] = []
        piecewise: Piecewise | None = None
        for found in ahead(self._reader.clips(items)):
            if isinstance(found, Failure):
                failures.append(found)
            elif found.part == "whole":
                clips.append(found)
            else:
                if clips or failures:
                    yield self._rows(clips, failures, items)
                    clips, failures = [], []
                piecewise = self.computer.stream() if piecewise is None else piecewise
                yield [self._row(found, piecewise.push(found.samples, found.part == "last"))]
                piecewise = None if found.part == "last" else piecewise
                continue
            held = sum(len(clip.samples) for clip in clips)
            if held >= _WINDOW_SAMPLES or len(clips) + len(failures) >= _WINDOW_CLIPS:
                yield self._rows(clips, failures, items)
                clips, failures = [], []
        if clips or failures:
            yield self._rows(clips, failures, items)

    def _rows(self, clips: list[Clip], failures: list[Failure], items: Sequence[Item]) -> list[Row]:
        features = self.computer.features([clip.samples for clip in clips]) if clips else []
        rows = [self._row(clip, y) for clip, y in zip(clips, features, strict=True)]
        rows += [
            Row(each.item, items[each.item].start or 0.0, 0, None, f"{each.stage}: {each.reason}") for each in failures
        ]
        return sorted(rows, key=lambda row: (row.item, row.start))

    def _row(self, clip: Clip, features: np.ndarray) -> Row:
        good = np.isfinite(features)
        if not good.all():
            reason = f"features: {good.size - int(good.sum())} values are not finite"
            return Row(clip.item, clip.start, len(clip.samples), None, reason)
        with np.errstate(over="ignore"):
            stored = features.astype(self.dtype, copy=False)
        if self.dtype == "float16" and not np.isfinite(stored).all():
            largest = float(np.abs(features).max())
            reason = f"features: values up to {largest:.3g} do not fit float16; use dtype='float32'"
            return Row(clip.item, clip.start, len(clip.samples), None, reason)
        return Row(clip.item, clip.start, len(clip.samples), stored, warning=clip.warning)


_END = object()


def ahead(values: Iterable[Any], waiting: int = 4, samples: int = 1 << 25) -> Iterator[Any]:
    """Yield the values of an iterable, which a separate thread makes a few values ahead while the caller works.

    At most `samples` samples of clips wait, but one clip may always wait.
    """
    ready: queue.SimpleQueue[Any] = queue.SimpleQueue()
    room = threading.Condition()
    held, count, stopped = 0, 0, False

    def size(value: Any) -> int:
        return len(value.samples) if isinstance(value, Clip) else 0

    def fill() -> None:
        nonlocal held, count
        try:
            for value in values:
                with room:
                    room.wait_for(lambda: stopped or count == 0 or (held + size(value) <= samples and count < waiting))  # noqa: B023
                    if stopped:
                        return
                    held, count = held + size(value), count + 1
                ready.put((value, None))
            ready.put((_END, None))
        except BaseException as error:  # passed on to the caller, which raises it
            ready.put((_END, error))

    thread = threading.Thread(target=fill, name="kapre-decode", daemon=True)
    thread.start()
    try:
        while True:
            value, error = ready.get()
            if error is not None:
                raise error
            if value is _END:
                return
            with room:
                held, count = held - size(value), count - 1
                room.notify()
            yield value
    finally:
        with room:
            stopped = True
            room.notify()
        thread.join()
