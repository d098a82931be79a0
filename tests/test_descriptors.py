"""Descriptors of frames against librosa and closed forms, their streams, masks and errors."""

from __future__ import annotations

from typing import Any

import keras
import librosa
import numpy as np
import pytest
from scipy.signal import get_window

import kapre
from tests.conftest import chirp, float64, quick, to_numpy
from tests.streams.drive import check_stream, streamed

RATE = 22050
RNG = np.random.default_rng(0)
X = chirp(1, 15000, sample_rate=RATE)[0, :, 0] * np.repeat(RNG.uniform(0.0, 1.0, 15), 1000)
FEATURES = librosa.feature


def of(layer: Any, x: np.ndarray = X) -> np.ndarray:
    return to_numpy(quick(layer)(x[None]))[0]


SMALL = dict(n_fft=256, hop_length=70)
PAIRS: dict[str, Any] = {
    "centroid": (lambda **k: kapre.SpectralCentroid(RATE, **k), lambda **k: FEATURES.spectral_centroid(sr=RATE, **k)),
    "bandwidth": (
        lambda **k: kapre.SpectralBandwidth(RATE, **k),
        lambda **k: FEATURES.spectral_bandwidth(sr=RATE, **k),
    ),
    "bandwidth, 3": (
        lambda **k: kapre.SpectralBandwidth(RATE, 3.0, **k),
        lambda **k: FEATURES.spectral_bandwidth(sr=RATE, p=3, **k),
    ),
    "rolloff": (
        lambda **k: kapre.SpectralRolloff(RATE, 0.6, **k),
        lambda **k: FEATURES.spectral_rolloff(sr=RATE, roll_percent=0.6, **k),
    ),
    "flatness": (lambda **k: kapre.SpectralFlatness(**k), lambda **k: FEATURES.spectral_flatness(**k)),
    "flatness, 1": (
        lambda **k: kapre.SpectralFlatness(1.0, 1e-6, **k),
        lambda **k: FEATURES.spectral_flatness(power=1.0, amin=1e-6, **k),
    ),
    "contrast": (
        lambda **k: kapre.SpectralContrast(RATE, 4, 400.0, 0.1, **k),
        lambda **k: FEATURES.spectral_contrast(sr=RATE, n_bands=4, fmin=400.0, quantile=0.1, **k),
    ),
    "contrast, linear": (
        lambda **k: kapre.SpectralContrast(RATE, 4, 400.0, linear=True, **k),
        lambda **k: FEATURES.spectral_contrast(sr=RATE, n_bands=4, fmin=400.0, linear=True, **k),
    ),
    "onsets": (
        lambda **k: kapre.OnsetStrength(RATE, 20, lag=2, **k),
        lambda center, **k: librosa.onset.onset_strength(
            S=librosa.power_to_db(FEATURES.melspectrogram(sr=RATE, n_mels=20, center=center, **k)),
            lag=2,
            center=center,
            n_fft=k["n_fft"],
            hop_length=k["hop_length"],
        ),
    ),
}


@pytest.mark.parametrize("name", list(PAIRS))
@pytest.mark.parametrize("center", [True, False])
def test_librosa(name: str, center: bool) -> None:
    own, theirs = PAIRS[name]
    with float64():
        given = dict(SMALL, center=center)
        found = of(own(dtype="float64", **given))
        right = np.squeeze(theirs(y=X, **given)).T
        least = 1e-6 if name == "onsets" else 1e-9  # librosa's mel bank is of float32
        np.testing.assert_allclose(found, right, rtol=1e-9, atol=least * np.abs(right).max())
    single = of(own(**given), X.astype("float32"))
    difference = np.abs(single - found)
    if name == "rolloff":  # a sum of float32 may reach the share one bin earlier or later
        assert (difference <= RATE / 256 + 1e-3).all()
        assert (difference > 1e-2).mean() < 0.02
    else:
        assert difference.max() <= 2e-5 * np.abs(found).max()


