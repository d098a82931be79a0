"""Streaming of `STFT` and `InverseSTFT` chunk by chunk."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from keras import ops

from kapre._checks import count, flag, message
from kapre._layer import channels_in_place, channels_second, time_axis
from kapre._shown import ShownStream
from kapre.ops import fourier, frames, kernels
from kapre.ops.chunks import Cutter, State, after_warmup, check_state, whole_chunk
from kapre.ops.compiled import compiled
from kapre.ops.counts import num_frames
from kapre.ops.host import TracedError, as_tensors, goes_by_host, in_pieces, on_host, pieces
from kapre.ops.kernels import active as kernel
from kapre.recipe import Recipe
from kapre.stages import Call
from kapre.stages.spectrum import transform


@dataclass(frozen=True)
class _Forward:
    """Run a step of `STFTStream` as a pure function of samples `(batch, channel, time)` and state."""

    recipe: Recipe
    chunk_samples: int | None
    data_format: str

    @property
    def fixed(self) -> bool:
        return self.chunk_samples is not None

    @cached_property
    def cutter(self) -> Cutter:
        recipe = self.recipe
        before, behind = recipe.padding
        hop = recipe.hop_length
        return Cutter(recipe.frame_length, hop, before, recipe.padded_by, behind, chunk=self.chunk_samples, cycle=hop)

    def __call__(self, x: Any, state: State) -> tuple[Any, State]:
        span, state = self.cutter.push(x, state)
        return self.transform(span, real=self.cutter.real(state)), state

    def plain(self, x: Any, state: State) -> tuple[Any, State]:
        """Run a step that is not compiled as a whole. On JAX, which compiles every operation, use few shapes."""
        if not self.fixed and goes_by_host(x, state):
            with suppress(TracedError):
                return on_host(self._step_by_host, x, state)
        return self(ops.convert_to_tensor(x), state)

    def _step_by_host(self, x: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        span, state = self.cutter.push(x, state)
        return self._in_pieces(span), state

    def ended(self, state: State) -> Any:
        """Return the remaining frames in a state for chunks of any size, with few shapes on JAX."""
        pad_end, loose = self.recipe.pad_end, self.cutter.loose
        if goes_by_host(state):
            with suppress(TracedError):
                return on_host(lambda state: self._in_pieces(loose.finish(state), pad_end), state)
        return self.transform(loose.finish(state), pad_end)

    def _in_pieces(self, span: np.ndarray, pad_end: bool = False) -> np.ndarray:
        recipe = self.recipe
        size, hop = recipe.frame_length, recipe.hop_length
        count = num_frames(span.shape[-1], size, hop, pad_end)
        parts, _ = in_pieces(lambda part, _: (_compiled_spectra(recipe, part), None), span, size, hop, count, None)
        return channels_in_place(np.concatenate(parts, axis=-2), self.data_format)

    def transform(self, x: Any, pad_end: bool = False, real: Any = None) -> Any:
        recipe = self.recipe
        if real is None:
            return channels_in_place(_spectra(recipe, x, pad_end), self.data_format)
        pair = fourier.stft(x, recipe.analysis_window, recipe.n_fft, recipe.hop_length, pad_end)
        pair = (ops.where(real, pair[0], 0.0 * pair[0]), ops.where(real, pair[1], 0.0 * pair[1]))
        return channels_in_place(kernel.to_complex(*pair), self.data_format)


def _spectra(recipe: Recipe, x: Any, pad_end: bool = False) -> Any:
    return transform(recipe, x, Call(ends=pad_end))


_compiled_spectra = kernels.compiled(_spectra)


def _movable(x: Any, step: Any) -> Any:
    """Return samples or frames as NumPy if a free step moves them on the host, so that nothing is compiled."""
    return np.asarray(x) if not step.fixed and goes_by_host(x) else x


class STFTStream(ShownStream):
    """Compute an `STFT` while the sound arrives. Made by `STFT.stream`.

    The outputs of `step` and `flush`, joined along time, equal the transform of the whole clip, however it is cut into
    chunks. With `chunk_samples`, every shape is fixed. Each step gives `chunk_samples / hop_length` frames. The first
    `warmup` frames of the stream belong to no clip (they are 0) and must be dropped.

    Args:
        layer: The `STFT` layer.
        recipe: The recipe of its framing.
        chunk_samples: Number of samples in every chunk, or None for chunks of any size.
        compile: Whether to compile `step`; see `kapre.frontends.Stream`.

    Attributes:
        latency_samples: Number of samples from the start of a frame's hop that must arrive before the frame is
            returned: `win_length`, or `n_fft // 2` with `center`.
        warmup: Number of frames at the start of a fixed stream that belong to no clip. 0 for chunks of any size.

    Raises:
        ValueError: If `chunk_samples` is not a multiple of the hop.

    Example:
        ```python
        import numpy as np
        import kapre

        stft = kapre.STFT(n_fft=512, hop_length=128)
        x = np.random.uniform(-1, 1, (1, 2000, 1)).astype("float32")
        stream = stft.stream()
        state = stream.initial_state()
        parts = []
        for start in range(0, 2000, 300):
            y, state = stream.step(x[:, start : start + 300], state)
            parts.append(np.asarray(y))
        parts.append(np.asarray(stream.flush(state)))
        assert np.allclose(np.concatenate(parts, axis=1), np.asarray(stft(x)), atol=1e-4)
        ```
    """

    def __init__(self, layer: Any, recipe: Recipe, chunk_samples: int | None = None, compile: bool = False) -> None:
        self.layer, self._recipe = layer, recipe
        hop = recipe.hop_length
        self.chunk_samples = whole_chunk(chunk_samples, hop, f"hop_length={hop}")
        self.compile = flag("compile", compile)
        self._step = _Forward(recipe, self.chunk_samples, layer.output_data_format)
        self.warmup = 0 if self.chunk_samples is None else self._step.cutter.warmup
        fixed = (self.warmup + 1) * hop
        free = max(recipe.frame_length, hop) - recipe.padding[0]
        self.latency_samples = free if self.chunk_samples is None else fixed
        self._state = self.initial_state()

    def initial_state(self, batch_size: int = 1, channels: int = 1) -> State:
        """Return the state before the first sample, a nest of tensors."""
        return self._step.cutter.start(ops.zeros((batch_size, channels, 0), dtype=self.layer.work_dtype))

    def step(self, chunk: Any, state: State) -> tuple[Any, State]:
        """Process a chunk of samples in the layer's input format. Return the completed frames and the next state."""
        chunk = chunk if hasattr(chunk, "dtype") else ops.convert_to_tensor(chunk)
        x = _movable(self.layer.real_input(chunk), self._step)
        x = channels_second(x, 3, self.layer.input_data_format)  # raises for another rank
        self._check(state, x.shape[0])
        return (compiled(self._step) if self.compile else self._step.plain)(x, as_tensors(state))

    def flush(self, state: State, rest: Any = None) -> Any:
        """Return the remaining frames after the end of the sound. The values of the state are read, and it is used up.

        `rest` holds the last samples, if they do not fill a chunk of `chunk_samples`. If the steps of a fixed stream
        returned fewer than `warmup` frames, the first frames here complete them.
        """
        self._check(state)
        cutter, axis = self._step.cutter, time_axis(4, self.layer.output_data_format)
        state = as_tensors(state)
        returned = int(ops.convert_to_numpy(state["seen"])) // cutter.hop if self.warmup else 0
        state = cutter.loosened(state)
        if rest is None:
            z = self._step.ended(state)
        else:
            loose = STFTStream(self.layer, self._recipe)
            z, state = loose.step(rest, state)
            z = ops.concatenate([z, loose.flush(state)], axis=axis)
        return after_warmup(z, axis, self.warmup, returned)

    def _check(self, state: Any, clips: Any = None) -> None:
        held = "kept" if self.chunk_samples is None else "last"
        check_state(state, self._state, clips, lambda state: state[held].shape[0])


