"""Layers inside tf.data, under every backend."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import kapre
from tests.conftest import chirp, to_numpy

LAYERS = {
    "stft": lambda: kapre.STFT(64),
    "fused helper": lambda: kapre.get_melspectrogram_layer(n_fft=64, sample_rate=16000, n_mels=8, return_decibel=True),
    "chained helper": lambda: kapre.composed.ComposedSequential([kapre.STFT(64), kapre.Phase()]),
    "magnitude and phase": lambda: kapre.get_stft_mag_phase((None, 1), n_fft=64),
    "codes": lambda: kapre.MuLawEncoding(256),
}


def test_masks_and_keywords() -> None:
    x = chirp(4, 400).astype("float32")
    mask = np.arange(400) < np.array([[400], [300], [200], [100]])
    layer = LAYERS["fused helper"]()
    expected = to_numpy(layer(x, mask=keras.ops.convert_to_tensor(mask)))
    dataset = tf.data.Dataset.from_tensor_slices((x, mask)).batch(2)
    for call in (lambda x, m: layer(x, mask=m), lambda x, m: layer(inputs=x, mask=m)):
        got = np.concatenate([batch.numpy() for batch in dataset.map(call)])
        np.testing.assert_allclose(got, expected, atol=1e-4)


@pytest.mark.parametrize("parallel", [None, 4])
def test_random_layers_draw_for_each_batch(parallel: int | None) -> None:
    layer = kapre.SpecAugment(5, 5, seed=0)
    ones = np.ones((4, 10, 10, 1), "float32")
    dataset = tf.data.Dataset.range(8).map(
        lambda _: layer(tf.constant(ones), training=True), num_parallel_calls=parallel
    )
    batches = [batch.numpy() for batch in dataset]
    assert len({batch.tobytes() for batch in batches}) == 8


def test_functions_that_are_no_layers_say_what_to_do() -> None:
    dataset = tf.data.Dataset.from_tensors(np.ones((1, 400), "float32"))
    if keras.backend.backend() == "tensorflow":
        assert dataset.map(kapre.backend.magnitude_to_decibel).element_spec.shape == (1, 400)
    else:
        with pytest.raises(TypeError, match="Use a layer of Kapre there"):
            dataset.map(kapre.backend.magnitude_to_decibel)


@pytest.mark.parametrize("name", list(LAYERS))
@pytest.mark.parametrize("parallel", [None, 2])
def test_mapped_over_a_dataset(name: str, parallel: int | None) -> None:
    layer: Any = LAYERS[name]()
    x = chirp(5, 400).astype("float32")
    dataset = tf.data.Dataset.from_tensor_slices(x).batch(2).map(layer, num_parallel_calls=parallel)
    spec = dataset.element_spec
    static = layer.compute_output_shape((None, 400, 1))
    assert tuple(spec.shape) == tuple(static)
    got = np.concatenate([batch.numpy() for batch in dataset])
    np.testing.assert_allclose(got, to_numpy(layer(x)), atol=1e-4)
    assert spec.dtype.name == str(got.dtype)


def test_integers_in_a_dataset_are_refused_when_it_is_made() -> None:
    dataset = tf.data.Dataset.from_tensors(np.zeros((1, 400, 1), "int16"))
    with pytest.raises(TypeError, match=r"kapre\.pcm_to_float"):
        dataset.map(kapre.STFT(64))


def test_unknown_rank_in_a_dataset_is_refused_when_it_is_made() -> None:
    dataset = tf.data.Dataset.from_tensors(np.zeros((1, 400, 1), "float32"))
    dataset = dataset.map(lambda x: tf.py_function(lambda y: y, [x], "float32"))
    with pytest.raises(ValueError, match=r"the input's axes must be known.*tf\.ensure_shape"):
        dataset.map(kapre.STFT(64))


def test_training_from_a_dataset() -> None:
    x = chirp(8, 400).astype("float32")
    mel = LAYERS["fused helper"]()
    dataset = tf.data.Dataset.from_tensor_slices((x, np.arange(8) % 2)).batch(4).map(lambda x, y: (mel(x), y))
    model = keras.Sequential([keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    history = model.fit(dataset, epochs=1, shuffle=False, verbose=0).history
    assert np.isfinite(history["loss"][0])
