"""`CQT`, `VQT` and `transform="cqt"` of a recipe, against their definition and librosa."""

from __future__ import annotations

import re
from typing import Any

import librosa
import numpy as np
import pytest

import kapre
from tests.conftest import chirp, float64, quick, relative_error, to_numpy
from tests.streams.drive import check_stream

RATE = 8000
X = np.random.default_rng(0).uniform(-0.5, 0.5, 3000) + chirp(1, 3000)[0, :, 0]
SMALL: dict[str, Any] = dict(sample_rate=RATE, hop_length=100, f_min=220.0, n_bins=30)


def defined(
    x: np.ndarray,
    f_min: float,
    n_bins: int,
    hop_length: int,
    sample_rate: float = RATE,
    bins_per_octave: int = 12,
    gamma: float = 0.0,
    filter_scale: float = 1.0,
) -> np.ndarray:
    """Return the transform of a clip around samples 0, hop_length, …, as its definition states it, bin by bin."""
    ratio = 2.0 ** (2.0 / bins_per_octave)
    alpha = (ratio - 1.0) / (ratio + 1.0)
    found = []
    for k in range(n_bins):
        centre = f_min * 2.0 ** (k / bins_per_octave)
        length = filter_scale * sample_rate / (alpha * centre + gamma)
        n = np.arange(np.floor(-length / 2), np.floor(length / 2))
        shape = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(len(n)) / len(n))
        kernel = shape / shape.sum() * np.exp(2j * np.pi * centre * n / sample_rate)
        around = np.pad(x, len(n))
        places = np.arange(0, len(x) + 1, hop_length)
        cuts = [around[len(n) + t + int(n[0]) : len(n) + t + int(n[-1]) + 1] for t in places]
        found.append([np.sqrt(length) * np.sum(cut * np.conj(kernel)) for cut in cuts])
    return np.array(found).T


SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "short hop": dict(hop_length=7),
    "hop longer than the lowest kernel": dict(hop_length=1000, f_min=500.0, n_bins=20),
    "part of an octave": dict(n_bins=5, bins_per_octave=7),
    "one bin": dict(n_bins=1),
    "quarter tones": dict(bins_per_octave=24, n_bins=60, f_min=300.0),
    "octaves": dict(bins_per_octave=1, n_bins=3),
    "wide": dict(filter_scale=0.3, n_bins=24),
    "narrow": dict(filter_scale=1.7),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_definition(name: str) -> None:
    settings = SMALL | SETTINGS[name]
    right = defined(X, **settings)
    with float64():
        got = to_numpy(quick(kapre.CQT(**settings, power=None, dtype="float64"))(X[None]))[0]
        assert got.dtype == "complex128"
        assert relative_error(got, right) <= 1e-11
        got = to_numpy(quick(kapre.CQT(**settings, power=2.0, dtype="float64"))(X[None]))[0]
        assert relative_error(got, np.abs(right) ** 2) <= 1e-11
    single = to_numpy(quick(kapre.CQT(**settings, power=None))(X[None].astype("float32")))[0]
    assert single.dtype == "complex64"
    assert relative_error(single, right) <= 1e-6
    single = to_numpy(quick(kapre.CQT(**settings))(X[None].astype("float32")))[0]
    assert relative_error(single, np.abs(right)) <= 1e-6


def test_definition_of_the_variable_q() -> None:
    settings = SMALL | dict(bins_per_octave=24, n_bins=50)
    for gamma in (0.0, 3.0, None):
        ratio = 2.0 ** (2.0 / 24)
        of_ear = 24.7 / 0.108 * (ratio - 1.0) / (ratio + 1.0)
        right = defined(X, **settings, gamma=of_ear if gamma is None else gamma)
        with float64():
            got = to_numpy(quick(kapre.VQT(**settings, gamma=gamma, power=None, dtype="float64"))(X[None]))[0]
        assert relative_error(got, right) <= 1e-11


