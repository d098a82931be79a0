"""Every example that exports runs, those of the docstrings and of the pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import doc_examples


def marked(name: str) -> object:
    """Let ExecuTorch's import warn of what it does itself, and run it when asked: it takes a minute."""
    imports = "executorch." in doc_examples.EXAMPLES[name]
    return pytest.param(name, marks=[pytest.mark.filterwarnings("ignore"), pytest.mark.thorough] if imports else [])


@pytest.mark.parametrize("name", [marked(name) for name in doc_examples.EXPORTS])
def test_example_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    doc_examples.run_example(name, tmp_path, monkeypatch)


def test_there_are_some() -> None:
    assert {name.rsplit(" ", 1)[0] for name in doc_examples.EXPORTS} >= {"kapre.deploy.export", "docs/export.md"}
