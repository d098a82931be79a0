"""Keep the messages of converters and runtimes off the terminal: a library call of Kapre prints nothing.

Only what the calling thread writes is dropped. What C code writes goes to the process's descriptors, which belong to
all threads: these are redirected only while no other thread of Python runs.
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
"""How many calls of `quiet` each thread is in."""
_levels: dict[str, int] = {}
_streams: dict[str, tuple[Any, Any]] = {}
"""`sys.stdout` and `sys.stderr` as they were, and what stands in their place."""


class _Stream:
    """A stream that drops what a silent thread writes and hands on what others do."""

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
    """Drop what this thread prints within, and what C code prints where no other thread runs."""
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
            if getattr(sys, name) is ours:  # else somebody has put another stream there
                setattr(sys, name, before)
        _streams.clear()


@contextlib.contextmanager
def _descriptors() -> Iterator[None]:
    kept = {}
    for number in (1, 2):
        with contextlib.suppress(OSError):  # closed by the caller: there is nothing to keep clean
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
