"""The contract that every registered layer passes, on every backend."""

from __future__ import annotations

import copy
import pickle
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import kapre
from tests.conftest import BACKEND, chirp, compiled, gradient, quick, relative_error, to_numpy
from tests.layer_cases import CASES, Case

if BACKEND == "jax":
    import jax

DATA_FORMATS = ("channels_last", "channels_first")
cases = pytest.mark.parametrize("name", list(CASES))
formats = pytest.mark.parametrize("data_format", DATA_FORMATS)
CASES_IN_TURN = [(name, DATA_FORMATS[i % 2]) for i, name in enumerate(CASES)]
"""Each case in one format, its neighbour in the other: for what the format has no part in."""
in_turn = pytest.mark.parametrize(("name", "data_format"), CASES_IN_TURN)
pytestmark = pytest.mark.filterwarnings("ignore:.*is shorter than one frame")


def model_of(case: Case, data_format: str, **options: Any) -> keras.Model:
    """Wrap a layer in a functional model of unknown batch and time."""
    inputs = keras.Input(case.dynamic_shape(data_format), dtype=case.dtype)
    return keras.Model(inputs, case.make(data_format, **options)(inputs))


def test_every_registered_layer_has_a_case() -> None:
    assert kapre.integrations.__all__  # its layer is registered on first use
    # test_losses.py: losses and metrics
    registered = {
        key.removeprefix("Kapre>")
        for key, made in keras.saving.get_custom_objects().items()
        if key.startswith("Kapre>") and not issubclass(made, keras.losses.Loss | keras.metrics.Metric)
    }
    # A part of ComposedModel; without channels: test_frontend.py; no layers: test_saved_models.py, test_resample.py;
    # for a dict: augmentation/test_batches.py; for one clip: readers/test_integrations.py; one value for a clip:
    # test_levels.py; a choice of the lowest value: test_music.py; of front ends: test_pieces.py, test_parallel.py;
    # of four channels: test_phases.py; with weights: test_learned.py.
    elsewhere = {"ConcatenateChannels", "Frontend", "FrontendMask", "ResampleMask", "MixUp", "CutMix", "AudioConverter"}
    elsewhere |= {"IntensityVector", "Loudness", "YIN", "FixedPieces", "PiecesMask", "ParallelFrontends"}
    elsewhere |= {"Leaf", "ParametricFilterbank", "PCEN", "SincConv"}
    assert registered == {case.layer for case in CASES.values()} | elsewhere


@cases
@formats
def test_config_round_trip(name: str, data_format: str) -> None:
    case = CASES[name]
    layer = case.make(data_format)
    x = case.single(data_format)
    expected = to_numpy(layer(x))
    config = layer.get_config()
    again = type(layer).from_config(copy.deepcopy(config))
    assert again.get_config() == config
    np.testing.assert_array_equal(to_numpy(again(x)), expected)
    through_json = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    np.testing.assert_array_equal(to_numpy(through_json(x)), expected)
    assert keras.saving.get_registered_name(type(layer)) == f"Kapre>{case.layer}"


@in_turn
def test_saved_cloned_copied_and_pickled(name: str, data_format: str, tmp_path: Path) -> None:
    case = CASES[name]
    model = model_of(case, data_format)
    x = case.single(data_format)
    expected = to_numpy(model(x))
    model.save(tmp_path / "model.keras")
    for again in (
        keras.saving.load_model(tmp_path / "model.keras"),
        keras.models.clone_model(model),
        copy.deepcopy(model),
        pickle.loads(pickle.dumps(model)),
        pickle.loads(pickle.dumps(case.make(data_format))),
        copy.deepcopy(case.make(data_format)),
    ):
        np.testing.assert_array_equal(to_numpy(again(x)), expected)


