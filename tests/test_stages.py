"""Fields of recipes, each against an independent implementation in float64."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any

import keras
import librosa
import numpy as np
import pytest
import scipy.signal

import kapre
from tests.conftest import float64, to_numpy
from tests.fields import CLIP, RATE, assert_near, features
from tests.recipes import FULL
from tests.references._registry import torchaudio


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("window", [3, 9])
def test_deltas_as_librosas(order: int, window: int) -> None:
    plain = features(FULL)
    got = features(FULL.replace(deltas=order, delta_window=window, delta_edges="interp"))
    wanted = [plain, *(librosa.feature.delta(plain, width=window, order=n, axis=1) for n in range(1, order + 1))]
    if window == 3 and order == 2:
        wanted[2] = scipy.signal.savgol_filter(plain, 3, 2, deriv=2, axis=1, mode="interp")
    assert_near(got, np.concatenate(wanted, axis=-1))


@pytest.mark.parametrize("window", [3, 5])
def test_deltas_as_torchaudios(window: int) -> None:
    import torch

    of = torchaudio().functional.compute_deltas
    plain = features(FULL)
    first = of(torch.tensor(plain).swapaxes(1, 2), window)
    wanted = np.concatenate([plain, *(each.swapaxes(1, 2).numpy() for each in (first, of(first, window)))], axis=-1)
    assert_near(features(FULL.replace(deltas=2, delta_window=window)), wanted)


@pytest.mark.parametrize("edges", ["nearest", "interp"])
def test_deltas_of_short_clips(edges: str) -> None:
    """A clip in a batch has the deltas that it has alone, also if it is shorter than the window."""
    recipe = FULL.replace(deltas=2, delta_window=9, delta_edges=edges)
    lengths = np.array([400 + 160 * 3, 5000])
    together = features(recipe, CLIP, lengths=lengths)
    alone = features(recipe, CLIP[:1, : lengths[0]])
    assert_near(together[:1, : alone.shape[1]], alone)
    assert not together[0, alone.shape[1] :].any()


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("std", [False, True])
@pytest.mark.parametrize("window", [7, 600])
def test_sliding_normalization_as_kaldis(center: bool, std: bool, window: int) -> None:
    import torch

    plain = features(FULL)
    wanted = torchaudio().functional.sliding_window_cmn(torch.tensor(plain), window, 5, center, std).numpy()
    fields = dict(normalize_window=window, normalize_min_frames=5, normalize_center=center)
    recipe = FULL.replace(normalize="mean_std" if std else "mean", normalize_over="sliding", **fields)
    if std and not center:  # the reference divides by 0 where a window has one frame, which least of 5 rules out
        assert np.isfinite(wanted).all()
    assert_near(features(recipe), wanted)


def sliding(plain: np.ndarray, count: int, window: int, least: int) -> np.ndarray:
    """Subtract means of the window before each frame, in a loop."""
    found = np.zeros_like(plain)
    for t in range(count):
        first, last = max(0, t - window), t + 1
        if t < window:
            last = min(max(last, least), count)
        found[t] = plain[t] - plain[first:last].mean(axis=0)
    return found


def test_sliding_normalization_of_ragged_clips() -> None:
    recipe = FULL.replace(normalize="mean", normalize_over="sliding", normalize_window=6, normalize_min_frames=5)
    lengths = np.array([400 + 160 * 7, 5000])
    got = features(recipe, CLIP, lengths=lengths)
    plain = features(FULL)
    for clip, count in enumerate((8, 29)):
        assert_near(got[clip], sliding(plain[clip], count, 6, 5))


def test_sliding_normalization_keeps_its_digits() -> None:
    """In float32, over many frames and where bands are nearly constant, as in float64."""
    from kapre.ops import features as of_frames

    rng = np.random.default_rng(0)
    quiet = np.concatenate([-15.94 + 1e-3 * rng.standard_normal((1500, 3)), 2.0 * rng.standard_normal((3500, 3)) - 5.0])
    quiet = quiet.astype("float32")
    found = {}
    for dtype in ("float32", "float64"):
        with float64():
            x = keras.ops.convert_to_tensor(quiet[None].astype(dtype))
            found[dtype] = to_numpy(of_frames.normalize_sliding(x, 300, 1, False, True, 0, 1e-10, "variance"))[0]
    # The first windows have few frames, whose deviation may be as small as the rounding of the samples themselves.
    assert np.abs(found["float32"] - found["float64"])[20:].max() <= 5e-3
    windows = [quiet[max(0, t - 300) : t + 1].astype("float64") for t in range(len(quiet))]
    wanted = np.stack([(w[-1] - w.mean(0)) / np.sqrt(w.var(0) + 1e-10) for w in windows])
    assert np.abs(found["float64"] - wanted).max() <= 1e-6


def test_reference_of_the_maximum_as_librosas() -> None:
    recipe = FULL.replace(log="db", amin=1e-10, dynamic_range=30.0, ref_value="max")
    power = features(FULL.replace(log=None))
    got = features(recipe)
    for clip, each in zip(got, power, strict=True):
        assert_near(clip, librosa.power_to_db(each, ref=np.max, top_db=30.0))
    assert_near(got[:1], features(recipe, CLIP[:1]))


def test_floor_under_the_root() -> None:
    fields = dict(filterbank=None, log=None, power=1.0, magnitude_epsilon=0.5)
    power = features(FULL.replace(filterbank=None, log=None))
    assert_near(features(FULL.replace(**fields, magnitude_epsilon_by="max")), np.sqrt(np.maximum(power, 0.5)))
    assert_near(features(FULL.replace(**fields)), np.sqrt(power + 0.5))


@pytest.mark.parametrize("name", ["blackman", "bartlett", "hann", "hamming", "boxcar"])
@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("length", [1, 2, 25, 400])
def test_windows_as_scipys(name: str, periodic: bool, length: int) -> None:
    ours = {"boxcar": "rectangular"}.get(name, name)
    form = None if name == "boxcar" else periodic
    recipe = kapre.Recipe(n_fft=400, win_length=length, window_name=f"{ours}_window", window_periodic=form)
    wanted = scipy.signal.get_window(name, length, fftbins=periodic)
    np.testing.assert_allclose(recipe.analysis_window[:length], wanted, atol=1e-12)


def test_sine_window() -> None:
    recipe = kapre.Recipe(n_fft=400, window_name="sine_window", window_periodic=False)
    np.testing.assert_allclose(recipe.analysis_window, np.sin(np.pi * np.arange(400) / 399), atol=1e-12)


@pytest.mark.parametrize("n_fft", [321, 512, 2048])
def test_odd_and_even_lengths_as_librosas(n_fft: int) -> None:
    recipe = kapre.Recipe(sample_rate=RATE, n_fft=n_fft, filterbank="mel", n_mels=20)
    wanted = librosa.filters.mel(sr=RATE, n_fft=n_fft, n_mels=20, dtype=np.float64).T
    assert_near(recipe.bank, wanted, 1e-12)
    found = kapre.Recipe(sample_rate=22050, n_fft=n_fft, filterbank="chroma")
    if n_fft % 2 == 0:
        assert_near(found.bank, librosa.filters.chroma(sr=22050, n_fft=n_fft, tuning=0.0, dtype=np.float64).T, 1e-7)


def test_chroma_of_other_classes_and_tuning() -> None:
    recipe = kapre.Recipe(sample_rate=22050, n_fft=2048, filterbank="chroma", n_chroma=24, tuning=0.3)
    assert_near(recipe.bank, librosa.filters.chroma(sr=22050, n_fft=2048, tuning=0.3, n_chroma=24).T, 1e-6)
    assert abs(recipe.band_frequencies()[0] / (261.6255653 * 2 ** (0.3 / 24)) - 1.0) < 1e-6


def test_linear_bank_as_torchaudios() -> None:
    wanted = torchaudio().functional.linear_fbanks(201, 100.0, 7000.0, 30, RATE).numpy()
    fields = dict(filterbank="linear", n_bins=30, f_min=100.0, f_max=7000.0, norm=None)
    assert_near(kapre.Recipe(sample_rate=RATE, n_fft=400, **fields).bank, wanted, 1e-5)


def test_bark_bank_is_triangles_on_traunmuellers_scale() -> None:
    recipe = kapre.Recipe(sample_rate=RATE, n_fft=1024, filterbank="bark", n_bins=20, norm=None, triangles="mel")

    def bark(hz: Any) -> Any:
        return 26.81 * np.asarray(hz) / (1960.0 + np.asarray(hz)) - 0.53

    corners = np.linspace(bark(0.0), bark(8000.0), 22)
    bins = bark(np.arange(513) * RATE / 1024)
    wanted = np.stack([np.interp(bins, corners[i : i + 3], [0.0, 1.0, 0.0]) for i in range(20)], axis=1)
    assert_near(recipe.bank, wanted, 1e-9)
    assert_near(bark(recipe.band_frequencies()), corners[1:-1], 1e-9)


@pytest.mark.parametrize("bands", [20, 64])
def test_gammatone_bank_is_the_response_of_its_filters(bands: int) -> None:
    """SciPy filters an impulse by Slaney's sections; the DFT of the response is the bank."""
    recipe = kapre.Recipe(sample_rate=RATE, n_fft=4096, filterbank="gammatone", n_bins=bands, f_min=100.0)
    centres = recipe.band_frequencies()
    assert abs(centres[0] - 100.0) < 1e-9
    assert centres[-1] < 8000.0
    assert (np.diff(np.diff(centres)) > 0).all()
    impulse = np.zeros(1 << 15)
    impulse[0] = 1.0
    for band in range(0, bands, 7):
        hz = centres[band]
        decay = np.exp(-2.0 * np.pi * 1.019 * (hz / 9.26449 + 24.7) / RATE)
        angle = 2.0 * np.pi * hz / RATE
        y = impulse
        for by in (np.sqrt(3 + 2**1.5), -np.sqrt(3 + 2**1.5), np.sqrt(3 - 2**1.5), -np.sqrt(3 - 2**1.5)):
            forward = [1.0, -decay * (np.cos(angle) + by * np.sin(angle))]
            y = scipy.signal.lfilter(forward, [1.0, -2.0 * decay * np.cos(angle), decay**2], y)
        response = np.abs(np.fft.rfft(y))[::8]
        at_centre = np.abs(np.sum(y * np.exp(-1j * angle * np.arange(len(y)))))
        np.testing.assert_allclose(recipe.bank[:, band], response / at_centre, atol=1e-9)


