"""Instantaneous frequency, group delay and differences between microphones, against librosa and closed forms."""

from __future__ import annotations

import re
from typing import Any

import keras
import librosa
import numpy as np
import pytest

import kapre
from tests.conftest import chirp, float64, gradient, quick, relative_error, to_numpy
from tests.streams.drive import check_stream, streamed

RATE = 8000
SMALL: dict[str, Any] = dict(n_fft=256, hop_length=64)
RNG = np.random.default_rng(0)
X = 0.3 * RNG.normal(size=(2, 3000)) + chirp(2, 3000)[:, :, 0]
STEREO = np.stack([X, np.roll(X, 3, axis=1) + 0.1 * RNG.normal(size=X.shape)], axis=-1)
AMBISONIC = RNG.normal(size=(2, 3000, 4))


def of(layer: Any, x: np.ndarray) -> np.ndarray:
    return to_numpy(quick(layer)(x))


def spectra(x: np.ndarray, **framing: Any) -> np.ndarray:
    """Return `(batch, frames, bins, channel)` of `(batch, time, channel)`."""
    return np.moveaxis(librosa.stft(np.moveaxis(x, -1, 1), **framing), (1, 3), (-1, 1))


@pytest.mark.filterwarnings("ignore:'where' used without 'out'")  # of librosa
@pytest.mark.parametrize("more", [{}, dict(win_length=200), dict(center=False), dict(window_name="hamming_window")])
def test_librosas_reassignment(more: dict[str, Any]) -> None:
    settings = SMALL | more
    window = "hamming" if settings.pop("window_name", None) else "hann"
    with np.errstate(all="ignore"):
        frequencies, times, magnitudes = librosa.reassigned_spectrogram(
            X, sr=RATE, window=window, pad_mode="constant", clip=False, reassign_times=True, **settings
        )
    loud = (magnitudes > 1e-3 * magnitudes.max()).transpose(0, 2, 1)
    first = 0 if settings.get("center", True) else 128 / RATE
    frames = first + np.arange(times.shape[-1])[:, None] * 64 / RATE
    with float64():
        got = of(kapre.InstantaneousFrequency(RATE, **SMALL, **more, dtype="float64"), X)
        wanted = np.clip(frequencies.transpose(0, 2, 1), 0.0, RATE / 2)
        assert relative_error(np.where(loud, got, 0.0), np.where(loud, wanted, 0.0)) <= 1e-8
        got = of(kapre.GroupDelay(RATE, **SMALL, **more, dtype="float64"), X)
        late = 0.5 / RATE  # librosa has the middle of a frame half a sample later
        wanted = np.clip(times.transpose(0, 2, 1) - late - frames, -128 / RATE, 128 / RATE)
        assert relative_error(np.where(loud, got, 0.0), np.where(loud, wanted, 0.0)) <= 1e-8
    single = of(kapre.InstantaneousFrequency(RATE, **SMALL, **more), X.astype("float32"))
    wanted = np.clip(frequencies.transpose(0, 2, 1), 0.0, RATE / 2)
    np.testing.assert_allclose(np.where(loud, single, 0.0), np.where(loud, wanted, 0.0), atol=2.0)


def test_a_silent_bin_has_its_own_frequency() -> None:
    silence = np.zeros((1, 1000), "float32")
    y = of(kapre.InstantaneousFrequency(RATE, **SMALL), silence)
    np.testing.assert_allclose(y[0, 0], np.arange(129) * RATE / 256, rtol=1e-6)
    assert not of(kapre.GroupDelay(RATE, **SMALL), silence).any()


def test_phase_and_level_differences() -> None:
    z = spectra(STEREO, **SMALL)
    turn = np.angle(z[..., 0]) - np.angle(z[..., 1])
    with float64():
        got = of(kapre.InterchannelPhaseDifference(**SMALL, dtype="float64"), STEREO)
        np.testing.assert_allclose(got, np.stack([np.cos(turn), np.sin(turn)], axis=-1), atol=1e-7)
        power = np.abs(z) ** 2 + 1e-5
        got = of(kapre.InterchannelLevelDifference(amin=1e-5, **SMALL, dtype="float64"), STEREO)
        np.testing.assert_allclose(got[..., 0], 10 * np.log10(power[..., 0] / power[..., 1]), atol=1e-7)
    single = of(kapre.InterchannelLevelDifference(amin=1e-5, **SMALL), STEREO.astype("float32"))
    np.testing.assert_allclose(single[..., 0], 10 * np.log10(power[..., 0] / power[..., 1]), atol=1e-2)