@pytest.mark.parametrize(("name", "data_format"), [(name, DATA_FORMATS[i % 2 - 1]) for i, name in enumerate(CASES)])
def test_saved_alone_in_a_sequential(name: str, data_format: str, tmp_path: Path) -> None:
    case = CASES[name]
    model = keras.Sequential([keras.Input(case.dynamic_shape(data_format), dtype=case.dtype), case.make(data_format)])
    x = case.single(data_format)
    expected = to_numpy(model(x))
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(to_numpy(keras.saving.load_model(tmp_path / "model.keras")(x)), expected)
    np.testing.assert_array_equal(to_numpy(keras.models.clone_model(model)(x)), expected)


def lengths(case: Case, data_format: str) -> list[int]:
    """Inputs too short for a frame, and every residue of the hop; in the other format those at its edges."""
    residues = range(case.hop + 1) if data_format == "channels_last" else (0, 1, case.hop)
    return sorted({0, 1, case.reach - 1, *(case.reach + i for i in residues)})


@cases
@formats
def test_static_shape_and_dtype_are_those_at_run_time(name: str, data_format: str) -> None:
    case = CASES[name]
    layer = case.make(data_format)
    unknown = case.make(data_format).compute_output_shape((None, *case.dynamic_shape(data_format)))
    computed = (0, case.reach)
    for length in lengths(case, data_format):
        x = case.single(data_format, length=length)
        # JAX would compile for every length: there, most are traced alone.
        y = jax.eval_shape(layer, x) if BACKEND == "jax" and length not in computed else layer(x)
        assert case.fits(layer.compute_output_shape(x.shape), y.shape), length
        spec = layer.compute_output_spec(keras.KerasTensor(x.shape, dtype=str(x.dtype)))
        assert case.fits(spec.shape, y.shape)
        assert keras.backend.standardize_dtype(y.dtype) == spec.dtype
        assert len(unknown) == len(y.shape)
        assert all(static in (None, size) for static, size in zip(unknown, y.shape, strict=True))
    assert unknown[0] is None


@cases
@formats
def test_unknown_batch_and_time(name: str, data_format: str) -> None:
    case = CASES[name]
    model = model_of(case, data_format)
    layer = case.make(data_format)
    assert model.output_shape[0] is None
    for batch, length in ((1, None), (2, case.reach)):  # as elsewhere here: JAX compiles for every shape
        x = case.single(data_format, batch, length)
        np.testing.assert_allclose(to_numpy(model(x)), to_numpy(layer(x)), atol=1e-6)
    if BACKEND == "tensorflow":
        import tensorflow as tf

        x = case.single(data_format)
        shape = (None, *case.dynamic_shape(data_format))
        fn = tf.function(layer, input_signature=[tf.TensorSpec(shape, x.dtype)])
        for length in (0, case.reach - 1, case.reach, case.reach + 2 * case.hop + 1):
            x = case.single(data_format, 2, length)
            got = fn(tf.constant(x))
            assert case.fits(layer.compute_output_shape(x.shape), got.shape)
            np.testing.assert_allclose(to_numpy(got), to_numpy(layer(x)), atol=1e-5)


@pytest.mark.filterwarnings("ignore:Dynamo detected a call to a `functools.lru_cache`")
@pytest.mark.parametrize(  # PyTorch takes seconds to trace each
    ("name", "data_format"), [row for row in CASES_IN_TURN if BACKEND != "torch" or CASES[row[0]].traces_apart]
)
def test_eager_is_compiled(name: str, data_format: str) -> None:
    case = CASES[name]
    layer = case.make(data_format)
    x = case.single(data_format)
    eager = to_numpy(layer(x))
    if BACKEND == "torch":
        import torch

        torch._dynamo.reset()  # past eight compilations of the same code, Keras' call of a layer, it compiles no more
    got = to_numpy(compiled(layer)(ops.convert_to_tensor(x)))
    np.testing.assert_allclose(got, eager, atol=(2e-5 if case.subtracts else 2e-6) * np.abs(eager).max())
    if BACKEND == "tensorflow":
        import tensorflow as tf

        jitted = to_numpy(tf.function(layer, jit_compile=True)(tf.constant(x)))
        if not case.angles:  # one near ±π may fall on either side
            np.testing.assert_allclose(jitted, eager, atol=1e-5 * np.abs(eager).max())


