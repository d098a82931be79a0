"""Learned front ends, against their statement in NumPy: numbers, the contract of a layer, gradients and training."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import librosa
import numpy as np
import pytest
from keras import ops

import kapre
from tests import learned_references as references
from tests.conftest import BACKEND, chirp, compiled, float64, gradient, mostly_on, quick, relative_error, to_numpy
from tests.ragged import check_ragged

RATE = 8000
MEL = kapre.Recipe(sample_rate=RATE, n_fft=256, hop_length=80, filterbank="mel", n_mels=10, power=2.0)
WAVES: dict[str, Callable[..., Any]] = {
    "sinc": lambda **k: kapre.SincConv(5, RATE, 31, 7, **k),
    "sinc, every sample": lambda **k: kapre.SincConv(4, RATE, 101, padding="same", **k),
    "leaf": lambda **k: kapre.Leaf(RATE, 6, 41, 20, **k),
    "energies": lambda **k: kapre.Leaf(RATE, 6, 101, 40, 200.0, 3000.0, pcen=False, **k),
}
LAYERS = {
    **WAVES,
    "pcen": lambda **k: kapre.PCEN(start="first", **k),
    "bank": lambda **k: kapre.ParametricFilterbank(MEL, **{x: y for x, y in k.items() if x != "data_format"}),
}
NOT_ON_JAX = mostly_on("tensorflow", "torch")
"""Of what JAX takes long to compile and another test there covers."""
names = pytest.mark.parametrize("name", list(LAYERS))


def given(name: str, batch: int = 2, time: int = 900) -> np.ndarray:
    """Return samples `(batch, time)`, or energies `(batch, frame, band)`."""
    x = chirp(batch, time)[..., 0]
    return np.square(x[:, : time // 10 * 10]).reshape(batch, -1, 10) if name == "pcen" else x


def build(layer: Any, x: np.ndarray, moved: float = 0.3) -> Any:
    """Return the layer with its weights moved from the start, so that no test depends on that."""
    if not layer.built:
        layer.build(x.shape)
    rng = np.random.default_rng(0)
    layer.set_weights([rng.uniform(-moved, moved, w.shape) / 10 ** (i == 0) for i, w in enumerate(layer.get_weights())])
    return layer


def right(name: str, layer: Any, x: np.ndarray) -> np.ndarray:
    """Return what a layer computes, by its parameters as they are now."""
    if isinstance(layer, kapre.SincConv):
        half = layer.kernel_size // 2 if layer.padding == "same" else 0
        x = np.pad(x, [(0, 0), (half, half)])
        return references.sinc(x, *layer.edges, RATE, layer.kernel_size, layer.strides)
    parameters = dict(layer.parameters)
    if isinstance(layer, kapre.PCEN):
        return references.pcen(x, **parameters, epsilon=layer.epsilon, start=layer.start)
    of_filters = [parameters.pop(key) for key in ("centre", "bandwidth", "average")]
    x = references.energies(x, *of_filters, RATE, layer.win_length, layer.hop_length)
    return x if not layer.pcen else references.pcen(x, **parameters, epsilon=1e-12, start="first")


@pytest.mark.parametrize("name", [*WAVES, "pcen"])
@pytest.mark.parametrize("moved", [pytest.param(0.0, marks=NOT_ON_JAX), 0.3])
def test_numbers(name: str, moved: float) -> None:
    x = given(name)
    layer = build(LAYERS[name](), x, moved)
    assert relative_error(layer(x.astype("float32")), right(name, layer, x)) <= 1e-5
    with float64():
        layer = build(LAYERS[name](dtype="float64"), x, moved)
        assert relative_error(quick(layer)(x), right(name, layer, x)) <= 1e-9


def test_starts() -> None:
    low, high = kapre.SincConv(8, 16000).edges
    mel = np.linspace(*(2595.0 * np.log10(1.0 + np.array([50.0, 7900.0]) / 700.0)), 9)
    grid = 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    np.testing.assert_allclose(low, 50.0 + grid[:-1], rtol=1e-5)
    np.testing.assert_allclose(high, 100.0 + grid[1:], rtol=1e-5)
    found = kapre.Leaf(16000).parameters
    corners = librosa.mel_frequencies(42, fmin=60.0, fmax=8000.0, htk=True)
    np.testing.assert_allclose(found["centre"], corners[1:-1], rtol=1e-5)
    np.testing.assert_allclose(found["bandwidth"], (corners[2:] - corners[:-2]) / 2.0, rtol=1e-5)
    assert {key: float(found[key][0]) for key in ("average", "gain", "bias", "power", "smoothing")} == pytest.approx(
        dict(average=0.4, gain=0.96, bias=2.0, power=0.5, smoothing=0.04)
    )


if BACKEND == "torch":

    def test_numbers_are_speechbrains() -> None:
        """Its Leaf adds a bias of 1 to the averages, which is set to 0 here, and starts elsewhere."""
        import torch

        from tests.references._registry import torchaudio, without_lazy_modules

        torchaudio()
        from speechbrain.lobes.features import Leaf
        from speechbrain.nnet.CNN import SincConv

        x = chirp(2, 4000)[..., 0].astype("float32")
        with torch.no_grad():
            theirs = SincConv(8, 251, in_channels=1, stride=40, padding="valid", sample_rate=16000)
            reference = theirs(torch.tensor(x)[..., None]).numpy()
            assert relative_error(kapre.SincConv(8, 16000, 251, 40)(x), reference) <= 3e-5
            theirs = Leaf(40, window_len=25.0, window_stride=10.0, sample_rate=16000, max_freq=None, in_channels=1)
            weights = dict(theirs.named_parameters())
            weights["pooling._bias"].zero_()
            centres, deviations = weights["complex_conv.kernel"].numpy().T
            ours = kapre.Leaf(16000)
            started = ours.parameters
            spans = np.sqrt(2.0 * np.log(2.0)) / np.pi * 16000 / started["bandwidth"]
            moved = [centres / np.pi - started["centre"] / 8000.0, np.log(deviations / spans)]
            ours.set_weights([*moved, *ours.get_weights()[2:]])
            assert relative_error(ours(x), theirs(torch.tensor(x)).numpy()) <= 1e-5
        without_lazy_modules()


def test_pcen_starts_as_the_stage_and_librosa() -> None:
    x = given("pcen", 2, 4000)
    settings = dict(gain=0.8, bias=10.0, power=0.25, smoothing=0.05)
    theirs = [librosa.pcen(item.T, b=0.05, gain=0.8, bias=10.0, power=0.25).T for item in x]
    assert relative_error(kapre.PCEN(**settings)(x.astype("float32")), np.stack(theirs)) <= 1e-5
    for start in ("unit", "first"):
        fields = {f"pcen_{key}": value for key, value in settings.items()}
        recipe = MEL.replace(pcen=True, pcen_start=start, **fields)
        samples = chirp(2, 2000)[..., 0].astype("float32")
        learning = kapre.PCEN(start=start, **settings)(kapre.Frontend(MEL)(samples))
        assert relative_error(learning, to_numpy(kapre.Frontend(recipe)(samples))) <= 1e-5


def with_channels(x: np.ndarray, data_format: str) -> np.ndarray:
    pair = np.stack([x, x[::-1]], axis=-1)
    return pair if data_format == "channels_last" else np.moveaxis(pair, -1, 1)


@pytest.mark.parametrize("name", [*WAVES, "pcen"])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_channels_shapes_and_unknown_time(name: str, data_format: str) -> None:
    flat = given(name).astype("float32")
    layer = build(LAYERS[name](data_format=data_format), flat)
    alone = to_numpy(layer(flat))
    x = with_channels(flat, data_format)
    y = to_numpy(layer(x))
    assert layer.compute_output_shape(x.shape) == y.shape
    np.testing.assert_allclose(y, with_channels(alone, data_format), rtol=1e-4, atol=1e-5)
    for batch in (flat, x):
        free = [None if size == flat.shape[1] else size for size in batch.shape[1:]]
        model = keras.Sequential([keras.Input(free), layer])
        expected = alone if batch is flat else y
        np.testing.assert_allclose(model.predict(batch, batch_size=1, verbose=0), expected, rtol=1e-4, atol=1e-5)
        assert model.output_shape[0] is None
    if BACKEND == "tensorflow":
        import tensorflow as tf

        traced = tf.function(layer, input_signature=[tf.TensorSpec((None, None, *flat.shape[2:]))])
        for time in (0, 40, flat.shape[1]):
            cut = flat[:, :time]
            got = traced(cut)
            assert tuple(got.shape) == layer.compute_output_shape(cut.shape)
            np.testing.assert_allclose(to_numpy(got), to_numpy(layer(cut)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "name", ["sinc", "pcen", *(pytest.param(name, marks=NOT_ON_JAX) for name in WAVES if name != "sinc")]
)
def test_short_and_empty_clips(name: str) -> None:
    layer = build(LAYERS[name](), given(name))
    for batch, time in ((2, 0), (2, 30), (0, 900)):
        x = np.zeros((batch, time, *given(name).shape[2:]), "float32")
        y = to_numpy(layer(x))
        assert y.shape == layer.compute_output_shape(x.shape)
        assert np.isfinite(y).all()


@pytest.mark.parametrize("name", [*WAVES, "pcen"])
def test_a_padded_item_is_the_item_alone(name: str) -> None:
    x = given(name).astype("float32")
    layer = build(LAYERS[name](), x)
    lengths = [x.shape[1], x.shape[1] // 2 + 3]
    mask = np.arange(x.shape[1]) < np.array(lengths)[:, None]
    there = mask.reshape(*mask.shape, *[1] * (x.ndim - 2))
    padded = np.where(there, x, np.float32(np.nan))
    y = to_numpy(layer(padded, mask=ops.convert_to_tensor(mask)))
    counted = to_numpy(layer.compute_mask(padded, ops.convert_to_tensor(mask))).sum(axis=1)
    for item, length in enumerate(lengths):
        alone = to_numpy(layer(x[item : item + 1, :length]))[0]
        assert counted[item] == len(alone)
        assert relative_error(y[item, : len(alone)], alone) <= 1e-5
    if BACKEND != "torch":  # whose loop of tests for gradients takes no mask
        return
    found = gradient(lambda value: layer(value, mask=ops.convert_to_tensor(mask))[:, :2], padded)
    assert np.isfinite(found).all()


@names
def test_saved_copied_and_pickled(name: str, tmp_path: Path) -> None:
    x = given(name).astype("float32")
    layer = build(LAYERS[name](name="front", learning_rate_multiplier=3.0), x)
    inputs = keras.Input((None, *x.shape[2:]))
    model = keras.Model(inputs, layer(inputs))
    expected = to_numpy(model(x))
    model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "model.weights.h5")
    cloned = keras.models.clone_model(model)
    assert np.abs(to_numpy(cloned(x)) - expected).max() > 1e-4 * np.abs(expected).max()  # a clone starts anew
    cloned.load_weights(tmp_path / "model.weights.h5")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for again in (loaded, cloned, copy.deepcopy(model), pickle.loads(pickle.dumps(layer)), copy.deepcopy(layer)):
        np.testing.assert_array_equal(to_numpy(again(x)), expected)
    config = layer.get_config()
    json.dumps(config)
    assert type(layer).from_config(copy.deepcopy(config)).get_config() == config
    assert config["learning_rate_multiplier"] == 3.0


@names
def test_half_precision_rounds_only_the_result(name: str) -> None:
    x = given(name).astype("float32")
    expected = to_numpy(build(LAYERS[name](), x)(x))
    layer = build(LAYERS[name](dtype="mixed_float16"), x)
    y = layer(x)
    assert keras.backend.standardize_dtype(y.dtype) == "float16"
    assert {str(weight.dtype) for weight in layer.weights} == {"float32"}
    np.testing.assert_allclose(to_numpy(y), expected, rtol=2e-3, atol=2e-3)


@pytest.mark.filterwarnings("ignore:Dynamo detected a call to a `functools.lru_cache`")
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
@pytest.mark.parametrize(  # PyTorch's compiler takes half a minute for Leaf
    "name", [name if name in ("sinc", "bank") else pytest.param(name, marks=mostly_on("tensorflow")) for name in LAYERS]
)
def test_compiled(name: str) -> None:
    x = given(name).astype("float32")
    layer = build(LAYERS[name](), x)
    expected = to_numpy(layer(x))
    if BACKEND == "torch":
        import torch

        torch._dynamo.reset()
    assert relative_error(compiled(layer)(ops.convert_to_tensor(x)), expected) <= 1e-5
    frozen = LAYERS[name](trainable=False)
    frozen(x)
    assert len(frozen.trainable_weights) == 0
    assert len(frozen.weights) == len(layer.trainable_weights) > 0


def weight_gradients(layer: Any, x: np.ndarray) -> list[np.ndarray]:
    """Return the gradients of the sum of squares of the output by each weight."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            total = ops.sum(ops.square(layer(x)))
        return [found.numpy() for found in tape.gradient(total, layer.trainable_weights)]
    if BACKEND == "jax":
        import jax

        def total(weights: Any) -> Any:
            y, _ = layer.stateless_call(weights, [weight.value for weight in layer.non_trainable_variables], x)
            return ops.sum(ops.square(y))

        return [np.asarray(found) for found in jax.jit(jax.grad(total))([w.value for w in layer.trainable_variables])]
    ops.sum(ops.square(layer(x))).backward()
    return [weight.value.grad.numpy() for weight in layer.trainable_weights]


