"""Every preset against independent implementations: frame counts at awkward lengths, and numbers."""

from __future__ import annotations

import json
import os
from pathlib import Path

import librosa
import numpy as np
import pytest

import kapre
from tests.clips import KINDS, bound, clip
from tests.conftest import BACKEND, float64
from tests.frontends.agreement import VARIANTS, compare, preset_of, runner, twelve
from tests.references import REFERENCES

# Without noise under it, a sweep leaves bands that hold nothing but rounding: see `test_in_float64`.
NOISY = tuple(kind for kind in KINDS if kind != "sweep")


def record(name: str, dtype: str, found: dict[str, float]) -> None:
    """Keep what was measured for the docs' table: `make agreement`."""
    folder = os.environ.get("KAPRE_AGREEMENT")
    if folder:
        path = Path(folder) / f"{name}.{dtype}.{BACKEND}.json"
        path.write_text(json.dumps({"package": REFERENCES[name].described(), **found}), encoding="utf-8")


def test_every_preset_has_a_reference() -> None:
    without = {"nemo_v1"}  # a version of NeMo that no installable package has: below, with librosa
    assert set(kapre.list_presets()) - without <= set(REFERENCES)
    for name in REFERENCES:
        assert len(twelve(preset_of(name))) >= 12


@pytest.mark.parametrize("name", [*sorted(set(kapre.list_presets()) & set(REFERENCES)), *VARIANTS])
def test_as_published(name: str) -> None:
    found = compare(name, "float32", NOISY)
    record(name, "float32", found)
    for kind, value in found.items():
        assert value <= bound(kind), found


@pytest.mark.parametrize("name", [name for name, reference in REFERENCES.items() if reference.float64])
def test_in_float64(name: str) -> None:
    """Where the reference computes in float64, so do we, and the rounding that hides a wrong choice is gone."""
    found = compare(name, "float64")
    record(name, "float64", found)
    assert max(found.values()) <= 1e-4, found


@pytest.mark.parametrize("n", [400, 1599, 1600, 1601, 16001])
def test_nemo_before_2025(n: int) -> None:
    x = clip("speech", n, 16000)
    emphasised = np.concatenate([x[:1], x[1:] - 0.97 * x[:-1]])
    window = np.pad(np.hanning(400), 56)
    spectrum = librosa.stft(
        np.pad(emphasised, 256, mode="reflect"), n_fft=512, hop_length=160, window=window, center=False
    )
    bank = librosa.filters.mel(sr=16000, n_fft=512, n_mels=80, dtype=np.float64)
    logs = np.log(bank @ np.abs(spectrum) ** 2 + 2.0**-24)
    expected = (logs - logs.mean(axis=1, keepdims=True)) / (logs.std(axis=1, ddof=1, keepdims=True) + 1e-5)
    recipe = kapre.frontends.preset("nemo_v1").recipe
    with float64():
        got = runner(recipe, "float64")(x[None])[0]
    assert got.shape == expected.shape == (80, n // 160 + 1)
    assert np.abs(got - expected).max() <= 1e-6
