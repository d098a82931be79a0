"""Walk the chunks of a file in bounded time, and find how many bytes of samples the file holds."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kapre.audio._container import (
    MOST_TAGS,
    Container,
    UnreadableError,
    after_tag,
    cut_bytes,
    cut_short,
    is_start,
    longer,
)
from kapre.audio._source import Part, Source

MOST_CHUNKS = 4096
"""Largest number of chunks to examine. No recording has this many."""
_NEVER_BEHIND = (b"data", b"RIFF", b"RIFX", b"RF64", b"BW64", b"FORM", b"riff", b"caff")
"""Chunks that never follow the samples: they are the samples, or they start another file."""
_USUAL = (b"data", b"fmt ", b"fact", b"LIST", b"SSND", b"COMM")
_LINK = 1 << 30
"""Largest number of sample bytes for one 32-bit header. Longer sound is decoded as a chain of such pieces."""


@dataclass(frozen=True)
class Layout:
    """Describe how a container writes its chunks: `<id><size><body>`, with bodies aligned to `align` bytes."""

    id_bytes: int
    size_format: str
    size_counts_header: bool
    align: int

    @property
    def header(self) -> int:
        """Return the number of bytes before the body of a chunk."""
        return self.id_bytes + struct.calcsize(self.size_format)

    def after(self, body: int, size: int) -> int:
        """Return the position where the next chunk starts."""
        end = body + size
        return end + -(end if self.size_counts_header else size) % self.align


RIFF = Layout(4, "<I", False, 2)
BIG_ENDIAN = Layout(4, ">I", False, 2)
W64 = Layout(16, "<Q", True, 8)
CAF = Layout(4, ">Q", False, 1)


@dataclass(frozen=True)
class Chunk:
    """Hold one chunk: the first four letters of its name, its size, and the positions of its size field and body."""

    name: bytes
    size: int
    size_at: int
    body: int


def chunks(source: Source, layout: Layout, position: int) -> Iterator[Chunk]:
    """Yield the chunks from `position` on. Zeros between chunks are skipped.

    Raises:
        UnreadableError: If there are more chunks than in any recording.
    """
    for _ in range(MOST_CHUNKS):
        chunk = _chunk(source, layout, position)
        if chunk is None:
            return
        if chunk.name == bytes(4) and chunk.size == 0:
            position = max(position + layout.header, source.after_zeros(position))
            continue
        yield chunk
        position = _behind(source, layout, chunk)
    raise UnreadableError(f"damaged inside: its header has more than {MOST_CHUNKS} chunks", "Leave it out.")


def _behind(source: Source, layout: Layout, chunk: Chunk) -> int:
    """Return the position where the next chunk starts. Some writers omit the padding after an odd size."""
    position = layout.after(chunk.body, chunk.size)
    if layout.align == 2 and chunk.size % 2:
        names = source.at(position - 1, 5)
        if names[:4] in _USUAL or (is_name(names[:4]) and not is_name(names[1:])):
            position -= 1
    return position


def is_name(name: bytes) -> bool:
    """Return whether four bytes can be the name of a chunk."""
    return len(name) == 4 and all(32 <= letter < 127 for letter in name)


def _chunk(source: Source, layout: Layout, position: int) -> Chunk | None:
    """Return the chunk at a position, or None if there is no valid header."""
    head = source.at(position, layout.header)
    if len(head) < layout.header:
        return None
    size: int = struct.unpack(layout.size_format, head[layout.id_bytes :])[0]
    if layout.size_counts_header:
        size -= layout.header
    if size < 0 and head[:4] != b"data":
        return None
    return Chunk(head[:4], max(0, size), position + layout.id_bytes, position + layout.header)


def is_open(size: int) -> bool:
    """Return whether a 32-bit size is a placeholder that a writer to a pipe uses for an unknown size.

    SoX writes 0x7FFFF000 and 0x7F000000. arecord writes 0x80000000 and 0xFFFFFFFE. FFmpeg writes 0xFFFFFFFF, and so
    does libsndfile for a size that does not fit. Other writers subtract a header from these values or add one.
    """
    about_half = 0x7FFFF000 <= size <= 0x80000100
    return about_half or 0x7F000000 <= size <= 0x7F000100 or size >= 0xFFFFF000


@dataclass(frozen=True)
class Sound:
    """Describe the samples of a container as given by its header.

    Attributes:
        body: Position of the first sample.
        size: Number of sample bytes according to the header.
        open: Whether that size may stand for "to the end of the file".
        rate: Samples per second. 0 if the header does not give it.
        block: Bytes per sample of all channels, or per block of a compressed codec. 0 if the header does not give it.
        per_block: Number of samples in a block.
        linear: Whether every sample has the same number of bytes.
    """

    body: int
    size: int
    open: bool
    rate: float
    block: int
    per_block: float
    linear: bool

    def seconds(self, size: int) -> float:
        """Return the duration in seconds of a number of sample bytes, or 0 if it is unknown."""
        return size * self.per_block / self.rate / self.block if self.rate > 0 and self.block > 0 else 0.0


def sound_rate(rate: float) -> float:
    """Return the rate given by a header, or 0 if it is impossible."""
    return rate if 1 <= rate < 1 << 32 else 0.0


def measure(container: Container, source: Source, layout: Layout | None, sound: Sound) -> int:
    """Return the number of sample bytes in the file, and record damage.

    The size in the header is accepted if the samples end at the end of the file, or before another chunk, a tag or
    zeros. This also identifies a 32-bit size that has overflowed. `layout` is None for a container without chunks.
    """
    there = max(0, source.size - sound.body)
    size, behind = sound.size, ""
    if size <= there:
        behind = what_follows(source, layout, sound.body + size, sound.block)
    to_the_end = sound.open if size > there else sound.open and behind not in ("end", "chunks", "file")
    if to_the_end or (size == 0 and behind == "other"):
        size = there
        if sound.linear and sound.block > 0 and there % sound.block:
            container.damage.append("cut short: the file ends inside a sample")
    elif size > there:
        fallback = (size, there, "bytes of samples")
        container.damage.append(cut_short(sound.seconds(size), sound.seconds(there), fallback))
        size = there
    elif behind in ("other", "file"):
        size = _unwrapped(source, layout, sound, there) or size
        if size == sound.size:
            container.damage.append(_longer(sound, there))
    elif behind == "zeros" and there - size >= 1 << 32 and (there - size) % (1 << 32) == 0:
        hint = "either its 32-bit size has overflowed, or zeros follow its samples"
        container.damage.append(f"{_longer(sound, there)}: {hint}")
    elif sound.linear and sound.block > 0 and size % sound.block:
        rest = size % sound.block
        if source.at(sound.body + size - rest, rest).strip(b"\0"):
            container.damage.append("damaged inside: its header counts a part of a sample")
    if sound.linear and sound.block > 0 and sound.rate > 0:
        container.at_least = (size // sound.block, round(sound.rate))
    return size


def _longer(sound: Sound, there: int) -> str:
    return longer(sound.seconds(sound.size), sound.seconds(there), (sound.size, there, "bytes of samples"))


def _unwrapped(source: Source, layout: Layout | None, sound: Sound, there: int) -> int:
    """Return a size that equals the header's modulo 2 ** 32 and ends where samples can end, or 0 if none exists."""
    if layout is not None and struct.calcsize(layout.size_format) > 4:
        return 0
    for size in range(sound.size + (1 << 32), there + 1, 1 << 32):
        if what_follows(source, layout, sound.body + size, sound.block) in ("end", "chunks"):
            return size
    return 0