@names
@pytest.mark.parametrize(("at", "level"), [("start", 1.0), ("start", 0.0), ("lowest", 1.0), ("highest", 0.0)])
def test_gradients_are_finite(name: str, level: float, at: str) -> None:
    x = (level * given(name)).astype("float32")
    layer = LAYERS[name]()
    layer(x)
    if at != "start":  # beyond every bound
        layer.set_weights([np.full(w.shape, -1e9 if at == "lowest" else 1e9) for w in layer.get_weights()])
    found = weight_gradients(layer, x)
    assert all(np.isfinite(part).all() for part in [*found, gradient(layer, x)])
    assert np.isfinite(to_numpy(layer(x))).all()
    if at == "start" and level:
        assert all(np.abs(part).max() > 0.0 for part in found)


TONE = 2500.0


def tone_and_noise(frequency: float) -> np.ndarray:
    t = np.arange(1600) / RATE
    noise = np.random.default_rng(0).standard_normal(1600)
    return np.stack([np.sin(2 * np.pi * frequency * t), noise]).astype("float32")


def noise_beside_tone(_: Any, y: Any) -> Any:
    """Return how much more of the second clip, noise, there is in the output than of the first, a tone."""
    energy = ops.mean(ops.square(y), axis=1) + 1e-9
    return ops.mean(ops.log(energy[1]) - ops.log(energy[0]))


