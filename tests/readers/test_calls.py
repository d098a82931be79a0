"""Calls of librosa and torchaudio, as recipes and as the libraries compute them."""

from __future__ import annotations

from typing import Any

import librosa
import numpy as np
import pytest

import kapre
from kapre.frontends import SourceError
from kapre.frontends.readers.calls import from_call
from tests.clips import clip
from tests.command import run
from tests.conftest import BACKEND, float64, to_numpy
from tests.references._registry import double, torchaudio

Y = clip("music", 20000, 16000)

LIBROSA = [
    "librosa.feature.melspectrogram(y=y, sr=16000, n_fft=512)",
    "librosa.feature.melspectrogram(y=y)",
    "librosa.feature.melspectrogram(y=y, sr=16000, n_fft=1024, hop_length=160, win_length=400, window='hamming', "
    "center=False, power=1, n_mels=40, fmin=20, fmax=7600, htk=True, norm=None)",
    "librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=16000, pad_mode='reflect'), ref=np.max)",
    "librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=16000), ref=2.0, amin=1e-6, top_db=None)",
    "librosa.amplitude_to_db(np.abs(librosa.stft(y, n_fft=512)), ref=np.max, top_db=60)",
    "np.abs(librosa.stft(y, n_fft=512, hop_length=128)) ** 2",
    "np.abs(librosa.stft(y, n_fft=321, hop_length=160, window='blackman'))",
    "import librosa as lr\nlr.feature.melspectrogram(y=y, sr=16000).T.T",
    "from librosa.feature import melspectrogram\nmelspectrogram(y=y, sr=16000)",
    "librosa.feature.mfcc(y=y, sr=16000, n_mfcc=13, lifter=22, n_fft=512, hop_length=160, n_mels=40)",
    "librosa.feature.chroma_stft(y=y, sr=16000, norm=None, tuning=0.0, n_chroma=24)",
    "np.log(librosa.feature.melspectrogram(y=y, sr=16000) + 1e-6)",
    "np.log1p(10000 * librosa.feature.melspectrogram(y=y, sr=16000))",
    "np.log10(np.maximum(1e-10, librosa.feature.melspectrogram(y=y, sr=16000)))",
    "mel = librosa.feature.melspectrogram(y=y, sr=16000, hop_length=int(0.01 * 16000))\n"
    "np.log(np.maximum(mel, 1e-5)).T",
]
TORCHAUDIO = [
    "torchaudio.transforms.MelSpectrogram(16000, n_fft=512)(x)",
    "T.MelSpectrogram(sample_rate=24000, n_fft=1024, hop_length=256, n_mels=100, power=1, norm='slaney', "
    "mel_scale='slaney', f_min=30.0, center=True)(x)",
    "T.MelSpectrogram(n_fft=512, win_length=400, hop_length=160, window_fn=torch.hamming_window, normalized=True)(x)",
    "T.MelSpectrogram(n_fft=512, normalized='frame_length', wkwargs={'periodic': False}, pad_mode='constant')(x)",
    "torch.nn.Sequential(T.MelSpectrogram(), T.AmplitudeToDB(top_db=80))(x)",
    "T.AmplitudeToDB('magnitude', 60)(T.Spectrogram(n_fft=512, power=1)(x))",
    "T.Spectrogram(n_fft=400, hop_length=160, center=False)(x)",
    "T.MFCC(16000, 13, melkwargs={'n_fft': 512, 'n_mels': 40, 'hop_length': 160})(x)",
    "T.MFCC(16000, 20, log_mels=True)(x)",
    "T.LFCC(16000, n_lfcc=20, n_filter=60, f_max=7000.0, log_lf=True, speckwargs={'n_fft': 512})(x)",
    "torch.log(torch.clamp(T.MelSpectrogram()(x), min=1e-5))",
    "mel = T.MelSpectrogram(n_mels=64)\n(mel(x) + 1e-6).log()",
]


def wanted(code: str) -> np.ndarray:
    """Run the code, in float64."""
    import torch

    with double():
        transforms = torchaudio().transforms
        names: dict[str, Any] = dict(librosa=librosa, np=np, y=Y, torch=torch, T=transforms, torchaudio=torchaudio())
        names["x"] = torch.tensor(Y)[None]
        *before, last = code.split("\n")
        for line in before:
            exec(line, names)
        found = eval(last, names)
    found = found[0].numpy() if hasattr(found, "numpy") else np.asarray(found)
    return found


@pytest.mark.parametrize("code", [*LIBROSA, *TORCHAUDIO])
@pytest.mark.filterwarnings("ignore:.*mel filterbank has all zero", "ignore:.*filter bank bands hold no")
def test_code_is_what_it_computes(code: str) -> None:
    recipe = from_call(code).recipe
    expected = wanted(code)
    if BACKEND != "torch":  # numbers on one backend, shapes on all
        assert recipe.output_shape(len(Y)) == expected.shape
        return
    with float64():
        got = to_numpy(kapre.Frontend(recipe, dtype="float64")(Y[None]))[0]
    assert got.shape == expected.shape
    scale = np.abs(expected).max()
    # librosa's filters are float32, and torchaudio's of LFCC too.
    assert np.abs(got - expected).max() <= 2e-5 * max(1.0, scale)


