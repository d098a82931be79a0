"""Compute features of many clips with one compiled front end. Clips of similar length share a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from kapre.frontends import Frontend, Stream
from kapre.ops.kernels import active as kernel
from kapre.recipe import Recipe

_TOGETHER = 1 << 16
"""Largest number of samples in a batch. A longer clip is faster alone (2 s at 16 kHz)."""
_LARGEST_BATCH = 16
STREAM_SECONDS = 30.0
"""Seconds of audio in a step of a stream."""


class Computer:
    """Run a front end, compiled once, on clips given as NumPy arrays.

    JAX compiles for every shape. There, each clip is computed alone, with its length rounded up to one of four lengths
    per octave. `lengths` excludes the padding from every feature. TensorFlow and PyTorch accept any shape.
    """

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.frontend = Frontend(recipe, dtype="float32")
        self._fixed_shapes = kernel.compiles_eager_calls
        self._stream: Stream | None = None
        self._step: Any = None
        samples, lengths = ((None, None), "float32"), ((None,), "int32")
        self._plain = kernel.for_inference(lambda x: self.frontend(x, training=False), [samples])
        self._ragged = kernel.for_inference(lambda x, n: self.frontend(x, n, training=False), [samples, lengths])

    def features(self, clips: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return the features of each clip of shape `(samples,)`, in the layout of the recipe."""
        found: list[Any] = [None] * len(clips)
        order = sorted(range(len(clips)), key=lambda place: len(clips[place]))
        while order:
            size = self._batch_size(len(clips[order[0]]))
            places, order = order[:size], order[size:]
            longest = len(clips[places[-1]])
            while len(places) > 1 and self._batch_size(longest) < len(places):  # the lengths are too far apart
                order.insert(0, places.pop())
                longest = len(clips[places[-1]])
            for place, y in zip(places, self._batch([clips[place] for place in places]), strict=True):
                found[place] = y
        return found

    def _batch_size(self, length: int) -> int:
        size = 1 if self._fixed_shapes else _LARGEST_BATCH
        while size > 1 and size * length > _TOGETHER:
            size //= 2
        return size

    def _batch(self, clips: list[np.ndarray]) -> list[np.ndarray]:
        """Return the features of clips that share a batch."""
        lengths = np.array([len(clip) for clip in clips], "int32")
        if not self._fixed_shapes and lengths.min() == lengths.max():
            return list(_numpy(self._plain(np.stack(clips))))
        longest = _rounded(int(lengths.max())) if self._fixed_shapes else int(lengths.max())
        x = np.zeros((len(clips), longest), "float32")
        for row, clip in zip(x, clips, strict=True):
            row[: len(clip)] = clip
        y = _numpy(self._ragged(x, lengths))
        axis = self.recipe.time_axis(y.ndim) - 1
        found = []
        for features, length in zip(y, lengths, strict=True):
            count = self.recipe.num_frames(int(length))
            found.append(np.take(features, np.arange(count), axis=axis) if count < features.shape[axis] else features)
        return found

    def stream(self) -> Piecewise:
        """Return an object that computes one long clip piece by piece."""
        if self._stream is None:
            step = self.recipe.chunk_unit
            chunk = max(1, round(STREAM_SECONDS * (self.recipe.clip_rate or 16000.0) / step)) * step
            self._stream = Stream(self.frontend, chunk)
            self._step = kernel.for_inference(self._stream.step)
        return Piecewise(self._stream, self._step)


class Piecewise:
    """Compute a clip that is too long for memory piece by piece, with the same numbers as for the whole clip.

    The pieces pass through a stream of fixed chunks, whose step is compiled once.
    """

    def __init__(self, stream: Stream, step: Any) -> None:
        recipe = stream.recipe
        self._stream, self._step = stream, step
        self._axis = recipe.time_axis(3 if recipe.patch_frames is None else 4) - 1
        self._state: Any = self._stream.initial_state()
        self._rest = np.zeros(0, "float32")
        self._warmup = self._stream.warmup

    def push(self, samples: np.ndarray, last: bool) -> np.ndarray:
        """Process the next samples. Return the completed features, or all remaining features after the last samples."""
        size: Any = self._stream.chunk_samples
        waiting = np.concatenate([self._rest, samples])
        parts = []
        whole = len(waiting) // size * size
        for start in range(0, whole, size):
            y, self._state = self._step(waiting[None, start : start + size], self._state)
            parts.append(self._without_warmup(_numpy(y)[0]))
        self._rest = waiting[whole:]
        if last:
            y = self._stream.flush(self._state, keras.ops.convert_to_tensor(self._rest[None]))
            parts.append(self._without_warmup(_numpy(y)[0]))
        if not parts:
            return np.zeros([size or 0 for size in self._stream.recipe.output_shape(None)], "float32")
        return np.concatenate(parts, axis=self._axis)

    def _without_warmup(self, y: np.ndarray) -> np.ndarray:
        drop = min(self._warmup, y.shape[self._axis])
        self._warmup -= drop
        return np.take(y, np.arange(drop, y.shape[self._axis]), axis=self._axis) if drop else y


def _rounded(length: int) -> int:
    """Return the next of four lengths per octave."""
    step = 1 << max(0, length.bit_length() - 3)
    return -(-max(1, length) // step) * step


def _numpy(y: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(y))
