"""How many frames a length holds: the one formula, for ints and for integer tensors, without a framework."""

from __future__ import annotations

import numbers
from typing import Any

PAD_MODES = ("constant", "reflect", "symmetric", "edge")


def num_frames(n_samples: Any, frame_length: int, hop_length: int, pad_end: bool = False) -> Any:
    """Count the frames in `n_samples`: `1 + (n_samples - frame_length) // hop_length`, never below 0.

    With `pad_end`, a frame starts at every hop that meets a sample: `ceil(n_samples / hop_length)`, which is the
    same formula after `frame_length - 1` samples of padding.

    Args:
        n_samples: An int, `None` (unknown, so the count is `None`), or an integer tensor.
        frame_length: Samples in a frame.
        hop_length: Samples from one frame's start to the next.
        pad_end: Whether frames that reach past the end are kept.
    """
    if n_samples is None:
        return None
    if pad_end:
        n_samples = n_samples + (frame_length - 1)
    return at_least_0(n_samples - frame_length + hop_length) // hop_length  # tf2onnx (1.17) rounds below 0 upwards


def at_least_0(count: Any) -> Any:
    """Return an int or an integer tensor, 0 where it is negative."""
    if isinstance(count, numbers.Integral):
        return max(int(count), 0)
    return (count + abs(count)) // 2


def padded_length(length: Any, at_least: int, multiple: int) -> Any:
    """Return the smallest `at_least + k * multiple` that holds `length`: an int, None (unknown) or a tensor."""
    if length is None or (at_least == 0 and multiple == 1):
        return length
    return at_least + (at_least_0(length - at_least) + multiple - 1) // multiple * multiple
