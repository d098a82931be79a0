"""The bytes of an open audio file: random access for the checks, and the seekable file that a decoder reads."""

from __future__ import annotations

import os
from bisect import bisect_right
from io import FileIO
from itertools import accumulate
from typing import Any

Part = bytes | tuple[int, int]
"""A piece of a decoder's input: bytes, or the span (start, stop) of the file."""


class Source:
    """Random access to the bytes of an open file."""

    _WINDOW = 1 << 18

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self.size = file.seek(0, os.SEEK_END)
        self._start, self._window = 0, b""

    def at(self, offset: int, count: int) -> bytes:
        """Return `count` bytes from `offset` on, or fewer at the end of the file."""
        if offset >= self.size:
            return b""
        first = offset - self._start
        if first < 0 or first + count > len(self._window):
            self._file.seek(offset)
            self._start, first = offset, 0
            self._window = self._file.read(max(count, self._WINDOW))
        return self._window[first : first + count]

    def find(self, pattern: bytes, offset: int) -> int:
        """Return where `pattern` first occurs from `offset` on, or -1."""
        while offset < self.size:
            self.at(offset, len(pattern))  # so that the window holds what begins there
            found = self._window.find(pattern, offset - self._start)
            if found >= 0:
                return self._start + found
            offset = max(offset + 1, self._start + len(self._window) - len(pattern) + 1)
        return -1

    def read_into(self, offset: int, view: memoryview) -> int:
        """Fill `view` from `offset` on and return the count of bytes read."""
        self._file.seek(offset)
        return self._file.readinto(view)


class View:
    """A decoder's input: the parts, one after the other, as one seekable file that cannot be written.

    It has no name, so that a decoder goes by the content. Nothing is raised inside a decoder's callback, where an
    exception would be printed and lost: it is kept in `failure`, and the decoder sees the end of the file.
    `reached_end` tells whether the last byte was ever asked for.
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
        """Raise what was kept from a decoder."""
        if self.failure is not None:
            raise self.failure

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` and return the count of bytes read."""
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
        except BaseException as error:  # KeyboardInterrupt too: raised again outside of the callback
            self.failure = error
            return 0
        self.reached_end = self.reached_end or done < len(view) or self._position >= self._starts[-1]
        return done
