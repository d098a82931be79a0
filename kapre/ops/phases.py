"""What the phases of spectra tell: the frequency and the time of the energy in each bin, and its direction."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from keras import ops

from kapre.ops import fourier
from kapre.ops.descriptors import Descriptor, divided, divisor, is_silent
from kapre.ops.fourier import Pair, constant
from kapre.ops.kernels import active as kernel
from kapre.ops.windows import margins, window


def _within(x: Any, low: float, high: float) -> Any:
    return -kernel.at_least(-kernel.at_least(x, low), -high)


@dataclass(frozen=True)
class Reassigned(Descriptor):
    """Compute the instantaneous frequency in Hz, or the group delay in seconds, of each bin of frames of samples."""

    sample_rate: float
    n_fft: int
    win_length: int
    window_name: str | None
    periodic: bool | None
    kind: Literal["frequency", "delay"]
    _windows: tuple[np.ndarray, np.ndarray] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        # Arrays, because a compiler of PyTorch cannot make windows in a trace.
        plain = np.pad(
            window(self.window_name, self.win_length, self.periodic), margins(self.win_length, self.n_fft, True)
        )
        if self.kind == "frequency":
            other = (np.roll(plain, -1) - np.roll(plain, 1)) / 2.0
        else:
            other = plain * (np.arange(self.n_fft) - self.n_fft // 2)
        for each in (plain, other):
            each.setflags(write=False)
        object.__setattr__(self, "_windows", (plain, other))

    @property
    def entries(self) -> int:
        """The number of bins."""
        return self.n_fft // 2 + 1

    def __call__(self, x: Any, valid: Any = None) -> Any:
        """Return the values `(..., frames, bins)` of frames `(..., frames, n_fft)`."""
        plain, other = (fourier.rfft(x * constant(each, x), self.n_fft) for each in self._windows)
        power = ops.square(plain[0]) + ops.square(plain[1])
        if self.kind == "delay":
            found = divided(other[0] * plain[0] + other[1] * plain[1], power) / self.sample_rate
            half = self.n_fft / 2.0 / self.sample_rate
            return _within(found, -half, half)
        turns = divided(other[1] * plain[0] - other[0] * plain[1], power)
        bins = np.arange(self.entries) * (self.sample_rate / self.n_fft)
        found = constant(bins, turns) - turns * (self.sample_rate / (2.0 * math.pi))
        return _within(found, 0.0, self.sample_rate / 2.0)


def units(pair: Pair) -> Pair:
    """Divide complex numbers by their magnitudes. Silence stays 0."""
    real, imag = pair
    power = ops.square(real) + ops.square(imag)
    silent, size = is_silent(power), ops.sqrt(divisor(power))
    zeros = ops.zeros_like(real)
    return ops.where(silent, zeros, real / size), ops.where(silent, zeros, imag / size)


def of_pairs(x: Any, pairs: tuple[tuple[int, int], ...]) -> tuple[Any, Any]:
    """Return the first and the second channel of each pair: `(batch, pairs, ...)` of `(batch, channel, ...)`."""
    first, second = (ops.stack([x[:, pair[side]] for pair in pairs], axis=1) for side in (0, 1))
    return first, second


def cross(pair: Pair, pairs: tuple[tuple[int, int], ...]) -> Pair:
    """Return the cosine and the sine of the phase of the first channel of each pair minus that of the second."""
    real, imag = units(pair)
    (a, b), (c, d) = of_pairs(real, pairs), of_pairs(imag, pairs)
    return a * b + c * d, c * b - a * d


def level_difference(pair: Pair, pairs: tuple[tuple[int, int], ...], amin: float) -> Any:
    """Return 10 times the logarithm to base 10 of the powers' quotient."""
    first, second = of_pairs(ops.square(pair[0]) + ops.square(pair[1]), pairs)
    return (10.0 / math.log(10.0)) * (ops.log(first + amin) - ops.log(second + amin))


@dataclass(frozen=True)
class Correlation:
    """Compute the generalised cross-correlation of phases at the lags from `-max_lag` to `max_lag` samples."""

    n_fft: int
    max_lag: int
    _matrices: tuple[np.ndarray, np.ndarray] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        bins = np.arange(self.n_fft // 2 + 1)
        both = np.where((bins == 0) | (2 * bins == self.n_fft), 1.0, 2.0)[:, None] / self.n_fft
        angles = 2.0 * np.pi / self.n_fft * np.outer(bins, np.arange(-self.max_lag, self.max_lag + 1))
        matrices = both * np.cos(angles), -both * np.sin(angles)
        for each in matrices:
            each.setflags(write=False)
        object.__setattr__(self, "_matrices", matrices)

    def __call__(self, phases: Pair) -> Any:
        """Return `(..., lags)` of cosines and sines `(..., bins)`."""
        real, imag = (kernel.dot(part, constant(each, part)) for part, each in zip(phases, self._matrices, strict=True))
        return real + imag


def intensity(pair: Pair, order: tuple[int, int, int, int], epsilon: float) -> Any:
    """Return the active intensity over the energy along x, y and z: `(batch, 3, ...)` of `(batch, 4, ...)`.

    `order` has the channels of w, x, y and z.
    """
    w, *axes = (tuple(part[:, channel] for part in pair) for channel in order)
    energies = [ops.square(real) + ops.square(imag) for real, imag in (w, *axes)]
    energy = energies[0] + (energies[1] + energies[2] + energies[3]) / 3.0 + epsilon
    return ops.stack([(w[0] * real + w[1] * imag) / energy for real, imag in axes], axis=1)
