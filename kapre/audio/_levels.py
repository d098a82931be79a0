"""Statistics of a file's samples: peak, energy, non-finite samples, and channels that cancel each other."""

from __future__ import annotations

import math

import numpy as np

from kapre.audio._decoder import Samples

_CANCELLED = 0.05
"""Threshold for the RMS of the mean of two channels relative to their RMS. Independent channels give 0.7."""


def cancelled(channels: int, energy: float, mixed: float) -> str:
    """Return the warning for channels that cancel each other, or an empty string.

    Args:
        channels: Number of channels.
        energy: The sum of squares over all channels.
        mixed: The sum of squares of their mean, multiplied by the number of channels.
    """
    if channels < 2 or not energy > 0 or not np.isfinite(mixed):
        return ""
    ratio = math.sqrt(mixed / energy)
    if ratio >= _CANCELLED * math.sqrt(2 / channels):
        return ""
    how = "silence" if ratio < 1e-6 else f"{-20 * math.log10(ratio):.0f} dB quieter than they are"
    return f"its channels cancel each other out: their mean is {how}; take one channel"


class Mixing:
    """Record the energies of channels and of their mean, for each clip of a file.

    Args:
        each: Number of file samples in a clip, which may be fractional. 0 for a single clip.
    """

    def __init__(self, each: float) -> None:
        self._each, self._position, self._channels = each or 1 << 62, 0, 1
        self._energies: dict[int, tuple[float, float]] = {}

    def add(self, samples: Samples, mixed: Samples) -> None:
        """Add the next samples of shape (time, channels), and the mean of their channels."""
        self._channels, first = samples.shape[1], 0
        while first < len(samples) and self._channels > 1:
            clip = int((self._position + first) / self._each)
            stop = min(len(samples), max(first + 1, round((clip + 1) * self._each) - self._position))
            values, mean = samples[first:stop].ravel(), mixed[first:stop]
            energy, left = self._energies.get(clip, (0.0, 0.0))
            self._energies[clip] = energy + float(np.vdot(values, values)), left + float(np.vdot(mean, mean))
            first = stop
        self._position += len(samples)

    def warning(self, clip: int) -> str:
        """Return the warning for a clip, counted from 0, and discard its energies."""
        energy, left = self._energies.pop(clip, (0.0, 0.0))
        return cancelled(self._channels, energy, self._channels * left)


class Levels:
    """Record the peak, the energy and the number of non-finite samples, block by block."""

    def __init__(self) -> None:
        self.peak, self.energy, self.mixed, self.finite, self.non_finite, self.channels = 0.0, 0.0, 0.0, 0, 0, 1

    def add(self, block: Samples) -> None:
        """Add the samples of a block."""
        values = block.ravel()
        # A sum of squares in float64 is finite exactly when every float32 sample is finite.
        energy = float(np.square(values, dtype=np.float64).sum())
        if not np.isfinite(energy):
            good = np.isfinite(values)
            self.non_finite += values.size - int(good.sum())
            values = values[good]
            energy = float(np.square(values, dtype=np.float64).sum())
            block = np.nan_to_num(block, nan=0.0, posinf=0.0, neginf=0.0)
        self.finite += values.size
        self.energy += energy
        if values.size:
            self.peak = max(self.peak, float(values.max()), -float(values.min()))
        self.channels = block.shape[1]
        if self.channels > 1:
            self.mixed += float(np.square(block.mean(axis=1, dtype=np.float64)).sum()) * self.channels

    @property
    def rms(self) -> float:
        """Return the root mean square of the finite samples, or 0 if there are none."""
        return float(np.sqrt(self.energy / self.finite)) if self.finite else 0.0

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return problems that are not damage but that spoil the mean of the channels."""
        found = cancelled(self.channels, self.energy, self.mixed)
        return (found,) if found else ()
