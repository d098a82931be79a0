"""What layers that compare the channels of several microphones have in common, and their stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keras import ops

from kapre import executor
from kapre._checks import count, message
from kapre._layer import (
    AudioLayer,
    DataFormat,
    Shape,
    channels_in_place,
    channels_second,
    check_mask,
    lengths_of,
    resolve_data_format,
    shape_channels_second,
    shape_in_place,
    time_second,
)
from kapre._shown import ShownStream
from kapre._stft_stream import STFTStream
from kapre.descriptors._base import magnitudes
from kapre.ops import frames
from kapre.ops.chunks import State
from kapre.ops.fourier import Pair
from kapre.ops.frames import PadMode

Pairs = Sequence[tuple[int, int]]


def _check_pairs(pairs: Any) -> tuple[tuple[int, int], ...] | None:
    """Return pairs of channels, or None for each channel with the first one."""
    if pairs is None:
        return None
    rule, way = "a list of pairs of different channels, counted from 0", "Use [(0, 1)], or None."
    try:
        found = tuple((count("pairs", first, way), count("pairs", second, way)) for first, second in pairs)
    except (TypeError, ValueError):
        raise ValueError(message("pairs", rule, pairs, way)) from None
    if not found or any(first == second for first, second in found):
        raise ValueError(message("pairs", rule, pairs, way))
    return found


class SpatialStream(ShownStream):
    """Compute a multichannel layer while the sound arrives. Made by the `stream` of the layer.

    The outputs of `step` and `flush`, joined along time, equal those of the layer for the whole clip, however it is cut
    into chunks. With `chunk_samples`, every shape is fixed, and the first `warmup` frames belong to no clip.

    Args:
        layer: The layer.
        stft: The stream of its STFT.

    Attributes:
        chunk_samples: Number of samples in every chunk, or None for chunks of any size.
        latency_samples: Number of samples, from the start of a frame's hop, that must arrive before it is returned.
        warmup: Number of frames at the start of a fixed stream that belong to no clip. 0 for chunks of any size.

    Example:
        ```python
        import numpy as np
        import kapre

        layer = kapre.InterchannelPhaseDifference(n_fft=512, hop_length=160)
        x = np.random.uniform(-1, 1, (1, 4000, 2)).astype("float32")
        stream = layer.stream()
        state = stream.initial_state(channels=2)
        y, state = stream.step(x, state)
        y = np.concatenate([np.asarray(y), np.asarray(stream.flush(state))], axis=1)
        assert np.allclose(y, np.asarray(layer(x)), atol=1e-2)
        ```
    """

    def __init__(self, layer: Any, stft: STFTStream) -> None:
        self.layer, self._stft = layer, stft
        self.chunk_samples, self.compile = stft.chunk_samples, stft.compile
        self.latency_samples, self.warmup = stft.latency_samples, stft.warmup

    def initial_state(self, batch_size: int = 1, channels: int = 2) -> State:
        """Return the state before the first sample of `batch_size` clips of several channels, as a nest of tensors."""
        return self._stft.initial_state(batch_size, channels)

    def step(self, chunk: Any, state: State) -> tuple[Any, State]:
        """Process a chunk of samples, as the layer takes them. Return the completed frames and the next state."""
        z, state = self._stft.step(chunk, state)
        return self.layer.of_complex(z), state

    def flush(self, state: State, rest: Any = None) -> Any:
        """Return the remaining frames after the end of the sound. The state cannot be used again.

        `rest` holds the last samples, if they do not fill a chunk of `chunk_samples`.
        """
        return self.layer.of_complex(self._stft.flush(state, rest))


class OfChannels(AudioLayer):
    """Compute values of the STFTs of several channels.

    A subclass gives what it makes of the spectra, and how many channels and entries that has.
    """

    def __init__(
        self,
        *,
        n_fft: int,
        hop_length: int | None,
        win_length: int | None,
        window_name: str | None,
        center: bool,
        pad_mode: PadMode,
        data_format: DataFormat,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._recipe = magnitudes(n_fft, hop_length, win_length, window_name, center, pad_mode)
        self.n_fft, self.hop_length, self.win_length = n_fft, self._recipe.hop_length, win_length
        self.window_name, self.center, self.pad_mode = window_name, center, pad_mode
        self.data_format = resolve_data_format(data_format)

    @property
    def input_data_format(self) -> str:
        """Where the channels of the samples are."""
        return str(self.data_format)

    @property
    def output_data_format(self) -> str:
        """Where the channels of the result are."""
        return str(self.data_format)

    def of_spectra(self, pair: Pair) -> Any:
        """Return values `(batch, values, frames, entries)` of pairs `(batch, channel, frames, bins)`."""
        raise NotImplementedError

    def shape_of_frame(self, channels: int) -> tuple[int, int]:
        """Return the numbers of values and entries, or raise for a number of channels that does not fit."""
        raise NotImplementedError

    def of_complex(self, z: Any) -> Any:
        """Return the values of complex spectra, both in the layer's data format."""
        z = channels_second(ops.convert_to_tensor(z), 4, self.data_format)
        y = ops.cast(self.of_spectra((ops.real(z), ops.imag(z))), self.compute_dtype)
        return channels_in_place(y, self.data_format)

    def call(self, inputs: Any, mask: Any = None) -> Any:
        self.output_shape_and_dtype(tuple(inputs.shape))  # raises, also after the first call
        if mask is not None:
            check_mask(mask, time_second(inputs, self.data_format).shape[:2], "Give the mask of the samples.")
        x = channels_second(self.real_input(inputs), 3, self.data_format)
        y = self.of_spectra(executor.stft(self._recipe, x, lengths_of(mask)))
        return channels_in_place(ops.cast(y, self.compute_dtype), self.data_format)

    def output_mask(self, mask: Any) -> Any:
        recipe = self._recipe
        return frames.frame_mask(mask, sum(recipe.padding), recipe.frame_length, recipe.hop_length, recipe.pad_end)

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        batch, channels, time = shape_channels_second(shape, 3, self.data_format)
        if channels is None:
            rule = "of a known number of channels"
            raise ValueError(
                message("inputs", rule, f"shape {tuple(shape)}", "Give it an Input of two, (None, 2) say.")
            )
        values, entries = self.shape_of_frame(channels)
        found = (batch, values, self._recipe.num_frames(time), entries)
        return shape_in_place(found, self.data_format), self.compute_dtype

    def stream(self, chunk_samples: int | None = None, compile: bool = False) -> SpatialStream:
        """Return a stream that runs this layer chunk by chunk with `initial_state`, `step` and `flush`.

        Args:
            chunk_samples: Number of samples in every chunk, which fixes the shapes of a step. It is a multiple of the
                hop. None allows chunks of any size.
            compile: Whether to compile the STFT of a `step`; see `kapre.frontends.Stream`.
        """
        return SpatialStream(self, STFTStream(self, self._recipe, chunk_samples, compile))


class OfPairs(OfChannels):
    """Compare pairs of channels."""

    def __init__(self, pairs: Pairs | None, /, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pairs = _check_pairs(pairs)

    def chosen(self, channels: int) -> tuple[tuple[int, int], ...]:
        """Return the pairs, or raise for a channel that is not there."""
        if channels < 2:
            rule = "of at least two channels"
            raise ValueError(message("inputs", rule, f"{channels} channel", "Is data_format that of the samples?"))
        pairs = self.pairs or tuple((0, other) for other in range(1, channels))
        largest = max(map(max, pairs))
        if largest >= channels:
            rule = f"of channels 0 to {channels - 1}"
            raise ValueError(message("pairs", rule, self.pairs, "Leave the others out, or give more channels."))
        return pairs
