"""Write notebooks of the pages whose examples make a tutorial: docs/notebooks/*.ipynb.

    python tools/notebooks.py          # after a change of such a page; a test holds that they agree

A page stays the only source. Its text becomes cells of Markdown, with absolute links. Its Python blocks become cells of
code, which tests/test_docs.py and tests/test_tutorials.py run on every backend.
"""

from __future__ import annotations

import json
import posixpath
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
FOLDER = DOCS / "notebooks"
PAGES = (
    *("model", "frontends", "descriptors", "constant_q", "microphones", "learned", "losses", "inversion"),
    *("tutorials/keyword_spotter", "tutorials/fine_tune", "tutorials/live"),
    *("tutorials/pytorch", "tutorials/from_librosa_torchaudio", "tutorials/choose_augmentation"),
    "tutorials/corpus",
)
"""The pages, by the paths of their files in docs. A notebook has the last part of this path as its name."""
SOURCE = "https://github.com/keunwoochoi/kapre/blob/main/docs"
COLAB = "https://colab.research.google.com/github/keunwoochoi/kapre/blob/main/docs/notebooks"
KAGGLE = f"https://kaggle.com/kernels/welcome?src={SOURCE}/notebooks"
COLAB_BADGE = "https://colab.research.google.com/assets/colab-badge.svg"
KAGGLE_BADGE = "https://kaggle.com/static/images/open-in-kaggle.svg"
INSTALL = "'kapre[jax,audio]'"
FIRST = ">=1.0.0rc1"
"""The first version that the pages describe. pip installs a release candidate only where its version is named."""
_BLOCK = re.compile(r"^```python\n(.*?)^```\n", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[([^]]*)\]\((?!https?://|#)([^)]+)\)")
_PICTURE = re.compile(r"^!\[[^]]*\]\((?!https?://)[^)]+\)\n", re.MULTILINE)
_BADGE = re.compile(r"^\[!\[Open in Colab\].*\n\n?", re.MULTILINE)
_MADE = re.compile(r"gallery\.md|presets/|api/index\.md|api/\w+/")
_NEEDS = re.compile(r"^\$ pip install (.+?)(?: +#.*)?$", re.MULTILINE)


def path_of(name: str) -> Path:
    """Return the path of a page's notebook."""
    return FOLDER / f"{posixpath.basename(name)}.ipynb"


def link(name: str) -> str:
    """Return the line of a page that opens its notebook."""
    file = path_of(name).name
    colab, kaggle = f"({COLAB_BADGE})]({COLAB}/{file})", f"({KAGGLE_BADGE})]({KAGGLE}/{file})"
    return f"[![Open in Colab]{colab} [![Open in Kaggle]{kaggle}"


def blocks(text: str) -> list[str]:
    """Return the Python blocks of a page."""
    return _BLOCK.findall(text)


def install(text: str) -> str:
    """Return the first cell: what the page tells to install before its first block, or `INSTALL`."""
    needs = _NEEDS.search(text[: next(_BLOCK.finditer(text)).start()])
    return re.sub(r"'(kapre\[[^]']+\])'", rf"'\1{FIRST}'", f"%pip install -q {needs[1] if needs else INSTALL}")


def _prose(text: str, folder: str) -> str:
    """Return text for a cell: links lead to the repository, and pictures are left out, which the code draws.

    Of a link to a page that `make docs` writes, which the repository does not hold, the words alone are kept.
    """

    def link(found: re.Match[str]) -> str:
        target = _resolved(folder, found[2])
        return found[1] if _MADE.match(target) else f"[{found[1]}]({SOURCE}/{target})"

    return _LINK.sub(link, _PICTURE.sub("", _BADGE.sub("", text))).strip()


def _resolved(folder: str, target: str) -> str:
    """Return the path in docs of what a page in one of its folders links to."""
    return posixpath.normpath(posixpath.join(folder, target))


def cells(text: str, folder: str = "") -> list[dict[str, Any]]:
    """Return the cells of a page in a folder of docs."""
    found: list[tuple[str, str]] = []
    place = 0
    for block in _BLOCK.finditer(text):
        found += [("markdown", _prose(text[place : block.start()], folder)), ("code", block[1].rstrip())]
        place = block.end()
    found.append(("markdown", _prose(text[place:], folder)))
    first = next(i for i, (kind, _) in enumerate(found) if kind == "code")
    found.insert(first, ("code", install(text)))
    return [_cell(i, kind, source) for i, (kind, source) in enumerate(found) if source]


def _cell(number: int, kind: str, source: str) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "id": f"cell-{number}", "metadata": {}}
    if kind == "code":
        cell |= {"execution_count": None, "outputs": []}
    return {**cell, "source": source.splitlines(keepends=True)}


def notebook(text: str, folder: str = "") -> str:
    """Return the notebook of a page in a folder of docs as JSON."""
    about = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    whole = {"cells": cells(text, folder), "metadata": about, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


def main() -> int:
    """Write the notebooks, and return the exit code."""
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.ipynb"):
        path.unlink()
    for name in PAGES:
        text = (DOCS / f"{name}.md").read_text(encoding="utf-8")
        path_of(name).write_text(notebook(text, posixpath.dirname(name)), encoding="utf-8")
    print(f"{len(PAGES)} notebooks in docs/notebooks")
    return 0


if __name__ == "__main__":
    sys.exit(main())
