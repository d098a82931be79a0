"""`ParallelFrontends`: the features of each front end as a channel. BirdNET's two spectrograms, against librosa."""

from __future__ import annotations

import copy
import json
import pickle
import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import kapre
from tests.conftest import BACKEND, chirp, compiled, float64, gradient, mostly_on, relative_error, to_numpy

FORMATS = ("channels_last", "channels_first")
OF_48K: dict[str, Any] = dict(sample_rate=48000, power=2.0, filterbank="mel", n_mels=96, layout="band_first")
LOW = kapre.Recipe(n_fft=2048, hop_length=278, f_max=3000.0, fixed_samples=144000, **OF_48K)
HIGH = kapre.Recipe(n_fft=1024, hop_length=280, f_min=500.0, f_max=15000.0, fixed_samples=144000, **OF_48K)
"""What the documentation of BirdNET 2.4 says of its two spectrograms."""
LOGARITHMS = kapre.Recipe(n_fft=256, hop_length=100, sample_rate=16000, filterbank="mel", n_mels=20, log="ln")
HOPS = kapre.frontends.preset("nemo").recipe.replace(n_mels=20, layout="time_first")
CENTRED = LOGARITHMS.replace(center=True, hop_length=160, filterbank="mel", htk=True)
PAIR = (HOPS, CENTRED)
"""Front ends with as many frames, of which one counts fewer as valid."""


def wave(batch: int = 3, time: int = 2400) -> np.ndarray:
    return chirp(batch, time)[:, :, 0].astype("float32")


def by_librosa(x: np.ndarray, n_fft: int, hop: int, low: float, high: float) -> np.ndarray:
    import librosa

    return librosa.feature.melspectrogram(
        y=x, sr=48000, n_fft=n_fft, hop_length=hop, center=False, power=2.0, n_mels=96, fmin=low, fmax=high,
        dtype=np.float64,
    )  # fmt: skip


def test_two_spectrograms_of_birdnet() -> None:
    rng = np.random.default_rng(0)
    x = chirp(1, 144000, sample_rate=48000.0)[:, :, 0] + 0.01 * rng.standard_normal((1, 144000))
    x = 2.0 * (x - x.min()) / (x.max() - x.min()) - 1.0  # as the documentation says, before the front ends
    channels = [by_librosa(x[0], 2048, 278, 0.0, 3000.0), by_librosa(x[0], 1024, 280, 500.0, 15000.0)]
    assert channels[0].shape == channels[1].shape == (96, 511)
    both = kapre.ParallelFrontends([LOW, HIGH], data_format="channels_last")
    y = to_numpy(both(x.astype("float32")))
    assert y.shape == (1, 96, 511, 2)
    for channel, expected in enumerate(channels):
        assert relative_error(y[0, :, :, channel], expected) <= 1e-5
    assert relative_error(y[0, :, :, 0], channels[1]) > 0.1


@pytest.mark.parametrize("data_format", FORMATS)
def test_channels_are_the_front_ends(data_format: str) -> None:
    with float64():
        layer = kapre.ParallelFrontends(PAIR, data_format, dtype="float64")
        x, lengths = chirp(3, 2400)[:, :, 0], [2400, 1333, 0]
        y = to_numpy(layer(x, lengths=lengths))
        assert y.shape == layer.compute_output_shape(x.shape)
        alone = [to_numpy(kapre.Frontend(recipe, dtype="float64")(x, lengths=lengths)) for recipe in PAIR]
        expected = np.stack(alone, axis=-1 if data_format == "channels_last" else 1)
        assert relative_error(y, expected) <= 1e-12
    shape = (None, None, 20, 2) if data_format == "channels_last" else (None, 2, None, 20)
    assert layer.compute_output_shape((None, None)) == shape
    assert layer.data_format == data_format


class Frames(keras.layers.Layer):
    """Return what its mask lets through."""

    supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        assert mask is not None
        return ops.sum(ops.cast(mask, "int32"), axis=1)


