"""Masks: a padded item's valid frames are those of the item alone, and the mask over frames counts them."""

from __future__ import annotations

import inspect
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import kapre
from kapre.ops import frames
from tests.conftest import BACKEND, chirp, compiled, relative_error, to_numpy
from tests.layer_cases import CASES, STFT_ARGUMENTS, Case

pytestmark = pytest.mark.filterwarnings("ignore:.*filter bank bands hold no")


def padded(items: list[np.ndarray], axis: int, junk: float) -> tuple[np.ndarray, np.ndarray]:
    """Return items of different lengths in one batch, `junk` behind the short ones, and the mask."""
    longest = max(item.shape[axis] for item in items)
    filled = []
    for item in items:
        missing = [(0, 0)] * item.ndim
        missing[axis] = (0, longest - item.shape[axis])
        filled.append(np.pad(item, missing, constant_values=junk))
    mask = np.arange(longest) < np.array([[item.shape[axis]] for item in items])
    return np.concatenate(filled), mask


def called(layer: Any, x: Any, mask: Any) -> Any:
    takes_mask = "mask" in inspect.signature(layer.call).parameters
    return layer(x, mask=mask) if takes_mask else layer(x)


JUNK = [("channels_first", np.nan), ("channels_last", 7.0), ("channels_last", np.inf)]


@pytest.mark.parametrize(  # JAX compiles for every shape: there, each case meets one kind of padding, elsewhere two
    ("name", "data_format", "junk"),
    [(name, *JUNK[(i + j) % 3]) for i, name in enumerate(CASES) for j in range(1 if BACKEND == "jax" else 2)],
)
def test_a_padded_item_is_the_item_alone(name: str, data_format: str, junk: float) -> None:
    case: Case = CASES[name]
    layer = case.make(data_format)
    axis = 2 if data_format == "channels_first" else 1
    lengths = [case.reach + 5 * case.hop + 3, case.reach + 2 * case.hop + 1, case.reach]
    items = [case.single(data_format, 1, length) for length in lengths]
    x, mask = padded(items, axis, junk)
    y = to_numpy(called(layer, x, ops.convert_to_tensor(mask)))
    counted = to_numpy(layer.compute_mask(x, ops.convert_to_tensor(mask)))
    axis = 1 if case.gives_rows else axis
    assert counted.shape == (len(items), y.shape[axis])
    for i, item in enumerate(items):
        alone = to_numpy(layer(item))
        valid = int(counted[i].sum())
        if getattr(layer, "length", None) is None:
            assert valid == alone.shape[axis]
        assert counted[i][:valid].all()
        part = np.take(y[i : i + 1], np.arange(valid), axis=axis)
        tolerance = 1e-5 if case.subtracts else 1e-6
        assert relative_error(part, np.take(alone, np.arange(valid), axis=axis)) <= tolerance, lengths[i]


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.traces_apart])
def test_a_batch_of_no_items(name: str) -> None:
    case = CASES[name]
    layer = case.make("channels_last")
    x = case.single("channels_last", 1)[:0]
    y = called(layer, x, ops.zeros(x.shape[:2], dtype="bool"))
    assert y.shape[0] == 0
    assert tuple(y.shape[1:]) == tuple(to_numpy(layer(case.single("channels_last", 1))).shape[1:])


@pytest.mark.parametrize("pad_mode", ["constant", "reflect", "symmetric", "edge"])
@pytest.mark.parametrize("length", [0, 1, 2, 31, 32, 33, 100])
def test_centred_padding_is_per_item(pad_mode: str, length: int) -> None:
    layer = kapre.STFT(**STFT_ARGUMENTS, center=True, pad_mode=pad_mode)
    x = chirp(1, 200).astype("float32")
    batch = np.concatenate([x, np.where(np.arange(200)[None, :, None] < length, x, 9.0)])
    mask = np.arange(200) < np.array([[200], [length]])
    y = to_numpy(layer(batch, mask=ops.convert_to_tensor(mask)))
    alone = to_numpy(layer(x[:, :length]))
    assert relative_error(y[1:, : alone.shape[1]], alone) <= 1e-6
    whole = to_numpy(layer(x))
    assert relative_error(y[:1], whole) <= 1e-6


