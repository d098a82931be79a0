"""Filter banks over the bins of a real DFT, in NumPy float64.

A bank is a matrix of shape `(n_freq, bands)`, so that `spectrum @ bank` gives the bands.
"""

from __future__ import annotations

import math
import numbers
import warnings
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import numpy as np

from kapre._checks import choice, message, number, positive_int, public_name, published_flag

C1_HZ = 440.0 * 2.0 ** (-45.0 / 12.0)
"""Default centre of the log bank's lowest band: the note C1, 45 semitones below A4 = 440 Hz, about 32.703 Hz."""

Groups = tuple[tuple[int, int, np.ndarray], ...]
"""A filter bank in parts: the first bin of each, the bin after its last, and its weights `(bins, bands)`."""
TRIANGLES = ("hz", "mel", "symmetric", "bins")

# Slaney's mel scale (Auditory Toolbox, 1998): linear below 1 kHz, logarithmic above.
_SLANEY_HZ_PER_MEL = 200.0 / 3.0
_SLANEY_KNEE_HZ = 1000.0
_SLANEY_KNEE_MEL = _SLANEY_KNEE_HZ / _SLANEY_HZ_PER_MEL
_SLANEY_LOG_STEP = math.log(6.4) / 27.0


def hz_to_mel(hz: Any, htk: bool = False) -> np.ndarray:
    """Convert Hz to mel by Slaney's scale, or by HTK's `2595 log10(1 + f / 700)`."""
    hz = np.asarray(hz, dtype=np.float64)
    if htk:
        return 2595.0 * np.log10(1.0 + hz / 700.0)
    logarithmic = _SLANEY_KNEE_MEL + np.log(np.maximum(hz, _SLANEY_KNEE_HZ) / _SLANEY_KNEE_HZ) / _SLANEY_LOG_STEP
    return np.where(hz < _SLANEY_KNEE_HZ, hz / _SLANEY_HZ_PER_MEL, logarithmic)


def mel_to_hz(mel: Any, htk: bool = False) -> np.ndarray:
    """Convert mel to Hz, the inverse of `hz_to_mel`."""
    mel = np.asarray(mel, dtype=np.float64)
    if htk:
        return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    above = np.maximum(mel, _SLANEY_KNEE_MEL) - _SLANEY_KNEE_MEL
    return np.where(
        mel < _SLANEY_KNEE_MEL, mel * _SLANEY_HZ_PER_MEL, _SLANEY_KNEE_HZ * np.exp(_SLANEY_LOG_STEP * above)
    )


def hz_to_bark(hz: Any) -> np.ndarray:
    """Convert Hz to Bark by Traunmüller's formula (1990), `26.81 f / (1960 + f) - 0.53`."""
    hz = np.asarray(hz, dtype=np.float64)
    return 26.81 * hz / (1960.0 + hz) - 0.53


def bark_to_hz(bark: Any) -> np.ndarray:
    """Convert Bark to Hz, the inverse of `hz_to_bark`."""
    bark = np.asarray(bark, dtype=np.float64)
    return 1960.0 * (bark + 0.53) / (26.28 - bark)


Scale = tuple[Callable[[Any], np.ndarray], Callable[[Any], np.ndarray]]
"""A frequency scale: the functions from Hz and to Hz."""
SCALES: dict[str, Scale] = {
    "slaney": (hz_to_mel, mel_to_hz),
    "htk": (partial(hz_to_mel, htk=True), partial(mel_to_hz, htk=True)),
    "linear": (np.asarray, np.asarray),
    "bark": (hz_to_bark, bark_to_hz),
}


def bin_frequencies(sample_rate: float, n_freq: int, odd: bool = False) -> np.ndarray:
    """Return the frequency in Hz of each of `n_freq` bins, from 0 to Nyquist, or below it if the DFT length is odd."""
    if odd:
        return np.arange(n_freq) * sample_rate / (2 * n_freq - 1)
    return np.linspace(0.0, sample_rate / 2.0, n_freq)


def points(bands: int, f_min: float, f_max: float, scale: str) -> np.ndarray:
    """Return the `bands + 2` corners of the triangles in Hz. Band i starts at i, peaks at i + 1 and ends at i + 2."""
    from_hz, to_hz = SCALES[scale]
    low, high = from_hz([f_min, f_max])
    return to_hz(np.linspace(low, high, bands + 2))


def mel_points(n_mels: int, f_min: float, f_max: float, htk: bool) -> np.ndarray:
    """Return the corners of the mel bank's triangles in Hz; see `points`."""
    return points(n_mels, f_min, f_max, "htk" if htk else "slaney")