def test_the_mask_is_that_of_all() -> None:
    layer = kapre.ParallelFrontends(PAIR, data_format="channels_last")
    x, lengths = wave(), np.array([2400, 1333, 0], "int32")
    right = to_numpy(layer(x, lengths=lengths))
    each = [to_numpy(Frames()(kapre.Frontend(recipe)(x, lengths=lengths))) for recipe in PAIR]
    assert (each[0] != each[1]).any()
    counts = np.minimum(*each).tolist()
    for either in (layer, kapre.ParallelFrontends(PAIR[::-1])):
        assert to_numpy(Frames()(either(x, lengths=lengths))).tolist() == counts
    mask = np.arange(2400) < lengths[:, None]
    np.testing.assert_array_equal(to_numpy(layer(x, mask=mask)), right)
    assert to_numpy(layer.compute_mask(x, ops.convert_to_tensor(mask))).sum(axis=1).tolist() == counts
    samples, given = keras.Input((None,)), keras.Input((), dtype="int32")
    model = keras.Model([samples, given], [y := layer(samples, lengths=given), Frames()(y)])
    found, counted = model([x, lengths])
    np.testing.assert_allclose(to_numpy(found), right, rtol=1e-5, atol=1e-4)
    assert to_numpy(counted).tolist() == counts
    assert kapre.ParallelFrontends([LOW, HIGH]).compute_mask(x, ops.convert_to_tensor(mask)) is None


def test_what_the_mask_leaves_out_is_zero() -> None:
    """The first clip gives as many frames by both recipes, the second does not."""
    bands: dict[str, Any] = dict(sample_rate=16000, filterbank="mel", n_mels=40, hop_length=160)
    layer = kapre.ParallelFrontends([kapre.Recipe(n_fft=400, **bands), kapre.Recipe(n_fft=512, **bands)])
    lengths = np.array([2120, 2000])
    x = np.random.default_rng(0).normal(size=(2, 2120)).astype("float32")
    y = layer(x, lengths=lengths)
    mask = np.arange(2120) < lengths[:, None]
    counts = to_numpy(layer.compute_mask(x, ops.convert_to_tensor(mask))).sum(axis=1)
    assert counts.tolist() == [11, 10]
    assert not to_numpy(y)[1, 10:].any()
    np.testing.assert_array_equal(to_numpy(layer(x, mask=ops.convert_to_tensor(mask))), to_numpy(y))
    assert to_numpy(y)[1, 9].all()


def test_saved_cloned_copied_and_pickled(tmp_path: Path) -> None:
    samples, lengths = keras.Input((None,)), keras.Input((), dtype="int32")
    layer = kapre.ParallelFrontends([HOPS, kapre.Frontend(CENTRED, trainable_filterbank=True)], name="both")
    model = keras.Model([samples, lengths], layer(samples, lengths=lengths))
    given = [wave(2), np.array([2400, 900], "int32")]
    weights = layer.get_weights()
    assert [tuple(weight.shape) for weight in weights] == [(129, 20)]
    layer.set_weights([weights[0] + 0.5])
    right = to_numpy(model(given))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert [one.recipe for one in loaded.get_layer("both").frontends] == [HOPS, CENTRED]
    np.testing.assert_array_equal(to_numpy(loaded(given)), right)
    cloned = keras.models.clone_model(model)
    cloned.set_weights(model.get_weights())
    again = type(layer).from_config(layer.get_config())
    again.set_weights(layer.get_weights())
    for other in (cloned.get_layer("both"), copy.deepcopy(layer), pickle.loads(pickle.dumps(layer)), again):
        np.testing.assert_array_equal(to_numpy(other(*given)), right)
        assert other.data_format == layer.data_format
    json.dumps(layer.get_config())


@pytest.mark.parametrize(
    "lengths", [pytest.param(None, marks=mostly_on("torch")), pytest.param(True, marks=mostly_on("tensorflow", "jax"))]
)
def test_compiled_and_its_gradient(lengths: bool | None) -> None:
    waves = kapre.Recipe(power=None, sample_rate=16000)  # PyTorch's compiler takes ten seconds, and more for spectra
    layer = kapre.ParallelFrontends(PAIR if lengths else (waves, waves.replace(normalize_samples=True)))
    x = wave(2)
    own = ops.convert_to_tensor(np.array([2400, 1333], "int32")) if lengths else None
    np.testing.assert_allclose(
        to_numpy(compiled(lambda value: layer(value, lengths=own))(x)),
        to_numpy(layer(x, lengths=own)),
        rtol=2e-4,
        atol=2e-4,
    )
    assert np.abs(gradient(layer, x)).max() > 0.0


