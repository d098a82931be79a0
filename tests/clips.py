"""Clips that show what a front end does wrong, the same each time, and the lengths at which framings go wrong."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import soundfile
import soxr

KINDS = ("speech", "music", "impulse", "sweep", "silence", "full_scale", "sweep_in_noise")
FLOOR = 10 ** (-50 / 20)
RECORDINGS = {"speech": "speech.flac", "music": "arpeggio.flac"}
AUDIO = Path(__file__).parents[1] / "examples" / "audio"


@functools.cache
def _recording(name: str, sample_rate: int) -> np.ndarray:
    wave, rate = soundfile.read(AUDIO / name)
    return soxr.resample(wave, rate, sample_rate, quality="VHQ")


def clip(kind: str, n: int, sample_rate: int) -> np.ndarray:
    """Return `n` samples in [-1, 1], float64 of values that float32 holds exactly.

    "speech" and "music" are recordings, repeated, over white noise of -50 dBFS (RMS); "impulse" is one sample of 0.9
    at `n // 2`; "sweep" rises from 20 Hz to the Nyquist frequency within four seconds, again and again, and
    "sweep_in_noise" is over the same floor; "full_scale" is uniform noise.
    """
    rng = np.random.default_rng(KINDS.index(kind))
    if kind in RECORDINGS:
        x = np.resize(_recording(RECORDINGS[kind], sample_rate), n) + FLOOR * rng.standard_normal(n)
    elif kind == "impulse":
        x = np.zeros(n)
        x[n // 2] = 0.9
    elif kind.startswith("sweep"):
        t = np.arange(n) % (4 * sample_rate) / (4 * sample_rate)
        ratio = sample_rate / 2 / 20
        x = 0.9 * np.sin(2 * np.pi * 20 * 4 * (ratio**t - 1) / np.log(ratio))
        x += FLOOR * rng.standard_normal(n) if kind == "sweep_in_noise" else 0.0
    elif kind == "silence":
        x = np.zeros(n)
    else:
        x = rng.uniform(-1, 1, n)
    return np.clip(x, -1, 1).astype("float32").astype("float64")


def lengths(frame_length: int, hop_length: int, sample_rate: int) -> list[int]:
    """Return the numbers of samples, ascending, at which a framing of these lengths has something to get wrong."""
    window, hop, half = frame_length, hop_length, hop_length // 2
    second = sample_rate + sample_rate % 2 + 1
    found = {1, half, hop, window // 2, window // 2 + 1, window - 1, window, window + 1}
    found |= {window + half, window + hop - 1, window + hop, window + hop + 1, window + 2 * hop + half}
    # The multiples of the hop and their half-ways: frames centred on the clip, with and without an edge.
    multiple = hop * (2 * window // hop + 3)
    found |= {multiple - 1, multiple, multiple + 1, multiple + half - 1, multiple + half, multiple + half + 1}
    return sorted(found | {second, second + hop, 3 * sample_rate + 7})


NEAR = 2e-3
"""How far float32 features may lie from a reference, in natural-log units: any wrong choice is further off."""
TONAL = ("music", "impulse", "sweep_in_noise")
"""Between whose tones, and around which, float32 has bands of little else than rounding, the reference's own too."""


def bound(kind: str) -> float:
    """Return how far a float32 value of a kind of clip may lie from a reference's; few tonal ones are past `NEAR`."""
    return 20 * NEAR if kind in TONAL else NEAR


def lay_out_recordings(folder: Path, clips: int = 6) -> None:
    """Write `recordings/speech` and `recordings/music` of the README: parts of the recordings of the examples."""
    for label, name in RECORDINGS.items():
        samples, rate = soundfile.read(AUDIO / name)
        size = int(1.1 * rate)
        (folder / "recordings" / label).mkdir(parents=True)
        for i, start in enumerate(np.linspace(0, len(samples) - size, clips).astype(int)):
            soundfile.write(folder / "recordings" / label / f"{i}.flac", samples[start : start + size], rate)
