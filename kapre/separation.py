"""`HPSS`: separation of harmonic and percussive sounds in spectrograms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, Unpack, get_args

from keras import ops

from kapre._arguments import LayerArguments
from kapre._checks import choice, flag, message, number, positive_int
from kapre._layer import (
    AudioLayer,
    DataFormat,
    Shape,
    channels_in_place,
    channels_second,
    lengths_of,
    register,
    resolve_data_format,
    shape_channels_second,
    shape_in_place,
)
from kapre.ops import medians

Component = Literal["harmonic", "percussive", "residual"]


def check_sizes(value: Any) -> tuple[int, int]:
    """Return the sizes of the medians along time and along frequency: one for both, or two."""
    remedy = "Use 31, or (31, 31) for time and frequency."
    pair = tuple(value) if isinstance(value, Sequence) else (value, value)
    if len(pair) != 2:
        raise ValueError(message("kernel_size", "one odd number, or two", value, remedy))
    first, second = (positive_int("kernel_size", size, remedy) for size in pair)
    if first % 2 == 0 or second % 2 == 0:
        raise ValueError(message("kernel_size", "odd", value, remedy))
    return first, second


def check_power(value: Any) -> float:
    """Return the exponent of the masks, a positive number or infinity."""
    if value == math.inf:
        return math.inf
    return number("power", value, "Use 2.0, or math.inf for hard masks.", above=0.0, rule="a positive number")


def check_margins(value: Any) -> tuple[float, float]:
    """Return the margins of the harmonic and of the percussive mask: one for both, or two."""
    remedy = "Use 1.0, or (1.0, 5.0) for harmonic and percussive."
    pair = tuple(value) if isinstance(value, Sequence) else (value, value)
    if len(pair) != 2:
        raise ValueError(message("margin", "one number, or two", value, remedy))
    rule = "a number, at least 1"
    first, second = (number("margin", margin, remedy, at_least=1.0, rule=rule) for margin in pair)
    return first, second


@register
class HPSS(AudioLayer):
    """Separate the harmonic from the percussive part of spectrograms by medians.

    A sustained tone is a line along time. A percussive sound is short, and is a line along frequency. The median along
    time, H, keeps the tones, and the median along frequency, P, keeps the percussive sounds. The harmonic mask is
    `H ** power / (H ** power + (margin P) ** power)`, and the percussive mask has H and P exchanged.

    Args:
        component: What the layer returns: "harmonic", "percussive", or "residual", which is what neither mask selects
            (0 with a `margin` of 1).
        kernel_size: odd int ≥ 1, or two of them. Number of frames, and number of bins, over which the medians are
            taken.
        power: float > 0, or infinity for masks of 0 and 1.
        margin: float ≥ 1, or two of them. The factor by which H must exceed P in the harmonic part, and P must exceed H
            in the percussive part.
        mask: bool. Whether to return the mask instead of the masked spectrogram.
        data_format: "default", "channels_first" or "channels_last". The position of the channel axis, if there is one.
        **kwargs: Keras' layer arguments.

    Input shape:
        Magnitudes or powers, `(batch, frames, bins)`. With channels, channels_last `(batch, frames, bins, channel)`,
        channels_first `(batch, channel, frames, bins)`; floating point, 0 or above.

    Output shape:
        The same shape; the compute dtype.

    Raises:
        ValueError: If an argument is out of range, or the input has the wrong rank.
        TypeError: If an argument has the wrong type, or the input is complex or integer.

    Notes:
        The result equals `librosa.decompose.hpss` within 1e-6 of the peak. To separate waveforms, multiply the output
        of `kapre.STFT` by the mask and pass the product to `kapre.InverseSTFT`.

    Example:
        ```python
        import numpy as np
        import kapre

        s = np.zeros((1, 60, 50), "float32")
        s[:, :, 10] = 1.0  # a tone
        s[:, 30, :] = 1.0  # a stroke
        harmonic = np.asarray(kapre.HPSS("harmonic")(s))
        assert harmonic[0, 5, 10] == 1.0 and harmonic[0, 30, 40] == 0.0
        ```

    References:
        FitzGerald, D. (2010). Harmonic/percussive separation using median filtering. International Conference on
        Digital Audio Effects.
        Driedger, J., Müller, M. and Disch, S. (2014). Extending harmonic-percussive separation of audio. International
        Society for Music Information Retrieval Conference.
    """

    def __init__(
        self,
        component: Component = "harmonic",
        kernel_size: int | Sequence[int] = 31,
        power: float = 2.0,
        margin: float | Sequence[float] = 1.0,
        mask: bool = False,
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.component = choice("component", component, get_args(Component), "Use 'harmonic' or 'percussive'.")
        self._sizes, self._margins = check_sizes(kernel_size), check_margins(margin)
        self.kernel_size, self.margin = kernel_size, margin
        self.power = check_power(power)
        self.mask = flag("mask", mask)
        self.data_format = resolve_data_format(data_format)

    def call(self, inputs: Any, mask: Any = None) -> Any:
        self._check(tuple(inputs.shape))  # raises for another rank, also after the first call
        x = self.real_input(inputs)
        x = x[:, None] if len(x.shape) == 3 else channels_second(x, 4, self.data_format)
        harmonic, percussive = medians.separated(x, self._sizes, self.power, self._margins, lengths_of(mask))
        found = {"harmonic": harmonic, "percussive": percussive, "residual": 1.0 - harmonic - percussive}
        y = found[self.component] if self.mask else found[self.component] * x
        y = ops.cast(y, self.compute_dtype)
        return y[:, 0] if len(inputs.shape) == 3 else channels_in_place(y, self.data_format)

    def _check(self, shape: Shape) -> None:
        if len(shape) not in (3, 4):
            rule = "of shape (batch, frames, bins), or with channels"
            raise ValueError(message("inputs", rule, f"shape {shape}", "Give it a spectrogram."))

    def time_axes(self, shape: Shape) -> Any:
        return (1, 1) if len(shape) == 3 else super().time_axes(shape)

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        self._check(tuple(shape))
        if len(shape) == 4:
            shape = shape_in_place(shape_channels_second(shape, 4, self.data_format), self.data_format)
        return tuple(shape), self.compute_dtype
