"""Effects that Kapre and other libraries have: with which settings, and how to tell that an output has the effect.

The settings are those of `EFFECTS`. Every library draws within the same ranges, for each example of the batch, and
changes all of them. Impulse responses and noises are the same recordings, which are in memory.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

RATE = 16000
BATCH, SAMPLES = 32, 4 * RATE
RESPONSES = NOISES = 8
RESPONSE_SAMPLES = RATE // 2
CHAINS = {
    "chain": ("gain", "white_noise", "equalizer", "reverb", "shift"),
    "chain_without_equalizer": ("gain", "white_noise", "reverb", "shift"),
}
EFFECTS = {
    "chain": "chain: gain, white noise, equalizer, reverb, shift",
    "chain_without_equalizer": "chain: gain, white noise, reverb, shift",
    "gain": "gain, −12 … 12 dB",
    "polarity": "polarity inversion",
    "reverse": "time inversion",
    "shift": "shift by −0.5 … 0.5 of the length, rolled over",
    "white_noise": "white noise, SNR 5 … 30 dB",
    "colored_noise": "coloured noise, exponents −2 … 2, SNR 5 … 30 dB",
    "recorded_noise": f"recorded noise, {NOISES} of 4 s, SNR 5 … 30 dB",
    "lowpass": "low-pass, 150 … 7000 Hz",
    "highpass": "high-pass, 20 … 2400 Hz",
    "peaking": "peaking filter, 50 … 7000 Hz, −12 … 12 dB",
    "equalizer": "equalizer, −12 … 12 dB",
    "reverb": f"reverb, {RESPONSES} responses of 0.5 s",
    "clipping": "clipping of up to 40 % of the samples",
    "soft_clip": "soft clipping (tanh)",
    "bit_crush": "bit depth of 5 … 10",
    "time_mask": "silence of 1 … 10 % of the length",
    "pitch_shift": "pitch shift of −4 … 4 semitones",
    "time_stretch": "time stretch by 0.8 … 1.25",
}


class WrongEffectError(Exception):
    """The output of a candidate does not have the effect."""


def signal(batch: int = BATCH, samples: int = SAMPLES) -> np.ndarray:
    """Return sweeps over noise, float32, `(batch, samples)`."""
    rng = np.random.default_rng(0)
    t = np.arange(samples) / RATE
    starts = 100.0 + 50.0 * np.arange(batch)[:, None]
    x = 0.2 * np.sin(2.0 * np.pi * (starts + 500.0 * t) * t) + 0.02 * rng.standard_normal((batch, samples))
    return x.astype("float32")


def responses() -> np.ndarray:
    """Return impulse responses of rooms, `(RESPONSES, samples)`, with a peak of 1 at the first sample."""
    rng = np.random.default_rng(1)
    decays = 10.0 ** (-3.0 * np.arange(RESPONSE_SAMPLES) / RATE / np.linspace(0.15, 0.5, RESPONSES)[:, None])
    found = 0.1 * rng.standard_normal(decays.shape) * decays
    found[:, 0] = 1.0
    return found.astype("float32")


def noises() -> np.ndarray:
    """Return noises as long as the clips, `(NOISES, samples)`."""
    return (0.1 * np.random.default_rng(2).standard_normal((NOISES, SAMPLES))).astype("float32")


def write_recordings(folder: Path) -> None:
    """Write the responses and noises as WAV files of float32, for libraries that take paths alone."""
    import soundfile

    for name, clips in (("responses", responses()), ("noises", noises())):
        (folder / name).mkdir(parents=True)
        for number, clip in enumerate(clips):
            soundfile.write(folder / name / f"{number}.wav", clip, RATE, subtype="FLOAT")


def check(effect: str, x: np.ndarray, y: np.ndarray) -> None:
    """Raise unless an output `(batch, samples)` has the effect on all of its examples."""
    if y.shape != x.shape:
        raise WrongEffectError(f"its shape is {y.shape}")
    if not np.isfinite(y).all():
        raise WrongEffectError("not all its numbers are finite")
    wrong = sum(not CHECKS[effect](*pair) for pair in zip(x.astype("float64"), y.astype("float64"), strict=True))
    if wrong:
        raise WrongEffectError(f"{wrong} of {len(x)} examples do not have the effect")


def _is_scaled(x: np.ndarray, y: np.ndarray) -> bool:
    gain = float(y @ x / (x @ x))
    return bool(np.allclose(y, gain * x, atol=1e-5)) and abs(20.0 * np.log10(gain)) <= 12.01


def _alike(x: np.ndarray, y: np.ndarray) -> float:
    """Return the largest circular correlation."""
    found = np.fft.irfft(np.fft.rfft(y) * np.conj(np.fft.rfft(x)), len(x))
    return float(np.abs(found).max() / np.sqrt((x @ x) * (y @ y)))


def _has_noise(x: np.ndarray, y: np.ndarray) -> bool:
    # A library that normalises its recordings may miss the ratio by some tenths of a decibel.
    return bool((y != x).any()) and 4.0 <= 10.0 * np.log10((x @ x) / ((y - x) @ (y - x))) <= 31.0


def _has_white_noise(x: np.ndarray, y: np.ndarray) -> bool:
    power = np.abs(np.fft.rfft(y - x)) ** 2
    low, high = (power[part].mean() for part in (slice(100, len(power) // 4), slice(3 * len(power) // 4, None)))
    return _has_noise(x, y) and abs(10.0 * np.log10(low / high)) < 1.0


def _response(x: np.ndarray, y: np.ndarray, low: float, high: float) -> float:
    """Return the gain of a filter between two frequencies."""
    bins = slice(int(low / RATE * len(x)), int(high / RATE * len(x)) + 1)
    powers = [(np.abs(np.fft.rfft(part))[bins] ** 2).sum() for part in (x, y)]
    return float(np.sqrt(powers[1] / powers[0]))


def _is_equalized(x: np.ndarray, y: np.ndarray) -> bool:
    gains = [20.0 * np.log10(_response(x, y, f, 1.3 * f)) for f in (50, 100, 200, 400, 800, 1600, 3200, 6000)]
    return max(map(abs, gains)) < 30.0 and max(gains) - min(gains) > 0.1


def _is_peaked(x: np.ndarray, y: np.ndarray) -> bool:
    """Tell whether one narrow band changes. Its gain may be drawn close to 0 dB."""
    gains = [20.0 * np.log10(_response(x, y, f, 1.26 * f)) for f in 50.0 * 1.26 ** np.arange(21)]
    return max(map(abs, gains)) < 30.0 and max(gains) - min(gains) > 0.005


def _is_convolved(x: np.ndarray, y: np.ndarray) -> bool:
    dry = np.pad(x, (0, len(x)))
    every = (np.fft.irfft(np.fft.rfft(h, len(dry)) * np.fft.rfft(dry), len(dry))[: len(x)] for h in responses())
    return max(_alike(each, y) for each in every) > 0.999


def _is_clipped(x: np.ndarray, y: np.ndarray) -> bool:
    return bool(np.allclose(y, np.clip(x, y.min(), y.max()), atol=1e-6))


def _is_bent(x: np.ndarray, y: np.ndarray) -> bool:
    order = np.argsort(x)
    return bool((np.diff(y[order]) >= -1e-6).all())


def _is_crushed(x: np.ndarray, y: np.ndarray) -> bool:
    return len(np.unique(np.round(y, 6))) <= 2**10 + 1 and np.abs(y - x).max() <= 2.0**-4


def _is_masked(x: np.ndarray, y: np.ndarray) -> bool:
    return 0.005 * len(x) <= (np.abs(y) < 1e-7).sum() <= 0.11 * len(x)


CHECKS: dict[str, Callable[[np.ndarray, np.ndarray], Any]] = {
    "chain": lambda x, y: (y != x).any(),
    "chain_without_equalizer": lambda x, y: (y != x).any(),
    "gain": _is_scaled,
    "polarity": lambda x, y: (y == -x).all(),
    "reverse": lambda x, y: (y == x[::-1]).all(),
    "shift": lambda x, y: _alike(x, y) > 0.99,
    "white_noise": _has_white_noise,
    "colored_noise": _has_noise,
    "recorded_noise": _has_noise,
    "lowpass": lambda x, y: _response(x, y, 20, 80) > 0.8 > _response(x, y, 7700, 7900),
    "highpass": lambda x, y: _response(x, y, 6000, 7900) > 0.8 > _response(x, y, 0, 10),
    "peaking": _is_peaked,
    "equalizer": _is_equalized,
    "reverb": _is_convolved,
    "clipping": _is_clipped,
    "soft_clip": _is_bent,
    "bit_crush": _is_crushed,
    "time_mask": _is_masked,
    "pitch_shift": lambda x, y: (y != 0.0).any(),
    "time_stretch": lambda x, y: (y != 0.0).any(),
}
