"""Make arpeggio.flac, the recording that `make demo` draws: plucked strings, a bird's whistle, breath between.

Run `python examples/audio/make_arpeggio.py`. The samples are the same each time.
"""

from pathlib import Path

import numpy as np
import soundfile

RATE = 22050
SECONDS = 5.0


def pluck(rng: np.random.Generator, frequency: float, seconds: float) -> np.ndarray:
    """Make a plucked string (Karplus and Strong, 1983): a noise burst in a loop that averages neighbours."""
    loop = rng.uniform(-1, 1, round(RATE / frequency))
    out = np.empty(round(seconds * RATE))
    for start in range(0, len(out), len(loop)):
        piece = out[start : start + len(loop)]
        piece[:] = loop[: len(piece)]
        loop = 0.996 * (0.5 * loop + 0.5 * np.roll(loop, 1))
    return out


def whistle(seconds: float) -> np.ndarray:
    """Make a whistle that glides up and trembles."""
    t = np.arange(round(seconds * RATE)) / RATE
    frequency = 2500 + 1800 * (t / seconds) + 250 * np.sin(2 * np.pi * 14 * t)
    return np.sin(2 * np.pi * np.cumsum(frequency) / RATE) * np.sin(np.pi * t / seconds) ** 2


def main() -> None:
    rng = np.random.default_rng(5)
    x = 0.002 * rng.standard_normal(round(SECONDS * RATE))
    for index, semitone in enumerate((0, 4, 7, 12, 16, 19, 24, 19, 16, 12, 7, 4, 0)):
        at = round((0.1 + 0.3 * index) * RATE)
        note = 0.25 * pluck(rng, 110.0 * 2 ** (semitone / 12), 1.0)
        x[at : at + len(note)] += note[: len(x) - at]
    for start in (0.7, 2.1, 3.5):
        at = round(start * RATE)
        call = 0.15 * whistle(0.6)
        x[at : at + len(call)] += call
    x *= 0.7 / np.abs(x).max()
    soundfile.write(Path(__file__).parent / "arpeggio.flac", x, RATE, subtype="PCM_16")


if __name__ == "__main__":
    main()
