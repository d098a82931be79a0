"""`Frontend`: the contract of a layer, on waves without channels; ragged batches, weights, dither, files."""

from __future__ import annotations

import copy
import dataclasses
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
from kapre.stages import idle
from tests.conftest import BACKEND, chirp, compiled, float64, gradient, mostly_on, quick, relative_error, to_numpy
from tests.ragged import check_ragged

# One for each stage that a recipe may have; short clips, so that the tests stay quick.
SHORT: dict[str, kapre.Recipe] = {
    name: kapre.frontends.preset(name).recipe.replace(**changes)
    for name, changes in {
        "kaldi_mfcc": {},
        "kaldi_fbank": dict(snip_edges=False, energy="first"),
        "whisper": dict(fixed_samples=3000),
        "clap_fused": dict(fixed_samples=5000),
        "nemo": {},
        "seamless_m4t": {},
        "paraformer": {},
        "vggish": dict(patch_frames=4),
        "gemma4": {},
        "ast": dict(fixed_frames=20),
        "hifigan": {},
        "silero_vad": {},
        "wav2vec2": {},
        "wespeaker": dict(normalize_over="running"),
    }.items()
}
names = pytest.mark.parametrize("name", list(SHORT))
some = pytest.mark.parametrize("name", ["kaldi_mfcc", "nemo", "paraformer", "clap_fused", "silero_vad"])


def wave(batch: int = 2, time: int = 2400) -> np.ndarray:
    return chirp(batch, time)[:, :, 0].astype("float32")


@names
def test_shapes_known_and_unknown(name: str) -> None:
    layer = kapre.Frontend(SHORT[name])
    for time in (0, 399, 2480):
        if BACKEND == "jax" and time < 2480:  # it compiles for each
            import jax

            y = jax.eval_shape(layer, wave(time=time))
        else:
            y = quick(layer)(wave(time=time))
            assert np.isfinite(to_numpy(y)).all()
        assert tuple(y.shape) == layer.compute_output_shape((2, time)) == (2, *layer.recipe.output_shape(time))
        assert keras.backend.standardize_dtype(y.dtype) == "float32"
    axis = list(layer.recipe.output_shape(2400)).index(layer.num_frames(2400))
    unknown = layer.compute_output_shape((None, None))
    assert unknown[0] is None
    assert unknown[axis + 1] in (None, layer.num_frames(None))
    assert (layer.num_frames(None) is None) == (
        layer.recipe.fixed_samples is None and layer.recipe.fixed_frames is None
    )
    tensor = ops.convert_to_tensor(np.array([0, 1, 399, 2400], "int32"))
    counted = layer.num_frames(tensor)
    expected = [layer.num_frames(n) for n in (0, 1, 399, 2400)]
    assert np.broadcast_to(to_numpy(counted) if hasattr(counted, "dtype") else counted, 4).tolist() == expected


@some
def test_ragged_batch_is_the_clips_alone(name: str) -> None:
    """Other presets and more lengths: frontends/test_ragged.py."""
    with float64():
        layer = kapre.Frontend(SHORT[name], dtype="float64")
        check_ragged(layer, chirp(3, 2400)[:, :, 0], [2400, 1333, 0], 1e-9)


@some
def test_neighbours_do_not_matter(name: str) -> None:
    layer = kapre.Frontend(SHORT[name])
    x = wave(3)
    loud = x.copy()
    loud[1] *= 100.0
    loud[2] = np.nan
    np.testing.assert_allclose(to_numpy(layer(loud))[0], to_numpy(layer(x))[0], rtol=1e-5, atol=1e-5)


