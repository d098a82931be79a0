"""What goes wrong when a model is exported."""

from __future__ import annotations

import re


class ExportError(RuntimeError):
    """A model could not be written in a format, or what was written does not run or gives other numbers."""


class ModelError(ExportError):
    """It is the model itself that fails, so that no other backend is asked."""


def words(error: BaseException, most: int = 300) -> str:
    """Return an error of a library in one line, its middle left out where it is long."""
    text = " ".join(re.sub(r"\x1b\[[0-9;]*m", "", str(error)).split())
    if len(text) > most:
        text = f"{text[: most // 2]} … {text[-most // 2 :]}"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
