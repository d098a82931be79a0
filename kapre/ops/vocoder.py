"""The phase vocoder: waveforms made longer or shorter at the same pitch, or higher or lower at the same length.

Flanagan and Golden, "Phase Vocoder", 1966. Spectra are pairs of `(..., frames, bins)`.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from keras import ops

from kapre._checks import message, positive_int
from kapre.ops import fourier, frames, windows
from kapre.ops.fourier import Pair
from kapre.ops.kernels import active as kernel
from kapre.ops.resample import Sinc, resample

_window = kernel.untraced(windows.window)
_GROUP = 64
"""How many angles are added before whole turns are taken off."""
_IN_TUNE = 1.0 - 2.0 ** (0.1 / 1200.0)
"""How far a ratio of pitches may be off, as a fraction: a tenth of a cent."""


def framing(n_fft: int, hop_length: int | None) -> tuple[int, int, np.ndarray]:
    """Return the lengths of frames and hops and the window. Refuse hops that do not overlap by half."""
    n_fft = positive_int("n_fft", n_fft, "Use 2048.")
    if n_fft < 2:
        raise ValueError(message("n_fft", "at least 2", n_fft, "Use 2048."))
    most = max(1, n_fft // 2)
    hop = max(1, n_fft // 4) if hop_length is None else positive_int("hop_length", hop_length, f"Use {n_fft // 4}.")
    if hop > most:
        raise ValueError(message("hop_length", f"at most n_fft // 2 = {most}", hop, f"Use {max(1, n_fft // 4)}."))
    return n_fft, hop, _window("hann_window", n_fft)


def ratio_of(rate: float) -> Fraction:
    """Return a rate as a fraction, so that positions in frames are whole numbers plus fractions, within int32."""
    return Fraction(rate).limit_denominator(max(1, int(math.sqrt(2.0**31 / max(rate, 1.0))) - 1))


def pitch_ratio(octaves: float) -> Fraction:
    """Return the fraction of the smallest numbers within a tenth of a cent of `2 ** octaves`.

    The kernel of a resampling grows with these numbers.
    """
    ratio = 2.0**octaves
    denominator = 1
    while True:
        found = Fraction(max(1, round(ratio * denominator)), denominator)
        if abs(float(found) / ratio - 1.0) <= abs(_IN_TUNE):
            return found
        denominator += 1


def at_rate(length: Any, rate: Fraction, to_nearest: bool = False) -> Any:
    """Return `length / rate`, rounded up, or to the nearest integer, for an int, None or an integer tensor."""
    if length is None:
        return None
    p, q = rate.numerator, rate.denominator
    rest = length % p * q
    return length // p * q + ((2 * rest + p) // (2 * p) if to_nearest else (rest + p - 1) // p)


def phase_vocoder(pair: Pair, rate: Fraction) -> Pair:
    """Read a spectrogram at every `rate`-th frame: `ceil(frames / rate)` frames.

    Magnitudes are interpolated between neighbours. Phases advance by the difference of the two neighbours. The advance
    that a bin's own frequency makes in a hop is subtracted and added again in other descriptions. As it is added
    exactly, and a phase counts up to whole turns, it has no effect.
    """
    real = pair[0]
    count = at_rate(ops.shape(real)[-2], rate)
    p, q = rate.numerator, rate.denominator
    known = isinstance(count, int)
    steps: Any = np.arange(count) if known else ops.arange(count, dtype="int32")
    places, share = steps // q * p + steps % q * p // q, steps % q * p % q
    share = fourier.constant(share / q, real) if known else ops.cast(share, real.dtype) / q
    silent = [(0, 0)] * (len(real.shape) - 2) + [(0, 2), (0, 0)]  # two frames behind the last

    def neighbours(of_frames: Any) -> Pair:
        padded = ops.pad(of_frames, silent)
        return kernel.take(padded, places, -2), kernel.take(padded, places + 1, -2)

    before, ahead = neighbours(fourier.magnitude(pair))
    size = before + share[:, None] * (ahead - before)
    turns = fourier.phase(pair) * (0.5 / math.pi)
    before, ahead = neighbours(turns)
    advances = kernel.part(ahead - before, 0, 1, axis=-2)
    angle = (2.0 * math.pi) * _added(ops.concatenate([turns[..., :1, :], advances], axis=-2))
    return size * kernel.cos(angle), size * kernel.sin(angle)


def _within_half(turns: Any) -> Any:
    """Take off whole turns. This is exact, as it would not be in radians."""
    return turns - ops.round(turns)


def _added(turns: Any, levels: int = 3) -> Any:
    """Return the sums of angles over `(..., frames, bins)`, up to whole turns, in groups whose sums stay small."""
    turns = _within_half(turns)
    length = turns.shape[-2]
    if levels == 1 or (isinstance(length, int) and length <= _GROUP):
        return _within_half(kernel.cumsum(turns, axis=len(turns.shape) - 2))
    *lead, length, bins = ops.shape(turns)
    count = length // _GROUP + 1
    widths = [(0, 0)] * len(lead)
    padded = ops.pad(turns, [*widths, (0, _GROUP), (0, 0)])[..., : count * _GROUP, :]
    groups = ops.reshape(padded, (*lead, count, _GROUP, bins))
    sums = kernel.cumsum(groups, axis=len(groups.shape) - 2)
    before = _added(ops.pad(sums[..., -1, :], [*widths, (1, 0), (0, 0)]), levels - 1)
    sums = sums + kernel.part(before, 0, 1, axis=-2)[..., None, :]
    return _within_half(ops.reshape(sums, (*lead, count * _GROUP, bins))[..., :length, :])


def time_stretch(x: Any, rate: Fraction, analysis: np.ndarray, n_fft: int, hop_length: int, lengths: Any = None) -> Any:
    """Play `(..., time)` at `rate` times its speed, at the same pitch: `time / rate` samples.

    `lengths`, int32 `(batch,)`, holds the number of samples of each item, which are zeros from there on.
    """
    length = at_rate(ops.shape(x)[-1], rate, to_nearest=True)
    real, imag = fourier.stft(frames.pad(x, n_fft // 2, n_fft // 2), analysis, n_fft, hop_length)
    count = None
    if lengths is not None:  # an item alone has no frame that reaches past its padding
        count = frames.num_frames(lengths + 2 * (n_fft // 2), n_fft, hop_length)
        there = frames.within(ops.shape(real)[-2], count, len(real.shape), axis=-2)
        real, imag = (ops.where(there, part, ops.zeros_like(part)) for part in (real, imag))
        count = at_rate(count, rate)
    pair = phase_vocoder((real, imag), rate)
    y = fourier.istft(pair, analysis, analysis, n_fft, hop_length, exact_edges=True, lengths=count)
    return frames.pad(y, 0, n_fft + hop_length)[..., n_fft // 2 : n_fft // 2 + length]


def pitch_shift(
    x: Any, ratio: Fraction, analysis: np.ndarray, n_fft: int, hop_length: int, sinc: Sinc, lengths: Any = None
) -> Any:
    """Multiply every frequency of `(..., time)` by `ratio`: stretch by it, then resample to the length of `x`.

    `lengths` is as for `time_stretch`.
    """
    stretched = time_stretch(x, 1 / ratio, analysis, n_fft, hop_length, lengths)
    if lengths is not None:
        stretched = frames.keep(stretched, at_rate(lengths, 1 / ratio, to_nearest=True))
    y = resample(stretched, ratio.numerator, ratio.denominator, sinc)
    missing = 1 + ratio.denominator // ratio.numerator  # half a sample that the stretch has rounded away
    return frames.pad(y, 0, missing)[..., : ops.shape(x)[-1]]
