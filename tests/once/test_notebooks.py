"""The notebooks are those of their pages, and each page leads to its notebook."""

from __future__ import annotations

import ast
import json
import posixpath
import re

import pytest

from tools import notebooks


def test_every_tutorial_has_a_notebook() -> None:
    tutorials = {path.stem for path in (notebooks.DOCS / "tutorials").glob("*.md")} - {"index"}
    assert {f"tutorials/{name}" for name in tutorials} <= set(notebooks.PAGES)


def test_every_notebook_has_a_page() -> None:
    assert {path.stem for path in notebooks.FOLDER.glob("*.ipynb")} == {name.split("/")[-1] for name in notebooks.PAGES}


@pytest.mark.parametrize("name", notebooks.PAGES)
def test_a_notebook_is_that_of_its_page(name: str) -> None:
    page = (notebooks.DOCS / f"{name}.md").read_text(encoding="utf-8")
    assert notebooks.link(name) in page.splitlines()
    text = notebooks.path_of(name).read_text(encoding="utf-8")
    assert text == notebooks.notebook(page, posixpath.dirname(name)), "run python tools/notebooks.py"
    cells = json.loads(text)["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert re.match(r"%pip install -q 'kapre\[[\w,]+\]>=1\.0\.0rc1'", code[0])
    assert code[1:] == [block.rstrip() for block in notebooks.blocks(page)]
    for each in code[1:]:
        ast.parse(each)
    prose = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    assert "](api/" not in prose
    assert "](../" not in prose
    assert "Open in Colab" not in prose
    for target in re.findall(re.escape(f"]({notebooks.SOURCE}/") + r"([^)#]+)", prose):
        assert (notebooks.DOCS / target).is_file(), target
        assert not notebooks._MADE.match(target), f"{target} is written by make docs, and not in the repository"
