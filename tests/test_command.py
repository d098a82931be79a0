"""The command's numbers on each backend; all else about it is in tests/once/test_cli.py."""

from __future__ import annotations

import json
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile

from tests.command import run
from tests.conftest import BACKEND, chirp


def test_show_gives_librosas_numbers(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    x = chirp(1, 16000)[0, :, 0].astype("float32")
    soundfile.write(tmp_path / "x.wav", x, 16000, subtype="FLOAT")
    assert run("show", tmp_path / "x.wav", "--features", tmp_path / "f.npz", "--no-decibel") == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert f"on {BACKEND}," in out
    power = librosa.feature.melspectrogram(y=x, sr=16000, hop_length=512, center=False)
    with np.load(tmp_path / "f.npz") as stored:
        np.testing.assert_allclose(stored["features"][..., 0].T, power, atol=2e-6 * power.max())


def test_augment_gives_the_layers_numbers(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    x = chirp(1, 4000)[0, :, 0].astype("float32")
    soundfile.write(tmp_path / "x.wav", x, 16000, subtype="FLOAT")
    words = ["augment", tmp_path / "x.wav", "--copies", 2, "--seed", 1, "--parameters", tmp_path / "p.json"]
    words += ["--with", "RandomGain:max_gain_db=0", "--with", "RandomShift", "--picture", tmp_path / "x.png"]
    assert run(*words, "-o", tmp_path / "a") == 0
    assert run("augment", tmp_path / "x.wav", "--replay", tmp_path / "p.json", "-o", tmp_path / "b") == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert f"on {BACKEND}" in out
    gain, shift = json.loads((tmp_path / "p.json").read_text())["files"][0]["parameters"]
    for copy in range(2):
        expected = 10 ** (gain["gain_db"][copy][0] / 20) * np.roll(x, shift["shift_samples"][copy][0])
        for folder in "ab":
            y, _ = soundfile.read(tmp_path / folder / f"x.{copy + 1}.wav", dtype="float32")
            np.testing.assert_allclose(y, expected, atol=1e-6)
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


def test_show_writes_what_a_model_hears(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    """The sound has the features of the recording, its length and its level."""
    x = 0.5 * chirp(1, 8000)[0, :, 0].astype("float32")
    soundfile.write(tmp_path / "x.wav", x, 16000, subtype="FLOAT")
    options = "--preset", "kaldi_fbank", "--listen", tmp_path / "y.wav", "--features", tmp_path / "x.npz"
    assert run("show", tmp_path / "x.wav", *options, "-o", tmp_path / "x.png") == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert "  The phases are lost: Griffin-Lim estimates others.\n" in out
    y, rate = soundfile.read(tmp_path / "y.wav", dtype="float32")
    assert (y.shape, rate) == (x.shape, 16000)
    assert abs(np.square(y).sum() / np.square(x).sum() - 1.0) <= 1e-4
    assert run("show", tmp_path / "y.wav", "--preset", "kaldi_fbank", "--features", tmp_path / "y.npz") == 0
    right, got = (np.load(tmp_path / f"{name}.npz")["features"] for name in "xy")
    loud = right > right.max() - 7.0  # 30 dB
    assert np.abs(got - right)[loud].mean() <= 0.5
