"""`--from` of the command: the front end of a published model's folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import kapre
from tests.clips import AUDIO
from tests.command import run

SPEECH = AUDIO / "speech.flac"
CONFIG = {"feature_extractor_type": "WhisperFeatureExtractor", "feature_size": 64, "chunk_length": 5, "dither": 0.1}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "preprocessor_config.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    return folder


def test_presets_prints_the_recipe_and_the_nearest_preset(model: Path, capfd: pytest.CaptureFixture) -> None:
    assert run("presets", "--from", model) == 0
    printed = capfd.readouterr()
    recipe = kapre.Recipe.from_json(printed.out)
    assert recipe == kapre.Recipe.from_pretrained(model)
    lines = [" ".join(line.split()) for line in printed.err.splitlines()]
    assert lines[0].endswith("preprocessor_config.json, read by Hugging Face (WhisperFeatureExtractor)")
    assert lines[1] == "nearest preset whisper"
    assert {"n_mels 64, where the preset has 80", "fixed_samples 80000, where the preset has 480000"} <= set(lines)
    assert "ignored feature_extractor_type: names a class" in lines
    assert any(line.startswith("note transformers adds dither") for line in lines)

    assert run("presets", "--from", model, "--json") == 0
    told = json.loads(capfd.readouterr().out)
    assert told["nearest_preset"] == "whisper"
    assert told["differences"]["n_mels"] == [80, 64]
    assert told["honoured"]["chunk_length"] == 5
    assert kapre.Recipe.from_json(json.dumps(told["recipe"])) == recipe


def test_a_model_that_is_a_preset(model: Path, capfd: pytest.CaptureFixture) -> None:
    text = json.dumps({"feature_extractor_type": "WhisperFeatureExtractor"})
    (model / "preprocessor_config.json").write_text(text, encoding="utf-8")
    assert run("presets", "--from", model) == 0
    assert "nearest preset  whisper: the same recipe" in capfd.readouterr().err


def test_show_and_compare(model: Path, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    features = tmp_path / "features.npz"
    assert run("show", SPEECH, "--from", model, "--features", features, "-o", tmp_path / "x.png") == 0
    with np.load(features) as stored:
        assert stored["features"].shape == (64, 500)
    assert run("compare", features, "--from", model, "--audio", SPEECH) == 0
    assert "they are equal" in capfd.readouterr().out


def test_extract(model: Path, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    assert run("extract", SPEECH, "-o", tmp_path / "store", "--from", model) == 0
    assert kapre.corpus.read(tmp_path / "store").recipe == kapre.Recipe.from_pretrained(model)


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (["presets", "--from", "{folder}/none"], 2, "no such file or folder"),
        (["presets", "--from", "{folder}"], 1, "none of its files describes a front end"),
        (["presets", "--from", "{bad}"], 1, "has no field gain=2"),
        (["presets", "whisper", "--from", "{model}"], 2, "Give one."),
        (["show", "{wav}", "--from", "{model}", "--preset", "nemo"], 2, "--preset and --from each say what to compute"),
        (["show", "{wav}", "--from", "{model}", "--n-fft", "512"], 2, "--n-fft cannot go with --from"),
        (["show", "{folder}", "--row", "0", "--from", "{model}"], 2, "--row goes with a store"),
        (["show", "{wav}", "--from", "{bad}"], 1, "has no field gain=2"),
        (["extract", "{wav}", "-o", "{folder}/s"], 2, "give one of --preset NAME, --recipe FILE and --from DIR"),
        (["extract", "{wav}", "-o", "{folder}/s", "--from", "{model}", "--preset", "nemo"], 2, "give one of"),
        (["extract", "{wav}", "-o", "{folder}/s", "--from", "{bad}"], 1, "has no field gain=2"),
        (["export", "--from", "{bad}", "-o", "{folder}/x.onnx"], 1, "has no field gain=2"),
        (["export", "--from", "{model}", "--preset", "nemo", "-o", "{folder}/x.onnx"], 2, "give one of MODEL"),
        (["compare", "a.npy"], 2, "give A and B to compare, or --from DIR and the features"),
        (["compare", "a.npy", "b.npy", "--from", "{model}"], 2, "give A and B to compare, or --from DIR"),
        (["compare", "a.npy", "--from", "{model}"], 2, "which needs audio"),
    ],
)
def test_errors_are_one_line(
    words: list[str], code: int, error: str, model: Path, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps({**CONFIG, "gain": 2}), encoding="utf-8")
    found = run(*(word.format(folder=tmp_path, model=model, wav=SPEECH, bad=bad) for word in words))
    printed = capfd.readouterr().err
    assert found == code, printed
    assert error in printed
    assert len(printed.splitlines()) == 1
