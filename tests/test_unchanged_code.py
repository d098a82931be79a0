"""Code written for the published package on TensorFlow runs unchanged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import kapre
from tests.conftest import BACKEND, chirp, relative_error, to_numpy

pytestmark = pytest.mark.filterwarnings("ignore:.*filter bank bands hold no")


def test_import_star() -> None:
    names: dict[str, object] = {}
    exec("from kapre import *", names)
    published = """ApplyFilterbank ChannelSwap ConcatenateFrequencyMap Delta Energy Frame InverseSTFT LogmelToMFCC
        Magnitude MagnitudeTflite MagnitudeToDecibel MuLawDecoding MuLawEncoding Phase PhaseTflite STFT STFTTflite
        SpecAugment VERSION augmentation backend composed get_frequency_aware_conv2d get_log_frequency_spectrogram_layer
        get_melspectrogram_layer get_perfectly_reconstructing_stft_istft get_stft_mag_phase get_stft_magnitude_layer
        signal time_frequency time_frequency_tflite"""
    assert set(published.split()) <= set(names)


@pytest.mark.parametrize("kind", ["numpy", "tensor", "variable"])
def test_what_layers_and_functions_take(kind: str) -> None:
    x = chirp(1, 1000).astype("float32")
    given = {"numpy": lambda: x, "tensor": lambda: tf.constant(x), "variable": lambda: tf.Variable(x)}[kind]()
    expected = to_numpy(kapre.STFT(64)(x))
    assert relative_error(kapre.STFT(64)(given), expected) <= 1e-6
    decibel = kapre.backend.magnitude_to_decibel(given)
    np.testing.assert_allclose(to_numpy(decibel), to_numpy(kapre.backend.magnitude_to_decibel(x)), atol=1e-5)


if BACKEND == "tensorflow":  # what only TensorFlow has

    def test_numpy_of_what_the_backend_functions_return() -> None:
        for value in (
            kapre.backend.get_window_fn()(8),
            kapre.backend.filterbank_mel(16000, 65, 4),
            kapre.backend.magnitude_to_decibel(np.ones((2, 3))),
            kapre.backend.mu_law_encoding(np.zeros(3), 256),
        ):
            assert isinstance(value.numpy(), np.ndarray)

    def test_a_tf_keras_model(tmp_path: Path) -> None:
        model = tf.keras.models.Sequential()
        model.add(kapre.STFT(n_fft=64, win_length=50, hop_length=16, input_shape=(1000, 1)))
        model.add(kapre.Magnitude())
        model.add(kapre.MagnitudeToDecibel())
        model.add(tf.keras.layers.Conv2D(4, (3, 3), strides=(2, 2)))
        model.add(tf.keras.layers.GlobalAveragePooling2D())
        model.add(tf.keras.layers.Dense(3, activation="softmax"))
        model.compile("adam", "categorical_crossentropy")
        x = chirp(4, 1000).astype("float32")
        model.fit(x, np.eye(3)[[0, 1, 2, 0]], verbose=0)
        expected = model.predict(x, verbose=0)
        model.save(tmp_path / "model.keras")
        again = tf.keras.models.load_model(tmp_path / "model.keras")
        np.testing.assert_allclose(again.predict(x, verbose=0), expected, atol=1e-6)
        tf.saved_model.save(model, str(tmp_path / "saved"))
        served = tf.saved_model.load(str(tmp_path / "saved")).signatures["serving_default"](tf.constant(x))
        np.testing.assert_allclose(next(iter(served.values())), expected, atol=1e-5)

    def test_windows_in_tf_signal() -> None:
        x = chirp(1, 1000)[0, :, 0].astype("float32")
        got = tf.signal.stft(x, 64, 16, window_fn=kapre.backend.get_window_fn("hamming_window"))
        reference = tf.signal.stft(x, 64, 16, window_fn=tf.signal.hamming_window)
        assert relative_error(got, reference.numpy()) <= 1e-6

    def interpreted(model: tf.keras.Model, x: np.ndarray) -> np.ndarray:
        """Convert a model with TFLite's own ops alone, and return what its interpreter gives."""
        converted = tf.lite.TFLiteConverter.from_keras_model(model).convert()
        interpreter = tf.lite.Interpreter(model_content=converted)
        interpreter.resize_tensor_input(0, x.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
        interpreter.invoke()
        return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])

    @pytest.mark.parametrize("center", [False, True])
    @pytest.mark.filterwarnings("ignore")  # the converter's own
    def test_a_mel_layer_converts_with_tflites_own_ops(center: bool) -> None:
        """Published: only with Select TF ops. Batch and time stay free."""
        mel = kapre.get_melspectrogram_layer(
            n_fft=256,
            hop_length=80,
            sample_rate=16000,
            n_mels=20,
            return_decibel=True,
            center=center,
            pad_mode="reflect",
        )
        model = tf.keras.Sequential([tf.keras.Input((None, 1)), mel])
        for batch, time in ((1, 4000), (3, 2000)):
            x = chirp(batch, time).astype("float32")
            np.testing.assert_allclose(interpreted(model, x), to_numpy(mel(x)), atol=2e-3)

    @pytest.mark.parametrize("layers", ["magnitude", "phase", "approximate phase"])
    @pytest.mark.parametrize("channels", [1, 2])
    @pytest.mark.filterwarnings("ignore")  # the converter's own
    def test_tflite_conversion(layers: str, channels: int) -> None:
        behind = {
            "magnitude": kapre.MagnitudeTflite,
            "phase": kapre.PhaseTflite,
            "approximate phase": lambda: kapre.PhaseTflite(approx_atan_accuracy=5),
        }[layers]()
        stft = kapre.STFTTflite(n_fft=64, win_length=50, hop_length=16, input_shape=(1000, channels))
        model = tf.keras.Sequential([stft, behind])
        x = chirp(1, 1000, channels).astype("float32")
        got = interpreted(model, x)
        spectrogram = to_numpy(kapre.STFT(64, 50, 16)(x))
        assert got.shape == spectrogram.shape
        if layers == "magnitude":
            assert relative_error(got, np.abs(spectrogram)) <= 1e-5
        else:
            back = np.abs(spectrogram) * np.exp(1j * got)
            assert relative_error(back, spectrogram) <= 1e-5