def test_librosa() -> None:
    """librosa lowers the rate for low octaves, and differs by 1 % of the peak, and by 3 % at an abrupt beginning."""
    rng = np.random.default_rng(1)
    x = rng.uniform(-0.5, 0.5, (2, 22050))
    x[1] = np.sin(2 * np.pi * (100.0 + 3000.0 * np.arange(22050) / 22050) * np.arange(22050) / 22050)
    x *= np.minimum(1.0, np.arange(22050) / 2000)
    got = to_numpy(quick(kapre.CQT(22050))(x.astype("float32")))
    right = np.abs(librosa.cqt(x, sr=22050, sparsity=0)).transpose(0, 2, 1)
    assert relative_error(got, right) <= 0.02
    got = to_numpy(quick(kapre.VQT(22050))(x.astype("float32")))
    right = np.abs(librosa.vqt(x, sr=22050, sparsity=0)).transpose(0, 2, 1)
    assert relative_error(got, right) <= 0.02


def test_kernels_are_librosas() -> None:
    recipe = kapre.Recipe(transform="cqt", **SMALL, cqt_gamma=5.0, cqt_filter_scale=0.7, window_name="blackman_window")
    centres = recipe.band_frequencies()
    settings: dict[str, Any] = dict(freqs=centres, sr=RATE, gamma=5.0, filter_scale=0.7, window="blackman")
    theirs, lengths = librosa.filters.wavelet(**settings, pad_fft=False, dtype=np.complex128)
    middle = theirs.shape[1] // 2
    for low, octave in zip(range(0, 30, 12), recipe.kernels, strict=True):
        bins = octave.taps.shape[1] // 2
        before = len(octave.taps) // 2
        for k in range(bins):
            ours = (octave.taps[:, k] - 1j * octave.taps[:, bins + k]) / np.sqrt(lengths[low + k])
            around = np.pad(theirs[low + k], before)
            first = 1 + middle - theirs.shape[1] % 2
            errors = [np.abs(ours - around[first + move : first + move + 2 * before]).max() for move in (-1, 0, 1)]
            assert min(errors) <= 1e-9  # librosa places an odd number of samples by half a sample


@pytest.mark.parametrize("pad_mode", ["constant", "reflect", "edge"])
def test_padding(pad_mode: Any) -> None:
    layer = kapre.CQT(**SMALL, pad_mode=pad_mode)
    got = to_numpy(quick(layer)(X[None].astype("float32")))[0]
    padded = np.pad(X, 2000, mode=pad_mode)  # 20 hops
    right = np.abs(defined(padded, **SMALL))[20:51]
    assert relative_error(got, right) <= 1e-6


STAGES: dict[str, dict[str, Any]] = {
    "decibels": dict(log="db", amin=1e-4),
    "range": dict(log="db", amin=1e-4, range_top=-10.0, dynamic_range=30.0),
    "pcen": dict(pcen=True, input_scale=2.0**31),
    "cepstrum": dict(log="ln", n_mfcc=10),
    "chroma": dict(filterbank="chroma", power=2.0),
    "deltas": dict(deltas=1, stack=2),
    "energy": dict(energy="last", log="ln", preemphasis=0.9, preemphasis_over="frame"),
    "without the mean": dict(remove_dc=True, normalize_frames=True),
    "ragged ends": dict(pad_end=True, center=False, drop_last=1),
    "running": dict(normalize="mean_std", normalize_over="running", normalize_epsilon=1e-3, log="ln", amin=1e-3),
}


@pytest.mark.parametrize("name", STAGES)
def test_stages_and_streams(name: str) -> None:
    """Frames cut from a stream give what samples give, with any stage behind them."""
    fields: dict[str, Any] = {"center": True, "transform": "cqt", **SMALL, **STAGES[name]}
    frontend = kapre.Frontend(kapre.Recipe(**fields))
    x = np.stack([X, np.roll(X, 900)]).astype("float32")
    y = to_numpy(quick(frontend)(x))
    assert y.shape == (2, *frontend.recipe.output_shape(3000))
    assert np.isfinite(y).all()
    check_stream(frontend.stream(), y, x, [700, 1, 4000], 2e-5)


def test_chroma_adds_pitch_classes() -> None:
    settings = dict(SMALL, f_min=librosa.note_to_hz("E3"), n_bins=36, bins_per_octave=12)
    levels = np.abs(defined(X, **settings))
    fold = librosa.filters.cq_to_chroma(36, fmin=settings["f_min"])
    recipe = kapre.Recipe(transform="cqt", center=True, filterbank="chroma", **settings)
    got = to_numpy(quick(kapre.Frontend(recipe))(X[None].astype("float32")))[0]
    assert relative_error(got, levels @ fold.T) <= 1e-6
    assert len(recipe.band_frequencies()) == 12
    whole_tones = to_numpy(quick(kapre.Frontend(recipe.replace(n_chroma=6)))(X[None].astype("float32")))[0]
    np.testing.assert_allclose(whole_tones.sum(axis=1), got.sum(axis=1), rtol=1e-5)


