"""What the commands share: exit codes, one-line errors, loading Kapre quietly."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import Any

DATA = 1
USAGE = 2

BACKENDS = ("jax", "tensorflow", "torch")


class CommandError(Exception):
    """An error of one line for the user, with the exit code that goes with it."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(" ".join(text.split()))
        self.code = code


_AS_FLAGS = (
    (r"\b(resume|overwrite)=True\b", r"--\1"),
    (r"\bsegment=SECONDS\b", "--segment SECONDS"),
    (r"\bon_error='(\w+)'", r"--on-error \1"),
    (r"\b(dtype|address)='(\w+)'", r"--\1 \2"),
)


def with_flags(text: str) -> str:
    """Return the text of a library's error with the command's flags in place of arguments."""
    for pattern, flag in _AS_FLAGS:
        text = re.sub(pattern, flag, text)
    return text


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


def light() -> None:
    """Let modules of Kapre that need no Keras be imported without it.

    Importing a module of a package runs the package's `__init__` first, and Kapre's loads Keras. Here the package is
    known before that, as one whose `__init__` has not run; `load_kapre` runs it.
    """
    if "kapre" not in sys.modules:
        spec = find_spec("kapre")
        assert spec is not None
        sys.modules["kapre"] = module_from_spec(spec)


def load_kapre(backend: str | None = None) -> Any:
    """Import Kapre on a backend: the one given, else KERAS_BACKEND's, else an installed one."""
    if backend is not None:
        os.environ["KERAS_BACKEND"] = backend
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet():
        import kapre

        if not hasattr(kapre, "__version__"):  # known by `light` alone
            spec = kapre.__spec__
            assert spec is not None
            assert spec.loader is not None
            spec.loader.exec_module(kapre)
    return kapre


def load_audio() -> Any:
    """Import `kapre.corpus.audio`, which needs no Keras."""
    light()
    from kapre.corpus import audio

    return audio