@pytest.mark.parametrize("n_fft", [256, 255])
def test_correlation(n_fft: int) -> None:
    z = spectra(STEREO, n_fft=n_fft, hop_length=64)
    cross = z[..., 1] * np.conj(z[..., 0])
    right = np.fft.irfft(cross / np.abs(cross), n_fft, axis=-1)
    right = np.concatenate([right[..., -10:], right[..., :11]], axis=-1)
    with float64():
        layer = kapre.GCCPHAT(10, [(1, 0)], n_fft=n_fft, hop_length=64, dtype="float64")
        np.testing.assert_allclose(of(layer, STEREO)[..., 0], right, atol=1e-9)
    got = of(kapre.GCCPHAT(10, [(1, 0)], **SMALL), STEREO.astype("float32"))
    assert (got[:, 2:-2].mean(axis=1)[..., 0].argmax(axis=1) == 13).all()  # the second channel is 3 samples behind


def test_intensity() -> None:
    w, y, z, x = np.moveaxis(spectra(AMBISONIC, **SMALL), -1, 0)
    energy = np.abs(w) ** 2 + (np.abs(x) ** 2 + np.abs(y) ** 2 + np.abs(z) ** 2) / 3 + 1e-8
    right = np.stack([np.real(np.conj(w) * part) / energy for part in (x, y, z)], axis=-1)
    bank = librosa.filters.mel(sr=RATE, n_fft=256, n_mels=20).T
    with float64():
        got = of(kapre.IntensityVector(**SMALL, dtype="float64"), AMBISONIC)
        np.testing.assert_allclose(got, right, atol=1e-8)
        got = of(kapre.IntensityVector("fuma", **SMALL, dtype="float64"), AMBISONIC[..., [0, 3, 1, 2]])
        np.testing.assert_allclose(got, right, atol=1e-8)
        got = of(kapre.IntensityVector(sample_rate=RATE, n_mels=20, **SMALL, dtype="float64"), AMBISONIC)
        assert relative_error(got, np.einsum("bfkc,km->bfmc", right, bank)) <= 1e-6
        first = kapre.IntensityVector(**SMALL, data_format="channels_first", dtype="float64")
        np.testing.assert_allclose(np.moveaxis(of(first, np.moveaxis(AMBISONIC, 2, 1)), 1, -1), right, atol=1e-8)
    layer = kapre.IntensityVector(sample_rate=RATE, n_mels=20, **SMALL)
    again = kapre.IntensityVector.from_config(layer.get_config())
    single = AMBISONIC.astype("float32")
    np.testing.assert_array_equal(to_numpy(again(single)), to_numpy(layer(single)))
    assert again.compute_output_shape((2, None, 4)) == (2, None, 20, 3)


LAYERS: dict[str, tuple[Any, np.ndarray]] = {
    "phase": (lambda **k: kapre.InterchannelPhaseDifference([(0, 2), (3, 1)], **SMALL, **k), AMBISONIC),
    "level": (lambda **k: kapre.InterchannelLevelDifference(amin=1e-3, **SMALL, **k), AMBISONIC),
    "delay": (lambda **k: kapre.GCCPHAT(8, **SMALL, center=False, **k), STEREO),
    "direction": (lambda **k: kapre.IntensityVector(**SMALL, **k), AMBISONIC),
}


@pytest.mark.parametrize("name", LAYERS)
def test_streams_of_several_channels(name: str) -> None:
    make, x = LAYERS[name]
    x = x.astype("float32")
    layer = make()
    whole = of(layer, x)
    check_stream(layer.stream(), whole, x, [700, 5, 4000], 1e-3)
    chunks = x.shape[1] // 128 * 128
    got = streamed(layer.stream(chunk_samples=128), x[:, :chunks], [128], rest=x[:, chunks:])
    assert relative_error(got, whole) <= 1e-3


