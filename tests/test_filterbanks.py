"""Filter banks against librosa (mel), a closed form and the published package's values (log)."""

from __future__ import annotations

import itertools
import math
import warnings
from pathlib import Path

import librosa
import numpy as np
import pytest

import kapre
from kapre import ApplyFilterbank, backend
from kapre.ops import filterbanks
from tests.conftest import BACKEND, float64, relative_error, to_numpy

pytestmark = pytest.mark.filterwarnings("ignore:.*(filter bank bands hold no|Empty filters).*")

GRID = list(
    itertools.product(
        (8000, 16000, 22050, 44100),
        (129, 257, 1025, 2049),
        (20, 80, 128),
        ((0.0, None), (20.0, 3800.0)),
        (False, True),
    )
)


@pytest.mark.parametrize("norm", [None, "slaney", 0, 0.5, 1, 2, 2.7, np.inf])
def test_mel_equals_librosa_over_a_grid(norm: str | float | None) -> None:
    """To the bit in float32, by the function, the layer and the recipe; in float64 to its rounding."""
    # NumPy makes the bank on every backend: all of the grid is tried on one, and the way into a tensor on each.
    for rate, n_freq, n_mels, (f_min, f_max), htk in GRID if BACKEND == "numpy" else GRID[::19]:
        settings = dict(fmin=f_min, fmax=f_max, htk=htk, norm=norm)
        single, double = (
            librosa.filters.mel(sr=rate, n_fft=2 * (n_freq - 1), n_mels=n_mels, dtype=dtype, **settings).T
            for dtype in (np.float32, np.float64)
        )
        case = f"{rate} {n_freq} {n_mels} {f_min} {f_max} {htk}"
        got = to_numpy(backend.filterbank_mel(rate, n_freq, n_mels, f_min, f_max, htk, norm))
        np.testing.assert_array_equal(got, single, err_msg=case)
        exact = filterbanks.mel(rate, n_freq, n_mels, f_min, f_max, htk, norm)
        assert relative_error(exact, double) <= 1e-12, case  # NumPy's log and exp differ from version to version


@pytest.mark.parametrize("norm", [None, "slaney", 2, np.inf])
def test_layers_have_the_bank_of_the_function(norm: str | float | None) -> None:
    settings = dict(sample_rate=16000, n_freq=257, n_mels=40, f_min=20.0, f_max=7600.0, htk=True, norm=norm)
    bank = librosa.filters.mel(sr=16000, n_fft=512, n_mels=40, fmin=20.0, fmax=7600.0, htk=True, norm=norm).T
    each = np.eye(257, dtype="float32")[None, :, :, None]
    np.testing.assert_array_equal(to_numpy(ApplyFilterbank("mel", settings)(each))[0, :, :, 0], bank)
    fields = {key: value for key, value in settings.items() if key != "n_freq"}
    recipe = kapre.Recipe(n_fft=512, filterbank="mel", **fields)
    frontend = kapre.Frontend(recipe)
    np.testing.assert_array_equal(frontend.filterbank, bank)
    for dtype in ("float32", "float64"):
        whole = np.zeros((257, 40), dtype)
        first = 0
        for low, high, weights in recipe.bank_groups(dtype):
            assert weights.dtype == dtype
            whole[low:high, first : first + weights.shape[1]] = weights
            first += weights.shape[1]
        np.testing.assert_array_equal(whole, recipe.bank_in(dtype))


def closed_form(f: float, centre: float, sigma: float) -> float:
    return math.exp(-0.5 * ((math.log2(f) - math.log2(centre)) / sigma) ** 2 - math.log2(sigma) - math.log2(f))


@pytest.mark.parametrize(
    ("rate", "n_freq", "n_bins", "bins_per_octave", "f_min", "spread"),
    [(22050, 2049, 84, 12, None, 0.125), (16000, 1025, 30, 12, 220.0, 0.3), (44100, 4097, 100, 24, 55.0, 0.2)],
)
def test_log_equals_its_closed_form(
    rate: int, n_freq: int, n_bins: int, bins_per_octave: int, f_min: float | None, spread: float
) -> None:
    lowest = 32.70319566257483 if f_min is None else f_min  # C1
    expected = np.zeros((n_freq, n_bins))
    for band in range(n_bins):
        for row in range(1, n_freq):
            f = row * (rate / 2) / (n_freq - 1)
            expected[row, band] = closed_form(f, lowest * 2 ** (band / bins_per_octave), spread / bins_per_octave)
        expected[:, band] /= expected[:, band].sum()
    got = backend.filterbank_log(rate, n_freq, n_bins, bins_per_octave, f_min, spread)
    assert relative_error(got, expected) <= 2e-7


