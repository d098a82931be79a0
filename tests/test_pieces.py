"""`FixedPieces`: each piece is what the front end computes of it alone. Its files: export/test_formats.py."""

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
from tests.conftest import BACKEND, chirp, compiled, float64, gradient, mostly_on, quick, relative_error, to_numpy
from tests.ragged import head

PIECE = 1600
LENGTHS = [4000, 3200, 1, 0]
FRONTENDS: dict[str, dict[str, Any]] = {
    "kaldi_fbank": {},
    "vggish": dict(patch_frames=4),
    "wav2vec2": {},
    "whisper": dict(fixed_samples=PIECE),
    "clap_fused": dict(fixed_samples=2 * PIECE),  # it repeats a short clip
    "nemo": {},
}
names = pytest.mark.parametrize(  # JAX compiles for each shape
    "name", [*FRONTENDS] if BACKEND != "jax" else ["kaldi_fbank", "clap_fused", "nemo"]
)


def frontend(name: str, **kwargs: Any) -> kapre.Frontend:
    return kapre.Frontend.from_preset(name, **FRONTENDS[name], **kwargs)


def wave(batch: int = 4, time: int = LENGTHS[0]) -> np.ndarray:
    return chirp(batch, time)[:, :, 0].astype("float32")


def alone(layer: kapre.Frontend, x: np.ndarray, lengths: list[int]) -> np.ndarray:
    """Return the features of each piece, each computed by itself. A clip ends at its length."""
    pieces = -(-x.shape[1] // PIECE)
    y = np.zeros((len(x), pieces, *layer.recipe.output_shape(PIECE)), x.dtype)
    for item, length in enumerate(lengths):
        for i, start in enumerate(range(0, length, PIECE)):
            own = to_numpy(quick(layer)(x[item : item + 1, start : min(start + PIECE, length)]))[0]
            head(y[item, i], own)[...] = own
    return y


@names
def test_a_piece_is_the_features_of_its_samples(name: str) -> None:
    with float64():
        one, layer = frontend(name, dtype="float64"), kapre.FixedPieces(frontend(name, dtype="float64"), PIECE)
        x = chirp(4, LENGTHS[0])[:, :, 0]
        of = 4 if BACKEND != "jax" else 2  # it compiles for each shape
        y = to_numpy(quick(lambda value: layer(value, lengths=LENGTHS))(x))
        expected = alone(one, x[:of], LENGTHS[:of])
        assert y.shape == layer.compute_output_shape(x.shape)
        assert relative_error(y[:of], expected) <= 1e-9
        assert not y[2, 1:].any()
        assert not y[3].any()
        whole = to_numpy(quick(layer)(x[:1]))  # without lengths, the last piece ends with the samples
        assert relative_error(whole, expected[:1]) <= 1e-9


def test_shapes_and_counts() -> None:
    layer = kapre.FixedPieces(frontend("kaldi_fbank"), PIECE)
    for samples, pieces in ((0, 0), (1, 1), (1600, 1), (1601, 2), (4800, 3)):
        assert layer.num_pieces(samples) == pieces == len(layer.piece_lengths(samples))
        assert sum(layer.piece_lengths(samples)) == samples
        assert layer.compute_output_shape((2, samples)) == (2, pieces, 8, 80)
        if BACKEND != "jax" or samples in (0, 1601):
            assert tuple(layer(wave(2, samples)).shape) == (2, pieces, 8, 80)
    assert layer.piece_lengths(4000) == (1600, 1600, 800)
    assert layer.num_pieces(None) is None
    assert to_numpy(layer.num_pieces(ops.convert_to_tensor([0, 1600, 1601]))).tolist() == [0, 1, 2]
    assert layer.compute_output_shape((None, None)) == (None, None, 8, 80)
    assert kapre.FixedPieces("whisper").piece_samples == 480000
    at_48k = kapre.Recipe(n_fft=400, hop_length=160, sample_rate=16000, input_rate=48000, fixed_samples=PIECE)
    assert kapre.FixedPieces(at_48k).piece_samples == 3 * PIECE


class Pieces(keras.layers.Layer):
    """Count what its mask lets through."""

    supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        assert mask is not None
        return ops.sum(ops.cast(mask, "int32"), axis=1)


def test_masks_over_pieces() -> None:
    layer = kapre.FixedPieces(frontend("kaldi_fbank"), PIECE)
    x = wave()
    right = to_numpy(layer(x, lengths=LENGTHS))
    assert to_numpy(Pieces()(layer(x, lengths=LENGTHS))).tolist() == [3, 2, 0, 0]
    mask = np.arange(x.shape[1]) < np.array(LENGTHS)[:, None]
    mask[0, 2000:3000] = False  # a hole is sound
    np.testing.assert_array_equal(to_numpy(layer(x, mask=mask)), right)
    assert to_numpy(layer.compute_mask(x, ops.convert_to_tensor(mask))).sum(axis=1).tolist() == [3, 2, 0, 0]
    samples, lengths = keras.Input((None,)), keras.Input((), dtype="int32")
    model = keras.Model([samples, lengths], [y := layer(samples, lengths=lengths), Pieces()(y)])
    assert tuple(model.output_shape[0]) == (None, None, 8, 80)
    y, counts = model([x, np.array(LENGTHS, "int32")])
    np.testing.assert_allclose(to_numpy(y), right, rtol=1e-5, atol=1e-4)
    assert to_numpy(counts).tolist() == [3, 2, 0, 0]


RECIPES = ["kaldi_fbank", "vggish", "wav2vec2", "whisper", "nemo", "paraformer", "yamnet", "encodec", "gemma3n"]


@pytest.mark.parametrize("name", RECIPES)
def test_a_piece_is_valid_if_it_has_a_valid_frame(name: str) -> None:
    one = kapre.Frontend.from_preset(name, **FRONTENDS.get(name, {}))
    piece = one.clip_samples or max(PIECE, 2 * one.recipe.least_samples(valid=True))
    layer = kapre.FixedPieces(one, piece)
    edges = [0, 1, *(n + d for n in (one.recipe.least_samples(), layer._least_samples, piece) for d in (-1, 0, 1))]
    for rest in [each for each in edges if 0 <= each < piece]:
        valid = [bool(one.recipe.num_valid_entries(own)) and own > 0 for own in layer.piece_lengths(2 * piece + rest)]
        assert valid == sorted(valid, reverse=True)  # only the last one can be too short
        assert layer.num_valid_pieces(2 * piece + rest) == sum(valid)
        lengths = ops.convert_to_tensor(np.array([2 * piece + rest], "int32"))
        assert to_numpy(layer.num_valid_pieces(lengths)).tolist() == [sum(valid)]
    assert layer.num_valid_pieces(None) is None


@pytest.mark.parametrize("rest", [399, 400])
def test_a_piece_without_a_frame_is_masked(rest: int) -> None:
    layer = kapre.FixedPieces(frontend("kaldi_fbank"), PIECE)  # frames of 400 samples
    x = wave(1)
    y = layer(x, lengths=[PIECE + rest])
    counted = rest // 400
    assert to_numpy(Pieces()(y)).tolist() == [1 + counted]
    assert to_numpy(y)[0, 1].any() == bool(counted)
    with pytest.raises(ValueError, match=re.escape("`piece_samples` must be at least 400, the samples of one frame")):
        kapre.FixedPieces(frontend("kaldi_fbank"), rest - 1)
    one = kapre.Recipe(n_fft=512, hop_length=160)
    both = kapre.ParallelFrontends([one.replace(win_length=400), one])
    with pytest.raises(ValueError, match=re.escape("received piece_samples=511. Use 512 or more")):
        kapre.FixedPieces(both, 511)
    assert kapre.FixedPieces(both, 512).num_valid_pieces(512 + 511) == 1


@pytest.mark.parametrize("name", ["kaldi_fbank", "whisper"])
def test_saved_cloned_copied_and_pickled(name: str, tmp_path: Path) -> None:
    samples, lengths = keras.Input((None,)), keras.Input((), dtype="int32")
    layer = kapre.FixedPieces(frontend(name), PIECE, name="pieces")
    model = keras.Model([samples, lengths], layer(samples, lengths=lengths))
    given = [wave(2), np.array(LENGTHS[:2], "int32")]
    right = to_numpy(model(given))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.get_layer("pieces").frontend.recipe == layer.frontend.recipe
    assert loaded.get_layer("pieces").piece_samples == PIECE
    for again in (loaded, keras.models.clone_model(model)):
        np.testing.assert_array_equal(to_numpy(again(given)), right)
    for again in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer)), type(layer).from_config(layer.get_config())):
        np.testing.assert_array_equal(to_numpy(again(*given)), right)
        assert again.get_config()["frontend"]["config"] == layer.get_config()["frontend"]["config"]
        assert again.piece_samples == PIECE
    json.dumps(layer.get_config())