def log_centres(n_bins: int, bins_per_octave: int, f_min: float) -> np.ndarray:
    """Return the centres of the log bank in Hz: `f_min * 2 ** (i / bins_per_octave)`."""
    return f_min * 2.0 ** (np.arange(n_bins) / bins_per_octave)


def check_norm(norm: Any) -> str | float | None:
    """Return a valid mel `norm`: None, "slaney", or p for the p-norm of each band (p >= 0, inf or -inf)."""
    if norm is None or norm == "slaney":
        return norm
    if (
        isinstance(norm, numbers.Real)
        and not isinstance(norm, bool)
        and (float(norm) >= 0.0 or float(norm) == -math.inf)
    ):
        return float(norm)
    raise ValueError(
        message("norm", "None, 'slaney' or a number >= 0", norm, "'slaney' gives each triangle the same area.")
    )


def _check_bank(sample_rate: Any, n_freq: Any) -> tuple[float, int]:
    rate = number(
        "sample_rate", sample_rate, "Give it in Hz, such as 22050.", above=0.0, rule="a positive number of Hz"
    )
    bins = positive_int("n_freq", n_freq, "It is n_fft // 2 + 1, such as 1025 for n_fft=2048.")
    if bins < 2:
        raise ValueError(message("n_freq", "at least 2", n_freq, "It is n_fft // 2 + 1, such as 1025 for n_fft=2048."))
    return rate, bins