def test_log_equals_the_published_package() -> None:
    """240 banks, empty bands included, as kapre 0.4.1 makes them (tests/fixtures/make_log_banks.py)."""
    stored = np.load(Path(__file__).parent / "fixtures" / "log_banks_0.4.1.npz")
    for settings, weights, row, empty in zip(
        stored["settings"], stored["peak"], stored["peak_row"], stored["empty"], strict=True
    ):
        rate, n_freq, n_bins, bins_per_octave, f_min, spread = settings
        got = to_numpy(
            backend.filterbank_log(
                float(rate), int(n_freq), int(n_bins), int(bins_per_octave), None if f_min == 0 else f_min, spread
            )
        )
        count = int(n_bins)
        np.testing.assert_array_equal(~got.any(axis=0), empty[:count])
        np.testing.assert_allclose(got.max(axis=0), weights[:count], atol=1e-5)
        tie = np.abs(np.sort(got, axis=0)[-1] - np.sort(got, axis=0)[-2]) < 1e-5
        np.testing.assert_array_equal(got.argmax(axis=0)[~tie], row[:count][~tie])


def test_log_beyond_nyquist_says_what_to_change() -> None:
    with pytest.raises(RuntimeError, match=r"Nyquist \(4000 Hz\).*Use n_bins=83 or fewer"):
        backend.filterbank_log(8000, 1025, 84)
    assert backend.filterbank_log(8000, 1025, 83).shape[1] == 83


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("make", [lambda: backend.filterbank_log(22050, 257), lambda: backend.filterbank_mel(8000, 33)])
def test_empty_bands_are_warned_of(make: object) -> None:
    with pytest.warns(UserWarning, match=r"bands hold no DFT bin.*band 0.*longer n_fft"):
        make()  # type: ignore[operator]


@pytest.mark.filterwarnings("default")
def test_layer_warns_once_and_not_at_each_call() -> None:
    with pytest.warns(UserWarning, match="hold no DFT bin"):
        layer = ApplyFilterbank("log", dict(sample_rate=22050, n_freq=257))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer(np.ones((1, 2, 257, 1), "float32"))


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        (dict(sample_rate=0, n_freq=257), ValueError, "`sample_rate` must be a positive number of Hz; received"),
        (dict(sample_rate=16000, n_freq=1), ValueError, "`n_freq` must be at least 2; received n_freq=1"),
        (dict(sample_rate=16000, n_freq=25.5), TypeError, "`n_freq` must be a positive integer"),
        (dict(sample_rate=16000, n_freq=257, n_mels=0), ValueError, "`n_mels` must be a positive integer"),
        (dict(sample_rate=16000, n_freq=257, f_min=-1), ValueError, "`f_min` must be"),
        (dict(sample_rate=16000, n_freq=257, f_min=9000.0), ValueError, "`f_max` must be"),
        (dict(sample_rate=16000, n_freq=257, norm="foo"), ValueError, "`norm` must be"),
        (dict(sample_rate=float("nan"), n_freq=257), ValueError, "`sample_rate` must be"),
    ],
)
def test_bad_mel_arguments(arguments: dict, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        backend.filterbank_mel(**arguments)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (dict(n_bins=0), "n_bins"),
        (dict(bins_per_octave=0), "bins_per_octave"),
        (dict(spread=0.0), "spread"),
        (dict(f_min=0.0), "f_min"),
    ],
)
def test_bad_log_arguments(arguments: dict, text: str) -> None:
    with pytest.raises(ValueError, match=f"`{text}` must be"):
        backend.filterbank_log(22050, 1025, **arguments)


@pytest.mark.parametrize("kind", ["mel", "log"])
def test_layer_is_a_product_with_the_bank(kind: str) -> None:
    settings = dict(sample_rate=22050, n_freq=1025)
    x = np.random.default_rng(0).random((2, 3, 5, 1025))
    bank = to_numpy((backend.filterbank_mel if kind == "mel" else backend.filterbank_log)(**settings)).astype("float64")
    first = ApplyFilterbank(kind, settings, data_format="channels_first")(x.astype("float32"))
    assert relative_error(first, x @ bank) <= 1e-6
    with float64():
        exact = ApplyFilterbank(kind, settings, data_format="channels_first", dtype="float64")(x)
        assert relative_error(exact, x @ bank) <= 1e-6
        assert to_numpy(exact).dtype == np.float64


@pytest.mark.parametrize(
    ("type_", "kwargs", "kind", "text"),
    [
        (
            "foo",
            dict(sample_rate=22050, n_freq=257),
            ValueError,
            "`type` must be one of 'mel', 'log'; received type='foo'",
        ),
        ("mel", dict(sample_rate=22050), TypeError, "n_freq"),
        ("mel", dict(sample_rate=22050, n_freq=257, n_bins=3), ValueError, "n_bins"),
    ],
)
def test_bad_layer_arguments(type_: str, kwargs: dict, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        ApplyFilterbank(type_, kwargs)


def test_wrong_number_of_bins() -> None:
    with pytest.raises(ValueError, match="must have 257 frequency bins for n_freq=257; received 129"):
        ApplyFilterbank("mel", dict(sample_rate=22050, n_freq=257))(np.ones((1, 4, 129, 1), "float32"))
