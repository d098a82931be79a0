"""Check WAV, RF64, BW64 and W64: the sizes in the header against the actual bytes."""

from __future__ import annotations

import struct

from kapre.audio._chunks import (
    BIG_ENDIAN,
    RIFF,
    W64,
    Chunk,
    Layout,
    Sound,
    check_end,
    chunks,
    is_name,
    is_open,
    links,
    measure,
    sound_rate,
    what_follows,
)
from kapre.audio._container import NO_SAMPLES, Container
from kapre.audio._mpeg import check_mpeg
from kapre.audio._source import Part, Source

_LINEAR = (1, 3, 6, 7)
_BLOCKS = (2, 17)
"""ADPCM formats whose blocks do not depend on earlier ones."""
_MPEG = (0x50, 0x55)


def _format(body: bytes, order: str) -> tuple[int, int, int, int]:
    """Return the tag, rate, block and byte rate of a `fmt ` chunk. Correct the block, which some writers get wrong."""
    tag, channels, rate, byte_rate, block, bits = struct.unpack(f"{order}HHIIHH", body[:16])
    if tag == 0xFFFE and len(body) >= 26:
        tag = struct.unpack(f"{order}H", body[24:26])[0]
    if tag in _LINEAR and bits and not (bits == 24 and block == 4 * channels):  # 24 bits may be stored in 32
        block = channels * ((bits + 7) // 8)
    return tag, rate, block, byte_rate


def _sound(form: tuple[int, int, int, int], data: Chunk, size: int, may_be_open: bool) -> Sound:
    tag, rate, block, byte_rate = form
    linear = tag in _LINEAR
    per_block = float(block) * rate / byte_rate if byte_rate and not linear else 1.0
    return Sound(data.body, size, may_be_open, sound_rate(rate), block, per_block, linear)


def check_wave(source: Source, start: int) -> Container:
    """Check RIFF, RIFX, RF64 and BW64 WAVE.

    A placeholder size that a writer to a pipe could not know (0, all ones, or a value of SoX or arecord) means "to the
    end of the file". Chunks, tags and zeros may follow the samples, as long as the RIFF size is respected.
    """
    magic = source.at(start, 4)
    container = Container("WAV")
    layout = BIG_ENDIAN if magic == b"RIFX" else RIFF
    head = source.at(start, 12)
    if len(head) < 12 or head[8:] != b"WAVE":
        container.damage += [NO_SAMPLES] * (len(head) < 12)
        return container
    riff = total = struct.unpack(layout.size_format, head[4:8])[0]
    ds64: tuple[int, int, int] | None = None  # its position, RIFF size, data size
    form = (0, 0, 0, 0)
    data: Chunk | None = None
    front: list[Part] = []
    last: Chunk | None = None
    for chunk in chunks(source, layout, start + 12):
        last = chunk
        if chunk.name != b"data":
            front += [(chunk.size_at - 4, chunk.body + chunk.size), *([b"\0"] * (chunk.size % 2))]
        if chunk.name == b"ds64" and magic in (b"RF64", b"BW64") and len(body := source.at(chunk.body, 16)) == 16:
            ds64 = (chunk.body, *struct.unpack("<QQ", body))
        elif chunk.name == b"fmt " and len(body := source.at(chunk.body, min(chunk.size, 40))) >= 16:
            form = _format(body, layout.size_format[0])
        elif chunk.name == b"data" and (chunk.size or source.at(chunk.body, 4) != b"data"):  # skip an empty one
            data = chunk
            break
    if data is None:
        lost = last is not None and not is_name(last.name)
        container.damage.append("damaged inside: its chunks cannot be followed" if lost else NO_SAMPLES)
        return container
    size, wide = data.size, ds64 is not None
    if ds64 is not None:
        total = ds64[1]
        size = ds64[2] if size == 0xFFFFFFFF else size
    if wide:
        unknown = size >= 1 << 63 or (size == 0 and total + 8 + start <= data.body)
    else:
        unknown = is_open(size) or (size == 0 and (is_open(riff) or riff + 8 + start <= data.body))
    sound = _sound(form, data, size, unknown)
    real = measure(container, source, layout, sound)
    if not unknown and (wide or not is_open(riff)) and total < 1 << 63:
        # Some writers also count the 8 bytes before the RIFF size.
        whole = sound.body + size <= source.size and what_follows(source, layout, sound.body + size, 1) != "other"
        if not (start + total == source.size and whole):
            check_end(container, start + 8 + total, source.size)
    if form[0] in _MPEG:
        return _mpeg_inside(container, source, data.body, data.body + real)
    container.streams = _wave_streams(source, start, front, data, sound, real, ds64)
    if len(container.streams) > 1 and not sound.linear and form[0] not in _BLOCKS:
        del container.streams[1:]
        container.damage.append("damaged inside: too many bytes for one header of its encoding")
    return container


def _wave_streams(
    source: Source,
    start: int,
    front: list[Part],
    data: Chunk,
    sound: Sound,
    real: int,
    ds64: tuple[int, int, int] | None,
) -> list[list[Part]]:
    """Return the header with the actual sizes, followed by the samples.

    The decoder gets nothing that follows the samples, and no zeros between the chunks in `front` of them.
    """
    if ds64 is not None:
        frames = struct.pack("<Q", real // sound.block) if sound.linear and sound.block else source.at(ds64[0] + 16, 8)
        sizes = struct.pack("<QQ", data.body + real - start - 8, real) + frames
        head: list[Part] = [b"RF64", (start + 4, ds64[0]), sizes, (ds64[0] + 24, data.size_at), b"\xff" * 4]
        return [[*head, (data.body, data.body + real)]]
    magic = source.at(start, 4)
    if not sound.linear and real == sound.size:  # a block decoder may read the byte that pads an odd size
        end = min(source.size, data.body + real + real % 2)
        return [[(start, start + 12), *front, (data.size_at - 4, end)]]
    order = ">" if magic == b"RIFX" else "<"

    def header(size: int) -> list[Part]:
        riff = struct.pack(f"{order}I", data.body - start - 8 + size)
        return [
            magic if magic == b"RIFX" else b"RIFF",
            riff,
            b"WAVE",
            *front,
            b"data",
            struct.pack(f"{order}I", size),
        ]

    return links(header, sound, real)


def _mpeg_inside(outer: Container, source: Source, first: int, stop: int) -> Container:
    """Return the MP3 in a WAV file. Its frames give more information than the header around them."""
    container = check_mpeg(source, first, stop)
    container.name = "WAV"
    container.damage = [*outer.damage, *container.damage]
    return container


def check_w64(source: Source, start: int) -> Container:
    """Check Sony Wave64. A RIFF or data size of all ones means "to the end of the file"."""
    container = Container("W64")
    head = source.at(start, 40)
    if len(head) < 40:
        container.damage.append(NO_SAMPLES)
        return container
    total = struct.unpack("<Q", head[16:24])[0]
    form = (0, 0, 0, 0)
    data: Chunk | None = None
    for chunk in chunks(source, W64, start + 40):
        if chunk.name == b"fmt " and len(body := source.at(chunk.body, 26)) >= 16:
            form = _format(body, "<")
        elif chunk.name == b"data":
            data = chunk
            break
    if data is None:
        container.damage.append(NO_SAMPLES)
        return container
    return _of_w64(container, source, start, total, _sound(form, data, data.size, data.size >= 1 << 62), W64)


def _of_w64(container: Container, source: Source, start: int, total: int, sound: Sound, layout: Layout) -> Container:
    """Measure the samples of W64, and give the actual sizes to libsndfile, which refuses open sizes."""
    real = measure(container, source, layout, sound)
    sizes = struct.pack("<Q", sound.body + real - start), struct.pack("<Q", real + layout.header)
    head: list[Part] = [(start, start + 16), sizes[0], (start + 24, sound.body - 8), sizes[1]]
    container.streams = [[*head, (sound.body, sound.body + real)]]
    if total < 1 << 62 and not sound.open:
        check_end(container, start + total, source.size)
    return container
