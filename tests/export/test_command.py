"""`kapre export` and `kapre info` of what it wrote: the table, JSON, exit codes, errors of one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import kapre
from tests.command import run
from tests.conftest import BACKEND
from tests.export.models import network


def test_a_saved_model_and_what_the_file_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network().save(tmp_path / "model.keras")
    path = tmp_path / "model.onnx"
    assert run("export", tmp_path / "model.keras", path, "--class-names", "yes, no, stop, go") == 0
    printed = capsys.readouterr()
    assert f"written by {BACKEND}" in printed.out
    assert "samples (dynamic, dynamic, 1)" in printed.out
    assert "DFT of 512 points by strided convolutions" in printed.out
    assert "3, 20011, 1" in printed.out
    assert "ms on one thread" in printed.out
    assert printed.err == ""
    assert run("info", path) == 0
    printed = capsys.readouterr()
    for words in ("16000 Hz", "yes, no, stop, go", "n_mels=40"):
        assert words in printed.out
    assert run("info", "--json", path) == 0
    assert json.loads(capsys.readouterr().out)["metadata"]["class_names"] == ["yes", "no", "stop", "go"]


# ".pte", which takes long, is written by the command in tools/check_packages.py.
OF_OTHERS = [pytest.param(suffix, marks=pytest.mark.thorough) for suffix in (".pt2", ".stablehlo")]


@pytest.mark.parametrize("suffix", [".onnx", ".tflite", ".xml", "", *OF_OTHERS])
def test_a_preset_in_every_format(suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / f"fbank{suffix}"
    assert run("export", "--preset", "kaldi_fbank", "-o", path, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["max_error"] <= 5e-4
    assert report["outputs"] == {"features": [None, None, 80]}
    assert run("info", path) == 0
    assert "preemphasis=0.97" in capsys.readouterr().out


def test_a_recipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("presets", "nemo") == 0
    (tmp_path / "nemo.json").write_text(capsys.readouterr().out, encoding="utf-8")
    assert run("export", "--recipe", tmp_path / "nemo.json", "-o", tmp_path / "nemo.onnx", "--no-check") == 0
    assert "not run: its numbers are not known" in capsys.readouterr().out


def test_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "no.keras").write_text("no model")
    (tmp_path / "there.onnx").write_text("mine")
    small = tmp_path / "small.json"
    small.write_text(kapre.Recipe(n_fft=64, hop_length=32, sample_rate=8000).to_json(), encoding="utf-8")
    (tmp_path / "no.onnx").write_text("no model")
    cases: list[tuple[list[object], int, str]] = [
        (["export"], 2, "give one of MODEL, --preset, --recipe and --from"),
        (["export", "--preset", "kaldi_fbank"], 2, "give the file to write once"),
        (["export", "--preset", "whispr", "-o", tmp_path / "w.onnx"], 2, "whisper"),
        (["export", tmp_path / "absent.keras", tmp_path / "a.onnx"], 2, "no such file"),
        (["export", tmp_path / "no.keras", tmp_path / "a.onnx"], 1, "Keras cannot load it"),
        (["export", tmp_path / "no.onnx", tmp_path / "a.onnx"], 2, "not a model that Keras saved"),
        (["export", "--preset", "kaldi_fbank", "-o", tmp_path / "a.bin"], 2, "whose suffix says the format"),
        (["export", "--preset", "kaldi_fbank", "-o", tmp_path / "there.onnx"], 2, "Use --overwrite"),
        (["export", "--recipe", small, "-o", tmp_path / "a.onnx", "--tolerance", "1e-12"], 1, "differ from"),
        (["export", tmp_path / "no.keras", tmp_path / "no.keras"], 2, "the model itself"),
        (["info", tmp_path / "no.keras"], 1, "a model of Keras'"),
        (["info", tmp_path / "no.onnx"], 1, "cannot be read as an exported model"),
        (["info", tmp_path / "absent.tflite"], 2, "there is no such file"),
    ]
    for words, code, message in cases:
        assert run(*words) == code, words
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.count("\n") == 1
        assert message in printed.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["no.keras", "no.onnx", "small.json", "there.onnx"]
