"""The programs in examples/ run, each on the backends it is for, and print what they should."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import soundfile

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
    ("jax_devices.py", "jax", "8 (16, 48, 40) (2, 48, 40)"),
    ("tf_devices.py", "tensorflow", "2 (16, 2)"),
    (
        "torch_devices.py",
        "torch",
        "2 ['frontend._torch_params.frontend/filterbank_gain', 'head.bias', 'head.weight'] True",
    ),
]

OF_CORPORA = ("lay_out_languages.py", "train_keywords.py")
"""tests/corpus/test_training.py runs them."""


def run(program: str, backend: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    words = [sys.executable, str(ROOT / "examples" / program), *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, env=env, cwd=ROOT, check=False)


@pytest.mark.parametrize(("program", "backend", "printed"), [row for row in EXPECTED if row[1] in BACKENDS])
def test_example(program: str, backend: str, printed: str) -> None:
    result = run(program, backend)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == printed


@pytest.mark.parametrize("backend", BACKENDS)
def test_stream_file(backend: str, tmp_path: Path) -> None:
    path = tmp_path / "noise.wav"
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal((22050, 2)), 44100)
    result = run("stream_file.py", backend, path)
    assert result.returncode == 0, result.stderr
    first, *lines, last = result.stdout.splitlines()
    assert first == "kaldi_fbank: a frame every 10 ms, look-ahead 25 ms, chunks of 20 ms"
    assert last == "48 frames of 0.5 s"
    assert len(lines) == 48
    assert all(re.fullmatch(r" +\d+ +\d\.\d{3} s +\+\d+ ms  \|.{40}\|", line) for line in lines)
    late = [int(re.findall(r"\+(\d+) ms", line)[0]) for line in lines]
    assert min(late) >= 25  # the look-ahead, and never more than a chunk and the resampler's delay later
    assert max(late) <= 80


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no.wav"], "There is no file no.wav."),
        (["README.md"], "Error opening 'README.md'"),
        (["--preset", "whisper"], "'whisper' cannot be streamed, because it needs the whole clip for"),
        (["--preset", "kaldi"], "Use 'kaldi_mfcc' or 'kaldi_fbank'"),
    ],
)
def test_stream_file_says_what_is_wrong(arguments: list[str], said: str) -> None:
    result = run("stream_file.py", BACKENDS[0], *arguments)
    assert result.returncode == 1
    assert result.stdout == ""
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("stream_file.py")]
    assert said in line
    assert "Traceback" not in result.stderr


def test_every_example_is_run() -> None:
    assert {path.name for path in (ROOT / "examples").glob("*.py")} == {
        "stream_file.py",
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