def test_bank_of_bins_as_python_speech_features() -> None:
    recipe = kapre.Recipe(
        sample_rate=RATE, n_fft=512, filterbank="mel", n_mels=26, htk=True, norm=None, triangles="bins"
    )
    points = 700.0 * (10.0 ** (np.linspace(0.0, 2595.0 * np.log10(1.0 + 8000.0 / 700.0), 28) / 2595.0) - 1.0)
    bins = np.floor(513 * points / RATE).astype(int)
    wanted = np.zeros((257, 26))
    for band in range(26):
        low, middle, high = bins[band : band + 3]
        wanted[low:middle, band] = (np.arange(low, middle) - low) / max(1, middle - low)
        wanted[middle:high, band] = (high - np.arange(middle, high)) / max(1, high - middle)
    assert_near(recipe.bank, wanted, 1e-12)


def test_bank_of_another_rate() -> None:
    recipe = kapre.Recipe(sample_rate=24000, n_fft=2048, filterbank="mel", n_mels=80, bank_rate=16000)
    same = kapre.Recipe(sample_rate=16000, n_fft=2048, filterbank="mel", n_mels=80)
    np.testing.assert_array_equal(recipe.bank, same.bank)
    assert recipe.f_max == 8000.0
    assert recipe.replace(bank_rate=None).f_max == 12000.0
    assert_near(recipe.band_frequencies(), 1.5 * same.band_frequencies(), 1e-12)
    assert recipe.replace(bank_rate=24000, f_max=None) == same.replace(sample_rate=24000, f_max=None)