@names
def test_saved_copied_and_pickled(name: str, tmp_path: Path) -> None:
    inputs = keras.Input((None,))
    model = keras.Model(inputs, kapre.Frontend(SHORT[name], name="front")(inputs))
    x = wave()
    expected = to_numpy(model(x))
    assert model.output_shape == (None, *SHORT[name].output_shape(None))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.get_layer("front").recipe == SHORT[name]
    layer = model.get_layer("front")
    for again in (loaded, keras.models.clone_model(model), copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        np.testing.assert_array_equal(to_numpy(again(x)), expected)
    json.dumps(layer.get_config())


@pytest.mark.parametrize(
    "name",
    [
        # PyTorch's compiler takes ten seconds; test_surroundings.py gives it more presets.
        *(pytest.param(name, marks=mostly_on("tensorflow", "jax")) for name in ("kaldi_fbank", "paraformer")),
        "nemo",
        "silero_vad",
    ],
)
def test_compiled_and_its_gradient(name: str) -> None:
    layer = kapre.Frontend(SHORT[name])
    x = wave()
    np.testing.assert_allclose(to_numpy(compiled(layer)(x)), to_numpy(layer(x)), rtol=2e-4, atol=2e-4)
    for value in (x, np.zeros_like(x)):
        assert np.isfinite(gradient(layer, value)).all()
    assert np.abs(gradient(layer, x)).max() > 0.0


@pytest.mark.parametrize("name", ["kaldi_mfcc", "nemo", "paraformer", "silero_vad", "wespeaker"])
def test_unknown_time_in_a_graph(name: str) -> None:
    """A model traced once with unknown time and ragged lengths gives what the layer gives."""
    layer = kapre.Frontend(SHORT[name])
    inputs, lengths = keras.Input((None,)), keras.Input((), dtype="int32")
    model = keras.Model([inputs, lengths], layer(inputs, lengths=lengths))
    x, counts = wave(), np.array([2400, 1900], "int32")
    np.testing.assert_allclose(to_numpy(model([x, counts])), to_numpy(layer(x, lengths=counts)), rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(
        model.predict([x, counts], verbose=0), to_numpy(layer(x, lengths=counts)), rtol=1e-4, atol=1e-3
    )


class SumOfValid(keras.layers.Layer):
    """Count what its mask lets through."""

    supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        assert mask is not None
        return ops.sum(ops.cast(mask, "float32"), axis=1)


@pytest.mark.parametrize("name", ["kaldi_fbank", "paraformer", "vggish", "nemo"])
def test_the_output_carries_the_mask(name: str) -> None:
    layer = kapre.Frontend(SHORT[name])
    x, counts = wave(), np.array([2400, 1333], "int32")
    hops = layer.recipe.valid_frames == "hops"  # of whole hops, and not of a frame at either edge
    expected = [n // layer.recipe.hop_length if hops else layer.num_frames(n) for n in counts.tolist()]
    assert to_numpy(SumOfValid()(layer(x, lengths=counts))).tolist() == expected
    inputs, lengths = keras.Input((None,)), keras.Input((), dtype="int32")
    model = keras.Model([inputs, lengths], SumOfValid()(layer(inputs, lengths=lengths)))
    assert to_numpy(model([x, counts])).tolist() == expected
    # Keras' own mask, over samples, says the same.
    mask = np.arange(2400) < counts[:, None]
    np.testing.assert_array_equal(to_numpy(layer(x, mask=mask)), to_numpy(layer(x, lengths=counts)))
    assert to_numpy(layer.compute_mask(x, ops.convert_to_tensor(mask))).sum(axis=1).tolist() == expected


def tensor_of(x: np.ndarray) -> Any:
    return ops.convert_to_tensor(x, dtype=str(x.dtype))


def test_lengths_of_other_forms() -> None:
    layer = kapre.Frontend.from_preset("kaldi_fbank")
    x = wave()
    expected = to_numpy(layer(x, lengths=[2400, 900]))
    long = np.array([2**33, 900], "int64")
    for lengths in (long, ops.convert_to_tensor([2400, 900]), (5000, 900), *([tensor_of(long)] * (BACKEND != "jax"))):
        y = layer(x, lengths=lengths)
        np.testing.assert_array_equal(to_numpy(y), expected)
        assert to_numpy(SumOfValid()(y)).tolist() == [layer.num_frames(2400), layer.num_frames(900)]
    for lengths, text in (([1.5, 2.0], "float64 of shape"), ([[1], [2]], "shape \\(2, 1\\)"), ([1], "each of 2 clips")):
        with pytest.raises(ValueError, match=f"`lengths` must be .*{text}"):
            layer(x, lengths=lengths)


@pytest.mark.parametrize("shape", [(2, 98), (3, 2400), (2400,)])
def test_a_mask_that_is_not_over_the_samples(shape: tuple[int, ...]) -> None:
    text = f"`mask` must be over the samples, of shape (2, 2400); received mask='shape {shape}'"
    with pytest.raises(ValueError, match=re.escape(text)):
        kapre.Frontend.from_preset("kaldi_fbank")(wave(), mask=np.ones(shape, bool))


@pytest.mark.parametrize(
    ("x", "kind", "text"),
    [
        (np.zeros((2, 1600, 1), "float32"), ValueError, "(batch, time); received (2, 1600, 1). Its channels are no"),
        (np.zeros(1600, "float32"), ValueError, "add the batch: x[None]"),
        (np.zeros((2, 1600), "int16"), TypeError, "kapre.pcm_to_float"),
        (np.zeros((2, 1600), "complex64"), TypeError, "must be real"),
    ],
)
def test_wrong_inputs(x: np.ndarray, kind: type[Exception], text: str) -> None:
    layer = kapre.Frontend.from_preset("kaldi_fbank")
    for _ in range(2):
        with pytest.raises(kind, match=re.escape(text)):
            layer(x)
        layer(wave())  # and a layer that is built refuses it too


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (lambda: kapre.Frontend("whisper"), TypeError, "Use kapre.Frontend.from_preset(name)"),
        (lambda: kapre.Frontend.from_preset("wisper"), ValueError, "received name='wisper'. Use 'whisper'"),
        (lambda: kapre.Frontend.from_preset("zzzz"), ValueError, "kapre.list_presets() has them all"),
        (lambda: kapre.Frontend.from_preset("whisper", n_mel=3), TypeError, "received changes='n_mel'. Use n_mels"),
        (lambda: kapre.Frontend.from_preset("whisper", seed=-1), ValueError, "`seed` must be an integer, 0 or above"),
        (
            lambda: kapre.Frontend.from_preset("wav2vec2", trainable_filterbank=True),
            ValueError,
            "`trainable_filterbank` must be False for a recipe without a filter bank",
        ),
        (
            lambda: kapre.Frontend.from_preset("wav2vec2", trainable_window=True),
            ValueError,
            "`trainable_window` must be False for a recipe without a spectrum",
        ),
        (lambda: kapre.Frontend({"kapre_recipe": 9}), ValueError, "version 2; received kapre_recipe=9"),
    ],
)
def test_wrong_arguments(make: Any, kind: Any, text: str) -> None:
    with pytest.raises(kind, match=re.escape(text)):
        make()


def test_from_preset_changes_the_recipe_and_the_layer() -> None:
    layer = kapre.Frontend.from_preset("kaldi_fbank", n_mels=40, dither=1.0, seed=3, name="front")
    assert layer.recipe == kapre.frontends.preset("kaldi_fbank").recipe.replace(n_mels=40, dither=1.0)
    assert (layer.seed, layer.name) == (3, "front")
    assert kapre.list_presets() == sorted(kapre.list_presets())
    assert len(kapre.list_presets()) >= 65
    for alias, name in kapre.frontends.aliases().items():
        assert alias not in kapre.list_presets()
        assert kapre.Frontend.from_preset(alias).recipe == kapre.frontends.preset(name).recipe


def test_dither_in_training_only() -> None:
    x = np.zeros((2, 2400), "float32")

    def make() -> kapre.Frontend:
        return kapre.Frontend.from_preset("kaldi_fbank", dither=1.0, seed=7)

    layer = make()
    np.testing.assert_array_equal(to_numpy(layer(x)), to_numpy(kapre.Frontend.from_preset("kaldi_fbank")(x)))
    first, second = to_numpy(layer(x, training=True)), to_numpy(layer(x, training=True))
    assert (first != second).all()
    assert (first[0] != first[1]).all()
    np.testing.assert_array_equal(to_numpy(make()(x, training=True)), first)
    # A deviation of 1 in 16-bit steps: the bands' power is that of white noise of that deviation.
    power = np.exp(first).mean()
    noise = np.random.default_rng(0).standard_normal((2, 2400)).astype("float32") / 32768.0
    assert power == pytest.approx(np.exp(to_numpy(layer(noise))).mean(), rel=0.3)


def test_trainable_weights(tmp_path: Path) -> None:
    frontend = kapre.Frontend.from_preset(
        "kaldi_fbank", n_mels=20, trainable_filterbank=True, trainable_window=True, name="front"
    )
    fixed = kapre.Frontend.from_preset("kaldi_fbank", n_mels=20)
    x, y = wave(4), np.array([0.0, 1.0, 0.0, 1.0], "float32")
    np.testing.assert_allclose(to_numpy(frontend(x)), to_numpy(fixed(x)), rtol=1e-5, atol=1e-4)
    assert [tuple(weight.shape) for weight in frontend.trainable_weights] == [(257, 20), (400,)]
    apart = kapre.Frontend.from_preset("nemo", trainable_window=True)  # in the middle of 512 samples
    assert [tuple(weight.shape) for weight in apart.trainable_weights] == [(400,)]  # there before the first call
    nemo = kapre.Frontend.from_preset("nemo")
    np.testing.assert_allclose(to_numpy(apart(x)), to_numpy(nemo(x)), rtol=1e-5, atol=1e-4)
    assert fixed.weights == []
    model = keras.Sequential(
        [keras.Input((2400,)), frontend, keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(1)]
    )
    before = [to_numpy(weight).copy() for weight in frontend.weights]
    model.compile("adam", "mse")
    model.fit(x, y, epochs=2, verbose=0)
    for weight, old in zip(frontend.weights, before, strict=True):
        assert np.abs(to_numpy(weight) - old).max() > 1e-5
    expected = to_numpy(model(x))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(to_numpy(again(x)), expected)
    stream = again.get_layer("front").stream()
    rest = stream.flush(stream.step(x, stream.initial_state(4))[1])
    assert tuple(rest.shape) == (4, 0, 20)
    whole, _ = stream.step(x, stream.initial_state(4))
    np.testing.assert_allclose(to_numpy(whole), to_numpy(frontend(x)), rtol=1e-5, atol=1e-4)


def test_half_precision_is_cast_once() -> None:
    x = wave()
    exact = to_numpy(kapre.Frontend(SHORT["kaldi_fbank"])(x))
    half = kapre.Frontend(SHORT["kaldi_fbank"], dtype="mixed_float16")(x)
    assert keras.backend.standardize_dtype(half.dtype) == "float16"
    np.testing.assert_array_equal(to_numpy(half), exact.astype("float16"))


def test_float64() -> None:
    with float64():
        layer = kapre.Frontend(SHORT["nemo"], dtype="float64")
        y = layer(chirp(1, 2400)[:, :, 0])
        assert keras.backend.standardize_dtype(y.dtype) == "float64"
        assert relative_error(kapre.Frontend(SHORT["nemo"])(wave(1)), to_numpy(y)) <= 1e-4


def test_inside_tf_data() -> None:
    import tensorflow as tf

    layer = kapre.Frontend(SHORT["kaldi_fbank"])
    x, counts = wave(), np.array([2400, 1333], "int32")
    dataset = tf.data.Dataset.from_tensors((x, counts)).map(lambda a, n: layer(a, lengths=n))
    np.testing.assert_allclose(next(iter(dataset)).numpy(), to_numpy(layer(x, lengths=counts)), rtol=1e-5, atol=1e-4)


def test_a_window_longer_than_the_transform_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="win_length=400 is longer than n_fft=256: each windowed frame is cropped"):
        kapre.Frontend.from_preset("kaldi_fbank", n_fft=256, n_mels=20)


