"""What an audio file's container says before anything is decoded, and what the checks of all formats share."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from kapre.corpus._source import Part, Source


class NotAudioError(Exception):
    """The bytes cannot be given to a decoder; the text says why."""


class UnreadableError(Exception):
    """A file that no decoder here takes: what is wrong, and the remedy."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem, remedy)
        self.problem, self.remedy = problem, remedy


@dataclass
class Container:
    """What the bytes say before anything is decoded.

    `streams` are the decoder's inputs, one for each link of a chain. At least `at_least[0]` samples at the rate
    `at_least[1]` must come out. `promised` are sample counts of the streams, 0 for unknown, that nothing but decoding
    can confirm. What comes out after `ends`, samples and rate too, is an encoder's padding. `demuxer` is PyAV's name of
    it, empty for what libsndfile reads. `told` says that PyAV tells its length exactly. `stop` is where the sound ends,
    0 where that is not known.
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
    """Return the phrase for a promise in seconds that is not kept; `fallback` when it looks kept to a millisecond."""
    said, found = f"{promised:.3f} s", f"{there:.3f} s"
    if said == found:
        said, found = f"{fallback[0]} {fallback[2]}", str(fallback[1])
    return f"cut short: the header promises {said}, {found} are there"


def cut_bytes(promised: int, there: int) -> str:
    """Return the phrase for bytes that a header promises and that are not there."""
    return f"cut short: the header promises {promised} bytes, {there} are there"


NO_SAMPLES = "cut short: the file breaks off in its header, before the samples"


def longer(promised: float, there: float, fallback: tuple[int, int, str]) -> str:
    """Return the phrase for more than a promise in seconds; `fallback` when it looks equal to a millisecond."""
    said, found = f"{promised:.3f} s", f"{there:.3f} s"
    if said == found:
        said, found = f"{fallback[0]} {fallback[2]}", str(fallback[1])
    return f"longer than its header says: {said} promised, {found} are there"


def count(number: int, noun: str) -> str:
    """Return the number with its noun, in the plural when it is not one."""
    return f"{number} {noun}{'s' * (number != 1)}"


_STARTS = (b"fLaC\0\0\0\x22", b"fLaC\x80\0\0\x22", b"OggS\0\2", b"riff\x2e\x91\xcf\x11", b"caff\0\1", b"TTA1\1\0")
_FORMS = {b"RIFF": b"WAVE", b"RIFX": b"WAVE", b"RF64": b"WAVE", b"BW64": b"WAVE", b"FORM": b"AIF"}


_MARKS = (b"RIFF", b"FORM", b"OggS\0\2", b"TTA1\1\0")
SYNC = re.compile(rb"\xff[\xe0-\xfe]")
_MOST_MARKS = 4096


def is_start(head: bytes) -> bool:
    """Return whether 16 bytes are those that another file starts with: so many are no accident."""
    return head.startswith(_STARTS) or head[8:].startswith(_FORMS.get(head[:4], b"?")) or head[4:8] == b"ftyp"


def another(source: Source, position: int) -> int:
    """Return where another file starts from `position` on, or -1; FLAC and MP4 are not looked for."""
    for _ in range(_MOST_MARKS):
        position = source.find_any(_MARKS, position)
        if position < 0 or is_start(source.at(position, 16)):
            return position
        position += 4
    return -1


def followed(place: int) -> str:
    """Return the phrase for a file that another one was joined to."""
    return f"longer than its header says: another file follows its samples, from byte {place} on"


MOST_TAGS = 64
"""That follow each other."""
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
    """The header of a frame."""

    @property
    def kind(self) -> tuple[int, ...]:
        """What frames of one stream have alike."""

    @property
    def length(self) -> int:
        """Bytes, with the header."""


def resync(
    source: Source,
    position: int,
    kind: tuple[int, ...],
    header: Callable[[bytes], Frame | None],
    size: int,
    stop: int | None = None,
) -> int:
    """Return where the next two frames of a kind follow each other, or -1; a header takes so many bytes."""
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
