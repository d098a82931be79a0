"""The examples of the docstrings, the README and the pages, and which suite runs each."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

import matplotlib
import pytest

from tests.clips import lay_out_recordings
from tests.references._registry import transformers
from tools.docs import public_symbols
from tools.reference import FENCE

ROOT = Path(__file__).resolve().parents[1]
PUBLIC = public_symbols()


def _examples() -> Iterator[tuple[str, str]]:
    texts = {name: value.__doc__ or "" for name, value in PUBLIC.items()}
    texts |= {
        str(p.relative_to(ROOT)): p.read_text(encoding="utf-8") for p in [ROOT / "README.md", *ROOT.glob("docs/*.md")]
    }
    seen = set()
    for name, text in texts.items():
        for index, match in enumerate(FENCE.finditer(text)):
            code = textwrap.dedent(match.group(2))
            if code not in seen:
                seen.add(code)
                yield f"{name} {index}", code


EXAMPLES = dict(_examples())
EXPORTS = [name for name, code in EXAMPLES.items() if "kapre.export(" in code]
"""Those that need what only `kapre[export]` brings: tests/export runs them."""
STORES = [name for name in EXAMPLES if name.startswith("docs/corpus.md")]
"""Those that read a store, with libraries of others: tests/corpus runs them."""


def run_example(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run an example in an empty folder."""
    matplotlib.use("agg")
    monkeypatch.chdir(tmp_path)
    if 'Path("recordings")' in EXAMPLES[name]:
        lay_out_recordings(tmp_path)
    if "kapre.integrations" in EXAMPLES[name]:
        transformers()
    exec(compile(EXAMPLES[name], name, "exec"), {"__name__": "__main__"})
