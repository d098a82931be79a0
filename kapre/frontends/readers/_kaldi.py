"""Kaldi's frames and windows, which the files of several formats describe."""

from __future__ import annotations

from typing import Any

from kapre.frontends.readers._reader import Settings
from kapre.ops.counts import power_of_two

WINDOWS: dict[str, dict[str, Any]] = {
    "povey": dict(window_name="hann_window", window_periodic=False, window_exponent=0.85),
    "rectangular": dict(window_name="rectangular_window", window_periodic=None, window_exponent=1.0),
    **{
        theirs: dict(window_name=f"{ours}_window", window_periodic=False, window_exponent=1.0)
        for theirs, ours in (("hamming", "hamming"), ("hanning", "hann"), ("blackman", "blackman"), ("sine", "sine"))
    },
}
"""The fields of a recipe for each window of Kaldi."""


def frames(rate: float, window: int, hop: int, n_fft: int | None = None) -> dict[str, Any]:
    """Return the fields of frames, with lengths in samples. The DFT has a power of two unless `n_fft` is given."""
    n_fft = power_of_two(window) if n_fft is None else n_fft
    lengths = dict(win_length=window, hop_length=hop, n_fft=n_fft, frame_length=None)
    return dict(lengths, sample_rate=rate, f_max=rate / 2.0)


def milliseconds(settings: Settings, rate: float, window: float = 25.0, hop: float = 10.0) -> dict[str, Any]:
    """Take `frame_length` and `frame_shift` in milliseconds, rounded as torchaudio rounds them."""
    found = []
    for name, default in (("frame_length", window), ("frame_shift", hop)):
        given = settings.number(name, default, at_least=0.0)
        found.append(settings.in_samples(name, int(rate * given * 0.001), given))
    return frames(rate, *found)