@pytest.mark.parametrize(  # PyTorch's compiler takes ten seconds for each
    "name",
    [
        pytest.param("kaldi_fbank", marks=mostly_on("tensorflow", "jax")),
        pytest.param("wav2vec2", marks=mostly_on("torch")),
    ],
)
def test_compiled_and_its_gradient(name: str) -> None:
    layer = kapre.FixedPieces(frontend(name), PIECE)
    x = wave(2)
    right = to_numpy(layer(x))
    np.testing.assert_allclose(to_numpy(compiled(layer)(x)), right, rtol=2e-4, atol=2e-4)
    assert np.isfinite(found := gradient(layer, x)).all()
    assert (np.abs(found[:, -800:]).max(axis=1) > 0.0).all()  # the last piece too


@mostly_on("tensorflow", "jax")
def test_compiled_with_lengths() -> None:
    layer = kapre.FixedPieces(frontend("kaldi_fbank"), PIECE)
    x, lengths = wave(2), ops.convert_to_tensor(np.array([4000, 900], "int32"))
    expected = to_numpy(layer(x, lengths=lengths))
    np.testing.assert_allclose(
        to_numpy(compiled(lambda value: layer(value, lengths=lengths))(x)), expected, rtol=2e-4, atol=2e-4
    )


if BACKEND == "tensorflow":

    def test_unknown_time_in_a_graph() -> None:
        import tensorflow as tf

        layer = kapre.FixedPieces(frontend("kaldi_fbank"), PIECE)
        spec = [tf.TensorSpec((None, None), "float32"), tf.TensorSpec((None,), "int32")]
        fn = tf.function(lambda x, n: layer(x, lengths=n), input_signature=spec)
        plain = tf.function(layer, input_signature=spec[:1])
        for time in (0, 1, 1600, 4000):
            x, counts = wave(2, time), np.array([time, time // 2], "int32")
            np.testing.assert_allclose(fn(x, counts), layer(x, lengths=counts), rtol=1e-5, atol=1e-4)
            np.testing.assert_allclose(plain(x), layer(x), rtol=1e-5, atol=1e-4)

    def test_inside_tf_data() -> None:
        import tensorflow as tf

        layer = kapre.FixedPieces(frontend("kaldi_fbank"), PIECE)
        x, counts = wave(2), np.array(LENGTHS[:2], "int32")
        dataset = tf.data.Dataset.from_tensors((x, counts)).map(lambda a, n: layer(a, lengths=n))
        np.testing.assert_allclose(next(iter(dataset)).numpy(), layer(x, lengths=counts), rtol=1e-5, atol=1e-4)


def test_neighbours_do_not_matter() -> None:
    layer = kapre.FixedPieces(frontend("nemo"), PIECE)
    x = wave(3)
    loud = x.copy()
    loud[1], loud[2], loud[0, :PIECE] = 100.0 * loud[1], np.nan, 0.0
    right = to_numpy(layer(x))
    np.testing.assert_allclose(to_numpy(layer(loud))[0, 1:], right[0, 1:], rtol=1e-5, atol=1e-5)
    counted = to_numpy(layer(loud, lengths=[4000, 4000, 0]))
    assert np.isfinite(counted).all()


def test_dtypes() -> None:
    x = wave(2)
    exact = to_numpy(kapre.FixedPieces(frontend("kaldi_fbank"), PIECE)(x))
    for layer in (
        kapre.FixedPieces(frontend("kaldi_fbank", dtype="mixed_float16"), PIECE),
        kapre.FixedPieces(kapre.frontends.preset("kaldi_fbank").recipe, PIECE, dtype="mixed_float16"),
    ):
        assert layer.dtype_policy.name == layer.frontend.dtype_policy.name == "mixed_float16"
        np.testing.assert_array_equal(to_numpy(layer(x)), exact.astype("float16"))
        again = type(layer).from_config(layer.get_config())
        assert again.compute_dtype == again.frontend.compute_dtype == "float16"
    with pytest.raises(ValueError, match="`dtype` must be 'float32', that of the front end"):
        kapre.FixedPieces(frontend("kaldi_fbank"), PIECE, dtype="float64")


def test_dither_and_weights_are_those_of_the_front_end(tmp_path: Path) -> None:
    one = frontend("kaldi_fbank", dither=1.0, seed=3, trainable_filterbank=True)
    layer = kapre.FixedPieces(one, PIECE, name="pieces")
    x = wave(2, 3200)
    assert [tuple(weight.shape) for weight in layer.trainable_weights] == [(257, 80)]
    for _ in range(2):
        np.testing.assert_array_equal(to_numpy(layer(x)), to_numpy(layer(x)))
        assert (to_numpy(layer(x, training=True)) != to_numpy(layer(x))).any()
    one.set_weights([to_numpy(weight) + 0.5 for weight in one.trainable_weights] + one.get_weights()[1:])
    model = keras.Sequential([keras.Input((None,)), layer])
    right = to_numpy(model(x))
    assert relative_error(right, to_numpy(kapre.FixedPieces(frontend("kaldi_fbank"), PIECE)(x))) > 1e-3
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(to_numpy(keras.saving.load_model(tmp_path / "model.keras")(x)), right)


@pytest.mark.parametrize(
    ("make", "kind", "text"),
    [
        (lambda: kapre.FixedPieces("kaldi_fbank"), ValueError, "`piece_samples` must be given for a front end without"),
        (lambda: kapre.FixedPieces("whisper", 480001), ValueError, "`piece_samples` must be at most 480000, the fixed"),
        (lambda: kapre.FixedPieces("kaldi_fbank", 0), ValueError, "`piece_samples` must be a positive integer"),
        (lambda: kapre.FixedPieces(3, 1600), TypeError, "`frontend` must be a kapre.Frontend, a kapre.Recipe or"),
        (lambda: kapre.FixedPieces("wisper"), ValueError, "Use 'whisper'"),
        (
            lambda: kapre.FixedPieces(kapre.FixedPieces("whisper"), 480000),
            TypeError,
            "`frontend` must be a kapre.Frontend",
        ),
    ],
)
def test_wrong_arguments(make: Any, kind: Any, text: str) -> None:
    with pytest.raises(kind, match=re.escape(text)):
        make()


def test_wrong_inputs() -> None:
    layer = kapre.FixedPieces(frontend("kaldi_fbank"), PIECE)
    for _ in range(2):
        for shape in ((2, 1600, 1), (1600,)):
            with pytest.raises(ValueError, match="must have shape \\(batch, time\\); received"):
                layer(np.zeros(shape, "float32"))
        with pytest.raises(TypeError, match=re.escape("kapre.pcm_to_float")):
            layer(np.zeros((2, 1600), "int16"))
        with pytest.raises(ValueError, match="`mask` must be over the samples"):
            layer(wave(2), mask=np.ones((2, 3), bool))
        with pytest.raises(ValueError, match="`lengths` must be integers"):
            layer(wave(2), lengths=[1.5, 2.0])
        layer(wave(2))
