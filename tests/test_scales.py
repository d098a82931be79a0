"""Decibel against librosa, mu-law against its formula and librosa, PCM against its definition."""

from __future__ import annotations

import re

import keras
import librosa
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from kapre import MagnitudeToDecibel, amplitude_to_decibel, backend, pcm_to_float, power_to_decibel
from tests.conftest import BACKEND, compiled, float64, to_numpy


def spectra(shape: tuple[int, ...]) -> np.ndarray:
    """Make values over 14 decades, items of very different loudness."""
    rng = np.random.default_rng(1)
    x = 10.0 ** rng.uniform(-12, 2, shape)
    return x * 10.0 ** -np.arange(shape[0]).reshape(-1, *[1] * (len(shape) - 1)) if len(shape) > 1 else x


SHAPES = [(50,), (3, 40), (3, 10, 8), (3, 10, 8, 2)]
SETTINGS = [dict(), dict(ref_value=10.0), dict(ref_value=1e-7, amin=1e-3), dict(amin=1e-10, dynamic_range=30.0)]


def reference(x: np.ndarray, ref_value: float = 1.0, amin: float = 1e-5, dynamic_range: float = 80.0) -> np.ndarray:
    items = x if x.ndim > 1 else x[None]
    # Flat: librosa 1.0 takes the maximum of each channel, Kapre that of the item.
    flat = [librosa.power_to_db(item.reshape(1, -1), ref=ref_value, amin=amin, top_db=dynamic_range) for item in items]
    out = np.stack(flat).reshape(items.shape)
    return out if x.ndim > 1 else out[0]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("settings", SETTINGS)
def test_decibel_is_librosas_per_item(shape: tuple[int, ...], settings: dict) -> None:
    x = spectra(shape)
    expected = reference(x, **settings)
    np.testing.assert_allclose(
        to_numpy(backend.magnitude_to_decibel(x.astype("float32"), **settings)), expected, atol=1e-4
    )
    with float64():
        got = to_numpy(backend.magnitude_to_decibel(x, **settings))
        assert got.dtype == np.float64
        # Keras' own log10 on NumPy computes float64 in float32.
        np.testing.assert_allclose(got, expected, atol=1e-4 if BACKEND == "numpy" else 1e-10)


def test_power_and_amplitude_are_librosas_with_its_defaults() -> None:
    x = spectra((3, 10, 8))
    np.testing.assert_allclose(
        to_numpy(power_to_decibel(x.astype("float32"))), np.stack([librosa.power_to_db(i) for i in x]), atol=1e-4
    )
    np.testing.assert_allclose(
        to_numpy(amplitude_to_decibel(-x.astype("float32"))),
        np.stack([librosa.amplitude_to_db(i) for i in x]),
        atol=1e-4,
    )


def test_kept_for_saved_models() -> None:
    assert float(to_numpy(backend.magnitude_to_decibel(10))) == pytest.approx(10.0)
    assert to_numpy(backend.magnitude_to_decibel([10.0, 0.0])).tolist() == pytest.approx([10.0, -50.0])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "int32"])
def test_any_dtype_is_computed_in_float32_and_cast_once(dtype: str) -> None:
    x = ops.cast(ops.convert_to_tensor(np.array([[1e-4, 0.5, 300.0]], "float32")), dtype)
    got = backend.magnitude_to_decibel(x)
    assert (dtype if dtype != "int32" else "float32") in str(got.dtype)
    exact = to_numpy(backend.magnitude_to_decibel(ops.cast(x, "float32")))
    step = {"float16": 2**-5, "bfloat16": 2**-2}.get(dtype, 1e-6)  # a unit in the last place at 50
    np.testing.assert_allclose(to_numpy(ops.cast(got, "float32")), exact, atol=step)


def test_an_item_does_not_depend_on_its_neighbours() -> None:
    quiet = spectra((1, 20, 5)) * 1e-6
    loud = np.ones((1, 20, 5)) * 1e6
    alone = to_numpy(backend.magnitude_to_decibel(quiet.astype("float32")))
    beside = to_numpy(backend.magnitude_to_decibel(np.concatenate([quiet, loud]).astype("float32")))
    np.testing.assert_array_equal(beside[:1], alone)


def test_nan_stays_with_its_item() -> None:
    x = np.ones((2, 3, 4), "float32")
    x[0, 1, 2] = np.nan
    got = to_numpy(MagnitudeToDecibel()(x))
    assert np.isnan(got[0, 1, 2])
    np.testing.assert_array_equal(got[1], 0.0)


@pytest.mark.parametrize("shape", [(0, 4, 3, 1), (2, 0, 3, 1), (2, 4, 0, 1), (0,)])
def test_nothing_stays_nothing(shape: tuple[int, ...]) -> None:
    assert to_numpy(backend.magnitude_to_decibel(np.zeros(shape, "float32"))).shape == shape


