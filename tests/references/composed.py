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
    """Return librosa's mel spectrogram of the clip, reflected at its ends unless `pad_mode` is another or None.

    The padding is NumPy's: librosa 0.11 has a sample of a reflected end wrong at some lengths.
    """
    import librosa

    fft, mode = fft or length, options.pop("pad_mode", "reflect")
    return librosa.feature.melspectrogram(
        y=x if mode is None else np.pad(x, fft // 2, mode=mode),
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


@reference("mt3", TENSORFLOW, "ln", float64=True, note="tf.signal with MT3's published settings.")
def mt3(x: np.ndarray) -> np.ndarray:
    import tensorflow as tf

    magnitude = tf.abs(tf.signal.stft(x, 2048, 128, 2048, pad_end=True))
    bank = tf.signal.linear_to_mel_weight_matrix(512, 1025, 16000, 20, 7600, tf.float64)
    return np.log(np.maximum((magnitude @ bank).numpy(), 1e-5))


@reference("keras_mel_tensorflow", TENSORFLOW, "dB", float64=True)
def keras_mel(x: np.ndarray) -> np.ndarray:
    import tensorflow as tf

    power = tf.abs(tf.signal.stft(np.pad(x, 1024, mode="reflect"), 2048, 512, 2048)) ** 2
    mel = power @ tf.signal.linear_to_mel_weight_matrix(128, 1025, 16000, 20, 8000, tf.float64)
    decibels = 10 * _log10(mel.numpy().T)
    return np.maximum(decibels, decibels.max() - 80)


@reference("openwakeword_librosa", LIBROSA, "dB", float64=True, shortest=512)
def openwakeword(x: np.ndarray) -> np.ndarray:
    power = _power(32768.0 * x, 16000, 32, 3800, 400, 160, 512, fmin=60, pad_mode=None)
    decibels = 10 * _log10(power.T)
    return np.maximum(decibels, decibels.max(initial=-np.inf) - 80) / 10 + 2


@reference("resemblyzer", LIBROSA, "linear", float64=True, note="As resemblyzer.audio calls it.")
def resemblyzer(x: np.ndarray) -> np.ndarray:
    level = 20 * np.log10(np.sqrt(np.mean(x**2)) or 1.0)
    louder = x * 10 ** (max(0.0, -30.0 - level) / 20) if x.any() else x
    return _power(louder, 16000, 40, 8000, 400, 160, pad_mode="constant").T


@reference("espnet", LIBROSA, "ln", float64=True, note="As espnet2's Stft and LogMel have it.")
def espnet(x: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(_power(x, 16000, 80, 8000, 512, 128), 1e-10)).T


@reference("redimnet", "librosa stft, filters.mel", "ln", float64=True, shortest=2)
def redimnet(x: np.ndarray) -> np.ndarray:
    import scipy.signal

    window = scipy.signal.get_window("hamming", 400)
    y = x - 0.97 * np.pad(x, (1, 0), mode="reflect")[:-1]
    power = _power(y, 16000, 72, 7600, 400, 160, 512, fmin=20, window=window, **HTK)
    ln = np.log(power + 1e-6)
    return ln - ln.mean(axis=1, keepdims=True)


@reference("passt_librosa", "librosa stft", "ln", 32000, float64=True, shortest=2)
def passt(x: np.ndarray) -> np.ndarray:
    import librosa
    import scipy.signal

    y = np.pad(x[1:] - 0.97 * x[:-1], 512, mode="reflect")
    window = np.pad(scipy.signal.get_window("hann", 800, fftbins=False), 112)
    spectrum = librosa.stft(y, n_fft=1024, hop_length=320, window=window, center=False, dtype=np.complex128)
    return (np.log(_passt_bank() @ np.abs(spectrum) ** 2 + 1e-5) + 4.5) / 5


@functools.cache
def _passt_bank() -> np.ndarray:
    import tensorflow as tf

    return tf.signal.linear_to_mel_weight_matrix(128, 513, 32000, 0.0, 15000.0, tf.float64).numpy().T


def _musicnn(x: np.ndarray, pad_mode: str) -> np.ndarray:
    return np.log10(1 + 10000 * _power(x, 16000, 96, 8000, 512, 256, pad_mode=pad_mode)).T


@reference("musicnn", LIBROSA, "log10", float64=True, note="As musicnn's batch_data calls it.")
def musicnn(x: np.ndarray) -> np.ndarray:
    return _musicnn(x, "constant")


@reference("maest_librosa", LIBROSA, "log10", float64=True)
def maest(x: np.ndarray) -> np.ndarray:
    return (_musicnn(x, "reflect") - 2.06755686098554) / (2 * 1.268292820667291)


@reference("piano_transcription", LIBROSA, "dB", float64=True, note="As torchlibrosa computes it.")
def piano_transcription(x: np.ndarray) -> np.ndarray:
    return 10 * _log10(_power(x, 16000, 229, 8000, 2048, 160, fmin=30)).T


@reference("msclap_librosa", LIBROSA, "dB", 44100, float64=True)
def msclap(x: np.ndarray) -> np.ndarray:
    return 10 * _log10(_power(x, 44100, 64, 8000, 1024, 320, fmin=50)).T


@reference("pop2piano", LIBROSA, "ln", 22050, float64=True)
def pop2piano(x: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(_power(x, 22050, 512, 11025, 4096, 1024, fmin=10, **HTK), 1e-6))


@reference("rmvpe", LIBROSA, "ln", float64=True, note="As rmvpe's MelSpectrogram has it.")
def rmvpe(x: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(_power(x, 16000, 128, 8000, 1024, 160, fmin=30, htk=True, power=1.0), 1e-5))


@reference("tacotron2", LIBROSA, "ln", 22050, float64=True, note="As tacotron2's TacotronSTFT has it.")
def tacotron2(x: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(_power(x, 22050, 80, 8000, 1024, 256, power=1.0), 1e-5))


@reference("cosyvoice2", "librosa stft, filters.mel", "ln", 24000, float64=True, shortest=480)
def cosyvoice2(x: np.ndarray) -> np.ndarray:
    import librosa

    padded = np.pad(x, 720, mode="reflect")
    spectrum = librosa.stft(padded, n_fft=1920, hop_length=480, center=False, dtype=np.complex128)
    filters = librosa.filters.mel(sr=24000, n_fft=1920, n_mels=80, fmin=0, fmax=8000, dtype=np.float64)
    return np.log(np.maximum(filters @ np.sqrt(np.abs(spectrum) ** 2 + 1e-9), 1e-5))


@reference("vits", "librosa stft", "linear", 22050, float64=True, shortest=256)
def vits(x: np.ndarray) -> np.ndarray:
    import librosa

    padded = np.pad(x, 384, mode="reflect")
    spectrum = librosa.stft(padded, n_fft=1024, hop_length=256, center=False, dtype=np.complex128)
    return np.sqrt(np.abs(spectrum) ** 2 + 1e-6)


@reference(
    "microfrontend",
    "numpy fft.rfft",
    "linear",
    float64=True,
    note="Stated in NumPy without rounding; tests/test_stages.py compares with pymicro-features, which rounds.",
)
def microfrontend(x: np.ndarray) -> np.ndarray:
    import tensorflow as tf

    frames = np.lib.stride_tricks.sliding_window_view(np.pad(32768.0 * x, (0, 480)), 480)[: max(0, len(x) - 479) : 160]
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * (np.arange(480) + 0.5) / 480)
    power = np.abs(np.fft.rfft(frames * window, 512)) ** 2
    bank = tf.signal.linear_to_mel_weight_matrix(40, 257, 16000, 125.0, 7500.0, tf.float64).numpy()
    noise, found = np.zeros(40), []
    for energy in np.sqrt(power @ bank):
        noise += np.where(np.arange(40) % 2 == 0, 0.025, 0.06) * (energy - noise)
        q = np.maximum(energy - noise, 0.05 * energy) / (noise + 80.0) ** 0.95
        found.append(2.5 * np.log(np.maximum(512.0 * np.where(q < 2.0, q**2 / 4.0, q - 1.0), 1.0)))
    return np.array(found).reshape(-1, 40)
