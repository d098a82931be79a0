"""Check the chunk sizes of WAV, RF64, BW64, AIFF, W64, CAF and AU against the bytes that are there."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kapre.corpus._container import Container, cut_short
from kapre.corpus._source import Part, Source


@dataclass(frozen=True)
class _Layout:
    """How a container writes its chunks: `<id><size><body>`, bodies aligned to `align` bytes."""

    id_bytes: int
    size_format: str
    size_counts_header: bool
    align: int
    first: int  # where the first chunk starts


_RIFF = _Layout(4, "<I", False, 2, 12)
_BIG_ENDIAN = _Layout(4, ">I", False, 2, 12)
_W64 = _Layout(16, "<Q", True, 8, 40)
_CAF = _Layout(4, ">Q", False, 1, 8)


@dataclass(frozen=True)
class _Chunk:
    """One chunk: the first four letters of its name, and where its size field and its body start."""

    name: bytes
    size: int
    size_at: int
    body: int


def _chunks(source: Source, layout: _Layout, position: int, sizes: Callable[[bytes, int], int]) -> Iterator[_Chunk]:
    """Yield the chunks from `position` on; `sizes` may correct a size before the next chunk is looked for."""
    header = layout.id_bytes + struct.calcsize(layout.size_format)
    while len(head := source.at(position, header)) == header:
        size: int = struct.unpack(layout.size_format, head[layout.id_bytes :])[0]
        if layout.size_counts_header:
            size -= header
            if size < 0:
                return
        size = sizes(head[:4], size)
        yield _Chunk(head[:4], size, position + layout.id_bytes, position + header)
        position += header + size
        position += -(position if layout is _W64 else size) % layout.align


def _unknown(size: int) -> bool:
    """Return whether a 32-bit size is one that writers to a pipe put where they cannot know it."""
    # 0x7FFFF000 … and 0x7F00.... are SoX's, 0xFFFFFFFF FFmpeg's; others subtract the header from these.
    return 0x7F000000 <= size <= 0x7F000100 or 0x7FFFF000 <= size <= 0x7FFFFFFF or size >= 0xFFFFF000


def _check_data(
    container: Container, size: int | None, there: int, rate: float, block: int, per_block: float, linear: bool
) -> None:
    """Compare the size of the samples with the bytes there; `size` None stands for "to the end of the file"."""
    if size is not None and size > there:
        seconds = per_block / rate / block if rate > 0 and block > 0 else 0.0
        container.damage.append(cut_short(size * seconds, there * seconds, (size, there, "bytes of samples")))
    elif size is None and linear and block > 0 and there % block:
        container.damage.append("cut short: the file ends inside a sample")
    if linear and block > 0 and rate > 0:
        container.at_least = (min(there, there if size is None else size) // block, round(rate))


def _check_end(container: Container, promised: int, size: int) -> None:
    """Note a container that is larger than the file, when its samples do not already show that."""
    if promised > size and not container.damage:
        container.damage.append(f"cut short: the header promises {promised} bytes, {size} are there")


def check_wave(source: Source, start: int) -> Container:
    """Check RIFF, RIFX, RF64 and BW64 WAVE.

    A size that a writer to a pipe could not know (0 or all ones, and what SoX writes) means "to the end of the
    file". Any bytes after the samples are fine as long as the RIFF size is kept.
    """
    magic = source.at(start, 4)
    container = Container("WAV")
    layout = _BIG_ENDIAN if magic == b"RIFX" else _RIFF
    head = source.at(start, 12)
    if len(head) < 12 or head[8:] != b"WAVE":
        return container
    riff = struct.unpack(layout.size_format, head[4:8])[0]
    wide = magic in (b"RF64", b"BW64")
    ds64: tuple[int, int, int] | None = None  # where it is, RIFF size, data size
    rate, block, byte_rate, linear = 0, 0, 0, False
    data: _Chunk | None = None

    def sizes(name: bytes, size: int) -> int:
        return ds64[2] if name == b"data" and ds64 and size == 0xFFFFFFFF else size

    end = start + layout.first
    for chunk in _chunks(source, layout, start + layout.first, sizes):
        if chunk.name == b"ds64" and wide and len(body := source.at(chunk.body, 16)) == 16:
            ds64 = (chunk.body, *struct.unpack("<QQ", body))
        elif chunk.name == b"fmt " and len(body := source.at(chunk.body, min(chunk.size, 40))) >= 16:
            tag, _, rate, byte_rate, block, _ = struct.unpack(f"{layout.size_format[0]}HHIIHH", body[:16])
            if tag == 0xFFFE and len(body) >= 26:
                tag = struct.unpack(f"{layout.size_format[0]}H", body[24:26])[0]
            linear = tag in (1, 3, 6, 7)
        elif chunk.name == b"data" and data is None:
            data = chunk
            if _wave_size_unknown(chunk, riff, wide, ds64, start):
                break
        end = chunk.body + chunk.size
    if data is None:
        return container
    there = max(0, source.size - data.body)
    unknown = _wave_size_unknown(data, riff, wide, ds64, start) and there > 0
    per_block = float(block) * rate / byte_rate if byte_rate and not linear else 1.0
    _check_data(container, None if unknown else data.size, there, rate, block, per_block, linear)
    if unknown:
        # libsndfile takes some of these sizes at their word, so it is given the real one.
        container.streams = [_with_wave_size(source, start, data, there, ds64)]
    elif magic == b"BW64":
        container.streams = [[b"RF64", (start + 4, source.size)]]
    total = ds64[1] if wide and ds64 else riff
    if not unknown and not (_unknown(riff) and not wide) and total < 1 << 63:
        # Some writers count the 8 bytes before the RIFF size too.
        off_by_header = start + total == source.size and end in (source.size, source.size - 1)
        if not off_by_header:
            _check_end(container, start + 8 + total, source.size)
    return container


def _wave_size_unknown(data: _Chunk, riff: int, wide: bool, ds64: tuple[int, int, int] | None, start: int) -> bool:
    """Return whether the data chunk's size stands for "to the end of the file"."""
    if wide and ds64:
        return data.size >= 1 << 63 or (data.size == 0 and ds64[1] + 8 + start <= data.body)
    return _unknown(data.size) or (data.size == 0 and (_unknown(riff) or riff + 8 + start <= data.body))


