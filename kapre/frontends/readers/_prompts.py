"""Pasted code without what surrounds it in a terminal, a notebook or a page."""

from __future__ import annotations

import re
import textwrap

_PROMPT = re.compile(r"\s*(>>>|\.\.\.|In \[\d+\]:|\.\.\.:)( |$)")
_OUTPUT = re.compile(r"\s*Out ?\[\d+\]:")


def without_prompts(text: str) -> str:
    """Return code without prompts and what was printed, without fences, and without commands of a notebook."""
    lines = [line for line in text.expandtabs(4).strip("\n").split("\n") if not line.strip().startswith("```")]
    if any(_PROMPT.match(line) for line in lines):
        lines = [_PROMPT.sub("", line, count=1) for line in lines if _PROMPT.match(line)]
    lines = ["" if line.lstrip().startswith(("!", "%")) or _OUTPUT.match(line) else line for line in lines]
    return textwrap.dedent("\n".join(lines)).strip()
