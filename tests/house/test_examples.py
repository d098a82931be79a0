"""The programs in examples/ run, each on the backends it is for, and print what they should."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BACKENDS = os.environ.get("KAPRE_TEST_BACKENDS", "jax").split()
EXPECTED = [
    *(
        ("tf_data.py", backend, f"{backend} (None, 97, 40, 1) [(4, 97, 40, 1), (4, 97, 40, 1), (2, 97, 40, 1)]")
        for backend in ("tensorflow", "jax", "torch")
    ),
    ("torch_dataloader.py", "torch", "[(4, 97, 40), (4, 97, 40), (2, 97, 40)]"),
    ("torch_module.py", "torch", "['head.bias', 'head.weight'] accuracy 1.00"),
    ("jax_functions.py", "jax", "(4,) (16000,) True"),
]


@pytest.mark.parametrize(("program", "backend", "printed"), [row for row in EXPECTED if row[1] in BACKENDS])
def test_example(program: str, backend: str, printed: str) -> None:
    env = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    words = [sys.executable, str(ROOT / "examples" / program)]
    result = subprocess.run(words, capture_output=True, text=True, env=env, cwd=ROOT, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == printed


def test_every_example_is_run() -> None:
    assert {path.name for path in (ROOT / "examples").glob("*.py")} == {program for program, *_ in EXPECTED}