def _with_wave_size(
    source: Source, start: int, data: _Chunk, there: int, ds64: tuple[int, int, int] | None
) -> list[Part]:
    """Return the file with the real size of its samples in place of an unknown one."""
    if ds64 is None:
        return [(start, data.size_at), b"\xff\xff\xff\xff", (data.size_at + 4, source.size)]
    sizes = struct.pack("<QQ", source.size - start - 8, there)
    middle: list[Part] = [(ds64[0] + 16, data.size_at), b"\xff\xff\xff\xff", (data.size_at + 4, source.size)]
    return [b"RF64", (start + 4, ds64[0]), sizes, *middle]


def check_aiff(source: Source, start: int) -> Container:
    """Check AIFF and AIFF-C; sizes that SoX writes to a pipe mean "to the end of the file"."""
    container = Container("AIFF")
    head = source.at(start, 12)
    if len(head) < 12 or head[8:11] != b"AIF":
        return container
    form = struct.unpack(">I", head[4:8])[0]
    frames, rate, known = 0, 0.0, not _unknown(form)
    for chunk in _chunks(source, _BIG_ENDIAN, start + 12, lambda _, size: size):
        if chunk.name == b"COMM" and len(body := source.at(chunk.body, 18)) == 18:
            frames, exponent, mantissa = struct.unpack(">2xI2xHQ", body)
            rate = mantissa * 2.0 ** ((exponent & 0x7FFF) - 16383 - 63) if exponent & 0x7FFF < 16447 else 0.0
        elif chunk.name == b"SSND":
            there = max(0, source.size - chunk.body - 8)
            known = known and not _unknown(chunk.size)
            if known and rate > 0 and there < chunk.size - 8:
                _check_data(container, chunk.size - 8, there, rate, chunk.size - 8, frames, False)
            if not known:
                break
    if known:
        _check_end(container, start + 8 + form, source.size)
    return container


def check_w64(source: Source, start: int) -> Container:
    """Check Sony Wave64; a RIFF or data size of all ones means "to the end of the file"."""
    container = Container("W64")
    head = source.at(start, 40)
    if len(head) < 40:
        return container
    total = struct.unpack("<Q", head[16:24])[0]
    rate, block, byte_rate, tag = 0, 0, 0, 0
    for chunk in _chunks(source, _W64, start + 40, lambda _, size: size):
        if chunk.name == b"fmt " and len(body := source.at(chunk.body, 26)) >= 16:
            tag, rate, byte_rate, block = struct.unpack("<H2xIIH", body[:14])
        elif chunk.name == b"data":
            size = None if chunk.size >= 1 << 62 else chunk.size
            linear = tag in (1, 3, 6, 7)
            per_block = float(block) * rate / byte_rate if byte_rate and not linear else 1.0
            there = max(0, source.size - chunk.body)
            _check_data(container, size, there, rate, block, per_block, linear)
            if size is None or total >= 1 << 62:
                # libsndfile refuses open sizes, so it is given the real ones.
                real = struct.pack("<Q", source.size - start), struct.pack("<Q", min(chunk.size, there) + 24)
                ends: list[Part] = [(start, start + 16), real[0], (start + 24, chunk.size_at)]
                container.streams = [[*ends, real[1], (chunk.body, source.size)]]
                return container
    if total < 1 << 62:
        _check_end(container, start + total, source.size)
    return container


def check_caf(source: Source, start: int) -> Container:
    """Check Apple's CAF; a data size of -1 means "to the end of the file"."""
    container = Container("CAF")
    rate, per_packet, packet, end = 0.0, 0, 0, start + 8
    linear = False
    for chunk in _chunks(source, _CAF, start + 8, lambda _, size: size):
        end = chunk.body + chunk.size
        if chunk.name == b"desc" and len(body := source.at(chunk.body, 32)) == 32:
            rate, code, packet, per_packet = struct.unpack(">d4s4xII", body[:24])
            linear = code == b"lpcm" and per_packet == 1
        elif chunk.name == b"data":
            size = None if chunk.size >= 1 << 63 else chunk.size - 4
            _check_data(container, size, source.size - chunk.body - 4, rate, packet, per_packet, linear)
            if size is None:
                # libsndfile refuses a size of -1, so it is given the real one.
                real = (source.size - chunk.body).to_bytes(8, "big")
                container.streams = [[(start, chunk.size_at), real, (chunk.body, source.size)]]
                return container
    _check_end(container, end, source.size)
    return container


def check_au(source: Source, start: int) -> Container:
    """Check Sun and NeXT AU; a data size of all ones means "to the end of the file"."""
    container = Container("AU")
    head = source.at(start, 24)
    if len(head) == 24:
        order = ">" if head[:4] == b".snd" else "<"
        first, size, coding, rate, channels = struct.unpack(f"{order}IIIII", head[4:])
        width = {1: 1, 2: 1, 3: 2, 4: 3, 5: 4, 6: 4, 7: 8, 27: 1}.get(coding, 0)
        block = width * channels
        known = None if size == 0xFFFFFFFF else size
        _check_data(container, known, source.size - start - first, rate, block, 1.0, width > 0)
        if known is not None:
            _check_end(container, start + first + size, source.size)
    return container
