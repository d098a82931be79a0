"""The programs in examples/ that need no process of their own run here, on each backend that they are for."""

from __future__ import annotations

import re
import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.conftest import BACKEND, mostly_on

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
OF_ONE = {
    "torch": ("torch_module.py", "['head.bias', 'head.weight'] accuracy 1.00"),
    "jax": ("jax_functions.py", "(4,) (16000,) True"),
}
PRINTED = {
    "tf_data.py": f"{BACKEND} (None, 97, 40, 1) [(4, 97, 40, 1), (4, 97, 40, 1), (2, 97, 40, 1)]",
    **dict([OF_ONE[BACKEND]] if BACKEND in OF_ONE else []),
}
"""What each prints; tests/once/test_examples.py holds that none is left out."""

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return what runs a program as a command line does."""

    def program(name: str, *arguments: object) -> None:
        monkeypatch.setattr(sys, "argv", [str(EXAMPLES / name), *map(str, arguments)])
        monkeypatch.chdir(EXAMPLES.parent)
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")

    return program


@pytest.mark.parametrize("name", PRINTED)
def test_example(name: str, run: Callable[..., None], capsys: pytest.CaptureFixture) -> None:
    run(name)
    assert capsys.readouterr().out.strip() == PRINTED[name]


@pytest.mark.parametrize(
    ("name", "pattern", "least"),
    [  # each takes 10 s of CPU
        pytest.param("denoise.py", r"SI-SDR.*: (.*) dB noisy, (.*) dB denoised", 2.0, marks=mostly_on("tensorflow")),
        pytest.param("vocode.py", r"mel loss.*: (.*) untrained, (.*) trained", -0.5, marks=mostly_on("jax")),
    ],
)
def test_training(
    name: str, pattern: str, least: float, run: Callable[..., None], capsys: pytest.CaptureFixture
) -> None:
    run(name)
    (found,) = re.findall(pattern, capsys.readouterr().out)
    before, after = map(float, found)
    assert after > before + least if least > 0 else after < before + least


def test_stream_file(run: Callable[..., None], capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    path = tmp_path / "noise.wav"
    soundfile.write(path, 0.1 * np.random.default_rng(0).standard_normal((22050, 2)), 44100)
    run("stream_file.py", path)
    first, *lines, last = capsys.readouterr().out.splitlines()
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
        (["no.wav"], "no.wav: no such file."),
        (["README.md"], "README.md: not audio that can be read"),
        (["--preset", "whisper"], "'whisper' cannot be streamed, because it needs the whole clip for"),
        (["--preset", "kaldi"], "Use 'kaldi_mfcc' or 'kaldi_fbank'"),
    ],
)
def test_stream_file_says_what_is_wrong(
    arguments: list[str], said: str, run: Callable[..., None], capsys: pytest.CaptureFixture
) -> None:
    with pytest.raises(SystemExit) as end:
        run("stream_file.py", *arguments)
    line = str(end.value.code)  # a text: Python prints it as an error, and ends with 1
    assert line.startswith("stream_file.py: ")
    assert said in line
    assert "\n" not in line
    assert capsys.readouterr().out == ""
