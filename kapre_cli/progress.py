"""A line of progress on standard error: in a terminal only, and only for a command that takes a while."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator
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

    Nothing is shown if standard error is not a terminal, or if `TERM` is dumb. The block prints nothing itself. It may
    close standard error (`errors.quiet`), because the line is written to a copy. Of nested blocks, the outer one is
    shown.
    """
    global _is_working
    file = None if _is_working else _terminal()
    if file is None:
        yield
        return
    _is_working = True
    done = threading.Event()
    teller = threading.Thread(target=_tell, args=(words, file, done), daemon=True)
    teller.start()
    try:
        yield
    finally:
        _is_working = False
        done.set()
        teller.join()
        file.close()


def _terminal() -> TextIO | None:
    """Return a copy of standard error if it is a terminal that can clear a line."""
    try:
        if sys.stderr is None or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
            return None
        encoding = sys.stderr.encoding
        return os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding=encoding, errors="backslashreplace")
    except (OSError, ValueError):  # closed by the caller
        return None


def _tell(words: str, file: TextIO, done: threading.Event) -> None:
    wait = max(_LEAST, _AFTER - (time.monotonic() - _BEGAN))
    told = False
    with contextlib.suppress(OSError):  # the terminal is gone
        while not done.wait(wait):
            text = f"{words} … {time.monotonic() - _BEGAN:.0f} s"
            file.write(_CLEAR + text[: _width(file) - 1])
            file.flush()
            told, wait = True, _EVERY
        if told:
            file.write(_CLEAR)
            file.flush()


def _width(file: TextIO) -> int:
    try:
        return os.get_terminal_size(file.fileno()).columns or 80
    except OSError:
        return 80
