"""Models with lengths or a mask: saved, copied and rebuilt, they give what they gave; padding changes nothing."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import kapre
from tests.conftest import BACKEND, chirp, compiled, to_numpy

pytestmark = pytest.mark.filterwarnings("ignore:.*filter bank bands hold no")

PADDING = 9.0
"""What `keras.layers.Masking` here takes for padding."""
LENGTHS = np.array([1200, 700], "int32")
FRAMING = dict(n_fft=256, hop_length=160)
BANK = dict(sample_rate=16000, n_mels=8)


def samples() -> np.ndarray:
    x = chirp(2, int(LENGTHS.max())).astype("float32")
    return np.where(np.arange(x.shape[1])[None, :, None] < LENGTHS[:, None, None], x, np.float32(PADDING))


def mask() -> np.ndarray:
    return np.arange(LENGTHS.max()) < LENGTHS[:, None]


def by_lengths() -> tuple[list[Any], Any]:
    inputs, lengths = keras.Input((None,)), keras.Input((), dtype="int32")
    return [inputs, lengths], kapre.Frontend.from_preset("kaldi_fbank", n_mels=8)(inputs, lengths=lengths)


def by_mask() -> tuple[list[Any], Any]:
    inputs, within = keras.Input((None,)), keras.Input((None,), dtype="bool")
    return [inputs, within], kapre.Frontend.from_preset("kaldi_fbank", n_mels=8)(inputs, mask=within)


def by_masking(*layers: Any) -> tuple[list[Any], Any]:
    inputs = keras.Input((None, 1))
    hidden = keras.layers.Masking(PADDING)(inputs)
    for layer in layers:
        hidden = layer(hidden)
    return [inputs], hidden


def helper() -> Any:
    return kapre.get_melspectrogram_layer(**FRAMING, **BANK, return_decibel=True)


# What makes the model's inputs and its features, and the inputs' values.
SOURCES: dict[str, tuple[Callable[[], tuple[list[Any], Any]], Callable[[], list[np.ndarray]]]] = {
    "lengths": (by_lengths, lambda: [samples()[..., 0], LENGTHS]),
    "mask": (by_mask, lambda: [samples()[..., 0], mask()]),
    "helper": (lambda: by_masking(helper(), kapre.SqueezeChannels()), lambda: [samples()]),
    "chain": (lambda: by_masking(*helper().layers, kapre.Delta(), kapre.SqueezeChannels()), lambda: [samples()]),
    "two helpers": (
        lambda: by_masking(kapre.get_stft_mag_phase((None, 1), **FRAMING), kapre.SqueezeChannels()),
        lambda: [samples()],
    ),
}
HEADS: dict[str, Callable[[Any], Any]] = {
    "GRU": lambda x: keras.layers.GRU(3)(x),
    "pooling": lambda x: keras.layers.GlobalAveragePooling1D()(x),
    "normalization": lambda x: keras.layers.GlobalAveragePooling1D()(keras.layers.BatchNormalization()(x)),
    "none": lambda x: x,
}


def model_of(source: str, head: str) -> keras.Model:
    inputs, features = SOURCES[source][0]()
    return keras.Model(inputs, HEADS[head](features))


def is_tried(source: str, head: str) -> bool:
    """A GRU takes JAX seconds to compile, a long chain more: there, each source and each head is met once."""
    if BACKEND == "jax":
        return source == "lengths" or head == "pooling"
    return head != "GRU" or source in ("lengths", "mask", "helper")


@pytest.mark.parametrize(
    ("source", "head"), [(source, head) for source in SOURCES for head in HEADS if is_tried(source, head)]
)
def test_saved_cloned_copied_and_pickled(source: str, head: str, tmp_path: Path) -> None:
    model = model_of(source, head)
    values = SOURCES[source][1]()
    expected = to_numpy(model(values))
    assert np.isfinite(expected).all()
    model.save(tmp_path / "model.keras")
    cloned, configured = keras.models.clone_model(model), type(model).from_config(model.get_config())
    for again in (cloned, configured):
        again.set_weights(model.get_weights())
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for again in (loaded, cloned, configured, copy.deepcopy(model), pickle.loads(pickle.dumps(loaded))):
        np.testing.assert_array_equal(to_numpy(again(values)), expected)


@pytest.mark.parametrize(
    ("source", "head"),  # not of "mask", which Keras 3.10 hands on to no one
    [("lengths", "GRU"), *((source, "pooling") for source in SOURCES if source != "mask")],
)
def test_a_padded_clip_gives_what_it_gives_alone(source: str, head: str) -> None:
    model = model_of(source, head)
    values = SOURCES[source][1]()
    together = to_numpy(model(values))
    for item, length in enumerate(LENGTHS):
        alone = [value[item : item + 1] for value in values]
        alone[0] = alone[0][:, :length]
        np.testing.assert_allclose(together[item], to_numpy(model(alone))[0], rtol=1e-4, atol=1e-4)


def test_a_checkpoint_of_training(tmp_path: Path) -> None:
    model = model_of("lengths", "GRU")
    model.compile("sgd", "mse")
    values = SOURCES["lengths"][1]()
    path = str(tmp_path / "best.keras")
    model.fit(values, np.zeros((2, 3)), verbose=0, callbacks=[keras.callbacks.ModelCheckpoint(path)])
    np.testing.assert_array_equal(to_numpy(keras.saving.load_model(path)(values)), to_numpy(model(values)))


class Flat(keras.layers.Layer):
    """Drop the last axis and hand the mask on."""

    supports_masking = True

    def call(self, inputs: Any) -> Any:
        return inputs[..., 0]


@pytest.mark.parametrize("how", ["model", "eager", "compiled"])
def test_lengths_go_before_a_mask_that_the_samples_carry(how: str) -> None:
    """The mask of the output too is that of the lengths, and a subclass that changes the output keeps it."""

    class Louder(kapre.Frontend):
        def call(self, inputs: Any, lengths: Any = None, **kwargs: Any) -> Any:
            return 2.0 * super().call(inputs, lengths=lengths, **kwargs)

    masking, flat, pooling = keras.layers.Masking(PADDING), Flat(), keras.layers.GlobalAveragePooling1D()
    front = Louder(kapre.frontends.preset("kaldi_fbank").recipe.replace(n_mels=8))

    def whole(x: Any, lengths: Any) -> Any:
        return pooling(front(flat(masking(x)), lengths=lengths))

    x, lengths = samples(), LENGTHS - np.array([300, 200], "int32")
    expected = [to_numpy(front(x[item : item + 1, :length, 0]))[0].mean(axis=0) for item, length in enumerate(lengths)]
    if how == "model":
        symbolic = keras.Input((None, 1)), keras.Input((), dtype="int32")
        whole = keras.Model(symbolic, whole(*symbolic))
        got = whole([x, lengths])
    else:
        got = (compiled(whole) if how == "compiled" else whole)(*map(ops.convert_to_tensor, (x, lengths)))
    np.testing.assert_allclose(to_numpy(got), np.stack(expected), rtol=1e-4, atol=1e-4)


@keras.saving.register_keras_serializable("kapre_tests")
class OfADictionary(keras.Model):
    """A subclassed model of samples, and of their lengths or a mask."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.front = kapre.Frontend.from_preset("kaldi_fbank", n_mels=8)
        self.gru = keras.layers.GRU(3)

    def call(self, inputs: dict[str, Any]) -> Any:
        options = {name: value for name, value in inputs.items() if name != "samples"}
        return self.gru(self.front(inputs["samples"], **options))


