"""Convert items to clips: decode, cut, mix to one channel, resample and segment them with bounded memory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np

from kapre import audio
from kapre.audio._errors import one_line
from kapre.audio._levels import Mixing
from kapre.audio._packages import optional
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


class _Refused(Exception):
    """Report the problem of an item and the stage where it occurred."""

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(reason)
        self.stage, self.reason = stage, reason


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
                self._check_rate(rate)
        except _Refused as error:
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
            mixing = self._mixing(rate, self.segment)
            mono = self._mono(samples[first:stop], item, mixing)
            yield from self._finished(number, item, mono, rate, mixing)
        except _Refused as error:
            yield Failure(number, error.stage, error.reason)

    def _mixing(self, rate: int, size: int | None) -> Mixing:
        """Return a `Mixing` for clips of `size` samples at the recipe's rate, or for a single clip without a size."""
        return Mixing((size or 0) * rate / self.rate)

    def _mono(self, samples: np.ndarray, item: Item, mixing: Mixing) -> np.ndarray:
        """Return `(time,)`: the mean of all channels, whose energies are recorded, or one of the channels."""
        channel = self.channel if item.channel is None else item.channel
        there = samples.shape[1]
        if channel is None:
            mono: np.ndarray = samples[:, 0] if there == 1 else samples.mean(axis=1)
            mixing.add(samples, mono)
            return mono
        if channel >= there:
            raise _Refused("channel", f"there is no channel {channel}: the file has {there}, counted from 0")
        return np.ascontiguousarray(samples[:, channel])

    def _check_rate(self, rate: int) -> None:
        """Refuse a rate that no recording has and that would give too many samples, or none."""
        if problem := audio.resampling_problem(rate, self.rate):
            raise _Refused("resample", problem)

    def _resampler(self, rate: int) -> Any:
        """Return a resampler that works chunk by chunk."""
        soxr = optional("soxr", "Resampling")
        try:
            return soxr.ResampleStream(rate, self.rate, 1, dtype="float32", quality="HQ")
        except (ValueError, RuntimeError) as error:
            raise _Refused("resample", _cannot(rate, self.rate, error)) from None

    def _resampled(self, samples: np.ndarray, rate: int) -> np.ndarray:
        if rate == self.rate:
            return samples
        soxr = optional("soxr", "Resampling")
        try:
            found: np.ndarray = soxr.resample(samples, rate, self.rate, quality="HQ")
        except (ValueError, RuntimeError) as error:
            raise _Refused("resample", _cannot(rate, self.rate, error)) from None
        return found

    def _finished(self, number: int, item: Item, mono: np.ndarray, rate: int, mixing: Mixing) -> Iterator[Clip]:
        """Yield the clip of mono samples, or its segments."""
        samples = self._resampled(mono, rate)
        self._check_length(len(samples))
        size = self.segment or len(samples)
        for index, first in enumerate(range(0, len(samples), size)):
            start, part = (item.start or 0.0) + first / self.rate, samples[first : first + size]
            yield Clip(number, start, part, warning=mixing.warning(index))

    def _check_length(self, count: int) -> None:
        if count < self.least:
            raise _Refused("length", f"{count} samples at {self.rate} Hz; a frame takes {self.least}")

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
        mixing = self._mixing(rate, size)
        try:
            for samples, ended in self._at_rate(path, item, rate, mixing):
                waiting.append(samples)
                count += len(samples)
                while count > size or (ended and count):  # keep samples for the last piece, to mark it as last
                    joined = np.concatenate(waiting)
                    last = ended and count <= size
                    part = "whole" if not streams else "last" if last else "first" if done == 0 else "more"
                    yield Clip(number, done / self.rate, joined[:size], part, mixing.warning(done // size))
                    done += min(size, count)
                    waiting, count = [joined[size:]], max(0, count - size)
        except _Refused as error:
            yield Failure(number, error.stage, error.reason)

    def _at_rate(self, path: str, item: Item, rate: int, mixing: Mixing) -> Iterator[tuple[np.ndarray, bool]]:
        """Yield the samples of a file at the recipe's rate, block by block, and whether they are the last."""
        resampler = None if rate == self.rate else self._resampler(rate)
        for block, _ in audio.blocks(path):
            mono = self._mono(block, item, mixing)
            yield (mono if resampler is None else resampler.resample_chunk(mono)), False
        nothing = np.zeros(0, "float32")
        yield (nothing if resampler is None else resampler.resample_chunk(nothing, last=True)), True

    def _of_slices(self, path: str, items: dict[int, Item], length: int, rate: int) -> Iterator[Clip | Failure]:
        """Yield the slices of a file that is not kept in memory, in one pass, in the order of their ends."""
        waiting = []
        for number, item in items.items():
            try:
                first, stop = _span(item, length, rate)
                if stop - first > LIMIT:
                    raise _Refused("memory", "the slice is too long to be held at once; cut it into shorter ones")
                waiting.append((first, stop, number, item))
            except _Refused as error:
                yield Failure(number, error.stage, error.reason)
        waiting.sort(key=lambda each: each[:3], reverse=True)
        open_slices: list[tuple[int, int, int, Item, list[np.ndarray], Mixing]] = []
        position = 0
        for block, _ in audio.blocks(path):
            end = position + len(block)
            while waiting and waiting[-1][0] < end:
                open_slices.append((*waiting.pop(), [], self._mixing(rate, self.segment)))
            going_on = []
            for first, stop, number, item, parts, mixing in open_slices:
                try:
                    parts.append(self._mono(block[max(0, first - position) : max(0, stop - position)], item, mixing))
                    if stop <= end:
                        yield from self._finished(number, item, np.concatenate(parts), rate, mixing)
                    else:
                        going_on.append((first, stop, number, item, parts, mixing))
                except _Refused as error:
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
        raise _Refused("slice", f"it {what} at {wanted}, and the file has {length / rate:.3f} s")
    if min(stop, length) == first:
        raise _Refused("slice", f"it has no sample: {item.duration:g} s at {rate} Hz")
    return first, min(stop, length)


def _cannot(rate: int, to: int, error: Exception) -> str:
    return f"{rate} Hz cannot be resampled to {to} Hz ({' '.join(str(error).split())})"
