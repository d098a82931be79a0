"""The same front ends in float64 and without PyTorch, by librosa or tf.signal with the published settings."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from tests.references._registry import reference

LIBROSA = "librosa feature.melspectrogram"
TENSORFLOW = "tensorflow-cpu signal"


def _power(
    x: np.ndarray, sample_rate: int, bands: int, high: float, length: int, hop: int, fft: int = 0, **options: Any
) -> np.ndarray:
    """Return librosa's mel spectrogram of the clip, reflected at its ends unless `pad_mode` says otherwise.

    The padding is NumPy's: librosa 0.11 has a sample of a reflected end wrong at some lengths.
    """
    import librosa

    fft = fft or length
    return librosa.feature.melspectrogram(
        y=np.pad(x, fft // 2, mode=options.pop("pad_mode", "reflect")),
        sr=sample_rate,
        n_fft=fft,
        win_length=length,
        hop_length=hop,
        center=False,
        n_mels=bands,
        fmin=options.pop("fmin", 0),
        fmax=high,
        dtype=np.float64,
        **options,
    )


HTK = {"htk": True, "norm": None}


def _log10(power: np.ndarray) -> np.ndarray:
    return np.log10(np.maximum(power, 1e-10))


def _whisper(x: np.ndarray, bands: int) -> np.ndarray:
    y = np.pad(x[:480000], (0, max(0, 480000 - len(x))))
    log10 = _log10(_power(y, 16000, bands, 8000, 400, 160)[:, :-1])
    return (np.maximum(log10, log10.max() - 8) + 4) / 4


@reference("whisper_librosa", LIBROSA, "log10", float64=True)
def whisper(x: np.ndarray) -> np.ndarray:
    return _whisper(x, 80)


@reference("whisper_large_v3_librosa", LIBROSA, "log10", float64=True)
def whisper_large_v3(x: np.ndarray) -> np.ndarray:
    return _whisper(x, 128)


@reference("voxtral_realtime_librosa", LIBROSA, "log10", float64=True)
def voxtral_realtime(x: np.ndarray) -> np.ndarray:
    return (np.maximum(_log10(_power(x, 16000, 128, 8000, 400, 160)[:, :-1]), 1.5 - 8) + 4) / 4


@reference("granite_speech_librosa", LIBROSA, "log10", float64=True, note="The maximum includes the odd frame dropped.")
def granite_speech(x: np.ndarray) -> np.ndarray:
    log10 = _log10(_power(x, 16000, 80, 8000, 400, 160, 512, **HTK))
    scaled = np.maximum(log10, log10.max() - 8) / 4 + 1
    pairs = scaled.shape[1] // 2
    return scaled[:, : 2 * pairs].T.reshape(pairs, 160)


def _nemo(x: np.ndarray, bands: int) -> np.ndarray:
    import scipy.signal

    window = scipy.signal.get_window("hann", 400, fftbins=False)
    y = scipy.signal.lfilter([1, -0.97], [1], x)
    ln = np.log(_power(y, 16000, bands, 8000, 400, 160, 512, window=window, pad_mode="constant") + 2**-24)
    valid = ln[:, : len(x) // 160]
    out = np.zeros_like(ln)
    out[:, : valid.shape[1]] = (valid - valid.mean(1, keepdims=True)) / (valid.std(1, ddof=1, keepdims=True) + 1e-5)
    return out


@reference("nemo_librosa", LIBROSA, "normalised", float64=True)
def nemo(x: np.ndarray) -> np.ndarray:
    return _nemo(x, 80)


@reference("nemo_128_librosa", LIBROSA, "normalised", float64=True)
def nemo_128(x: np.ndarray) -> np.ndarray:
    return _nemo(x, 128)


@reference("nemo_v1", LIBROSA, "normalised", float64=True, note="No installable package has this version of NeMo.")
def nemo_v1(x: np.ndarray) -> np.ndarray:
    import scipy.signal

    window = scipy.signal.get_window("hann", 400, fftbins=False)
    y = scipy.signal.lfilter([1, -0.97], [1], x)
    ln = np.log(_power(y, 16000, 80, 8000, 400, 160, 512, window=window) + 2**-24)
    return (ln - ln.mean(1, keepdims=True)) / (ln.std(1, ddof=1, keepdims=True) + 1e-5)


@reference("torchaudio_mel_librosa", LIBROSA, "linear", float64=True)
def torchaudio_mel(x: np.ndarray) -> np.ndarray:
    return _power(x, 16000, 128, 8000, 400, 200, **HTK)


@reference("panns_librosa", LIBROSA, "dB", 32000, float64=True)
def panns(x: np.ndarray) -> np.ndarray:
    return 10 * _log10(_power(x, 32000, 64, 14000, 1024, 320, fmin=50)).T


def _clap(x: np.ndarray, **options: Any) -> np.ndarray:
    y = np.tile(x, max(1, 480000 // len(x)))[:480000]
    return 10 * _log10(_power(np.pad(y, (0, 480000 - len(y))), 48000, 64, 14000, 1024, 480, **options)).T


@reference("clap_fused_librosa", LIBROSA, "dB", 48000, float64=True, note="The first 10 s of a longer clip.")
def clap_fused(x: np.ndarray) -> np.ndarray:
    return _clap(x, **HTK)


@reference("clap_unfused_librosa", LIBROSA, "dB", 48000, float64=True, note="The first 10 s of a longer clip.")
def clap_unfused(x: np.ndarray) -> np.ndarray:
    return _clap(x)


@reference("speecht5_librosa", LIBROSA, "log10", float64=True)
def speecht5(x: np.ndarray) -> np.ndarray:
    return _log10(_power(x, 16000, 80, 7600, 1024, 256, fmin=80, power=1.0)).T


@reference("clvp_librosa", LIBROSA, "ln", 22050, float64=True)
def clvp(x: np.ndarray) -> np.ndarray:
    y = np.pad(x[: 6 * 22050], (0, max(0, 6 * 22050 - len(x))))
    return np.log(np.maximum(_power(y, 22050, 80, 8000, 1024, 256, htk=True), 1e-5))


@reference("vocos_librosa", LIBROSA, "ln", 24000, float64=True)
def vocos(x: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(_power(x, 24000, 100, 12000, 1024, 256, power=1.0, **HTK), 1e-7))


def _hifigan(x: np.ndarray, sample_rate: int, bands: int, high: float) -> np.ndarray:
    import librosa

    padded = np.pad(x, 384, mode="reflect")
    spectrum = librosa.stft(padded, n_fft=1024, hop_length=256, center=False, dtype=np.complex128)
    filters = librosa.filters.mel(sr=sample_rate, n_fft=1024, n_mels=bands, fmin=0, fmax=high, dtype=np.float64)
    return np.log(np.maximum(filters @ np.sqrt(np.abs(spectrum) ** 2 + 1e-9), 1e-5))


@reference("hifigan_librosa", "librosa stft, filters.mel", "ln", 22050, float64=True, shortest=256)
def hifigan(x: np.ndarray) -> np.ndarray:
    return _hifigan(x, 22050, 80, 8000)


@reference("bigvgan_24k_100band_librosa", "librosa stft, filters.mel", "ln", 24000, float64=True, shortest=256)
def bigvgan_24k_100band(x: np.ndarray) -> np.ndarray:
    return _hifigan(x, 24000, 100, 12000)


def _tensorflow(x: np.ndarray, bands: int, low: float, high: float, *, periodic: bool, power: int) -> Any:
    """Return tf.signal's mel spectrum of frames of 400 samples, 160 apart."""
    import tensorflow as tf

    window = functools.partial(tf.signal.hann_window, periodic=periodic)
    magnitude = tf.abs(tf.signal.stft(x, 400, 160, 512, window))
    return magnitude**power @ tf.signal.linear_to_mel_weight_matrix(bands, 257, 16000, low, high, tf.float64)


