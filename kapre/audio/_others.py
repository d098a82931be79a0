"""Recognise the containers that only PyAV decodes by their first bytes, and check their stated lengths."""

from __future__ import annotations

import struct
from collections.abc import Callable

from kapre.audio._chunks import MOST_CHUNKS
from kapre.audio._container import Container, UnreadableError, cut_bytes, cut_short
from kapre.audio._source import Source
from kapre.audio._tails import end_of_sound, filled

DEMUXERS = {"WAV": "wav", "AIFF": "aiff", "CAF": "caf", "AU": "au", "W64": "w64", "OGG": "ogg", "MP3": "mp3"}
DEMUXERS |= {"FLAC": "flac", "NIST": "nistsphere"}
"""FFmpeg's names of containers that libsndfile reads, for encodings that libsndfile does not support."""
_AMR = {
    b"#!AMR\n": (8000, (13, 14, 16, 18, 20, 21, 27, 32, 6)),
    b"#!AMR-WB\n": (16000, (18, 24, 33, 37, 41, 47, 51, 59, 61, 6)),
}
"""The rate, and the bytes of a 20 ms frame for each mode."""
_SPHERE_BYTES = {b"ulaw": 1, b"alaw": 1}


def _number(source: Source, position: int, keep_mark: bool) -> tuple[int, int]:
    """Return an EBML number and its width in bytes: width 0 for none, number -1 for an open length."""
    head = source.at(position, 8)
    width = 9 - head[0].bit_length() if head and head[0] else 0
    if not width or len(head) < width:
        return 0, 0
    value = int.from_bytes(head[:width], "big")
    rest = value & (1 << 7 * width) - 1
    return (value if keep_mark else -1 if rest == (1 << 7 * width) - 1 else rest), width


def check_matroska(source: Source, start: int) -> Container:
    """Check Matroska and WebM: every cluster against the end of the file. Live recordings leave their lengths open."""
    container = Container("MATROSKA", demuxer="matroska")
    position, stop = start, end_of_sound(source, start)
    for _ in range(1 << 20):
        if position >= stop:
            break
        name, width = _number(source, position, True)
        size, more = _number(source, position + width, False)
        if not width or not more:
            container.damage.append(f"cut short: the file breaks off in an element's header, after {position} bytes")
            break
        body = position + width + more
        if name == 0x1A45DFA3 and b"webm" in source.at(body, min(size, 64)):
            container.name = "WEBM"
        if size >= 0 and body + size > source.size:
            container.damage.append(cut_bytes(body + size, source.size))
            break
        # Enter the segment, whose parts follow one another, and clusters of open length.
        position = body if name == 0x18538067 or size < 0 else body + size
    container.damage += filled(source, position, stop)
    return container


def check_asf(source: Source, start: int) -> Container:
    """Check ASF (wma): the file size in the header. A broadcast has no such size."""
    container = Container("ASF", demuxer="asf")
    position, header = start + 30, source.at(start, 30)
    stop = start + int.from_bytes(header[16:24], "little")
    for _ in range(256):
        head = source.at(position, 24)
        size = int.from_bytes(head[16:], "little")
        if position >= stop or len(head) < 24 or size < 24:
            break
        if head[:4] == b"\xa1\xdc\xab\x8c":
            body = source.at(position, 104)
            promised, flags = int.from_bytes(body[40:48], "little"), int.from_bytes(body[88:92], "little")
            if not flags & 1 and start + promised > source.size:
                container.damage.append(cut_bytes(promised, source.size))
        position += size
    if stop > source.size and not container.damage:
        container.damage.append("cut short: the file breaks off in its header")
    return container


