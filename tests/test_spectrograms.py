"""`Spectrogram`, `MelSpectrogram` and `MFCC` against librosa and torchaudio, and their arguments."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import keras
import librosa
import numpy as np
import pytest

import kapre
from kapre.ops import windows
from tests.conftest import BACKEND, chirp, float64, quick, relative_error, to_numpy
from tests.streams.drive import check_stream

RATE = 16000
X = np.random.default_rng(0).uniform(-0.5, 0.5, 3000) + chirp(1, 3000)[0, :, 0]
FRAMING = dict(n_fft=512, hop_length=100)


def of(layer: Any, x: np.ndarray = X) -> np.ndarray:
    return to_numpy(quick(layer)(x[None]))[0].T


@pytest.mark.parametrize("dynamic_range", [None, 30.0])
@pytest.mark.parametrize("ref_value", [1.0, 0.02])
def test_librosa(dynamic_range: float | None, ref_value: float) -> None:
    more: dict[str, Any] = dict(ref_value=ref_value, dynamic_range=dynamic_range, dtype="float64")
    theirs: dict[str, Any] = dict(ref=ref_value, top_db=dynamic_range)
    with float64():
        magnitude = np.abs(librosa.stft(X, **FRAMING))
        got = of(kapre.Spectrogram(**FRAMING, **more))
        np.testing.assert_allclose(got, librosa.power_to_db(magnitude**2, **theirs), atol=1e-8)
        got = of(kapre.Spectrogram(**FRAMING, power=1.0, **more))
        np.testing.assert_allclose(got, librosa.amplitude_to_db(magnitude, **theirs), atol=1e-8)
        mel = librosa.feature.melspectrogram(y=X, sr=RATE, n_mels=40, fmin=60.0, fmax=7000.0, **FRAMING, power=1.0)
        got = of(kapre.MelSpectrogram(RATE, n_mels=40, f_min=60.0, f_max=7000.0, power=1.0, **FRAMING, **more))
        np.testing.assert_allclose(got, librosa.amplitude_to_db(mel, **theirs), atol=1e-4)  # a bank of float32
        short: dict[str, Any] = dict(win_length=100, center=False, **FRAMING)
        got = of(kapre.Spectrogram(**short, **more))
        np.testing.assert_allclose(got, librosa.power_to_db(np.abs(librosa.stft(X, **short)) ** 2, **theirs), atol=1e-8)
        mel = librosa.feature.melspectrogram(y=X, sr=RATE, n_mels=40, win_length=400, **FRAMING)
        got = of(kapre.MelSpectrogram(RATE, n_mels=40, win_length=400, **FRAMING, **more))
        np.testing.assert_allclose(got, librosa.power_to_db(mel, **theirs), atol=1e-4)


def test_defaults_are_librosas() -> None:
    mel = librosa.feature.melspectrogram(y=X, sr=RATE)
    assert (
        np.abs(of(kapre.MelSpectrogram(RATE), X.astype("float32")) - librosa.power_to_db(mel, top_db=None)).max() < 1e-2
    )
    with float64():
        assert relative_error(of(kapre.MelSpectrogram(RATE, scale="linear", dtype="float64")), mel) <= 1e-6
        got = of(kapre.MelSpectrogram(RATE, scale="log", amin=1e-3, dtype="float64"))
        np.testing.assert_allclose(got, np.log(np.maximum(mel, 1e-3)), atol=1e-5)
        got = of(kapre.MFCC(RATE, dynamic_range=80.0, dtype="float64"))
        np.testing.assert_allclose(got, librosa.feature.mfcc(y=X, sr=RATE), atol=1e-3)
        got = of(kapre.MFCC(RATE, 13, lifter=22.0, n_mels=40, dynamic_range=80.0, dtype="float64"))
        np.testing.assert_allclose(got, librosa.feature.mfcc(y=X, sr=RATE, n_mfcc=13, lifter=22, n_mels=40), atol=1e-3)


if BACKEND == "torch":

    def test_torchaudio() -> None:
        import torch

        from tests.references._registry import torchaudio

        x = torch.tensor(X)[None]
        settings: dict[str, Any] = dict(n_fft=400, hop_length=200, n_mels=40)
        theirs = torchaudio().transforms.MelSpectrogram(RATE, **settings).double()(x)[0].numpy()
        plain: dict[str, Any] = dict(htk=True, norm=None, pad_mode="reflect", dtype="float64")
        assert relative_error(of(kapre.MelSpectrogram(RATE, **settings, scale="linear", **plain)), theirs) <= 1e-6
        theirs = torchaudio().transforms.MFCC(RATE, 13, melkwargs=settings).double()(x)[0].numpy()
        got = of(kapre.MFCC(RATE, 13, **settings, dynamic_range=80.0, **plain))
        assert relative_error(got, theirs) <= 1e-6


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_channels_lengths_and_masks(data_format: str) -> None:
    """Each item and channel is as if it were alone, and the mask over samples becomes one over frames."""
    layer = kapre.MelSpectrogram(RATE, **FRAMING, n_mels=20, data_format=data_format)
    x, lengths = chirp(3, 900, 2).astype("float32"), np.array([900, 512, 0])
    noisy = np.where(np.arange(900)[:, None] < lengths[:, None, None], x, np.nan)
    given = noisy if data_format == "channels_last" else noisy.transpose(0, 2, 1)
    y = to_numpy(layer(given, lengths=lengths))
    y = y if data_format == "channels_last" else y.transpose(0, 2, 3, 1)
    assert y.shape == (3, 10, 20, 2)
    for item, length in enumerate(lengths):
        count = layer.num_frames(int(length))
        for channel in range(2):
            if length:
                alone = to_numpy(layer(x[item : item + 1, :length, channel]))[0]
                np.testing.assert_allclose(y[item, :count, :, channel], alone, atol=1e-3)
        assert not y[item, count:].any()
    entry = keras.Input((None, 2) if data_format == "channels_last" else (2, None))
    masks = keras.Input((None,), dtype="bool")
    found = layer(entry, mask=masks)
    model = keras.Model([entry, masks], [found, layer.compute_mask(entry, masks)])
    got, mask = (to_numpy(part) for part in model([np.nan_to_num(given), np.arange(900) < lengths[:, None]]))
    np.testing.assert_array_equal(mask.sum(axis=1), [layer.num_frames(int(length)) for length in lengths])
    assert got.shape[1 if data_format == "channels_last" else 2] == 10


@pytest.mark.parametrize("window_name", windows.WINDOW_NAMES)
def test_every_window(window_name: str) -> None:
    x = np.random.default_rng(0).uniform(-1.0, 1.0, (1, 500)).astype("float32")
    layer = kapre.Spectrogram(64, 16, power=1.0, scale="linear", window_name=window_name, center=False)
    taps = windows.window(window_name, 64, windows.as_periodic(window_name))
    if windows.as_periodic(window_name):
        np.testing.assert_allclose(taps[1:], taps[:0:-1], atol=1e-12)  # one sample more would be symmetric
    frames = np.lib.stride_tricks.sliding_window_view(x[0], 64)[::16]
    np.testing.assert_allclose(to_numpy(layer(x))[0], np.abs(np.fft.rfft(frames * taps)), atol=1e-4)


def test_streams_and_shows_its_arguments() -> None:
    with float64():
        layer = kapre.MelSpectrogram(RATE, **FRAMING, n_mels=20, dtype="float64", name="mel")
        x = chirp(2, 1500)[:, :, 0]
        check_stream(layer.stream(), to_numpy(quick(layer)(x)), x, [7, 300], 1e-9)
    shown = repr(layer)
    assert shown == "<MelSpectrogram sample_rate=16000 n_fft=512 hop_length=100 n_mels=20 f_max=8000.0 name='mel'>"
    assert layer.recipe.bands == 20
    with pytest.raises(ValueError, match="dynamic_range"):
        kapre.Spectrogram(dynamic_range=80.0).stream()


def test_saved_and_loaded(tmp_path: Path) -> None:
    entry = keras.Input((None, 2))
    layers = [kapre.Spectrogram(**FRAMING, power=1.0, dynamic_range=40.0), kapre.MFCC(RATE, 5, **FRAMING)]
    model = keras.Model(entry, [layer(entry) for layer in layers])
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    x = chirp(2, 900, 2).astype("float32")
    for ours, theirs in zip(model(x), again(x), strict=True):
        np.testing.assert_array_equal(to_numpy(ours), to_numpy(theirs))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: kapre.MelSpectrogram(RATE, scale="dB"), "`scale` must be one of"),
        (lambda: kapre.MelSpectrogram(RATE, power=3.0), "`power` must be 1.0 or 2.0"),
        (lambda: kapre.MelSpectrogram(RATE, scale="linear", amin=1e-3), "`amin` must be None with scale='linear'"),
        (lambda: kapre.Spectrogram(scale="log", ref_value=2.0), "`ref_value` must be 1.0 with scale='log'"),
        (lambda: kapre.MelSpectrogram(RATE, scale="log", dynamic_range=80.0), "`dynamic_range` must be None with"),
        (lambda: kapre.Spectrogram(power=1.0, dynamic_range=-1.0), "`dynamic_range` must be"),
        (lambda: kapre.MFCC(RATE, scale="linear"), "`scale` must be one of"),
        (lambda: kapre.MelSpectrogram(), "sample_rate"),
        (lambda: kapre.MelSpectrogram(sr=16000), "MelSpectrogram has no argument 'sr'. Use sample_rate."),
        (
            lambda: kapre.MelSpectrogram(RATE, top_db=80.0),
            "MelSpectrogram has no argument 'top_db'. Use dynamic_range.",
        ),
        (lambda: kapre.MFCC(RATE, trainable_window=True), "`trainable_window` must be left out of MFCC; received"),
        (lambda: kapre.MelSpectrogram(10**400), "`sample_rate` must be a positive number of Hz"),
        (
            lambda: kapre.Spectrogram().stream().step(np.zeros((1, 9, 2), "float32"), {}),
            "`chunk` must be of shape (batch, time)",
        ),
        (lambda: kapre.Spectrogram()(np.zeros(3, "float32")), "`inputs` must be of shape (batch, time)"),
    ],
)
def test_wrong_use(make: Any, text: str) -> None:
    with pytest.raises((TypeError, ValueError), match=re.escape(text)):
        make()


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_axes_in_the_other_order_are_warned_of(data_format: str) -> None:
    """A waveform of torchaudio, `(channel, time)`, has 16000 channels for channels_last."""
    other = {"channels_last": "channels_first", "channels_first": "channels_last"}[data_format]
    x = np.zeros((2, 1, 1600) if data_format == "channels_last" else (2, 1600, 1), "float32")
    rule = re.escape(f"has 1600 channels of 1 samples for data_format={data_format!r}") + f".*{other}"
    for layer in (
        kapre.MelSpectrogram(16000, n_fft=64, n_mels=4, data_format=data_format),
        kapre.STFT(64, input_data_format=data_format, pad_end=True),
        kapre.Resample(2, 1, data_format=data_format),
    ):
        with pytest.warns(UserWarning, match=rule):
            layer(x)
    few = x[:, :, :63] if data_format == "channels_last" else x[:, :63]
    kapre.STFT(64, input_data_format=data_format, pad_end=True)(few)  # filterwarnings has "error"