@reference("yamnet", TENSORFLOW, "ln", float64=True, note="tf.signal, called as YAMNet's own code calls it.")
def yamnet(x: np.ndarray) -> np.ndarray:
    import tensorflow as tf

    beyond = -(-max(0, len(x) - 15600) // 7680)
    y = np.pad(x, (0, 15600 + 7680 * beyond - len(x)))
    ln = tf.math.log(_tensorflow(y, 64, 125, 7500, periodic=True, power=1) + 0.001)
    return tf.signal.frame(ln, 96, 48, axis=0).numpy()


@reference("vggish_tensorflow", TENSORFLOW, "ln", float64=True, shortest=400)
def vggish(x: np.ndarray) -> np.ndarray:
    import tensorflow as tf

    ln = tf.math.log(_tensorflow(x, 64, 125, 7500, periodic=True, power=1) + 0.01)
    return tf.signal.frame(ln, 96, 96, axis=0).numpy()


@reference("medasr_tensorflow", TENSORFLOW, "ln", float64=True, shortest=400)
def medasr(x: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(_tensorflow(x, 128, 125, 7500, periodic=False, power=2).numpy(), 1e-5))


@reference("keras_mel_tensorflow", TENSORFLOW, "dB", float64=True)
def keras_mel(x: np.ndarray) -> np.ndarray:
    import tensorflow as tf

    power = tf.abs(tf.signal.stft(np.pad(x, 1024, mode="reflect"), 2048, 512, 2048)) ** 2
    mel = power @ tf.signal.linear_to_mel_weight_matrix(128, 1025, 16000, 20, 8000, tf.float64)
    decibels = 10 * _log10(mel.numpy().T)
    return np.maximum(decibels, decibels.max() - 80)