def test_streams_of_one_channel() -> None:
    x = X.astype("float32")
    for layer in (kapre.GroupDelay(RATE, **SMALL), kapre.InstantaneousFrequency(RATE, **SMALL, center=False)):
        check_stream(layer.stream(), of(layer, x), x, [300, 1, 1000], 1e-3)
    assert streamed(kapre.GroupDelay(RATE, **SMALL).stream(), x, [500]).shape == (2, 47, 129)


@pytest.mark.parametrize("name", LAYERS)
def test_a_mask_of_several_channels(name: str) -> None:
    """A padded clip is the clip alone, whatever lies behind its end."""
    make, x = LAYERS[name]
    layer = make()
    lengths = np.array([3000, 1900])
    within = np.arange(3000) < lengths[:, None]
    noisy = np.where(within[..., None], x, np.nan).astype("float32")
    y = to_numpy(layer(noisy, mask=within))
    assert np.isfinite(y).all()
    alone = to_numpy(layer(x[1:, :1900].astype("float32")))[0]
    assert relative_error(y[1, : len(alone)], alone) <= 1e-3
    frames = to_numpy(layer.compute_mask(noisy, keras.ops.convert_to_tensor(within)))
    assert frames[1].sum() == len(alone)


@pytest.mark.parametrize("level", [0.0, 1e-30, 1e-12, 1.0, 1e6])
@pytest.mark.parametrize("name", LAYERS)
def test_gradients_are_finite(name: str, level: float) -> None:
    make, x = LAYERS[name]
    x = (level * x[:1, :600]).astype("float32")
    assert np.isfinite(gradient(lambda x: keras.ops.sum(make()(x) ** 2), x)).all()
    silent = x.copy()
    silent[..., 1] = 0.0
    assert np.isfinite(gradient(lambda x: keras.ops.sum(make()(x) ** 2), silent)).all()
    assert np.isfinite(to_numpy(make()(silent))).all()


def test_numpy_integers_are_integers() -> None:
    eight = np.int64(8)
    layer = kapre.GCCPHAT(eight, [(np.int64(1), 0)], **SMALL)
    assert layer.get_config()["max_lag"] == 8
    assert type(layer.get_config()["max_lag"]) is int
    assert layer.pairs == ((1, 0),)
    assert kapre.VQT(RATE, n_bins=12, f_min=200.0, bins_per_octave=eight).gamma > 0.0


REFUSED: list[tuple[Any, str]] = [
    (lambda: kapre.InstantaneousFrequency(0.0), "sample_rate"),
    (lambda: kapre.GroupDelay(RATE, 256, win_length=300), "win_length.*at most n_fft=256"),
    (lambda: kapre.GCCPHAT(8, [(0, 0)]), "pairs.*different"),
    (lambda: kapre.GCCPHAT(8, [0, 1]), "pairs"),
    (lambda: kapre.GCCPHAT(8, []), "pairs"),
    (lambda: kapre.GCCPHAT(-1), "max_lag"),
    (lambda: kapre.GCCPHAT(512), "max_lag.*511"),
    (lambda: kapre.GCCPHAT(1.5), "max_lag"),
    (lambda: kapre.GCCPHAT(8, [(0, 5)], **SMALL)(STEREO.astype("float32")), "pairs.*0 to 1"),
    (lambda: kapre.GCCPHAT(8, **SMALL)(STEREO[..., :1].astype("float32")), "two channels"),
    (lambda: kapre.GCCPHAT(8, **SMALL)(X.astype("float32")), "shape"),
    (lambda: kapre.InterchannelPhaseDifference(**SMALL)(keras.Input((None, None))), "known number"),
    (lambda: kapre.InterchannelLevelDifference(amin=0.0), "amin"),
    (lambda: kapre.IntensityVector("wxyz"), "order"),
    (lambda: kapre.IntensityVector(n_mels=20), "sample_rate"),
    (lambda: kapre.IntensityVector(sample_rate=RATE, n_mels=0), "n_mels"),
    (lambda: kapre.IntensityVector(epsilon=0.0), "epsilon"),
    (lambda: kapre.IntensityVector(**SMALL)(STEREO.astype("float32")), "four channels"),
]


@pytest.mark.parametrize(("make", "words"), REFUSED)
def test_errors(make: Any, words: str) -> None:
    with pytest.raises((ValueError, TypeError)) as caught:
        make()
    assert re.search(words, str(caught.value)), str(caught.value)
