"""The programs in examples/ that need a process of their own run, and print what they should."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BACKENDS = os.environ.get("KAPRE_TEST_BACKENDS", "jax").split()
EXPECTED = [
    ("torch_dataloader.py", "torch", "[(4, 97, 40), (4, 97, 40), (2, 97, 40)]"),
    ("jax_devices.py", "jax", "8 (16, 48, 40) (2, 48, 40)"),
    ("tf_devices.py", "tensorflow", "2 (16, 2)"),
    (
        "torch_devices.py",
        "torch",
        "2 ['frontend._torch_params.frontend/filterbank_gain', 'head.bias', 'head.weight'] True",
    ),
]
"""Those that start processes, or say how many devices there are before the backend starts."""
IN_PROCESS = ("stream_file.py", "tf_data.py", "torch_module.py", "jax_functions.py", "denoise.py", "vocode.py")
"""tests/test_examples.py runs them, in the process of each backend."""
OF_CORPORA = ("lay_out_languages.py", "train_keywords.py")
"""tests/corpus/test_training.py runs them."""


SELDOM = ("torch_devices.py",)
"""tests/test_devices.py trains with PyTorch in as many processes."""


@pytest.mark.parametrize(
    ("program", "backend", "printed"),
    [pytest.param(*row, marks=[pytest.mark.thorough] * (row[0] in SELDOM)) for row in EXPECTED if row[1] in BACKENDS],
)
def test_example(program: str, backend: str, printed: str) -> None:
    env = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    words = [sys.executable, str(ROOT / "examples" / program)]
    result = subprocess.run(words, capture_output=True, text=True, env=env, cwd=ROOT, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == printed


def test_every_example_is_run() -> None:
    assert {path.name for path in (ROOT / "examples").glob("*.py")} == {
        *IN_PROCESS,
        *OF_CORPORA,
        *(program for program, *_ in EXPECTED),
    }


def test_the_page_about_devices_shows_what_the_examples_do() -> None:
    page = (ROOT / "docs" / "devices.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```py\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    names = re.findall(r"`examples/(\w+_devices\.py)`", page)
    assert len(shown) == len(names) == 3
    for name, code in zip(names, shown, strict=True):
        program = (ROOT / "examples" / name).read_text(encoding="utf-8")
        assert textwrap.indent(code, "    ") in program, name