@pytest.mark.parametrize(("size", "hop"), [(256, 70), (255, 64), (100, 100), (256, 64), (96, 36), (64, 128)])
@pytest.mark.parametrize("center", [True, False])
def test_librosa_of_samples(size: int, hop: int, center: bool) -> None:
    x = np.where(np.random.default_rng(1).uniform(size=X.shape) < 0.2, 0.0, X)
    given = dict(frame_length=size, hop_length=hop, center=center)
    with float64():
        np.testing.assert_allclose(
            of(kapre.RMS(dtype="float64", **given), x), FEATURES.rms(y=x, dtype="float64", **given)[0]
        )
        found = of(kapre.ZeroCrossingRate(dtype="float64", **given), x)
    np.testing.assert_allclose(found, FEATURES.zero_crossing_rate(y=x, **given)[0], rtol=1e-12)
    loud = of(kapre.ZeroCrossingRate(threshold=0.1, **given), x.astype("float32"))
    theirs = FEATURES.zero_crossing_rate(y=x.astype("float32"), threshold=0.1, **given)[0]
    np.testing.assert_allclose(loud, theirs, rtol=1e-6)


@pytest.mark.parametrize(("frames", "time"), [(64, 15000), (31, 15000), (384, 2000), (2, 300)])
def test_tempogram_is_librosas(frames: int, time: int) -> None:
    given = dict(n_fft=256, hop_length=70, n_mels=20)
    theirs = FEATURES.tempogram(
        onset_envelope=librosa.onset.onset_strength(y=X[:time], sr=RATE, **given), win_length=frames
    )
    with float64():
        found = of(kapre.Tempogram(RATE, frames, dtype="float64", **given), X[:time])
    np.testing.assert_allclose(found, theirs.T, atol=1e-9)
    plain = of(kapre.Tempogram(RATE, frames, normalized=False, **given), X[:time].astype("float32"))
    highest = np.abs(plain).max(axis=-1, keepdims=True)
    np.testing.assert_allclose(plain / np.where(highest > 1e-30, highest, 1.0), theirs.T, atol=1e-4)


@pytest.mark.parametrize("norm", [1, 2])
@pytest.mark.parametrize("rectify", [False, True])
def test_flux(norm: int, rectify: bool) -> None:
    frames = np.lib.stride_tricks.sliding_window_view(X, 128)[::32] * get_window("hann", 128)
    change = np.diff(np.abs(np.fft.rfft(frames)), axis=0)
    change = np.maximum(change, 0.0) if rectify else change
    with float64():
        found = of(kapre.SpectralFlux(norm, rectify, n_fft=128, hop_length=32, center=False, dtype="float64"))
    assert found[0] == 0.0
    np.testing.assert_allclose(found[1:], np.linalg.norm(change, norm, axis=1), rtol=1e-9)


def test_defaults_are_librosas() -> None:
    x = X.astype("float32")
    for layer, theirs in (
        (kapre.SpectralCentroid(RATE), FEATURES.spectral_centroid(y=x, sr=RATE)),
        (kapre.SpectralBandwidth(RATE), FEATURES.spectral_bandwidth(y=x, sr=RATE)),
        (kapre.SpectralFlatness(), FEATURES.spectral_flatness(y=x)),
        (kapre.SpectralContrast(RATE), FEATURES.spectral_contrast(y=x, sr=RATE)),
        (kapre.RMS(), FEATURES.rms(y=x)),
        (kapre.ZeroCrossingRate(), FEATURES.zero_crossing_rate(y=x)),
        (kapre.OnsetStrength(RATE), librosa.onset.onset_strength(y=x, sr=RATE)),
        (kapre.Tempogram(RATE), FEATURES.tempogram(y=x, sr=RATE)),
    ):
        theirs = np.squeeze(theirs).T
        np.testing.assert_allclose(of(layer, x), theirs, atol=2e-5 * np.abs(theirs).max())
    share = of(kapre.SpectralRolloff(RATE), x) - FEATURES.spectral_rolloff(y=x, sr=RATE)[0]
    assert np.abs(share).max() <= RATE / 2048 + 1e-3