@pytest.mark.parametrize("mode", ["constant", "reflect", "symmetric", "edge"])
@pytest.mark.parametrize(("left", "right"), [(3, 4), (0, 9), (12, 12)])
def test_padding_items_is_numpys(mode: str, left: int, right: int) -> None:
    rng = np.random.default_rng(0)
    lengths = np.array([7, 3, 2, 5])
    x = np.where(np.arange(7) < lengths[:, None, None], rng.standard_normal((4, 2, 7)), 0.0).astype("float32")
    got = to_numpy(frames.pad(ops.convert_to_tensor(x), left, right, mode, lengths=ops.convert_to_tensor(lengths)))
    assert got.shape == (4, 2, left + 7 + right)
    for i, length in enumerate(lengths):
        for channel in range(2):
            alone = to_numpy(frames.pad(ops.convert_to_tensor(x[i, channel, :length]), left, right, mode))
            np.testing.assert_array_equal(got[i, channel, : len(alone)], alone)
            assert not got[i, channel, len(alone) :].any()


def test_length_is_the_last_true_and_one() -> None:
    mask = np.array([[1, 0, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 0, 0]], bool)
    assert to_numpy(frames.lengths_of(ops.convert_to_tensor(mask))).tolist() == [3, 0, 4, 2]
    assert to_numpy(frames.lengths_of(ops.convert_to_tensor(mask[:, :0]))).tolist() == [0, 0, 0, 0]


class Count(keras.layers.Layer):
    """Give each item's count of valid frames."""

    def __init__(self) -> None:
        super().__init__()
        self.supports_masking = True

    def call(self, x: Any, mask: Any = None) -> Any:
        return ops.sum(ops.cast(mask, "int32"), axis=1)

    def compute_output_spec(self, x: Any, mask: Any = None) -> Any:
        return keras.KerasTensor((x.shape[0],), dtype="int32")


MODELS = {
    "fused": lambda: [
        kapre.get_melspectrogram_layer(**STFT_ARGUMENTS, sample_rate=16000, n_mels=8, return_decibel=True)
    ],
    "chained": lambda: (
        kapre.get_melspectrogram_layer(**STFT_ARGUMENTS, sample_rate=16000, n_mels=8, return_decibel=True).layers
    ),
    "to mfcc": lambda: [
        kapre.get_melspectrogram_layer(**STFT_ARGUMENTS, sample_rate=16000, n_mels=8, return_decibel=True),
        kapre.LogmelToMFCC(5),
        kapre.Delta(),
    ],
    "there and back": lambda: [kapre.STFT(**STFT_ARGUMENTS), kapre.InverseSTFT(**STFT_ARGUMENTS)],
}


@pytest.mark.parametrize("name", list(MODELS))
@pytest.mark.parametrize("functional", [False, True])
def test_keras_hands_the_mask_on(name: str, functional: bool) -> None:
    """`keras.layers.Masking` marks zeros as padding; the mask then goes from layer to layer by itself."""
    lengths = [400, 250, 100]
    items = [chirp(1, length, seed=length).astype("float32") for length in lengths]
    x, _ = padded(items, 1, 0.0)
    layers = MODELS[name]()
    alone = [to_numpy(keras.Sequential([keras.Input((None, 1)), *layers])(item)) for item in items]
    inputs = keras.Input((None, 1))
    hidden = keras.layers.Masking()(inputs)
    for layer in layers:
        hidden = layer(hidden)
    model = keras.Model(inputs, [hidden, Count()(hidden)])
    if functional:
        y, counts = model(x)
    else:
        y, counts = model.predict(x, batch_size=2, verbose=0)
    for i, expected in enumerate(alone):
        count = expected.shape[1]
        assert int(to_numpy(counts)[i]) == count
        # A slope of decibels is a small difference of large numbers.
        allowed = 1e-5 if name == "to mfcc" else 1e-6
        assert relative_error(to_numpy(y)[i : i + 1, :count], expected) <= allowed


def test_compiled_with_a_mask() -> None:
    layer = kapre.get_melspectrogram_layer(
        **STFT_ARGUMENTS, sample_rate=16000, n_mels=8, return_decibel=True, center=True, pad_mode="reflect"
    )
    x, mask = padded([chirp(1, 300).astype("float32"), chirp(1, 170, seed=1).astype("float32")], 1, 5.0)
    x, mask = ops.convert_to_tensor(x), ops.convert_to_tensor(mask)
    eager = to_numpy(layer(x, mask=mask))
    got = to_numpy(compiled(lambda x, mask: layer(x, mask=mask))(x, mask))
    np.testing.assert_allclose(got, eager, atol=1e-4)
    if BACKEND == "tensorflow":
        import tensorflow as tf

        signature = [tf.TensorSpec((None, None, 1), "float32"), tf.TensorSpec((None, None), "bool")]
        unknown = tf.function(lambda x, mask: layer(x, mask=mask), input_signature=signature)
        np.testing.assert_allclose(to_numpy(unknown(x, mask)), eager, atol=1e-4)