def test_compiled_and_of_unknown_shape() -> None:
    x = spectra((3, 10, 8)).astype("float32")
    expected = to_numpy(backend.magnitude_to_decibel(x))
    if BACKEND == "tensorflow":
        signature = [tf.TensorSpec((None, None, None), tf.float32)]
        traced = tf.function(backend.magnitude_to_decibel, input_signature=signature)
        assert traced(tf.zeros((2, 0, 8))).shape == (2, 0, 8)
    else:
        traced = compiled(backend.magnitude_to_decibel)
    np.testing.assert_allclose(to_numpy(traced(ops.convert_to_tensor(x))), expected, atol=1e-5)


FUNCTIONS = {
    "magnitude_to_decibel": backend.magnitude_to_decibel,
    "power_to_decibel": power_to_decibel,
    "amplitude_to_decibel": amplitude_to_decibel,
    "mu_law_encoding": lambda x: backend.mu_law_encoding(x, 256),
    "mu_law_decoding": lambda x: backend.mu_law_decoding(x, 256),
    "pcm_to_float": pcm_to_float,
    "get_window_fn": lambda x: x * backend.get_window_fn("kaiser_window")(x.shape[-1]),
    "filterbank_mel": lambda x: ops.tensordot(x, backend.filterbank_mel(8000, x.shape[-1], n_mels=3), 1),
    "filterbank_log": lambda x: ops.tensordot(x, backend.filterbank_log(8000, x.shape[-1], n_bins=2, f_min=1000.0), 1),
}


@pytest.mark.parametrize("name", list(FUNCTIONS))
@pytest.mark.parametrize("shape", [(12,), (3, 12), (2, 3, 12)])
@pytest.mark.filterwarnings("ignore:.*filter bank bands hold no")
def test_every_function_takes_arrays_and_tensors_eager_and_compiled(name: str, shape: tuple[int, ...]) -> None:
    fn = FUNCTIONS[name]
    x = np.random.default_rng(0).uniform(0.0, 1.0, shape).astype("float32")
    eager = fn(ops.convert_to_tensor(x))
    assert ops.is_tensor(eager)
    if name not in ("get_window_fn", "filterbank_mel", "filterbank_log"):  # there the product is the test's own
        assert ops.is_tensor(fn(x))
        np.testing.assert_array_equal(to_numpy(fn(x)), to_numpy(eager))
    if len(shape) != 2:  # tracing and compiling take long, and no function looks at how many axes there are
        return
    got = to_numpy(compiled(fn)(ops.convert_to_tensor(x)))
    # Compilers reorder arithmetic: a sample next to a step may encode into the next code.
    np.testing.assert_allclose(got, to_numpy(eager), rtol=2e-5, atol=1 if name == "mu_law_encoding" else 2e-5)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("name", [name for name in FUNCTIONS if "filterbank" not in name and name != "get_window_fn"])
def test_every_function_takes_every_float_dtype(name: str, dtype: str) -> None:
    x = np.array([[0.0, 0.25, 1.0]])
    with float64():
        got = FUNCTIONS[name](ops.cast(ops.convert_to_tensor(x), dtype))
        exact = to_numpy(FUNCTIONS[name](x.astype("float32")))
        kept = {"mu_law_encoding": "int32", "mu_law_decoding": "float32"}.get(name, dtype)
        assert kept in str(got.dtype)
        loss = {"float16": 2e-3, "bfloat16": 8e-3}.get(dtype, 1e-6)
        np.testing.assert_allclose(to_numpy(ops.cast(got, "float32")), exact, rtol=loss, atol=loss)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name in ("ref_value", "amin", "dynamic_range") for value in (0, -1.0, float("nan"))),
        ("ref_value", float("inf")),
        ("amin", float("inf")),  # an infinite range keeps everything
    ],
)
def test_bad_numbers(name: str, value: float) -> None:
    for fn in (lambda **k: backend.magnitude_to_decibel(np.ones((1, 2)), **k), MagnitudeToDecibel):
        with pytest.raises(ValueError, match=f"`{name}` must be a positive number"):
            fn(**{name: value})


def encoded(x: np.ndarray, channels: int) -> np.ndarray:
    mu = channels - 1
    y = np.sign(x) * np.log1p(mu * np.abs(x)) / np.log1p(mu)
    return ((y + 1) / 2 * mu + 0.5).astype(np.int32)


