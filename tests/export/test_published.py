"""Models that Kapre 0.4.1 saved, exported: LiteRT of builtin operations and ONNX give that package's own outputs."""

from __future__ import annotations

from pathlib import Path

import keras
import pytest

import kapre
from tests.conftest import mostly_on
from tests.export.models import ON_EDGE, runner
from tests.published import assert_same, stored

CASES = [
    "trained_functional_channels_last",
    pytest.param("helper_mel_channels_last", marks=mostly_on("tensorflow")),
    pytest.param("helper_magnitude_channels_last", marks=mostly_on("tensorflow")),
]


@pytest.mark.parametrize("suffix", ON_EDGE)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.filterwarnings("ignore:.*filter bank bands hold no")
def test_exported(case: str, suffix: str, tmp_path: Path) -> None:
    path, x, y = stored("0.4.1", f"{case}.keras", tmp_path)
    model = keras.models.load_model(path, compile=False)
    report = kapre.export(model, tmp_path / f"{case}{suffix}")
    assert report.rewritten
    assert_same(case, runner(Path(report.path))(x.astype("float32")), y)
