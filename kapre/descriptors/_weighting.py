"""`FrequencyWeighting`: A, B, C and D weighting of spectrograms."""

from __future__ import annotations

from typing import Any, Literal, Unpack, get_args

import numpy as np
from keras import ops

from kapre._arguments import LayerArguments
from kapre._checks import choice, message, number
from kapre._layer import (
    AudioLayer,
    DataFormat,
    Shape,
    channels_in_place,
    channels_second,
    register,
    resolve_data_format,
    shape_channels_second,
)
from kapre.ops import fourier, music

WeightingKind = Literal["A", "B", "C", "D"]


@register
class FrequencyWeighting(AudioLayer):
    """Weight the bins of spectrograms by how loud they sound: A, B, C or D weighting.

    Args:
        sample_rate: float > 0, Hz. The rate of the samples. The last bin of the spectrogram is at half this rate.
        kind: "A", "B", "C" (IEC 61672) or "D" (IEC 537).
        scale: The scale of the spectrogram: "power", "magnitude", or "db", where the weights are added.
        min_db: float or None, decibels. The smallest weight. None sets the bin at 0 Hz, whose weight is -∞ dB, to 0;
            with `scale="db"`, a number is needed.
        data_format: "default", "channels_first" or "channels_last". The position of the channel axis, if there is one.
        **kwargs: Keras' layer arguments.

    Input shape:
        `(batch, frames, bins)`. With channels, channels_last `(batch, frames, bins, channel)`, channels_first
        `(batch, channel, frames, bins)`. The number of bins must be known.

    Output shape:
        The same shape; the compute dtype.

    Raises:
        ValueError: If an argument is unknown or out of range, or the input has the wrong rank.
        TypeError: If an argument has the wrong type, or the input is complex or integer.

    Notes:
        The weights are those of `librosa.frequency_weighting` (D within 0.002 dB, because of its rounded constants).

    Example:
        ```python
        import numpy as np
        import kapre

        power = np.ones((1, 10, 257), "float32")
        weighted = np.asarray(kapre.FrequencyWeighting(16000, "A", scale="power")(power))
        assert abs(weighted[0, 5, 32] - 1.0) < 1e-3  # 1000 Hz: 0 dB
        ```
    """

    def __init__(
        self,
        sample_rate: float,
        kind: WeightingKind = "A",
        scale: Literal["power", "magnitude", "db"] = "power",
        min_db: float | None = -80.0,
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(**kwargs)
        rule = "a positive number of Hz"
        self.sample_rate = number("sample_rate", sample_rate, "Give it in Hz.", above=0.0, rule=rule)
        self.kind = choice("kind", kind, get_args(WeightingKind), "Use 'A'.")
        self.scale = choice("scale", scale, ("power", "magnitude", "db"), "Use 'power'.")
        if min_db is None and scale == "db":
            raise ValueError(message("min_db", "a number of dB with scale='db'", min_db, "Use -80.0."))
        self.min_db = None if min_db is None else number("min_db", min_db, "Use -80.0.", rule="a number of dB")
        self.data_format = resolve_data_format(data_format)

    def call(self, inputs: Any) -> Any:
        self._bins(tuple(inputs.shape))  # raises for another shape, also after the first call
        x = self.real_input(inputs)
        x = x if len(x.shape) == 3 else channels_second(x, 4, self.data_format)
        places = np.linspace(0.0, self.sample_rate / 2.0, x.shape[-1])
        decibels = music.weighting(places, self.kind, self.min_db)
        values = decibels if self.scale == "db" else 10.0 ** (decibels / (10.0 if self.scale == "power" else 20.0))
        weights = fourier.constant(values, x)
        y = ops.cast(x + weights if self.scale == "db" else x * weights, self.compute_dtype)
        return y if len(x.shape) == 3 else channels_in_place(y, self.data_format)

    def _bins(self, shape: Shape) -> None:
        """Refuse another rank and an unknown number of bins."""
        if len(shape) not in (3, 4):
            rule = "of shape (batch, frames, bins), or with channels"
            raise ValueError(message("inputs", rule, f"shape {shape}", "Give it a spectrogram."))
        bins = shape[2] if len(shape) == 3 else shape_channels_second(shape, 4, self.data_format)[3]
        if bins is None or bins < 2:
            rule, ways = "of a known number of bins, at least 2", "Give the Input its bins, or check data_format."
            raise ValueError(message("inputs", rule, f"shape {shape}", ways))

    def time_axes(self, shape: Shape) -> Any:
        return (1, 1) if len(shape) == 3 else super().time_axes(shape)

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        self._bins(tuple(shape))
        return tuple(shape), self.compute_dtype
