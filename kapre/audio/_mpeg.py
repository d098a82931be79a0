"""Check the frames of MP3 and layer II: their headers, and the counts in a Xing, Info or VBRI header."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field

from kapre.audio._container import MOST_TAGS, SYNC, Container, NotAudioError, after_tag, count, cut_short, resync
from kapre.audio._source import Part, Source
from kapre.audio._tails import end_of_sound

_KBITS = {
    (3, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (3, 1): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Bit rates by version (3: MPEG-1, 2: MPEG-2 and 2.5) and layer bits (2: II, 1: III)."""

_DECODER_DELAY = 529


@dataclass(frozen=True)
class _Header:
    """Hold the header of an MPEG audio frame."""

    kind: tuple[int, int, int]  # version, layer, sample rate
    length: int
    samples: int
    mono: bool


def _header(word: bytes) -> _Header | None:
    """Return the MPEG frame header in four bytes, or None for anything else, including layer I and free format."""
    if len(word) < 4 or word[0] != 0xFF or word[1] < 0xE0:
        return None
    version, layer, bits, speed = word[1] >> 3 & 3, word[1] >> 1 & 3, word[2] >> 4, word[2] >> 2 & 3
    if version == 1 or layer not in (1, 2) or not 1 <= bits <= 14 or speed == 3:
        return None
    rate = (44100, 48000, 32000)[speed] >> {3: 0, 2: 1, 0: 2}[version]
    old = version == 3
    kbits = _KBITS[(3, layer) if old else (2, 2)][bits - 1]
    padding = word[2] >> 1 & 1
    samples = 1152 if old or layer == 2 else 576
    length = samples * 125 * kbits // rate + padding
    return _Header((version, layer, rate), length, samples, word[3] >> 6 == 3)


@dataclass(frozen=True)
class _Promise:
    """Hold the contents of a Xing, Info or VBRI header: frames and size in bytes (None if absent), trimmed samples."""

    frames: int | None
    size: int | None
    delay: int
    padding: int
    patched: Callable[[int, int], bytes]


def _side_info(header: _Header) -> int:
    """Return the size in bytes of a layer III frame's side information."""
    sizes = {(True, False): 32, (True, True): 17, (False, False): 17, (False, True): 9}
    return sizes[header.kind[0] == 3, header.mono]


def _promise(frame: bytes, header: _Header) -> _Promise | None:
    """Return what the first MPEG frame promises about the whole file, or None if it is an ordinary frame."""
    tag = 4 + _side_info(header)
    if frame[36:40] == b"VBRI" and len(frame) >= 54:
        size, count = struct.unpack(">II", frame[46:54])
        return _Promise(count, size, 0, 0, lambda n, m: frame[:46] + struct.pack(">II", m, n) + frame[54:])
    if frame[tag : tag + 4] not in (b"Xing", b"Info") or len(frame) < tag + 8:
        return None
    flags = frame[tag + 7]
    at = tag + 8
    places: list[int | None] = []
    for bit, width in ((1, 4), (2, 4), (4, 100), (8, 4)):
        places.append(at if flags & bit and at + width <= len(frame) else None)
        at += width if flags & bit else 0
    values = [None if place is None else int.from_bytes(frame[place : place + 4], "big") for place in places[:2]]
    trims = frame[at + 21 : at + 24]
    lame = len(trims) == 3 and frame[at : at + 4] in (b"LAME", b"Lavf", b"Lavc")
    delay, padding = divmod(int.from_bytes(trims, "big"), 4096) if lame else (0, 0)

    def patched(count: int, size: int) -> bytes:
        copy = bytearray(frame)
        for place, value in zip(places, (count, size), strict=False):
            if place is not None:
                copy[place : place + 4] = value.to_bytes(4, "big")
        if lame:
            copy[at + 21 : at + 24] = (delay << 12).to_bytes(3, "big")
        return bytes(copy)

    return _Promise(values[0], values[1], delay, padding, patched)