WAVES: dict[str, tuple[dict[str, Any], Callable[[np.ndarray], np.ndarray]]] = {
    "rms": (
        dict(normalize_samples="rms", target_dbfs=-25.0, samples_epsilon=1e-6),
        lambda x: x * 10 ** (-25 / 20) / (np.sqrt(np.mean(x**2)) + 1e-6),
    ),
    "rms, limited": (
        dict(normalize_samples="rms", target_dbfs=-1.0, samples_epsilon=0.0, peak_limit=0.8),
        lambda x: x * 0.8 / np.abs(x).max(),
    ),
    "rms, loud enough": (dict(normalize_samples="rms", target_dbfs=-40.0, only_raise=True), lambda x: x),
    "peak": (
        dict(normalize_samples="peak", target_dbfs=-6.0, samples_epsilon=0.0),
        lambda x: x * 10 ** (-6 / 20) / np.abs(x).max(),
    ),
    "first dropped": (dict(preemphasis=0.97, preemphasis_first="drop"), lambda x: x[1:] - 0.97 * x[:-1]),
    "first reflected": (
        dict(preemphasis=0.97, preemphasis_first="reflect"),
        lambda x: x - 0.97 * np.pad(x, (1, 0), mode="reflect")[:-1],
    ),
    "strict": (dict(samples_multiple=8, samples_multiple_strict=True), lambda x: np.pad(x, (0, 8 - len(x) % 8))),
    "reflected": (
        dict(samples_multiple=96, multiple_by="reflect"),
        lambda x: np.pad(x, (0, -len(x) % 96), mode="reflect"),
    ),
    "padded": (dict(pad_left=7, pad_right=3, pad_mode="symmetric"), lambda x: np.pad(x, (7, 3), mode="symmetric")),
}


