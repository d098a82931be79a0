"""`DescriptorLayer`: what layers that describe frames of waveforms have in common."""

from __future__ import annotations

from typing import Any, Unpack

from keras import ops

from kapre import executor
from kapre._arguments import LayerArguments
from kapre._checks import public_names
from kapre._layer import (
    AudioLayer,
    DataFormat,
    Shape,
    channels_in_place,
    check_waveforms,
    lengths_of,
    resolve_data_format,
    shape_channels_second,
    shape_in_place,
    time_axis,
    waveforms,
)
from kapre.descriptors._stream import DescriptorStream
from kapre.ops import frames
from kapre.ops.descriptors import Descriptor
from kapre.ops.windows import as_periodic
from kapre.recipe import Recipe


class DescriptorLayer(AudioLayer):
    """Compute descriptors of the frames of waveforms.

    A subclass passes the recipe of the features and the descriptors of each frame of these. It returns the number of
    values of a frame in `entries`, or None for a single value without an axis of its own.
    """

    def __init__(
        self,
        parts: tuple[tuple[Recipe, Descriptor], ...],
        /,
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(**kwargs)
        self._parts = parts
        self.data_format = resolve_data_format(data_format)

    @property
    def entries(self) -> int | None:
        """The number of values of a frame, or None for one value without an axis of its own."""
        return self._parts[0][1].entries

    @property
    def _framing(self) -> Recipe:
        return self._parts[0][0]

    def joined(self, found: list[Any]) -> Any:
        """Return the values of all descriptors, `(..., frames)` or `(..., frames, entries)`."""
        return found[0]

    def described(self, x: Any, lengths: Any = None) -> Any:
        """Return the values of samples `(batch, channel, time)` in the working dtype."""
        features: dict[Recipe, Any] = {}
        found = []
        for recipe, descriptor in self._parts:
            values = self._of_clip(recipe, descriptor, x, lengths)
            if values is None:
                if recipe not in features:
                    features[recipe] = executor.run(recipe, x, lengths)
                values = descriptor(features[recipe], self._valid(features[recipe], lengths))
            found.append(values)
        return self.joined(found)

    def _of_clip(self, recipe: Recipe, descriptor: Descriptor, x: Any, lengths: Any) -> Any:
        """Return the values of a descriptor that needs no frames, or None."""
        if not descriptor.of_samples or 0 in tuple(x.shape):
            return None
        return descriptor.of_clip(executor.padded(recipe, x, lengths), recipe.frame_length, recipe.hop_length)

    def _valid(self, features: Any, lengths: Any) -> Any:
        """Return which frames count, or None if all do."""
        if lengths is None:
            return None
        return frames.within(ops.shape(features)[2], self._framing.num_frames(lengths), 4, axis=2)

    def call(self, inputs: Any, mask: Any = None) -> Any:
        x = waveforms(self.real_input(inputs), mask, self.data_format)
        y = ops.cast(self.described(x, lengths_of(mask)), self.compute_dtype)
        return y[:, 0] if len(inputs.shape) == 2 else channels_in_place(y, self.data_format)

    def output_mask(self, mask: Any) -> Any:
        recipe = self._framing
        return frames.frame_mask(mask, sum(recipe.padding), recipe.frame_length, recipe.hop_length, recipe.pad_end)

    def time_axes(self, shape: Shape) -> Any:
        if len(shape) == 2:
            return 1, 1
        return time_axis(3, self.data_format), time_axis(3 if self.entries is None else 4, self.data_format)

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        values = () if self.entries is None else (self.entries,)
        if len(shape) == 2:
            return (shape[0], self._framing.num_frames(shape[1]), *values), self.compute_dtype
        check_waveforms(shape)
        batch, channels, time = shape_channels_second(shape, 3, self.data_format)
        found = (batch, channels, self._framing.num_frames(time), *values)
        return shape_in_place(found, self.data_format), self.compute_dtype

    def stream(self, chunk_samples: int | None = None, compile: bool = False) -> DescriptorStream:
        """Return a stream that runs this layer chunk by chunk with `initial_state`, `step` and `flush`.

        Args:
            chunk_samples: Number of samples in every chunk, which fixes the shapes of a step. It is a multiple of the
                hop. None allows chunks of any size.
            compile: Whether to compile the features of a `step`; see `kapre.frontends.Stream`.

        Raises:
            ValueError: If a descriptor needs the whole clip.
        """
        return DescriptorStream(self, self._parts, chunk_samples, compile)


def magnitudes(
    n_fft: int, hop_length: int | None, win_length: int | None, window_name: str | None, center: bool, pad_mode: Any
) -> Recipe:
    """Return the recipe of the magnitudes of an STFT as in librosa."""
    fields: dict[str, Any] = dict(
        n_fft=n_fft,
        hop_length=hop_length,
        win_length=win_length,
        window_name=window_name,
        window_periodic=as_periodic(window_name),
        window_placement="center",
        center=center,
        pad_mode=pad_mode,
    )
    return Recipe(power=1.0, **fields)


def samples(frame_length: int, hop_length: int | None, center: bool, pad_mode: Any) -> Recipe:
    """Return the recipe of frames of samples."""
    with public_names(n_fft="frame_length"):
        fields: dict[str, Any] = dict(n_fft=frame_length, hop_length=hop_length, center=center, pad_mode=pad_mode)
        return Recipe(window_name="rectangular_window", transform="identity", **fields)


class OfSpectrum(DescriptorLayer):
    """Compute one descriptor of the magnitudes of an STFT."""

    def __init__(
        self,
        descriptor: Descriptor,
        /,
        *,
        n_fft: int,
        hop_length: int | None,
        win_length: int | None,
        window_name: str | None,
        center: bool,
        pad_mode: Any,
        **kwargs: Any,
    ) -> None:
        recipe = magnitudes(n_fft, hop_length, win_length, window_name, center, pad_mode)
        super().__init__(((recipe, descriptor),), **kwargs)
        self.n_fft, self.hop_length, self.win_length = recipe.n_fft, recipe.hop_length, win_length
        self.window_name, self.center, self.pad_mode = window_name, recipe.center, pad_mode


class OfSamples(DescriptorLayer):
    """Compute one descriptor of frames of samples."""

    def __init__(
        self,
        descriptor: Descriptor,
        /,
        *,
        frame_length: int,
        hop_length: int | None,
        center: bool,
        pad_mode: Any,
        **kwargs: Any,
    ) -> None:
        recipe = samples(frame_length, hop_length, center, pad_mode)
        super().__init__(((recipe, descriptor),), **kwargs)
        self.frame_length, self.hop_length = recipe.n_fft, recipe.hop_length
        self.center, self.pad_mode = recipe.center, pad_mode
