"""What goes wrong when a model is exported."""

from __future__ import annotations


class ExportError(RuntimeError):
    """A model could not be written in a format, or what was written does not run or gives other numbers."""


def words(error: BaseException, most: int = 300) -> str:
    """Return an error of a library in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:most]}" if text else type(error).__name__
