"""Suppression of the messages of converters and runtimes, so that a library call of Kapre prints nothing.

Only the output of the calling thread is dropped. C code writes to the descriptors of the process, which all threads
share. These are redirected only while no other Python thread runs.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

_LOGGERS = ("tensorflow", "absl", "tf2onnx", "jax2onnx", "torch.onnx", "onnxscript", "onnx_ir")
_lock = threading.RLock()
_silent: Counter[int] = Counter()
"""Number of active `quiet` contexts in each thread."""
_levels: dict[str, int] = {}
_streams: dict[str, tuple[Any, Any]] = {}
"""The original `sys.stdout` and `sys.stderr`, and their replacements."""


class _Stream:
    """Drop what a silent thread writes to a stream, and pass on what other threads write."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        if threading.get_ident() in _silent:
            return len(text)
        return 0 if self._stream is None else int(self._stream.write(text))

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        if self._stream is not None:
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Drop the output of this thread in this context, and that of C code if no other thread runs."""
    _enter()
    try:
        with _descriptors() if threading.active_count() == 1 else contextlib.nullcontext():
            yield
    finally:
        _leave()


def _enter() -> None:
    with _lock:
        if not _silent:
            for name in _LOGGERS:
                _levels[name] = logging.getLogger(name).level
                logging.getLogger(name).setLevel(logging.ERROR)
            for name in ("stdout", "stderr"):
                stream = getattr(sys, name)
                _streams[name] = stream, _Stream(stream)
                setattr(sys, name, _streams[name][1])
        _silent[threading.get_ident()] += 1


def _leave() -> None:
    with _lock:
        thread = threading.get_ident()
        _silent[thread] -= 1
        if not _silent[thread]:
            del _silent[thread]
        if _silent:
            return
        for name, level in _levels.items():
            logging.getLogger(name).setLevel(level)
        for name, (before, ours) in _streams.items():
            if getattr(sys, name) is ours:  # else other code has replaced the stream
                setattr(sys, name, before)
        _streams.clear()


@contextlib.contextmanager
def _descriptors() -> Iterator[None]:
    kept = {}
    for number in (1, 2):
        with contextlib.suppress(OSError):  # closed by the caller: nothing to suppress
            kept[number] = os.dup(number)
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is not None:
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
    with open(os.devnull, "wb") as nothing:
        for number in kept:
            os.dup2(nothing.fileno(), number)
    try:
        yield
    finally:
        for number, saved in kept.items():
            os.dup2(saved, number)
            os.close(saved)
