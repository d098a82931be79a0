"""A line of progress on standard error: in a terminal only, and only for a command that takes a while."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
import unicodedata
from collections.abc import Iterator
from itertools import accumulate
from typing import TextIO

_BEGAN = time.monotonic()
_AFTER = 2.0
"""Seconds after the start of the command before which nothing is shown."""
_LEAST = 0.2
"""Seconds that a step takes at least before it is shown, so that short steps do not flicker."""
_EVERY = 0.25
_is_working = False
_CLEAR = "\r\x1b[K"


@contextlib.contextmanager
def working(words: str) -> Iterator[None]:
    """Show what the command does and for how long it has run, until the block ends. Then remove the line.

    Nothing is shown if standard error is not a terminal, or if `TERM` is dumb. The block should print nothing itself.
    It may close standard error (`errors.quiet`), because the line is written to a copy. Of nested blocks, the outer one
    is shown.
    """
    global _is_working
    file = None if _is_working else _terminal()
    if file is None:
        yield
        return
    done = threading.Event()
    teller = threading.Thread(target=_tell, args=(words, file, done), daemon=True)
    try:
        _is_working = True
        teller.start()
        yield
    finally:
        _is_working = False
        done.set()
        if teller.ident is not None:
            teller.join()


def _terminal() -> TextIO | None:
    """Return a copy of standard error if it is a terminal that can clear a line."""
    try:
        if sys.stderr is None or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
            return None
        copy = os.dup(sys.stderr.fileno())
    except (OSError, ValueError):  # closed by the caller
        return None
    try:
        return os.fdopen(copy, "w", encoding=sys.stderr.encoding, errors="backslashreplace")
    except (OSError, LookupError):  # an encoding that Python does not know
        os.close(copy)
        return None


def _tell(words: str, file: TextIO, done: threading.Event) -> None:
    wait = max(_LEAST, _AFTER - (time.monotonic() - _BEGAN))
    told = False
    with contextlib.suppress(OSError), file:  # the terminal is gone: closing it writes what is left, and fails too
        while not done.wait(wait):
            text = f"{words} … {time.monotonic() - _BEGAN:.0f} s"
            file.write(_CLEAR + _cut(text, _width(file) - 1))
            file.flush()
            told, wait = True, _EVERY
        if told:
            file.write(_CLEAR)
            file.flush()


def _cut(text: str, cells: int) -> str:
    """Return as much of a text as fits into cells of a terminal, in which some characters take two."""
    printable = "".join(character if character.isprintable() else "?" for character in text)
    ends = accumulate(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in printable)
    return printable[: sum(end <= cells for end in ends)]


def _width(file: TextIO) -> int:
    try:
        return os.get_terminal_size(file.fileno()).columns or 80
    except OSError:
        return 80
