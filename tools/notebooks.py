"""Write notebooks of the pages whose examples make a tutorial: docs/notebooks/*.ipynb.

    python tools/notebooks.py          # after a change of such a page; a test holds that they agree

A page stays the only source. Its text becomes cells of Markdown, with absolute links. Its Python blocks become cells of
code, which tests/test_docs.py runs on every backend.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
FOLDER = DOCS / "notebooks"
PAGES = ("model", "frontends", "descriptors", "constant_q", "microphones", "learned", "losses", "inversion")
"""The pages, by the names of their files."""
SOURCE = "https://github.com/keunwoochoi/kapre/blob/main/docs"
COLAB = "https://colab.research.google.com/github/keunwoochoi/kapre/blob/main/docs/notebooks"
INSTALL = "%pip install -q 'kapre[jax,audio]' matplotlib"
_BLOCK = re.compile(r"^```python\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[([^]]*)\]\((?!https?://|#)([^)]+)\)")
_PICTURE = re.compile(r"^!\[[^]]*\]\((?!https?://)[^)]+\)\n", re.MULTILINE)
_BADGE = re.compile(r"^\[Open this page as a notebook\].*\n\n?", re.MULTILINE)


def link(name: str) -> str:
    """Return the line of a page that opens its notebook."""
    return f"[Open this page as a notebook]({COLAB}/{name}.ipynb)"


def _prose(text: str) -> str:
    """Return text for a cell: links lead to the repository, and pictures are left out, which the code draws."""
    text = _PICTURE.sub("", _BADGE.sub("", text))
    return _LINK.sub(lambda found: f"[{found[1]}]({SOURCE}/{found[2]})", text).strip()


def cells(text: str) -> list[dict[str, Any]]:
    """Return the cells of a page."""
    found: list[tuple[str, str]] = []
    place = 0
    for block in _BLOCK.finditer(text):
        found += [("markdown", _prose(text[place : block.start()])), ("code", block[1].rstrip())]
        place = block.end()
    found.append(("markdown", _prose(text[place:])))
    first = next(i for i, (kind, _) in enumerate(found) if kind == "code")
    found.insert(first, ("code", INSTALL))
    return [_cell(i, kind, source) for i, (kind, source) in enumerate(found) if source]


def _cell(number: int, kind: str, source: str) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "id": f"cell-{number}", "metadata": {}}
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    return {**cell, "source": source.splitlines(keepends=True)}


def notebook(text: str) -> str:
    """Return the notebook of a page as JSON."""
    about = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    whole = {"cells": cells(text), "metadata": about, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


def main() -> int:
    """Write the notebooks, and return the exit code."""
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.ipynb"):
        path.unlink()
    for name in PAGES:
        text = (DOCS / f"{name}.md").read_text(encoding="utf-8")
        (FOLDER / f"{name}.ipynb").write_text(notebook(text), encoding="utf-8")
    print(f"{len(PAGES)} notebooks in docs/notebooks")
    return 0


if __name__ == "__main__":
    sys.exit(main())