def check_amr(source: Source, start: int) -> Container:
    """Check AMR: every frame, whose first byte gives its length."""
    magic = next((magic for magic in _AMR if source.at(start, len(magic)) == magic), b"")
    if not magic:
        raise UnreadableError("AMR of several channels, or cut short in its header", "Convert it to WAV or FLAC.")
    rate, lengths = _AMR[magic]
    container = Container("AMR", demuxer="amr")
    position, frames = start + len(magic), 0
    while position < source.size:
        mode = source.at(position, 1)[0] >> 3 & 15
        size = lengths[mode] if mode < len(lengths) else 1
        if position + size > source.size:
            container.damage.append(f"cut short: the file breaks off inside a frame, after {frames / 50:.3f} s")
            break
        position, frames = position + size, frames + 1
    container.at_least = (frames * rate // 50, rate)
    return container


def check_sphere(source: Source, start: int) -> Container:
    """Check NIST SPHERE: the sample count in the header. Samples compressed by Shorten need PyAV."""
    container = Container("NIST")
    head = source.at(start, 1024).split(b"end_head")[0]
    rows = (line.split(None, 2) for line in head.split(b"\n")[2:])
    fields = {row[0]: row[2].strip() for row in rows if len(row) == 3}

    def whole(name: bytes, default: int = 0) -> int:
        value = fields.get(name, b"")
        return int(value) if value.isdigit() and len(value) < 16 else default

    first, coding = source.at(start + 8, 8).strip(), fields.get(b"sample_coding", b"pcm")
    promised, rate = whole(b"sample_count"), whole(b"sample_rate")
    width = _SPHERE_BYTES.get(coding.split(b",")[0], whole(b"sample_n_bytes", 2))
    block = width * whole(b"channel_count", 1)
    if b"shorten" in coding or b"wavpack" in coding:
        container.demuxer = "nistsphere"
        container.at_least = (promised, rate) if promised and rate else None
    elif first.isdigit() and block and rate:
        there = max(0, source.size - start - int(first)) // block
        if promised > there:
            container.damage.append(cut_short(promised / rate, there / rate, (promised, there, "samples")))
        elif promised and source.before_zeros(source.size) > start + int(first) + promised * block:
            found = f"{promised / rate:.3f} s promised, {there / rate:.3f} s are there"
            container.damage.append(f"longer than its header says: {found}")
        container.at_least = (min(promised, there) if promised else there, rate)
    return container


def check_voc(source: Source, start: int) -> Container:
    """Check Creative VOC: the length of each block against the end of the file."""
    container = Container("VOC")
    position = start + int.from_bytes(source.at(start + 20, 2), "little")
    for _ in range(MOST_CHUNKS):
        head = source.at(position, 4)
        if head[:1] in (b"", b"\0"):
            break
        position += 4 + int.from_bytes(head[1:], "little")
    if position > source.size:
        container.damage.append(cut_bytes(position, source.size))
    return container


def check_tta(source: Source, start: int) -> Container:
    """Check TTA: the length of each frame in the table of frames against the end of the file."""
    container = Container("TTA", demuxer="tta", told=True)
    head = source.at(start, 22)
    if len(head) < 22:
        return container
    rate, samples = struct.unpack("<II", head[10:18])
    frames = -(-samples // (256 * rate // 245)) if rate else 0
    table = start + 22 + 4 * frames + 4
    if not frames or table > source.size:
        return container
    container.stop = table + sum(struct.unpack(f"<{frames}I", source.at(start + 22, 4 * frames)))
    if container.stop > source.size:
        container.damage.append(cut_bytes(container.stop, source.size))
    return container


def check_wavpack(source: Source, start: int) -> Container:
    """Check WavPack: the length of each block against the end of the file. A decoder does not need what follows."""
    container = Container("WAVPACK", demuxer="wv", told=True)
    position = start
    for _ in range(1 << 20):
        head = source.at(position, 8)
        if len(head) < 8 or not head.startswith(b"wvpk"):
            break
        position += 8 + int.from_bytes(head[4:], "little")
    if position > source.size:
        container.damage.append(cut_bytes(position, source.size))
    stop = end_of_sound(source, start)
    container.damage += filled(source, position, stop)
    if position < stop:
        container.damage.append(f"damaged inside: the last {stop - position} bytes are not WavPack")
    container.streams = [[(start, min(position, source.size))]]
    return container


def _plain(name: str, demuxer: str) -> Callable[[Source, int], Container]:
    return lambda source, start: Container(name, demuxer=demuxer, told=True)


CHECKS: dict[bytes, Callable[[Source, int], Container]] = {
    b"\x1a\x45\xdf\xa3": check_matroska,
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": check_asf,
    b"#!AMR": check_amr,
    b"NIST_1A\n": check_sphere,
    b"Creative Voice File\x1a": check_voc,
    b"MAC ": _plain("APE", "ape"),
    b"TTA1": check_tta,
    b"wvpk": check_wavpack,
    b"tBaK": _plain("TAK", "tak"),
    b"DSD ": _plain("DSF", "dsf"),
    b"ajkg": _plain("SHORTEN", "shn"),
    b"FLV\x01": _plain("FLV", "flv"),
}
