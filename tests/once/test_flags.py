"""Errors of the library name arguments; the command prints them with its flags."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from kapre_cli.errors import with_flags

ROOT = Path(__file__).resolve().parents[2]
CASES = {
    "Remove it, and use resume=True.": "Remove it, and use --resume.",
    "Use resume=True, or overwrite=True to begin again.": "Use --resume, or --overwrite to begin again.",
    "use dtype='float32'": "use --dtype f32",
    "use segment=SECONDS, which makes rows": "use --segment SECONDS, which makes rows",
    "or use on_error='skip'.": "or use --on-error skip.",
    "with address='auto'.": "with --address auto.",
    "a file a resume=Truely.wav": "a file a resume=Truely.wav",
}


@pytest.mark.parametrize("text", CASES)
def test_arguments_become_flags(text: str) -> None:
    assert with_flags(text) == CASES[text]


def test_every_argument_that_an_error_of_a_corpus_names_becomes_a_flag() -> None:
    for path in [*(ROOT / "kapre" / "audio").glob("*.py"), *(ROOT / "kapre" / "corpus").glob("*.py")]:
        for raised in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(raised, ast.Raise) and raised.exc is not None and "Error(" in ast.unparse(raised.exc)):
                continue
            for node in ast.walk(raised):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    for name in re.findall(r"\b(?:resume|overwrite|on_error|address|dtype|segment)=\S+", node.value):
                        assert with_flags(name).startswith("--"), f"{path.name}: {node.value}"
