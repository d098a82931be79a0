"""What needs the published front ends themselves; the oldest versions are tested without them."""

from __future__ import annotations

import json
from pathlib import Path

import kaldi_native_fbank
import numpy as np
import pytest
import soundfile

from tests.command import run
from tools import presets

SPEECH = Path(__file__).parents[2] / "examples" / "audio" / "speech.flac"


def test_kaldi_s_own_features_of_a_clean_recording_are_equal(tmp_path: Path) -> None:
    """Without a noise floor, both sides' float32 leaves more than the tolerance in a few values."""
    samples, _ = soundfile.read(SPEECH, dtype="float32")
    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.dither = 0.0
    options.mel_opts.num_bins = 80
    fbank = kaldi_native_fbank.OnlineFbank(options)
    fbank.accept_waveform(16000, (samples * 32768.0).tolist())
    fbank.input_finished()
    features = np.stack([fbank.get_frame(i) for i in range(fbank.num_frames_ready)])
    np.save(tmp_path / "kaldi.npy", features)
    assert run("compare", "kaldi_fbank", tmp_path / "kaldi.npy", "--audio", SPEECH) == 0
    np.save(tmp_path / "off.npy", features + 0.011 * (np.arange(features.size).reshape(features.shape) == 7))
    assert run("compare", "kaldi_fbank", tmp_path / "off.npy", "--audio", SPEECH, "--seconds", 0) == 1


def test_measurements_are_merged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for backend, value in (("jax", 0.00012345), ("torch", 1.0)):
        for name in ("kaldi_fbank_no_snip", "nemo"):
            text = json.dumps({"package": "librosa 1 f", "speech": value})
            (tmp_path / f"{name}.float32.{backend}.json").write_text(text)
    monkeypatch.setattr(presets, "ROOT", tmp_path)
    monkeypatch.setattr(presets, "AGREEMENT", tmp_path / "agreement.json")
    presets.merge(tmp_path)
    first, second = json.loads((tmp_path / "agreement.json").read_text(encoding="utf-8"))["measured"]
    assert (first["preset"], first["changes"]) == ("kaldi_fbank", {"snip_edges": False})
    assert first["backends"] == {"jax": {"speech": 0.00012}, "torch": {"speech": 1.0}}
    assert (second["preset"], second["unit"]) == ("nemo", "normalised")
    assert presets.on_speech("nemo") == "1.0e+00"
    assert presets.on_speech("kaldi_fbank") == "not measured"
