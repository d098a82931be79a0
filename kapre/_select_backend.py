"""Choose Keras' backend before Keras is imported: what the user named, else TensorFlow, else what is installed."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path

_INSTALLABLE = ("jax", "tensorflow", "torch")
_OTHERS = {"numpy": "jax"}
"""Keras' other backend that Kapre runs on, with the package that Keras imports for it (Keras 3.15: JAX for NumPy)."""


def _installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def _configured() -> str | None:
    """Return the backend that Keras' own file names. Its "tensorflow" is no choice: Keras writes that by itself."""
    home = os.environ.get("KERAS_HOME")
    path = (Path(home) if home else Path.home() / ".keras") / "keras.json"
    try:
        name = json.loads(path.read_text(encoding="utf-8")).get("backend")
    except (OSError, ValueError, AttributeError):
        return None
    return name if name != "tensorflow" else None


def select() -> None:
    """Set `KERAS_BACKEND` when nothing names a backend; refuse, in one line, one that is absent."""
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
        "Kapre needs a Keras backend and finds none: run `pip install 'kapre[jax]'` "
        "(or 'kapre[tensorflow]' or 'kapre[torch]')."
    )


select()
