"""The phase vocoder, time stretching and pitch shifting against librosa, torchaudio and closed forms."""

from __future__ import annotations

from typing import Any

import librosa
import numpy as np
import pytest
from keras import ops

import kapre
from kapre.ops import vocoder
from tests.conftest import BACKEND, chirp, float64, gradient, quick, relative_error, to_numpy

FRAMING: dict[str, Any] = dict(n_fft=256, hop_length=64)


def spectrogram(x: np.ndarray) -> np.ndarray:
    """Return librosa's complex spectrogram with the frames before the bins."""
    return np.swapaxes(librosa.stft(x, **FRAMING), -1, -2)


def stretched(spectrum: np.ndarray, rate: float, dtype: str = "float64") -> np.ndarray:
    """Return the phase vocoder's output, from a pair of parts."""
    parts = spectrum.real.astype(dtype), spectrum.imag.astype(dtype)
    real, imag = quick(lambda *pair: kapre.functional.phase_vocoder(pair, rate))(*map(ops.convert_to_tensor, parts))
    return to_numpy(real) + 1j * to_numpy(imag)


@pytest.mark.parametrize("rate", [0.8, 1.3, 2.0])
def test_librosas_phase_vocoder(rate: float) -> None:
    spectrum = spectrogram(chirp(2, 8000)[..., 0])
    right = np.swapaxes(librosa.phase_vocoder(np.swapaxes(spectrum, 1, 2), rate=rate, hop_length=64), 1, 2)
    with float64():
        assert relative_error(stretched(spectrum, rate), right) <= 1e-9
    got = stretched(spectrum, rate, "float32")
    assert relative_error(np.abs(got), np.abs(right)) <= 1e-6
    assert relative_error(got, right) <= 1e-4


def test_long_clips_keep_their_phase_in_float32() -> None:
    """After 20000 frames, the phase is that of float64, where an accumulated float32 phase has no digits left."""
    x = np.random.default_rng(0).standard_normal((1, 20000, 3)) + 1j * np.random.default_rng(1).uniform(
        1, 2, (20000, 3)
    )
    with float64():
        right = stretched(x, 1.25)
    assert relative_error(stretched(x, 1.25, "float32"), right) <= 1e-3


def test_a_rate_of_one_changes_nothing() -> None:
    spectrum = spectrogram(chirp(1, 3000)[..., 0])
    with float64():
        assert relative_error(stretched(spectrum, 1.0), spectrum) <= 1e-12


if BACKEND == "torch":

    def test_torchaudios_phase_vocoder() -> None:
        import torch

        from tests.references._registry import torchaudio

        spectrum = spectrogram(chirp(1, 4000)[..., 0])
        advance = torch.linspace(0, np.pi * 64, 129, dtype=torch.float64)[:, None]
        for rate in (0.75, 1.3):
            last = torch.tensor(np.swapaxes(spectrum, 1, 2))
            right = torchaudio().functional.phase_vocoder(last, rate, advance).numpy()
            assert relative_error(stretched(spectrum, rate), np.swapaxes(right, 1, 2)) <= 1e-9


@pytest.mark.parametrize("rate", [0.8, 1.3])
def test_librosas_time_stretch(rate: float) -> None:
    x = chirp(2, 4000)[..., 0]
    right = librosa.effects.time_stretch(x, rate=rate, **FRAMING)
    got = quick(lambda value: kapre.functional.time_stretch(value, rate, **FRAMING))(x.astype("float32"))
    assert relative_error(got, right) <= 1e-4


def test_librosas_octave() -> None:
    """Other steps differ, because librosa resamples between other rates; the next test has the truth of these."""
    x = chirp(1, 4000)[..., 0]
    right = librosa.effects.pitch_shift(x, sr=16000, n_steps=12, res_type="soxr_vhq", **FRAMING)
    got = to_numpy(quick(lambda value: kapre.functional.pitch_shift(value, 12, **FRAMING))(x.astype("float32")))
    assert got.shape == right.shape
    assert np.sqrt(np.mean((got - right)[:, 500:-500] ** 2)) <= 0.1 * np.sqrt(np.mean(right**2))