def what_follows(source: Source, layout: Layout | None, end: int, block: int) -> str:
    """Return what follows the samples that end at `end`: "end", "zeros", "chunks" (or tags), "file" or "other"."""
    if end >= source.size:
        return "end"
    first = source.after_zeros(end)
    if first >= source.size or source.size - end < block:
        return "zeros"
    places = [first]
    if layout is not None and first < (padded := max(layout.after(end, 0), end + (-end) % layout.align, end + 1)):
        places += [padded, end + 1] if layout.align > 1 else []
    if any(is_start(source.at(place, 16)) for place in places):
        return "file"
    return "chunks" if any(_is_chunks(source, layout, place, block) for place in places) else "other"


def _is_chunks(source: Source, layout: Layout | None, position: int, block: int) -> bool:
    """Return whether chunks, tags and zeros fill the rest of the file from a position on."""
    tags, start = 0, position
    for _ in range(MOST_CHUNKS):
        behind = position > start  # a remainder shorter than a sample can follow chunks only
        first = source.after_zeros(position)
        if first >= source.size or (source.size - first < block and behind):
            return True
        chunk = _chunk(source, layout, first) if layout else None
        if chunk and chunk.name not in _NEVER_BEHIND and is_name(chunk.name):
            position = chunk.body + chunk.size
            if position <= source.size:
                position = _behind(source, layout, chunk) if layout else position
                continue
        position, tags = after_tag(source, first), tags + 1
        if position == first or tags > MOST_TAGS:
            return False
    return True


def links(head: Callable[[int], list[Part]], sound: Sound, size: int) -> list[list[Part]]:
    """Return the decoder's inputs for `size` bytes of samples: each is a header with its size, and that many bytes.

    `head` makes the header for a size. Samples that exceed a 32-bit size become a chain.
    """
    step = max(1, _LINK // max(1, sound.block)) * max(1, sound.block)
    if size <= step:
        return [[*head(size), (sound.body, sound.body + size)]]
    pieces = ((sound.body + first, sound.body + min(first + step, size)) for first in range(0, size, step))
    return [[*head(stop - first), (first, stop)] for first, stop in pieces]


def check_end(container: Container, promised: int, size: int) -> None:
    """Record that a container is larger than the file, unless its samples already show that."""
    if promised > size and not any(phrase.startswith("cut short") for phrase in container.damage):
        container.damage = [cut_bytes(promised, size)]