@dataclass(frozen=True)
class _Inverse:
    """Run a step of `InverseSTFTStream` as a pure function of pairs `(batch, channel, frames, bins)` and state."""

    recipe: Recipe
    warmup_frames: int | None
    exact_edges: bool
    data_format: str
    compute_dtype: str

    @property
    def fixed(self) -> bool:
        return False  # a step accepts any number of frames

    @cached_property
    def kept(self) -> int:
        """Return the number of samples to keep, because later frames add to them or the end removes them."""
        return max(self.overlap, self.recipe.padding[1])

    @property
    def overlap(self) -> int:
        return self.recipe.frame_length - self.recipe.hop_length

    @property
    def ahead(self) -> int:
        return self.kept - self.overlap

    def __call__(self, pair: tuple[Any, Any], state: State) -> tuple[Any, State]:
        recipe, warmup = self.recipe, self.warmup_frames or 0
        number = pair[0].shape[-2]
        # Count only as far as necessary, because 32 bits overflow after days.
        following = {**state, "seen": ops.minimum(state["seen"] + number, warmup)}
        if number == 0:
            return self.out(state["sum"][..., :0]), following
        there = None
        if self.warmup_frames is not None:
            there = (state["seen"] + ops.arange(number, dtype="int32") >= warmup)[:, None]
        weights = recipe.analysis_window if self.exact_edges else recipe.synthesis_window
        done, following["sum"] = self._add(fourier.synthesized(pair, weights, recipe.n_fft, there), state["sum"])
        if self.exact_edges:
            squared = fourier.squared_windows(pair[0], recipe.analysis_window, there)
            envelope, following["envelope"] = self._add(squared, state["envelope"])
            done = fourier.over_envelope(done, envelope)
        skipped = min(state["skip"].shape[0], done.shape[-1])
        following["skip"] = state["skip"][skipped:]
        return self.out(done[..., skipped:]), following

    def plain(self, pair: tuple[Any, Any], state: State) -> tuple[Any, State]:
        """Run a step that is not compiled as a whole. On JAX, which compiles every operation, use few shapes."""
        if goes_by_host(pair, state):
            with suppress(TracedError):
                return on_host(self._by_host, pair, state)
        real, imag = map(ops.convert_to_tensor, pair)
        return self((real, imag), state)

    def _by_host(self, pair: tuple[np.ndarray, np.ndarray], state: State) -> tuple[np.ndarray, State]:
        """Process the frames in pieces whose lengths are powers of two."""
        parts: list[np.ndarray] = []
        for done, number in pieces(pair[0].shape[-2]):
            real, imag = (part[..., done : done + number, :] for part in pair)
            y, state = _compiled_inverse(self, (real, imag), state)
            if not kernel.is_held(y):
                raise TracedError
            parts.append(np.asarray(y))
        return np.concatenate(parts, axis=time_axis(3, self.data_format)), state

    def _add(self, framed: Any, kept: Any) -> tuple[Any, Any]:
        """Overlap-add frames to the kept samples. Return the final samples, and the samples to keep next."""
        done = framed.shape[-2] * self.recipe.hop_length
        summed = frames.pad(frames.overlap_add(framed, self.recipe.hop_length), self.ahead, 0)
        total = summed + frames.pad(kept, 0, done)
        return total[..., :done], total[..., done:]

    def out(self, samples: Any) -> Any:
        return channels_in_place(ops.cast(samples, self.compute_dtype), self.data_format)


