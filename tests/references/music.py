"""Taggers, music models and codecs, as their own packages compute them."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from tests.references._registry import double, reference, torchaudio, transformers


def _frames(x: np.ndarray, size: int, hop: int) -> np.ndarray:
    if len(x) < size:
        return np.zeros((0, size))
    return np.lib.stride_tricks.sliding_window_view(x, size)[::hop]


@functools.cache
def _essentia(name: str) -> Any:
    import essentia

    essentia.log.infoActive = False
    import essentia.standard

    return getattr(essentia.standard, name)()


@reference("essentia_musicnn", "essentia standard.TensorflowInputMusiCNN", "log10", note="It takes single frames.")
def essentia_musicnn(x: np.ndarray) -> np.ndarray:
    rows = [_essentia("TensorflowInputMusiCNN")(frame) for frame in _frames(x, 512, 256).astype("float32")]
    return np.array(rows, "float32").reshape(-1, 96)


@reference("essentia_vggish", "essentia standard.TensorflowInputVGGish", "ln", note="It takes single frames.")
def essentia_vggish(x: np.ndarray) -> np.ndarray:
    rows = [_essentia("TensorflowInputVGGish")(frame) for frame in _frames(x, 400, 160).astype("float32")]
    return np.array(rows, "float32").reshape(-1, 64)


@reference("maest", "maest-infer MelSpectrogram", "log10", torch=True, shortest=257)
def maest(x: np.ndarray) -> np.ndarray:
    import torch
    from maest_infer.helpers.melspectrogram import MelSpectrogram

    with torch.no_grad():
        bands = MelSpectrogram()(torch.tensor(x, dtype=torch.float32)).numpy()
    return bands.reshape(96, -1).T


@functools.cache
def _msclap() -> tuple[Any, Any]:
    from torchlibrosa.stft import LogmelFilterBank, Spectrogram

    return Spectrogram(1024, 320), LogmelFilterBank(44100, 1024, 64, 50, 8000, top_db=None)


@reference(
    "msclap",
    "torchlibrosa Spectrogram, LogmelFilterBank",
    "dB",
    44100,
    float64=True,
    torch=True,
    shortest=513,
    note="Its filters are rounded to float32.",
)
def msclap(x: np.ndarray) -> np.ndarray:
    import torch

    with double():
        spectrogram, mel = _msclap()
        return mel(spectrogram(torch.tensor(x)[None]))[0, 0].numpy()


def _torchaudio(x: np.ndarray, *scales: Any, **options: Any) -> np.ndarray:
    """Return torchaudio's mel spectrogram in float64, followed by other transforms."""
    import torch

    with double():
        y = torchaudio().transforms.MelSpectrogram(**options)(torch.tensor(x)[None])
        for scale in scales:
            y = scale(y)
    return y[0].numpy()


MEL = "torchaudio transforms.MelSpectrogram"


@reference("dasheng", f"{MEL}, AmplitudeToDB", "dB", float64=True, torch=True, shortest=257)
def dasheng(x: np.ndarray) -> np.ndarray:
    decibels = torchaudio().transforms.AmplitudeToDB(top_db=120)
    return _torchaudio(x, decibels, sample_rate=16000, n_fft=512, win_length=512, hop_length=160, n_mels=64)


@reference("beat_this", MEL, "ln", 22050, float64=True, torch=True, shortest=513)
def beat_this(x: np.ndarray) -> np.ndarray:
    options: dict[str, Any] = dict(sample_rate=22050, n_fft=1024, hop_length=441, f_min=30, f_max=11000, n_mels=128)
    mel = _torchaudio(x, **options, mel_scale="slaney", normalized="frame_length", power=1)
    return np.log1p(1000 * mel).T


@reference("musicfm", f"{MEL}, AmplitudeToDB", "dB", 24000, float64=True, torch=True, shortest=1025)
def musicfm(x: np.ndarray) -> np.ndarray:
    decibels = torchaudio().transforms.AmplitudeToDB()
    y = _torchaudio(x, decibels, sample_rate=24000, n_fft=2048, win_length=2048, hop_length=240, n_mels=128)
    return (y - 6.768444971712967) / 18.417922652295623


@reference("styletts2", MEL, "ln", 24000, float64=True, torch=True, shortest=1025, note="Its bank is one for 16 kHz.")
def styletts2(x: np.ndarray) -> np.ndarray:
    mel = _torchaudio(x, n_mels=80, n_fft=2048, win_length=1200, hop_length=300)
    return (np.log(1e-5 + mel) + 4) / 4


