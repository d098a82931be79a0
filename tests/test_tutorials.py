"""The program of every tutorial runs, from its first block to its last, in an empty folder."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import pytest

from tests.conftest import BACKEND
from tests.references._registry import torchaudio
from tools.notebooks import DOCS, blocks

TUTORIALS = sorted(path.stem for path in (DOCS / "tutorials").glob("*.md") if path.stem != "index")
ONLY = {"pytorch": "torch", "from_librosa_torchaudio": "torch"}
"""Tutorials about one backend, or whose references are slow to load."""
END = {"keyword_spotter": "## Export the model"}
"""Where a tutorial ends on backends other than `WRITER`: converters take long, and tests/export runs them on all."""
WRITER = "tensorflow"


@pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")  # torch 2.13's exporter warns of itself
@pytest.mark.filterwarnings("ignore:.*slated for removal:DeprecationWarning")  # librosa 0.11 imports audioread
@pytest.mark.parametrize("name", [name for name in TUTORIALS if ONLY.get(name, BACKEND) == BACKEND])
def test_a_tutorial_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    matplotlib.use("agg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERAS_BACKEND", BACKEND)  # which a tutorial sets too
    text = (DOCS / "tutorials" / f"{name}.md").read_text(encoding="utf-8")
    if "torchaudio" in name:
        torchaudio()
    if name in END and BACKEND != WRITER:
        assert END[name] in text
        text = text[: text.index(END[name])]
    programs = blocks(text)
    assert len(programs) > 3
    names: dict[str, object] = {"__name__": "__main__"}
    for number, program in enumerate(programs):
        exec(compile(program, f"{name} {number}", "exec"), names)
