"""Check FLAC: the sample count of every stream in a chain. The decoder verifies the checksums of the frames."""

from __future__ import annotations

from kapre.audio._container import Container, another, followed
from kapre.audio._source import Part, Source
from kapre.audio._tails import end_of_flac

_MOST_LINKS = 4096
_MOST_BLOCKS = 4096


def check_flac(source: Source, start: int) -> Container:
    """Split a chain of FLAC streams, and hide the sample counts from the decoder, which would stop there.

    This reveals a count that is too small, because the decoder then returns more samples than the count.
    """
    container = Container("FLAC")
    starts = [start]
    while len(starts) < _MOST_LINKS and (following := _next(source, starts[-1] + 8)) >= 0:
        starts.append(following)
    promised = []
    for first, stop in zip(starts, [*starts[1:], source.size], strict=True):
        counts = source.at(first + 18, 8)
        if len(counts) < 8:
            break
        promised.append(int.from_bytes(counts, "big") & (1 << 36) - 1)
        stop = stop if promised[-1] else end_of_flac(source, first, stop)
        zeros = source.before_zeros(stop)
        stop = min(stop, zeros + 4096)  # a frame may end in zeros; limit how many zeros the decoder searches
        open_count = bytes((counts[3] & 0xF0, 0, 0, 0, 0))
        parts: list[Part] = [(first, first + 21), open_count, (first + 26, stop)]
        container.streams.append(parts)
    container.promised = promised or None
    if (place := another(source, _frames(source, start))) >= 0:
        container.damage.append(followed(place))
    return container


def _frames(source: Source, start: int) -> int:
    """Return where the frames of a stream start: after the metadata blocks, which may hold a WAV header."""
    position = start + 4
    for _ in range(_MOST_BLOCKS):
        head = source.at(position, 4)
        position += 4 + int.from_bytes(head[1:], "big")
        if len(head) < 4 or head[0] & 0x80:
            break
    return position


def _next(source: Source, position: int) -> int:
    """Return where the next stream of a chain starts, by its mark and its first block header, or -1."""
    while (position := source.find(b"fLaC", position)) >= 0:
        head = source.at(position + 4, 4)
        if head[1:] == b"\0\0\x22" and head[0] & 0x7F == 0:
            return position
        position += 4
    return -1
