"""Quantised LiteRT files: the features stay what they were, and the weights behind them are small."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

import kapre
from tests.conftest import to_numpy
from tests.export.models import clip, network

SIZES = {"float16": 2, "int8": 1}


def with_features() -> keras.Model:
    """Return a model that gives its features beside its scores."""
    keras.utils.set_random_seed(5)
    samples = keras.Input((None, 1), name="samples")
    features = kapre.get_melspectrogram_layer(
        n_fft=512, hop_length=160, sample_rate=16000, n_mels=40, return_decibel=True, db_amin=1e-10
    )(samples)
    x = keras.layers.Conv2D(32, 3, activation="relu", data_format="channels_last")(features)
    x = keras.layers.Conv2D(64, 3, activation="relu", data_format="channels_last")(x)
    scores = keras.layers.Dense(4)(keras.layers.GlobalAveragePooling2D(data_format="channels_last")(x))
    return keras.Model(samples, [features, scores])


@pytest.mark.parametrize("kind", SIZES)
def test_features_stay_and_weights_shrink(kind: str, tmp_path: Path) -> None:
    from ai_edge_litert.interpreter import Interpreter

    model = with_features()
    plain = kapre.export(model, tmp_path / "plain.tflite")
    report = kapre.export(model, tmp_path / "small.tflite", quantize=kind)
    assert (report.quantize, report.backend) == (kind, "tensorflow")
    assert report.float_error is not None
    assert report.float_error <= 1e-4
    assert report.max_error is not None
    assert report.float_error < report.max_error <= 0.1
    assert f"weights behind the front end in {kind}" in str(report)
    weights = sum(int(np.prod(w.shape)) for layer in model.layers for w in layer.get_weights() if len(w.shape) > 1)
    saved = plain.size - report.size
    assert 0.8 * weights * (4 - SIZES[kind]) <= saved <= 1.1 * weights * (4 - SIZES[kind])
    found = kapre.deploy.read_metadata(report.path)
    assert found is not None
    assert found["sample_rate"] == 16000
    x = clip(2, 9000)[..., None]
    runner = Interpreter(report.path).get_signature_runner()
    got = [runner(samples=x)[name] for name in report.outputs]
    features, scores = (to_numpy(y) for y in model(x))
    assert np.abs(got[0] - features).max() <= 1e-4 * np.ptp(features)
    assert 0 < np.abs(got[1] - scores).max() <= 0.1 * np.ptp(scores)


def test_only_of_litert(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"`quantize` must be None for ONNX; received quantize='int8'. Export a .tflite"
    ):
        kapre.export(network(), tmp_path / "model.onnx", quantize="int8")
    with pytest.raises(ValueError, match="`quantize` must be one of"):
        kapre.export(network(), tmp_path / "model.tflite", quantize="int4")
