"""What the commands share: exit codes, one-line errors, loading Kapre quietly."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

DATA = 1
USAGE = 2

BACKENDS = ("jax", "tensorflow", "torch")
"""The one that loads soonest first."""


class CommandError(Exception):
    """An error of one line for the user, with the exit code that goes with it."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(" ".join(text.split()))
        self.code = code


def shown(name: str) -> str:
    """Return a file's name as text that any file or picture takes; bytes that are no UTF-8 become escapes."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def audio_error(path: Path, error: Exception) -> CommandError:
    """Return a file's error: of usage when there is no such file, else of data."""
    return CommandError(str(error), DATA if os.path.isfile(path) else USAGE)  # it never raises, unlike Path's


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what C libraries write to the terminal (TensorFlow while it loads, mpg123 at a bad frame) out of it."""
    try:
        kept = os.dup(2)
    except OSError:  # closed by the caller: there is nothing to keep clean
        yield
        return
    if sys.stderr is not None:
        sys.stderr.flush()
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        if sys.stderr is not None:
            sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)


def load_kapre(backend: str | None = None) -> Any:
    """Import Kapre on a backend: the one given, else KERAS_BACKEND's, else an installed one."""
    if backend is not None:
        os.environ["KERAS_BACKEND"] = backend
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet():
        import kapre
    return kapre


def load_audio() -> Any:
    """Import `kapre.corpus.audio`; nothing is computed, so on the installed backend that loads soonest."""
    if "kapre" not in sys.modules:
        load_kapre(os.environ.get("KERAS_BACKEND") or next(filter(find_spec, BACKENDS), None))
    from kapre.corpus import audio

    return audio