def test_dither_stays_within_the_lengths() -> None:
    """The noise of the padding is in no statistics of the clip."""
    recipe = kapre.Recipe(sample_rate=16000, power=None, normalize_samples=True, dither=0.5)
    layer = kapre.Frontend(recipe, seed=1)
    y = to_numpy(layer(wave(), lengths=[400, 2400], training=True))
    assert abs(y[0, :400].mean()) <= 1e-5
    assert y[0, :400].std() == pytest.approx(1.0, abs=1e-3)
    assert (y[0, 400:] == 0.0).all()


@pytest.mark.parametrize("changes", [dict(drop_last=3), dict(center=False), dict(fixed_samples=1600)])
def test_statistics_of_frames_that_are_there(changes: dict) -> None:
    """`valid_frames` cannot count more frames than there are."""
    layer = kapre.Frontend.from_preset("nemo", **changes)
    y = to_numpy(layer(wave()))[0]
    counted = min(layer.recipe.num_valid(2400), y.shape[1])
    np.testing.assert_allclose(y[:, :counted].mean(axis=1), 0.0, atol=1e-4)
    np.testing.assert_allclose(y[:, :counted].std(axis=1, ddof=1), 1.0, atol=1e-2)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (dict(f_max=12000.0), "9 of 80 filter bank bands hold no DFT bin"),
        (dict(n_mels=400), "86 of 400 filter bank bands hold no DFT bin"),
    ],
)
def test_bands_that_hold_nothing_are_warned_of(changes: dict, text: str) -> None:
    with pytest.warns(UserWarning, match=text):
        kapre.Frontend.from_preset("kaldi_fbank", **changes)


