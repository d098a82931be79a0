"""Clips as people give them to a feature extractor: one or several, as arrays, lists or tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from kapre._checks import message

_MOST_CHANNELS = 8
"""A table with fewer columns than rows, and at most this many, holds channels and no clips."""


def clips_of(raw_speech: Any) -> list[np.ndarray]:
    """Return the clips of one clip, a list of clips, or an array `(batch, samples)`."""
    if isinstance(raw_speech, (list, tuple)):
        if not raw_speech:
            raise _error("at least one clip", raw_speech, "Leave out empty batches.")
        if np.ndim(raw_speech[0]):
            return [_clip(each) for each in raw_speech]
        return [_clip(raw_speech)]
    x = _array(raw_speech)
    if x.ndim != 2:
        return [_clip(x)]
    if x.shape[1] < x.shape[0] and x.shape[1] <= _MOST_CHANNELS:
        raise _channels(x)
    return [_clip(each) for each in x]


def _clip(value: Any) -> np.ndarray:
    x = _array(value)
    if x.ndim > 1:
        raise _channels(x)
    if x.ndim != 1:
        raise _error("a clip of shape (samples,) or a list of clips", value, "Use NumPy arrays, tensors or lists.")
    if x.dtype.kind != "f":
        way = "Scale integers to [-1, 1] first: kapre.pcm_to_float(x)."
        raise TypeError(message("raw_speech", "floating point", f"{x.dtype} samples", way))
    return x


def _array(value: Any) -> np.ndarray:
    """Return an array. A tensor may be on a device, and may be part of a gradient."""
    for step in ("detach", "cpu"):
        value = getattr(value, step, lambda same=value: same)()
    try:
        return np.asarray(value)
    except ValueError:  # of rows with several lengths
        raise _error("clips of one channel", type(value).__name__, "Use a list of clips, each of (samples,).") from None


def _channels(x: np.ndarray) -> ValueError:
    way = "Mix its channels first, for example x.mean(axis=-1)."
    return _error("clips of one channel, (samples,)", f"an array of shape {x.shape}", way)


def _error(rule: str, value: Any, way: str) -> ValueError:
    return ValueError(message("raw_speech", rule, value, way))
