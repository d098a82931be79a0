"""The step of a stream as a program: it takes a chunk and the state, and returns features and the next state."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from kapre._checks import count, message
from kapre._version import __version__
from kapre.deploy._check import Check, judged
from kapre.deploy._inventory import inventory
from kapre.deploy._program import Program, Slot
from kapre.deploy.formats._base import Run
from kapre.frontends import Stream
from kapre.ops.kernels.portable import DEFAULT_WAY, Way

SECONDS = 1.5
"""Duration in seconds of the clip with which a file is checked. It has at least ten chunks."""


def _leaves(state: dict[str, Any], of: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the tensors of a state by name, in an order that does not depend on the dict."""
    for name, part in sorted(state.items()):
        if isinstance(part, dict):
            yield from _leaves(part, f"{of}{name}_")
        else:
            yield of + name, part


def _filled(state: dict[str, Any], leaves: Iterator[Any]) -> dict[str, Any]:
    """Return a nest with the structure of a state and other tensors."""
    return {
        name: _filled(part, leaves) if isinstance(part, dict) else next(leaves) for name, part in sorted(state.items())
    }


def from_stream(stream: Stream, batch_size: int, way: Way = DEFAULT_WAY) -> Program:
    """Return the program of a step with fixed shapes."""
    if stream.chunk_samples is None:
        remedy = "Give frontend.stream a chunk_samples: an exported step has fixed shapes."
        raise ValueError(message("model", "a stream of fixed chunks", "one of chunks of any size", remedy))
    batch_size = count("batch_size", batch_size, "It is the number of clips that are streamed side by side.")
    recipe, chunk = stream.recipe, stream.chunk_samples
    start = stream.initial_state(batch_size)
    names = [name for name, _ in _leaves(start)]
    arrays = [np.asarray(ops.convert_to_numpy(part)) for _, part in _leaves(start)]
    dtype = stream.frontend.work_dtype
    inputs = [Slot("samples", (batch_size, chunk), dtype)]
    inputs += [Slot(f"state_{name}", x.shape, str(x.dtype)) for name, x in zip(names, arrays, strict=True)]

    def call(samples: Any, *state: Any) -> list[Any]:
        features, following = stream.step(samples, _filled(start, iter(state)))
        return [features, *(part for _, part in _leaves(following))]

    def reference(*given: np.ndarray) -> list[np.ndarray]:
        return [np.asarray(ops.convert_to_numpy(y)) for y in call(*map(ops.convert_to_tensor, given))]

    found = reference(np.zeros((batch_size, chunk), dtype), *arrays)
    outputs = [Slot("features", found[0].shape, str(found[0].dtype))]
    outputs += [Slot(f"next_{name}", x.shape, str(x.dtype)) for name, x in zip(names, found[1:], strict=True)]
    whole = keras.Sequential([keras.Input((None,), dtype=dtype), stream.frontend])

    def compare(run: Run, tolerance: float) -> list[Check]:
        return [_over_a_clip(stream, run, inputs, tolerance)]

    return Program(
        model=whole,
        source=whole,
        call=call,
        reference=reference,
        inputs=inputs,
        outputs=outputs,
        inventory=inventory(whole),
        metadata={
            "kapre": __version__,
            "sample_rate": recipe.clip_rate,
            "class_names": None,
            "recipes": [json.loads(recipe.to_json())],
            "stream": {
                "chunk_samples": chunk,
                "frames_per_chunk": stream.frames_per_chunk,
                "warmup": stream.warmup,
                "latency_samples": stream.latency_samples,
            },
        },
        compare=compare,
        way=way,
    )


def _over_a_clip(stream: Stream, run: Run, inputs: list[Slot], tolerance: float) -> Check:
    """Run a clip chunk by chunk from a state of zeros, and compare the output with the features of the whole clip."""
    batch, chunk = inputs[0].shape
    assert batch is not None
    assert chunk is not None
    chunks = max(10, round(SECONDS * (stream.recipe.clip_rate or 16000.0) / chunk)) + stream.warmup
    rng = np.random.default_rng(0)
    t = np.arange(chunks * chunk) / (chunks * chunk)
    x = 0.3 * np.sin(2.0 * np.pi * 0.05 * chunks * chunk * t**2) + 0.1 * rng.standard_normal((batch, chunks * chunk))
    x = x.astype(inputs[0].dtype)
    state = [np.zeros([size or 0 for size in slot.shape], slot.dtype) for slot in inputs[1:]]
    parts = []
    for start in range(0, chunks * chunk, chunk):
        features, *state = run([x[:, start : start + chunk], *state])
        parts.append(features)
    axis = stream.recipe.time_axis(parts[0].ndim)
    got = np.moveaxis(np.concatenate(parts, axis=axis), axis, 0)[stream.warmup :]
    right = np.moveaxis(np.asarray(ops.convert_to_numpy(stream.frontend(ops.convert_to_tensor(x)))), axis, 0)
    return judged([("features", got, right[: len(got)])], [x.shape], tolerance)
