"""`Container`: the state of an audio file before decoding, and helpers that the checks of all formats share."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from kapre.audio._source import Part, Source


class NotAudioError(Exception):
    """Report bytes that cannot be decoded. The text gives the reason."""


class UnreadableError(Exception):
    """Report a file that no available decoder accepts: the problem and the remedy."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem, remedy)
        self.problem, self.remedy = problem, remedy


@dataclass
class Container:
    """Describe what the bytes of a file show before decoding.

    `streams` holds the decoder's inputs, one for each link of a chain. At least `at_least[0]` samples at the rate
    `at_least[1]` must be decoded. `promised` holds the sample counts of the streams that only decoding can confirm,
    with 0 for unknown. Samples after `ends`, which is also a count and a rate, are padding of the encoder. `demuxer` is
    PyAV's name of the container, and empty for a container that libsndfile reads. `told` means that PyAV reports the
    exact length. `stop` is the position where the sound ends, or 0 if it is unknown.
    """

    name: str
    damage: list[str] = field(default_factory=list)
    streams: list[list[Part]] = field(default_factory=list)
    at_least: tuple[int, int] | None = None
    promised: list[int] | None = None
    ends: tuple[int, int] | None = None
    demuxer: str = ""
    told: bool = False
    stop: int = 0


def cut_short(promised: float, there: float, fallback: tuple[int, int, str]) -> str:
    """Return the phrase for fewer seconds than promised. Use `fallback` if both are equal to a millisecond."""
    said, found = f"{promised:.3f} s", f"{there:.3f} s"
    if said == found:
        said, found = f"{fallback[0]} {fallback[2]}", str(fallback[1])
    return f"cut short: the header promises {said}, {found} are there"


def cut_bytes(promised: int, there: int) -> str:
    """Return the phrase for bytes that a header promises and the file lacks."""
    return f"cut short: the header promises {promised} bytes, {there} are there"


NO_SAMPLES = "cut short: the file breaks off in its header, before the samples"


def longer(promised: float, there: float, fallback: tuple[int, int, str]) -> str:
    """Return the phrase for more seconds than promised. Use `fallback` if both are equal to a millisecond."""
    said, found = f"{promised:.3f} s", f"{there:.3f} s"
    if said == found:
        said, found = f"{fallback[0]} {fallback[2]}", str(fallback[1])
    return f"longer than its header says: {said} promised, {found} are there"


def count(number: int, noun: str) -> str:
    """Return the number with its noun, in the plural unless the number is 1."""
    return f"{number} {noun}{'s' * (number != 1)}"


_STARTS = (b"fLaC\0\0\0\x22", b"fLaC\x80\0\0\x22", b"OggS\0\2", b"riff\x2e\x91\xcf\x11", b"caff\0\1", b"TTA1\1\0")
_FORMS = {b"RIFF": b"WAVE", b"RIFX": b"WAVE", b"RF64": b"WAVE", b"BW64": b"WAVE", b"FORM": b"AIF"}


_MARKS = (b"RIFF", b"FORM", b"OggS\0\2", b"TTA1\1\0")
SYNC = re.compile(rb"\xff[\xe0-\xfe]")
_MOST_MARKS = 4096


def is_start(head: bytes) -> bool:
    """Return whether 16 bytes are the start of another file. That many bytes do not match by chance."""
    return head.startswith(_STARTS) or head[8:].startswith(_FORMS.get(head[:4], b"?")) or head[4:8] == b"ftyp"


def another(source: Source, position: int) -> int:
    """Return the position of the next file start from `position` on, or -1. FLAC and MP4 are not searched for."""
    for _ in range(_MOST_MARKS):
        position = source.find_any(_MARKS, position)
        if position < 0 or is_start(source.at(position, 16)):
            return position
        position += 4
    return -1


def followed(place: int) -> str:
    """Return the phrase for a file to which another one was appended."""
    return f"longer than its header says: another file follows its samples, from byte {place} on"


MOST_TAGS = 64
"""Largest number of consecutive tags."""
_LONGEST_LYRICS = 1 << 20


def after_id3v2(source: Source, position: int) -> int:
    """Return the position after the ID3v2 tags that start at `position`."""
    for _ in range(MOST_TAGS):
        if (head := source.at(position, 10))[:3] != b"ID3" or len(head) < 10:
            break
        a, b, c, d = head[6:]
        position += 10 + ((a & 127) << 21 | (b & 127) << 14 | (c & 127) << 7 | d & 127) + (head[5] & 16) // 16 * 10
    return position


def after_tag(source: Source, position: int) -> int:
    """Return the position after an ID3, APE or Lyrics3 tag that starts here, else `position` itself."""
    head = source.at(position, 32)
    if head.startswith(b"TAG"):
        return position + 128
    if head.startswith(b"APETAGEX") and len(head) == 32:
        size, flags = struct.unpack("<I4xI", head[12:24])
        return position + int(size) + (32 if flags & 1 << 29 else 0)
    if head.startswith(b"LYRICSBEGIN"):
        for end in (b"LYRICS200", b"LYRICSEND"):
            if (found := source.find(end, position, position + _LONGEST_LYRICS)) >= 0:
                return found + 9
    return after_id3v2(source, position)


class Frame(Protocol):
    """Define the header of a frame."""

    @property
    def kind(self) -> tuple[int, ...]:
        """Return the properties that all frames of a stream share."""

    @property
    def length(self) -> int:
        """Return the number of bytes, including the header."""


def resync(
    source: Source,
    position: int,
    kind: tuple[int, ...],
    header: Callable[[bytes], Frame | None],
    size: int,
    stop: int | None = None,
) -> int:
    """Return the next position where a frame of a kind precedes another, or -1. A header takes `size` bytes."""
    stop = source.size if stop is None else stop
    while (position := source.match(SYNC, 2, position, stop)) >= 0:
        found = header(source.at(position, size))
        if found and found.kind == kind:
            after = position + found.length
            following = header(source.at(after, size))
            if after == stop or (following and following.kind == kind):
                return position
        position += 1
    return -1
