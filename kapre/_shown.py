"""What a notebook and a prompt show of an object: its arguments in one line, and tables in HTML."""

from __future__ import annotations

import html
import math
import textwrap
from collections.abc import Iterable, Mapping
from reprlib import Repr
from typing import Any

WIDTH = 120
"""The width of a representation that continues on further lines."""
_MOST = 300
"""The largest number of characters of a layer."""
_MOST_OF_RECIPE = 120
"""The largest number of characters of a recipe within another object."""


class _Short(Repr):
    """Shorten long sequences, texts and recipes. `reprlib` finds a method by the name of the type."""

    def __init__(self) -> None:
        super().__init__()  # Python 3.11 takes no limits here
        self.maxlevel, self.maxlist, self.maxtuple, self.maxdict = 2, 4, 4, 4
        self.maxstring, self.maxother = 60, 80

    def repr_Recipe(self, recipe: Any, level: int) -> str:
        whole = " ".join(repr(recipe).split())
        if len(whole) <= _MOST_OF_RECIPE:
            return whole
        return f"{whole[: whole.rindex(', ', 0, _MOST_OF_RECIPE)]}, …)"


_SHORT = _Short()

Rows = Iterable[tuple[str, Any]]


def code(value: Any) -> str:
    """Return a value of a field as Python code. The code of infinity is `float('inf')`."""
    return f"float('{value}')" if isinstance(value, float) and not math.isfinite(value) else repr(value)


def call(name: str, arguments: Mapping[str, Any]) -> str:
    """Return a call as Python code, on lines of at most `WIDTH` characters if no argument is longer."""
    inside = ", ".join(f"{key}={code(value)}" for key, value in arguments.items())
    indent = " " * (len(name) + 1)
    lines = textwrap.wrap(
        f"{name}({inside})", WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines)


def short(value: Any) -> str:
    """Return the representation of a value, shortened if it is a long sequence or text."""
    return " ".join(_SHORT.repr(value).split())


def in_brackets(name: str, arguments: Mapping[str, Any], last: Mapping[str, Any]) -> str:
    """Return `<name key=value … >`. Arguments that do not fit are left out, and `…` stands for them.

    `last` holds arguments that are always shown, at the end.
    """
    end = "".join(f" {key}={short(value)}" for key, value in last.items())
    shown = f"<{name}"
    for key, value in arguments.items():
        part = f" {key}={short(value)}"
        if len(shown) + len(part) + len(end) + 3 > _MOST:
            shown += " …"
            break
        shown += part
    return f"{shown}{end}>"


class ShownStream:
    """Show what a stream is of, the size of its chunks, its latency and its warm-up."""

    layer: Any
    chunk_samples: int | None = None
    latency_samples: int
    warmup: int

    def _made_by(self) -> Any:
        return self.layer

    def __repr__(self) -> str:
        chunks = "chunks of any size" if self.chunk_samples is None else f"chunks of {self.chunk_samples} samples"
        latency = f"latency {self.latency_samples} samples"
        return f"<{type(self).__name__} of {self._made_by()!r}: {chunks}, {latency}, warm-up {self.warmup}>"


def table(title: str, rows: Rows, below: str = "") -> str:
    """Return an HTML table of names and values, without colours, so that it reads on any background.

    Args:
        title: The heading of the table.
        rows: Names and values. They are escaped.
        below: A line under the table. It is escaped.
    """
    cell = "text-align:left; padding:0.1em 0.8em 0.1em 0"
    lines = [
        f'<tr><th scope="row" style="{cell}; font-weight:normal; opacity:0.7">{html.escape(name)}</th>'
        f'<td style="{cell}">{html.escape(str(value))}</td></tr>'
        for name, value in rows
    ]
    end = f'<div style="padding-top:0.3em">{html.escape(below)}</div>' if below else ""
    return (
        f"<div><strong>{html.escape(title)}</strong>"
        f'<table style="border-collapse:collapse; margin:0.3em 0"><tbody>{"".join(lines)}</tbody></table>{end}</div>'
    )