def train(layer: Any, x: np.ndarray, optimizer: Any, steps: int) -> list[float]:
    model = keras.Sequential([keras.Input(x.shape[1:]), layer])
    model.compile(optimizer, noise_beside_tone, jit_compile=False)
    return [float(model.train_on_batch(x, np.zeros((2, 1), "float32"))) for _ in range(steps)]


def test_band_passes_close_in_on_a_tone() -> None:
    """The least noise beside the tone passes through the narrowest band around it. One band starts as wide as all."""
    layer = kapre.SincConv(1, RATE, 101, 8)
    before = layer.edges
    losses = train(layer, tone_and_noise(TONE), keras.optimizers.Adam(2e-2), 60)
    low, high = layer.edges
    assert high[0] - low[0] < 0.5 * (before[1] - before[0])[0]
    assert low[0] < TONE < high[0]
    assert losses[-1] < losses[0] - 0.3


def test_gabor_filters_move_to_a_tone() -> None:
    """It lies outside of the half-width of both at the start. Around it, they become narrow."""
    layer = kapre.Leaf(RATE, 2, 101, 80, 60.0, 2000.0, pcen=False)
    before = layer.parameters
    assert (np.abs(before["centre"] - TONE) > before["bandwidth"] / 2.0).all()
    losses = train(layer, tone_and_noise(TONE), keras.optimizers.Adam(2e-2), 60)
    after = layer.parameters
    assert (np.abs(after["centre"] - TONE) < 150.0).all()
    assert losses[-1] < losses[0] - 2.0