def test_mag_phase_hands_the_mask_on() -> None:
    x, _ = padded([chirp(1, 600).astype("float32"), chirp(1, 300, seed=1).astype("float32")], 1, 0.0)
    helper = kapre.get_stft_mag_phase((None, 1), n_fft=64, hop_length=16, return_decibel=True)
    inputs = keras.Input((None, 1))
    hidden = helper(keras.layers.Masking()(inputs))
    y, counts = keras.Model(inputs, [hidden, Count()(hidden)])(x)
    alone = to_numpy(helper(x[1:, :300]))
    assert to_numpy(counts).tolist() == [34, alone.shape[1]]
    assert relative_error(to_numpy(y)[1:, : alone.shape[1], :, :1], alone[..., :1]) <= 1e-6


def test_decibel_of_a_file_without_a_format_looks_along_the_frames() -> None:
    """Published decibel layers store no data format: the mask's length tells."""
    keras.config.set_image_data_format("channels_last")
    layer = kapre.MagnitudeToDecibel(dynamic_range=20.0)
    x = np.full((1, 2, 9, 4), 1e-4, "float32")
    x[:, :, 6:] = 1e6
    y = to_numpy(layer(x, mask=ops.convert_to_tensor([[True] * 6 + [False] * 3])))
    np.testing.assert_allclose(y[:, :, :6], -40.0, atol=1e-4)


def test_the_floor_of_decibel_follows_the_valid_frames_in_either_format() -> None:
    for data_format, axis in (("channels_last", 1), ("channels_first", 2)):
        layer = kapre.MagnitudeToDecibel(dynamic_range=20.0, data_format=data_format)
        x = np.full((1, 4, 4, 4), 1e-4, "float32")
        np.moveaxis(x, axis, 0)[3] = 1e6  # the padding
        y = to_numpy(layer(x, mask=ops.convert_to_tensor([[True, True, True, False]])))
        np.testing.assert_allclose(np.moveaxis(y, axis, 0)[:3], -40.0, atol=1e-4)


def test_spec_augment_hides_valid_frames_only() -> None:
    layer = kapre.SpecAugment(0, 3, n_time_masks=20, seed=0)
    x = np.ones((3, 40, 5, 1), "float32")
    mask = ops.convert_to_tensor(np.arange(40) < np.array([[40], [10], [4]]))
    y = to_numpy(layer(x, training=True, mask=mask))[..., 0, 0]
    assert (y[1, :10] == 0.0).any()
    assert (y[1, 10:] == 1.0).all()
    assert (y[2, 4:] == 1.0).all()


@pytest.mark.parametrize(
    ("name", "data_format"), [(name, ("channels_last", "channels_first")[i % 2]) for i, name in enumerate(CASES)]
)
def test_every_choice_of_open_axes(name: str, data_format: str) -> None:
    """Of the input and of the mask: the symbolic mask has the time of the output where the mask's own is known."""
    case: Case = CASES[name]
    layer = case.make(data_format)
    x = case.single(data_format)
    axis = 2 if data_format == "channels_first" else 1
    size = x.shape[axis]
    out = layer.compute_output_shape(x.shape)[1 if case.gives_rows else axis]
    for number in range(16):
        batch, time, other_batch, other_time = (bool(number >> bit & 1) for bit in range(4))
        shape = list(x.shape)
        shape[0], shape[axis] = 2 if batch else None, size if time else None
        inputs = keras.Input(batch_shape=shape, dtype=str(x.dtype))
        mask = keras.Input(batch_shape=(2 if other_batch else None, size if other_time else None), dtype="bool")
        given = called(layer, inputs, mask)
        found = layer.compute_mask(inputs, mask)
        assert len(given.shape) == len(layer.compute_output_shape(x.shape))
        assert found.shape[0] in (None, 2)
        assert found.shape[1] == out or (found.shape[1] is None and not other_time) or not case.time_is_known
        assert keras.backend.standardize_dtype(found.dtype) == "bool"
