"""Resampling by a windowed sinc, on the last axis: `(..., time)` to `(..., ceil(new * time / old))`.

Smith, "Digital Audio Resampling", 2002. Output sample p is `Σ_i x[i] k(i / old - p / new)`. The kernel repeats every
`new` outputs, which are `old` inputs apart. A row of inputs as long as a whole number of such periods, and the start of
the next row, determine a row of outputs. Resampling is therefore two matrix products.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from keras import ops

from kapre._checks import choice, message, number, positive_int
from kapre.ops import fourier, frames
from kapre.ops.host import library
from kapre.ops.kernels import active as kernel
from kapre.ops.kernels import current

Method = Literal["sinc_interp_hann", "sinc_interp_kaiser", "kaiser_best", "kaiser_fast"]

MOST_TAPS = 1 << 23
"""The most entries of the two matrices: 32 MiB in float32."""
_LEAST_ROW = 64
"""The fewest inputs in a row. Shorter rows make products of few columns, and longer ones multiply more zeros."""


class Sinc(NamedTuple):
    """Describe the kernel: a sinc with zeros `width` on either side, a cut-off, and a Hann or a Kaiser window."""

    width: int = 6
    rolloff: float = 0.99
    beta: float | None = None
    """The shape of the Kaiser window. None means Hann."""


_BETA = 14.769656459379492
NAMED = {"kaiser_best": Sinc(64, 0.9475937167399596, _BETA), "kaiser_fast": Sinc(16, 0.85, 8.555504641634386)}


def check_sinc(width: int | None, rolloff: float | None, method: str, beta: float | None) -> Sinc:
    """Return the kernel for the arguments of the public functions, where None means the default of the method."""
    choice("resampling_method", method, get_args(Method), "Use 'sinc_interp_hann', or 'kaiser_best' for precision.")
    given = {"lowpass_filter_width": width, "rolloff": rolloff, "beta": beta}
    if method in NAMED:
        for name, value in given.items():
            if value is not None:
                rule = f"None with resampling_method={method!r}, which sets it"
                raise ValueError(message(name, rule, value, "Or use resampling_method='sinc_interp_kaiser'."))
        return NAMED[method]
    plain = Sinc()
    width = plain.width if width is None else positive_int("lowpass_filter_width", width, "Use 6, or 64.")
    rolloff = number("rolloff", plain.rolloff if rolloff is None else rolloff, "Use 0.99.", above=0.0)
    if rolloff > 1.0:
        raise ValueError(message("rolloff", "a number above 0, at most 1", rolloff, "Use 0.99."))
    if method == "sinc_interp_hann":
        if beta is not None:
            rule = "None with resampling_method='sinc_interp_hann'"
            raise ValueError(message("beta", rule, beta, "Use resampling_method='sinc_interp_kaiser'."))
        return Sinc(width, rolloff)
    return Sinc(width, rolloff, number("beta", _BETA if beta is None else beta, f"Use {_BETA}.", at_least=0.0))


def check_rates(input_rate: int, output_rate: int, sinc: Sinc) -> tuple[int, int]:
    """Return the rates divided by their greatest common divisor. Refuse rates whose kernel would be too large."""
    old = positive_int("input_rate", input_rate, "Give it in Hz, such as 44100.")
    new = positive_int("output_rate", output_rate, "Give it in Hz, such as 16000.")
    if _taps(old, new, sinc) > MOST_TAPS:
        near = _friendly(old, new, sinc)
        remedy = f"Use {near}, or resample in two steps." if near else "Resample in two steps."
        rule = f"a rate whose kernel from {old} Hz has at most {MOST_TAPS} taps"
        raise ValueError(message("output_rate", rule, new, remedy))
    divisor = math.gcd(old, new)
    return old // divisor, new // divisor


def speed_ratio(factor: float) -> tuple[int, int]:
    """Return the fraction of whole numbers up to 1000 that is closest to a factor of the speed, as its two parts.

    A kernel grows with both.
    """
    ratio = Fraction(factor).limit_denominator(max(1, int(1000 / max(factor, 1.0))))
    return ratio.numerator, ratio.denominator


def out_length(length: Any, old: int, new: int) -> Any:
    """Return `ceil(new * length / old)` of an int, None (unknown) or an integer tensor, within int32."""
    if length is None:
        return None
    return length // old * new + (length % old * new + old - 1) // old


def out_mask(mask: Any, old: int, new: int) -> Any:
    """Return the mask over the resampled time for a mask over samples `(batch, time)`."""
    lib = library(mask)
    size, lengths = (out_length(each, old, new) for each in (lib.shape(mask)[1], frames.lengths_of(mask)))
    return np.arange(size) < lengths[:, None] if lib is np else frames.within(size, lengths, 2)


def resample(x: Any, old: int, new: int, sinc: Sinc) -> Any:
    """Convert the last axis from the rate `old` to `new`, of which 1 is the greatest common divisor."""
    if old == new:
        return x
    reach, row = _rows(old, new, sinc)
    here, ahead = _matrices(old, new, sinc)
    *lead, length = ops.shape(x)
    rows = frames.frame(frames.pad(x, reach, 2 * row - reach), row, row)
    by = current()
    own, following = kernel.part(rows, 0, 1, axis=-2), kernel.part(rows, 1, 0, axis=-2)[..., : 2 * reach]
    y = by.dot(own, fourier.constant(here, x)) + by.dot(following, fourier.constant(ahead, x))
    count = ops.shape(y)[-2]
    return ops.reshape(y, (*lead, count * here.shape[1]))[..., : out_length(length, old, new)]


def _rows(old: int, new: int, sinc: Sinc) -> tuple[int, int]:
    """Return how many inputs the kernel reaches to either side, and how many are in a row: at least twice as many."""
    reach = math.ceil(sinc.width * old / (min(old, new) * sinc.rolloff))
    return reach, old * math.ceil(max(2 * reach, _LEAST_ROW) / old)


def _taps(old: int, new: int, sinc: Sinc) -> int:
    divisor = math.gcd(old, new)
    old, new = old // divisor, new // divisor
    reach, row = _rows(old, new, sinc)
    return (row + 2 * reach) * (row // old * new)


def _friendly(old: int, new: int, sinc: Sinc) -> int | None:
    """Return the rate closest to `new` whose kernel is small enough."""
    for distance in range(1, new):
        for rate in (new - distance, new + distance):
            if _taps(old, rate, sinc) <= MOST_TAPS:
                return rate
    return None


@kernel.untraced
@lru_cache(maxsize=32)
def _matrices(old: int, new: int, sinc: Sinc) -> tuple[np.ndarray, np.ndarray]:
    """Return the matrices for a row of inputs and for the start of the next row, `(inputs, outputs of a row)` each."""
    reach, row = _rows(old, new, sinc)
    base = min(old, new) * sinc.rolloff
    taps = np.arange(-reach, reach + old)
    times = (taps[:, None] / old - np.arange(new) / new) * base
    inside = np.abs(times) < sinc.width
    relative = np.where(inside, times / sinc.width, 1.0)
    if sinc.beta is None:
        window = np.cos(0.5 * np.pi * relative) ** 2
    else:
        window = np.i0(sinc.beta * np.sqrt(1.0 - relative**2)) / np.i0(sinc.beta)
    period = np.where(inside, np.sinc(times) * window, 0.0) * (base / old)
    whole = np.zeros((row + 2 * reach, row // old * new))
    for start in range(row // old):
        whole[start * old : start * old + len(taps), start * new : (start + 1) * new] = period
    parts = np.ascontiguousarray(whole[:row]), np.ascontiguousarray(whole[row:])
    for part in parts:
        part.setflags(write=False)  # its tensor is made once
    return parts
