"""Run streams over whole clips: the one loop of chunks, steps and a flush that the tests of streams share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import cycle
from typing import Any

import keras
import numpy as np

import kapre
from kapre.frontends import whole_clip_stages
from tests.conftest import quick, relative_error, to_numpy


def streamable(name: str) -> kapre.Recipe:
    """Return a preset's recipe, or its nearest that streams."""
    recipe = kapre.frontends.preset(name).recipe
    changes = whole_clip_stages(recipe).values()
    return recipe.replace(**{name: value for change in changes for name, value in change.items()})


def cut(x: Any, sizes: Sequence[int]) -> Iterator[Any]:
    """Yield chunks of the sizes, in turn until the clip has ended."""
    start, turn = 0, cycle(sizes)
    while start < x.shape[1]:
        size = next(turn)
        yield x[:, start : start + size]
        start += size


def time_axis(stream: Any, rank: int) -> int:
    """Return the axis of the frames: of a front end its recipe's, of a transform the second."""
    return stream.recipe.time_axis(rank) if hasattr(stream, "recipe") else 1


def whole(stream: Any, parts: Sequence[Any], last: Any) -> np.ndarray:
    """Join what the steps and the flush gave, without the frames before the clip that a fixed stream begins with."""
    joined = np.concatenate([to_numpy(part) for part in (*parts, last)], axis=time_axis(stream, len(last.shape)))
    return np.delete(joined, np.arange(stream.warmup), axis=time_axis(stream, joined.ndim))


def streamed(
    stream: Any, x: Any, sizes: Sequence[int], step: Callable[..., Any] | None = None, rest: Any = None
) -> np.ndarray:
    """Feed a clip in chunks of the sizes and flush with the rest, if there is one; return all that comes out."""
    step = step or stream.step
    state = stream.initial_state(x.shape[0], *x.shape[2:])
    parts = []
    for chunk in cut(x, sizes):
        y, state = step(chunk, state)
        parts.append(to_numpy(y).copy())  # the next step may write over it
    return whole(stream, parts, stream.flush(state) if rest is None else stream.flush(state, rest))


def there_and_back(forward: Any, inverse: Any, x: Any, sizes: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Stream `(batch, time, channel)` through a transform and its inverse; return the spectrogram and the waveform."""
    before, after = (stream.initial_state(*x.shape[::2]) for stream in (forward, inverse))
    spectra, waves = [], []
    for chunk in cut(x, sizes):
        spectrum, before = forward.step(chunk, before)
        wave, after = inverse.step(spectrum, after)
        spectra.append(spectrum)
        waves.append(wave)
    spectrum = forward.flush(before)
    wave, after = inverse.step(spectrum, after)
    return whole(forward, spectra, spectrum), whole(inverse, [*waves, wave], inverse.flush(after))


def check_stream(stream: Any, offline: Any, x: Any, sizes: Sequence[int], tolerance: float) -> None:
    """Compare a clip streamed, each step compiled by itself on JAX, with the whole clip's output."""
    assert relative_error(streamed(stream, x, sizes, quick(stream.step)), offline) <= tolerance


def check_fixed(frontend: kapre.Frontend, x: np.ndarray, chunk: int, tolerance: float) -> None:
    """Compare fixed chunks with the whole clip; every step has the shapes of the first."""
    stream = frontend.stream(chunk_samples=chunk)
    step, shapes = quick(stream.step), set()

    def shaped(x: Any, state: Any) -> Any:
        y, state = step(x, state)
        shapes.add((tuple(tuple(leaf.shape) for leaf in keras.tree.flatten(state)), tuple(y.shape)))
        assert y.shape[time_axis(stream, len(y.shape))] == stream.frames_per_chunk
        return y, state

    got = streamed(stream, x, [chunk], shaped)
    assert len(shapes) == 1
    assert relative_error(got, to_numpy(quick(frontend)(x))) <= tolerance
