"""Models that the published Kapre saved load as they are, and predict the same: see fixtures/make_published.py."""

from __future__ import annotations

import json
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kapre
from tests.conftest import BACKEND, to_numpy
from tests.published import ARCHIVES, assert_same, stored


@cache
def index(version: str) -> dict[str, Any]:
    with zipfile.ZipFile(ARCHIVES[version]) as archive:
        return json.loads(archive.read("index.json"))["cases"]


def saved() -> list[tuple[str, str, str]]:
    return [
        (version, case, suffix)
        for version in ARCHIVES
        for case, entry in index(version).items()
        for suffix in entry["saved"]
    ]


@pytest.mark.parametrize(("version", "case", "suffix"), saved())
@pytest.mark.filterwarnings("ignore:.*filter bank bands hold no")
@pytest.mark.filterwarnings("ignore:.*compile_metrics.*")
def test_loads_and_predicts_the_same(version: str, case: str, suffix: str, tmp_path: Path) -> None:
    path, x, y = stored(version, f"{case}.{suffix}", tmp_path)
    model = keras.models.load_model(path, compile=False)
    channels_first_on_cpu = "frequency_aware" in case and "channels_first" in case and BACKEND == "tensorflow"
    # `predict` compiles each model as a whole: once for a case, and its other files are called. (Functional models of
    # .h5 files take a list, of which `predict` alone makes nothing.)
    whole = suffix == "keras" or "functional" in case
    got = model.predict(x, verbose=0) if whole and not channels_first_on_cpu else to_numpy(model(x))
    assert got.dtype == y.dtype
    if "phase" in case:
        check_phase(case, x, got, y)
    else:
        assert_same(case, got, y)


def check_phase(case: str, x: np.ndarray, got: np.ndarray, y: np.ndarray) -> None:
    """Compare angles on the circle, where the numbers they belong to are not lost in rounding."""
    assert got.shape == y.shape
    if case.startswith("tflite_phase"):
        exact = np.arctan2(x[..., 1], x[..., 0])
        np.testing.assert_allclose(got, exact, atol=1e-5)
        return
    data_format = "channels_" + case.rsplit("_", 1)[1]
    formats = dict(input_data_format=data_format, output_data_format=data_format)
    magnitude = np.abs(to_numpy(kapre.STFT(128, 100, 40, **formats)(x)))
    if "mag_phase" in case:
        axis = 1 if data_format == "channels_first" else -1
        (first, got), (second, y) = np.split(got, 2, axis=axis), np.split(y, 2, axis=axis)
        assert np.abs(first - second).max() <= 1e-5 * second.max()
    # The phase of a bin that holds nearly nothing is any angle: weighed by what it holds.
    assert np.abs(magnitude * (np.exp(1j * got) - np.exp(1j * y))).max() <= 1e-5 * magnitude.max()


@pytest.mark.parametrize("version", list(ARCHIVES))
def test_every_layer_and_helper_is_there(version: str) -> None:
    cases = {name.rsplit("_channels_", 1)[0] for name in index(version)}
    assert not [name for name, entry in index(version).items() if not entry["saved"]]
    kinds = ["stft", "decibel", "bank_mel", "bank_log", "frame", "energy", "delta_symmetric", "mfcc", "mu_law_encoding"]
    kinds += ["frequency_map", "channel_swap", "tflite_stft", "helper_mel", "helper_mag_phase", "trained_functional"]
    if version == "0.4.1":
        kinds.append("spec_augment")
    assert set(kinds) <= cases
