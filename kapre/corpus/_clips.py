"""Convert items to clips: decode, cut, mix to one channel, resample and segment them with bounded memory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np

from kapre import audio
from kapre.audio._conversion import Conversion, RefusedError, check_rate
from kapre.audio._errors import one_line
from kapre.audio._levels import Mixing
from kapre.corpus._errors import CorpusError
from kapre.corpus._items import Item
from kapre.corpus._place import fetched

LIMIT = 1 << 25
"""Largest number of samples of all channels kept in memory: 35 minutes at 16 kHz, 6 of stereo at 44.1 kHz."""
PIECE_SECONDS = 600.0
"""Duration of each row of a file that exceeds this limit and is therefore streamed."""
UNFETCHED = "fetch"
"""The stage of a file that storage did not deliver. A resumed run tries it again."""
_SLACK = 1e-3
"""Seconds by which a slice may end after its file, because durations in manifests are rounded."""


@dataclass(frozen=True)
class Clip:
    """Hold samples of an item at the rate of the recipe.

    Attributes:
        item: The number of the item.
        start: Start in the file, in seconds.
        samples: float32 samples of shape `(samples,)`.
        part: "whole", or for a stream that continues over several clips: "first", "more" or "last".
        warning: A problem that is not an error, such as channels whose mean is silence.
    """

    item: int
    start: float
    samples: np.ndarray
    part: str = "whole"
    warning: str = ""


@dataclass(frozen=True)
class Failure:
    """Explain why an item has no features: the stage that failed, and the reason."""

    item: int
    stage: str
    reason: str


class Reader:
    """Convert items to clips.

    Args:
        rate: Samples per second that the recipe takes.
        segment: Number of samples in a segment, or None for one row per file.
        channel: Number of the channel, starting from 0, or None for the mean of all. The channel of an item takes
            precedence.
        least: Number of samples that hold a frame.
        whole: Descriptions of what the recipe needs the whole clip for. Empty if the recipe can stream.
    """

    def __init__(self, rate: int, segment: int | None, channel: int | None, least: int, whole: Sequence[str]) -> None:
        self.rate, self.segment, self.channel, self.least, self.whole = rate, segment, channel, least, list(whole)

    def clips(self, items: Sequence[Item]) -> Iterator[Clip | Failure]:
        """Yield the clips of items in order, except for slices of a file that is too long to keep in memory."""
        first = 0
        while first < len(items):
            last = first + 1
            while last < len(items) and items[last].path == items[first].path:  # decode a file once for its slices
                last += 1
            yield from self._of_file(items[first].path, {n: items[n] for n in range(first, last)})
            first = last

    def _of_file(self, path: str, items: dict[int, Item]) -> Iterator[Clip | Failure]:
        """Yield the clips of a file. A file on another file system is fetched first."""
        with ExitStack() as stack:
            try:
                file = stack.enter_context(fetched(path))
            except FileNotFoundError:
                stage, reason = "open", "no such file"
            except (OSError, CorpusError) as error:
                stage, reason = UNFETCHED, f"it cannot be had ({one_line(error)})"
            else:
                yield from self._of_local(file, items)
                return
        yield from (Failure(number, stage, reason) for number in items)

    def _of_local(self, path: str, items: dict[int, Item]) -> Iterator[Clip | Failure]:
        kept: list[np.ndarray] | None = []
        rate = values = length = 0
        try:
            for block, of_file in audio.blocks(path):
                rate = of_file
                values, length = values + block.size, length + len(block)
                if kept is not None:
                    kept.append(block)
                if max(values, length * self.rate // rate) > LIMIT:
                    kept = None  # still decode the rest, to find damage
                check_rate(rate, self.rate)
        except RefusedError as error:
            yield from (Failure(number, error.stage, error.reason) for number in items)
            return
        except audio.AudioError as error:
            stage = "decode" if os.path.isfile(path) else "open"
            yield from (Failure(number, stage, error.problem) for number in items)
            return
        if kept is not None:
            samples = kept[0] if len(kept) == 1 else np.concatenate(kept)
            for number, item in items.items():
                yield from self._of_memory(number, item, samples, rate)
            return
        for number, item in items.items():
            if not item.is_slice:
                yield from self._of_long(path, number, item, rate)
        slices = {number: item for number, item in items.items() if item.is_slice}
        if slices:
            yield from self._of_slices(path, slices, length, rate)

    def _of_memory(self, number: int, item: Item, samples: np.ndarray, rate: int) -> Iterator[Clip | Failure]:
        try:
            first, stop = _span(item, len(samples), rate)
            conversion = self._conversion(item, rate, self.segment)
            yield from self._finished(number, item, conversion.whole(samples[first:stop]), conversion)
        except RefusedError as error:
            yield Failure(number, error.stage, error.reason)

    def _conversion(self, item: Item, rate: int, size: int | None) -> Conversion:
        """Return a conversion with warnings for each clip of `size` samples, or for a single clip without a size."""
        channel = self.channel if item.channel is None else item.channel
        return Conversion(rate, self.rate, channel, Mixing((size or 0) * rate / self.rate))

    def _finished(self, number: int, item: Item, samples: np.ndarray, conversion: Conversion) -> Iterator[Clip]:
        """Yield the clip of converted samples, or its segments."""
        self._check_length(len(samples))
        size = self.segment or len(samples)
        for index, first in enumerate(range(0, len(samples), size)):
            start, part = (item.start or 0.0) + first / self.rate, samples[first : first + size]
            yield Clip(number, start, part, warning=conversion.warning(index))

    def _check_length(self, count: int) -> None:
        if count < self.least:
            raise RefusedError("length", f"{count} samples at {self.rate} Hz; a frame takes {self.least}")

    def _of_long(self, path: str, number: int, item: Item, rate: int) -> Iterator[Clip | Failure]:
        """Yield the segments of a file that is not kept in memory, or its pieces for a stream."""
        if self.segment is None and self.whole:
            words = " and for ".join(self.whole)
            remedy = "use segment=SECONDS, which makes a row of each segment"
            reason = f"too long to be held at once, and the recipe needs the whole clip for {words}; {remedy}"
            yield Failure(number, "memory", reason)
            return
        size = self.segment or round(PIECE_SECONDS * self.rate)
        streams = self.segment is None
        done = 0
        waiting: list[np.ndarray] = []
        count = 0
        conversion = self._conversion(item, rate, size)
        try:
            for samples, ended in self._at_rate(path, conversion):
                waiting.append(samples)
                count += len(samples)
                while count > size or (ended and count):  # keep samples for the last piece, to mark it as last
                    joined = np.concatenate(waiting)
                    last = ended and count <= size
                    part = "whole" if not streams else "last" if last else "first" if done == 0 else "more"
                    yield Clip(number, done / self.rate, joined[:size], part, conversion.warning(done // size))
                    done += min(size, count)
                    waiting, count = [joined[size:]], max(0, count - size)
        except RefusedError as error:
            yield Failure(number, error.stage, error.reason)

    def _at_rate(self, path: str, conversion: Conversion) -> Iterator[tuple[np.ndarray, bool]]:
        """Yield the converted samples of a file, block by block, and whether they are the last."""
        for block, _ in audio.blocks(path):
            yield conversion.push(block), False
        yield conversion.finish(), True

    def _of_slices(self, path: str, items: dict[int, Item], length: int, rate: int) -> Iterator[Clip | Failure]:
        """Yield the slices of a file that is not kept in memory, in one pass, in the order of their ends."""
        waiting = []
        for number, item in items.items():
            try:
                first, stop = _span(item, length, rate)
                if stop - first > LIMIT:
                    raise RefusedError("memory", "the slice is too long to be held at once; cut it into shorter ones")
                waiting.append((first, stop, number, item))
            except RefusedError as error:
                yield Failure(number, error.stage, error.reason)
        waiting.sort(key=lambda each: each[:3], reverse=True)
        open_slices: list[tuple[int, int, int, Item, list[np.ndarray], Conversion]] = []
        position = 0
        for block, _ in audio.blocks(path):
            end = position + len(block)
            while waiting and waiting[-1][0] < end:
                first, stop, number, item = waiting.pop()
                conversion = self._conversion(item, rate, self.segment)
                open_slices.append((first, stop, number, item, [], conversion))
            going_on = []
            for first, stop, number, item, parts, conversion in open_slices:
                try:
                    parts.append(conversion.mix(block[max(0, first - position) : max(0, stop - position)]))
                    if stop <= end:
                        samples = conversion.resample(np.concatenate(parts))
                        yield from self._finished(number, item, samples, conversion)
                    else:
                        going_on.append((first, stop, number, item, parts, conversion))
                except RefusedError as error:
                    yield Failure(number, error.stage, error.reason)
            open_slices, position = going_on, end
            if not waiting and not open_slices:
                return


def _span(item: Item, length: int, rate: int) -> tuple[int, int]:
    """Return the first sample and the stop sample of an item in a file of `length` samples."""
    first = round((item.start or 0.0) * rate)
    stop = length if item.duration is None else round(((item.start or 0.0) + item.duration) * rate)
    if first >= length or stop > length + _SLACK * rate:
        wanted = (
            f"{(item.start or 0.0):g} s" if first >= length else f"{(item.start or 0.0) + (item.duration or 0.0):g} s"
        )
        what = "begins" if first >= length else "ends"
        raise RefusedError("slice", f"it {what} at {wanted}, and the file has {length / rate:.3f} s")
    if min(stop, length) == first:
        raise RefusedError("slice", f"it has no sample: {item.duration:g} s at {rate} Hz")
    return first, min(stop, length)
