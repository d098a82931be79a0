"""Parts of augmentations by the compiled library, by themselves: against NumPy and SciPy in float64."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from kapre import _native
from kapre.ops import iir
from kapre.ops.kernels import _native_effects
from kapre.ops.kernels._native_effects import Effects, block_size
from tests.native.cases import CANARY, HERE

LOADED = _native.library()
AROUND = 7
TIMES = st.sampled_from([0, 1, 2, 7, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 129, 1000]) | st.integers(0, 3000)
BATCHES = st.integers(1, 9)
SEEDS = st.integers(0, 2**32 - 1)
on_each = pytest.mark.parametrize("instructions", HERE)
often = settings(max_examples=60, deadline=None, derandomize=True)


@pytest.fixture(autouse=True, scope="module")
def fresh() -> Iterator[None]:
    """Give out memory with NaN in it, and with numbers around it that must stay."""
    given: list[np.ndarray] = []
    whole = _native_effects._fresh

    def poisoned(shape: tuple[int, ...]) -> np.ndarray:
        size = int(np.prod(shape))
        memory = np.full(AROUND + size + AROUND, np.nan, "float32")
        memory[:AROUND] = memory[AROUND + size :] = CANARY
        given.append(memory)
        return memory[AROUND : AROUND + size].reshape(shape)

    _native_effects._fresh = poisoned
    yield
    _native_effects._fresh = whole
    assert given
    for memory in given:
        assert (memory[:AROUND] == CANARY).all()
        assert (memory[len(memory) - AROUND :] == CANARY).all()


def effects(instructions: str | None = None, threads: int = 1) -> Effects:
    assert LOADED is not None
    return Effects(LOADED, lambda: threads, instructions)


def array(rng: np.random.Generator, *shape: int, apart: bool = False) -> np.ndarray:
    """Return noise that cannot be written to, with its last axes exchanged in memory if they are to lie apart."""
    x = rng.standard_normal(shape).astype("float32") * 0.1
    x = x.swapaxes(-1, -2).copy().swapaxes(-1, -2) if apart else x
    x.flags.writeable = False
    return x


def close(y: np.ndarray, right: np.ndarray, error: float = 2e-6) -> None:
    assert y.dtype == np.float32
    assert y.shape == right.shape
    np.testing.assert_allclose(y, right, rtol=0, atol=error * max(np.abs(right).max(initial=0.0), 1e-20))


def white(keys: np.ndarray, size: int) -> np.ndarray:
    """Return the noise of keys `(n, 2)` in float64."""
    mask = 0xFFFFFFFF

    def mixed(x: int) -> int:
        x = (x ^ (x >> 16)) * 0x85EBCA6B & mask
        x = (x ^ (x >> 13)) * 0xC2B2AE35 & mask
        return x ^ (x >> 16)

    rows = []
    for first, second in keys.tolist():
        row = []
        for place in range((size + 1) // 2):
            bits = mixed(mixed((place * 0x9E3779B9 + first) & mask) ^ (second & mask))
            radius = np.sqrt(-2.0 * np.log(((bits >> 9) + 0.5) / 2**23))
            angle = 2.0 * np.pi * ((mixed((bits + 0x7F4A7C15) & mask) >> 9) + 0.5) / 2**23
            row += [radius * np.cos(angle), radius * np.sin(angle)]
        rows.append(row[:size])
    return np.array(rows).reshape(len(keys), size)


def random_keys(rng: np.random.Generator, *lead: int) -> np.ndarray:
    return rng.integers(-(2**31), 2**31, (*lead, 2)).astype("int32")


@on_each
@settings(max_examples=20, deadline=None, derandomize=True)
@given(BATCHES, st.sampled_from([0, 1, 2, 31, 32, 33, 64, 65, 500]), SEEDS)
def test_white_noise_is_a_function_of_its_keys(instructions: str, rows: int, size: int, seed: int) -> None:
    keys = random_keys(np.random.default_rng(seed), rows)
    close(effects(instructions).white(keys, size), white(keys, size), 5e-7)


def mixture(
    x: np.ndarray, noise: np.ndarray, ratio: np.ndarray, lengths: np.ndarray | None, per_channel: bool, adds: bool
) -> np.ndarray:
    """Return the sum of a signal and scaled noise in float64."""
    x, noise = x.astype("float64"), np.broadcast_to(noise.astype("float64"), (*noise.shape[:2], x.shape[2]))
    if lengths is not None:
        noise = np.where(np.arange(x.shape[2]) < lengths[:, None, None], noise, 0.0)
    axes = 2 if per_channel else (1, 2)
    signal = (x**2).sum(axes, keepdims=True) / (1 if per_channel else x.shape[1])
    level = (noise**2).sum(axes, keepdims=True) / (1 if per_channel else noise.shape[1])
    gain = np.sqrt(np.divide(signal, level, out=np.zeros_like(signal + level), where=level > 0.0))
    scaled = noise * (gain * ratio[..., None])
    return x + scaled if adds else np.broadcast_to(scaled, x.shape)


@on_each
@often
@given(BATCHES, st.integers(1, 3), TIMES, SEEDS, st.booleans(), st.booleans(), st.booleans(), st.sampled_from("kon"))
def test_a_mixture_has_its_ratio(
    instructions: str, batch: int, channels: int, time: int, seed: int, counts: bool, apart: bool, adds: bool, kind: str
) -> None:
    rng = np.random.default_rng(seed)
    per_channel = bool(rng.integers(2))
    lengths = rng.integers(0, time + 1, batch) if counts else None
    x = array(rng, batch, channels, time, apart=apart)
    if lengths is not None:
        x = np.where(np.arange(time) < lengths[:, None, None], x, np.float32(0.0))
    groups = channels if per_channel else 1
    ratio = rng.random((batch, groups)).astype("float32")
    run = effects(instructions).mixed
    if kind == "k":
        keys = random_keys(rng, batch, groups)
        sound = effects(instructions).white(keys, time)
        y = run(x, None, keys, ratio, lengths, per_channel, adds, True)
    else:
        sound = array(rng, batch, groups if kind == "o" else channels, time)
        sound = np.where(rng.random((batch, 1, 1)) < 0.2, np.float32(0.0), sound)  # some are silent
        y = run(x, sound, None, ratio, lengths, per_channel, adds, False)
    close(y, mixture(x, sound, ratio, lengths, per_channel, adds))


def test_the_memory_of_noise_is_used_again_if_it_may_be() -> None:
    rng = np.random.default_rng(0)
    x, ratio = array(rng, 3, 2, 100), np.ones((3, 1), "float32")
    for noise, reuses in ((rng.random((3, 2, 100), "float32"), True), (rng.random((3, 2, 100), "float32"), False)):
        right = mixture(x, noise, ratio, None, False, True)
        before = noise.copy()
        y = effects().mixed(x, noise, None, ratio, None, False, True, reuses)
        close(y, right)
        assert np.shares_memory(y, noise) == reuses
        assert reuses or np.array_equal(noise, before)


def random_sections(rng: np.random.Generator, *lead: int) -> np.ndarray:
    """Return the sums of sections of several kinds, also near 0 Hz."""
    kinds: tuple[Any, ...] = ("lowpass", "highpass", "bandpass", "peaking", "lowshelf", "highshelf", "bandstop")
    made = [
        iir.design(kinds[rng.integers(len(kinds))], np.exp(rng.uniform(np.log(15.0), np.log(7200.0))), 16000.0, q, gain)
        for q, gain in zip(rng.uniform(0.3, 5.0, np.prod(lead)), rng.uniform(-12.0, 12.0, np.prod(lead)), strict=True)
    ]
    return np.stack(made).reshape(*lead, 2, 3).astype("float32")


@on_each
@often
@given(BATCHES, st.integers(1, 3), TIMES, st.integers(1, 7), SEEDS, st.booleans(), st.booleans())
def test_sections_are_those_of_scipy(
    instructions: str, batch: int, channels: int, time: int, count: int, seed: int, apart: bool, shared: bool
) -> None:
    rng = np.random.default_rng(seed)
    x = array(rng, batch, channels, time, apart=apart)
    sums = random_sections(rng, batch, 1 if shared else channels, count)
    y = effects(instructions).filtered(x, sums)
    right = np.zeros(x.shape)
    for item, channel in np.ndindex(batch, channels):
        own = sums[item, 0 if shared else channel].astype("float64")
        sos = iir.coefficients(own) / (0.5 * (own[:, 1, 1] + own[:, 1, 2]))[:, None]
        sos[:, 3] = 1.0
        if time:
            right[item, channel] = scipy.signal.sosfilt(sos, x[item, channel].astype("float64"))
    close(y, right, 1e-6)


@on_each
@often
@given(BATCHES, st.integers(1, 2), TIMES, st.sampled_from([1, 2, 3, 64, 100, 777, 5000]), SEEDS, st.booleans())
def test_convolutions_are_those_of_numpy(
    instructions: str, batch: int, channels: int, time: int, taps: int, seed: int, apart: bool
) -> None:
    rng = np.random.default_rng(seed)
    x = array(rng, batch, channels, time, apart=apart)
    responses = array(rng, int(rng.integers(1, 5)), taps)
    which = rng.integers(0, len(responses), (batch, channels))
    starts = rng.integers(0, taps, (batch, 1))
    size = int(rng.integers(0, time + 1)) if time else 0
    y = effects(instructions).convolved(x, responses, which, starts, size)
    right = np.zeros((batch, channels, size))
    for item, channel in np.ndindex(batch, channels):
        if time:
            own = responses[which[item, channel]].astype("float64")
            whole = scipy.signal.fftconvolve(x[item, channel].astype("float64"), own)
            whole = np.pad(whole, (0, size + taps))
            right[item, channel] = whole[starts[item, 0] :][:size]
    assert y is not None
    close(y, right)


@pytest.mark.parametrize(("size", "taps"), [(64000, 8000), (64000, 4096), (100000, 20000), (17, 28_000), (24577, 8193)])
def test_long_convolutions(size: int, taps: int) -> None:
    rng = np.random.default_rng(size)
    x, responses = array(rng, 3, size), array(rng, 3, taps)
    y = effects(threads=2).convolved(x, responses, np.arange(3), np.array(taps // 3), size)
    assert y is not None
    whole = np.fft.irfft(np.fft.rfft(x, 262144) * np.fft.rfft(responses, 262144), 262144)
    close(y, whole[:, taps // 3 :][:, :size])


def test_responses_can_be_too_long() -> None:
    x = np.zeros((1, 10), "float32")
    responses = np.zeros((1, 32769), "float32")
    assert effects().convolved(x, responses, np.zeros(1), np.zeros(1), 10) is None


@often
@given(BATCHES, st.integers(1, 3000), st.integers(1, 5), SEEDS, st.sampled_from("nwise"))
def test_order_statistics_are_those_of_a_sort(rows: int, time: int, count: int, seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    x = array(rng, rows, time, apart=True).copy()
    if kind == "w":
        x = np.round(x, 1)  # many are equal
    elif kind == "i":
        x[rng.random(x.shape) < 0.1] = np.inf
        x[rng.random(x.shape) < 0.1] = -np.inf
    elif kind == "s":
        x[rng.random(x.shape) < 0.2] = np.nan
        x[rng.random(x.shape) < 0.1] = -np.float32(np.nan)
    elif kind == "e":
        x = x * np.float32(1e-44)
    places = rng.integers(0, time, (rows, count))
    places[:, 0] = rng.choice([0, time - 1])
    found = effects().order_statistics(x, places)
    assert found is not None
    ordered = np.sort(x, axis=-1)
    np.testing.assert_array_equal(found[0], np.take_along_axis(ordered, places, -1))
    np.testing.assert_array_equal(found[1], np.take_along_axis(ordered, np.minimum(places + 1, time - 1), -1))


def results(threads: int, instructions: str | None, rows: slice = slice(None)) -> list[np.ndarray]:
    """Return what all functions make of some rows of a batch that is worth several threads."""
    rng = np.random.default_rng(5)
    x, responses = array(rng, 20, 2, 20011), array(rng, 20, 2, 700)
    keys, sums = random_keys(rng, 20, 1), random_sections(rng, 20, 1, 3)
    ratio, places = rng.random((20, 1), "float32"), rng.integers(0, 20011, (20, 2, 2))
    x, responses, keys, sums, ratio, places = (each[rows] for each in (x, responses, keys, sums, ratio, places))
    own = effects(instructions, threads)
    which = np.arange(2 * len(x)).reshape(len(x), 2)
    convolved = own.convolved(x, responses.reshape(-1, 700), which, np.array(3), 20000)
    statistics = own.order_statistics(x, places)
    assert convolved is not None
    assert statistics is not None
    white, mixed = own.white(keys, 20011), own.mixed(x, None, keys, ratio, None, False, True, True)
    return [white, mixed, own.filtered(x, sums), convolved, *statistics]


@on_each
def test_results_have_the_same_bits_for_any_number_of_threads_and_any_batch(instructions: str) -> None:
    one = results(1, instructions)
    for threads in (2, 5):
        for y, right in zip(results(threads, instructions), one, strict=True):
            np.testing.assert_array_equal(y, right)
    for rows in (slice(3, 4), slice(2, 7), slice(0, 9)):
        for y, right in zip(results(1, instructions, rows), one, strict=True):
            np.testing.assert_array_equal(y, right[rows])


def test_many_threads_may_call_at_once() -> None:
    right = results(1, None)
    wrong: list[int] = []

    def call(number: int) -> None:
        for y, same in zip(results(1, None), right, strict=True):
            if not np.array_equal(y, same):
                wrong.append(number)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_silence_behind_sound_becomes_0() -> None:
    """A state that decays does not end among numbers that are slow to compute with."""
    x = np.zeros((1, 1, 400000), "float32")
    x[..., 0] = 1.0
    sums = iir.design("lowpass", 1000.0, 16000.0, 0.7)[None, None, None].astype("float32")
    assert (effects().filtered(x, sums)[..., 5000:] == 0.0).all()


def test_wrong_calls_are_refused() -> None:
    assert LOADED is not None
    x = np.zeros((1, 10), "float32")
    with pytest.raises(RuntimeError, match="lacks the instruction set"):
        effects("other").white(np.zeros((1, 2), "int32"), 3)
    with pytest.raises(RuntimeError, match="places must be"):
        effects().order_statistics(x, np.array([[10]]))
    with pytest.raises(RuntimeError, match="which must name"):
        effects().convolved(x, x, np.array([1]), np.array([0]), 10)
    with pytest.raises(RuntimeError, match="count at least 1"):
        effects().filtered(x[None], np.zeros((1, 1, 0, 2, 3), "float32"))
    for function in (LOADED.filter, LOADED.mix, LOADED.select):
        assert function(None, None, 0) == 2


@pytest.mark.parametrize("taps", [1, 300, 28_000, 28_673, 32_767, 32_768, 40_000])
def test_blocks_give_a_good_part_of_their_samples(taps: int) -> None:
    """A response about as long as the longest DFT would take a DFT for each sample: it is left to the framework."""
    points = block_size(160_000, taps)
    assert (points is None) == (taps > 28_673)
    assert points is None or points - taps + 1 >= points // 8
