"""Errors of the export."""

from __future__ import annotations

import re


class ExportError(RuntimeError):
    """Report that a model cannot be written in a format, or that the file does not run or gives other numbers."""


class ModelError(ExportError):
    """Report that the model itself fails, so that no other backend is tried."""


def words(error: BaseException, most: int = 300) -> str:
    """Return a library's error in one line, with the middle omitted if it is long."""
    text = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", str(error)).split())
    if len(text) > most:
        text = f"{text[: most // 2]} … {text[-most // 2 :]}"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
