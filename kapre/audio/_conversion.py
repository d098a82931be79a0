"""Conversion."""

from __future__ import annotations

_LARGEST_RATIO = 256
"""Largest ratio between the rate of a file and the target rate of resampling, in either direction."""


def resampling_problem(rate: int, to: int) -> str:
    """Return the reason why a rate cannot be resampled to another, or an empty string if it can.

    No recording has such a rate, and resampling would give too many samples, or none.
    """
    if to / _LARGEST_RATIO <= rate <= to * _LARGEST_RATIO:
        return ""
    how = f"more than {_LARGEST_RATIO} times {'as low' if rate < to else 'as high'}"
    return f"{rate} Hz cannot be resampled to {to} Hz: {how}"
