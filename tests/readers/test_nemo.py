"""Files of NeMo: the fields of its preprocessor, against librosa, torchaudio and transformers' Parakeet."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kapre
from kapre.frontends import SourceError
from kapre.frontends.readers import nemo
from tests.clips import clip
from tests.conftest import to_numpy
from tests.readers.by_libraries import by_nemo
from tests.readers.extractors import compute, make
from tests.references._registry import double, torchaudio

CONFORMER = """
sample_rate: 16000
preprocessor:
  _target_: nemo.collections.asr.modules.AudioToMelSpectrogramPreprocessor
  sample_rate: ${sample_rate}
  normalize: per_feature
  window_size: 0.025
  window_stride: 0.01
  window: hann
  features: 80
  n_fft: 512
  log: true
  frame_splicing: 1
  dither: 1e-05
  pad_to: 0
  pad_value: 0.0
encoder:
  feat_in: 80
nemo_version: %s
"""
"""The section as Conformers of NeMo have it (stt_en_conformer_ctc_large), with the version that wrote it."""


def written(folder: Path, text: str = CONFORMER, version: str = "2.4.0") -> Path:
    path = folder / "model_config.yaml"
    path.write_text(text % version if "%s" in text else text, encoding="utf-8")
    return path


def section(**fields: Any) -> dict[str, Any]:
    return {"preprocessor": {"pad_to": 0, **fields}}


def features(recipe: kapre.Recipe, x: np.ndarray) -> np.ndarray:
    return to_numpy(kapre.Frontend(recipe)(x[None].astype("float32")))[0]


FIELDS: list[dict[str, Any]] = [
    {},
    dict(window_size=0.025, n_fft=512, features=80),
    dict(window="hamming", features=40),
    dict(window="blackman", preemph=None),
    dict(window=None, window_size=0.032),
    dict(lowfreq=60, highfreq=7000, mel_norm=None),
    dict(mag_power=1.0, normalize=None),
    dict(log=False, normalize=None),
    dict(log_zero_guard_type="clamp", log_zero_guard_value=1e-5, normalize=None),
    dict(pad_to=16),
    dict(sample_rate=22050, window_size=0.0464, window_stride=0.0116, features=80),
    dict(preemph=0.9, window_stride=0.02),
]


@pytest.mark.parametrize("old", [False, True], ids=["since 2.3", "until 2.2"])
@pytest.mark.parametrize("fields", FIELDS, ids=str)
def test_fields(fields: dict[str, Any], old: bool) -> None:
    x = clip("speech", 30011, fields.get("sample_rate", 16000))
    data = {**section(**fields), "nemo_version": "1.23.0" if old else "2.3.1"}
    y, expected = features(kapre.Recipe.from_pretrained(data), x), by_nemo(x, old, **fields)
    assert y.shape == expected.shape
    if fields.get("log", True):
        assert np.abs(y - expected).max() <= 2e-3
    else:
        assert np.abs(y - expected).max() <= 1e-5 * np.abs(expected).max()


def test_fixed_statistics() -> None:
    rng = np.random.default_rng(0)
    fixed = dict(fixed_mean=list(rng.normal(-8, 1, 64)), fixed_std=list(rng.uniform(2, 4, 64)))
    data = {**section(normalize=fixed), "nemo_version": "1.20.0"}
    x = clip("speech", 30011, 16000)
    expected = by_nemo(x, True, normalize=fixed)
    assert np.abs(features(kapre.Recipe.from_pretrained(data), x) - expected).max() <= 2e-3


def test_the_features_of_a_vocoder() -> None:
    """FastPitch and HiFi-GAN name the class itself, pad by the hop, and take magnitudes."""
    fields = dict(nfilt=80, n_window_size=1024, n_window_stride=256, n_fft=1024, sample_rate=22050, lowfreq=0)
    fields |= dict(highfreq=8000, mag_power=1.0, preemph=None, normalize=None, exact_pad=True, use_grads=False)
    fields |= dict(log_zero_guard_type="clamp", log_zero_guard_value=1e-5, pad_to=1, pad_value=-11.52, dither=0.0)
    target = "nemo.collections.asr.parts.preprocessing.features.FilterbankFeatures"
    data = {"preprocessor": {"_target_": target, **fields}, "nemo_version": "1.10.0"}
    recipe = kapre.Recipe.from_pretrained(data)
    x = clip("speech", 30011, 22050)
    given = dict(sample_rate=22050, window_size=1024 / 22050 + 1e-9, window_stride=256 / 22050 + 1e-9, features=80)
    given |= dict(highfreq=8000, mag_power=1.0, preemph=None, normalize=None, exact_pad=True)
    given |= dict(log_zero_guard_type="clamp", log_zero_guard_value=1e-5)
    expected = by_nemo(x, True, **given)
    assert np.abs(features(recipe, x) - expected).max() <= 2e-3


@pytest.mark.parametrize("log", [True, False])
def test_mfcc(log: bool) -> None:
    import torch

    fields = dict(window_size=0.025, n_mels=64, n_mfcc=40, n_fft=512, log=log)
    target = "nemo.collections.asr.modules.AudioToMFCCPreprocessor"
    recipe = kapre.Recipe.from_pretrained({"preprocessor": {"_target_": target, **fields}})
    x = clip("speech", 30011, 16000)
    with double():
        kwargs = dict(n_fft=512, win_length=400, hop_length=160, n_mels=64)
        made = torchaudio().transforms.MFCC(16000, n_mfcc=40, log_mels=log, melkwargs=kwargs)
        expected = made(torch.tensor(x)).numpy()
    assert np.abs(features(recipe, x) - expected).max() <= 2e-3 * (1 if log else 4.343)


def test_parakeet_in_transformers_is_the_same(tmp_path: Path) -> None:
    x = clip("speech", 30011, 16000)
    expected = compute("ParakeetFeatureExtractor", make("ParakeetFeatureExtractor", {}), x).T
    found = kapre.Frontend.from_pretrained(written(tmp_path))
    assert np.abs(to_numpy(found(x[None].astype("float32")))[0] - expected).max() <= 2e-3


def test_a_folder_a_file_and_an_archive_say_the_same(tmp_path: Path) -> None:
    path = written(tmp_path)
    expected = kapre.Frontend.from_preset("nemo").recipe.replace(dither=1e-5)
    found = [kapre.Recipe.from_pretrained(tmp_path), kapre.Recipe.from_pretrained(str(path))]
    for mode in ("w", "w:gz"):
        archive = tmp_path / "model.nemo"
        with tarfile.open(archive, mode) as tar:  # type: ignore[call-overload]
            other = tarfile.TarInfo("../outside.txt")
            other.size = 3
            tar.addfile(other, io.BytesIO(b"abc"))
            tar.add(path, "./model_config.yaml")
        found.append(kapre.Recipe.from_pretrained(archive))
    assert found == [expected] * 4
    assert not (tmp_path.parent / "outside.txt").exists()


def test_the_version_decides_the_ends(tmp_path: Path) -> None:
    old = kapre.Frontend.from_pretrained(written(tmp_path, version="1.21.0"))
    assert old.recipe == kapre.Frontend.from_preset("nemo_v1").recipe.replace(dither=1e-5)
    assert old.source is not None
    assert any("nemo_v1" in note or "2.3" in note for note in old.source.notes)


def test_a_training_run_nests_the_model() -> None:
    inner = section(window_size=0.025, features=80, sample_rate="${model.sample_rate}")
    data = {"name": "x", "model": {"sample_rate": 16000, **inner}, "trainer": {}}
    assert kapre.Recipe.from_pretrained(data).n_mels == 80


def test_parameters_of_the_first_form() -> None:
    data = {"preprocessor": {"cls": "AudioToMelSpectrogramPreprocessor", "params": {"features": 40, "pad_to": 16}}}
    recipe = kapre.Recipe.from_pretrained(data)
    assert (recipe.n_mels, recipe.frames_multiple) == (40, 16)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (dict(planted_gain=2.0), "NeMo \\(AudioToMelSpectrogramPreprocessor\\) has no field planted_gain=2.0"),
        (dict(normalize="all_features"), "`normalize` must be 'per_feature', null"),
        (dict(frame_splicing=3), "`frame_splicing` must be 1; received frame_splicing=3"),
        (dict(mag_power=1.5), "`mag_power` must be 1.0 or 2.0"),
        (dict(window="kaiser"), "`window` must be"),
        (dict(pad_value=1.0), "`pad_value` must be 0.0"),
        (dict(exact_pad=True), "Add the nemo_version"),
        (dict(use_torchaudio=True), "`use_torchaudio` must be False"),
        (dict(sample_rate="${nothing}"), "the reference \\${nothing} names nothing"),
        (dict(window_size=0.0), "`window_size` must be at least one sample"),
        (dict(log_zero_guard_value="x"), "`log_zero_guard_value` must be a positive number"),
        (dict(_target_="nemo.collections.asr.modules.AudioToSpectrogramPreprocessor"), "`_target_` must be one of"),
    ],
)
def test_what_cannot_be_expressed_is_named(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(SourceError, match=words):
        kapre.Recipe.from_pretrained(section(**fields))


def test_a_planted_field_of_an_mfcc() -> None:
    with pytest.raises(SourceError, match="no field planted_gain"):
        kapre.Recipe.from_pretrained({"preprocessor": {"cls": nemo.MFCC, "planted_gain": 2.0}})
