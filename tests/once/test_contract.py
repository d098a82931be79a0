"""Names, order and defaults of the published package's arguments, written out; new ones come after them."""

from __future__ import annotations

import inspect
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

import kapre

ROOT = Path(__file__).resolve().parents[2]
REQUIRED = inspect.Parameter.empty

_FRAMING = dict(n_fft=2048, win_length=None, hop_length=None)
_COMMON = dict(input_shape=None, **_FRAMING, window_name=None, pad_begin=False, pad_end=False)
_FORMATS = dict(input_data_format="default", output_data_format="default")
_DB = dict(return_decibel=False, db_amin=1e-5, db_ref_value=1.0, db_dynamic_range=80.0, **_FORMATS)
_DECIBEL = dict(ref_value=1.0, amin=1e-5, dynamic_range=80.0)

PUBLISHED: dict[str, dict[str, Any]] = {
    "backend.get_window_fn": dict(window_name=None),
    "backend.validate_data_format_str": dict(data_format=REQUIRED),
    "backend.magnitude_to_decibel": dict(x=REQUIRED, **_DECIBEL),
    "backend.filterbank_mel": dict(
        sample_rate=REQUIRED, n_freq=REQUIRED, n_mels=128, f_min=0.0, f_max=None, htk=False, norm="slaney"
    ),
    "backend.filterbank_log": dict(
        sample_rate=REQUIRED, n_freq=REQUIRED, n_bins=84, bins_per_octave=12, f_min=None, spread=0.125
    ),
    "backend.mu_law_encoding": dict(signal=REQUIRED, quantization_channels=REQUIRED),
    "backend.mu_law_decoding": dict(signal_mu=REQUIRED, quantization_channels=REQUIRED),
    "time_frequency.STFT": dict(**_FRAMING, window_name=None, pad_begin=False, pad_end=False, **_FORMATS),
    "time_frequency.InverseSTFT": dict(**_FRAMING, forward_window_name=None, **_FORMATS),
    "time_frequency.Magnitude": dict(),
    "time_frequency.Phase": dict(approx_atan_accuracy=None),
    "time_frequency.MagnitudeToDecibel": _DECIBEL,
    "time_frequency.ApplyFilterbank": dict(type=REQUIRED, filterbank_kwargs=REQUIRED, data_format="default"),
    "signal.Frame": dict(frame_length=REQUIRED, hop_length=REQUIRED, pad_end=False, pad_value=0, data_format="default"),
    "time_frequency.Delta": dict(win_length=5, mode="symmetric", data_format="default"),
    "time_frequency.ConcatenateFrequencyMap": dict(data_format="default"),
    "signal.Energy": dict(
        sample_rate=22050,
        ref_duration=0.1,
        frame_length=2205,
        hop_length=1102,
        pad_end=False,
        pad_value=0,
        data_format="default",
    ),
    "signal.MuLawEncoding": dict(quantization_channels=REQUIRED),
    "signal.MuLawDecoding": dict(quantization_channels=REQUIRED),
    "signal.LogmelToMFCC": dict(n_mfccs=20, data_format="default"),
    "time_frequency_tflite.STFTTflite": dict(**_FRAMING, window_name=None, pad_begin=False, pad_end=False, **_FORMATS),
    "time_frequency_tflite.MagnitudeTflite": dict(),
    "time_frequency_tflite.PhaseTflite": dict(approx_atan_accuracy=None),
    "augmentation.ChannelSwap": dict(data_format="default"),
    "augmentation.SpecAugment": dict(
        freq_mask_param=REQUIRED,
        time_mask_param=REQUIRED,
        n_freq_masks=1,
        n_time_masks=1,
        mask_value=0.0,
        data_format="default",
    ),
    "composed.get_stft_mag_phase": {**_COMMON, "input_shape": REQUIRED, **_DB, "name": "stft_mag_phase"},
    "composed.get_frequency_aware_conv2d": dict(
        data_format="default", freq_aware_name="frequency_aware_conv2d", args=REQUIRED
    ),
    "composed.get_stft_magnitude_layer": dict(**_COMMON, **_DB, name="stft_magnitude"),
    "composed.get_melspectrogram_layer": dict(
        **_COMMON,
        sample_rate=22050,
        n_mels=128,
        mel_f_min=0.0,
        mel_f_max=None,
        mel_htk=False,
        mel_norm="slaney",
        **_DB,
        name="melspectrogram",
    ),
    "composed.get_log_frequency_spectrogram_layer": dict(
        **_COMMON,
        sample_rate=22050,
        log_n_bins=84,
        log_f_min=None,
        log_bins_per_octave=12,
        log_spread=0.125,
        **_DB,
        name="log_frequency_spectrogram",
    ),
    "composed.get_perfectly_reconstructing_stft_istft": dict(
        stft_input_shape=None,
        istft_input_shape=None,
        **_FRAMING,
        forward_window_name=None,
        waveform_data_format="default",
        stft_data_format="default",
        stft_name="stft",
        istft_name="istft",
    ),
}


@pytest.mark.parametrize("path", list(PUBLISHED))
def test_published_arguments(path: str) -> None:
    module, name = path.split(".")
    value = getattr(getattr(kapre, module), name)
    parameters = inspect.signature(value).parameters.values()
    ours = [(p.name, p.default) for p in parameters if p.kind is not p.VAR_KEYWORD]
    published = list(PUBLISHED[path].items())
    assert ours[: len(published)] == published
    assert all(default is not REQUIRED for _, default in ours[len(published) :])
    if module != "backend":
        assert getattr(kapre, name) is value


def test_every_test_that_the_contract_page_names_exists() -> None:
    page = (ROOT / "docs" / "contract.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", page)
    assert len(named) > 50
    for path, function in named:
        text = (ROOT / path).read_text(encoding="utf-8")
        assert function == "" or f"def {function}(" in text, f"{path}::{function}"


def test_extras_are_single_words_and_every_one_named_exists() -> None:
    # Before 23.3 pip looks for an extra `a_b` as `a-b`, finds none, warns, and installs nothing of it.
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    assert all(name.isalnum() and name.islower() for name in extras), list(extras)
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    found: set[str] = set()
    for name in listed.split("\0"):
        if name.endswith((".py", ".md", ".toml", ".txt")) and "CHANGELOG" not in name:
            text = (ROOT / name).read_text(encoding="utf-8")
            for group in re.findall(r"kapre\[([a-z][a-z_,-]*)\]", text):
                found |= set(group.split(","))
    assert {"audio", "arrayrecord", "jax"} <= found
    assert found <= set(extras)


def test_no_upper_pins() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(name for extra in project["optional-dependencies"].values() for name in extra),
    ]
    assert wanted
    assert not [requirement for requirement in wanted if "<" in requirement or "==" in requirement]
