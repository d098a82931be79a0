"""Selection of Keras' backend before Keras is imported: the user's choice, else TensorFlow, else what is installed."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path

_INSTALLABLE = ("jax", "tensorflow", "torch")
_OTHERS = {"numpy": "jax"}
"""Other Keras backends on which Kapre runs, and the packages Keras imports for them (Keras 3.15: JAX for NumPy)."""


def _installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def _configured() -> str | None:
    """Return the backend in Keras' own file. Ignore "tensorflow" there, because Keras writes it by default."""
    home = os.environ.get("KERAS_HOME")
    path = (Path(home) if home else Path.home() / ".keras") / "keras.json"
    try:
        name = json.loads(path.read_text(encoding="utf-8")).get("backend")
    except (OSError, ValueError, AttributeError):
        return None
    return name if name != "tensorflow" else None


def select() -> None:
    """Set `KERAS_BACKEND` if nothing names a backend. Refuse a missing backend with a one-line error."""
    if "keras" in sys.modules:
        return
    named = os.environ.get("KERAS_BACKEND") or None
    origin = "KERAS_BACKEND" if named else "keras.json"
    named = named or _configured()
    if named is not None:
        if named in _INSTALLABLE and not _installed(named):
            raise ImportError(
                f"{origin} names {named!r}, which is not installed: run `pip install 'kapre[{named}]'`, "
                f"or set KERAS_BACKEND to one that is ({', '.join(filter(_installed, _INSTALLABLE)) or 'none is'})."
            )
        if named not in (*_INSTALLABLE, *_OTHERS):
            raise ImportError(f"{origin} names {named!r}, which Kapre does not run on: use jax, tensorflow or torch.")
        if named in _OTHERS and not _installed(_OTHERS[named]):
            package = _OTHERS[named]
            raise ImportError(
                f"{origin} names {named!r}, for which Keras needs {package}: run `pip install {package}`."
            )
        return
    for name in ("tensorflow", "jax", "torch"):
        if _installed(name):
            os.environ["KERAS_BACKEND"] = name
            return
    raise ImportError(
        "Kapre needs a Keras backend and finds none: run `pip install 'kapre[jax]'`, `pip install 'kapre[tensorflow]'` "
        "or `pip install 'kapre[torch]'`. On Linux, the last one installs PyTorch for CUDA, several GB. For a CPU, run "
        "the command that PyTorch's install page gives, and then this one."
    )


select()
