"""Check the frames of AAC in ADTS (.aac): the position of each frame, and whether the last one is complete."""

from __future__ import annotations

from dataclasses import dataclass

from kapre.audio._container import MOST_TAGS, Container, NotAudioError, after_tag, count, resync
from kapre.audio._source import Source
from kapre.audio._tails import end_of_sound

_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_EACH = 1024  # samples of a raw block; spectral band replication doubles them


@dataclass(frozen=True)
class _Header:
    """Hold the header of an ADTS frame."""

    kind: tuple[int, int, int, int]  # MPEG version, object type, sample rate, channel layout
    length: int
    samples: int


def _header(word: bytes) -> _Header | None:
    """Return the ADTS header in seven bytes, or None if they hold something else."""
    if len(word) < 7 or not is_adts(word) or word[2] >> 2 & 15 >= len(_RATES):
        return None
    length = (word[3] & 3) << 11 | word[4] << 3 | word[5] >> 5
    if length < (7 if word[1] & 1 else 9):
        return None
    rate, layout = _RATES[word[2] >> 2 & 15], (word[2] & 1) << 2 | word[3] >> 6
    return _Header((word[1] >> 3 & 1, word[2] >> 6, rate, layout), length, ((word[6] & 3) + 1) * _EACH)


def is_adts(head: bytes) -> bool:
    """Return whether bytes start with the ADTS sync word. In MPEG audio, the two bits that are 0 here hold a layer."""
    return len(head) >= 2 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0


def check_adts(source: Source, start: int) -> Container:
    """Check that every frame ends where the next one starts, and the last one at the end of the file or at a tag.

    Nothing in the file gives the number of frames, so a cut exactly between two frames cannot be detected. The
    encoder's delay is also unknown and remains in the samples.

    Raises:
        NotAudioError: If there is no whole frame, or only one frame with something else after it.
    """
    container = Container("ADTS", demuxer="aac")
    first = _header(source.at(start, 7))
    spans: list[tuple[int, int]] = []
    position, frames, samples, gaps, tags, partial = start, 0, 0, 0, 0, False
    stop = end_of_sound(source, start)
    while first and position < stop:
        header = _header(word := source.at(position, 7))
        if header and (after := position + header.length) <= source.size:
            if spans and spans[-1][1] == position:
                spans[-1] = (spans[-1][0], after)
            else:
                spans.append((position, after))
            frames, samples, position, tags = frames + 1, samples + header.samples, after, 0
        elif tags < MOST_TAGS and (after := after_tag(source, position)) > position:
            partial, position, tags = after > source.size, after, tags + 1
        elif (after := resync(source, position + 1, first.kind, _header, 7)) > position:
            gaps, position = gaps + 1, after
        else:
            partial = header is not None or (len(word) < 7 and word[:1] == b"\xff")
            gaps += not partial
            break
    if first is None or frames == 0 or (frames == 1 and (gaps or partial)):
        raise NotAudioError("it starts like AAC, but too few whole ADTS frames are there")
    seconds = samples / first.kind[2]
    if gaps:
        container.damage.append(f"damaged inside: ADTS frames are missing in {count(gaps, 'place')}")
    if partial:
        container.damage.append(f"cut short: the file breaks off inside a frame or tag, after {seconds:.3f} s")
    container.streams = [list(spans)]
    container.at_least = (samples, first.kind[2])
    return container
