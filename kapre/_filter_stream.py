"""Streaming of `Resample` and `IIRFilter` chunk by chunk."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from keras import ops

from kapre._checks import count, flag
from kapre._layer import channels_in_place, channels_second
from kapre._shown import ShownStream
from kapre.ops import iir, kernels, resample
from kapre.ops.chunks import Cutter, State, after_warmup, check_chunk, check_state, whole_chunk
from kapre.ops.compiled import compiled
from kapre.ops.host import TracedError, as_tensors, goes_by_host, in_pieces, on_host
from kapre.ops.sinc import Sinc, reach

_LONGEST_PIECE = 1 << 16


@dataclass(frozen=True)
class Resampling:
    """Run a step of a stream of `Resample` as a pure function of samples `(batch, channel, time)` and state."""

    old: int
    new: int
    sinc: Sinc
    chunk_samples: int | None

    @property
    def fixed(self) -> bool:
        return self.chunk_samples is not None

    @property
    def unit(self) -> int:
        """Return the number of samples of which fixed chunks are multiples."""
        return self.old

    @property
    def latency(self) -> int:
        """Return how many samples an output sample waits for, from its own time on."""
        if self.chunk_samples is not None:
            return -(-(self.warmup + 1) * self.old // self.new)
        return 0 if self.old == self.new else self.old + reach(self.old, self.new, self.sinc)

    @property
    def warmup(self) -> int:
        return self.cutter.warmup * self.new if self.fixed and self.old != self.new else 0

    @cached_property
    def cutter(self) -> Cutter:
        return resample.cutter(self.old, self.new, self.sinc, self.chunk_samples)

    def start(self, empty: Any) -> State:
        """Return the state before the first sample. `empty` holds 0 samples."""
        return self.cutter.start(empty)

    def returned(self, state: State) -> int:
        """Return how many samples the steps of a fixed stream have returned. The values of the state are read."""
        return int(ops.convert_to_numpy(state["seen"])) // self.old * self.new

    def __call__(self, x: Any, state: State, weights: dict[str, Any]) -> tuple[Any, State]:
        if self.old == self.new:
            return x, state
        return resample.step(x, state, self.cutter, self.new, self.sinc)

    def plain(self, x: Any, state: State, weights: dict[str, Any]) -> tuple[Any, State]:
        """Run a step that is not compiled as a whole. On JAX, which compiles every operation, NumPy computes it."""
        if not self.fixed and goes_by_host(x, state):
            with suppress(TracedError):
                return on_host(lambda x, state: self(x, state, weights), x, state)
        return self(ops.convert_to_tensor(x), state, weights)

    def ended(self, state: State, like: Any) -> Any:
        """Return the remaining samples. The values of the state are read."""
        if self.old == self.new:
            return like
        loose, state = self.cutter.loose, self.cutter.loosened(state)
        if goes_by_host(state):
            with suppress(TracedError):
                return on_host(lambda state: resample.rest(state, loose, self.new, self.sinc), state)
        return resample.rest(state, loose, self.new, self.sinc)

    def loose(self) -> Resampling:
        """Return the step for chunks of any size."""
        return Resampling(self.old, self.new, self.sinc, None)

    def loosened(self, state: State) -> State:
        """Return the corresponding state of a stream with chunks of any size."""
        return self.cutter.loosened(state)


@dataclass(frozen=True)
class Recursion:
    """Run a step of a stream of `IIRFilter` as a pure function of samples, state and the sums of the coefficients."""

    sections: int
    decay: int
    chunk_samples: int | None
    unit = 1
    latency = 1
    warmup = 0

    @property
    def fixed(self) -> bool:
        return self.chunk_samples is not None

    def start(self, empty: Any) -> State:
        """Return the state before the first sample. `empty` holds 0 samples."""
        return {"delays": iir.start(empty, self.sections)}

    def returned(self, state: State) -> int:
        """Return 0, because there is no warm-up to complete."""
        return 0

    def __call__(self, x: Any, state: State, weights: dict[str, Any]) -> tuple[Any, State]:
        if self.chunk_samples is not None:
            check_chunk(x.shape[-1], self.chunk_samples)
        y, delays = iir.step(x, state["delays"], weights["sums"], self.decay)
        return y, {"delays": delays}

    def plain(self, x: Any, state: State, weights: dict[str, Any]) -> tuple[Any, State]:
        """Run a step that is not compiled as a whole. On JAX, which compiles every operation, use few shapes."""
        if not self.fixed and goes_by_host(x, state):
            with suppress(TracedError):
                return on_host(lambda x, state: self._in_pieces(x, state, weights), x, state)
        return self(ops.convert_to_tensor(x), state, weights)

    def _in_pieces(self, x: np.ndarray, state: State, weights: dict[str, Any]) -> tuple[np.ndarray, State]:
        def piece(part: np.ndarray, state: State) -> tuple[Any, State]:
            return _compiled_recursion(self, part, state, weights)

        parts, state = in_pieces(piece, x, 1, 1, x.shape[-1], state, _LONGEST_PIECE)
        return np.concatenate(parts, axis=-1), state

    def ended(self, state: State, like: Any) -> Any:
        """Return nothing: every sample came out with its chunk."""
        return like

    def loose(self) -> Recursion:
        """Return the step for chunks of any size."""
        return Recursion(self.sections, self.decay, None)

    def loosened(self, state: State) -> State:
        """Return the corresponding state of a stream with chunks of any size."""
        return state


_compiled_recursion = kernels.compiled(Recursion.__call__)


class FilterStream(ShownStream):
    """Resample or filter waveforms while they arrive. Made by `Resample.stream` and `IIRFilter.stream`.

    The outputs of `step` and `flush`, joined along time, equal the output of the layer for the whole clip, however it
    is cut into chunks. With `chunk_samples`, every shape is fixed, and the first `warmup` samples of the stream belong
    to no clip (they are 0) and must be dropped.

    Args:
        layer: The layer.
        filtering: The computation of a step.
        compile: Whether to compile `step`; see `kapre.frontends.Stream`.

    Attributes:
        chunk_samples: Number of samples in every chunk, or None for chunks of any size.
        latency_samples: Number of input samples, counted from the time of an output sample, that must arrive before it
            is returned. The wait for a chunk to fill is additional. A resampling waits for a whole period of its kernel
            (`input_rate / gcd(input_rate, output_rate)` samples) and for half of the kernel's length; a recursive
            filter waits for nothing but the sample itself.
        warmup: Number of samples at the start of a fixed stream that belong to no clip. 0 for chunks of any size.

    Raises:
        ValueError: If `chunk_samples` is not a multiple of the period of the resampling.

    Example:
        ```python
        import numpy as np
        import kapre

        layer = kapre.Resample(44100, 16000)
        x = np.random.uniform(-1, 1, (1, 44100, 1)).astype("float32")
        stream = layer.stream()
        state = stream.initial_state()
        parts = []
        for start in range(0, 44100, 1000):
            y, state = stream.step(x[:, start : start + 1000], state)
            parts.append(np.asarray(y))
        parts.append(np.asarray(stream.flush(state)))
        assert np.allclose(np.concatenate(parts, axis=1), np.asarray(layer(x)), atol=1e-5)
        ```
    """

    def __init__(self, layer: Any, filtering: Resampling | Recursion, compile: bool = False) -> None:
        self.layer, self._step = layer, filtering
        unit = filtering.unit
        self.chunk_samples = whole_chunk(filtering.chunk_samples, unit, f"{unit}, a period of the resampling")
        self.compile = flag("compile", compile)
        self.latency_samples, self.warmup = filtering.latency, filtering.warmup
        self._state = self.initial_state()

    def initial_state(self, batch_size: int = 1, channels: int = 1) -> State:
        """Return the state before the first sample, a nest of tensors."""
        batch = count("batch_size", batch_size, "It is the number of clips.")
        lanes = count("channels", channels, "It is the number of channels.")
        return self._step.start(ops.zeros((batch, lanes, 0), dtype=self.layer.work_dtype))

    def step(self, chunk: Any, state: State) -> tuple[Any, State]:
        """Process a chunk in the layer's input format. Return the completed samples and the next state."""
        x, state = self._samples(chunk, state), as_tensors(state)
        run = compiled(self._step) if self.compile else self._step.plain
        y, state = run(x, state, self.layer.stream_weights())
        return self._out(y), state

    def flush(self, state: State, rest: Any = None) -> Any:
        """Return the remaining samples after the end of the sound. The values of the state are read; it is used up.

        `rest` holds the last samples, if they do not fill a chunk of `chunk_samples`. If the steps of a fixed stream
        returned fewer than `warmup` samples, the first samples here complete them.
        """
        x = None if rest is None else self._samples(rest, state)
        self._check(state)
        state = as_tensors(state)
        returned = self._step.returned(state) if self.warmup else 0
        if x is None:
            none = ops.zeros((*_lanes(state), 0), dtype=self.layer.work_dtype)
            y = self._step.ended(state, none)
        else:
            loose = self._step.loose()
            y, state = loose.plain(x, self._step.loosened(state), self.layer.stream_weights())
            y = ops.concatenate([y, loose.ended(state, y[..., :0])], axis=-1)
        return self._out(after_warmup(y, -1, self.warmup, returned))

    def _samples(self, chunk: Any, state: State) -> Any:
        chunk = chunk if hasattr(chunk, "dtype") else ops.convert_to_tensor(chunk)
        x = self.layer.real_input(chunk)
        x = np.asarray(x) if not self._step.fixed and goes_by_host(x) else x  # NumPy moves it without compilation
        x = channels_second(x, 3, self.layer.data_format)  # raises for another rank
        self._check(state, x.shape[0])
        return x

    def _out(self, y: Any) -> Any:
        return channels_in_place(ops.cast(y, self.layer.compute_dtype), self.layer.data_format)

    def _check(self, state: Any, clips: Any = None) -> None:
        check_state(state, self._state, clips, lambda state: _lanes(state)[0])


def _lanes(state: State) -> tuple[int, int]:
    """Return the numbers of clips and channels of a state."""
    part = next(part for part in state.values() if len(part.shape) > 1)
    return part.shape[0], part.shape[1]