@cases
def test_predict(name: str) -> None:
    case = CASES[name]
    x = case.single("channels_last")
    got = model_of(case, "channels_last").predict(x, batch_size=1, verbose=0)
    np.testing.assert_allclose(got, to_numpy(case.make("channels_last")(x)), atol=1e-5)


@cases
def test_channels_first_is_transposed_channels_last(name: str) -> None:
    case = CASES[name]
    last = to_numpy(case.make("channels_last")(case.single("channels_last")))
    first = to_numpy(case.make("channels_first")(case.single("channels_first")))
    moved = np.moveaxis(
        first, case.channel_axis("channels_first", of_output=True), case.channel_axis("channels_last", of_output=True)
    )
    np.testing.assert_allclose(moved, last, atol=1e-6 * max(1.0, np.abs(last).max()))


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.channels_apart])
@formats
def test_multichannel_is_stacked_mono(name: str, data_format: str) -> None:
    case = CASES[name]
    axis = case.channel_axis(data_format)
    x = case.single(data_format)
    layer = case.make(data_format)
    together = to_numpy(layer(x))
    if case.decibels:  # above that floor the channels are independent
        together = np.maximum(together, -20.0)
        alone = [np.maximum(to_numpy(layer(part)), -20.0) for part in np.split(x, 2, axis=axis)]
    else:
        alone = [to_numpy(layer(part)) for part in np.split(x, 2, axis=axis)]
    stacked = np.concatenate(alone, axis=case.channel_axis(data_format, of_output=True))
    np.testing.assert_allclose(together, stacked, atol=2e-5, rtol=1e-5)


@in_turn
def test_an_item_is_the_same_beside_a_loud_neighbour(name: str, data_format: str) -> None:
    case = CASES[name]
    layer = case.make(data_format)
    x = case.input(data_format, batch=2)
    x = (x * np.array([1e-3, 1e4]).reshape(2, *[1] * (x.ndim - 1))).astype(case.dtype)
    alone = to_numpy(layer(x[:1]))
    beside = to_numpy(layer(x))[:1]
    assert relative_error(beside, alone) <= 1e-6


@pytest.mark.parametrize(
    ("name", "data_format"), [(name, data_format) for name, data_format in CASES_IN_TURN if not CASES[name].integer]
)
@pytest.mark.parametrize("clip", ["sounding", "silent", "short"])
def test_gradient(name: str, data_format: str, clip: str) -> None:
    case = CASES[name]
    layer = case.make(data_format)
    x = case.single(data_format, length=case.reach - 1 if clip == "short" else None)
    result = gradient(layer, x * (0.0 if clip == "silent" else 1.0))
    assert result.shape == x.shape
    assert np.isfinite(result).all()
    if clip == "sounding":
        assert (np.abs(result).max() > 0.0) != case.flat


@cases
def test_no_weights(name: str) -> None:
    case = CASES[name]
    layer = case.make("channels_last")
    layer(case.single("channels_last"))
    assert layer.weights == []


