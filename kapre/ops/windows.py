"""Window functions by name, in NumPy float64.

The values are those of TensorFlow's `tf.signal` functions of the same names, quirk included: hann and
hamming are periodic for an even length and symmetric for an odd one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from kapre._checks import message, positive_int

KAISER_BETA = 12.0


def _raised_cosine(length: int, floor: float) -> np.ndarray:
    if length == 1:
        return np.ones(1)
    period = length if length % 2 == 0 else length - 1
    half_swing = (1.0 - floor) / 2.0
    return floor + half_swing - half_swing * np.cos(2.0 * np.pi * np.arange(length) / period)


def _hann(length: int) -> np.ndarray:
    return _raised_cosine(length, 0.0)


def _hamming(length: int) -> np.ndarray:
    return _raised_cosine(length, 0.08)


def _kaiser(length: int) -> np.ndarray:
    return np.kaiser(length, KAISER_BETA)


def _kaiser_bessel_derived(length: int) -> np.ndarray:
    if length % 2:
        raise ValueError(
            message(
                "length",
                "even for kaiser_bessel_derived_window",
                length,
                f"Use {length + 1}, or kaiser_window, which takes any length.",
            )
        )
    running = np.cumsum(np.kaiser(length // 2 + 1, KAISER_BETA))
    rising = np.sqrt(running[:-1] / running[-1])
    return np.concatenate([rising, rising[::-1]])


def _vorbis(length: int) -> np.ndarray:
    return np.sin(np.pi / 2.0 * np.sin(np.pi * (np.arange(length) + 0.5) / length) ** 2)


_WINDOWS: dict[str, Callable[[int], np.ndarray]] = {
    "hamming_window": _hamming,
    "hann_window": _hann,
    "kaiser_bessel_derived_window": _kaiser_bessel_derived,
    "kaiser_window": _kaiser,
    "vorbis_window": _vorbis,
}

WINDOW_NAMES = tuple(_WINDOWS)


def resolve_name(window_name: str | None) -> str:
    """Return the window's full name; `None` means hann. An unknown name is refused with the list."""
    if window_name is None:
        return "hann_window"
    if not isinstance(window_name, str) or window_name not in _WINDOWS:
        raise NotImplementedError(
            message("window_name", f"None or one of {', '.join(WINDOW_NAMES)}", window_name, "Use one of these names.")
        )
    return window_name


@lru_cache(maxsize=64)
def _cached(name: str, length: int) -> np.ndarray:
    values = np.ascontiguousarray(_WINDOWS[name](length))
    values.setflags(write=False)
    return values


def window(window_name: str | None, length: int) -> np.ndarray:
    """Return the named window as a read-only float64 array of shape `(length,)`."""
    length = positive_int("length", length, "A window has at least one sample.")
    return _cached(resolve_name(window_name), length)