def _counting_frames(word: bytes, first: _Header, frames: int, size: int) -> bytes:
    """Return an Info frame and a silent frame, to be placed before `frames` layer III frames of `size` bytes.

    mpg123 trims its own delay, 529 samples, from a stream with an Info header. The header made here requests the
    removal of one whole frame, the silent one, so that nothing else is trimmed.
    """
    for bits in range(1, 15):
        copy = bytes((0xFF, word[1] | 1, bits << 4 | word[2] & 0x0C, word[3]))
        if (header := _header(copy)) and header.length >= 48 + _side_info(header):
            break
    assert header is not None
    silent = copy.ljust(header.length, b"\0")
    counts = struct.pack(">III", 3, frames + 1, size + 2 * header.length)
    trims = ((first.samples - _DECODER_DELAY) << 12).to_bytes(3, "big")
    info = copy + bytes(_side_info(header)) + b"Info" + counts + b"LAME3.100".ljust(21, b"\0") + trims
    return info.ljust(header.length, b"\0") + silent


def check_mpeg(source: Source, start: int, stop: int | None = None) -> Container:
    """Check MP3 (and layer II): the position of every frame, a complete last frame, and the promised number of frames.

    For layer III that is damaged or has no frame count, the decoder receives only the whole frames, after an Info
    header with their count. Otherwise mpg123, inside libsndfile, would estimate the length from the bit rate of the
    first frame and omit everything after that length. At damage, it would stop and print warnings to the terminal.
    `stop` is the position where the frames end, if that is not the end of the file.
    """
    stop = source.size if stop is None else stop
    word = source.at(start, 4)
    first = _header(word)
    if first is None and len(word) == 4 and _header(word[:2] + bytes((word[2] | 0x10, word[3]))):
        return _check_free(source, start, stop)
    if first is None or start + first.length > stop:
        raise NotAudioError("it starts like MP3, but no whole MPEG frame is there")
    promise = _promise(source.at(start, first.length), first)
    following = _header(source.at(start + first.length, 4))
    if promise is None and not (following and following.kind == first.kind):
        inside = first_frames(source, start + 1)
        if 0 <= inside < start + first.length:  # the first header is then other bytes that look like one
            return check_mpeg(source, inside, stop)
    walk = _walk_mpeg(source, start, stop, first)
    layer_iii, rate, each = first.kind[1] == 1, first.kind[2], first.samples
    frames = walk.frames - (promise is not None)
    lone = frames == 1 and promise is None
    if frames == 0 or (lone and (not layer_iii or walk.partial or walk.rest or walk.gaps)):
        raise NotAudioError("it starts like MP3, but too few whole MPEG frames are there")
    container = Container("MP3")
    trim = promise.delay + _DECODER_DELAY if promise and promise.delay else 0
    said = promise.frames if promise else None
    size = sum(stop - begin for begin, stop in walk.spans)
    short = _short_mpeg(promise, frames, size)
    seconds = max(0, frames * each - trim) / rate
    gaps = count(walk.gaps, "place")
    if short and promise and said:
        whole = max(0, said * each - promise.delay - promise.padding) / rate
        phrase = cut_short(whole, min(whole, seconds), (said, frames, "MPEG frames"))
        if walk.gaps:
            phrase = phrase.replace("cut short", f"damaged inside, in {gaps}")
        container.damage.append(phrase)
    elif short or walk.partial:
        container.damage.append(f"cut short: the file breaks off inside a frame or tag, after {seconds:.3f} s")
    elif said and frames > said + 1:
        phrase = f"longer than its header says: {said * each / rate:.3f} s promised, {seconds:.3f} s are there"
        container.damage.append(phrase)
    rest = max(0, end_of_sound(source, start, stop) - (stop - walk.rest)) if walk.rest else 0
    other = first_frames(source, stop - walk.rest) if rest else -1
    if 0 <= other < stop and (header := _header(source.at(other, 4))):
        to = f"{header.kind[2]} Hz" if header.kind[2] != rate else "another kind of MPEG audio"
        container.damage.append(f"it changes to {to} after {seconds:.3f} s")
    elif rest > 2 * first.length + 4096 and not said and not container.damage:
        container.damage.append(f"damaged inside: the last {walk.rest} bytes are not MPEG audio")
    if walk.gaps and not short:
        container.damage.append(f"damaged inside: MPEG frames are missing in {gaps}")
    parts: list[Part] = list(walk.spans)
    if layer_iii and (container.damage or said != frames or stop < source.size):
        if promise:
            parts[0] = (start + first.length, walk.spans[0][1])
        if promise and said:
            parts.insert(0, promise.patched(frames, size))
        else:
            parts.insert(0, _counting_frames(word, first, frames, size))
    container.streams = [parts]
    container.at_least = (max(0, (frames - 2) * each - trim - (promise.padding if promise else 0)), rate)
    return container


