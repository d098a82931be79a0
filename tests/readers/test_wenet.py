"""Files of WeNet, against torchaudio's Kaldi and librosa, with NumPy for statistics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kapre
from tests.conftest import BACKEND
from tests.readers.by_libraries import by_wenet, cmvn
from tests.readers.configurations import SAMPLES, check, check_hostile, refused, statistics, texts

TEXTS = texts("wenet")


PUBLISHED: dict[str, tuple[str, bool, dict[str, Any]]] = {
    "aishell_u2pp_conformer": ("fbank", True, dict(num_mel_bins=80)),
    "wenetspeech_conformer": ("fbank", True, dict(num_mel_bins=80)),
    "librispeech_conformer": ("fbank", False, dict(num_mel_bins=80)),
    "whisper_large_v3": ("log_mel_spectrogram", False, dict(num_mel_bins=128)),
    "telephone_8k": ("fbank", False, dict(num_mel_bins=40, window_type="hamming", rate=8000)),
    "kws_mfcc": ("mfcc", False, dict(num_mel_bins=80, num_ceps=80)),
}


def test_every_text_is_compared() -> None:
    assert set(TEXTS) == set(PUBLISHED)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_files(name: str, tmp_path: Path) -> None:
    kind, names_statistics, fields = PUBLISHED[name]
    (tmp_path / "train.yaml").write_text(TEXTS[name].read_text(encoding="utf-8"), encoding="utf-8")
    if names_statistics:
        refused(tmp_path, "`cmvn_file` names the file .*, which is not there")
    else:
        check(kapre.Recipe.from_pretrained(tmp_path), lambda x: by_wenet(x, kind, **fields))
    if kind != "log_mel_spectrogram":
        moments = statistics(80 if kind == "mfcc" else fields["num_mel_bins"])
        (tmp_path / "global_cmvn").write_text(cmvn(*moments))
        check(kapre.Recipe.from_pretrained(tmp_path), lambda x: by_wenet(x, kind, moments, **fields))


def test_the_preset_has_the_fields_of_the_published_file() -> None:
    found = kapre.Recipe.from_pretrained(TEXTS["librispeech_conformer"])
    assert found.replace(dither=0.0) == kapre.Frontend.from_preset("wenet").recipe
    found = kapre.Recipe.from_pretrained(TEXTS["whisper_large_v3"])
    assert found.replace(layout="band_first", fixed_samples=480000) == (
        kapre.Frontend.from_preset("whisper_large_v3").recipe
    )


def drawn(seed: int) -> tuple[str, dict[str, Any]]:
    rng = np.random.default_rng(seed)
    kind = ("fbank", "mfcc", "log_mel_spectrogram")[seed % 3]
    choices: dict[str, tuple[Any, ...]] = dict(num_mel_bins=(23, 40), rate=(8000, 16000))
    if kind == "log_mel_spectrogram":
        choices |= dict(n_fft=(400, 512), hop_length=(100, 160), padding=(0, 400))
        choices |= dict(pad_or_trim=(True,), max_duration=(1, 3)) if seed % 2 else {}
    else:
        choices |= dict(frame_length=(20, 25, 32), frame_shift=(8, 10, 12.5), dither=(0.0, 1.0))
    if kind == "fbank":
        choices |= dict(window_type=("povey", "hamming", "hanning"))
    if kind == "mfcc":
        choices |= dict(num_ceps=(13, 20), low_freq=(0.0, 40.0), high_freq=(-200.0, 0.0, 3600.0))
    found = {name: values[int(rng.integers(len(values)))] for name, values in choices.items()}
    return kind, {name: value for name, value in found.items() if rng.random() < 0.8 or name == "num_ceps"}


@pytest.mark.parametrize("seed", range(20))
def test_random_fields(seed: int) -> None:
    """Shapes on every backend; numbers on PyTorch."""
    kind, fields = drawn(seed)
    section = {name: value for name, value in fields.items() if name != "rate"}
    data = dict(feats_type=kind, resample_conf={"resample_rate": fields.get("rate", 16000)})
    recipe = kapre.Recipe.from_pretrained({"dataset_conf": {**data, f"{kind}_conf": section}})
    if BACKEND == "torch":
        check(recipe, lambda x: by_wenet(x, kind, **fields))
    bands = fields.get("num_mel_bins", 80 if kind == "log_mel_spectrogram" else 23)
    assert recipe.output_shape(SAMPLES)[1] == fields.get("num_ceps", bands)


def data(**changes: Any) -> dict[str, Any]:
    return {"dataset_conf": {"fbank_conf": {"num_mel_bins": 80}, **changes}}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (data(fbank_conf={"planted_gain": 2.0}), "WeNet \\(fbank\\) has no field planted_gain=2.0"),
        (data(planted_gain=2.0), "WeNet has no field planted_gain=2.0"),
        (data(resample_conf={"planted": 1}), "has no field resample_conf.planted=1"),
        (data(feats_type="pitch"), "`feats_type` must be 'fbank' or 'mfcc'"),
        (data(fbank_conf=[1]), "`fbank_conf` must be a section"),
        (data(fbank_conf={"frame_shift": 0}), "`frame_shift` must be at least one sample long"),
        (data(feats_type="mfcc", mfcc_conf={"num_ceps": 40}), "`num_ceps` must be at most the 23 bands"),
        ({**data(), "cmvn": "other"}, "`cmvn` must be 'global_cmvn' or null"),
        ({**data(), "cmvn": "global_cmvn"}, "`cmvn_file` must be the name of a file"),
        ({**data(), "cmvn_file": "x", "is_json_cmvn": False}, "`is_json_cmvn` must be true"),
        ({**data(), "cmvn_file": "/etc/passwd"}, "names the file '/etc/passwd', which is not there"),
    ],
)
def test_what_cannot_be_expressed_is_named(source: dict[str, Any], words: str) -> None:
    refused(source, words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[ 1 2 3 ]", "no JSON"),
        ("{}", "no JSON with frame_num, mean_stat, var_stat"),
        (cmvn(*statistics(40)), "40 numbers, where a frame has 80 values"),
        ('{"mean_stat": "x", "var_stat": [1], "frame_num": 3}', "no statistics"),
        ('{"mean_stat": [1], "var_stat": [1], "frame_num": 0}', "no statistics|not finite|1 numbers"),
        (cmvn(*statistics(80), frames=0), "not finite|no statistics"),
    ],
)
def test_statistics_that_are_wrong(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "train.yaml").write_text(TEXTS["librispeech_conformer"].read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "global_cmvn").write_text(text)
    refused(tmp_path, words)


def test_hostile_files(tmp_path: Path) -> None:
    python = "dataset_conf: !!python/object/apply:os.system ['touch hacked']\n"
    new = "dataset_conf: {fbank_conf: !new:os.system {command: touch hacked}}\n"
    check_hostile(tmp_path / "train.yaml", python, new, "`fbank_conf` must be a section")