if BACKEND == "tensorflow":

    def test_unknown_time_in_a_graph() -> None:
        import tensorflow as tf

        layer = kapre.ParallelFrontends(PAIR)
        fn = tf.function(layer, input_signature=[tf.TensorSpec((None, None), "float32")])
        for time in (1600, 2400):
            np.testing.assert_allclose(fn(wave(2, time)), layer(wave(2, time)), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("data_format", FORMATS)
def test_in_pieces(data_format: str) -> None:
    both = kapre.ParallelFrontends(PAIR, data_format)
    layer = kapre.FixedPieces(both, 1600)
    x, lengths = wave(2, 4000), [4000, 1600]
    y = to_numpy(layer(x, lengths=lengths))
    assert y.shape == layer.compute_output_shape(x.shape) == (2, 3, *both.compute_output_shape((1, 1600))[1:])
    np.testing.assert_allclose(y[1, :1], to_numpy(both(x[1:, :1600])), rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(y[0, 1:2], to_numpy(both(x[:1, 1600:3200])), rtol=1e-5, atol=1e-4)
    assert not y[1, 1:].any()
    again = type(layer).from_config(json.loads(json.dumps(layer.get_config())))
    np.testing.assert_array_equal(to_numpy(again(x, lengths=lengths)), y)
    assert kapre.FixedPieces(kapre.ParallelFrontends([LOW, HIGH])).piece_samples == 144000
    free = kapre.ParallelFrontends([recipe.replace(fixed_samples=None) for recipe in (LOW, HIGH)], data_format)
    shape = kapre.FixedPieces(free, 144000).compute_output_shape((1, 192000))  # as many frames in each piece
    assert shape[:2] == (1, 2)


def test_dtypes() -> None:
    layer = kapre.ParallelFrontends(PAIR, dtype="mixed_float16")
    assert keras.backend.standardize_dtype(layer(wave(1)).dtype) == "float16"
    assert {one.dtype_policy.name for one in layer.frontends} == {"mixed_float16"}
    layer = kapre.ParallelFrontends([kapre.Frontend(HOPS, dtype="float64"), kapre.Frontend(CENTRED, dtype="float64")])
    assert layer.compute_dtype == "float64"
    with pytest.raises(ValueError, match="`dtype` must be 'float64', that of the front end"):
        kapre.ParallelFrontends([HOPS, kapre.Frontend(CENTRED, dtype="float64")])


@pytest.mark.parametrize(
    ("frontends", "kind", "text"),
    [
        ("whisper", TypeError, "`frontends` must be a list of front ends; received frontends='str'"),
        ([], ValueError, "received frontends='an empty list'"),
        ([3], TypeError, "`frontend` must be a kapre.Frontend, a kapre.Recipe or the name of a preset"),
        ([HOPS, HOPS.replace(sample_rate=8000, f_max=4000.0)], ValueError, "front ends with the same rate; received"),
        ([HOPS, HOPS.replace(n_mels=40)], ValueError, "the same features of one clip; received frontends='(None, 20)"),
        ([HOPS, HOPS.replace(layout="band_first")], ValueError, "the same features of one clip"),
    ],
)
def test_wrong_arguments(frontends: Any, kind: Any, text: str) -> None:
    with pytest.raises(kind, match=re.escape(text)):
        kapre.ParallelFrontends(frontends)


def test_wrong_inputs() -> None:
    layer = kapre.ParallelFrontends([recipe.replace(fixed_samples=None) for recipe in (LOW, HIGH)])
    assert len(layer(wave(1, 144000)).shape) == 4
    with pytest.raises(ValueError, match="the same number of frames for 48000 samples; received frontends='166, 168'"):
        layer(wave(1, 48000))
    layer = kapre.ParallelFrontends(PAIR)
    for _ in range(2):
        for shape in ((2, 1600, 1), (1600,)):
            with pytest.raises(ValueError, match="must have shape \\(batch, time\\); received"):
                layer(np.zeros(shape, "float32"))
        with pytest.raises(TypeError, match=re.escape("kapre.pcm_to_float")):
            layer(np.zeros((2, 1600), "int16"))
        with pytest.raises(ValueError, match="`mask` must be over the samples"):
            layer(wave(2), mask=np.ones((2, 3), bool))
        layer(wave(2))
