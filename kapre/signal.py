"""Layers on waveforms."""

from __future__ import annotations

from typing import Any

from keras import ops

from kapre._checks import flag, number, positive_int
from kapre._layer import (
    AudioLayer,
    DataFormat,
    Shape,
    channels_in_place,
    channels_second,
    register,
    resolve_data_format,
    shape_channels_second,
    shape_in_place,
)
from kapre.ops import frames


@register
class Frame(AudioLayer):
    """Cut waveforms into overlapping frames.

    Args:
        frame_length: int ≥ 1, samples.
        hop_length: int ≥ 1, samples from one frame's start to the next. Above `frame_length`, samples are skipped.
        pad_end: bool. Keep frames that reach past the end, filled with `pad_value`: `ceil(time / hop_length)` frames.
        pad_value: float. What `pad_end` fills with.
        data_format: "default" (Keras' setting), "channels_first" or "channels_last".
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`; floating point.

    Output shape:
        channels_last `(batch, frame, frame_length, channel)`, channels_first `(batch, channel, frame, frame_length)`;
        the compute dtype. There are `1 + (time - frame_length) // hop_length` frames, 0 for a shorter clip.

    Raises:
        ValueError: If a length is not positive.
        TypeError: If a length is not an integer, or the samples are integers.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.arange(8, dtype="float32").reshape(1, 8, 1)
        assert np.asarray(kapre.Frame(4, 3)(x))[0, :, :, 0].tolist() == [[0, 1, 2, 3], [3, 4, 5, 6]]
        ```
    """

    def __init__(
        self,
        frame_length: int,
        hop_length: int,
        pad_end: bool = False,
        pad_value: float = 0,
        data_format: DataFormat = "default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.frame_length = positive_int("frame_length", frame_length, "Give it in samples, such as 2048.")
        self.hop_length = positive_int(
            "hop_length", hop_length, f"Use {max(1, self.frame_length // 2)} for 50 % overlap."
        )
        self.pad_end = flag("pad_end", pad_end)
        number("pad_value", pad_value, "Use 0.")
        self.pad_value = pad_value
        self.data_format = resolve_data_format(data_format)

    def call(self, inputs: Any) -> Any:
        x = channels_second(self.real_input(inputs), 3, self.data_format)
        framed = frames.frame(x, self.frame_length, self.hop_length, self.pad_end, self.pad_value)
        return channels_in_place(ops.cast(framed, self.compute_dtype), self.data_format)

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        batch, channels, time = shape_channels_second(shape, 3, self.data_format)
        count = frames.num_frames(time, self.frame_length, self.hop_length, self.pad_end)
        return shape_in_place((batch, channels, count, self.frame_length), self.data_format), self.compute_dtype
