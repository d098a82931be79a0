"""The notebooks are those of their pages, and each page leads to its notebook."""

from __future__ import annotations

import ast
import json

import pytest

from tools import notebooks


def test_every_notebook_has_a_page() -> None:
    assert {path.stem for path in notebooks.FOLDER.glob("*.ipynb")} == set(notebooks.PAGES)


@pytest.mark.parametrize("name", notebooks.PAGES)
def test_a_notebook_is_that_of_its_page(name: str) -> None:
    page = (notebooks.DOCS / f"{name}.md").read_text(encoding="utf-8")
    assert notebooks.link(name) in page.splitlines()
    text = (notebooks.FOLDER / f"{name}.ipynb").read_text(encoding="utf-8")
    assert text == notebooks.notebook(page), "run python tools/notebooks.py"
    cells = json.loads(text)["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert code[0] == notebooks.INSTALL
    assert code[1:] == [block.rstrip() for block in notebooks._BLOCK.findall(page)]
    for each in code[1:]:
        ast.parse(each)
    prose = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    assert "](api/" not in prose
    assert "Open this page" not in prose