@pytest.mark.parametrize("shape", [pytest.param("triangular", marks=NOT_ON_JAX), "gaussian"])
def test_bands_move_to_a_tone(shape: Any) -> None:
    """All want the tone, and keep their order."""
    layer = kapre.ParametricFilterbank(MEL.replace(n_mels=3), shape, 3.0)
    before = layer.bands[1]
    losses = train(layer, tone_and_noise(1500.0), keras.optimizers.Adam(1e-2), 40)
    after = layer.bands[1]
    assert np.abs(after - 1500.0).sum() < 0.7 * np.abs(before - 1500.0).sum()
    assert (np.diff(after) > 0.0).all()
    assert losses[-1] < losses[0] - 1.0


def test_pcen_learns_the_parameters_of_another() -> None:
    x = given("pcen", 2, 4000).astype("float32")
    target = to_numpy(kapre.PCEN(0.9, 1.0, 0.6, 0.1, start="first")(x))
    layer = kapre.PCEN(0.8, 2.0, 0.4, 0.05, start="first")
    model = keras.Sequential([keras.Input(x.shape[1:]), layer])
    model.compile(keras.optimizers.Adam(3e-2), "mse", jit_compile=False)
    losses = [float(model.train_on_batch(x, target)) for _ in range(60)]
    assert losses[-1] < 0.05 * losses[0]