STREAMS: dict[str, Any] = {
    "centroid": lambda **k: kapre.SpectralCentroid(RATE, **SMALL, **k),
    "flatness": lambda **k: kapre.SpectralFlatness(**SMALL, **k),
    "contrast": lambda **k: kapre.SpectralContrast(RATE, 4, 400.0, dynamic_range=None, **SMALL, **k),
    "flux": lambda **k: kapre.SpectralFlux(**SMALL, **k),
    "onsets": lambda **k: kapre.OnsetStrength(RATE, 20, lag=2, dynamic_range=None, **SMALL, **k),
    "rms": lambda **k: kapre.RMS(256, 70, **k),
    "several": lambda **k: kapre.SpectralDescriptors(RATE, **SMALL, **k),
}


@pytest.mark.parametrize(("name", "center"), [(name, bool(i % 2)) for i, name in enumerate(STREAMS)])
def test_streams(name: str, center: bool) -> None:
    x = np.stack([X[:3000], X[4000:7000]])
    with float64():
        layer = STREAMS[name](center=center, dtype="float64")
        offline = to_numpy(quick(layer)(x))
        check_stream(layer.stream(), offline, x, [333, 7, 1500], 1e-9)
        fixed = layer.stream(chunk_samples=210)
        found = streamed(fixed, x[:, :2940], [210], quick(fixed.step), x[:, 2940:])
        np.testing.assert_allclose(found, offline, rtol=1e-9, atol=1e-9)
        loose = layer.stream(compile=True)
        np.testing.assert_allclose(streamed(loose, x, [700]), offline, rtol=1e-9, atol=1e-9)


def test_an_eager_stream_takes_many_sizes_of_chunks() -> None:
    layer = STREAMS["several"]()
    x = X[None, :5000].astype("float32")
    found = streamed(layer.stream(), x, [1, 64, 900, 3, 500, 77])
    offline = to_numpy(layer(x))
    np.testing.assert_allclose(found, offline, rtol=1e-3, atol=1e-3)


def test_several_are_the_single_ones() -> None:
    given = dict(n_fft=512, hop_length=128)
    names = ("rms", "centroid", "contrast", "zero_crossing_rate", "flux", "bandwidth", "rolloff", "flatness")
    layer = kapre.SpectralDescriptors(RATE, names, **given)
    apart = [
        kapre.RMS(512, 128),
        kapre.SpectralCentroid(RATE, **given),
        kapre.SpectralContrast(RATE, **given),
        kapre.ZeroCrossingRate(512, 128),
        kapre.SpectralFlux(**given),
        kapre.SpectralBandwidth(RATE, **given),
        kapre.SpectralRolloff(RATE, **given),
        kapre.SpectralFlatness(**given),
    ]
    x = X.astype("float32")
    columns = np.concatenate([of(each, x).reshape(len(of(layer, x)), -1) for each in apart], axis=1)
    assert layer.value_names == [
        "rms", "centroid", *(f"contrast_{i}" for i in range(7)), "zero_crossing_rate", "flux", "bandwidth", "rolloff",
        "flatness",
    ]  # fmt: skip
    np.testing.assert_allclose(of(layer, x), columns, rtol=1e-5, atol=1e-6)
    assert kapre.SpectralDescriptors.from_config(layer.get_config()).value_names == layer.value_names


def test_without_channels_and_with_a_mask() -> None:
    lengths = np.array([3000, 1100, 0])
    x = np.where(np.arange(3000) < lengths[:, None], X[:3000], np.nan).astype("float32")
    mask = np.arange(3000) < lengths[:, None]
    for make in (
        *(make for name, make in STREAMS.items()),
        lambda: kapre.SpectralContrast(RATE, 4, 400.0, dynamic_range=20.0, **SMALL),
        lambda: kapre.OnsetStrength(RATE, 20, dynamic_range=20.0, **SMALL),
        lambda: kapre.Tempogram(RATE, 9, n_mels=20, **SMALL),
    ):
        layer = make()
        y = to_numpy(layer(x, mask=keras.ops.convert_to_tensor(mask)))
        counts = to_numpy(layer.compute_mask(x, keras.ops.convert_to_tensor(mask))).sum(axis=1)
        for i, length in enumerate(lengths):
            alone = to_numpy(layer(x[i : i + 1, :length]))
            assert alone.shape[1] == counts[i]
            scale = np.abs(alone).max(initial=1.0)
            np.testing.assert_allclose(y[i, : counts[i]], alone[0], atol=1e-5 * scale)


