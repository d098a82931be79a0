"""Griffin-Lim, inverse filter banks and inverse cepstra against librosa and closed forms."""

from __future__ import annotations

from typing import Any

import librosa
import numpy as np
import pytest
from keras import ops

import kapre
from tests.conftest import float64, quick, relative_error, to_numpy

FRAMING: dict[str, Any] = dict(n_fft=256, hop_length=64)
CENTRED: dict[str, Any] = dict(**FRAMING, center=True)


def sound(samples: int = 6000, seed: int = 0) -> np.ndarray:
    """Return a sweep, a buzz that begins in the middle, and noise."""
    t = np.arange(samples) / 16000
    sweep = 0.4 * np.sin(2 * np.pi * (300 * t + 900 * t**2))
    buzz = 0.3 * np.sign(np.sin(2 * np.pi * 150 * t)) * (t > samples / 32000)
    return sweep + buzz + 0.02 * np.random.default_rng(seed).standard_normal(samples)


def magnitudes(x: np.ndarray, **framing: Any) -> np.ndarray:
    """Return librosa's magnitudes `(frames, bins)`."""
    return np.abs(librosa.stft(x, **{**FRAMING, **framing})).T


def convergence(y: np.ndarray, right: np.ndarray, **framing: Any) -> float:
    """Return how far the magnitudes of a waveform are from given ones, as a fraction of their norm."""
    found = magnitudes(y.astype("float64"), **framing)
    return float(np.linalg.norm(found - right) / np.linalg.norm(right))


@pytest.mark.parametrize("momentum", [0.0, 0.99])
@pytest.mark.parametrize("framing", [{}, {"win_length": 200, "hop_length": 50}])
def test_librosas_griffin_lim(framing: dict[str, Any], momentum: float) -> None:
    framing = {**FRAMING, **framing}
    right = librosa.griffinlim(magnitudes(sound(3000), **framing).T, n_iter=32, init=None, momentum=momentum, **framing)
    with float64():
        got = quick(lambda x: kapre.functional.griffin_lim(x, center=True, momentum=momentum, **framing))(
            ops.convert_to_tensor(magnitudes(sound(3000), **framing))
        )
    assert relative_error(to_numpy(got), right) <= 1e-9


@pytest.mark.parametrize("seed", [None, 3])
def test_convergence_in_float32(seed: int | None) -> None:
    """The waveform is another one than in float64, and its magnitudes are as close as librosa's."""
    size = magnitudes(sound())
    layer = kapre.GriffinLim(**CENTRED, seed=seed)
    got = to_numpy(layer(size[None, :, :, None].astype("float32")))[0, :, 0]
    right = librosa.griffinlim(size.T, n_iter=32, init=None, **FRAMING)
    assert convergence(got, size) <= 1.3 * convergence(right, size)
    begin = to_numpy(kapre.GriffinLim(**CENTRED, n_iter=0, seed=seed)(size[None, :, :, None].astype("float32")))
    assert convergence(begin[0, :, 0], size) >= 3.0 * convergence(got, size)


def test_a_seed_gives_the_same_phases_to_every_item() -> None:
    size = magnitudes(sound(2000))[None, :, :, None].astype("float32")
    layer = kapre.GriffinLim(**CENTRED, seed=5, n_iter=2)
    alone = to_numpy(layer(size))
    among = to_numpy(layer(np.concatenate([0.5 * size, size, size])))
    assert relative_error(among[2], alone[0]) <= 1e-5
    assert np.array_equal(to_numpy(layer(size)), alone)
    assert relative_error(to_numpy(kapre.GriffinLim(**CENTRED, seed=6, n_iter=2)(size)), alone) > 0.01


@pytest.mark.parametrize(
    "framing", [FRAMING, dict(**FRAMING, pad_begin=True), dict(**CENTRED, pad_mode="reflect"), dict(n_fft=255)]
)
def test_the_inverse_of_every_framing(framing: dict[str, Any]) -> None:
    """The magnitudes of the result are those given, whatever pads the clip."""
    x = sound(4000)[None, :, None].astype("float32")
    size = to_numpy(kapre.Magnitude()(kapre.STFT(**framing)(x)))
    y = kapre.GriffinLim(**framing)(size)
    again = to_numpy(kapre.Magnitude()(kapre.STFT(**framing)(to_numpy(y))))
    assert again.shape == size.shape
    assert np.linalg.norm(again - size) <= 0.12 * np.linalg.norm(size)
    assert np.abs(to_numpy(y)).max() <= 2.0 * np.abs(x).max()  # no click where the windows end


@pytest.mark.filterwarnings("ignore:2 of 512 filter bank bands hold no")
def test_a_bank_that_is_nearly_singular() -> None:
    recipe = kapre.frontends.preset("mt3").recipe
    bank = recipe.bank_in("float64")
    rng = np.random.default_rng(0)
    bins = rng.uniform(0.0, 1.0, (1, 6, bank.shape[0]))
    bands = np.exp(np.log(np.maximum(bins @ bank, 1e-5)).astype("float32"))
    arguments = dict(sample_rate=recipe.sample_rate, n_freq=recipe.n_freq, n_mels=recipe.n_mels)
    arguments |= dict(f_min=recipe.f_min, f_max=recipe.f_max, htk=recipe.htk, norm=recipe.norm)
    for steps in (0, 10, 100):
        layer = kapre.InverseFilterbank("mel", arguments, n_iter=steps)
        found = to_numpy(layer(bands[..., None].astype("float32")))
        assert found.max() < 20.0, steps


