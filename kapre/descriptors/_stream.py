"""`DescriptorStream`: descriptors of frames while the sound arrives."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from kapre._checks import message
from kapre._shown import ShownStream
from kapre.frontends.frontend import Frontend
from kapre.ops import kernels
from kapre.ops.chunks import State
from kapre.ops.descriptors import Descriptor
from kapre.ops.host import as_tensors, goes_by_host
from kapre.ops.kernels import active as kernel
from kapre.recipe import Recipe

Parts = tuple[tuple[Recipe, Descriptor], ...]


def _described(descriptors: tuple[Descriptor, ...], features: Any) -> list[Any]:
    return [descriptor(features) for descriptor in descriptors]


_compiled = kernels.compiled(_described)


def _of_frames(descriptors: tuple[Descriptor, ...], features: Any) -> list[Any]:
    """Return the values of features `(batch, frames, entries)`. On JAX, compile for few numbers of frames."""
    if not goes_by_host(features):
        return _described(descriptors, features)
    count = features.shape[1]
    room = np.pad(np.asarray(features), [(0, 0), (0, -count % 16 or 16 * (not count)), (0, 0)])
    return [each[:, :count] for each in _compiled(descriptors, room)]


class DescriptorStream(ShownStream):
    """Compute a descriptor of frames while the sound arrives. Made by the `stream` of its layer.

    The outputs of `step` and `flush`, joined along time, equal those of the layer for the whole clip, however it is cut
    into chunks. With `chunk_samples`, every shape is fixed, and the first `warmup` frames of the stream belong to no
    clip (they are 0) and must be dropped.

    Args:
        layer: The layer.
        parts: The recipe and the descriptor of each part of the layer.
        chunk_samples: Number of samples in every chunk, or None for chunks of any size.
        compile: Whether to compile the features of a `step`; see `kapre.frontends.Stream`.

    Attributes:
        latency_samples: Number of samples, from the start of a frame's hop, that must arrive before it is returned.
        warmup: Number of frames at the start of a fixed stream that belong to no clip. 0 for chunks of any size.

    Raises:
        ValueError: If a descriptor needs the whole clip, or `chunk_samples` is not a multiple of the hop.

    Example:
        ```python
        import numpy as np
        import kapre

        layer = kapre.SpectralCentroid(16000, n_fft=512, hop_length=160)
        x = np.random.uniform(-1, 1, (1, 4000)).astype("float32")
        stream = layer.stream()
        state = stream.initial_state()
        parts = []
        for start in range(0, 4000, 500):
            y, state = stream.step(x[:, start : start + 500], state)
            parts.append(np.asarray(y))
        parts.append(np.asarray(stream.flush(state)))
        assert np.allclose(np.concatenate(parts, axis=1), np.asarray(layer(x)), rtol=1e-4)
        ```
    """

    def __init__(self, layer: Any, parts: Parts, chunk_samples: int | None = None, compile: bool = False) -> None:
        whole = next((descriptor.whole_clip for _, descriptor in parts if descriptor.whole_clip), None)
        if whole:
            rule = f"a layer that streams; {type(layer).__name__} needs the whole clip for {whole}"
            raise ValueError(message("stream", rule, layer.name, "Use dynamic_range=None where the layer has it."))
        self.layer, self._parts = layer, parts
        recipes = dict.fromkeys(recipe for recipe, _ in parts)
        self._streams = [Frontend(recipe, dtype=layer.work_dtype).stream(chunk_samples, compile) for recipe in recipes]
        self._of = [tuple(each for recipe, each in parts if recipe == wanted) for wanted in recipes]
        self._memory = [max(each.memory for each in descriptors) for descriptors in self._of]
        first = self._streams[0]
        self.chunk_samples, self.compile = first.chunk_samples, first.compile
        self.latency_samples = max(stream.latency_samples for stream in self._streams)
        self.warmup = max(stream.warmup for stream in self._streams)

    def initial_state(self, batch_size: int = 1) -> State:
        """Return the state before the first sample of `batch_size` clips, as a nest of tensors."""
        state: State = {"place": ops.convert_to_tensor(-self.warmup, dtype="int32")}
        for i, (stream, memory) in enumerate(zip(self._streams, self._memory, strict=True)):
            state[f"features{i}"] = stream.initial_state(batch_size)
            entries = stream.recipe.output_shape(1)[-1]
            for name, count in (("kept", memory), ("waiting", self.warmup - stream.warmup)):
                state[f"{name}{i}"] = ops.zeros((batch_size, count, entries), dtype=self.layer.work_dtype)
        return state

    def step(self, chunk: Any, state: State) -> tuple[Any, State]:
        """Process a chunk of samples `(batch, time)`. Return the values of the completed frames and the next state."""
        following: State = {}
        features = []
        for i, stream in enumerate(self._streams):
            found, following[f"features{i}"] = stream.step(chunk, state[f"features{i}"])
            features.append(found)
        y, kept = self._values(features, as_tensors(state))
        return y, {**following, **kept}

    def flush(self, state: State, rest: Any = None) -> Any:
        """Return the values of the remaining frames after the end of the sound. The state cannot be used again.

        `rest` holds the last samples, if they do not fill a chunk of `chunk_samples`. If the steps of a fixed stream
        returned fewer than `warmup` frames, the first frames here complete them.
        """
        features = [stream.flush(state[f"features{i}"], rest) for i, stream in enumerate(self._streams)]
        return self._values(features, as_tensors(state))[0]

    def _values(self, features: list[Any], state: State) -> tuple[Any, State]:
        """Return the values of new frames, and what the next frames need of them."""
        # How a stream pads the ends of a clip decides when it returns a frame: the others wait for the last one.
        ready = [
            ops.concatenate([state[f"waiting{i}"], new], axis=1) if state[f"waiting{i}"].shape[1] else new
            for i, new in enumerate(features)
        ]
        count = min(new.shape[1] for new in ready)
        kept: State = {"place": state["place"] + count}
        kept |= {f"waiting{i}": new[:, count:] for i, new in enumerate(ready)}
        features = [new[:, :count] for new in ready]
        places = state["place"] + ops.arange(count, dtype="int32")
        found: dict[Descriptor, Any] = {}
        for i, (new, descriptors, memory) in enumerate(zip(features, self._of, self._memory, strict=True)):
            joined = ops.concatenate([state[f"kept{i}"], new], axis=1) if memory else new
            kept[f"kept{i}"] = kernel.tail(joined, memory, axis=1) if memory else state[f"kept{i}"]
            for descriptor, values in zip(descriptors, _of_frames(descriptors, joined), strict=True):
                mine = values[:, memory:]
                if descriptor.memory or self.warmup:
                    known = ops.reshape(places >= descriptor.memory, (1, -1, *[1] * (len(mine.shape) - 2)))
                    mine = ops.where(known, mine, ops.zeros_like(mine))
                found[descriptor] = mine
        y = self.layer.joined([found[descriptor] for _, descriptor in self._parts])
        return ops.cast(y, self.layer.compute_dtype), kept
