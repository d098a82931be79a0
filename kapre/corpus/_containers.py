"""Check what an audio file's container promises against the bytes that are there.

libsndfile decodes a file that was cut short as a shorter clip and says nothing. What it skips over is checked
here, from the bytes alone: chunk sizes (WAV, RF64, BW64, AIFF, W64, CAF, AU), page order, checksums and the
end-of-stream mark (Ogg), frame headers and the Xing, Info or VBRI counts (MP3), the sample count (FLAC). So is what
PyAV decodes: boxes and the tables of samples (MP4), frame headers (ADTS).
"""

from __future__ import annotations

from collections.abc import Callable

from kapre.corpus._adts import check_adts, is_adts
from kapre.corpus._chunks import check_aiff, check_au, check_caf, check_w64, check_wave
from kapre.corpus._container import Container, after_id3v2
from kapre.corpus._mp4 import FIRST, check_mp4
from kapre.corpus._mpeg import check_mpeg
from kapre.corpus._ogg import check_ogg
from kapre.corpus._source import Source


def examine(source: Source) -> Container | None:
    """Return the container's state, or None for content that has no check here.

    Raises:
        NotAudioError: The content starts like MP3 or AAC but holds no whole frame.
        UnreadableError: There is no audio in it, or none that can be decoded.
    """
    start = after_id3v2(source, 0)
    head = source.at(start, 16)
    check = next((check for magic, check in _CHECKS.items() if head.startswith(magic)), None)
    if check is None and head[4:8] in FIRST:
        check = check_mp4
    elif check is None and is_adts(head):
        check = check_adts
    elif check is None and len(head) >= 2 and head[0] == 0xFF and head[1] >= 0xE0:
        check = check_mpeg
    if check is None:
        return None
    container = check(source, start)
    container.streams = container.streams or [[(start, source.size)]]
    return container


def _check_flac(source: Source, start: int) -> Container:
    """Read the sample count of FLAC; its frames carry checksums that the decoder verifies."""
    body = source.at(start + 8, 18)
    container = Container("FLAC")
    if len(body) == 18:
        container.promised = int.from_bytes(body[10:18], "big") & (1 << 36) - 1
    return container


_CHECKS: dict[bytes, Callable[[Source, int], Container]] = {
    b"RIFF": check_wave,
    b"RIFX": check_wave,
    b"RF64": check_wave,
    b"BW64": check_wave,
    b"FORM": check_aiff,
    b"riff\x2e\x91\xcf\x11": check_w64,
    b"caff": check_caf,
    b".snd": check_au,
    b"dns.": check_au,
    b"fLaC": _check_flac,
    b"OggS": check_ogg,
}
