"""Pitch classes, tonal centroids, pitch, the MDCT and frequency weighting, against librosa and closed forms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import librosa
import numpy as np
import pytest
from keras import ops

import kapre
from kapre.ops import music
from kapre.ops.windows import window
from tests.conftest import BACKEND, chirp, compiled, float64, gradient, quick, to_numpy
from tests.streams.drive import check_stream

RATE = 22050
T = np.arange(12000) / RATE
CHORD = sum(np.sin(2 * np.pi * f * T) / (i + 1) for i, f in enumerate((261.6, 329.6, 392.0, 440.0)))
SMALL = dict(n_fft=1024, hop_length=300)


def of(layer: Any, x: np.ndarray = CHORD) -> np.ndarray:
    return to_numpy(quick(layer)(x[None]))[0]


def tone(pitch: float, size: int = 12000) -> np.ndarray:
    """Make a harmonic tone below the Nyquist frequency."""
    t = np.arange(size) / RATE
    return sum(np.sin(2 * np.pi * pitch * h * t + h) / h for h in range(1, 8) if pitch * h < RATE / 2)


@pytest.mark.parametrize(("norm", "theirs"), [("max", np.inf), (1, 1), (2, 2), (None, None)])
@pytest.mark.parametrize("n_chroma", [12, 24])
def test_chroma_is_librosas(norm: Any, theirs: Any, n_chroma: int) -> None:
    right = librosa.feature.chroma_stft(y=CHORD, sr=RATE, norm=theirs, n_chroma=n_chroma, tuning=0.0, **SMALL).T
    with float64():
        found = of(kapre.Chroma(RATE, n_chroma, norm, dtype="float64", **SMALL))
    np.testing.assert_allclose(found, right, atol=1e-6 * np.abs(right).max())  # librosa's bank is of float32
    single = of(kapre.Chroma(RATE, n_chroma, norm, **SMALL), CHORD.astype("float32"))
    np.testing.assert_allclose(single, right, atol=1e-5 * np.abs(right).max())


def test_tonnetz_is_librosas() -> None:
    chroma = librosa.feature.chroma_stft(y=CHORD, sr=RATE, norm=None, tuning=0.0, **SMALL)
    right = librosa.feature.tonnetz(chroma=chroma, sr=RATE).T
    np.testing.assert_allclose(of(kapre.Tonnetz(RATE, **SMALL), CHORD.astype("float32")), right, atol=1e-5)


def test_defaults_are_librosas() -> None:
    x = CHORD.astype("float32")
    right = librosa.feature.chroma_stft(y=x, sr=RATE, tuning=0.0).T
    np.testing.assert_allclose(of(kapre.Chroma(RATE), x), right, atol=1e-5)


@pytest.mark.parametrize("pitch", [70.0, 110.3, 220.0, 440.7, 880.0, 1700.0])
def test_yin_finds_the_pitch_of_tones(pitch: float) -> None:
    x = tone(pitch)
    found = of(kapre.YIN(RATE), x.astype("float32"))[3:-3]
    allowed = 1e-3 if pitch < 1000 else 5e-3  # a period of 13 samples
    np.testing.assert_allclose(found[:, 0], pitch, rtol=allowed)
    assert found[:, 1].max() < 5e-3
    theirs = librosa.yin(x, fmin=65.0, fmax=2093.0, sr=RATE)[3:-3]
    np.testing.assert_allclose(found[:, 0], theirs, rtol=5e-3)


def test_yin_is_its_definition() -> None:
    noise = np.random.default_rng(0).normal(size=900)
    x = np.where(np.arange(900) < 450, tone(900.0, 900) + 0.1 * noise, noise)
    size, hop, threshold = 128, 50, 0.3
    low, high = 8, 40
    with float64():
        layer = kapre.YIN(RATE, RATE / high, RATE / (low + 0.5), threshold, size, hop, center=False, dtype="float64")
        found = of(layer, x)
    seen = set()
    for frame, (pitch, aperiodicity) in zip(
        np.lib.stride_tricks.sliding_window_view(x, size)[::hop], found, strict=True
    ):
        d = np.array([np.sum((frame[: size - lag] - frame[lag:]) ** 2) for lag in range(high + 2)])
        ratio = np.ones_like(d)
        ratio[1:] = d[1:] * np.arange(1, len(d)) / np.cumsum(d[1:])
        dips = [
            lag
            for lag in range(low, high + 1)
            if ratio[lag] < threshold and ratio[lag - 1] > ratio[lag] <= ratio[lag + 1]
        ]
        lag = dips[0] if dips else low + int(np.argmin(ratio[low : high + 1]))
        curve = ratio[lag - 1] - 2 * ratio[lag] + ratio[lag + 1]
        shift = np.clip((ratio[lag - 1] - ratio[lag + 1]) / (2 * curve), -1, 1) if curve > 1e-12 else 0.0
        assert pitch == pytest.approx(RATE / (lag + shift), rel=1e-9)
        assert aperiodicity == pytest.approx(ratio[lag], abs=1e-9)
        seen.add(bool(dips))
    assert seen == {True, False}  # both rules were met


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_yin_of_channels_within_masks(data_format: str) -> None:
    tones = [np.stack([tone(300.0, 4000), tone(500.0, 4000)], -1), np.stack([tone(700.0, 4000), tone(250.0, 4000)], -1)]
    x = np.stack(tones).astype("float32")
    x[1, 2500:] = np.nan
    layer = kapre.YIN(RATE, 100.0, 2000.0, frame_length=512, hop_length=128, data_format=data_format)
    mask = ops.convert_to_tensor(np.arange(4000) < np.array([[4000], [2500]]))
    given = x if data_format == "channels_last" else np.moveaxis(x, 2, 1)
    y = to_numpy(layer(given, mask=mask))
    assert layer.compute_output_shape(given.shape) == y.shape
    y = y if data_format == "channels_last" else np.moveaxis(y, 1, 3)
    counts = to_numpy(layer.compute_mask(given, mask)).sum(axis=1)
    assert counts.tolist() == [32, 20]
    for item, pitches in enumerate(([300.0, 500.0], [700.0, 250.0])):
        inner = y[item, 3 : counts[item] - 3]
        np.testing.assert_allclose(inner[:, 0], np.broadcast_to(pitches, inner[:, 0].shape), rtol=2e-3)
    again = to_numpy(compiled(lambda x: layer(x))(ops.convert_to_tensor(given[:1])))
    again = again if data_format == "channels_last" else np.moveaxis(again, 1, 3)
    np.testing.assert_allclose(again[0, 3:-3], y[0, 3:-3], rtol=1e-4, atol=1e-5)
    slope = gradient(layer, np.nan_to_num(given))
    assert np.isfinite(slope).all()
    assert np.abs(slope).max() > 0.0


@pytest.mark.parametrize("level", [1e-12, 1.0, 1e9])
def test_chroma_of_any_level(level: float) -> None:
    x = np.random.default_rng(0).normal(size=6000)
    for norm in (2, 1, "max"):
        plain = of(kapre.Chroma(RATE, norm=norm, **SMALL), x.astype("float32"))
        found = of(kapre.Chroma(RATE, norm=norm, **SMALL), (level * x).astype("float32"))
        np.testing.assert_allclose(found, plain, atol=1e-4)


@pytest.mark.parametrize("offset", [0.5, -0.1])
def test_yin_does_not_hear_an_offset(offset: float) -> None:
    layer = kapre.YIN(RATE)
    constant = of(layer, np.full(6000, offset, "float32"))
    np.testing.assert_array_equal(constant[3:-3, 1], 1.0)
    noise = 1e-3 * np.random.default_rng(0).normal(size=6000)
    assert np.median(of(layer, (offset + noise).astype("float32"))[3:-3, 1]) > 0.5
    found = of(layer, (offset + 1e-2 * tone(220.0, 6000)).astype("float32"))[3:-3]
    np.testing.assert_allclose(found[:, 0], 220.0, rtol=1e-3)


def test_yin_of_silence_and_noise() -> None:
    found = of(kapre.YIN(RATE), np.zeros(3000, "float32"))
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[:, 1], 1.0)
    noise = np.random.default_rng(0).normal(size=8000).astype("float32")
    assert np.median(of(kapre.YIN(RATE), noise)[:, 1]) > 0.5


@pytest.mark.parametrize("name", ["vorbis_window", "kaiser_bessel_derived_window", "cosine_window"])
@pytest.mark.parametrize("norm", [None, "ortho"])
def test_mdct_is_its_definition_and_comes_back(name: str, norm: Any) -> None:
    size = 16
    x = chirp(2, 200, 3)
    with float64():
        arguments = dict(
            frame_length=2 * size, window_name=name, norm=norm, dtype="float64", data_format="channels_last"
        )
        y = to_numpy(kapre.MDCT(center=False, **arguments)(x))
        n, k = np.arange(2 * size)[:, None], np.arange(size)
        waves = np.cos(np.pi / size * (n + 0.5 + size / 2) * (k + 0.5)) * window(name, 2 * size)[:, None]
        framed = np.lib.stride_tricks.sliding_window_view(x, 2 * size, axis=1)[:, ::size]  # (batch, frames, channel, n)
        right = np.einsum("bfcn,nk->bfkc", framed, waves) * (2.0 if norm is None else np.sqrt(2.0 / size))
        np.testing.assert_allclose(y, right, atol=1e-12)
        back = to_numpy(kapre.InverseMDCT(center=False, **arguments)(y))
        np.testing.assert_allclose(back[:, size:-size], x[:, size : back.shape[1] - size], atol=1e-12)
        whole = kapre.InverseMDCT(length=200, **arguments)(
            kapre.MDCT(**arguments)(np.pad(x, [(0, 0), (0, 16), (0, 0)]))
        )
        np.testing.assert_allclose(to_numpy(whole), x, atol=1e-12)
    if BACKEND == "tensorflow" and name == "vorbis_window":
        import tensorflow as tf

        theirs = tf.signal.mdct(np.moveaxis(x, 2, 1), 2 * size, norm=norm)
        np.testing.assert_allclose(np.moveaxis(y, 3, 1), theirs, atol=1e-6)
    if norm == "ortho":
        with float64():
            found = to_numpy(kapre.MDCT(**arguments)(np.pad(x, [(0, 0), (0, 8), (0, 0)])))
        np.testing.assert_allclose(np.sum(found**2), np.sum(x**2), rtol=1e-9)


def test_mdct_within_masks_and_without_channels() -> None:
    x = chirp(2, 320)[:, :, 0].astype("float32")
    mask = ops.convert_to_tensor(np.arange(320) < np.array([[320], [128]]))
    layer, inverse = kapre.MDCT(32), kapre.InverseMDCT(32)
    y = layer(x, mask=mask)
    counts = layer.compute_mask(x, mask)
    back = to_numpy(inverse(y, mask=counts))
    samples = to_numpy(inverse.compute_mask(y, counts))
    assert samples.sum(axis=1).tolist() == [320, 128]
    np.testing.assert_allclose(np.where(samples, back, 0.0), np.where(samples, x, 0.0), atol=1e-5)


@pytest.mark.parametrize("kind", ["A", "B", "C", "D"])
def test_weights_are_librosas(kind: str) -> None:
    frequencies = np.concatenate([[0.0], np.geomspace(1.0, 40000.0, 200)])
    with np.errstate(divide="ignore"):
        right = librosa.frequency_weighting(frequencies, kind=kind, min_db=-80.0)
    found = music.weighting(frequencies, kind, -80.0)
    np.testing.assert_allclose(found, right, atol=1e-9 if kind != "D" else 2.5e-3)  # librosa rounds the constants of D


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_weighting_of_scales(data_format: str) -> None:
    rng = np.random.default_rng(0)
    power = rng.uniform(0.1, 1.0, (2, 5, 9, 1) if data_format == "channels_last" else (2, 1, 5, 9)).astype("float32")
    arguments = dict(data_format=data_format)
    by_power = to_numpy(kapre.FrequencyWeighting(RATE, "C", "power", **arguments)(power))
    by_magnitude = to_numpy(kapre.FrequencyWeighting(RATE, "C", "magnitude", **arguments)(np.sqrt(power)))
    by_db = to_numpy(kapre.FrequencyWeighting(RATE, "C", "db", **arguments)(10 * np.log10(power)))
    np.testing.assert_allclose(by_magnitude**2, by_power, rtol=1e-5)
    np.testing.assert_allclose(10 ** (by_db / 10), by_power, rtol=1e-4)
    weights = 10 ** (music.weighting(np.arange(9) * RATE / 16, "C", -80.0) / 10)
    along = weights[:, None] if data_format == "channels_last" else weights
    np.testing.assert_allclose(by_power / power, np.broadcast_to(along, power.shape), rtol=1e-5)
    flat = to_numpy(kapre.FrequencyWeighting(RATE, "A", min_db=None)(np.ones((1, 2, 9), "float32")))
    assert (flat[..., 0] == 0.0).all()


@pytest.mark.parametrize("level", [1e-20, 1e-15, 1e-12, 1e-6])
@pytest.mark.parametrize("name", ["chroma", "chroma, norm 1", "chroma, norm 2", "tonnetz", "YIN", "Griffin-Lim"])
def test_gradients_of_faint_sounds_are_finite(name: str, level: float) -> None:
    layers: dict[str, Any] = {
        "chroma": kapre.Chroma(RATE, **SMALL),
        "chroma, norm 1": kapre.Chroma(RATE, norm=1, **SMALL),
        "chroma, norm 2": kapre.Chroma(RATE, norm=2, **SMALL),
        "tonnetz": kapre.Tonnetz(RATE, **SMALL),
        "YIN": kapre.YIN(RATE, 200.0, 2000.0, 0.1, 256, 100),
        "Griffin-Lim": kapre.GriffinLim(128, hop_length=32, n_iter=3),
    }
    x = np.random.default_rng(0).normal(size=(1, 1300)).astype("float32")
    x = np.abs(x).reshape(1, 20, 65, 1) if name == "Griffin-Lim" else x
    assert np.isfinite(gradient(layers[name], np.float32(level) * x)).all()


@pytest.mark.parametrize(
    ("make", "x"),
    [
        (lambda **k: kapre.Chroma(RATE, **SMALL, **k), CHORD[None, :4000]),
        (lambda **k: kapre.Tonnetz(RATE, center=False, **SMALL, **k), CHORD[None, :4000]),
        (lambda **k: kapre.YIN(RATE, 200.0, 2000.0, 0.1, 256, 100, **k), tone(300.0, 3000)[None]),
        (lambda **k: kapre.MDCT(64, **k), CHORD[None, :1000]),
    ],
)
def test_streams(make: Any, x: np.ndarray) -> None:
    with float64():
        layer = make(dtype="float64")
        check_stream(layer.stream(), to_numpy(quick(layer)(x)), x, [333, 700], 1e-9)


def test_saved(tmp_path: Path) -> None:
    inputs = keras.Input((None,))
    layers = [kapre.Chroma(RATE, norm=None, **SMALL), kapre.YIN(RATE, hop_length=300), kapre.Tonnetz(RATE, **SMALL)]
    coded = kapre.InverseMDCT(64, norm="ortho")(kapre.MDCT(64, norm="ortho")(inputs))
    model = keras.Model(inputs, [*(layer(inputs) for layer in layers), coded])
    x = CHORD[None, :5000].astype("float32")
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    for got, expected in zip(again(x), model(x), strict=True):
        np.testing.assert_array_equal(to_numpy(got), to_numpy(expected))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: kapre.Chroma(RATE, norm=3), "norm.*'max'"),
        (lambda: kapre.Chroma(RATE, 0), "n_chroma"),
        (lambda: kapre.YIN(RATE, 0.0), "f_min"),
        (lambda: kapre.YIN(RATE, 100.0, 50.0), "f_max.*above f_min"),
        (lambda: kapre.YIN(8000), "f_max.*2000 Hz"),
        (lambda: kapre.YIN(RATE, 10.0), "f_min.*two periods.*frame_length=4414"),
        (lambda: kapre.MDCT(33), "frame_length.*even.*34"),
        (lambda: kapre.MDCT(32, "hann_window"), "window_name.*cosine_window"),
        (lambda: kapre.MDCT(32, norm="forward"), "norm"),
        (lambda: kapre.InverseMDCT(32)(np.zeros((1, 4, 17), "float32")), "16 coefficients"),
        (lambda: kapre.InverseMDCT(32)(np.zeros((4, 16), "float32")), "frames, coefficients"),
        (lambda: kapre.FrequencyWeighting(RATE, "E"), "kind"),
        (lambda: kapre.FrequencyWeighting(RATE, scale="db", min_db=None), "min_db"),
        (lambda: kapre.FrequencyWeighting(RATE)(keras.Input((None, None))), "known number of bins"),
    ],
)
def test_errors(make: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()
