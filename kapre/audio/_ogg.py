"""Check the pages of Ogg: their order, their checksums and the end-of-stream mark. Split chains into streams."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from kapre.audio._container import Container, UnreadableError, count
from kapre.audio._source import Source

_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_NO_POSITION = (1 << 64) - 1
_MOST_EMPTY = 4096
_MOST_LINKS = 4096


def _page_matches(page: bytes) -> bool:
    """Return whether an Ogg page agrees with its checksum.

    Ogg's CRC is the mirror image of zlib's. It uses the same polynomial, most significant bit first, and starts from
    zero.
    """
    mirrored = (page[:22] + bytes(4) + page[26:]).translate(_REVERSED)
    return zlib.crc32(mirrored, 0xFFFFFFFF) ^ 0xFFFFFFFF == int.from_bytes(page[22:26].translate(_REVERSED), "big")


@dataclass
class _Logical:
    """Track one logical Ogg stream: its clock and its current position."""

    rate: int = 0
    skip: int = 0
    sequence: int = 0
    ended: bool = False
    first: int | None = None
    last: int = 0

    @classmethod
    def starting_with(cls, packet: bytes) -> _Logical:
        if packet.startswith(b"OpusHead") and len(packet) >= 12:
            return cls(48000, int.from_bytes(packet[10:12], "little"))
        if packet.startswith(b"\x01vorbis") and len(packet) >= 16:
            return cls(int.from_bytes(packet[12:16], "little"))
        if packet.startswith(b"\x7fFLAC") and len(packet) >= 30:
            return cls(int.from_bytes(packet[27:30], "big") >> 4)
        if packet.startswith(b"Speex   ") and len(packet) >= 40:
            return cls(int.from_bytes(packet[36:40], "little"))
        return cls()

    @property
    def seconds(self) -> float:
        return max(0, self.last - self.skip) / self.rate if self.rate else 0.0


def check_ogg(source: Source, start: int) -> Container:
    """Check every page of Ogg: order, checksum, a complete last page, the end-of-stream mark. Split chains."""
    container = Container("OGG")
    links: list[int] = []
    open_streams: dict[int, _Logical] = {}
    sounding: list[_Logical] = []
    lost, wrong, in_headers, position, whole, back, empty = 0, 0, False, start, True, False, 0
    unended: _Logical | None = None
    while position < source.size:
        head = source.at(position, 282)
        if not head.startswith(b"OggS"):
            following = source.find(b"OggS", position)
            if following < 0:
                container.stop = position
                whole = not b"OggS".startswith(head[:4])  # other bytes after the last page: a tag, padding
                break
            lost += 1
            position = following
            continue
        length = 27 + head[26] + sum(head[27 : 27 + head[26]]) if len(head) >= 27 else 27
        if len(head) < 27 + (head[26] if len(head) >= 27 else 0) or position + length > source.size:
            whole = False
            break
        empty += length == 27
        if empty > _MOST_EMPTY or len(links) > _MOST_LINKS:
            raise UnreadableError(
                "damaged inside: it has more empty Ogg pages or links than a recording", "Leave it out."
            )
        page = source.at(position, length)
        if not _page_matches(page):
            wrong += 1
        flags, granule, serial, sequence = struct.unpack("<BQII", page[5:22])
        if flags & 2:
            if not in_headers:
                links.append(position)
                unended = unended or next((s for s in open_streams.values() if not s.ended), None)
                open_streams = {}
            stream = open_streams[serial] = _Logical.starting_with(page[27 + page[26] :])
            if stream.rate:
                sounding.append(stream)
            stream.sequence = sequence
        elif (known := open_streams.get(serial)) is not None:
            stream = known
            if sequence != (stream.sequence + 1) & 0xFFFFFFFF:
                lost += max(1, (sequence - stream.sequence - 1) & 0xFFFFFFFF) if sequence > stream.sequence else 1
            stream.sequence = sequence
            back = back or (stream.rate > 0 and granule < stream.last)
            if granule not in (0, _NO_POSITION):
                stream.first = granule if stream.first is None else stream.first
                stream.last = granule
        else:
            stream = open_streams[serial] = _Logical(sequence=sequence)
            lost += 1
        in_headers = bool(flags & 2)
        stream.ended = bool(flags & 4)
        position += length
    seconds = sum(stream.seconds for stream in sounding)
    unended = unended or next((s for s in open_streams.values() if not s.ended), None)
    if not whole:
        container.damage.append(f"cut short: the file breaks off inside an Ogg page, after {seconds:.3f} s")
    elif unended is not None:
        container.damage.append(f"cut short: the end-of-stream mark is missing after {seconds:.3f} s")
    if lost:
        container.damage.append(f"damaged inside: missing {count(lost, 'Ogg page')} or more")
    if wrong:
        container.damage.append(f"damaged inside: wrong checksum of {count(wrong, 'Ogg page')}")
    if back and not lost:  # a decoder would stop at such a position
        container.damage.append("damaged inside: the positions of its pages go back")
    if len({stream.rate for stream in sounding}) == 1:
        # Ignore the samples that end in a stream's first page, because a stream need not start at zero.
        samples = sum(max(0, s.last - max(s.first or 0, s.skip)) for s in sounding)
        container.at_least = (samples, sounding[0].rate)
    if len(links) > 1:
        container.streams = [[span] for span in zip(links, [*links[1:], source.size], strict=True)]
    return container