@pytest.mark.parametrize(
    ("name", "optimizer"),
    [
        ("sinc", "Adam"),
        ("bank", "Adam"),
        *(
            pytest.param(*row, marks=NOT_ON_JAX)
            for row in (("sinc", "SGD"), ("bank", "SGD"), ("leaf", "Adam"), ("pcen", "Adam"))
        ),
    ],
)
def test_a_large_learning_rate_stays_finite(name: str, optimizer: str) -> None:
    x = given(name, 2, 1600).astype("float32")
    layer = LAYERS[name](learning_rate_multiplier=10.0)
    train(layer, x, getattr(keras.optimizers, optimizer)(1e3), 4)
    assert all(np.isfinite(weight).all() for weight in layer.get_weights())
    assert np.isfinite(to_numpy(layer(x))).all()
    if isinstance(layer, kapre.SincConv):
        low, high = layer.edges
        assert (low >= 49.99).all()
        assert (high <= RATE / 2.0).all()
        assert (high - low >= 49.9).all()
    elif isinstance(layer, kapre.ParametricFilterbank):
        lower, centres, upper = layer.bands
        assert (np.diff(centres) >= -1e-3).all()
        assert lower.min() >= 0.0
        assert upper.max() <= RATE / 2.0
        assert (layer.filterbank >= 0.0).all()
        assert layer.filterbank.any(axis=0).all()
    else:
        bounds = dict(gain=(0.0, 1.0), bias=(1e-6, 1e6), power=(0.01, 1.0), smoothing=(0.002, 1.0))
        bounds |= dict(centre=(0.0, RATE / 2.0), average=(0.0, 0.5), bandwidth=(1.0, RATE / 4.0))
        for key, values in layer.parameters.items():
            low, high = bounds[key]
            assert (values >= low - 1e-5).all(), key
            assert (values <= high * (1.0 + 1e-5)).all(), key


@pytest.mark.parametrize("name", ["sinc", *(pytest.param(name, marks=NOT_ON_JAX) for name in ("pcen", "bank"))])
def test_the_multiplier_scales_the_steps_of_adam(name: str) -> None:
    x = given(name, 2, 1600).astype("float32")

    def value(layer: Any) -> np.ndarray:
        if isinstance(layer, kapre.SincConv):
            return layer.edges[0]
        if isinstance(layer, kapre.ParametricFilterbank):
            return np.log(layer.bands[2] - layer.bands[1])
        return layer.parameters["gain"]

    moved = []
    for multiplier in (1.0, 4.0):
        layer = LAYERS[name](learning_rate_multiplier=multiplier)
        layer.build(x.shape)
        before = value(layer)
        train(layer, x, keras.optimizers.Adam(1e-4), 1)
        moved.append(np.abs(value(layer) - before).max())
    assert moved[0] > 0.0
    assert moved[1] == pytest.approx(4.0 * moved[0], rel=0.05)