def groups(bank: np.ndarray) -> Groups:
    """Cut a bank of neighbouring bands into groups, without the bins that are 0 for the whole group.

    A group has 16 bands or a multiple of that (widths that suit matrix products), or half of the bands if there are
    few. If two thirds of the matrix or more would remain, the only group is the whole bank. Each group consists of the
    first bin, the bin after the last, and the matrix between them.
    """
    n_freq, bands = bank.shape
    width = min(16 * -(-bands // 128), -(-bands // 2))
    found = []
    for first in range(0, bands, width):
        columns = bank[:, first : first + width]
        bins = np.flatnonzero(columns.any(axis=1))
        low, high = (int(bins[0]), int(bins[-1]) + 1) if bins.size else (0, 1)
        found.append((low, high, np.ascontiguousarray(columns[low:high])))
    if 3 * sum(weights.size for *_, weights in found) < 2 * bank.size:
        return tuple(found)
    return ((0, n_freq, bank),)


def warn_if_empty(bank: np.ndarray, sample_rate: float) -> None:
    """Warn about bands that hold no DFT bin. Name them, and an n_fft that would resolve them."""
    empty = np.flatnonzero(~bank.any(axis=0))
    if not empty.size:
        return
    n_fft = 2 * (bank.shape[0] - 1)
    beyond = int(empty[-1]) == bank.shape[1] - 1  # resolution affects the lowest bands, Nyquist the highest
    shown = ", ".join(str(band) for band in empty[:8]) + (", …" if empty.size > 8 else "")
    warnings.warn(
        f"{empty.size} of {bank.shape[1]} filter bank bands hold no DFT bin and are always 0: band {shown}. "
        + (
            f"The highest lie beyond Nyquist: use an f_max of {sample_rate / 2.0:g} Hz or less."
            if beyond
            else f"n_fft={n_fft} at {sample_rate:g} Hz is too coarse for them: use a longer n_fft (such as "
            f"{4 * n_fft}), fewer bands, or a higher f_min."
        ),
        stacklevel=3,
    )


def check_mel(
    sample_rate: float, n_mels: Any, f_min: Any, f_max: Any, htk: Any, norm: Any, triangles: Any = "hz"
) -> dict[str, Any]:
    """Return the arguments of the mel bank in canonical form, with None for `f_max` replaced by Nyquist, or raise."""
    n_mels = positive_int("n_mels", n_mels, "Use 40 to 128 for speech and music.")
    shape = dict(norm=check_norm(norm), triangles=_check_triangles(triangles))
    return dict(n_mels=n_mels, **check_range(sample_rate, f_min, f_max), htk=published_flag("htk", htk), **shape)


def check_scale(sample_rate: float, n_bins: Any, f_min: Any, f_max: Any, norm: Any, triangles: Any) -> dict[str, Any]:
    """Return the arguments of a bank of triangles on a linear or Bark scale in canonical form, or raise."""
    shape = dict(norm=check_norm(norm), triangles=_check_triangles(triangles))
    return dict(n_bins=_check_bins(n_bins), **check_range(sample_rate, f_min, f_max), **shape)


def _check_bins(n_bins: Any) -> int:
    return positive_int("n_bins", n_bins, "84 bins are seven octaves of semitones.")


def _check_triangles(triangles: Any) -> str:
    choice("triangles", triangles, TRIANGLES, "librosa's and torchaudio's are 'hz', Kaldi's and TensorFlow's 'mel'.")
    return str(triangles)


def check_range(sample_rate: float, f_min: Any, f_max: Any, lowest: float = 0.0) -> dict[str, float]:
    """Return the lowest and highest frequency of a bank, with None replaced by `lowest` and by Nyquist, or raise."""
    if f_min is None:
        f_min = lowest
    f_min = number("f_min", f_min, f"Use {lowest}.", at_least=0.0, rule="a frequency in Hz, at least 0")
    if f_max is None:
        f_max = sample_rate / 2.0
    rule = f"None or a frequency in Hz above {public_name('f_min')}={f_min:g}"
    f_max = number("f_max", f_max, "Use None for Nyquist.", above=f_min, rule=rule)
    return dict(f_min=f_min, f_max=f_max)


def mel(
    sample_rate: float,
    n_freq: int,
    n_mels: int = 128,
    f_min: float | None = 0.0,
    f_max: float | None = None,
    htk: bool = False,
    norm: str | float | None = "slaney",
    triangles: str = "hz",
    dtype: str = "float64",
    odd: bool = False,
) -> np.ndarray:
    """Return triangles that overlap by half on a mel scale, shape `(n_freq, n_mels)`; see `kapre.backend`.

    The sides of the triangles are straight in Hz or in mel. "symmetric" triangles, in Hz, have equal slopes on both
    sides (SpeechBrain). Triangles by "bins" have corners that are rounded down to whole bins. A bin at a corner has
    weight 0. With corners at 0 Hz and Nyquist, the first and the last bin therefore belong to no band.

    `dtype` is "float64" or "float32". In float32, triangles that are straight in Hz equal librosa's bit for bit,
    because they are rounded before the norm and again after it. `odd` tells that the DFT length is odd.
    """
    sample_rate, n_freq = _check_bank(sample_rate, n_freq)
    settings = check_mel(sample_rate, n_mels, f_min, f_max, htk, norm, triangles)
    scale, bands = "htk" if settings.pop("htk") else "slaney", settings.pop("n_mels")
    return _triangles(sample_rate, n_freq, odd, scale, bands, dtype=dtype, **settings)


def on_scale(
    sample_rate: float,
    n_freq: int,
    scale: str,
    n_bins: int,
    f_min: float | None,
    f_max: float | None,
    norm: str | float | None,
    triangles: str = "hz",
    dtype: str = "float64",
    odd: bool = False,
) -> np.ndarray:
    """Return triangles that overlap by half on a scale of `SCALES`, shape `(n_freq, n_bins)`; see `mel`."""
    sample_rate, n_freq = _check_bank(sample_rate, n_freq)
    settings = check_scale(sample_rate, n_bins, f_min, f_max, norm, triangles)
    return _triangles(sample_rate, n_freq, odd, scale, settings.pop("n_bins"), dtype=dtype, **settings)


def _between_bins(sample_rate: float, n_freq: int, odd: bool, corners: np.ndarray) -> np.ndarray:
    """Return triangles whose corners are rounded down to whole bins, as python_speech_features has them."""
    n_fft = 2 * n_freq - 1 if odd else 2 * (n_freq - 1)
    places = np.arange(n_freq)[:, None]
    whole = np.floor((n_fft + 1) * corners / sample_rate)
    left, centre, right = whole[:-2], whole[1:-1], whole[2:]
    rising = (places - left) / np.maximum(centre - left, 1.0)
    falling = (right - places) / np.maximum(right - centre, 1.0)
    rises, falls = (left <= places) & (places < centre), (centre <= places) & (places < right)
    found: np.ndarray = np.where(rises, rising, np.where(falls, falling, 0.0))
    return found


@lru_cache(maxsize=32)
def _triangles(
    sample_rate: float,
    n_freq: int,
    odd: bool,
    scale: str,
    bands: int,
    f_min: float,
    f_max: float,
    norm: str | float | None,
    triangles: str,
    dtype: str,
) -> np.ndarray:
    from_hz = SCALES[scale][0]
    corners = points(bands, f_min, f_max, scale)
    bins = bin_frequencies(sample_rate, n_freq, odd)[:, None]
    if triangles == "hz" and not odd:  # rounded as in librosa: a bin at a corner has a tiny weight
        bins = np.fft.rfftfreq(2 * (n_freq - 1), 1.0 / sample_rate)[:, None]
    at = corners
    if triangles == "mel":
        bins, at = from_hz(bins), from_hz(corners)
    left, centre, right = at[:-2], at[1:-1], at[2:]
    rise = centre - left
    fall = rise if triangles == "symmetric" else right - centre
    if triangles == "bins":
        bank = _between_bins(sample_rate, n_freq, odd, corners)
    else:
        bank = np.maximum(0.0, np.minimum((bins - left) / rise, (centre + fall - bins) / fall))
    if triangles == "mel":  # conversion to mel and back rounds, so a bin at a corner could get 1e-13
        bank[bank < 1e-10] = 0.0
    if triangles == "hz":
        bank = bank.astype(dtype)
    if norm == "slaney":
        bank *= 2.0 / (corners[2:] - corners[:-2])
    elif norm is not None:
        rows = np.ascontiguousarray(bank.T).astype(np.float64)  # the order of a sum determines its last digit
        size = _norms(rows, float(norm))
        bank /= np.where(size > np.finfo(dtype).tiny, size, 1.0)
    bank = bank.astype(dtype)
    bank.setflags(write=False)
    return bank


def _norms(rows: np.ndarray, p: float) -> np.ndarray:
    """Return the p-norm of each row of numbers >= 0. p = 0 counts the numbers above 0."""
    found: np.ndarray
    if abs(p) == math.inf:
        found = rows.max(axis=1) if p > 0 else rows.min(axis=1)
    elif p == 0.0:
        found = (rows > 0.0).sum(axis=1).astype(rows.dtype)
    else:
        found = np.sum(rows**p, axis=1) ** (1.0 / p)
    return found


def log_bins_below(frequency: float, bins_per_octave: int, f_min: float) -> int:
    """Return the number of log-bank bands that end at or below a frequency in Hz."""
    return max(0, math.floor(bins_per_octave * math.log2(frequency / f_min) + 1e-9)) if frequency > 0.0 else 0


def check_log(sample_rate: float, n_bins: Any, bins_per_octave: Any, f_min: Any, spread: Any) -> dict[str, Any]:
    """Return the arguments of the log bank in canonical form, with None for `f_min` replaced by C1, or raise."""
    n_bins = _check_bins(n_bins)
    bins_per_octave = positive_int("bins_per_octave", bins_per_octave, "12 gives semitones.")
    spread = number("spread", spread, "The default is 0.125.", above=0.0, rule="a positive number")
    if f_min is None:
        f_min = C1_HZ
    f_min = number("f_min", f_min, "Use None for C1.", above=0.0, rule="None or a positive frequency in Hz")
    top = f_min * 2.0 ** (n_bins / bins_per_octave)
    if top > sample_rate / 2.0:
        fits = log_bins_below(sample_rate / 2.0, bins_per_octave, f_min)
        low, bins, octave = (public_name(name) for name in ("f_min", "n_bins", "bins_per_octave"))
        raise RuntimeError(
            f"The log-frequency bank reaches {low} * 2 ** ({bins} / {octave}) = {top:.6g} Hz, beyond Nyquist "
            f"({sample_rate / 2.0:g} Hz); received {low}={f_min:g}, {bins}={n_bins}, {octave}={bins_per_octave}, "
            f"sample_rate={sample_rate:g}. "
            + (f"Use {bins}={fits} or fewer, or a lower {low}." if fits > 0 else f"Use a lower {low}.")
        )
    return dict(n_bins=n_bins, bins_per_octave=bins_per_octave, f_min=f_min, spread=spread)


def log_frequency(
    sample_rate: float,
    n_freq: int,
    n_bins: int = 84,
    bins_per_octave: int = 12,
    f_min: float | None = None,
    spread: float = 0.125,
    dtype: str = "float64",
    odd: bool = False,
) -> np.ndarray:
    """Return log-normal windows on a log2 frequency axis, shape `(n_freq, n_bins)`; see `kapre.backend`."""
    sample_rate, n_freq = _check_bank(sample_rate, n_freq)
    settings = check_log(sample_rate, n_bins, bins_per_octave, f_min, spread)
    return _log_values(sample_rate, n_freq, odd, dtype=dtype, **settings)


@lru_cache(maxsize=32)
def _log_values(
    sample_rate: float,
    n_freq: int,
    odd: bool,
    n_bins: int,
    bins_per_octave: int,
    f_min: float,
    spread: float,
    dtype: str,
) -> np.ndarray:
    sigma = spread / bins_per_octave
    octave = np.log2(bin_frequencies(sample_rate, n_freq, odd)[1:, None])
    centre = np.log2(log_centres(n_bins, bins_per_octave, f_min))
    rows = np.exp(-0.5 * ((octave - centre) / sigma) ** 2 - math.log2(sigma) - octave)
    bank = np.concatenate([np.zeros((1, n_bins)), rows])  # 0 Hz has no logarithm: DC belongs to no band
    total = bank.sum(axis=0)
    reached = total > np.finfo(np.float64).tiny  # a denormal sum is inaccurate: that band is empty, as published
    bank = np.where(reached, bank / np.where(reached, total, 1.0), 0.0).astype(dtype)
    bank.setflags(write=False)
    return bank
