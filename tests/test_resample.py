"""Resampling against SciPy's truth, sines, resampy and torchaudio, and its lengths, masks and errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

import kapre
from kapre.ops import resample as resampling
from tests.conftest import BACKEND, chirp, float64, gradient, quick, relative_error, to_numpy

RATES = [(44100, 16000), (16000, 44100), (48000, 16000), (8000, 16000)]


def resampled(x: np.ndarray, *rates: int, **settings: Any) -> np.ndarray:
    return to_numpy(quick(lambda value: kapre.functional.resample(value, *rates, **settings))(x))


def by_definition(x: np.ndarray, old: int, new: int, width: float, rolloff: float) -> np.ndarray:
    """Return `Σ_i x[i] k(i / old - p / new)`, output by output, with a Hann window."""
    cut = rolloff * min(old, new)
    y = np.zeros(-(-len(x) * new // old))
    for p in range(len(y)):
        t = (np.arange(len(x)) / old - p / new) * cut
        kernel = np.sinc(t) * np.cos(np.pi * t / (2 * width)) ** 2 * (np.abs(t) < width)
        y[p] = kernel @ x * cut / old
    return y


@pytest.mark.parametrize(("old", "new"), RATES)
def test_the_sum_that_the_docstring_states(old: int, new: int) -> None:
    x = chirp(1, 400)[0, :, 0]
    with float64():
        assert relative_error(resampled(x, old, new), by_definition(x, old, new, 6, 0.99)) <= 1e-12
        wider = resampled(x, old, new, lowpass_filter_width=9, rolloff=0.8)
        assert relative_error(wider, by_definition(x, old, new, 9, 0.8)) <= 1e-12
    assert relative_error(resampled(x.astype("float32"), old, new), by_definition(x, old, new, 6, 0.99)) <= 1e-6


@pytest.mark.parametrize(
    ("method", "error"), [("sinc_interp_hann", 5.1e-3), ("kaiser_fast", 3e-5), ("kaiser_best", 2e-8)]
)
def test_tones_are_the_truth(method: str, error: float) -> None:
    old, new, seconds = 44100, 16000, 0.3
    tones = np.array([100.0, 997.0, 4000.0, 5000.0])[:, None]
    x = np.sin(2 * np.pi * tones * np.arange(int(old * seconds)) / old)
    with float64():
        y = resampled(x, old, new, resampling_method=method)
    truth = np.sin(2 * np.pi * tones * np.arange(y.shape[1]) / new)
    found = np.abs(y - truth)[:, 200:-200].max()
    assert found <= error
    assert found > error / 3  # the docstring's figures are those


def test_a_tone_above_half_of_the_new_rate_is_gone() -> None:
    x = np.sin(2 * np.pi * 11000 * np.arange(20000) / 44100).astype("float32")
    y = resampled(x, 44100, 16000, resampling_method="kaiser_best")
    assert np.abs(y[400:-400]).max() <= 1e-5


def test_scipys_polyphase_filter() -> None:
    """With SciPy's own kernel replaced by ours at the rate `old * new`."""
    old, new = 7, 3
    reach = 40 * old * new
    t = np.arange(-reach, reach + 1) / (old * new) * 0.99 * new
    taps = np.sinc(t) * np.cos(np.pi * t / 12) ** 2 * (np.abs(t) < 6) * 0.99
    x = chirp(2, 500)[..., 0]
    right = scipy.signal.resample_poly(x, new, old, axis=1, window=taps / old)
    with float64():
        assert relative_error(resampled(x, old, new), right) <= 1e-12


if BACKEND == "torch":

    def test_torchaudio_and_resampy() -> None:
        import resampy
        import torch

        from tests.references._registry import torchaudio

        functional = torchaudio().functional
        x = chirp(2, 3001)[..., 0]
        kaiser: dict[str, Any] = dict(resampling_method="sinc_interp_kaiser")
        best = dict(lowpass_filter_width=64, rolloff=0.9475937167399596, beta=14.769656459379492)
        for old, new in RATES:
            for options, error in (({}, 1e-13), (dict(rolloff=0.8, **kaiser), 5e-8), (dict(**best, **kaiser), 5e-8)):
                right = functional.resample(torch.tensor(x), old, new, **options).numpy()
                assert relative_error(resampled(x, old, new, **options), right) <= error
                assert relative_error(resampled(x.astype("float32"), old, new, **options), right) <= 2e-6
        for name, sinc in resampling.NAMED.items():
            right = resampy.resample(
                x,
                44100,
                16000,
                filter="sinc_window",
                num_zeros=sinc.width,
                precision=12,
                rolloff=sinc.rolloff,
                window=lambda size, beta=sinc.beta: scipy.signal.windows.kaiser(size, beta),
            )
            got = resampled(x, 44100, 16000, resampling_method=name)[:, : right.shape[1]]
            assert relative_error(got, right) <= 4e-3
        for factor in (0.9, 1.1, 0.93):
            right = functional.speed(torch.tensor(x), 16000, factor)[0].numpy()
            assert relative_error(kapre.functional.speed(x, factor), right) <= 1e-13


