"""Energy, deltas, MFCC, the frequency map and the Tflite layers, against independent references."""

from __future__ import annotations

import keras
import librosa
import numpy as np
import pytest
import scipy.fft

import kapre
from kapre.ops import windows
from tests.conftest import BACKEND, chirp, float64, relative_error, to_numpy


def features(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape)


@pytest.mark.parametrize("n_mfccs", [1, 13, 40])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_mfcc_is_scipys_dct_as_htk_scales_it(n_mfccs: int, data_format: str) -> None:
    x = features((2, 7, 40, 3))
    reference = scipy.fft.dct(x, axis=2, norm="ortho")[:, :, :n_mfccs]
    reference[:, :, 0] *= np.sqrt(2.0)
    if data_format == "channels_first":
        x, reference = np.moveaxis(x, -1, 1), np.moveaxis(reference, -1, 1)
    assert relative_error(kapre.LogmelToMFCC(n_mfccs, data_format)(x.astype("float32")), reference) <= 1e-6
    with float64():
        got = to_numpy(kapre.LogmelToMFCC(n_mfccs, data_format, dtype="float64")(x))
        assert got.dtype == np.float64
        assert relative_error(got, reference) <= 1e-12


def test_mfcc_is_librosas() -> None:
    log_mel = features((40, 9))
    reference = librosa.feature.mfcc(S=log_mel, n_mfcc=13)
    got = to_numpy(kapre.LogmelToMFCC(13)(log_mel.T[None, :, :, None].astype("float32")))[0, :, :, 0].T
    got[0] /= np.sqrt(2.0)
    assert relative_error(got, reference) <= 1e-6


def test_more_coefficients_than_bands() -> None:
    with pytest.raises(ValueError, match="`n_mfccs` must be at most the input's 12 bands; received n_mfccs=20"):
        kapre.LogmelToMFCC()(np.zeros((1, 3, 12, 1), "float32"))
    with pytest.raises(ValueError, match="`n_mfccs` must be at most"):
        kapre.LogmelToMFCC()(keras.Input((None, 12, 1)))
    with pytest.raises(ValueError, match="the input's count of bands must be known"):
        kapre.LogmelToMFCC()(keras.Input((None, None, 1)))


@pytest.mark.parametrize("win_length", [3, 5, 9])
@pytest.mark.parametrize("mode", ["symmetric", "reflect", "constant"])
@pytest.mark.parametrize("count", [1, 2, 4, 20])
def test_delta_is_the_slope_of_numpys_padding(win_length: int, mode: str, count: int) -> None:
    x = features((2, count, 5, 3))
    reach = win_length // 2
    n = np.arange(-reach, reach + 1)
    slope = n / np.sum(n**2)
    got = to_numpy(kapre.Delta(win_length, mode)(x.astype("float32")))
    # A pad longer than the clip repeats it again and again; written out, because NumPy 1.26 gets that wrong.
    places = np.arange(-reach, count + reach)
    if mode == "constant":
        repeated = np.pad(x, [(0, 0), (reach, reach), (0, 0), (0, 0)])
    else:
        period = 2 * count if mode == "symmetric" else max(1, 2 * count - 2)
        folded = places % period
        mirrored = period - 1 - folded if mode == "symmetric" else period - folded
        repeated = x[:, np.clip(np.minimum(folded, mirrored), 0, count - 1)]
    reference = sum(slope[i] * repeated[:, i : i + count] for i in range(win_length))
    np.testing.assert_allclose(got, reference, atol=1e-6)


@pytest.mark.parametrize(("mode", "scipys"), [("reflect", "mirror"), ("constant", "constant")])
@pytest.mark.parametrize("win_length", [3, 5, 9])
def test_delta_is_librosas(mode: str, scipys: str, win_length: int) -> None:
    x = features((12, 30))
    reference = librosa.feature.delta(x, width=win_length, order=1, mode=scipys)
    with float64():
        got = to_numpy(kapre.Delta(win_length, mode, dtype="float64")(x.T[None, :, :, None]))[0, :, :, 0].T
    assert relative_error(got, reference) <= 1e-12


@pytest.mark.parametrize(("win_length", "kind"), [(4, ValueError), (1, ValueError), (0, ValueError), (5.5, TypeError)])
def test_bad_delta_windows(win_length: object, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="`win_length` must be"):
        kapre.Delta(win_length)


def test_bad_delta_mode() -> None:
    with pytest.raises(
        ValueError, match="`mode` must be one of 'symmetric', 'reflect', 'constant'; received mode='wrap'"
    ):
        kapre.Delta(mode="wrap")


@pytest.mark.parametrize("pad_end", [False, True])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_energy_is_the_sum_of_squares(pad_end: bool, data_format: str) -> None:
    x = chirp(2, 1000, 3)
    count = 25 if pad_end else 23
    filled = np.pad(x, [(0, 0), (0, 100), (0, 0)], constant_values=0.5) if pad_end else x
    sums = [np.sum(filled[:, i * 40 : i * 40 + 100] ** 2, axis=1) for i in range(count)]
    reference = np.stack(sums, axis=1) * 0.1 / (100 / 8000)
    if data_format == "channels_first":
        x, reference = np.moveaxis(x, -1, 1), np.moveaxis(reference, -1, 1)
    layer = kapre.Energy(8000, 0.1, 100, 40, pad_end, 0.5, data_format)
    assert relative_error(layer(x.astype("float32")), reference) <= 1e-6