WITH_BANK = [
    name for name in kapre.list_presets() if kapre.frontends.preset(name).recipe.filterbank not in (None, "chroma")
]
if BACKEND == "jax":  # it compiles for each
    WITH_BANK = ["whisper", "kaldi_fbank", "dnsmos", "speechbrain_fbank", "python_speech_features"]


@pytest.mark.parametrize("name", WITH_BANK)
def test_a_bank_starts_as_the_presets(name: str) -> None:
    recipe = kapre.frontends.preset(name).recipe
    bank = recipe.bank_in("float32")
    found = kapre.ParametricFilterbank(recipe).filterbank
    assert np.abs(found - bank).max() <= 3e-7 * bank.max()
    heard = bank.max(axis=0) > 1e-3 * bank.max()  # a band that barely touches a bin has no peak to speak of
    assert (np.abs(found - bank).max(axis=0)[heard] <= 3e-5 * bank.max(axis=0)[heard]).all()


@pytest.mark.parametrize("name", ["whisper", "kaldi_fbank"])
def test_features_start_as_the_presets(name: str) -> None:
    x = chirp(2, 8000)[..., 0].astype("float32")
    right = to_numpy(kapre.Frontend.from_preset(name)(x))
    assert relative_error(kapre.ParametricFilterbank.from_preset(name)(x), right) <= 2e-5


def test_a_bank_from_a_models_own_file() -> None:
    file = {"feature_extractor_type": "WhisperFeatureExtractor", "feature_size": 128, "hop_length": 160}
    layer = kapre.ParametricFilterbank.from_pretrained(
        file, shape="gaussian", learning_rate_multiplier=2.0, name="ears"
    )
    assert layer.recipe == kapre.frontends.preset("whisper_large_v3").recipe
    assert (layer.shape, layer.learning_rate_multiplier, layer.name) == ("gaussian", 2.0, "ears")
    assert layer.source.reader
    other = kapre.ParametricFilterbank.from_preset("whisper", n_mels=40, shape="gaussian")
    assert other.recipe.n_mels == 40
    assert other.shape == "gaussian"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        (dict(filterbank="mel"), 0.17),
        (dict(filterbank="log", n_bins=24, bins_per_octave=6, f_min=150.0), 0.25),
        (dict(filterbank="gammatone", n_bins=24, f_min=100.0, norm=None), 0.25),
    ],
)
def test_a_gaussian_bank_is_close_to_the_bank_of_the_recipe(fields: dict[str, Any], error: float) -> None:
    """At the peaks it is the bank, and at half of them. The figure is the error of each band beside its norm."""
    recipe = kapre.Recipe(sample_rate=RATE, n_fft=1024, hop_length=256, **fields)
    bank = recipe.bank_in("float64")
    found = kapre.ParametricFilterbank(recipe, "gaussian").filterbank
    np.testing.assert_allclose(found.max(axis=0), bank.max(axis=0), rtol=0.2)
    apart = np.linalg.norm(found - bank, axis=0) / np.linalg.norm(bank, axis=0)
    assert np.median(apart) <= error


@NOT_ON_JAX
def test_a_trained_bank_in_batches_streams_and_backwards() -> None:
    x = chirp(3, 2400)[..., 0]
    with float64():
        layer = build(kapre.ParametricFilterbank(MEL.replace(log="ln", amin=1e-6), dtype="float64"), x)
        check_ragged(layer, x, [2400, 1333, 0], 1e-9)
        stream = layer.stream()
        state, parts = stream.initial_state(3), []
        for at in range(0, 2400, 480):
            y, state = stream.step(ops.convert_to_tensor(x[:, at : at + 480]), state)
            parts.append(to_numpy(y))
        parts.append(to_numpy(stream.flush(state)))
        whole = to_numpy(layer(x))
        assert relative_error(np.concatenate(parts, axis=1), whole) <= 1e-9
        again = to_numpy(layer(layer.invert(ops.convert_to_tensor(whole))))
        assert np.abs(again[:, : whole.shape[1]] - whole).mean() < 0.5