@pytest.mark.parametrize("given", ["lengths", "mask"])
@pytest.mark.parametrize("trained", [False, True])
def test_a_subclassed_model_keeps_its_weights(given: str, trained: bool, tmp_path: Path) -> None:
    """Keras builds it anew on placeholders of float32 before it loads the weights."""
    inputs = dict(zip(["samples", given], SOURCES[given][1](), strict=True))
    model = OfADictionary()
    if trained:
        model.compile("sgd", "mse")
        model.fit(inputs, np.zeros((2, 3)), verbose=0)
    expected = to_numpy(model(inputs))
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(to_numpy(keras.saving.load_model(tmp_path / "model.keras")(inputs)), expected)


def test_placeholders_of_lengths_may_be_floats_and_parts_of_samples_not() -> None:
    front = kapre.Frontend.from_preset("kaldi_fbank", n_mels=8)
    x = samples()[..., 0]
    symbolic = keras.Input((None,)), keras.Input(())
    model = keras.Model(symbolic, front(symbolic[0], lengths=symbolic[1]))
    expected = to_numpy(front(x, lengths=LENGTHS))
    np.testing.assert_array_equal(to_numpy(model([x, LENGTHS])), expected)
    np.testing.assert_array_equal(to_numpy(front(x, lengths=LENGTHS.astype("float32"))), expected)
    for wrong in (LENGTHS + 0.5, np.array([1200.0, np.nan])):
        with pytest.raises(ValueError, match=r"`lengths` must be integers of shape \(batch,\).*dtype='int32'"):
            front(x, lengths=wrong)
    with pytest.raises(ValueError, match="bool of shape"):
        front(x, lengths=keras.Input((), dtype="bool"))
    with pytest.raises(TypeError, match="pcm_to_float"):
        front(keras.Input((None,), dtype="int16"), lengths=symbolic[1])


RECIPES = {
    "frames": kapre.frontends.preset("kaldi_fbank").recipe,
    "stacks": kapre.frontends.preset("paraformer").recipe,
    "patches": kapre.frontends.preset("vggish").recipe.replace(patch_frames=4),
    "hops": kapre.frontends.preset("nemo").recipe,
    "samples": kapre.Recipe(sample_rate=16000, power=None),
}


@pytest.mark.parametrize("name", list(RECIPES))
@pytest.mark.parametrize("given", ["lengths", "mask"])
def test_every_choice_of_open_axes(name: str, given: str) -> None:
    """Of the samples, and of the lengths or the mask."""
    layer = kapre.Frontend(RECIPES[name])
    x, value = SOURCES[given][1]()
    expected, counted = (
        to_numpy(layer(x, **{given: value})),
        to_numpy(layer.compute_mask(x, ops.convert_to_tensor(mask()))),
    )
    for number in range(16):
        batch, time, other_batch, other_time = (bool(number >> bit & 1) for bit in range(4))
        if given == "lengths" and other_time:
            continue
        shapes = [
            tuple(size if known else None for size, known in zip(array.shape, known_axes, strict=True))
            for array, known_axes in ((x, (batch, time)), (value, (other_batch, other_time)[: value.ndim]))
        ]
        inputs = keras.Input(batch_shape=shapes[0])
        within = keras.Input(batch_shape=shapes[1], dtype=str(value.dtype))
        y = layer(inputs, **{given: within})
        of_mask = layer.compute_mask(inputs, within) if given == "mask" else y._keras_mask
        time_known = time or (given == "mask" and other_time)
        assert of_mask.shape == (2 if batch or other_batch else None, counted.shape[1] if time_known else None)
        if number in (0, 9):  # the values do not depend on what is known
            got, got_mask = keras.Model([inputs, within], [y, of_mask])([x, value])
            np.testing.assert_allclose(to_numpy(got), expected, rtol=1e-4, atol=1e-4)
            np.testing.assert_array_equal(to_numpy(got_mask), counted)
