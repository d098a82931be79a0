"""Convolution and recursive filters against SciPy, torchaudio and closed forms, whole and chunk by chunk."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import keras
import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops

import kapre
from kapre.ops import convolution, iir
from tests.conftest import BACKEND, chirp, float64, gradient, quick, relative_error, to_numpy

KINDS = get_args(iir.Kind)
BUTTERWORTH = scipy.signal.butter(6, [300, 3000], "bandpass", fs=16000, output="sos")
RNG = np.random.default_rng(0)


def filtered(x: np.ndarray, sos: Any, **options: Any) -> np.ndarray:
    return to_numpy(quick(lambda value: kapre.functional.iir_filter(value, sos, **options))(x))


def convolved(x: np.ndarray, taps: np.ndarray, mode: str) -> np.ndarray:
    return to_numpy(quick(lambda value: kapre.functional.fft_convolve(value, taps, mode))(x))


def test_fast_sizes_are_the_smallest() -> None:
    smooth = sorted(2 * 2**a * 3**b * 5**c for a in range(17) for b in range(11) for c in range(8))
    for size in (0, 1, 2, 3, 7, 11, 13, 64, 65, 97, 1001, 8101, 64001, 80000):
        assert convolution.fast_size(size) == next(each for each in smooth if each >= size)


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("taps", [1, 2, 37])
def test_scipys_convolution(mode: str, taps: int) -> None:
    x, h = chirp(2, 500)[..., 0], RNG.standard_normal(taps)
    right = np.stack([scipy.signal.convolve(item, h, mode) for item in x])
    with float64():
        assert relative_error(convolved(x, h, mode), right) <= 1e-13
    assert relative_error(convolved(x.astype("float32"), h, mode), right) <= 2e-6


@settings(max_examples=10 if BACKEND == "jax" else 40, deadline=None, derandomize=True)
@given(length=st.integers(0, 60), taps=st.integers(1, 40), mode=st.sampled_from(["full", "same", "valid"]))
def test_any_lengths(length: int, taps: int, mode: str) -> None:
    x, h = np.random.default_rng(length).standard_normal(length), np.random.default_rng(taps).standard_normal(taps)
    full = np.array(
        [sum(h[k] * x[n - k] for k in range(taps) if 0 <= n - k < length) for n in range(length + taps - 1)]
    )
    first = {"full": 0, "same": (taps - 1) // 2, "valid": taps - 1}[mode]
    size = {"full": length + taps - 1, "same": length, "valid": max(0, length - taps + 1)}[mode]
    with float64():
        assert relative_error(convolved(x, h, mode), full[first : first + size]) <= 1e-12


def test_a_long_clip_goes_in_blocks() -> None:
    x, h = RNG.standard_normal((1, (1 << 18) + 5)), RNG.standard_normal(300)
    right = scipy.signal.fftconvolve(x, h[None])
    assert relative_error(convolved(x.astype("float32"), h, "full"), right) <= 1e-6
    right = scipy.signal.sosfilt(BUTTERWORTH, x)
    assert relative_error(filtered(x.astype("float32"), BUTTERWORTH), right) <= 1e-6


def test_each_item_has_its_own_response() -> None:
    x, h = chirp(3, 200)[..., 0].astype("float32"), RNG.standard_normal((3, 20)).astype("float32")
    got = to_numpy(quick(kapre.functional.fft_convolve)(x, h))
    right = np.stack([np.convolve(*pair) for pair in zip(x.astype("float64"), h, strict=True)])
    assert relative_error(got, right) <= 1e-6
    h[1, 3] = np.nan
    again = to_numpy(quick(kapre.functional.fft_convolve)(x, h))
    np.testing.assert_allclose(again[[0, 2]], got[[0, 2]], atol=1e-6)
    slope = gradient(lambda taps: kapre.functional.fft_convolve(x[:1], taps, "same"), h[:1])
    assert np.isfinite(slope).all()
    assert slope.any()


def response_of(sos: np.ndarray, frequency: float, rate: float) -> complex:
    return complex(scipy.signal.sosfreqz(sos, [frequency], fs=rate)[1][0])


def test_designs_do_what_their_names_say() -> None:
    """At 0 Hz, at the frequency, and at half of the sample rate, in decibels."""
    low, peak, high = 1e-9, 1000.0, 8000.0 - 1e-9
    at = {kind: [20 * np.log10(abs(response_of(kapre.functional.biquad(kind, peak, 16000, 1.0, 6.0), f, 16000)) + 1e-9)
                 for f in (low, peak, high)] for kind in KINDS}  # fmt: skip
    nothing = -120.0
    right = {
        "lowpass": (0.0, 0.0, nothing),
        "highpass": (nothing, 0.0, 0.0),
        "bandpass": (nothing, 0.0, nothing),
        "bandstop": (0.0, nothing, 0.0),
        "allpass": (0.0, 0.0, 0.0),
        "lowshelf": (6.0, 3.0, 0.0),
        "highshelf": (0.0, 3.0, 6.0),
        "peaking": (0.0, 6.0, 0.0),
    }
    assert at.keys() == right.keys()
    for kind, values in at.items():
        for got, wanted in zip(values, right[kind], strict=True):
            assert got < -100.0 if wanted == nothing else abs(got - wanted) < 1e-4, (kind, values)


if BACKEND == "torch":

    def test_torchaudios_designs_and_filters() -> None:
        import torch

        from tests.references._registry import torchaudio

        functional = torchaudio().functional
        x = 0.1 * chirp(2, 2000)[..., 0]  # theirs clip at 1
        given = torch.tensor(x)
        rate, frequency = 16000, 700.0
        theirs = {
            "lowpass": functional.lowpass_biquad(given, rate, frequency, 0.9),
            "highpass": functional.highpass_biquad(given, rate, frequency, 0.9),
            "bandpass": functional.bandpass_biquad(given, rate, frequency, 0.9),
            "bandstop": functional.bandreject_biquad(given, rate, frequency, 0.9),
            "allpass": functional.allpass_biquad(given, rate, frequency, 0.9),
            "lowshelf": functional.bass_biquad(given, rate, 5.0, frequency, 0.9),
            "highshelf": functional.treble_biquad(given, rate, 5.0, frequency, 0.9),
            "peaking": functional.equalizer_biquad(given, rate, frequency, 5.0, 0.9),
        }
        for kind in KINDS:
            got = filtered(x, kapre.functional.biquad(kind, frequency, rate, 0.9, 5.0))
            assert relative_error(got, theirs[kind].numpy()) <= 1e-12, kind
        taps = torch.tensor(RNG.standard_normal((2, 30)))
        for mode in ("full", "same", "valid"):
            right = functional.fftconvolve(given, taps, mode).numpy()
            assert relative_error(kapre.functional.fft_convolve(given, taps, mode), right) <= 1e-13


@pytest.mark.parametrize(("frequency", "rate"), [(20.0, 48000), (1000.0, 16000)])
def test_scipys_recursion(frequency: float, rate: int) -> None:
    x = chirp(2, 3000)[..., 0]
    sos = np.concatenate([kapre.functional.biquad(kind, frequency, rate, 0.7, -6.0) for kind in KINDS[:1] + KINDS[5:]])
    right = scipy.signal.sosfilt(sos, x)
    with float64():
        assert relative_error(filtered(x, sos), right) <= 1e-10
    assert relative_error(filtered(x.astype("float32"), sos), right) <= 2e-6
    scaled = sos * np.array([2.0, -0.5, 3.0, 1.0])[:, None]  # a0 is not 1
    assert relative_error(filtered(x.astype("float32"), scaled), right) <= 2e-6


def test_tensors_have_the_formulas_of_numbers() -> None:
    frequencies, q, gains = np.array([[20.0], [300.0]]), np.array([0.5, 0.7, 4.0]), np.array([-12.0, 0.0, 5.0])
    for kind in KINDS:
        right = kapre.functional.biquad(kind, frequencies, 16000, q, gains)
        assert right.shape == (2, 3, 1, 6)
        given = [values.astype("float32") for values in (frequencies, q, gains)]
        design = quick(lambda f, q, g, kind=kind: kapre.functional.biquad(kind, f, 16000, q, g))
        assert relative_error(design(*map(ops.convert_to_tensor, given)), right) <= 1e-6
        with float64():
            tensors = [ops.convert_to_tensor(values, dtype="float64") for values in (frequencies, q, gains)]
            assert relative_error(design(*tensors), right) <= 1e-14


def test_low_frequencies_keep_their_digits_in_float32() -> None:
    x = chirp(2, 3000)[..., 0]
    right = scipy.signal.sosfilt(kapre.functional.biquad("highpass", 20.0, 48000), x)

    def of_tensor(x: Any, frequency: Any) -> Any:
        return iir.apply(x, iir.design("highpass", frequency, 48000, 0.707)[..., None, :, :], 16000)

    frequency = np.full((2,), 20.0, "float32")
    got = quick(of_tensor)(*map(ops.convert_to_tensor, (x.astype("float32"), frequency)))
    assert relative_error(got, right) <= 1e-6


def test_each_item_has_its_own_filter_and_all_coefficients_have_slopes() -> None:
    x = chirp(3, 400, 2).swapaxes(1, 2).astype("float32")
    sos = kapre.functional.biquad("peaking", np.array([200.0, 1000.0, 4000.0]), 16000, 1.0, 9.0)[:, None]
    right = np.stack([scipy.signal.sosfilt(own[0], item) for own, item in zip(sos, x.astype("float64"), strict=True)])
    assert relative_error(filtered(x, sos), right) <= 1e-6
    as_tensor = quick(lambda x, sos: kapre.functional.iir_filter(x, sos, decay=2000))
    given = sos.astype("float32")
    assert relative_error(as_tensor(*map(ops.convert_to_tensor, (x, given))), right) <= 1e-5
    slope = gradient(lambda value: kapre.functional.iir_filter(x, value, decay=2000), given)
    with float64():
        exact, d = x.astype("float64"), 1e-6
        for i in range(6):  # by differences of SciPy's recursion
            both = []
            for sign in (1, -1):
                moved = sos[0, 0, 0].copy()
                moved[i] += sign * d
                b, a = moved[:3], moved[3:]
                both.append((scipy.signal.lfilter(b, a, exact[0]) ** 2).sum())
            assert abs(slope[0, 0, 0, i] - (both[0] - both[1]) / (2 * d)) <= 1e-3 * np.abs(slope[0]).max()


@pytest.mark.parametrize("cuts", [[], [1, 1, 3, 0, 6, 1]])
def test_a_stream_gives_the_numbers_of_the_clip(cuts: list[int]) -> None:
    x = RNG.standard_normal((2, sum(cuts) + 40))
    step = quick(lambda x, state: iir.step(x, state, iir.sections(BUTTERWORTH), 2000))
    with float64():
        tensor = ops.convert_to_tensor(x)
        state, parts, at = iir.start(tensor, len(BUTTERWORTH)), [], 0
        for size in [*cuts, 40]:
            y, state = step(tensor[:, at : at + size], state)
            parts.append(to_numpy(y))
            at += size
        assert tuple(state.shape) == (2, len(BUTTERWORTH), 2)
    assert relative_error(np.concatenate(parts, axis=1), scipy.signal.sosfilt(BUTTERWORTH, x)) <= 1e-10


@pytest.mark.parametrize("coefficient", [0.97, -0.5, 0.0])
def test_preemphasis_and_back(coefficient: float) -> None:
    x = chirp(2, 1000)[..., 0]
    right = scipy.signal.lfilter([1.0, -coefficient], [1.0], x)
    with float64():
        emphasised = kapre.functional.preemphasis(x, coefficient)
        assert relative_error(emphasised, right) <= 1e-14
        assert relative_error(kapre.functional.deemphasis(emphasised, coefficient), x) <= 1e-12
    right = scipy.signal.lfilter([1.0], [1.0, -coefficient], x)
    assert relative_error(kapre.functional.deemphasis(x.astype("float32"), coefficient), right) <= 1e-6


@pytest.mark.parametrize("length", [0, 1, 5])
def test_short_clips(length: int) -> None:
    x = chirp(2, 5)[..., 0][:, :length].astype("float32")
    right = scipy.signal.sosfilt(BUTTERWORTH, x) if length else x
    assert relative_error(kapre.functional.iir_filter(x, BUTTERWORTH), right) <= 1e-5
    assert relative_error(kapre.functional.deemphasis(x), scipy.signal.lfilter([1], [1, -0.97], x)) <= 1e-6


def test_unknown_batch_and_time() -> None:
    taps = RNG.standard_normal(21)

    def both(x: Any) -> Any:
        return kapre.functional.fft_convolve(kapre.functional.iir_filter(x, BUTTERWORTH), taps, "valid")

    x = RNG.standard_normal((2, 40000)).astype("float32")
    right = to_numpy(quick(both)(x))
    if BACKEND == "tensorflow":
        import tensorflow as tf

        traced = tf.function(both, input_signature=[tf.TensorSpec((None, None), "float32")])
        for length in (0, 1, 20, 21, 300):
            assert relative_error(traced(x[:, :length]), to_numpy(both(x[:, :length]))) <= 1e-5
        assert relative_error(traced(x), right) <= 1e-5
    alone = to_numpy(quick(both)(x[:1]))
    assert relative_error(right[:1], alone) <= 1e-6


def test_an_item_is_the_same_beside_a_loud_or_broken_one() -> None:
    x = RNG.standard_normal((2, 500)).astype("float32")
    alone = filtered(x[:1], BUTTERWORTH)
    for broken in (np.nan, np.inf, 1e6):
        x[1, 100] = broken
        y = filtered(x, BUTTERWORTH)
        assert relative_error(y[:1], alone) <= 1e-6
        assert np.isfinite(y[1]).all() == np.isfinite(broken)


def test_trained_coefficients(tmp_path: Path) -> None:
    start = kapre.functional.biquad("lowpass", 2000.0, 16000)
    x = RNG.standard_normal((16, 300, 1)).astype("float32")
    wanted = scipy.signal.sosfilt(scipy.signal.butter(2, 3000, fs=16000, output="sos"), x, axis=1)
    layer = kapre.IIRFilter(start, trainable_sos=True)
    model = keras.Sequential([keras.Input((None, 1)), layer])
    np.testing.assert_allclose(to_numpy(model(x)), to_numpy(kapre.IIRFilter(start)(x)), atol=1e-5)
    model.compile(keras.optimizers.Adam(0.03), "mse")
    loss = model.fit(x, wanted.astype("float32"), epochs=20, batch_size=8, verbose=0).history["loss"]
    assert loss[-1] < 0.1 * loss[0]
    right = scipy.signal.sosfilt(layer.current_sos(), x, axis=1)
    assert relative_error(layer(x), right) <= 1e-5  # an eager call has the trained values too
    layer.trainable = False
    model = keras.Sequential([keras.Input((None, 1)), layer])
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(to_numpy(again(x)), to_numpy(model(x)))
    np.testing.assert_array_equal(again.layers[0].current_sos(), layer.current_sos())
    assert again.layers[0].trainable_weights == []


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: kapre.functional.fft_convolve(x, np.ones(2), "circular"), "`mode` must be one of 'full', 'same'"),
        (lambda x: kapre.functional.fft_convolve(x, np.ones(0)), "`kernel` must be of a known length, at least 1"),
        (lambda x: kapre.Convolve([]), "`kernel` must be a sequence of finite numbers, at least one"),
        (lambda x: kapre.Convolve(np.ones((2, 3))), r"`kernel` must be .*; received kernel='shape \(2, 3\)'"),
        (lambda x: kapre.functional.biquad("notch", 100.0, 16000), "`kind` must be one of 'lowpass'"),
        (lambda x: kapre.functional.biquad("lowpass", 8000.0, 16000), "`frequency` must be above 0 and below half of"),
        (lambda x: kapre.functional.biquad("lowpass", 800.0, 16000, q=0.0), "`q` must be positive and finite"),
        (lambda x: kapre.functional.iir_filter(x, np.ones(6)), r"`sos` must be of shape \(\.\.\., sections, 6\)"),
        (lambda x: kapre.functional.iir_filter(x, [[1, 0, 0, 1, -1, 0]]), "`sos` must be of poles within the unit"),
        (lambda x: kapre.functional.iir_filter(x, [[1, 0, 0, 0, -1, 0]]), r"`sos` must be finite, with a0"),
        (lambda x: kapre.functional.iir_filter(x, ops.ones((1, 6))), "`decay` must be given where sos is a tensor"),
        (lambda x: kapre.IIRFilter(np.ones((2, 1, 6))), r"`sos` must be of shape \(sections, 6\)"),
        (lambda x: kapre.functional.deemphasis(x, 1.0), "`coefficient` must be a number above -1 and below 1"),
    ],
)
def test_errors(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call(np.zeros(3, "float32"))
    with pytest.raises(TypeError, match="pcm_to_float"):
        kapre.functional.iir_filter(np.zeros(3, "int16"), BUTTERWORTH)
