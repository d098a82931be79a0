"""The kernel of a resampling and the number of samples that it gives, without a framework.

The kernel repeats every `new` outputs, which are `old` inputs apart. `kapre.ops.resample` applies it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from kapre._checks import choice, message, number, positive_int

Method = Literal["sinc_interp_hann", "sinc_interp_kaiser", "kaiser_best", "kaiser_fast"]

MOST_TAPS = 1 << 23
"""The most entries of the two matrices: 32 MiB in float32."""
MOST_RATE = 10_000_000
"""The highest rate in Hz."""
_FARTHEST = 20_000
"""How far from a rate whose kernel is too large another one is searched, in Hz."""
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


def check_rates(input_rate: Any, output_rate: Any, sinc: Sinc) -> tuple[int, int]:
    """Return the rates divided by their greatest common divisor. Refuse rates whose kernel would be too large."""
    old = _rate("input_rate", input_rate, "Give it in Hz, such as 44100.")
    new = _rate("output_rate", output_rate, "Give it in Hz, such as 16000.")
    if not _fits(old, new, sinc):
        near = _nearest(new, lambda rate: _fits(old, rate, sinc))
        remedy = f"Use {near}, or resample in two steps." if near else "Resample in two steps."
        rule = f"a rate whose kernel from {old} Hz has at most {MOST_TAPS} taps"
        raise ValueError(message("output_rate", rule, new, remedy))
    return reduced(old, new)


def check_input_rate(input_rate: Any, sample_rate: int, sinc: Sinc) -> int:
    """Return the rate from which to resample to `sample_rate`. Refuse one whose kernel would be too large."""
    old = _rate("input_rate", input_rate, "Give it in Hz, such as 44100.")
    if not _fits(old, sample_rate, sinc):
        near = _nearest(old, lambda rate: _fits(rate, sample_rate, sinc))
        remedy = f"Resample the samples to {near} Hz first." if near else "Resample the samples first."
        rule = f"a rate whose kernel to {sample_rate} Hz has at most {MOST_TAPS} taps"
        raise ValueError(message("input_rate", rule, old, remedy))
    return old


def _rate(name: str, value: Any, remedy: str) -> int:
    rate = positive_int(name, value, remedy)
    if rate > MOST_RATE:
        raise ValueError(message(name, f"at most {MOST_RATE} Hz", value, remedy))
    return rate


def reduced(old: int, new: int) -> tuple[int, int]:
    """Return two rates divided by their greatest common divisor."""
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


def reach(old: int, new: int, sinc: Sinc) -> int:
    """Return how many inputs the kernel reaches to either side."""
    return math.ceil(sinc.width * old / (min(old, new) * sinc.rolloff))


def row_length(old: int, new: int, sinc: Sinc) -> int:
    """Return how many inputs are in a row: at least twice as many as the kernel reaches to either side."""
    return old * math.ceil(max(2 * reach(old, new, sinc), _LEAST_ROW) / old)


def _fits(old: int, new: int, sinc: Sinc) -> bool:
    old, new = reduced(old, new)
    row = row_length(old, new, sinc)
    return (row + 2 * reach(old, new, sinc)) * (row // old * new) <= MOST_TAPS


def _nearest(rate: int, fits: Callable[[int], bool]) -> int | None:
    """Return the rate closest to one that does not fit, or None if none is near."""
    for distance in range(1, min(rate, _FARTHEST)):
        for other in (rate - distance, rate + distance):
            if fits(other):
                return other
    return None


@lru_cache(maxsize=32)
def period(old: int, new: int, sinc: Sinc) -> np.ndarray:
    """Return the kernel of one period, `(old + 2 * reach, new)`: inputs from `reach` before it to `reach` after it."""
    base = min(old, new) * sinc.rolloff
    before = reach(old, new, sinc)
    taps = np.arange(-before, before + old)
    times = (taps[:, None] / old - np.arange(new) / new) * base
    inside = np.abs(times) < sinc.width
    relative = np.where(inside, times / sinc.width, 1.0)
    if sinc.beta is None:
        window = np.cos(0.5 * np.pi * relative) ** 2
    else:
        window = np.i0(sinc.beta * np.sqrt(1.0 - relative**2)) / np.i0(sinc.beta)
    found: np.ndarray = np.where(inside, np.sinc(times) * window, 0.0) * (base / old)
    found.setflags(write=False)  # its tensor is made once
    return found