_SURE = 4
_FARTHEST = 1 << 22
_MOST_TRIED = 1 << 15


def first_frames(source: Source, start: int) -> int:
    """Return where MPEG frames start after other bytes, or -1. Four consecutive frames of one kind are required."""
    position = source.after_zeros(start)
    farthest = position + _FARTHEST
    for _ in range(_MOST_TRIED):
        position = source.match(SYNC, 2, position, farthest)
        if position < 0:
            return -1
        kinds: list[tuple[int, int, int]] = []
        place = position
        while len(kinds) < _SURE and (header := _header(source.at(place, 4))):
            kinds.append(header.kind)
            place += header.length
        if len(kinds) == _SURE and len(set(kinds)) == 1 and place <= source.size:
            return position
        position += 1
    return -1


def _check_free(source: Source, start: int, stop: int) -> Container:
    """Check MP3 of free format. Its frames have equal lengths, and the start of the second one gives the length."""
    container = Container("MP3")
    word = source.at(start, 4)
    known = _header(word[:2] + bytes((word[2] | 0x10, word[3])))
    second = source.find(word[:2], start + 4, start + (1 << 14))
    while second >= 0 and source.at(second, 3).ljust(3, b"\xff")[2] & 0xFC != word[2] & 0xFC:
        second = source.find(word[:2], second + 1, start + (1 << 14))
    if second < 0 or known is None:
        return container
    length, position, frames = second - start - (word[2] >> 1 & 1), start, 0
    while (head := source.at(position, 3))[:2] == word[:2] and len(head) == 3 and head[2] & 0xFC == word[2] & 0xFC:
        position += length + (head[2] >> 1 & 1)
        frames += position <= stop
    rate, each = known.kind[2], known.samples
    if position > stop:
        phrase = f"cut short: the file breaks off inside a frame or tag, after {frames * each / rate:.3f} s"
        container.damage.append(phrase)
    container.at_least = (max(0, frames - 4) * each, rate)
    return container


@dataclass
class _Walk:
    """Hold the MPEG frames found: their count, the spans they fill, the gaps between, and what follows the last one."""

    frames: int = 0
    spans: list[tuple[int, int]] = field(default_factory=list)
    gaps: int = 0
    rest: int = 0
    partial: bool = False


def _walk_mpeg(source: Source, start: int, stop: int, first: _Header) -> _Walk:
    """Return the frames of the same kind as `first`, from `start` to `stop`."""
    walk, position, tags = _Walk(), start, 0
    while position < stop:
        header = _header(word := source.at(position, 4))
        if header and header.kind == first.kind:
            end = position + header.length
            if end > stop:
                walk.partial = True
                break
            if walk.spans and walk.spans[-1][1] == position:
                walk.spans[-1] = (walk.spans[-1][0], end)
            else:
                walk.spans.append((position, end))
            walk.frames, position, tags = walk.frames + 1, end, 0
        elif tags < MOST_TAGS and (after := after_tag(source, position)) > position:
            walk.partial = after > stop
            position, tags = after, tags + 1
        elif (after := resync(source, position, first.kind, _header, 4, stop)) > position:
            walk.gaps += 1
            position = after
        else:
            walk.rest = stop - position
            walk.partial = walk.rest < 4 and word[:1] == b"\xff"
            break
    return walk


def _short_mpeg(promise: _Promise | None, frames: int, size: int) -> bool:
    """Return whether the file holds fewer MPEG frames or bytes than promised."""
    if promise is None:
        return False
    if promise.frames is None:
        return promise.size is not None and size < promise.size
    # Some encoders also count the header frame. The number of bytes then decides.
    counted_header = promise.frames == frames + 1 and promise.size is not None and size >= promise.size
    return frames < promise.frames and not counted_header
