"""Shared parts of the commands: exit codes, one-line errors, and loading Kapre without output."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import Any

from kapre_cli.progress import working

DATA = 1
USAGE = 2

BACKENDS = ("jax", "tensorflow", "torch")


class CommandError(Exception):
    """Report a one-line error to the user, with its exit code."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(" ".join(text.split()))
        self.code = code


_AS_FLAGS = (
    (r"\b(resume|overwrite)=True\b", r"--\1"),
    (r"\bsegment=SECONDS\b", "--segment SECONDS"),
    (r"\bon_error='(\w+)'", r"--on-error \1"),
    (r"\bdtype='float32'", "--dtype f32"),
    (r"\baddress='(\w+)'", r"--address \1"),
)


def with_flags(text: str) -> str:
    """Return the text of a library's error with arguments replaced by the flags of the command."""
    for pattern, flag in _AS_FLAGS:
        text = re.sub(pattern, flag, text)
    return text


def shown(name: str) -> str:
    """Return the name of a file as text that any file or picture accepts. Bytes that are not UTF-8 become escapes."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def audio_error(path: Path, error: Exception) -> CommandError:
    """Return the error of a file: a usage error if the file does not exist, else a data error."""
    return CommandError(str(error), DATA if os.path.isfile(path) else USAGE)  # it never raises, unlike Path's


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep the output of C libraries off the terminal (TensorFlow while it loads, mpg123 at a bad frame)."""
    try:
        kept = os.dup(2)
    except OSError:  # closed by the caller: nothing to suppress
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
    """Make modules of Kapre that do not need Keras importable without it.

    Importing a module of a package first runs the package's `__init__`, and Kapre's loads Keras. This function
    registers the package beforehand, without running its `__init__`. `load_kapre` runs it.
    """
    if "kapre" not in sys.modules:
        spec = find_spec("kapre")
        assert spec is not None
        sys.modules["kapre"] = module_from_spec(spec)


def load_kapre(backend: str | None = None) -> Any:
    """Import Kapre on a backend: the given one, else that of KERAS_BACKEND, else an installed one."""
    if backend is not None:
        os.environ["KERAS_BACKEND"] = backend
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with working("loading Keras and its backend"), quiet():
        import kapre

        if not hasattr(kapre, "__version__"):  # registered by `light` only
            spec = kapre.__spec__
            assert spec is not None
            assert spec.loader is not None
            spec.loader.exec_module(kapre)
    return kapre


def load_audio() -> Any:
    """Import `kapre.audio`, which does not need Keras."""
    light()
    from kapre import audio

    return audio
