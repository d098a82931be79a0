"""The command's numbers on each backend; all else about it is in tests/once/test_cli.py."""

from __future__ import annotations

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
