"""Find where the sound of a file ends. Tags and zeros may follow it."""

from __future__ import annotations

import re
import struct

from kapre.audio._container import MOST_TAGS, after_id3v2
from kapre.audio._source import Source

_FARTHEST = 1 << 18
_FLAC_FRAME = re.compile(rb"\xff[\xf8\xf9]")
_MOST_FRAMES = 64
_MOST_ZEROS = 64


def end_of_sound(source: Source, start: int, stop: int | None = None) -> int:
    """Return where the final tags (ID3, APE and Lyrics3) and zeros of a file, or of the part up to `stop`, begin.

    The sound itself may end in some of these zeros.
    """
    stop = source.size if stop is None else stop
    for _ in range(MOST_TAGS):
        before = _before_tag(source, start, stop)
        if before == stop:
            zeros = max(start, source.before_zeros(stop))
            before = min(_before_tag(source, start, end) for end in _tag_ends(source, start, zeros, stop))
            if before >= zeros:
                return zeros
        stop = before
    return stop


def _tag_ends(source: Source, start: int, zeros: int, stop: int) -> list[int]:
    """Return where a tag before zeros may end. ID3v1 and the footer of APE may themselves end in zeros."""
    near = max(start, zeros - 128)
    content = source.at(near, zeros + 3 - near)
    ends = [zeros]
    for mark, size in ((b"TAG", 128), (b"APETAGEX", 32)):
        place = content.rfind(mark)
        ends += [near + place + size] * (place >= 0 and zeros <= near + place + size <= stop)
    return ends


def filled(source: Source, end: int, stop: int) -> list[str]:
    """Return the damage of a last part up to `end` whose bytes from `stop` on are zeros, if zeros also follow it."""
    if end >= source.size or end - stop <= _MOST_ZEROS:
        return []
    return [f"cut short: the last {end - stop} bytes of its sound are zeros"]


def _before_tag(source: Source, start: int, stop: int) -> int:
    """Return the start of a tag that ends at `stop`, or `stop` itself."""
    first = max(start, stop - 128)
    end = source.at(first, stop - first)
    size = 0
    if len(end) == 128 and end.startswith(b"TAG"):
        size = 128
    elif end[-32:-24] == b"APETAGEX":
        length, flags = struct.unpack("<I4xI", end[-20:-8])
        size = length + (32 if flags & 1 << 31 else 0)
    elif end.endswith(b"LYRICS200") and end[-15:-9].isdigit():
        size = int(end[-15:-9]) + 15
    elif stop < source.size:
        near = max(start, stop - _FARTHEST)
        place = source.at(near, stop - near).rfind(b"ID3")
        size = stop - near - place if place >= 0 and after_id3v2(source, near + place) == stop else 0
    return stop - size if 0 < size <= stop - start else stop


def end_of_flac(source: Source, start: int, stop: int) -> int:
    """Return where the last frame before tags and zeros ends according to its checksum, or `stop` if unknown."""
    end = end_of_sound(source, start, stop)
    if end == stop:
        return stop
    near = max(start, end - _FARTHEST)
    content = source.at(near, min(stop, end + 4) - near)
    places = [found.start() for found in _FLAC_FRAME.finditer(content, 0, end - near)]
    for place in reversed(places[-_MOST_FRAMES:]):
        checksum = 0
        for index, byte in enumerate(content[place:], place + 1):
            checksum = (checksum << 8 & 0xFFFF) ^ _CRC[checksum >> 8 ^ byte]
            if checksum == 0 and near + index >= end:
                return near + index
    return stop


def _entry(byte: int) -> int:
    value = byte << 8
    for _ in range(8):
        value = (value << 1 ^ (0x8005 if value & 0x8000 else 0)) & 0xFFFF
    return value


_CRC = [_entry(byte) for byte in range(256)]
