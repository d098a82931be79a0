"""Every example in the docstrings, the README and the pages runs."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from tests.doc_examples import EXAMPLES, EXPORTS, PUBLIC, STORES, run_example

pytestmark = pytest.mark.filterwarnings("ignore:.*filter bank bands hold no")


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name not in {*EXPORTS, *STORES}])
def test_example_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_example(name, tmp_path, monkeypatch)


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