def test_arguments_are_those_of_the_code() -> None:
    code = "librosa.feature.melspectrogram(sr=16000, n_fft=512, n_mels=40)"
    assert kapre.Recipe.from_librosa(sr=16000, n_fft=512, n_mels=40) == kapre.Recipe.from_librosa(code)
    code = "torchaudio.transforms.MFCC(n_mfcc=13, melkwargs=dict_)".replace("dict_", "{'n_mels': 40}")
    given = kapre.Recipe.from_torchaudio("MFCC", n_mfcc=13, melkwargs={"n_mels": 40})
    assert given == kapre.Recipe.from_torchaudio(code)
    assert kapre.Recipe.from_librosa() == kapre.frontends.preset("librosa_mel").recipe
    assert kapre.Recipe.from_librosa("feature.mfcc") == kapre.frontends.preset("librosa_mfcc").recipe.replace(
        lifter=0.0
    )
    assert kapre.Recipe.from_torchaudio() == kapre.frontends.preset("torchaudio_mel").recipe


REFUSED = [
    ("librosa.feature.melspectrogram(sr=16000, n_fft=512, stride=3)", "no field stride=3"),
    ("librosa.feature.melspectrogram(sr=sr)", "`sr` must be"),
    ("librosa.feature.melspectrogram(sr=16000, power=3)", "`power` must be 1.0 or 2.0"),
    ("librosa.feature.mfcc(sr=16000, dct_type=3)", "`dct_type` must be 2"),
    ("librosa.feature.chroma_stft(y=y, norm=None)", "librosa estimates it from each clip; give tuning=0.0"),
    ("librosa.feature.tonnetz(y=y)", "`librosa.feature.tonnetz` is not read"),
    ("torch.stft(x, 512)", "`torch.stft` is not read"),
    ("T.MelSpectrogram(16000, power=None)", "`power` must be 1.0 or 2.0"),
    ("T.MelSpectrogram(16000, pad=10)", "`pad` must be 0"),
    ("T.MelSpectrogram(n_ffts=512)", "no field n_ffts=512"),
    ("T.MFCC(melkwargs={'n_mel': 40})", "no field n_mel=40"),
    ("np.log(librosa.feature.melspectrogram(y=y))", "without one positive floor"),
    ("librosa.feature.melspectrogram(y=y) / 2", "is not read"),
    ("librosa.feature.melspectrogram(y=y) + 1", "changes the features without a logarithm"),
    ("np.log(librosa.stft(y) + 1)", "Add of features and 1 is not read"),
    ("__import__('os').system('true')", "is not read"),
    ("open('x')", "is not read"),
    ("[x for x in y]", "is not read"),
    ("9 ** 9 ** 9", "is not read"),
    ("librosa.feature.melspectrogram(", "is not Python"),
    ("f(**g)", "has * or ** arguments"),
    ("16000", "computes no features"),
    ("m = librosa.feature.melspectrogram(y=y, power=1.0)\nnp.log(m ** 2 + 1e-6)", "Pow of features and 2 is not read"),
    ("np.log(np.abs(librosa.stft(y)) + 1e-6) ** 2", "Pow of features and 2 is not read"),
    ("np.log((2 * np.abs(librosa.stft(y))) ** 2 + 1e-2)", "Pow of features and 2 is not read"),
    ("np.abs(librosa.feature.mfcc(y=y))", "`np.abs` of features is not read"),
    ("np.abs(librosa.power_to_db(librosa.feature.melspectrogram(y=y)))", "`np.abs` of features is not read"),
    ("np.log(np.abs(librosa.stft(y) + 1.0))", "is not read"),
    ("from python_speech_features import mfcc\nmfcc(y)", "`python_speech_features.mfcc` is not read"),
    ("mfcc(y)", "`mfcc` is not read"),
    ("T.MFCC()(T.MelSpectrogram()(x))", "is called with features"),
    ("librosa.feature.melspectrogram(y=librosa.feature.mfcc(y=y))", "is called with features"),
    ("librosa.feature.melspectrogram(y=y, sr=16000, sr=8000)", "has an argument twice"),
    ("a = 9 ** 64\nb = a ** 64\nlibrosa.stft(y, n_fft=b)", "too large a number"),
    ("librosa.feature.melspectrogram(sr=int(1e999))", "OverflowError"),
    ("librosa.feature.melspectrogram(y=y, n_fft=20_000_000_000_000)", "`n_fft` must be at most 1048576"),
    ("x" * 20_000, "20000 characters long"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "text"), REFUSED)
def test_anything_else_is_refused_in_one_line(code: str, text: str) -> None:
    with pytest.raises(SourceError) as error:
        from_call(code)
    assert text in str(error.value)
    assert "\n" not in str(error.value)


def test_wrong_use() -> None:
    with pytest.raises(SourceError, match="`function` must be one of feature"):
        kapre.Recipe.from_librosa("cqt")
    with pytest.raises(TypeError, match="`arguments` must be left out with code"):
        kapre.Recipe.from_librosa("librosa.stft(y)", n_fft=512)


def test_command(capfd: pytest.CaptureFixture) -> None:
    code = "librosa.feature.melspectrogram(y=y, sr=16000, n_fft=512)"
    assert run("presets", "--from-call", code) == 0
    printed = capfd.readouterr()
    assert kapre.Recipe.from_json(printed.out) == from_call(code).recipe
    assert "nearest preset" in printed.err
    assert run("presets", "--from-call", "librosa.feature.rms(y=y)") == 2
    assert "`librosa.feature.rms` is not read" in capfd.readouterr().err
    assert run("presets", "whisper", "--from-call", code) == 2
