"""`ParallelFrontends`: the features of several recipes, of the same samples, as channels."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, Unpack

import keras
from keras import ops

from kapre._arguments import LayerArguments, PresetAlias, PresetName
from kapre._checks import message
from kapre._layer import (
    DataFormat,
    Shape,
    channels_in_place,
    check_mask,
    lengths_of,
    register,
    resolve_data_format,
    shape_in_place,
)
from kapre._lengths import lengths_within
from kapre.frontends._clips import ClipLayer, adopt
from kapre.frontends._given import frontend_of
from kapre.frontends.frontend import Frontend
from kapre.recipe import Recipe


@register
class ParallelFrontends(ClipLayer):
    """Compute several front ends of the same samples, and return their features as channels.

    BirdNET, for example, takes two mel spectrograms of a clip: one of the low and one of the high frequencies. The
    features of all front ends must have the same shape, because they share the axes of time and bands.

    Args:
        frontends: A list of front ends: each is a `kapre.Frontend`, a `kapre.Recipe` or the name of a preset.
        data_format: "default", "channels_first" or "channels_last". The position of the channel axis.
        **kwargs: Keras' layer arguments. The dtype is that of the front ends.

    Call arguments:
        inputs: Samples at the rate of the front ends; floating point, `(batch, time)`.
        lengths: Integers of shape `(batch,)` with the number of samples of each clip, or None for all samples.
        mask: Keras' mask `(batch, time)`, as an alternative to `lengths`, as in `kapre.Frontend`.

    Input shape:
        `(batch, time)`.

    Output shape:
        `(batch, *recipe.output_shape(time), channels)`, or `(batch, channels, *recipe.output_shape(time))` with
        "channels_first", in the order of the front ends. With `lengths` or a mask, the output carries a mask over time,
        `(batch, frames)`. It marks the frames that are valid in every front end. Front ends of a fixed length give no
        mask.

    Raises:
        TypeError: If `frontends` is not a list of front ends, or the samples are integers.
        ValueError: If the front ends differ in their rate, bands, layout or dtype, if they give different numbers of
            frames for the input, or if the input has the wrong rank.

    Example:
        ```python
        import kapre
        import numpy as np

        bands = dict(sample_rate=48000, filterbank="mel", n_mels=96, fixed_samples=144000, layout="band_first")
        low = kapre.Recipe(n_fft=2048, hop_length=278, f_max=3000.0, **bands)
        high = kapre.Recipe(n_fft=1024, hop_length=280, f_min=500.0, f_max=15000.0, **bands)
        both = kapre.ParallelFrontends([low, high], data_format="channels_last")
        x = np.random.uniform(-1, 1, (1, 144000)).astype("float32")
        assert tuple(both(x).shape) == (1, 96, 511, 2)

        pieces = kapre.FixedPieces(both)  # 3 s each
        assert pieces.compute_output_shape((1, 480000)) == (1, 4, 96, 511, 2)
        ```
    """

    def __init__(
        self,
        frontends: Sequence[Frontend | Recipe | PresetName | PresetAlias | Mapping[str, Any]],
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.data_format = resolve_data_format(data_format)
        self.frontends = self._checked(frontends)
        if "dtype" not in kwargs:
            self.dtype_policy = self.frontends[0].dtype_policy
        adopt(self, self.frontends)
        self._check_alike("rate", [frontend.recipe.clip_rate for frontend in self.frontends])
        self._check_alike("features of one clip", [one.recipe.output_shape(None) for one in self.frontends])
        self._may_skip_keras = all(frontend._may_skip_keras for frontend in self.frontends)

    def _checked(self, frontends: Any) -> list[Frontend]:
        rule, remedy = "a list of front ends", "Use ['whisper', kapre.Recipe(...)], say."
        if not isinstance(frontends, (list, tuple)):
            raise TypeError(message("frontends", rule, type(frontends).__name__, remedy))
        if not frontends:
            raise ValueError(message("frontends", rule, "an empty list", remedy))
        found = [
            keras.saving.deserialize_keras_object(dict(one)) if isinstance(one, Mapping) else one for one in frontends
        ]
        return [frontend_of(one, dtype=self.dtype_policy) for one in found]

    def _check_alike(self, what: str, values: Sequence[Any]) -> None:
        """Refuse front ends that differ in what they return."""
        if len(set(values)) > 1:
            rule, given = f"front ends with the same {what}", ", ".join(map(str, values))
            raise ValueError(message("frontends", rule, given, "Change the fields of their recipes."))

    @property
    def clip_samples(self) -> int | None:
        """Return the length in samples to which clips are padded and cut, or None if the recipes share no length."""
        fixed = {frontend.clip_samples for frontend in self.frontends}
        return fixed.pop() if len(fixed) == 1 else None

    def call(self, inputs: Any, lengths: Any = None, mask: Any = None) -> Any:
        self._check_frames(tuple(inputs.shape))
        if mask is not None:
            check_mask(mask, inputs.shape, "Or give lengths, the samples of each clip.")
        lengths = lengths_of(mask) if lengths is None else lengths
        parts = [frontend(inputs, lengths=lengths) for frontend in self.frontends]
        if lengths is not None:  # the mask has a frame where all front ends have one
            own = lengths_within(lengths, inputs)
            for frontend in self.frontends:
                parts = [frontend.only_valid(part, own) for part in parts]
        return channels_in_place(ops.stack(parts, axis=1), self.data_format)

    def _check_frames(self, shape: Shape) -> None:
        """Refuse a number of samples for which the front ends give different numbers of frames."""
        if len(shape) != 2:
            self.frontends[0].output_shape_and_dtype(shape)  # raises
        if isinstance(shape[1], int):
            counts = [frontend.num_frames(shape[1]) for frontend in self.frontends]
            self._check_alike(f"number of frames for {shape[1]} samples", counts)

    def _output_mask(self, inputs: Any, within: Any) -> Any:
        masks = [frontend._output_mask(inputs, within) for frontend in self.frontends]
        found = [mask for mask in masks if mask is not None]
        return functools.reduce(ops.logical_and, found) if found else None

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        self._check_frames(shape)
        entries = self.frontends[0].recipe.output_shape(shape[1])
        return shape_in_place((shape[0], len(self.frontends), *entries), self.data_format), self.compute_dtype

    def get_config(self) -> dict[str, Any]:
        """Return every constructor argument, with the front ends in serialized form."""
        return {
            **super().get_config(),
            "frontends": [keras.saving.serialize_keras_object(frontend) for frontend in self.frontends],
        }