@reference("xtts", MEL, "ln", 22050, float64=True, torch=True, shortest=2049, note="Without the model's statistics.")
def xtts(x: np.ndarray) -> np.ndarray:
    options: dict[str, Any] = dict(n_fft=4096, hop_length=1024, win_length=4096, n_mels=80, f_max=8000, norm="slaney")
    return np.log(np.maximum(_torchaudio(x, sample_rate=22050, **options), 1e-5))


@reference("torchaudio_lfcc", "torchaudio transforms.LFCC", "dB", float64=True, torch=True, shortest=201)
def torchaudio_lfcc(x: np.ndarray) -> np.ndarray:
    import torch

    with double():
        return torchaudio().transforms.LFCC(16000)(torch.tensor(x)[None])[0].numpy()


@reference("passt", "hear21passt AugmentMelSTFT", "ln", 32000, torch=True, shortest=514)
def passt(x: np.ndarray) -> np.ndarray:
    import torch
    from hear21passt.models.preprocess import AugmentMelSTFT

    torchaudio()
    made = AugmentMelSTFT(fmax=15000, fmin_aug_range=1, fmax_aug_range=1, freqm=0, timem=0).eval()
    with torch.no_grad():
        return made(torch.tensor(x, dtype=torch.float32)[None])[0].numpy()


@reference(
    "musicgen_melody",
    "transformers MusicgenMelodyFeatureExtractor",
    "linear",
    32000,
    torch=True,
    shortest=16384,
    note="It places a shorter clip in the middle of 16384 samples.",
)
def musicgen_melody(x: np.ndarray) -> np.ndarray:
    return transformers().MusicgenMelodyFeatureExtractor()(x, sampling_rate=32000)["input_features"][0]


@reference("univnet", "transformers UnivNetFeatureExtractor", "ln", 24000, shortest=385)
def univnet(x: np.ndarray) -> np.ndarray:
    return transformers().UnivNetFeatureExtractor()(x, sampling_rate=24000)["input_features"][0]


@reference("crepe", "numpy std", "normalised", float64=True, note="torchcrepe.preprocess, stated in NumPy.")
def crepe(x: np.ndarray) -> np.ndarray:
    frames = _frames(np.pad(x, 512), 1024, 160)
    centred = frames - frames.mean(axis=1, keepdims=True)
    return centred / np.maximum(centred.std(axis=1, ddof=1, keepdims=True), 1e-10)


def _wave(x: np.ndarray, extractor: str, rate: int, name: str = "input_values", **arguments: Any) -> np.ndarray:
    made = getattr(transformers(), extractor)(**arguments)
    return np.asarray(made(x, sampling_rate=rate, return_tensors="np")[name][0])


@reference("mert", "transformers Wav2Vec2FeatureExtractor", "normalised", 24000)
def mert(x: np.ndarray) -> np.ndarray:
    return _wave(x, "Wav2Vec2FeatureExtractor", 24000, sampling_rate=24000)


@reference("dac", "transformers DacFeatureExtractor", "linear")
def dac(x: np.ndarray) -> np.ndarray:
    return _wave(x, "DacFeatureExtractor", 16000)[0]


@reference("encodec", "transformers EncodecFeatureExtractor", "linear", 24000)
def encodec(x: np.ndarray) -> np.ndarray:
    return _wave(x, "EncodecFeatureExtractor", 24000)[0]


@reference("kyutai_speech_to_text", "transformers KyutaiSpeechToTextFeatureExtractor", "linear", 24000)
def kyutai_speech_to_text(x: np.ndarray) -> np.ndarray:
    return _wave(x, "KyutaiSpeechToTextFeatureExtractor", 24000)[0]


@reference("muse_spark", "transformers MuseSparkFeatureExtractor", "linear", 24000)
def muse_spark(x: np.ndarray) -> np.ndarray:
    return _wave(x, "MuseSparkFeatureExtractor", 24000).reshape(-1)


@reference("pe_audio", "transformers PeAudioFeatureExtractor", "linear", 48000)
def pe_audio(x: np.ndarray) -> np.ndarray:
    return _wave(x, "PeAudioFeatureExtractor", 48000)[0]


@reference("vibevoice", "transformers VibeVoiceAcousticTokenizerFeatureExtractor", "linear", 24000, torch=True)
def vibevoice(x: np.ndarray) -> np.ndarray:
    made = transformers().VibeVoiceAcousticTokenizerFeatureExtractor()
    return made(x, sampling_rate=24000, return_tensors="pt")["input_values"].numpy().reshape(-1)


@reference("gemma4_unified", "transformers Gemma4UnifiedAudioFeatureExtractor", "linear")
def gemma4_unified(x: np.ndarray) -> np.ndarray:
    return _wave(x, "Gemma4UnifiedAudioFeatureExtractor", 16000, "input_features")