_compiled_inverse = kernels.compiled(_Inverse.__call__)


class InverseSTFTStream(ShownStream):
    """Overlap-add frames into samples while they arrive. Made by `InverseSTFT.stream`.

    The outputs of `step` and `flush`, joined along time, equal the output of the layer for all frames at once. With
    `warmup_frames`, every shape is fixed. A step of f frames gives `f * hop_length` samples. The first `warmup` samples
    of the stream belong to no clip and must be dropped.

    Args:
        layer: The `InverseSTFT` layer.
        recipe: The recipe of its framing.
        warmup_frames: Number of frames at the start of the stream that belong to no clip, for steps of fixed shapes.
            None for chunks of any size.
        compile: Whether to compile `step`; see `kapre.frontends.Stream`.

    Attributes:
        latency_samples: The largest delay in samples between the input of `STFT` and the output here. A sample is
            complete when the last frame over it is complete, `frame_length - 1` samples later. The delay is longer if
            more than half a frame is cut off at the end.
        warmup: Number of samples at the start of a fixed stream that belong to no clip. 0 for chunks of any size.

    Raises:
        ValueError: If the layer has a `length`, or its hop is longer than its frames.

    Example:
        ```python
        import numpy as np
        import kapre

        framing = dict(n_fft=512, hop_length=128, center=True)
        forward = kapre.STFT(**framing).stream()
        inverse = kapre.InverseSTFT(**framing, exact_edges=True).stream()
        x = np.random.uniform(-1, 1, (1, 2048, 1)).astype("float32")
        before, after = forward.initial_state(), inverse.initial_state()
        parts = []
        for start in range(0, 2048, 256):
            spectrum, before = forward.step(x[:, start : start + 256], before)
            samples, after = inverse.step(spectrum, after)
            parts.append(np.asarray(samples))
        samples, after = inverse.step(forward.flush(before), after)
        parts += [np.asarray(samples), np.asarray(inverse.flush(after))]
        assert np.allclose(np.concatenate(parts, axis=1), x, atol=1e-4)
        ```
    """

    def __init__(self, layer: Any, recipe: Recipe, warmup_frames: int | None = None, compile: bool = False) -> None:
        if layer.length is not None:
            raise ValueError(message("length", "None in a stream", layer.length, "Cut the samples yourself."))
        self.layer, self._recipe = layer, recipe
        self.compile = flag("compile", compile)
        frames_before = count("warmup_frames", warmup_frames or 0, "Use the warmup of the stream of STFT.")
        fixed = warmup_frames is not None
        self._step = _Inverse(
            recipe,
            frames_before if fixed else None,
            layer.exact_edges,
            layer.output_data_format,
            layer.compute_dtype,
        )
        if self._step.overlap < 0:
            rule = f"at most the frame's {recipe.frame_length} samples in a stream"
            raise ValueError(message("hop_length", rule, recipe.hop_length, "Lower it."))
        skipped = self._step.ahead + recipe.padding[0]
        self._skip = 0 if fixed else skipped
        self.warmup = skipped + frames_before * recipe.hop_length if fixed else 0
        self.latency_samples = recipe.frame_length - 1 + self._step.ahead
        self._state = self.initial_state()

    def initial_state(self, batch_size: int = 1, channels: int = 1) -> State:
        """Return the state before the first frame, a nest of tensors."""
        dtype = self.layer.work_dtype
        state: State = {"seen": ops.zeros((), dtype="int32"), "skip": ops.zeros((self._skip,), dtype="int32")}
        state["sum"] = ops.zeros((batch_size, channels, self._step.kept), dtype=dtype)
        if self.layer.exact_edges:
            state["envelope"] = ops.zeros((self._step.kept,), dtype=dtype)
        return state

    def step(self, spectrogram: Any, state: State) -> tuple[Any, State]:
        """Process complex frames in the layer's input format. Return the completed samples and the next state."""
        layer = self.layer
        spectrogram = _movable(spectrogram, self._step)
        parts = layer.complex_input(spectrogram)
        layer.output_shape_and_dtype(tuple(spectrogram.shape))  # raises for another rank or number of bins
        self._check(state, spectrogram.shape[0])
        real, imag = (channels_second(part, 4, layer.input_data_format) for part in parts)
        return (compiled(self._step) if self.compile else self._step.plain)((real, imag), as_tensors(state))

    def _check(self, state: Any, clips: Any = None) -> None:
        check_state(state, self._state, clips, lambda state: state["sum"].shape[0])

    def flush(self, state: State) -> Any:
        """Return the remaining samples after the last frame. The state is used up."""
        self._check(state)
        state = as_tensors(state)
        rest = state["sum"]
        if self.layer.exact_edges:
            rest = fourier.over_envelope(rest, state["envelope"])
        return self._step.out(rest[..., state["skip"].shape[0] : self._step.kept - self._recipe.padding[1]])
