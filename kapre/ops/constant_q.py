"""The kernels of the constant-Q and the variable-Q transform, in NumPy float64.

Bin k is at `f_k = f_min * 2 ** (k / B)`, with B bins per octave. Its bandwidth is `a * f_k + gamma`, where
`a = (r² - 1) / (r² + 1)` and `r = 2 ** (1 / B)`. Its kernel has `N_k = filter_scale * rate / bandwidth` samples: a
window times `exp(2j * pi * f_k * n / rate)`, divided by the sum of its magnitudes, with n = 0 in the middle of a frame.
The transform of a frame is `sqrt(N_k)` times the correlation with the kernel (Schörkhuber et al., 2014, A Matlab
toolbox for efficient perfect reconstruction time-frequency transforms with log-frequency resolution).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from kapre._checks import message, number, positive_int
from kapre.ops.filterbanks import C1_HZ, log_centres
from kapre.ops.windows import window

ERB_GAMMA = 24.7 / 0.108
"""Gamma divided by a, where bandwidths are proportional to the ear's, 24.7 + 0.108 f Hz (Glasberg and Moore, 1990)."""
_MOST = 1 << 16
"""The most bins in an octave."""
_BANDWIDTH = 1.5
"""The noise bandwidth of a Hann window, in bins."""


def relative_bandwidth(bins_per_octave: int) -> float:
    """Return a: the bandwidth of a bin as a fraction of its frequency, without gamma."""
    squared = 2.0 ** (2.0 / bins_per_octave)
    return (squared - 1.0) / (squared + 1.0)


def erb_gamma(bins_per_octave: int) -> float:
    """Return the gamma, in Hz, of bands whose widths are proportional to the ear's, as in librosa."""
    return ERB_GAMMA * relative_bandwidth(bins_per_octave)


def lengths(
    sample_rate: float, n_bins: int, bins_per_octave: int, f_min: float, gamma: float, filter_scale: float
) -> np.ndarray:
    """Return the length of each kernel in samples, which is not a whole number."""
    width = relative_bandwidth(bins_per_octave)
    centres = log_centres(n_bins, bins_per_octave, f_min)
    found: np.ndarray = filter_scale * sample_rate / (width * centres + gamma)
    return found


def frame_length(longest: float) -> int:
    """Return the length of a frame that holds a kernel of a length, around its middle."""
    return 2 * int(np.ceil(longest / 2.0))


def check(
    sample_rate: Any, n_bins: Any, bins_per_octave: Any, f_min: Any, gamma: Any, filter_scale: Any
) -> dict[str, Any]:
    """Return the arguments of the kernels in canonical form, with None for `f_min` replaced by C1, or raise."""
    if sample_rate is None:
        raise ValueError(message("sample_rate", "given with transform='cqt'", None, "Give it in Hz."))
    n_bins = positive_int("n_bins", n_bins, "84 bins are seven octaves of semitones.")
    bins_per_octave = positive_int("bins_per_octave", bins_per_octave, "12 gives semitones.")
    f_min = C1_HZ if f_min is None else f_min
    f_min = number("f_min", f_min, "Use None for C1.", above=0.0, rule="None or a positive frequency in Hz")
    gamma = number("cqt_gamma", gamma, "Use 0.0 for a constant Q.", at_least=0.0, rule="a number of Hz, 0 or above")
    filter_scale = number("cqt_filter_scale", filter_scale, "Use 1.0.", above=0.0, rule="a positive number")
    if bins_per_octave > _MOST:
        raise ValueError(message("bins_per_octave", f"at most {_MOST}", bins_per_octave, "12 gives semitones."))
    nyquist = sample_rate / 2.0
    half = 0.5 * _BANDWIDTH / filter_scale
    highest = (nyquist - half * gamma) / (1.0 + half * relative_bandwidth(bins_per_octave))
    fits = 0 if highest < f_min else 1 + math.floor(bins_per_octave * math.log2(highest / f_min) + 1e-9)
    if n_bins > fits:
        rule = f"so few that the band of the highest bin ends below Nyquist, {nyquist:g} Hz"
        raise ValueError(message("n_bins", rule, n_bins, f"Use {fits} or fewer." if fits else "Use a lower f_min."))
    return dict(
        n_bins=n_bins, bins_per_octave=bins_per_octave, f_min=f_min, cqt_gamma=gamma, cqt_filter_scale=filter_scale
    )


class Octave(NamedTuple):
    """Hold the kernels of the bins of an octave, whose lengths are alike.

    Args:
        first: Number of samples of a frame before them.
        behind: Number of samples of a frame behind them.
        taps: The real parts and then the imaginary parts of all kernels, `(length, 2 * bins)`.
        folded: The same for rows of `hop` samples side by side: `(hop, rows * 2 * bins)`, where row i of the taps
            makes columns i.
    """

    first: int
    behind: int
    taps: np.ndarray
    folded: np.ndarray


def folded(taps: np.ndarray, hop: int) -> np.ndarray:
    """Return the taps `(length, columns)` for rows of samples, `(hop, rows * columns)`."""
    columns = taps.shape[1]
    rows = -(-len(taps) // hop)
    padded = np.pad(taps, ((0, rows * hop - len(taps)), (0, 0)))
    return np.ascontiguousarray(padded.reshape(rows, hop, columns).transpose(1, 0, 2).reshape(hop, rows * columns))


@lru_cache(maxsize=8)
def octaves(
    sample_rate: float,
    hop_length: int,
    n_bins: int,
    bins_per_octave: int,
    f_min: float,
    gamma: float,
    filter_scale: float,
    window_name: str,
    periodic: bool | None,
    exponent: float,
) -> tuple[Octave, ...]:
    """Return the kernels, from the lowest octave to the highest one."""
    sizes = lengths(sample_rate, n_bins, bins_per_octave, f_min, gamma, filter_scale)
    centres = log_centres(n_bins, bins_per_octave, f_min)
    size = frame_length(sizes[0])
    found = []
    for low in range(0, n_bins, bins_per_octave):
        bins = range(low, min(low + bins_per_octave, n_bins))
        before = int(np.ceil(sizes[low] / 2.0))
        taps = np.zeros((2 * before, 2 * len(bins)))
        for column, k in enumerate(bins):
            places = np.arange(np.floor(-sizes[k] / 2.0), np.floor(sizes[k] / 2.0))
            shape = window(window_name, len(places), periodic, exponent)
            weights = shape * (np.sqrt(sizes[k]) / np.sum(np.abs(shape)))
            angles = 2.0 * np.pi * centres[k] / sample_rate * places
            rows = slice(before + int(places[0]), before + int(places[0]) + len(places))
            taps[rows, column] = weights * np.cos(angles)
            taps[rows, len(bins) + column] = -weights * np.sin(angles)
        octave = Octave(size // 2 - before, size // 2 - before, taps, folded(taps, hop_length))
        for array in (octave.taps, octave.folded):
            array.setflags(write=False)
        found.append(octave)
    return tuple(found)


def pitch_classes(n_bins: int, bins_per_octave: int, f_min: float, n_chroma: int) -> np.ndarray:
    """Return weights that add the bins of each pitch class, of which the first is C: `(n_bins, n_chroma)`."""
    classes = np.log2(log_centres(n_bins, bins_per_octave, f_min) / C1_HZ) * n_chroma
    nearest = np.round(classes + 1e-9).astype("int64") % n_chroma
    return (nearest[:, None] == np.arange(n_chroma)).astype("float64")
