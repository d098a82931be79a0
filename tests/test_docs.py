"""Every example in the docstrings, the README and the pages runs."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import matplotlib
import pytest

from tools.docs import public_symbols

ROOT = Path(__file__).resolve().parents[1]
PUBLIC = public_symbols()
FENCE = re.compile(r"^( *)```python\n(.*?)^ *```", re.MULTILINE | re.DOTALL)

pytestmark = pytest.mark.filterwarnings("ignore:.*filter bank bands hold no")


def examples() -> Iterator[tuple[str, str]]:
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


EXAMPLES = dict(examples())
EXPORTS = [name for name, code in EXAMPLES.items() if "kapre.export(" in code]
"""Those that need what only `kapre[export]` brings: tests/export runs them."""
STORES = [name for name in EXAMPLES if name.startswith("docs/corpus.md")]
"""Those that read a store, through readers of others': tests/corpus runs them."""


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name not in {*EXPORTS, *STORES}])
def test_example_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(name, tmp_path, monkeypatch)


def run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    matplotlib.use("agg")
    monkeypatch.chdir(tmp_path)
    exec(compile(EXAMPLES[name], name, "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize("name", list(PUBLIC))
def test_public_docstring_is_whole(name: str) -> None:
    value = PUBLIC[name]
    text = inspect.getdoc(value) or ""
    first = text.split("\n")[0]
    assert first.endswith("."), name
    assert first[:1].isupper()
    if inspect.isclass(value) and issubclass(value, Exception):
        return
    takes_arguments = [p for p in inspect.signature(value).parameters.values() if p.name != "self"]  # type: ignore[arg-type]
    if takes_arguments and not name.startswith("kapre.corpus"):
        assert "Args:" in text, name
        for parameter in takes_arguments:
            if parameter.kind is not parameter.VAR_KEYWORD:
                assert f"{parameter.name}:" in text, f"{name} does not say what {parameter.name} is"
    if not name.startswith("kapre.corpus"):
        assert "Example:" in text, name
