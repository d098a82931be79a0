"""The bytes of an open audio file: random access for the checks, and a seekable file for a decoder."""

from __future__ import annotations

import errno
import io
import os
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from itertools import accumulate
from typing import Any, BinaryIO

from kapre.audio._errors import one_line

Part = bytes | tuple[int, int]
"""A part of a decoder's input: bytes, or a span (start, stop) of the file."""


_ZEROS = bytes(1 << 22)


@contextmanager
def _failures() -> Iterator[None]:
    """Turn any exception that a file object raises into an OSError."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:  # EOFError, zlib.error, BadZipFile and others
        raise OSError(one_line(error) or type(error).__name__) from error


def in_memory(file: Any) -> BinaryIO:
    """Return the remaining bytes of a file that cannot seek, as a file in memory.

    Raises:
        TypeError: If the file returns text.
    """
    content = io.BytesIO()
    with _failures():
        while block := file.read():
            if isinstance(block, str):
                break
            content.write(block)
    if isinstance(block, str):
        raise TypeError("it gives text")
    return content


class Source:
    """Provide random access to the bytes of an open file."""

    _WINDOW = 1 << 18

    def __init__(self, file: BinaryIO | FileIO) -> None:
        self._file: Any = file
        with _failures():
            file.seek(0, os.SEEK_END)  # some files return None here
            self.size = file.tell()
        self._start, self._window = 0, b""

    def at(self, offset: int, count: int) -> bytes:
        """Return `count` bytes from `offset` on, or fewer at the end of the file."""
        if offset >= self.size or count <= 0:
            return b""
        first = offset - self._start
        if first < 0 or first + count > len(self._window):
            self._start, first = offset, 0
            self._window = self._read(offset, max(count, self._WINDOW))
        return self._window[first : first + count]

    def find(self, pattern: bytes, offset: int, stop: int | None = None) -> int:
        """Return where `pattern`, which has no leading zeros, first occurs from `offset` on, or -1."""
        return self._scan(lambda window, first: window.find(pattern, first), len(pattern), offset, stop)

    def find_any(self, patterns: tuple[bytes, ...], offset: int) -> int:
        """Return where the first of several patterns occurs, as in `find`."""

        def place(window: bytes, first: int) -> int:
            found = (window.find(pattern, first) for pattern in patterns)
            return min((place for place in found if place >= 0), default=-1)

        return self._scan(place, max(map(len, patterns)), offset, None)

    def match(self, pattern: re.Pattern[bytes], size: int, offset: int, stop: int | None = None) -> int:
        """Return where a pattern of at most `size` bytes first matches, as in `find`."""

        def place(window: bytes, first: int) -> int:
            return found.start() if (found := pattern.search(window, first)) else -1

        return self._scan(place, size, offset, stop)

    def _scan(self, place: Callable[[bytes, int], int], size: int, offset: int, stop: int | None) -> int:
        """Return the first position from `offset` on where a search for `size` bytes in a window succeeds, or -1."""
        stop = self.size if stop is None else min(stop, self.size)
        while offset < stop:
            self.at(offset, size)  # the window must hold matches that begin here
            found = place(self._window, offset - self._start)
            if found >= 0:
                return self._start + found if self._start + found < stop else -1
            after = max(offset + 1, self._start + len(self._window) - size + 1)
            offset = max(after, self._after_hole(after) - size + 1)
        return -1

    def after_zeros(self, offset: int) -> int:
        """Return the position of the first non-zero byte from `offset` on, or the end of the file."""
        stride = 1 << 12
        while offset < self.size:
            offset = self._after_hole(offset)
            block = self._read(offset, stride)
            if not _ZEROS.startswith(block):
                left = block.lstrip(b"\0")
                return offset + len(block) - len(left)
            if not block:
                break
            offset, stride = offset + len(block), len(_ZEROS)
        return self.size

    def before_zeros(self, stop: int) -> int:
        """Return the start of the zeros that end at `stop`."""
        stride = 1 << 12
        while stop > 0:
            first = max(0, stop - stride)
            if self._after_hole(first) < stop:
                block = self._read(first, stop - first)
                if not _ZEROS.startswith(block):
                    return first + len(block.rstrip(b"\0"))
            stop, stride = first, len(_ZEROS)
        return 0

    def read_into(self, offset: int, view: memoryview) -> int:
        """Fill `view` from `offset` on and return the number of bytes read."""
        with _failures():
            self._file.seek(offset)
            if hasattr(self._file, "readinto"):
                return int(self._file.readinto(view) or 0)
            block = self._file.read(len(view))
            view[: len(block)] = block
            return len(block)

    def _read(self, offset: int, count: int) -> bytes:
        parts: list[bytes] = []
        with _failures():
            self._file.seek(offset)
            while count > 0 and (block := self._file.read(count)):  # may return fewer bytes than remain
                parts.append(bytes(block))
                count -= len(block)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _after_hole(self, offset: int) -> int:
        """Return `offset`, or the end of the sparse-file hole that contains it. A hole reads as zeros."""
        if not isinstance(self._file, FileIO) or not hasattr(os, "SEEK_DATA"):  # seeking would disturb a buffer
            return offset
        try:
            return os.lseek(self._file.fileno(), offset, os.SEEK_DATA)
        except OSError as error:  # only a hole follows, or the file system cannot tell
            return self.size if error.errno == errno.ENXIO else offset


class View:
    """Present a decoder's input, a sequence of parts, as one read-only seekable file.

    The file has no name, so a decoder must rely on the content. Nothing is raised inside a decoder's callback, where an
    exception would be printed and lost. It is stored in `failure`, and the decoder sees the end of the file.
    `reached_end` tells whether the last byte was ever requested.
    """

    def __init__(self, source: Source, parts: list[Part]) -> None:
        self._source, self._parts = source, parts
        sizes = (len(part) if isinstance(part, bytes) else part[1] - part[0] for part in parts)
        self._starts = [0, *accumulate(sizes)]
        self._position = 0
        self.reached_end = False
        self.failure: BaseException | None = None

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to `offset` and return the new position."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._starts[-1]}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def raise_failure(self) -> None:
        """Raise the stored exception, if any."""
        if self.failure is not None:
            raise self.failure

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` and return the number of bytes read."""
        view = memoryview(buffer)
        done = 0
        try:
            while done < len(view) and self._position < self._starts[-1]:
                index = bisect_right(self._starts, self._position) - 1
                offset = self._position - self._starts[index]
                count = min(len(view) - done, self._starts[index + 1] - self._position)
                part = self._parts[index]
                if isinstance(part, bytes):
                    view[done : done + count] = part[offset : offset + count]
                else:
                    count = self._source.read_into(part[0] + offset, view[done : done + count])
                    if count == 0:
                        break
                done += count
                self._position += count
        except BaseException as error:  # KeyboardInterrupt too: raised again outside the callback
            self.failure = error
            return 0
        self.reached_end = self.reached_end or done < len(view) or self._position >= self._starts[-1]
        return done
