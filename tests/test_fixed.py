"""Faults of Kapre 0.4.1, each mended here: a test's name says what went wrong there."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import kapre
from tests.conftest import BACKEND, chirp, float64, relative_error, to_numpy

MEL = dict(sample_rate=16000, n_freq=33, n_mels=8)

pytestmark = pytest.mark.filterwarnings("ignore:.*filter bank bands hold no")


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_stft_raised_under_mixed_precision(policy: str) -> None:
    keras.config.set_dtype_policy(policy)
    assert "complex64" in str(kapre.STFT(64)(chirp(1, 200).astype("float32")).dtype)


def test_integer_samples_raised_an_error_of_tensorflows() -> None:
    with pytest.raises(TypeError, match=r"received dtype int16. For 16-bit PCM use x / 32768 or.*kapre\.pcm_to_float"):
        kapre.STFT(64)(np.zeros((1, 200, 1), "int16"))


def test_filterbank_and_delta_raised_under_float64() -> None:
    with float64():
        keras.config.set_dtype_policy("float64")
        x = np.random.default_rng(0).random((1, 6, 33, 1))
        bands = kapre.ApplyFilterbank("mel", MEL)(x)
        assert "float64" in str(bands.dtype)
        exact = x[0, :, :, 0] @ kapre.ops.filterbanks.mel(**MEL)
        assert relative_error(to_numpy(bands)[0, :, :, 0], exact) <= 1e-12
        assert "float64" in str(kapre.Delta()(bands).dtype)


def test_frequency_map_failed_in_float16() -> None:
    x = np.zeros((1, 2, 5, 1), "float16")
    got = kapre.ConcatenateFrequencyMap(dtype="float16")(x)
    assert to_numpy(ops.cast(got, "float32"))[0, 0, :, 1].tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_delta_failed_with_two_channels(data_format: str) -> None:
    x = np.random.default_rng(0).random((2, 9, 4, 3)).astype("float32")
    alone = np.concatenate(
        [to_numpy(kapre.Delta(data_format="channels_last")(x[..., c : c + 1])) for c in range(3)], -1
    )
    given = np.moveaxis(x, -1, 1) if data_format == "channels_first" else x
    got = to_numpy(kapre.Delta(data_format=data_format)(given))
    np.testing.assert_allclose(np.moveaxis(got, 1, -1) if data_format == "channels_first" else got, alone, atol=1e-6)


@pytest.mark.parametrize("levels", [1, 5, 100])
def test_approximate_phase_was_pi_where_x_is_0(levels: int) -> None:
    z = np.array([[1j, -1j, 2j]], "complex64")
    allowed = 0.05 * 0.04 ** (min(levels, 6) - 1) + 1e-6
    np.testing.assert_allclose(to_numpy(kapre.Phase(levels)(z)), [[np.pi / 2, -np.pi / 2, np.pi / 2]], atol=allowed)
    parts = np.stack([z.real, z.imag], -1)
    np.testing.assert_allclose(
        to_numpy(kapre.PhaseTflite(levels)(parts)), [[np.pi / 2, -np.pi / 2, np.pi / 2]], atol=allowed
    )


def test_phase_tflite_raised_with_its_default() -> None:
    assert float(to_numpy(kapre.PhaseTflite()(np.array([[0.0, 1.0]], "float32")))[0]) == pytest.approx(np.pi / 2)


@pytest.mark.filterwarnings("ignore:win_length=80 is longer")
def test_stft_tflite_failed_for_batches_unknown_time_and_long_windows(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((None, 1)), kapre.STFTTflite(64, 80, 16), kapre.MagnitudeTflite()])
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    for batch, time in ((3, 500), (1, 333)):
        x = chirp(batch, time).astype("float32")
        reference = np.abs(to_numpy(kapre.STFT(64, 80, 16)(x)))
        assert relative_error(again(x), reference) <= 2e-6


@pytest.mark.parametrize("largest", [0, 1, 3])
def test_spec_augment_hid_a_bin_at_width_0(largest: int) -> None:
    x = np.ones((300, 2, 20, 1), "float32")
    hidden = (to_numpy(kapre.SpecAugment(largest, 0, seed=0)(x, training=True))[:, 0, :, 0] == 0.0).sum(axis=1)
    assert set(hidden) == set(range(largest + 1))


def test_spec_augment_took_one_channel_only() -> None:
    y = to_numpy(kapre.SpecAugment(5, 5, seed=0)(np.ones((2, 9, 9, 4), "float32"), training=True))
    assert y.shape == (2, 9, 9, 4)


def test_channel_swap_was_one_permutation_for_all() -> None:
    x = np.broadcast_to(np.arange(4.0), (50, 3, 4)).astype("float32")
    y = to_numpy(kapre.ChannelSwap("channels_last", seed=0)(x, training=True))[:, 0]
    assert len(np.unique(y, axis=0)) > 10


@pytest.mark.parametrize(
    "make",
    [
        lambda: kapre.STFT(64),
        lambda: kapre.InverseSTFT(64),
        lambda: kapre.ApplyFilterbank("mel", MEL),
        lambda: kapre.Delta(),
        lambda: kapre.Frame(4, 2),
        lambda: kapre.Energy(),
        lambda: kapre.LogmelToMFCC(),
        lambda: kapre.ConcatenateFrequencyMap(),
        lambda: kapre.STFTTflite(64),
        lambda: kapre.ChannelSwap(),
        lambda: kapre.SpecAugment(1, 1),
    ],
)
def test_a_saved_default_format_changed_with_the_machine(make: Any) -> None:
    keras.config.set_image_data_format("channels_first")
    config = make().get_config()
    named = {key: value for key, value in config.items() if "data_format" in key}
    assert named
    assert set(named.values()) == {"channels_first"}
    keras.config.set_image_data_format("channels_last")
    assert {key: value for key, value in type(make()).from_config(config).get_config().items() if key in named} == named


@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
@pytest.mark.parametrize("globally", [False, True])
@pytest.mark.parametrize("return_decibel", [False, True])
def test_mag_phase_joined_along_frequency(data_format: str, globally: bool, return_decibel: bool) -> None:
    if globally:
        keras.config.set_image_data_format(data_format)
    formats = {} if globally else dict(input_data_format=data_format, output_data_format=data_format)
    x = chirp(2, 500, 3).astype("float32")
    given = np.moveaxis(x, -1, 1) if data_format == "channels_first" else x
    model = kapre.get_stft_mag_phase(given.shape[1:], n_fft=64, return_decibel=return_decibel, **formats)
    got = to_numpy(model(given))
    got = np.moveaxis(got, 1, -1) if data_format == "channels_first" else got
    complex_spectrogram = to_numpy(
        kapre.STFT(64, input_data_format="channels_last", output_data_format="channels_last")(x)
    )
    assert got.shape == (*complex_spectrogram.shape[:-1], 6)
    magnitude = np.abs(complex_spectrogram)
    if return_decibel:
        magnitude = to_numpy(kapre.backend.magnitude_to_decibel(magnitude))
    np.testing.assert_allclose(got[..., :3], magnitude, atol=1e-3 if return_decibel else 1e-5)
    back = np.abs(complex_spectrogram) * np.exp(1j * got[..., 3:])
    assert relative_error(back, complex_spectrogram) <= 1e-5


@pytest.mark.parametrize("last", [("channels_last",), (), None])
def test_frequency_aware_conv2d_read_the_wrong_argument(last: tuple[str, ...] | None) -> None:
    x = np.random.default_rng(0).random((1, 8, 9, 2)).astype("float32")
    if last is None:
        layer = kapre.get_frequency_aware_conv2d("channels_last", "aware", filters=4, kernel_size=3, padding="same")
    else:
        layer = kapre.get_frequency_aware_conv2d("channels_last", "aware", 4, 3, 1, "same", *last)
    assert tuple(layer(x).shape) == (1, 8, 9, 4)
    assert layer.name == "aware"
    assert layer.layers[1].kernel.shape[2] == 3  # two channels and the map
    if BACKEND != "tensorflow":  # whose Conv2D takes no channels_first on a CPU
        first = kapre.get_frequency_aware_conv2d("channels_first", "aware", 4, 3)
        assert tuple(first(np.moveaxis(x, -1, 1)).shape) == (1, 4, 6, 7)


def test_frequency_aware_conv2d_with_two_formats() -> None:
    with pytest.raises(ValueError, match="`data_format` must be 'channels_last' for Conv2D too; received"):
        kapre.get_frequency_aware_conv2d("channels_last", "aware", 4, 3, 1, "same", "channels_first")
    with pytest.raises(TypeError, match="Name the rest"):
        kapre.get_frequency_aware_conv2d("channels_last", "aware", 4, 3, 1, "same", "channels_last", 1)


BAD: list[tuple[Any, type[Exception], str]] = [
    (lambda: kapre.MagnitudeToDecibel(amin=0.0), ValueError, "`amin` must be a positive number; received amin=0.0"),
    (lambda: kapre.ApplyFilterbank("foo", MEL), ValueError, "`type` must be one of 'mel', 'log'; received type='foo'"),
    (
        lambda: kapre.STFT(64, hop_length=0),
        ValueError,
        "`hop_length` must be a positive integer; received hop_length=0",
    ),
    (lambda: kapre.Frame(4, -1), ValueError, "`hop_length` must be a positive integer; received hop_length=-1"),
    (
        lambda: kapre.LogmelToMFCC(20)(keras.Input((None, 12, 1))),
        ValueError,
        "`n_mfccs` must be at most the input's 12",
    ),
    (lambda: kapre.get_melspectrogram_layer(n_fft=511), ValueError, "`n_fft` must be even.*received n_fft=511"),
    (lambda: kapre.get_log_frequency_spectrogram_layer(n_fft=511), ValueError, "`n_fft` must be even.*n_fft=511"),
    (lambda: kapre.Delta(4), ValueError, "`win_length` must be odd and at least 3; received win_length=4"),
    (lambda: kapre.get_stft_mag_phase(None), TypeError, "`input_shape` must be the shape of one waveform"),
    (lambda: kapre.get_stft_mag_phase((None, 1), return_decibel=True, db_amin=0), ValueError, "`db_amin` must be"),
]


@pytest.mark.parametrize(("make", "kind", "text"), BAD)
def test_bad_values_surfaced_late_or_never(make: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        make()


def test_unknown_rank_surfaced_late() -> None:
    if BACKEND == "tensorflow":
        import tensorflow as tf

        fn = tf.function(kapre.STFT(64), input_signature=[tf.TensorSpec(None, "float32")])
        with pytest.raises(ValueError, match="received shape of unknown rank"):
            fn.get_concrete_function()
    with pytest.raises(ValueError, match=r"must have shape \(batch, time, channel\).*received shape \(2, 100\)"):
        kapre.STFT(64)(np.zeros((2, 100), "float32"))


def test_empty_bands_of_the_log_bank_were_silent() -> None:
    with pytest.warns(UserWarning, match="bands hold no DFT bin and are always 0: band 0, 1.*use a longer n_fft"):
        kapre.backend.filterbank_log(22050, 129)


def test_mu_law_left_the_range_of_codes() -> None:
    codes = to_numpy(kapre.MuLawEncoding(256)(np.array([[-5.0, 5.0]], "float32")))
    assert codes.tolist() == [[0, 255]]


@pytest.mark.parametrize(
    ("module", "name", "today"),
    [
        ("kapre", "Melspectrogram", "kapre.get_melspectrogram_layer"),
        ("kapre.time_frequency", "Melspectrogram", "kapre.get_melspectrogram_layer"),
        ("kapre.time_frequency", "Spectrogram", "kapre.get_stft_magnitude_layer"),
        ("kapre.utils", "Normalization2D", "keras.layers.Normalization"),
        ("kapre", "Normalization", "keras.layers.Normalization"),
        ("kapre.augmentation", "AdditiveNoise", "keras.layers.GaussianNoise"),
        ("kapre.filterbank", "Filterbank", "kapre.ApplyFilterbank"),
    ],
)
def test_names_removed_long_ago_gave_a_bare_import_error(module: str, name: str, today: str) -> None:
    with pytest.raises(ImportError, match=f"{module}.{name} was removed from Kapre: use {today}"):
        exec(f"from {module} import {name}")
    with pytest.raises(ImportError, match="cannot import name 'Nothing'"):
        exec(f"from {module} import Nothing")


def test_a_saved_file_with_an_unknown_key_is_refused_by_name(tmp_path: Path) -> None:
    keras.Sequential([keras.Input((None, 1)), kapre.STFT(64)]).save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as good, zipfile.ZipFile(tmp_path / "bad.keras", "w") as bad:
        for name in good.namelist():
            bad.writestr(name, good.read(name).replace(b'"hop_length"', b'"overlap": 0.5, "hop_length"'))
    with pytest.raises((TypeError, ValueError), match="overlap"):
        keras.models.load_model(tmp_path / "bad.keras")


def test_a_file_that_cannot_be_honoured_is_refused_by_name() -> None:
    config = keras.saving.serialize_keras_object(kapre.STFT(64))
    config["config"]["overlap"] = 0.5
    with pytest.raises((TypeError, ValueError), match="overlap"):
        keras.saving.deserialize_keras_object(config)
    bank = keras.saving.serialize_keras_object(kapre.ApplyFilterbank("mel", MEL))
    bank["config"]["type"] = "bark"
    with pytest.raises((TypeError, ValueError), match="'bark'"):
        keras.saving.deserialize_keras_object(bank)
    bank["config"].update(type="mel", filterbank_kwargs={**MEL, "n_bands": 3})
    with pytest.raises((TypeError, ValueError), match="n_bands"):
        keras.saving.deserialize_keras_object(bank)