@settings(max_examples=12 if BACKEND == "jax" else 40, deadline=None, derandomize=True)
@given(length=st.integers(0, 400), old=st.integers(1, 50), new=st.integers(1, 50), seed=st.integers(0, 99))
def test_any_length_and_any_rates(length: int, old: int, new: int, seed: int) -> None:
    x = np.random.default_rng(seed).standard_normal(length)
    with float64():
        y = resampled(x, old, new)
    right = x if old == new else by_definition(x, old, new, 6, 0.99)
    assert len(y) == -(-length * new // old)
    assert relative_error(y, right) <= 1e-11
    assert resampling.out_length(length, *resampling.check_rates(old, new, resampling.Sinc())) == len(y)


def test_lengths_do_not_overflow() -> None:
    length = 2**31 - 100
    got = resampling.out_length(ops.convert_to_tensor([length, 0, 1], dtype="int32"), 441, 160)
    assert to_numpy(got).tolist() == [-(-length * 160 // 441), 0, 1]


def test_unknown_batch_and_time_and_gradients() -> None:
    def up(x: Any) -> Any:
        return kapre.functional.resample(x, 200, 300)

    x = chirp(2, 301)[..., 0].astype("float32")
    assert np.isfinite(gradient(up, x)).all()
    if BACKEND == "tensorflow":
        import tensorflow as tf

        traced = tf.function(up, input_signature=[tf.TensorSpec((None, None), "float32")])
        for length in (0, 1, 65, 301):
            assert relative_error(traced(x[:, :length]), to_numpy(up(x[:, :length]))) <= 1e-6


def test_a_nan_reaches_no_other_item_and_not_far() -> None:
    x = chirp(2, 2000)[..., 0].astype("float32")
    clean = resampled(x, 3, 2)
    x[0, 500] = np.nan
    y = resampled(x, 3, 2)
    np.testing.assert_allclose(y[1], clean[1], atol=1e-6)
    where = np.flatnonzero(np.isnan(y[0]))
    assert where.size
    assert where.min() > 200
    assert where.max() < 500


@pytest.mark.parametrize("rates", [(44100, 16000), (8000, 16000)])
def test_a_padded_item_is_the_item_alone(rates: tuple[int, int]) -> None:
    layer = kapre.Resample(*rates)
    lengths = [900, 441, 1, 0]
    x = chirp(4, 900).astype("float32")
    mask = np.arange(900) < np.array(lengths)[:, None]
    batch = np.where(mask[..., None], x, np.nan).astype("float32")
    y = to_numpy(layer(batch, mask=ops.convert_to_tensor(mask)))
    counted = to_numpy(layer.compute_mask(batch, ops.convert_to_tensor(mask))).sum(axis=1)
    for item, length in enumerate(lengths):
        assert counted[item] == -(-length * rates[1] // rates[0])
        alone = to_numpy(layer(x[item : item + 1, :length]))
        assert relative_error(y[item : item + 1, : counted[item]], alone) <= 1e-6


def test_a_mask_goes_through_a_saved_model(tmp_path: Path) -> None:
    inputs = keras.Input((None, 1))
    hidden = kapre.Resample(300, 200)(keras.layers.Masking()(inputs))
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling1D()(hidden))  # over what the mask counts
    x = chirp(2, 600).astype("float32")
    x[1, 301:] = 0.0
    right = to_numpy(model(x[1:, :301]))
    np.testing.assert_allclose(to_numpy(model(x))[1:], right, atol=1e-6)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(to_numpy(again(x))[1:], right, atol=1e-6)


def test_equal_rates_and_dtypes() -> None:
    x = chirp(1, 50)[..., 0].astype("float32")
    np.testing.assert_array_equal(resampled(x, 8000, 8000), x)
    assert kapre.functional.resample(x.astype("float16"), 2, 1).dtype == ops.convert_to_tensor(x, "float16").dtype
    assert to_numpy(kapre.Resample(2, 1, dtype="float16")(x[..., None])).dtype == np.float16


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (dict(output_rate=16001), r"`output_rate` must be a rate whose kernel from 44100 Hz .* Use 16000, or"),
        (dict(input_rate=0), "`input_rate` must be a positive integer; received input_rate=0. Give it in Hz"),
        (dict(rolloff=1.5), r"`rolloff` must be a number above 0, at most 1; received rolloff=1\.5"),
        (dict(resampling_method="linear"), "`resampling_method` must be one of"),
        (
            dict(resampling_method="kaiser_best", rolloff=0.9),
            "`rolloff` must be None with resampling_method='kaiser_be",
        ),
        (dict(beta=3.0), "`beta` must be None with resampling_method='sinc_interp_hann'"),
        (dict(lowpass_filter_width=-1), "`lowpass_filter_width` must be a positive integer"),
    ],
)
def test_errors(change: dict[str, Any], words: str) -> None:
    arguments: dict[str, Any] = {**dict(input_rate=44100, output_rate=16000), **change}
    with pytest.raises(ValueError, match=words):
        kapre.Resample(**arguments)
    with pytest.raises(ValueError, match=words):
        kapre.functional.resample(np.zeros(3, "float32"), **arguments)


def test_other_libraries_names() -> None:
    for wrong, use in (("orig_freq", "input_rate"), ("orig_sr", "input_rate")):
        with pytest.raises(TypeError, match=f"Resample has no argument '{wrong}'. Use {use}."):
            kapre.Resample(output_rate=8000, **{wrong: 16000})
    for wrong, use in (("new_freq", "output_rate"), ("target_sr", "output_rate")):
        with pytest.raises(TypeError, match=f"resample has no argument '{wrong}'. Use {use}."):
            kapre.functional.resample(np.zeros(3), 16000, **{wrong: 8000})
    with pytest.raises(TypeError, match="pcm_to_float"):
        kapre.functional.resample(np.zeros(3, "int16"), 2, 1)
