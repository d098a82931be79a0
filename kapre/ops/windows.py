"""Window functions by name, in NumPy float64.

The values are those of the functions with the same names in TensorFlow's `tf.signal`, including a quirk: hann and
hamming are periodic for an even length and symmetric for an odd one, unless the form is given. Bartlett, Blackman and
sine windows, which `tf.signal` lacks, follow the same rule.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from kapre._checks import message, positive_int

KAISER_BETA = 12.0


def _raised_cosine(floor: float) -> Callable[[np.ndarray], np.ndarray]:
    """Return the raised cosine that is `floor` at both ends."""
    half_swing = (1.0 - floor) / 2.0
    return lambda place: floor + half_swing - half_swing * np.cos(2.0 * np.pi * place)


def _blackman(place: np.ndarray) -> np.ndarray:
    return 0.42 - 0.5 * np.cos(2.0 * np.pi * place) + 0.08 * np.cos(4.0 * np.pi * place)


_OF_PLACE: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "hann_window": _raised_cosine(0.0),
    "hamming_window": _raised_cosine(0.08),
    "blackman_window": _blackman,
    "bartlett_window": lambda place: 1.0 - np.abs(2.0 * place - 1.0),
    "sine_window": lambda place: np.sin(np.pi * place),
}
"""The windows that have a periodic and a symmetric form, as functions of the place in the period, from 0 to 1."""


def _placed(name: str, length: int, periodic: bool) -> np.ndarray:
    if length == 1:
        return np.ones(1)
    period = length if periodic else length - 1
    return np.maximum(_OF_PLACE[name](np.arange(length) / period), 0.0)


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


def _cosine(length: int) -> np.ndarray:
    return np.sin(np.pi * (np.arange(length) + 0.5) / length)


_WINDOWS: dict[str, Callable[[int], np.ndarray]] = {
    "cosine_window": _cosine,
    "kaiser_bessel_derived_window": _kaiser_bessel_derived,
    "kaiser_window": _kaiser,
    "rectangular_window": np.ones,
    "vorbis_window": _vorbis,
}

WINDOW_NAMES = tuple(sorted((*_OF_PLACE, *_WINDOWS)))


def resolve_name(window_name: str | None) -> str:
    """Return the full name of a window. `None` means hann. An unknown name raises an error that lists the names."""
    if window_name is None:
        return "hann_window"
    if not isinstance(window_name, str) or window_name not in WINDOW_NAMES:
        whole = f"{'hann' if window_name == 'hanning' else window_name}_window"
        way = f"Use {whole!r}." if whole in WINDOW_NAMES else "Use one of these names."
        raise NotImplementedError(message("window_name", f"None or one of {', '.join(WINDOW_NAMES)}", window_name, way))
    return window_name


def resolve_periodic(name: str, length: int, periodic: bool | None) -> bool | None:
    """Return whether a window is periodic, with None for TensorFlow's choice, or None for one with a single form."""
    if name not in _OF_PLACE:
        if periodic is None:
            return None
        rule = f"None with {name}, which has one form"
        way = f"Leave it out, or use one of {', '.join(sorted(_OF_PLACE))}."
        raise ValueError(message("window_periodic", rule, periodic, way))
    return length % 2 == 0 if periodic is None else periodic


def as_periodic(window_name: str | None) -> bool | None:
    """Return True for a window that has a periodic form, or None for one with a single form."""
    return True if resolve_name(window_name) in _OF_PLACE else None


@lru_cache(maxsize=64)
def _cached(name: str, length: int, periodic: bool | None, exponent: float) -> np.ndarray:
    values = _WINDOWS[name](length) if periodic is None else _placed(name, length, periodic)
    values = np.ascontiguousarray(np.maximum(values, 0.0) ** exponent if exponent != 1.0 else values)
    values.setflags(write=False)
    return values


def window(window_name: str | None, length: int, periodic: bool | None = None, exponent: float = 1.0) -> np.ndarray:
    """Return the named window as a read-only float64 array of shape `(length,)`."""
    length = positive_int("length", length, "A window has at least one sample.")
    name = resolve_name(window_name)
    return _cached(name, length, resolve_periodic(name, length, periodic), exponent)


def margins(win_length: int, frame_length: int, centred: bool) -> tuple[int, int]:
    """Return the samples before and after a window in a longer frame, at the start or in the middle."""
    room = frame_length - win_length
    left = room // 2 if centred else 0
    return left, room - left


def overlapped_power(analysis: np.ndarray, hop_length: int) -> np.ndarray:
    """Sum the squared window over its shifts by whole hops. Overlap-add multiplies a steady signal by this sum.

    The shape is `(hop_length,)`, with one value for each position within a hop.
    """
    parts = math.ceil(len(analysis) / hop_length)
    squared = np.pad(analysis**2, (0, parts * hop_length - len(analysis)))
    return squared.reshape(parts, hop_length).sum(axis=0)


def synthesis_window(analysis: np.ndarray, hop_length: int) -> np.ndarray:
    """Return the window that inverts `analysis` under overlap-add: `w / overlapped_power`, 0 where nothing overlaps."""
    total = np.resize(overlapped_power(analysis, hop_length), len(analysis))
    return np.divide(analysis, total, out=np.zeros_like(analysis), where=total > 0.0)
