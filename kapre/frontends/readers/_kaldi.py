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


def stack(settings: Settings, prefix: str = "", default: Any = 1) -> dict[str, Any]:
    """Take the fields of stacks, as FunASR makes them: `lfr_m` frames, every `lfr_n` frames."""
    size = settings.integer(f"{prefix}lfr_m", default, of="stack")
    hop = settings.integer(f"{prefix}lfr_n", default, of="stack_hop")
    if size == 1 and hop > 1:
        raise settings.error(f"{prefix}lfr_n", "1 with lfr_m=1", hop, "A recipe does not leave out frames.")
    return dict(stack=size, stack_hop=hop, stack_edges="repeat")


def milliseconds(settings: Settings, rate: float, window: float = 25.0, hop: float = 10.0) -> dict[str, Any]:
    """Take `frame_length` and `frame_shift` in milliseconds, rounded as torchaudio rounds them."""
    found = []
    for name, default in (("frame_length", window), ("frame_shift", hop)):
        given = settings.number(name, default, at_least=0.0)
        found.append(settings.in_samples(name, int(rate * given * 0.001), given))
    return frames(rate, *found)
