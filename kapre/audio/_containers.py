"""Check the promises of an audio file's container against the actual bytes.

libsndfile decodes a truncated file as a shorter clip without an error. This module checks what libsndfile ignores, from
the bytes alone: chunk sizes (WAV, RF64, BW64, AIFF, W64, CAF, AU), page order, checksums and the end-of-stream mark
(Ogg), frame headers and the Xing, Info or VBRI counts (MP3), and the sample count (FLAC). It also checks what PyAV
decodes: boxes and sample tables (MP4), and frame headers (ADTS).
"""

from __future__ import annotations

from collections.abc import Callable

from kapre.audio._adts import check_adts, is_adts
from kapre.audio._aiff import check_aiff, check_au, check_caf
from kapre.audio._container import MOST_TAGS, Container, NotAudioError, after_id3v2, after_tag, followed, is_start
from kapre.audio._flac import check_flac
from kapre.audio._mp4 import FIRST, check_mp4
from kapre.audio._mpeg import check_mpeg, first_frames
from kapre.audio._ogg import check_ogg
from kapre.audio._others import CHECKS
from kapre.audio._source import Source
from kapre.audio._wave import check_w64, check_wave


def examine(source: Source) -> Container | None:
    """Return the state of the container, or None for content that has no check here.

    Raises:
        NotAudioError: If the content starts like MP3 or AAC but holds no whole frame.
        UnreadableError: If the file contains no audio, or none that can be decoded.
    """
    start = after_id3v2(source, 0)
    check = _check_at(source, start)
    if check is None:
        start, check = _behind(source, start)
    if check is None:
        return None
    try:
        container = check(source, start)
    except NotAudioError:
        start = first_frames(source, start + 1)
        if start < 0:
            raise
        container = check_mpeg(source, start)
    container.streams = container.streams or [[(start, source.size)]]
    if container.stop and (place := _joined(source, container.stop)) >= 0:
        container.damage.append(followed(place))
    return container


def _check_at(source: Source, start: int) -> _Check | None:
    """Return the check for the content that starts at a position, or None if it is unknown."""
    head = source.at(start, 32)
    check = next((check for magic, check in _CHECKS.items() if head.startswith(magic)), None)
    if check is None and head[4:8] in FIRST:
        check = check_mp4
    elif check is None and is_adts(head):
        check = check_adts
    elif check is None and len(head) >= 2 and head[0] == 0xFF and head[1] >= 0xE0:
        check = check_mpeg
    return check


def _behind(source: Source, start: int) -> tuple[int, _Check | None]:
    """Return where audio starts after a tag with a wrong length, zeros or other bytes, and its check."""
    tag = source.at(0, 10)
    places = [source.after_zeros(start)]
    if tag.startswith(b"ID3"):  # its length has 7 bits per byte, and some writers use all 8
        places.append(10 + int.from_bytes(tag[6:], "big"))
    for place in places:
        if place < source.size and (check := _check_at(source, place)) and (check is not check_mpeg):
            return place, check
    found = first_frames(source, start if start < source.size else len(tag))
    return found, check_mpeg if found >= 0 else None


def _joined(source: Source, stop: int) -> int:
    """Return where another file starts after the end of the sound and after tags and zeros, or -1."""
    place = source.after_zeros(stop)
    for _ in range(MOST_TAGS):
        if (after := source.after_zeros(after_tag(source, place))) == place:
            break
        place = after
    if place < source.size and is_start(source.at(place, 16)):
        return place
    return first_frames(source, place) if place < source.size else -1


_Check = Callable[[Source, int], Container]
_CHECKS: dict[bytes, _Check] = {
    b"RIFF": check_wave,
    b"RIFX": check_wave,
    b"RF64": check_wave,
    b"BW64": check_wave,
    b"FORM": check_aiff,
    b"riff\x2e\x91\xcf\x11": check_w64,
    b"caff": check_caf,
    b".snd": check_au,
    b"dns.": check_au,
    b"fLaC": check_flac,
    b"OggS": check_ogg,
    **CHECKS,
}