def test_a_large_quantile_takes_the_whole_band() -> None:
    right = FEATURES.spectral_contrast(y=X, sr=RATE, n_bands=4, fmin=400.0, quantile=0.95, **SMALL).T
    with float64():
        layer = kapre.SpectralContrast(RATE, 4, 400.0, 0.95, dtype="float64", **SMALL)
        np.testing.assert_allclose(of(layer), right, atol=1e-9)


@pytest.mark.parametrize("pad_mode", ["constant", "reflect"])
def test_streams_whose_parts_pad_differently(pad_mode: str) -> None:
    x = X[None, :3000]
    with float64():
        layer = kapre.SpectralDescriptors(RATE, n_fft=256, hop_length=64, pad_mode=pad_mode, dtype="float64")
        offline = to_numpy(quick(layer)(x))
        for sizes in ([64], [128], [1, 255, 300], [2000]):
            found = streamed(layer.stream(), x, sizes)
            np.testing.assert_allclose(found, offline, rtol=1e-9, atol=1e-9)
        fixed = layer.stream(chunk_samples=64)
        found = streamed(fixed, x[:, :2944], [64], None, x[:, 2944:])
        np.testing.assert_allclose(found, offline, rtol=1e-9, atol=1e-9)


def test_silence() -> None:
    x = np.zeros((1, 1000), "float32")
    found = {name: to_numpy(make()(x)) for name, make in STREAMS.items()}
    assert all(np.isfinite(y).all() for y in found.values())
    assert not found["centroid"].any()
    np.testing.assert_allclose(found["contrast"], 0.0, atol=1e-4)  # dB
    np.testing.assert_allclose(found["flatness"], 1.0, rtol=1e-5)
    assert not to_numpy(kapre.Tempogram(RATE, 9)(x)).any()
    np.testing.assert_allclose(to_numpy(kapre.SpectralFlatness(amin=1e-60)(x)), 1.0, rtol=1e-3)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: kapre.SpectralCentroid(0.0), "sample_rate.*Give it in Hz"),
        (lambda: kapre.SpectralCentroid(RATE, n_fft=1), "n_fft.*at least 2"),
        (lambda: kapre.SpectralBandwidth(RATE, p=-1.0), "`p` must be a positive number"),
        (lambda: kapre.SpectralRolloff(RATE, 1.0), "roll_percent.*0.85"),
        (lambda: kapre.SpectralFlatness(amin=0.0), "amin.*1e-10"),
        (lambda: kapre.SpectralFlux(norm=3), "norm.*one of 1, 2"),
        (lambda: kapre.SpectralContrast(8000), "n_bands.*6400 to 12800 Hz has none.*fewer bands"),
        (lambda: kapre.SpectralContrast(RATE, quantile=0.0), "quantile"),
        (lambda: kapre.RMS(0), "frame_length.*positive integer"),
        (lambda: kapre.ZeroCrossingRate(threshold=-1.0), "threshold"),
        (lambda: kapre.OnsetStrength(RATE, lag=0), "lag.*previous frame"),
        (lambda: kapre.Tempogram(RATE, 0), "tempogram_frames"),
        (lambda: kapre.SpectralDescriptors(8000, ["rms", "contrast"]), "features.*without 'contrast'"),
        (lambda: kapre.SpectralDescriptors(RATE, []), "features.*at least one"),
        (lambda: kapre.SpectralDescriptors(RATE, ["rms", "rms"]), "features.*different names"),
        (lambda: kapre.SpectralDescriptors(RATE, ["rms", "loudness"]), "features.*zero_crossing_rate.*loudness"),
        (lambda: kapre.RMS()(np.zeros(9, "float32")), r"shape \(9,\).*x\[None\]"),
        (lambda: kapre.OnsetStrength(RATE).stream(), "OnsetStrength needs the whole clip.*dynamic_range=None"),
        (lambda: kapre.SpectralDescriptors(RATE, ["contrast"]).stream(), "whole clip.*contrast"),
        (lambda: kapre.Tempogram(RATE).stream(), "does not stream.*OnsetStrength"),
        (lambda: kapre.RMS(64, 16).stream(17), "chunk_samples"),
    ],
)
def test_errors(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()