def test_energy_of_the_published_example() -> None:
    got = kapre.Energy(8000, 0.1, 4, 2, pad_end=True)(np.arange(10, dtype="float32").reshape(1, 10, 1))
    assert to_numpy(got).ravel().tolist() == pytest.approx([2800.0, 10800.0, 25200.0, 46000.0, 29000.0])


@pytest.mark.parametrize(
    ("arguments", "name"),
    [(dict(sample_rate=0), "sample_rate"), (dict(ref_duration=-1), "ref_duration"), (dict(hop_length=0), "hop_length")],
)
def test_bad_energy(arguments: dict, name: str) -> None:
    with pytest.raises(ValueError, match=f"`{name}` must be a positive"):
        kapre.Energy(**arguments)


@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_frequency_map(channels: int, data_format: str) -> None:
    x = features((2, 3, 9, channels)).astype("float32")
    expected = np.concatenate([x, np.broadcast_to(np.linspace(0, 1, 9)[None, None, :, None], (2, 3, 9, 1))], axis=-1)
    if data_format == "channels_first":
        x, expected = np.moveaxis(x, -1, 1), np.moveaxis(expected, -1, 1)
    np.testing.assert_allclose(to_numpy(kapre.ConcatenateFrequencyMap(data_format)(x)), expected, atol=1e-7)
    one = np.zeros((1, 2, 1, 1), "float32")
    assert to_numpy(kapre.ConcatenateFrequencyMap("channels_last")(one))[..., 1].tolist() == [[[0.0], [0.0]]]


def test_mu_law_layers_are_the_functions() -> None:
    x = chirp(2, 500, 2).astype("float32")
    codes = kapre.MuLawEncoding(64)(x)
    np.testing.assert_array_equal(to_numpy(codes), to_numpy(kapre.backend.mu_law_encoding(x, 64)))
    samples = to_numpy(kapre.MuLawDecoding(64)(codes))
    np.testing.assert_array_equal(samples, to_numpy(kapre.backend.mu_law_decoding(codes, 64)))
    assert np.abs(samples - x).max() < 0.05
    for layer in (kapre.MuLawEncoding, kapre.MuLawDecoding):
        with pytest.raises(ValueError, match="`quantization_channels` must be at least 2"):
            layer(1)
    with pytest.raises(TypeError, match="pcm_to_float"):
        kapre.MuLawEncoding(64)(np.zeros((1, 4), "int16"))


@pytest.mark.parametrize(("n_fft", "win_length", "hop_length"), [(256, 256, 64), (256, 200, 77), (255, 255, 100)])
@pytest.mark.parametrize("channels", [1, 3])
def test_tflite_layers_are_librosas(n_fft: int, win_length: int, hop_length: int, channels: int) -> None:
    x = chirp(2, 2000, channels)
    settings = dict(n_fft=n_fft, win_length=win_length, hop_length=hop_length, center=n_fft % 2 == 0)
    window = windows.window(None, win_length)  # an odd one is symmetric here, and periodic there
    reference = librosa.stft(np.moveaxis(x, 1, 2), window=window, **settings)
    reference = np.moveaxis(reference, (1, 3), (3, 1))
    parts = to_numpy(kapre.STFTTflite(**settings)(x.astype("float32")))
    assert relative_error(parts[..., 0] + 1j * parts[..., 1], reference) <= 2e-6
    assert relative_error(kapre.MagnitudeTflite()(parts), np.abs(reference)) <= 2e-6
    angle = to_numpy(kapre.PhaseTflite()(parts))
    np.testing.assert_allclose(angle, np.angle(parts[..., 0] + 1j * parts[..., 1]), atol=1e-6)


@pytest.mark.parametrize("win_length", [50, 64, 80])
@pytest.mark.parametrize("hop_length", [7, 16, 100])
@pytest.mark.filterwarnings("ignore:win_length=80 is longer")
def test_tflite_stft_is_stft_at_every_length(win_length: int, hop_length: int) -> None:
    settings = dict(n_fft=64, win_length=win_length, hop_length=hop_length)
    for pads in (dict(), dict(pad_begin=hop_length <= 64, pad_end=True)):
        # JAX compiles for every length: there, one of those that frame is enough.
        for time in (0, 49, 50, 81, 200) if BACKEND != "jax" else (0, win_length - 1, 200):
            x = chirp(2, time, 2).astype("float32")
            expected = to_numpy(kapre.STFT(**settings, **pads)(x))
            parts = to_numpy(kapre.STFTTflite(**settings, **pads)(x))
            assert parts.shape == (*expected.shape, 2)
            if expected.size:
                assert relative_error(parts[..., 0] + 1j * parts[..., 1], expected) <= 2e-6


@pytest.mark.parametrize("channels", [1, 2])
def test_tflite_stft_of_an_empty_batch(channels: int) -> None:
    layer = kapre.STFTTflite(64, hop_length=16)
    x = np.zeros((0, 600, channels), "float32")
    assert tuple(layer(x).shape) == layer.compute_output_shape(x.shape) == (0, 34, 33, channels, 2)


def test_tflite_layers_refuse_what_is_not_in_parts() -> None:
    for layer in (kapre.MagnitudeTflite(), kapre.PhaseTflite()):
        with pytest.raises(ValueError, match=r"a trailing axis of 2; received shape \(1, 5, 33, 1\)"):
            layer(np.zeros((1, 5, 33, 1), "float32"))