@pytest.mark.parametrize("name", WAVES)
def test_waves(name: str) -> None:
    """Clips of their own lengths in a batch are what each is alone."""
    fields, wanted = WAVES[name]
    recipe = kapre.Recipe(power=None, sample_rate=RATE, **fields)
    lengths = np.array([4001, 5000])
    got = features(recipe, CLIP, lengths=lengths)
    for clip, n in enumerate(lengths):
        alone = wanted(CLIP[clip, :n])
        assert recipe.num_frames(int(n)) == len(alone)
        assert_near(features(recipe, CLIP[clip : clip + 1, :n])[0], alone)
        assert_near(got[clip, : len(alone)], alone)
        assert not got[clip, len(alone) :].any()


@pytest.mark.parametrize("by", ["rms", "peak"])
def test_silence_has_no_level(by: str) -> None:
    recipe = kapre.Recipe(power=None, normalize_samples=by, samples_epsilon=0.0, peak_limit=1.0)
    silence = np.zeros((2, 100))
    assert not features(recipe, silence).any()
    assert features(recipe, np.zeros((2, 0))).shape == (2, 0)


def test_frames_without_a_transform() -> None:
    """CREPE: frames of samples, each less its mean and divided by its deviation."""
    recipe = kapre.Recipe(
        n_fft=1024, hop_length=160, transform="identity", normalize_frames=True, window_name="rectangular_window"
    )
    frames = np.lib.stride_tricks.sliding_window_view(CLIP, 1024, axis=1)[:, ::160]
    wanted = frames - frames.mean(axis=-1, keepdims=True)
    assert_near(features(recipe), wanted / wanted.std(axis=-1, ddof=1, keepdims=True))
    assert not features(recipe, np.full((1, 2000), 0.3)).any()
    assert recipe.bands == recipe.n_freq == 1024