@cases
def test_nan_stays_with_its_item(name: str) -> None:
    case = CASES[name]
    layer = case.make("channels_last")
    x = case.single("channels_last")
    clean = to_numpy(layer(x))
    x[0, x.shape[1] // 2] = np.nan
    got = to_numpy(layer(x))
    assert case.integer or np.isnan(got[0]).any()
    np.testing.assert_allclose(got[1], clean[1], atol=1e-6)


@pytest.mark.parametrize(
    ("name", "data_format"),
    [
        (name, data_format)
        for name, data_format in CASES_IN_TURN
        if not CASES[name].composed and not CASES[name].integer
    ],
)
def test_an_ordinary_subclass_keeps_all_its_arguments(name: str, data_format: str) -> None:
    case = CASES[name]
    layer = case.make(data_format)
    base = type(layer)

    class Scaled(base):  # type: ignore[misc, valid-type]
        def __init__(self, gain: float = 2.0, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.gain = gain

        def call(self, inputs: Any) -> Any:
            return self.gain * super().call(inputs)

    keras_only = {"name", "trainable", "dtype"}
    arguments = {key: value for key, value in layer.get_config().items() if key not in keras_only}
    scaled = Scaled(gain=3.0, **arguments)
    config = scaled.get_config()
    assert config["gain"] == 3.0
    assert {key: config[key] for key in arguments} == arguments
    x = case.single(data_format)
    again = Scaled.from_config(config)
    np.testing.assert_allclose(to_numpy(quick(again)(x)), 3.0 * to_numpy(layer(x)), rtol=1e-6, atol=1e-5)


def test_subclass_that_hides_an_argument_is_told() -> None:
    class Careless(kapre.Magnitude):
        def __init__(self, gain: float = 2.0, **kwargs: Any) -> None:
            super().__init__(**kwargs)

    with pytest.raises(AttributeError, match=r"Careless.__init__ takes `gain`.*self\.gain = gain"):
        Careless().get_config()


def test_config_holds_the_resolved_data_format() -> None:
    keras.config.set_image_data_format("channels_first")
    config = kapre.STFT(64).get_config()
    keras.config.set_image_data_format("channels_last")
    assert config["input_data_format"] == config["output_data_format"] == "channels_first"
    assert kapre.STFT.from_config(config).input_data_format == "channels_first"
    assert kapre.STFT.from_config({**config, "input_data_format": "default"}).input_data_format == "channels_last"


def test_numpy_integers_are_stored_as_plain_ones(tmp_path: Path) -> None:
    layer = kapre.STFT(np.int64(64), hop_length=np.int32(16))
    assert type(layer.get_config()["n_fft"]) is int
    keras.Sequential([keras.Input((None, 1)), layer]).save(tmp_path / "model.keras")


@pytest.mark.parametrize("given", ["float64", "float16"])
def test_samples_of_another_float_type(given: str) -> None:
    x = chirp(2, 99, 2)
    got = kapre.STFT(64)(x.astype(given))
    assert "complex64" in str(got.dtype)
    assert relative_error(got, to_numpy(kapre.STFT(64)(x.astype(given).astype("float32")))) <= 1e-6


def test_integer_input_of_a_model_is_refused_when_it_is_built() -> None:
    with pytest.raises(TypeError, match="pcm_to_float"):
        kapre.STFT(64)(keras.Input((None, 1), dtype="int16"))


def test_input_shape_is_still_taken() -> None:
    model = keras.Sequential([kapre.STFT(64, input_shape=(1000, 1)), kapre.Magnitude()])
    assert model.output_shape == (None, 59, 33, 1)


def test_layers_train_in_a_model() -> None:
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    t = np.arange(2000) / 8000
    y = rng.integers(0, 2, 64)
    x = np.sin(2 * np.pi * np.where(y, 900.0, 400.0)[:, None] * t) + 0.1 * rng.standard_normal((64, 2000))
    mel = kapre.get_melspectrogram_layer(
        input_shape=(None, 1), n_fft=256, sample_rate=8000, n_mels=16, return_decibel=True
    )
    layers = [
        mel,
        keras.layers.BatchNormalization(),
        keras.layers.Conv2D(4, 3, activation="relu"),
        keras.layers.GlobalMaxPooling2D(),
    ]
    model = keras.Sequential([keras.Input((None, 1)), *layers, keras.layers.Dense(2)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.02), loss, metrics=["accuracy"])
    history = model.fit(x[..., None].astype("float32"), y, epochs=15, batch_size=16, verbose=0).history
    assert history["accuracy"][-1] > 0.95


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_swapped_axes_are_warned_of_or_refused(data_format: str) -> None:
    """Waveforms `(batch, channel, time)` for channels_last, of which each would be as many channels of one sample."""
    shape = (2, 1, 1600) if data_format == "channels_last" else (2, 1600, 1)
    layers = [case.make(data_format) for case in CASES.values() if case.takes == "waveform"]
    placed = [layer for layer in layers if hasattr(layer, "data_format") or hasattr(layer, "input_data_format")]
    assert len(placed) > 50
    for layer in placed:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises((UserWarning, ValueError), match=r"in the other order|more than 5 channels"):
                layer.compute_output_shape(shape)