@pytest.mark.parametrize(
    ("name", "changes", "needed"),
    [
        ("wav2vec2", dict(n_mels=40), "power=1.0 or 2.0"),
        ("wav2vec2", dict(hop_length=10), "power=1.0 or 2.0"),
        ("silero_vad", dict(n_mels=40), "filterbank='mel'"),
        ("wav2vec2", dict(stack_hop=3), "power=1.0 or 2.0"),
        ("whisper", dict(samples_multiple=160), "fixed_samples=None"),
        ("hifigan", dict(window_placement="center"), "a win_length below n_fft"),
        ("kaldi_fbank", dict(lifter=22.0), "another n_mfcc than None"),
        ("kaldi_fbank", dict(n_bins=20), "filterbank='log'"),
        ("kaldi_fbank", dict(pad_mode="reflect"), "center=True, pad_left or pad_right"),
    ],
)
def test_a_change_without_effect_is_refused(name: str, changes: dict[str, object], needed: str) -> None:
    field = next(iter(changes))
    with pytest.raises(ValueError, match=f"`{field}` must be left out of '{name}'.*It needs {needed}"):
        kapre.Frontend.from_preset(name, **changes)


@pytest.mark.parametrize("name", kapre.list_presets())
def test_a_presets_own_fields_may_be_given_again(name: str) -> None:
    recipe = kapre.frontends.preset(name).recipe
    assert kapre.Frontend.from_preset(name, **recipe.changed_fields()).recipe == recipe
    for field in dataclasses.fields(kapre.Recipe):  # nor is a default refused that changes nothing
        if field.name in idle(vars(recipe)):
            kapre.Frontend.from_preset(name, **{field.name: field.default})