def test_largest_value_of_a_frame() -> None:
    plain = FULL.replace(filterbank="chroma", log=None)
    power = features(plain)
    got = features(plain.replace(one_hot=True))
    np.testing.assert_array_equal(got, np.eye(12)[power.argmax(axis=-1)])


def test_frames_up_to_a_multiple() -> None:
    recipe = FULL.replace(frames_multiple=20, feature_shift=3.0)
    plain = features(FULL.replace(feature_shift=3.0))
    lengths = np.array([400 + 160 * 20, 5000])
    got = features(recipe, CLIP, lengths=lengths)
    assert got.shape == (2, 40, 20)
    assert recipe.num_frames(int(lengths[0])) == 40
    assert_near(got[0, :21], plain[0, :21])
    assert_near(got[1, :29], plain[1])
    assert not got[0, 21:].any()
    assert not got[1, 29:].any()
    assert recipe.num_valid_entries(int(lengths[0])) == 21


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (dict(normalize_samples="loud"), "`normalize_samples` must be one of"),
        (dict(preemphasis=0.9, preemphasis_over="frame", preemphasis_first="drop"), "`preemphasis_first` must be"),
        (dict(samples_at_least=5, samples_multiple=2, multiple_by="reflect"), "`multiple_by` must be 'zeros' with"),
        (dict(log="db", ref_value="mean"), "`ref_value` must be a positive number or 'max'"),
        (dict(log="ln", ref_value="max"), "`ref_value` must be 1.0 unless log='db'"),
        (dict(deltas=3), "`deltas` must be one of"),
        (dict(deltas=1, delta_window=4), "`delta_window` must be odd"),
        (dict(deltas=1, fixed_frames=100), "`fixed_frames` must be None with deltas"),
        (dict(transform="identity"), "`filterbank` must be None with transform='identity'"),
        (dict(filterbank=None, log=None, transform="identity", win_length=300), "`n_fft` must be win_length=300"),
        (dict(bank_rate=-1.0), "`bank_rate` must be a positive number"),
        (dict(normalize="mean", normalize_over="sliding", normalize_window=0), "`normalize_window` must be"),
        (dict(frames_multiple=0), "`frames_multiple` must be a positive integer"),
        (dict(filterbank="chroma", n_chroma=0), "`n_chroma` must be a positive integer"),
        (dict(chunk_length=512, filterbank=None, log=None, deltas=1), "`deltas` must be 0 with chunk_length"),
    ],
)
def test_wrong_fields(fields: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        FULL.replace(**fields)


def test_fields_without_an_effect_are_forgotten() -> None:
    idle = dict(target_dbfs=-3.0, only_raise=True, multiple_by="reflect", tuning=0.5, delta_window=9, bank_rate=None)
    idle |= dict(normalize_window=5, normalize_center=True, magnitude_epsilon_by="max")
    assert FULL.replace(**idle) == FULL
    assert "target_dbfs" not in FULL.to_json()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kapre.Recipe.from_json(FULL.replace(deltas=1).to_json())


def test_every_new_field_is_a_mistake_that_compare_tries() -> None:
    from kapre import stages

    tried = {name for recipe in (FULL, FULL.replace(deltas=1, samples_multiple=8, power=1.0, magnitude_epsilon=1e-9))
             for _, changes in stages.mistakes(recipe, 1.0) for name in changes}  # fmt: skip
    assert {"deltas", "delta_edges", "delta_window", "bank_rate", "ref_value", "samples_multiple_strict"} <= tried
    assert {"multiple_by", "magnitude_epsilon_by", "normalize_over", "normalize_samples"} <= tried