def test_masked_frames_do_not_count() -> None:
    """An item with padding behind it becomes the waveform of the item alone, and is silent from there on."""
    short, long = magnitudes(sound(1500)).astype("float32"), magnitudes(sound(3000)).astype("float32")
    count = len(short)
    padded = np.full_like(long, 7.0)
    padded[:count] = short
    layer = kapre.GriffinLim(**CENTRED, pad_mode="reflect", n_iter=3)
    mask = np.arange(len(long)) < np.array([[count], [len(long)]])
    both = to_numpy(layer(np.stack([padded, long])[..., None], mask=ops.convert_to_tensor(mask)))
    alone = to_numpy(layer(short[None, :, :, None]))[0, :, 0]
    assert relative_error(both[0, : len(alone), 0], alone) <= 1e-4
    assert not both[0, len(alone) :].any()


@pytest.mark.parametrize("shape", [(1, 0, 129, 1), (1, 1, 129, 1), (0, 5, 129, 1)])
def test_few_frames(shape: tuple[int, ...]) -> None:
    for settings in (FRAMING, CENTRED):
        y = to_numpy(kapre.GriffinLim(**settings, n_iter=2)(np.ones(shape, "float32")))
        assert y.shape[0] == shape[0]
        assert np.isfinite(y).all()
    assert to_numpy(kapre.GriffinLim(**CENTRED, length=30)(np.ones(shape, "float32"))).shape == (shape[0], 30, 1)


def test_silence_stays_silent() -> None:
    y = to_numpy(kapre.GriffinLim(**CENTRED)(np.zeros((1, 12, 129, 1), "float32")))
    assert not y.any()


BANK: dict[str, Any] = dict(sample_rate=22050, n_freq=1025, n_mels=128)


def test_the_residual_is_far_below_librosas() -> None:
    power = magnitudes(sound(), n_fft=2048, hop_length=512) ** 2
    matrix = librosa.filters.mel(sr=22050, n_fft=2048, n_mels=128, dtype="float64").T
    bands = power @ matrix
    librosas = librosa.feature.inverse.mel_to_stft(bands.T, sr=22050, n_fft=2048, power=1.0).T
    got = to_numpy(kapre.InverseFilterbank("mel", BANK)(bands[None, :, :, None].astype("float32")))[0, ..., 0]
    assert got.min() >= 0.0
    ours, theirs = (np.linalg.norm(found @ matrix - bands) / np.linalg.norm(bands) for found in (got, librosas))
    assert ours <= 2e-4
    assert ours <= 0.15 * theirs


def test_the_inverse_of_a_bank_without_overlap_is_exact() -> None:
    """Bands that share no bin: the bins of least norm are in proportion to the weights."""
    bank: dict[str, Any] = dict(sample_rate=16000, n_freq=257, n_bins=3, bins_per_octave=1, f_min=500.0, spread=0.02)
    layer = kapre.InverseFilterbank("log", bank)
    matrix = to_numpy(kapre.backend.filterbank_log(**bank)).astype("float64")
    bands = np.array([[2.0, 0.0, 5.0]])
    right = bands / (matrix**2).sum(axis=0) @ matrix.T
    got = to_numpy(layer(bands[None, :, :, None].astype("float32")))[0, ..., 0]
    assert relative_error(got, right) <= 1e-3


@pytest.mark.parametrize("lifter", [0.0, 22.0])
def test_librosas_mfcc_to_mel(lifter: float) -> None:
    coefficients = np.random.default_rng(0).normal(0.0, 10.0, (20, 30))
    right = librosa.feature.inverse.mfcc_to_mel(coefficients, n_mels=64, lifter=lifter).T
    layer = kapre.InverseMFCC(64, lifter=lifter)
    got = to_numpy(layer(coefficients.T[None, :, :, None].astype("float32")))[0, ..., 0]
    assert np.abs(got - 10.0 * np.log10(right)).max() <= 1e-4
    with float64():
        exact = to_numpy(kapre.InverseMFCC(64, lifter=lifter, dtype="float64")(coefficients.T[None, :, :, None]))
    assert relative_error(10.0 ** (exact[0, ..., 0] / 10.0), right) <= 1e-7


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: kapre.GriffinLim(momentum=1.5), ValueError, "from 0 to 1"),
        (lambda: kapre.GriffinLim(n_iter=-1), ValueError, "n_iter"),
        (lambda: kapre.GriffinLim(512)(np.ones((1, 3, 100, 1), "float32")), ValueError, "257 frequency bins"),
        (lambda: kapre.GriffinLim(8)(np.ones((1, 3, 5, 1), "complex64")), TypeError, "must be real"),
        (lambda: kapre.functional.griffin_lim(np.ones((3, 129)), n_fft=128), ValueError, "Use 256, or 257"),
        (lambda: kapre.InverseFilterbank("mel", BANK)(np.ones((1, 3, 5, 1), "float32")), ValueError, "128 bands"),
        (lambda: kapre.InverseMFCC(10)(np.ones((1, 3, 13, 1), "float32")), ValueError, "at least the input's 13"),
        (lambda: kapre.InverseMFCC(lifter_start=2), ValueError, "lifter_start"),  # type: ignore[arg-type]
    ],
)
def test_errors(make: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make()