@pytest.mark.parametrize("steps", [3, -5])
def test_a_tone_is_shifted_to_the_tone_that_is_meant(steps: int) -> None:
    rate, seconds, frequency = 16000, 1.0, 500.0
    x = np.sin(2 * np.pi * frequency * np.arange(int(rate * seconds)) / rate).astype("float32")
    y = to_numpy(quick(lambda value: kapre.functional.pitch_shift(value, steps, n_fft=1024))(x))
    assert y.shape == x.shape
    inner = y[2000:-2000] * np.hanning(len(y) - 4000)
    spectrum = np.abs(np.fft.rfft(inner, 1 << 19))
    found = spectrum.argmax() * rate / (1 << 19)
    assert abs(1200 * np.log2(found / (frequency * 2 ** (steps / 12)))) <= 0.3  # cents
    assert 0.8 <= np.abs(y[4000:-4000]).max() <= 1.2


def test_ratios_are_small_and_in_tune() -> None:
    for steps in np.arange(-48, 49) / 12:
        ratio = vocoder.pitch_ratio(steps)
        assert abs(1200 * (np.log2(float(ratio)) - steps)) <= 0.11
        assert max(ratio.numerator, ratio.denominator) <= 3000
    assert vocoder.pitch_ratio(1 / 12) == vocoder.Fraction(89, 84)
    for rate in (0.01, 0.7, np.sqrt(2.0), 99.9):
        assert abs(float(vocoder.ratio_of(rate)) / rate - 1.0) <= 1e-8


@pytest.mark.parametrize("length", [0, 1, 100])
def test_short_clips(length: int) -> None:
    x = chirp(2, length)[..., 0].astype("float32")
    stretch = quick(lambda value: kapre.functional.time_stretch(value, 1.3, **FRAMING))
    shift = quick(lambda value: kapre.functional.pitch_shift(value, 2, **FRAMING))
    assert stretch(x).shape == (2, int(np.floor(length / 1.3 + 0.5)))
    assert shift(x).shape == x.shape


def test_unknown_time_and_items() -> None:
    def both(x: Any) -> Any:
        return kapre.functional.pitch_shift(x, 3, **FRAMING)

    x = chirp(2, 3000)[..., 0].astype("float32")
    right = to_numpy(quick(both)(x))
    if BACKEND == "tensorflow":
        import tensorflow as tf

        traced = tf.function(both, input_signature=[tf.TensorSpec((None, None), "float32")])
        for length in (0, 1, 700):
            assert relative_error(traced(x[:, :length]), to_numpy(both(x[:, :length]))) <= 1e-4
        assert relative_error(traced(x), right) <= 1e-4
    alone = to_numpy(quick(both)(x[:1]))
    assert relative_error(right[:1], alone) <= 1e-5
    x[1, 5] = np.nan
    got = to_numpy(quick(both)(x))
    assert np.isnan(got[1]).any()
    assert relative_error(got[:1], alone) <= 1e-5


@pytest.mark.parametrize("silent", [False, True])
def test_gradients_are_finite(silent: bool) -> None:
    x = chirp(1, 900)[..., 0].astype("float32") * (not silent)
    found = gradient(lambda value: kapre.functional.time_stretch(value, 1.3, **FRAMING), x)
    assert np.isfinite(found).all()
    assert found.any() == (not silent)


def test_complex_and_pairs() -> None:
    spectrum = spectrogram(chirp(1, 1000)[..., 0]).astype("complex64")
    got = kapre.functional.phase_vocoder(spectrum, 1.5)
    assert "complex64" in str(got.dtype)
    assert relative_error(got, stretched(spectrum, 1.5, "float32")) <= 1e-6


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: kapre.functional.time_stretch(x, 0.0), "`rate` must be a number from 0.01 to 100"),
        (lambda x: kapre.functional.time_stretch(x, 1.2, 512, 400), "`hop_length` must be at most n_fft // 2 = 256"),
        (lambda x: kapre.functional.pitch_shift(x, 16000), "`n_steps` must be a number from -48 to 48"),
        (lambda x: kapre.functional.speed(x, 200.0), "`factor` must be a number from 0.01 to 100"),
    ],
)
def test_errors(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call(np.zeros(3000, "float32"))
    with pytest.raises(TypeError, match="`x` must be complex, or a pair"):
        kapre.functional.phase_vocoder(np.zeros((3, 5), "float32"), 1.2)