def test_frames_and_bands_of_a_recipe() -> None:
    recipe = kapre.Recipe(transform="cqt", sample_rate=22050, center=True)
    assert recipe.hop_length == 512
    assert recipe.bands == 84
    assert recipe.frame_length == 11686
    np.testing.assert_allclose(recipe.band_frequencies(), librosa.cqt_frequencies(84, fmin=librosa.note_to_hz("C1")))
    assert kapre.Recipe.from_json(recipe.to_json()) == recipe
    higher = recipe.replace(f_min=65.0)
    assert 5870 < higher.frame_length < 5890
    assert higher.replace(f_min=None) == recipe
    assert recipe.replace(sample_rate=44100).frame_length == 23372
    assert recipe.replace(transform="dft", n_fft=2048, win_length=None).bands == 1025
    np.testing.assert_allclose(recipe.frame_times(3), np.arange(3) * 512 / 22050)
    plain = kapre.Recipe(cqt_gamma=3.0, cqt_filter_scale=0.5)
    assert plain == kapre.Recipe()
    assert "cqt" not in plain.to_json()
    with pytest.raises(ValueError, match="cqt_gamma"):
        kapre.Frontend.from_preset("whisper", cqt_gamma=2.0)


def test_a_trained_chroma() -> None:
    recipe = kapre.Recipe(transform="cqt", filterbank="chroma", center=True, **SMALL)
    frontend = kapre.Frontend(recipe, trainable_filterbank=True)
    x = X[None].astype("float32")
    fixed = to_numpy(kapre.Frontend(recipe)(x))
    assert relative_error(to_numpy(frontend(x)), fixed) <= 1e-6
    frontend.trainable_weights[0].assign(np.full(frontend.trainable_weights[0].shape, 0.5))
    assert to_numpy(frontend(x)).sum() > 1.2 * fixed.sum()


REFUSED: list[tuple[Any, str]] = [
    (lambda: kapre.CQT(16000, n_bins=96), "n_bins.*Nyquist, 8000.*Use 95"),
    (lambda: kapre.CQT(16000, f_min=9000.0), "lower f_min"),
    (lambda: kapre.CQT(16000, n_bins=10**9), "n_bins"),
    (lambda: kapre.CQT(16000, f_min=1e-3), "f_min.*fit the memory"),
    (lambda: kapre.CQT(16000, f_min=0.0), "f_min"),
    (lambda: kapre.CQT(16000, bins_per_octave=0), "bins_per_octave"),
    (lambda: kapre.VQT(16000, bins_per_octave=0), "bins_per_octave"),
    (lambda: kapre.VQT(16000, gamma=-1.0), "`gamma`"),
    (lambda: kapre.CQT(16000, filter_scale=0.0), "`filter_scale`"),
    (lambda: kapre.CQT(16000, power=None, scale="db"), "scale.*linear"),
    (lambda: kapre.CQT(16000, power=3.0), "power"),
    (lambda: kapre.CQT(16000, power=None).stream(), "power.*stream"),
    (lambda: kapre.CQT(None), "sample_rate"),
    (lambda: kapre.Recipe(transform="cqt"), "sample_rate"),
    (lambda: kapre.Recipe(transform="cqt", **SMALL, filterbank="chroma", n_chroma=10**8), "n_chroma.*weights"),
    (lambda: kapre.Recipe(transform="cqt", sample_rate=16000, filterbank="mel"), "filterbank.*chroma"),
    (lambda: kapre.Recipe(transform="cqt", sample_rate=16000, chunk_length=4096), "chunk_length"),
    (lambda: kapre.Frontend(kapre.Recipe(transform="cqt", **SMALL), trainable_window=True), "trainable_window"),
    (lambda: kapre.Frontend(kapre.Recipe(transform="cqt", **SMALL)).invert(np.zeros((1, 9, 30))), "constant-Q"),
    (lambda: kapre.Recipe(transform="cqt", **SMALL).to_transformers(), "transform"),
]


@pytest.mark.parametrize(("make", "words"), REFUSED)
def test_errors(make: Any, words: str) -> None:
    with pytest.raises((ValueError, TypeError)) as caught:
        make()
    assert re.search(words, str(caught.value)), str(caught.value)
