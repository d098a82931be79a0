"""Models that Kapre 0.4.1 saved, exported: LiteRT of builtin operations and ONNX give that package's own outputs."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

import kapre
from tests.conftest import mostly_on
from tests.export.models import ON_EDGE, runner
from tests.test_published import ARCHIVES

CASES = [
    "trained_functional_channels_last",
    pytest.param("helper_mel_channels_last", marks=mostly_on("tensorflow")),
    pytest.param("helper_magnitude_channels_last", marks=mostly_on("tensorflow")),
]


@pytest.mark.parametrize("suffix", ON_EDGE)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.filterwarnings("ignore:.*filter bank bands hold no")
def test_exported(case: str, suffix: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(ARCHIVES["0.4.1"]) as archive:
        archive.extract(f"{case}.keras", tmp_path)
        with np.load(io.BytesIO(archive.read(f"{case}.npz"))) as stored:
            x, y = stored["x"], stored["y"]
    model = keras.models.load_model(tmp_path / f"{case}.keras", compile=False)
    report = kapre.export(model, tmp_path / f"{case}{suffix}")
    assert report.rewritten
    got = runner(Path(report.path))(x.astype("float32"))
    if case.startswith("helper_magnitude"):
        got, y = 10 ** (got / 10), 10 ** (y / 10)  # next to a zero of the spectrum a logarithm magnifies rounding
    assert got.shape == y.shape
    assert np.abs(got - y).max() <= 1e-5 * np.abs(y).max()
