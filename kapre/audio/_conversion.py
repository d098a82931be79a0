"""`Conversion`: the samples of a recording as a recipe takes them, first mixed to one channel, then resampled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np

from kapre import _checks
from kapre.audio._decoder import Samples
from kapre.audio._errors import line, one_line
from kapre.audio._levels import Mixing
from kapre.audio._packages import optional

_LARGEST_RATIO = 256
"""Largest ratio between the rate of a file and the target rate of resampling, in either direction."""


class RefusedError(Exception):
    """Report samples that cannot be converted: the stage that fails, such as "resample", and the reason."""

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(reason)
        self.stage, self.reason = stage, reason


_REMEDIES = {
    "channel": 'Use one of them, or "mix".',
    "resample": "Correct the rate in its header, or leave it out.",
}


@contextmanager
def refusals(name: str) -> Iterator[None]:
    """Turn a refused conversion of a file into an AudioError."""
    try:
        yield
    except RefusedError as error:
        raise line(name, error.reason, _REMEDIES[error.stage]) from None


class Conversion:
    """Convert samples of one recording to those that a recipe takes.

    The order is the same for all callers: mix to one channel, then resample. One channel is resampled instead of all.
    A recording in memory takes `whole`, or `mix` for each part and then `resample`. A recording that is read block by
    block takes `push` for each block and then `finish`.

    Args:
        rate: Samples per second of the recording.
        to: Samples per second that the recipe takes.
        channel: Number of the channel, starting from 0, or None for the mean of all.
        mixing: Records the energies of the channels and of their mean. None records nothing.
    """

    def __init__(self, rate: int, to: int, channel: int | None = None, mixing: Mixing | None = None) -> None:
        self.rate, self.to, self.channel, self.mixing = rate, to, channel, mixing
        self._stream: Any = None

    def mix(self, samples: Samples) -> Samples:
        """Return samples of shape `(time, channels)` as `(time,)`.

        Raises:
            RefusedError: If the recording lacks the channel.
        """
        channels = samples.shape[1]
        if self.channel is not None:
            if self.channel >= channels:
                reason = f"there is no channel {self.channel}: the file has {channels}, counted from 0"
                raise RefusedError("channel", reason)
            return np.ascontiguousarray(samples[:, self.channel])
        mono: Samples = samples[:, 0] if channels == 1 else samples.mean(axis=1)
        if self.mixing is not None:
            self.mixing.add(samples, mono)
        return mono

    def resample(self, mono: Samples) -> Samples:
        """Return all samples of one channel at the recipe's rate.

        Raises:
            RefusedError: If soxr cannot resample between these rates.
        """
        return resample(mono, self.rate, self.to)

    def whole(self, samples: Samples) -> Samples:
        """Return all samples of shape `(time, channels)` as the recipe takes them, `(time,)`.

        Raises:
            RefusedError: As `mix` and `resample`.
        """
        return self.resample(self.mix(samples))

    def push(self, block: Samples) -> Samples:
        """Return the samples that the next block of shape `(time, channels)` adds, `(time,)`.

        Raises:
            RefusedError: As `mix` and `resample`.
        """
        mono = self.mix(block)
        if self.rate == self.to:
            return mono
        if self._stream is None:
            soxr = optional("soxr", "Resampling")
            try:
                self._stream = soxr.ResampleStream(self.rate, self.to, 1, dtype="float32", quality="HQ")
            except (ValueError, RuntimeError) as error:
                raise _cannot(self.rate, self.to, error) from None
        added: Samples = self._stream.resample_chunk(mono)
        return added

    def warning(self, clip: int) -> str:
        """Return the warning for channels of a clip, counted from 0, that cancel each other, and discard its record."""
        return "" if self.mixing is None else self.mixing.warning(clip)

    def finish(self) -> Samples:
        """Return the samples that the resampler still holds after the last block."""
        nothing = np.zeros(0, np.float32)
        return nothing if self._stream is None else self._stream.resample_chunk(nothing, last=True)


def resample(samples: Samples, rate: int, to: int) -> Samples:
    """Return samples of shape `(time,)` or `(time, channels)` at another rate, resampled with soxr ("HQ").

    Raises:
        RefusedError: If soxr cannot resample between these rates.
    """
    if rate == to:
        return samples
    soxr = optional("soxr", "Resampling")
    try:
        found: Samples = soxr.resample(samples, rate, to, quality="HQ")
    except (ValueError, RuntimeError) as error:
        raise _cannot(rate, to, error) from None
    return found


def _cannot(rate: int, to: int, error: Exception) -> RefusedError:
    return RefusedError("resample", f"{rate} Hz cannot be resampled to {to} Hz ({one_line(error)})")


def resampling_problem(rate: int, to: int) -> str:
    """Return the reason why a rate cannot be resampled to another, or an empty string if it can.

    No recording has such a rate, and resampling would give too many samples, or none.

    Args:
        rate: Samples per second of the file.
        to: Samples per second of the result.

    Example:
        ```python
        import kapre

        assert kapre.audio.resampling_problem(44100, 16000) == ""
        assert kapre.audio.resampling_problem(1, 16000).endswith("more than 256 times as low")
        ```
    """
    if to / _LARGEST_RATIO <= rate <= to * _LARGEST_RATIO:
        return ""
    how = f"more than {_LARGEST_RATIO} times {'as low' if rate < to else 'as high'}"
    return f"{rate} Hz cannot be resampled to {to} Hz: {how}"


def check_rate(rate: int, to: int) -> None:
    """Refuse a rate that cannot be resampled to another.

    Raises:
        RefusedError: With the text of `resampling_problem`.
    """
    if problem := resampling_problem(rate, to):
        raise RefusedError("resample", problem)


def as_channel(value: int | Literal["mix"] | None) -> int | None:
    """Return the argument `channel`: a number, or None for "mix"."""
    if value in (None, "mix"):
        return None
    try:
        return _checks.count("channel", value, "")
    except (TypeError, ValueError):
        remedy = 'Use "mix" for the mean of all.'
        raise ValueError(_checks.message("channel", '"mix" or a number from 0 on', value, remedy)) from None
