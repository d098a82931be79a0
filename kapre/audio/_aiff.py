"""Check AIFF, CAF and AU: the sizes in the header against the actual bytes."""

from __future__ import annotations

import struct

from kapre.audio._chunks import BIG_ENDIAN, CAF, Chunk, Sound, check_end, chunks, is_open, links, measure, sound_rate
from kapre.audio._container import NO_SAMPLES, Container
from kapre.audio._source import Part, Source

_AIFF_BYTES = {b"fl32": 4, b"FL32": 4, b"fl64": 8, b"FL64": 8, b"ulaw": 1, b"ULAW": 1, b"alaw": 1, b"ALAW": 1}
_AIFF_BYTES |= {b"raw ": 1, b"in24": 3, b"in32": 4, b"42ni": 3, b"23ni": 4}
_SVX_BYTES = {b"8SVX": 1, b"16SV": 2}
_AU_BYTES = {1: 1, 2: 1, 3: 2, 4: 3, 5: 4, 6: 4, 7: 8, 27: 1}


def _common(body: bytes, compressed: bool) -> tuple[float, int, int]:
    """Return the rate, the bytes per sample of all channels (0 for a compressed codec), and the number of samples."""
    channels, frames, bits, exponent, mantissa = struct.unpack(">HIHHQ", body[:18])
    rate = mantissa * 2.0 ** (exponent - 16383 - 63) if 16383 <= exponent < 16383 + 32 else 0.0
    code = body[18:22] if compressed else b"NONE"
    plain = (bits + 7) // 8 if code in (b"NONE", b"twos", b"sowt") else 0
    return rate, _AIFF_BYTES.get(code, plain) * channels, frames


def check_aiff(source: Source, start: int) -> Container:
    """Check AIFF and AIFF-C. Sizes that SoX writes to a pipe mean "to the end of the file"."""
    container = Container("AIFF")
    head = source.at(start, 12)
    if head[8:] in _SVX_BYTES:
        return _check_svx(source, start, _SVX_BYTES[head[8:]])
    if len(head) < 12 or head[8:11] != b"AIF":
        container.damage += [NO_SAMPLES] * (len(head) < 12)
        return container
    form = struct.unpack(">I", head[4:8])[0]
    rate, block, frames, common = 0.0, 0, 0, 0
    data: Chunk | None = None
    for chunk in chunks(source, BIG_ENDIAN, start + 12):
        if chunk.name == b"COMM" and len(body := source.at(chunk.body, min(22, chunk.size))) >= 18:
            rate, block, frames = _common(body, head[8:] == b"AIFC")
            common = chunk.body + chunk.size
        elif chunk.name == b"SSND":
            data = data or chunk
        if data and common:
            break
    if data is None:
        container.damage += [NO_SAMPLES] * (not common or frames > 0)  # a file without samples may lack this chunk
        return container
    skip = 8 + struct.unpack(">I", source.at(data.body, 4).rjust(4, b"\0"))[0]
    said = max(0, data.size - skip)
    if not block and frames:  # compressed: the number of samples in all of it
        sound = Sound(data.body + skip, said, is_open(data.size), sound_rate(rate), max(1, said), frames, False)
    else:
        sound = Sound(data.body + skip, said, is_open(data.size), sound_rate(rate), block, 1.0, block > 0)
    real = measure(container, source, BIG_ENDIAN, sound)

    def header(size: int) -> list[Part]:
        whole = sound.body - start - 8 + size
        sizes = struct.pack(">I", min(whole, 0xFFFFFFFF)), struct.pack(">I", min(size + skip, 0xFFFFFFFF))
        return [(start, start + 4), sizes[0], (start + 8, data.size_at), sizes[1], (data.body, sound.body)]

    if block and common < data.body:
        container.streams = links(header, sound, real)
    elif real != said:
        container.streams = [[*header(real), (sound.body, source.size)]]
    if not is_open(form) and not sound.open:
        check_end(container, start + 8 + form, source.size)
    return container


def _check_svx(source: Source, start: int, width: int) -> Container:
    """Check IFF/8SVX: the size of its BODY chunk."""
    container = Container("SVX")
    rate = 0
    for chunk in chunks(source, BIG_ENDIAN, start + 12):
        if chunk.name == b"VHDR":
            rate = int.from_bytes(source.at(chunk.body + 12, 2), "big")
        elif chunk.name == b"BODY":
            sound = Sound(chunk.body, chunk.size, is_open(chunk.size), sound_rate(rate), width, 1.0, True)
            measure(container, source, BIG_ENDIAN, sound)
            container.at_least = None  # it may have several channels or be compressed
            break
    return container


def check_caf(source: Source, start: int) -> Container:
    """Check Apple's CAF. A data size of -1 means "to the end of the file"."""
    container = Container("CAF")
    rate, per_packet, packet, end = 0.0, 0, 0, start + 8
    linear = False
    data: Chunk | None = None
    for chunk in chunks(source, CAF, start + 8):
        end = chunk.body + chunk.size
        if chunk.name == b"desc" and len(body := source.at(chunk.body, 32)) == 32:
            rate, code, packet, per_packet = struct.unpack(">d4s4xII", body[:24])
            linear = code in (b"lpcm", b"ulaw", b"alaw") and per_packet == 1
        elif chunk.name == b"data":
            data = data or chunk
            if linear or chunk.size >= 1 << 63:  # a decoder does not need what follows
                break
    if data is None:
        container.damage.append(NO_SAMPLES)
        return container
    said, unknown = max(0, data.size - 4), data.size >= 1 << 63
    sound = Sound(data.body + 4, said, unknown, sound_rate(rate), packet, per_packet, linear)
    real = measure(container, source, CAF, sound)
    if linear or unknown:  # libsndfile refuses a size of -1, so it gets the actual one
        head: list[Part] = [(start, data.size_at), (real + 4).to_bytes(8, "big"), (data.body, sound.body)]
        container.streams = [[*head, (sound.body, sound.body + real)]]
    if not unknown:
        check_end(container, end, source.size)
    return container


def check_au(source: Source, start: int) -> Container:
    """Check Sun and NeXT AU. A data size of all ones, or nearly so, means "to the end of the file"."""
    container = Container("AU")
    head = source.at(start, 24)
    if len(head) < 24:
        container.damage.append(NO_SAMPLES)
        return container
    order = ">" if head[:4] == b".snd" else "<"
    first, size, coding, rate, channels = struct.unpack(f"{order}IIIII", head[4:])
    block = _AU_BYTES.get(coding, 0) * channels
    sound = Sound(start + first, size, is_open(size), sound_rate(rate), block, 1.0, block > 0)
    real = measure(container, source, None, sound)

    def header(size: int) -> list[Part]:
        return [(start, start + 8), struct.pack(f"{order}I", min(size, 0xFFFFFFFF)), (start + 12, sound.body)]

    if block:
        container.streams = links(header, sound, real)
    return container
