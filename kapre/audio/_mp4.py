"""Check MP4, M4A and QuickTime: the boxes, and whether all samples listed by the audio track are present."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from kapre.audio._container import Container, UnreadableError, cut_bytes, cut_short, followed, is_start
from kapre.audio._source import Part, Source
from kapre.audio._tails import end_of_sound

FIRST = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")
"""Names of the boxes that can start such a file. Older QuickTime files have no ftyp."""
_MOST_BOXES = 1 << 19
"""Largest number of boxes on one level. Those of fragments have at least some hundred bytes."""
_SLACK = 4096
"""Ticks that may be missing from a track without an edit list: an encoder's delay that is stored elsewhere."""


@dataclass(frozen=True)
class _Box:
    """Hold a box: its name, and the start and stop of its body. The stop may be after the end of the file."""

    name: bytes
    body: int
    stop: int


def _boxes(source: Source, position: int, stop: int) -> Iterator[_Box]:
    """Yield the boxes from `position` on, up to an invalid header or the largest plausible number of boxes."""
    first, seen = position, 0
    while position + 8 <= stop and seen < min(_MOST_BOXES, 4096 + (position - first) // 256):
        seen += 1
        head = source.at(position, 16)
        if len(head) < 8:
            return
        size, name = struct.unpack(">I4s", head[:8])
        header = 8
        if size == 1 and len(head) == 16:
            header, size = 16, int.from_bytes(head[8:], "big")
        elif size == 0:
            size = stop - position
        if size < header or not name.isascii() or not name.strip(b"\0"):
            return
        yield _Box(name, position + header, position + size)
        position += size


def _inside(source: Source, box: _Box, *path: bytes) -> _Box | None:
    """Return the first box at a path inside `box`."""
    for name in path:
        found = next((inner for inner in _boxes(source, box.body, box.stop) if inner.name == name), None)
        if found is None or found.stop > box.stop:
            return None
        box = found
    return box


def check_mp4(source: Source, start: int) -> Container:
    """Check the boxes against the actual bytes, and the sample tables of the track against the end of the file.

    The edit list tells which of the decoded samples were in the original. An encoder adds its delay before them and
    fills the last frame after them.

    Raises:
        UnreadableError: If there is no audio track, or its samples are encrypted.
    """
    container = Container("MP4", demuxer="mov")
    index: _Box | None = None
    end, fragments, media, again = start, False, False, -1
    stop = end_of_sound(source, start)
    for box in _boxes(source, start, source.size):
        if end >= stop:
            break
        if box.name == b"ftyp" and end > start and again < 0:
            again = end
        end = box.stop
        index = box if box.name == b"moov" else index
        fragments = fragments or box.name == b"moof"
        media = media or box.name == b"mdat"
    if index is None or index.stop > source.size:
        part = "is missing" if index is None else "breaks off"
        raise UnreadableError(f"cut short: the list of its samples (moov) {part}", "Copy it again from its source.")
    track = _track(source, index)
    description = _inside(source, track, b"mdia", b"minf", b"stbl", b"stsd")
    if description and source.at(description.body + 12, 4) in (b"enca", b"drms"):
        raise UnreadableError("its audio is encrypted", "Use a copy that is not protected, or leave it out.")
    if not fragments:  # in fragments, the lists cover the first one or nothing: only decoding can tell
        _check_track(container, source, index, track)
        if again >= 0:
            container.damage.append(followed(again))
    if not container.damage and end > source.size:
        container.damage.append(cut_bytes(end, source.size))
    elif end < source.size and is_start(source.at(end, 16)):
        container.damage.append(followed(end))
    elif not container.damage and end < stop and (fragments or not media or source.size - end < 8):
        container.damage.append(f"cut short: the file breaks off in the header of a box, after {end} bytes")
    return container


def _track(source: Source, index: _Box) -> _Box:
    """Return the first audio track."""
    others = False
    for box in _boxes(source, index.body, index.stop):
        handler = _inside(source, box, b"mdia", b"hdlr") if box.name == b"trak" else None
        if handler and source.at(handler.body + 8, 4) == b"soun":
            if box.stop > index.stop:  # ensures that no table below is larger than the file
                raise UnreadableError("damaged inside: the list of its samples cannot be read", "Copy it again.")
            return box
        others = others or box.name == b"trak"
    what = "its tracks are of other kinds, such as video" if others else "an MP4 file without a track"
    raise UnreadableError(f"no audio in it: {what}", "Leave it out.")


def _table(source: Source, box: _Box | None, skip: int, columns: str) -> np.ndarray:
    """Return the rows of a table, limited to its box: a count and that many rows after `skip` bytes."""
    kind = np.dtype([(str(n), letter) for n, letter in enumerate(columns.split())])
    if box is None:
        return np.zeros(0, kind)
    content = source.at(box.body + skip, box.stop - box.body - skip)
    count = min(int.from_bytes(content[:4], "big"), max(0, len(content) - 4) // kind.itemsize)
    return np.frombuffer(content, kind, count, 4) if count else np.zeros(0, kind)


def _check_track(container: Container, source: Source, index: _Box, track: _Box) -> None:
    """Record what the track promises, and whether its samples lie in the file."""
    clock, length = _clock(source, _inside(source, track, b"mdia", b"mdhd"))
    tables = _inside(source, track, b"mdia", b"minf", b"stbl")
    of_times = _inside(source, tables, b"stts") if tables else None
    if not clock or tables is None or of_times is None:
        container.damage.append("damaged inside: the list of its samples cannot be read")
        return
    durations = _table(source, of_times, 4, ">u4 >u4")
    counts, each = durations["0"].astype(np.int64), durations["1"].astype(np.int64)
    total = int(np.dot(counts.astype(np.float64), each.astype(np.float64)))
    if not total:
        return  # in fragments, or empty: only decoding can tell
    edits = _edits(source, _inside(source, track, b"edts", b"elst"))
    first, stop = 0, max(total, length)
    movie, _ = _clock(source, _inside(source, index, b"mvhd"))
    if len(edits) == 1 and movie:
        edit = edits[0]
        first = edit.first
        edited = first - (-edit.duration * clock // movie)
        if edit.duration and (stop - edited) * movie >= clock:
            stop = edited
        elif edit.duration <= (needed := max(0, stop - first) * movie // clock):
            # The movie's clock often counts milliseconds only. A difference too small for that clock is not an edit.
            # FFmpeg would treat it as one and might drop the last packet.
            container.streams = [edit.lasting(needed + 1, source.size)]
    if len(edits) <= 1:
        container.ends = (max(0, stop - first), clock)
        container.at_least = (max(0, min(stop, total) - first - (0 if edits else _SLACK)), clock)
    listed, whole = _whole_samples(source, tables)
    if listed is not None and listed != int(counts.sum()):
        container.damage.append("damaged inside: its lists of samples have different lengths")
    elif whole is not None and whole < int(counts.sum()):
        ticks = int(np.interp(whole, [0, *np.cumsum(counts)], [0, *np.cumsum(counts * each)]))
        there = min(max(0, ticks - first), stop - first)
        container.damage.append(cut_short((stop - first) / clock, there / clock, (int(counts.sum()), whole, "packets")))


def _clock(source: Source, box: _Box | None) -> tuple[int, int]:
    """Return the ticks per second in a header and the length in ticks, or zeros if there are none."""
    if box is None:
        return 0, 0
    head = source.at(box.body, 32)
    if head[:1] == b"\1":
        ticks, length, unknown = head[20:24], head[24:32], 8
    else:
        ticks, length, unknown = head[12:16], head[16:20], 4
    return int.from_bytes(ticks, "big"), 0 if length == b"\xff" * unknown else int.from_bytes(length, "big")


@dataclass(frozen=True)
class _Edit:
    """Hold a played part of a track: its duration in ticks of the movie (0: all), its start in ticks of the track."""

    duration: int
    first: int
    at: int  # position of the duration
    width: int

    def lasting(self, duration: int, size: int) -> list[Part]:
        """Return a file of this size in which the duration is replaced."""
        changed = min(duration, (1 << 8 * self.width) - 1).to_bytes(self.width, "big")
        return [(0, self.at), changed, (self.at + self.width, size)]


def _edits(source: Source, box: _Box | None) -> list[_Edit]:
    """Return the parts of the track that are played, without empty ones."""
    if box is None:
        return []
    width = 8 if source.at(box.body, 1) == b"\1" else 4
    rows = _table(source, box, 4, f">u{width} >i{width} >u4")
    places = range(box.body + 8, box.stop, rows.itemsize)
    edits = (_Edit(int(row["0"]), int(row["1"]), place, width) for row, place in zip(rows, places, strict=False))
    return [edit for edit in edits if edit.first >= 0]


def _whole_samples(source: Source, tables: _Box) -> tuple[int | None, int | None]:
    """Return the number of samples that a track lists, and the number before the first that is outside the file.

    A value is None if it cannot be determined.
    """
    box = _inside(source, tables, b"stsz")
    if box is None:
        return None, None
    each, listed = struct.unpack(">II", source.at(box.body + 4, 8).rjust(8, b"\0"))
    if each:
        return listed, None  # one size for all: in some QuickTime files it is not that of a packet
    sizes = _table(source, box, 8, ">u4")["0"].astype(np.int64)
    offsets = _table(source, _inside(source, tables, b"stco"), 4, ">u4")["0"].astype(np.int64)
    if not len(offsets):
        offsets = _table(source, _inside(source, tables, b"co64"), 4, ">u8")["0"].astype(np.int64)
    runs = _table(source, _inside(source, tables, b"stsc"), 4, ">u4 >u4 >u4")
    if len(sizes) != listed or not len(offsets) or not len(runs):
        return len(sizes), 0
    chunks = np.searchsorted(runs["0"].astype(np.int64) - 1, np.arange(len(offsets)), side="right") - 1
    per_chunk = runs["1"].astype(np.int64)[np.maximum(chunks, 0)]
    after = np.minimum(np.cumsum(per_chunk), len(sizes))
    before = np.concatenate([[0], after[:-1]])
    summed = np.concatenate([[0], np.cumsum(sizes)])
    missing = np.flatnonzero(offsets + summed[after] - summed[before] > source.size)
    if not len(missing):
        return listed, int(after[-1])
    chunk = int(missing[0])
    room = summed[before[chunk]] + source.size - offsets[chunk]
    return listed, max(int(before[chunk]), int(np.searchsorted(summed, room, side="right")) - 1)