@NOT_ON_JAX
def test_responses_are_those_of_the_filters() -> None:
    """A tone of amplitude 1 comes out as the response at its frequency says."""
    t = np.arange(1600) / RATE
    for layer in (kapre.SincConv(4, RATE, 101), kapre.Leaf(RATE, 4, 101, 40, pcen=False)):
        build(layer, np.zeros((1, 1600)))
        frequencies, before, after = layer.responses(401)
        assert before.shape == after.shape == (401, 4)
        assert np.abs(after - before).max() > 1e-3
        for place in (60, 150, 300):
            y = to_numpy(layer(np.sin(2 * np.pi * frequencies[place] * t)[None].astype("float32")))[0, 5:-5]
            if isinstance(layer, kapre.SincConv):
                level = np.sqrt(2.0) * np.sqrt((y**2).mean(axis=0))
                np.testing.assert_allclose(level, after[place], atol=0.03 * after.max())
            else:  # half of the tone is at the negative frequency
                window = np.exp(-0.5 * (np.linspace(-1, 1, 101)[:, None] / layer.parameters["average"]) ** 2).sum(
                    axis=0
                )
                level = np.sqrt(y.mean(axis=0) / window) * 2.0
                np.testing.assert_allclose(level, after[place], atol=0.03 * after.max())
    layer = build(kapre.ParametricFilterbank(MEL), np.zeros((1, 1600)))
    frequencies, before, after = layer.responses()
    np.testing.assert_allclose(frequencies, np.fft.rfftfreq(256, 1.0 / RATE))
    np.testing.assert_array_equal(before, MEL.bank_in("float32"))
    np.testing.assert_array_equal(after, layer.filterbank)


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (lambda: kapre.SincConv(8, 16000, 250), ValueError, "`kernel_size` must be an odd number"),
        (lambda: kapre.SincConv(0, 16000), ValueError, "`filters` must be a positive integer"),
        (lambda: kapre.SincConv(8, 16000, padding="full"), ValueError, "`padding` must be one of"),
        (lambda: kapre.SincConv(8, 160, min_band_hz=50.0), ValueError, "is below 80 Hz"),
        (lambda: kapre.SincConv(8, 16000, learning_rate_multiplier=0.0), ValueError, "must be a positive number"),
        (lambda: kapre.SincConv(8, 16000)(np.zeros((4,), "float32")), ValueError, r"of shape \(batch, time\)"),
        (lambda: kapre.SincConv(8, 16000)(np.zeros((1, 400), "int16")), TypeError, "pcm_to_float"),
        (lambda: kapre.Leaf(16000, win_length=400), ValueError, "`win_length` must be an odd number"),
        (lambda: kapre.Leaf(16000, f_max=9000.0), ValueError, "`f_max` must be at most 8000 Hz"),
        (lambda: kapre.Leaf(0.0), ValueError, "`sample_rate` must be a positive number of Hz"),
        (lambda: kapre.PCEN(power=2.0), ValueError, "`power` must be a number from 0.01 to 1"),
        (lambda: kapre.PCEN(smoothing=1e-3), ValueError, "`smoothing` must be a number from 0.002 to 1"),
        (lambda: kapre.PCEN(epsilon=1e-9), ValueError, "`epsilon` must be a number, 1e-6 or above"),
        (lambda: kapre.PCEN()(np.zeros((4, 4), "float32")), ValueError, r"of shape \(batch, frame, band\)"),
        (lambda: kapre.PCEN().parameters, ValueError, "the number of bands is not known yet"),
        (lambda: kapre.ParametricFilterbank(kapre.Recipe(n_fft=512)), ValueError, "`filterbank` must be 'mel'"),
        (lambda: kapre.ParametricFilterbank.from_preset("musicgen_melody"), ValueError, "received filterbank='chroma'"),
        (lambda: kapre.ParametricFilterbank(MEL, "square"), ValueError, "`shape` must be one of"),
        (
            lambda: kapre.ParametricFilterbank(MEL, trainable_filterbank=True),
            ValueError,
            "`trainable_filterbank` must be left out of ParametricFilterbank",
        ),
    ],
)
def test_wrong_arguments(make: Any, kind: Any, text: str) -> None:
    with pytest.raises(kind, match=text):
        make()
