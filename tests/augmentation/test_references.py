"""Every augmentation beside an independent reference that is given the same parameters, item by item."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.signal
import scipy.stats
from keras import ops

import kapre
from kapre import augmentation
from kapre.ops import noise
from tests.augmentation.calls import drawn, example, replayed
from tests.augmentations import AUGMENTATIONS, BANK
from tests.conftest import BACKEND, relative_error, to_numpy

Reference = Callable[[np.ndarray, dict[str, np.ndarray]], np.ndarray]
"""From the valid samples of an item, `(channel, time)` or `(channel, frame, bin)`, in float64, and its parameters."""


def scaled(signal: np.ndarray, sound: np.ndarray, snr_db: float) -> np.ndarray:
    """Return noise at a ratio to a signal, both `(channel, time)`: by decibels of mean squares."""
    levels = [10.0 * np.log10(np.mean(part**2)) for part in (signal, sound)]
    return sound * 10.0 ** ((levels[0] - levels[1] - snr_db) / 20.0)


def hashed(x: np.ndarray) -> np.ndarray:
    """Return the finaliser of MurmurHash3, in the arithmetic of uint32."""
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    x = (x ^ (x >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return x ^ (x >> np.uint32(16))


def gaussian(key: np.ndarray, size: int) -> np.ndarray:
    first, second = key.astype("int32").view("uint32")
    places = np.arange((size + 1) // 2, dtype="uint32")
    bits = hashed(hashed(places * np.uint32(0x9E3779B9) + first) ^ second)
    one, two = (((each >> np.uint32(9)) + 0.5) / 2**23 for each in (bits, hashed(bits + np.uint32(0x7F4A7C15))))
    z = np.sqrt(-2.0 * np.log(one)) * np.exp(2j * np.pi * two)
    return np.stack([z.real, z.imag], axis=-1).ravel()[:size]


def colored(key: np.ndarray, exponent: float, size: int) -> np.ndarray:
    """Return noise through a filter whose response is that of the colour, by SciPy's convolution."""
    frequencies = np.arange(noise.TAPS // 2 + 1) / (noise.TAPS // 2)
    response = np.zeros_like(frequencies)
    response[1:] = frequencies[1:] ** (-exponent / 2.0)
    taps = np.roll(np.fft.irfft(response), noise.TAPS // 2) * scipy.signal.windows.hann(noise.TAPS, sym=False)
    return scipy.signal.oaconvolve(gaussian(key, size + noise.TAPS - 1), taps, mode="valid")


def shifted(x: np.ndarray, samples: int) -> np.ndarray:
    length = x.shape[1]
    room = np.pad(x, ((0, 0), (length + abs(samples), length + abs(samples))))
    start = length + abs(samples) - samples
    return room[:, start : start + length]


def faded(x: np.ndarray, fade_in: int, fade_out: int) -> np.ndarray:
    x = x.copy()
    for size, ends in ((fade_in, slice(0, fade_in)), (fade_out, slice(x.shape[1] - fade_out, None))):
        gain = 0.5 - 0.5 * np.cos(np.pi * np.linspace(0.0, 1.0, size))
        if ends.stop is not None or size > 1:  # a fade-out of one sample changes nothing
            x[:, ends] *= gain if ends.stop is not None else gain[::-1]
    return x


def without(x: np.ndarray, hidden: list[tuple[Any, ...]]) -> np.ndarray:
    x = x.copy()
    for where in hidden:
        x[where] = 0.0
    return x


def recorded(p: dict[str, np.ndarray], size: int) -> np.ndarray:
    return np.take(BANK[p["index"][0]], p["offset"][0] + np.arange(size), mode="wrap")[None]


EVERY = slice(None)


def moved(x: np.ndarray, p: dict[str, np.ndarray]) -> np.ndarray:
    """Warp time by `np.interp`, then hide the masks."""
    last, point, shift = x.shape[1] - 1, p["warp_point"][0], p["warp_shift"][0]
    places = np.arange(x.shape[1])
    sources = np.interp(places, [0.0, point + shift, last], [0.0, point, last])
    y = np.apply_along_axis(lambda row: np.interp(sources, places, row), 1, x)
    return without(y, [(EVERY, slice(a, b)) for a, b in zip(p["time_start"], p["time_end"], strict=True)])


def rolled(x: np.ndarray, bins: int) -> np.ndarray:
    """Shift frequency, and repeat the edge."""
    return np.take(x, np.arange(x.shape[2]) - bins, axis=2, mode="clip")


def warped(x: np.ndarray, factor: float) -> np.ndarray:
    """Invert the warp of frequency on a fine grid."""
    fine, cut = np.linspace(0.0, 8000.0, 400_001), 4800.0 * min(factor, 1.0)
    upper = 8000.0 - (8000.0 - cut) / (8000.0 - cut / factor) * (8000.0 - fine)
    bins = np.linspace(0.0, 8000.0, x.shape[2])
    sources = np.interp(bins, np.where(fine <= cut / factor, fine * factor, upper), fine)
    return np.apply_along_axis(lambda row: np.interp(sources, bins, row), 2, x)


def sloped(x: np.ndarray, edges: np.ndarray, gains: np.ndarray) -> np.ndarray:
    """Multiply powers by gains on straight lines between edges."""
    of_bin = np.zeros(x.shape[2])
    for band, (start, end) in enumerate(itertools.pairwise(edges)):
        of_bin[start:end] = np.linspace(gains[band], gains[band + 1], end - start, endpoint=False)
    return x * 10.0 ** (of_bin / 10.0)


def section(kind: str, frequency: float, q: float, gain_db: float) -> np.ndarray:
    """Return b and a of the cookbook's filters, as in its text."""
    w, a = 2.0 * np.pi * frequency / RATE, 10.0 ** (gain_db / 40.0)
    c, alpha = np.cos(w), np.sin(w) / (2.0 * q)
    r = 2.0 * np.sqrt(a) * alpha
    of = {
        "lowpass": ([(1 - c) / 2, 1 - c, (1 - c) / 2], [1 + alpha, -2 * c, 1 - alpha]),
        "highpass": ([(1 + c) / 2, -(1 + c), (1 + c) / 2], [1 + alpha, -2 * c, 1 - alpha]),
        "bandpass": ([alpha, 0, -alpha], [1 + alpha, -2 * c, 1 - alpha]),
        "bandstop": ([1, -2 * c, 1], [1 + alpha, -2 * c, 1 - alpha]),
        "peaking": ([1 + alpha * a, -2 * c, 1 - alpha * a], [1 + alpha / a, -2 * c, 1 - alpha / a]),
        "lowshelf": (
            [a * (a + 1 - (a - 1) * c + r), 2 * a * (a - 1 - (a + 1) * c), a * (a + 1 - (a - 1) * c - r)],
            [a + 1 + (a - 1) * c + r, -2 * (a - 1 + (a + 1) * c), a + 1 + (a - 1) * c - r],
        ),
        "highshelf": (
            [a * (a + 1 + (a - 1) * c + r), -2 * a * (a - 1 + (a + 1) * c), a * (a + 1 + (a - 1) * c - r)],
            [a + 1 - (a - 1) * c + r, 2 * (a - 1 - (a + 1) * c), a + 1 - (a - 1) * c - r],
        ),
    }
    return np.concatenate(of[kind])


def filtered(x: np.ndarray, p: dict[str, np.ndarray]) -> np.ndarray:
    found = section(KINDS[int(p["kind"][0])], p["frequency_hz"][0], p["q"][0], p["gain_db"][0])
    return scipy.signal.lfilter(found[:3], found[3:], x)


def equalized(x: np.ndarray, gains: np.ndarray) -> np.ndarray:
    for center, gain in zip((60, 150, 400, 1000, 2400, 6000), gains, strict=True):
        found = section("peaking", center, 1.0, gain)
        x = scipy.signal.lfilter(found[:3], found[3:], x)
    return x


def echoed(x: np.ndarray, p: dict[str, np.ndarray]) -> np.ndarray:
    """Convolve with decaying noise behind a unit impulse, at the level of the input."""
    times = np.arange(160) / RATE
    tail = gaussian(p["key"][0], 160) * 10.0 ** (-3.0 * times / p["t60_seconds"][0])
    tail[0] = 0.0
    response = tail * 10.0 ** (-p["direct_to_reverberant_db"][0] / 20.0) / np.sqrt((tail**2).sum())
    response[0] = 1.0
    y = np.stack([np.convolve(row, response)[: x.shape[1]] for row in x])
    return y * np.sqrt((x**2).mean() / (y**2).mean())


def on_the_line(x: np.ndarray) -> np.ndarray:
    """Filter as a Butterworth band, and compand at 8 kHz. `tests/test_resample.py` has the references of the rates."""
    for kind, frequency in (("highpass", 300.0), ("lowpass", 3400.0)):
        x = scipy.signal.sosfilt(scipy.signal.butter(4, frequency, kind, fs=RATE, output="sos"), x)
    low = np.asarray(kapre.functional.resample(x, RATE, 8000, resampling_method="kaiser_best"))
    size = np.minimum(np.abs(low), 1.0)
    curve = np.sign(low) * np.log1p(255.0 * size) / np.log(256.0)
    steps = np.round(curve * 127.0) / 127.0
    low = np.sign(steps) * (256.0 ** np.abs(steps) - 1.0) / 255.0
    return np.asarray(kapre.functional.resample(low, 8000, RATE, resampling_method="kaiser_best"))[:, : x.shape[1]]


def shifted_in_pitch(x: np.ndarray, steps: int) -> np.ndarray:
    """Return what `tests/test_phase_vocoder.py` compares with librosa and torchaudio."""
    return np.asarray(kapre.functional.pitch_shift(x, steps, n_fft=32))


RATE = 16000
KINDS = ("lowpass", "highpass", "bandpass", "bandstop", "lowshelf", "highshelf", "peaking")
REFERENCES: dict[str, tuple[Reference, float]] = {
    "ChannelSwap": (lambda x, p: x[p["order"]], 0.0),
    "SpecAugment": (
        lambda x, p: without(
            x,
            [(EVERY, slice(a, b)) for a, b in zip(p["time_start"], p["time_end"], strict=True)]
            + [(EVERY, EVERY, slice(a, b)) for a, b in zip(p["freq_start"], p["freq_end"], strict=True)],
        ),
        0.0,
    ),
    "SpecAugment, warp": (moved, 5e-5),
    "FrequencyShift": (lambda x, p: rolled(x, p["shift"][0]), 0.0),
    "VTLP": (lambda x, p: warped(x, p["factor"][0]), 1e-4),
    "FilterAugment": (lambda x, p: sloped(x, p["boundaries"][0], p["gain_db"][0]), 1e-5),
    "RandomFilter": (filtered, 5e-5),
    "RandomEqualizer": (lambda x, p: equalized(x, p["gain_db"][0]), 2e-6),
    "Reverb": (echoed, 2e-6),
    "PitchShift": (lambda x, p: shifted_in_pitch(x, (-3, 2, 4)[p["index"][0]]), 1e-3),
    "Telephone": (lambda x, p: on_the_line(x), 2e-2),
    "RandomGain": (lambda x, p: x * 10.0 ** (p["gain_db"][0] / 20.0), 1e-6),
    "PolarityInversion": (lambda x, p: -x, 0.0),
    "TimeInversion": (lambda x, p: x[:, ::-1], 0.0),
    "RandomShift": (lambda x, p: np.roll(x, p["shift_samples"][0], axis=1), 0.0),
    "RandomShift, zeros": (lambda x, p: shifted(x, p["shift_samples"][0]), 0.0),
    "RandomCrop": (lambda x, p: x[:, p["start"][0] : p["start"][0] + 50], 0.0),
    "Fade": (lambda x, p: faded(x, p["fade_in_samples"][0], p["fade_out_samples"][0]), 1e-6),
    "AddNoise": (lambda x, p: x + scaled(x, recorded(p, x.shape[1]), p["snr_db"][0]), 1e-6),
    "AddColoredNoise": (
        lambda x, p: x + scaled(x, colored(p["key"][0], p["psd_exponent"][0], x.shape[1])[None], p["snr_db"][0]),
        5e-6,
    ),
    "Clipping": (
        lambda x, p: np.clip(x, *np.percentile(x, [p["percent"][0] / 2.0, 100.0 - p["percent"][0] / 2.0])),
        1e-6,
    ),
    "SoftClip": (
        lambda x, p: np.tanh(10 ** (p["drive_db"][0] / 20) * x) / np.tanh(10 ** (p["drive_db"][0] / 20)),
        1e-6,
    ),
    "BitCrush": (lambda x, p: np.round(x * 2.0 ** (p["bits"][0] - 1)) / 2.0 ** (p["bits"][0] - 1), 0.0),
    "DropChunk": (
        lambda x, p: without(
            x, [(EVERY, slice(a, a + n)) for a, n in zip(p["start"][0], p["chunk_samples"][0], strict=True)]
        ),
        0.0,
    ),
    "ChannelDrop": (lambda x, p: without(x, [(~p["kept"],)]), 0.0),
}


@pytest.mark.parametrize("name", [name for name, row in AUGMENTATIONS.items() if not row.mixes_examples])
def test_an_item_is_what_the_reference_makes_of_it(name: str) -> None:
    row, (reference, allowed) = AUGMENTATIONS[name], REFERENCES[name]
    x, lengths = example(row), [200, 120, 60]
    for seed in (3, 8):
        y, parameters = drawn(row.make(seed=seed, data_format="channels_first"), np.moveaxis(x, -1, 1), lengths=lengths)
        changed = 0
        for item, length in enumerate(lengths):
            valid = np.moveaxis(x[item, :length], -1, 0).astype("float64")
            expected = reference(valid, {key: value[item] for key, value in parameters.items()})
            got = y[item, :, : expected.shape[1]]
            if allowed:
                assert relative_error(got, expected) <= allowed
            else:
                np.testing.assert_array_equal(got, expected.astype("float32"))
            changed += got.shape != valid.shape or bool((got != valid.astype("float32")).any())
        assert changed


@pytest.mark.parametrize("exponent", [-2.0, -1.0, 0.0, 1.0, 2.0])
def test_the_density_of_noise_has_the_exponent_that_is_named(exponent: float) -> None:
    """By Welch's estimate: 4 / TAPS of the rate to almost its half."""
    key = np.random.default_rng(0).integers(0, 2**31 - 1, (2, 2)).astype("int32")
    sound = noise.colored(ops.convert_to_tensor(key), ops.full((2, 1), exponent, dtype="float32"), 200_000)
    frequencies, density = scipy.signal.welch(to_numpy(sound).astype("float64"), nperseg=16384)
    used = (frequencies > 6 / noise.TAPS) & (frequencies < 0.45)
    by_octave = np.log2(frequencies[used])
    slope = np.polyfit(by_octave, np.log2(density.mean(axis=0)[used]), 1, w=1.0 / np.sqrt(frequencies[used]))[0]
    assert abs(slope + exponent) < 0.03


def test_white_noise_is_gaussian_and_independent() -> None:
    key = np.random.default_rng(0).integers(-(2**31), 2**31 - 1, (4, 2)).astype("int32")
    key[1] = key[0] + [0, 1]  # neighbours
    found = to_numpy(noise.white(ops.convert_to_tensor(key), 50_001))
    assert found.shape == (4, 50_001)
    for row in found:
        assert scipy.stats.kstest(row, "norm").pvalue > 1e-3
        spectrum = np.abs(np.fft.rfft(row)) ** 2
        assert scipy.stats.kstest(spectrum[1:] / 50_001, "expon").pvalue > 1e-3
    correlations = np.corrcoef(found) - np.eye(4)
    assert np.abs(correlations).max() < 5 / np.sqrt(50_001)
    np.testing.assert_allclose(found[2], gaussian(key[2], 50_001), atol=2e-5)
    np.testing.assert_array_equal(to_numpy(noise.white(ops.convert_to_tensor(key), 99)), found[:, :99])


@pytest.mark.parametrize("layer", ["AddNoise", "AddColoredNoise"])
def test_the_ratio_is_that_of_the_valid_samples(layer: str) -> None:
    row = AUGMENTATIONS[layer]
    x, lengths = example(row), [200, 120, 60]
    y, parameters = drawn(row.make(seed=1), x, lengths=lengths)
    for item, length in enumerate(lengths):
        signal, added = (part[item, :length].astype("float64") for part in (x, y - x))
        ratio = 10.0 * np.log10(np.mean(signal**2) / np.mean(added**2))
        assert abs(ratio - parameters["snr_db"][item, 0]) < 0.01


def test_a_silent_recording_adds_nothing() -> None:
    x = example(AUGMENTATIONS["AddNoise"])
    y, _ = drawn(augmentation.AddNoise(np.zeros((2, 50))), x)
    np.testing.assert_array_equal(y, x)


if BACKEND == "torch":  # where torchaudio is installed

    @pytest.mark.parametrize("shape", ["linear", "quarter_sine", "half_sine", "logarithmic", "exponential"])
    def test_fades_are_those_of_torchaudio(shape: str) -> None:
        import torch

        from tests.references._registry import torchaudio

        x = example(AUGMENTATIONS["Fade"])
        layer = augmentation.Fade(
            0, 150, 0, 150, unit="samples", fade_shape=shape, data_format="channels_first", seed=0
        )  # type: ignore[arg-type]
        parameters = drawn(layer, np.moveaxis(x, -1, 1))[1]
        parameters["fade_in_samples"][1:, 0], parameters["fade_out_samples"][1:, 0] = [1, 0], [0, 1]
        y = replayed(layer, np.moveaxis(x, -1, 1), parameters)
        for item in range(3):
            sizes = (int(parameters[f"fade_{end}_samples"][item, 0]) for end in ("in", "out"))
            fade = torchaudio().transforms.Fade(*sizes, fade_shape=shape)
            expected = fade(torch.from_numpy(np.moveaxis(x[item], -1, 0).copy())).numpy()
            np.testing.assert_allclose(y[item], expected, atol=1e-6)

    def test_noise_is_added_as_by_torchaudio() -> None:
        import torch

        from tests.references._registry import torchaudio

        x, lengths = example(AUGMENTATIONS["AddNoise"], channels=1)[..., 0], [200, 120, 60]
        for item, length in enumerate(lengths):
            x[item, length:] = 0.0
        y, parameters = drawn(augmentation.AddNoise(BANK, seed=2), x[..., None], lengths=lengths)
        sound = np.stack([recorded({k: v[i] for k, v in parameters.items()}, 200)[0] for i in range(3)])
        given = (torch.from_numpy(x), torch.from_numpy(sound).float(), torch.from_numpy(parameters["snr_db"][:, 0]))
        expected = torchaudio().functional.add_noise(*given, lengths=torch.tensor(lengths)).numpy()
        for item, length in enumerate(lengths):
            assert relative_error(y[item, :length, 0], expected[item, :length]) <= 1e-6