@pytest.mark.parametrize("channels", [2, 16, 256, 1000])
def test_mu_law_encoding_is_its_formula(channels: int) -> None:
    x = np.random.default_rng(0).uniform(-1, 1, (4, 500))
    expected = encoded(x, channels)
    with float64():
        got = to_numpy(backend.mu_law_encoding(x, channels))
    assert got.dtype == np.int32
    np.testing.assert_array_equal(got, expected)
    single = to_numpy(backend.mu_law_encoding(x.astype("float32"), channels))
    assert (single != expected).mean() < 0.001  # a sample within rounding of a step
    assert np.abs(single - expected).max() <= 1


def test_mu_law_companding_is_librosas() -> None:
    x = np.random.default_rng(0).uniform(-1, 1, 500)
    companded = librosa.mu_compress(x, mu=255, quantize=False)
    codes = (companded + 1) / 2 * 255
    np.testing.assert_allclose(to_numpy(backend.mu_law_decoding(codes.astype("float32"), 256)), x, atol=2e-6)
    np.testing.assert_allclose(
        to_numpy(backend.mu_law_decoding(np.arange(256), 256)),
        librosa.mu_expand(2 * np.arange(256) / 255 - 1, mu=255, quantize=False),
        atol=2e-6,
    )


def test_mu_law_of_the_ends() -> None:
    assert to_numpy(backend.mu_law_encoding([-1.0, 0.0, 1.0], 256)).tolist() == [0, 128, 255]


def test_mu_law_out_of_range_is_clipped_into_it() -> None:
    x = np.array([-7.0, 3.0, np.inf, -np.inf, np.nan], "float32")
    assert to_numpy(backend.mu_law_encoding(x, 256)).tolist() == [0, 255, 255, 0, 0]


@pytest.mark.parametrize("fn", [backend.mu_law_encoding, backend.mu_law_decoding])
@pytest.mark.parametrize(("channels", "kind"), [(0, ValueError), (1, ValueError), (2.5, TypeError)])
def test_mu_law_bad_channels(fn: object, channels: object, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="`quantization_channels` must be"):
        fn(np.zeros(3, "float32"), channels)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("dtype", "low", "middle", "high"),
    [
        ("int8", -128, 64, 127),
        ("int16", -32768, 16384, 32767),
        ("int32", -(2**31), 2**30, 2**31 - 1),
        ("uint8", 0, 192, 255),
    ],
)
def test_pcm(dtype: str, low: int, middle: int, high: int) -> None:
    got = pcm_to_float(np.array([low, middle, high], dtype))
    assert "float32" in str(got.dtype)
    low_value, middle_value, high_value = to_numpy(got).tolist()
    assert (low_value, middle_value) == (-1.0, 0.5)
    assert 0.99 < high_value <= 1.0


def test_pcm_passes_floats_and_refuses_the_rest() -> None:
    x = np.array([0.25, -0.5], "float32")
    np.testing.assert_array_equal(to_numpy(pcm_to_float(x)), x)
    with pytest.raises(
        TypeError, match="`x` must be floating or of dtype int8, int16, int32, uint8; received x='bool'"
    ):
        pcm_to_float(np.zeros(3, "bool"))
    for ambiguous in (np.zeros(3, "int64"), [1, 2]):  # JAX by itself would make int32 of it
        with pytest.raises(TypeError, match="received x='int64'"):
            pcm_to_float(ambiguous)


@pytest.mark.parametrize("bits", [16, 32])
def test_unsigned_pcm_is_refused_with_what_is_right(bits: int) -> None:
    half = 2 ** (bits - 1)
    x = np.array([0, half, 2 * half - 1], f"uint{bits}")
    way = f"(x.astype('int64') - {half}).astype('int{bits}')"
    with pytest.raises(TypeError, match=re.escape(f"Centre it first: {way}.")):
        pcm_to_float(x)
    centred = eval(way, {"x": x})
    np.testing.assert_allclose(to_numpy(pcm_to_float(centred)), [-1.0, 0.0, 1.0], atol=1e-4)


@pytest.mark.parametrize("name", ["default", "channels_first", "channels_last"])
def test_valid_data_format(name: str) -> None:
    assert backend.validate_data_format_str(name) is None


@pytest.mark.parametrize(("value", "kind"), [("channel_first", ValueError), (None, TypeError), (3, TypeError)])
def test_invalid_data_format(value: object, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="`data_format` must be"):
        backend.validate_data_format_str(value)


def test_settings_of_keras_by_the_names_of_the_published_package() -> None:
    assert backend._get_floatx() == "float32"
    keras.config.set_floatx("float64")
    assert backend._get_floatx() == "float64"
    assert backend._get_image_data_format() in ("channels_first", "channels_last")


def test_constants() -> None:
    assert (backend._CH_FIRST_STR, backend._CH_LAST_STR, backend._CH_DEFAULT_STR) == (
        "channels_first",
        "channels_last",
        "default",
    )
