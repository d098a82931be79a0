"""Packages that are imported when a file is read: soundfile, soxr and PyAV."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def optional(name: str, task: str) -> Any:
    """Return an optional module, or raise an ImportError that gives the remedy."""
    try:
        return import_module(name)
    except (ImportError, OSError) as error:  # OSError: soundfile without libsndfile
        raise ImportError(f"{task} needs {name}: run `pip install 'kapre[audio]'`.") from error


def pyav() -> Any:
    """Return the PyAV module, or None if it is not available."""
    try:
        return import_module("av")
    except (ImportError, OSError):
        return None
