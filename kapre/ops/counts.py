"""The number of frames in a length: a single formula for ints and integer tensors, without a framework."""

from __future__ import annotations

import numbers
from typing import Any

PAD_MODES = ("constant", "reflect", "symmetric", "edge")


def num_frames(n_samples: Any, frame_length: int, hop_length: int, pad_end: bool = False) -> Any:
    """Return the number of frames in `n_samples`: `1 + (n_samples - frame_length) // hop_length`, at least 0.

    With `pad_end`, a frame starts at every hop that contains a sample, which gives `ceil(n_samples / hop_length)`
    frames. This is the same formula after `frame_length - 1` samples of padding.

    Args:
        n_samples: An int, `None` (unknown, so the result is `None`), or an integer tensor.
        frame_length: Number of samples in a frame.
        hop_length: Number of samples between the starts of consecutive frames.
        pad_end: Whether to keep frames that extend past the end.
    """
    if n_samples is None:
        return None
    if pad_end:
        n_samples = n_samples + (frame_length - 1)
    return at_least_0(n_samples - frame_length + hop_length) // hop_length  # tf2onnx (1.17) rounds up below 0


def at_least_0(count: Any) -> Any:
    """Return an int or an integer tensor with negative values replaced by 0."""
    if isinstance(count, numbers.Integral):
        return max(int(count), 0)
    return (count + abs(count)) // 2


def power_of_two(count: int) -> int:
    """Return the smallest power of two that is at least `count`, which is 1 or above."""
    return 1 << (count - 1).bit_length()


def padded_length(length: Any, at_least: int, multiple: int, strict: bool = False) -> Any:
    """Return the smallest `at_least + k * multiple` that is at least `length`: an int, None (unknown) or a tensor.

    With `strict`, it is greater than `length`.
    """
    if length is None or (at_least == 0 and multiple == 1 and not strict):
        return length
    if strict:
        length = length + 1
    return at_least + (at_least_0(length - at_least) + multiple - 1) // multiple * multiple
