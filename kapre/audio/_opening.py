"""Opening of audio files: a path, the content or a file object, with each failure as an `AudioError`."""

from __future__ import annotations

import io
import os
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from kapre import _checks
from kapre.audio._container import UnreadableError
from kapre.audio._errors import COPY_AGAIN, line
from kapre.audio._source import Source, in_memory

AudioFile = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO
"""A path, the content of a file, or a binary file object, which is read from its beginning."""


def name_of(path: AudioFile) -> str:
    """Return the name of a file for error messages."""
    if isinstance(path, (bytes, bytearray, memoryview)):
        return "<bytes>"
    if isinstance(path, (str, os.PathLike)):
        return os.fsdecode(path)
    name = getattr(path, "name", None)
    return name if isinstance(name, str) and name else "<file>"


@contextmanager
def opened(path: AudioFile) -> Iterator[Source]:
    """Open a file, and turn its read errors into an AudioError."""
    name = name_of(path)
    try:
        if isinstance(path, (str, os.PathLike)):
            mode = os.stat(path).st_mode
            if stat.S_ISDIR(mode):
                raise line(name, "a folder, not a file", "Give the path of one audio file.")
            if not stat.S_ISREG(mode):
                raise line(name, "a pipe or a device, not a file", "Save the audio to a file first.")
            with open(path, "rb", buffering=0) as file:
                yield Source(file)
        else:
            yield Source(_in_memory(path))
    except UnreadableError as error:
        raise line(name, error.problem, error.remedy) from None
    except FileNotFoundError:
        raise line(name, "no such file", "Check the path.") from None
    except PermissionError:
        raise line(name, "permission denied", "Make the file readable for this user.") from None
    except (StopIteration, LookupError, ArithmeticError, struct.error) as error:  # a bad file must not end a run
        raise line(name, "damaged inside: its header cannot be read", COPY_AGAIN) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise line(name, f"reading failed ({reason})", "Check the path and the disk.") from error


def _in_memory(given: bytes | bytearray | memoryview | BinaryIO) -> BinaryIO:
    """Return a seekable file object: the given one, or one with its content."""
    if isinstance(given, (bytes, bytearray, memoryview)):
        return io.BytesIO(given)
    wrong = _checks.message("path", "a path, bytes or a binary file object", given, "Open a file in binary mode.")
    if not hasattr(given, "read") or isinstance(given, io.TextIOBase):
        raise TypeError(wrong)
    if hasattr(given, "seek") and hasattr(given, "tell") and getattr(given, "seekable", lambda: True)():
        return given
    try:
        return in_memory(given)
    except TypeError:
        raise TypeError(wrong) from None
