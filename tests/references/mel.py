"""Mel spectrograms of toolkits, taggers and vocoders."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from tests.references._registry import double, reference, torchaudio, transformers

TEN_SECONDS = "The first 10 s of a longer clip."
FILTERS = "Its filters are rounded to float32: 1e-6 dB off."


@reference("librosa_mel", "librosa feature.melspectrogram", "linear", 22050, float64=True)
def librosa_mel(x: np.ndarray) -> np.ndarray:
    import librosa

    return librosa.feature.melspectrogram(y=x, sr=22050, dtype=np.float64)


@reference("librosa_mel_db", "librosa power_to_db", "dB", 22050, float64=True, note="ref 1.0, top_db 80.")
def librosa_mel_db(x: np.ndarray) -> np.ndarray:
    import librosa

    return librosa.power_to_db(librosa_mel(x))


@reference("librosa_mfcc", "librosa feature.mfcc", "dB", 22050, float64=True)
def librosa_mfcc(x: np.ndarray) -> np.ndarray:
    import librosa

    return librosa.feature.mfcc(y=x, sr=22050, dtype=np.float64)


def _torch(module: Any, x: np.ndarray) -> np.ndarray:
    import torch

    return module(torch.tensor(x)[None])[0].numpy()


@reference("torchaudio_mel", "torchaudio transforms.MelSpectrogram", "linear", float64=True, torch=True, shortest=201)
def torchaudio_mel(x: np.ndarray) -> np.ndarray:
    with double():
        return _torch(torchaudio().transforms.MelSpectrogram(16000), x)


@reference("torchaudio_mfcc", "torchaudio transforms.MFCC", "dB", float64=True, torch=True, shortest=201)
def torchaudio_mfcc(x: np.ndarray) -> np.ndarray:
    with double():
        return _torch(torchaudio().transforms.MFCC(16000), x)


@reference(
    "panns",
    "torchlibrosa Spectrogram, LogmelFilterBank",
    "dB",
    32000,
    float64=True,
    torch=True,
    note="Its filters are rounded to float32.",
    shortest=513,
)
def panns(x: np.ndarray) -> np.ndarray:
    with double():
        spectrogram, mel = _panns()
        return _torch(lambda y: mel(spectrogram(y))[:, 0], x)


@functools.cache
def _panns() -> tuple[Any, Any]:
    from torchlibrosa.stft import LogmelFilterBank, Spectrogram

    return Spectrogram(1024, 320), LogmelFilterBank(32000, 1024, 64, 50, 14000, top_db=None)


def _clap(x: np.ndarray, truncation: str) -> np.ndarray:
    made = transformers().ClapFeatureExtractor(truncation=truncation)
    return made(x[:480000], sampling_rate=48000, return_tensors="np")["input_features"][0][0]


@reference(
    "clap_fused", "transformers ClapFeatureExtractor", "dB", 48000, torch=True, note="The first 10 s of a longer clip."
)
def clap_fused(x: np.ndarray) -> np.ndarray:
    return _clap(x, "fusion")


@reference(
    "clap_unfused",
    "transformers ClapFeatureExtractor",
    "dB",
    48000,
    torch=True,
    note="The first 10 s of a longer clip.",
)
def clap_unfused(x: np.ndarray) -> np.ndarray:
    return _clap(x, "rand_trunc")


def _speechbrain(x: np.ndarray, bands: int) -> Any:
    torchaudio()
    import torch
    from speechbrain.lobes.features import Fbank

    return Fbank(n_mels=bands)(torch.tensor(x)[None])


@reference("speechbrain_fbank", "speechbrain lobes.features.Fbank", "dB", float64=True, torch=True)
def speechbrain_fbank(x: np.ndarray) -> np.ndarray:
    with double():
        return _speechbrain(x, 40)[0].numpy()


@reference("speechbrain_ecapa", "speechbrain Fbank, InputNormalization", "dB", float64=True, torch=True)
def speechbrain_ecapa(x: np.ndarray) -> np.ndarray:
    with double():
        features = _speechbrain(x, 80)
        import torch
        from speechbrain.processing.features import InputNormalization

        return InputNormalization(norm_type="sentence", std_norm=False)(features, torch.ones(1))[0].numpy()


@reference(
    "keras_mel", "keras layers.MelSpectrogram", "dB", note="On the backend of the process, in float32.", shortest=1025
)
def keras_mel(x: np.ndarray) -> np.ndarray:
    import keras

    return keras.ops.convert_to_numpy(keras.layers.MelSpectrogram()(x[None].astype("float32"))[0])


@reference("vggish", "torchvggish vggish_input.waveform_to_examples", "ln", float64=True, torch=True, shortest=240)
def vggish(x: np.ndarray) -> np.ndarray:
    from torchvggish import vggish_input

    return vggish_input.waveform_to_examples(x, 16000, return_tensor=False)


def _univnet(x: np.ndarray, **arguments: Any) -> np.ndarray:
    made = transformers().UnivNetFeatureExtractor(**arguments)
    rate = made.sampling_rate
    out = made(x, sampling_rate=rate, truncation=False, padding=False, return_noise=False, return_tensors="np")
    return out["input_features"][0].T


def _bigvgan(x: np.ndarray, bands: int, sample_rate: int, high: int) -> np.ndarray:
    import torch
    from bigvgan.meldataset import mel_spectrogram

    wave = torch.tensor(x, dtype=torch.float32)[None]
    return mel_spectrogram(wave, 1024, bands, sample_rate, 256, 1024, 0, high)[0].numpy()


@reference("hifigan", "transformers UnivNetFeatureExtractor", "ln", 22050, note="UnivNet's, with HiFi-GAN's numbers.")
def hifigan(x: np.ndarray) -> np.ndarray:
    return _univnet(x, sampling_rate=22050, num_mel_bins=80, fmin=0.0, fmax=8000.0)


@reference("hifigan_bigvgan", "bigvgan meldataset.mel_spectrogram", "ln", 22050, torch=True, shortest=385)
def hifigan_bigvgan(x: np.ndarray) -> np.ndarray:
    return _bigvgan(x, 80, 22050, 8000)


@reference("bigvgan_24k_100band", "transformers UnivNetFeatureExtractor", "ln", 24000)
def bigvgan_24k_100band(x: np.ndarray) -> np.ndarray:
    return _univnet(x)


@reference("bigvgan_24k_100band_bigvgan", "bigvgan meldataset.mel_spectrogram", "ln", 24000, torch=True, shortest=385)
def bigvgan_24k_100band_bigvgan(x: np.ndarray) -> np.ndarray:
    return _bigvgan(x, 100, 24000, 12000)


@reference(
    "vocos", "vocos feature_extractors.MelSpectrogramFeatures", "ln", 24000, float64=True, torch=True, shortest=513
)
def vocos(x: np.ndarray) -> np.ndarray:
    torchaudio()
    from vocos.feature_extractors import MelSpectrogramFeatures

    with double():
        return _torch(MelSpectrogramFeatures(), x)


@reference("clvp", "transformers ClvpFeatureExtractor", "ln", 22050)
def clvp(x: np.ndarray) -> np.ndarray:
    made = transformers().ClvpFeatureExtractor()
    return made(x, sampling_rate=22050, return_tensors="np")["input_features"][0]
