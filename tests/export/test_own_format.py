"""The one format that each backend writes with nothing but itself; `make test-oldest` runs this too."""

from __future__ import annotations

from pathlib import Path

import keras
import pytest

import kapre
from tests.conftest import BACKEND

NAMES = {"jax": "model.stablehlo", "tensorflow": "model_folder", "torch": "model.pt2"}
OLD_ON_TORCH = BACKEND == "torch" and tuple(map(int, keras.__version__.split(".")[:2])) < (3, 14)


@pytest.mark.parametrize("classifier", [False, True])
def test_own_format(classifier: bool, tmp_path: Path) -> None:
    model = kapre.get_melspectrogram_layer((None, 1), n_fft=512, n_mels=40, return_decibel=True)
    if classifier:
        model = keras.Sequential([model, keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(4)])
    if classifier and OLD_ON_TORCH:
        with pytest.raises(kapre.deploy.ExportError, match=r"from Keras 3\.14 on: update Keras 3\.1"):
            kapre.export(model, tmp_path / NAMES[BACKEND])
        return
    report = kapre.export(model, tmp_path / NAMES[BACKEND])
    assert report.backend == BACKEND
    assert report.max_error is not None
    assert report.max_error <= 1e-4
    found = kapre.deploy.read_metadata(report.path)
    assert found is not None
    assert [fields["n_mels"] for fields in found["recipes"]] == [40]
