"""`SincConv`: band-pass filters whose edges are trained."""

from __future__ import annotations

from typing import Any, Literal, Unpack

import numpy as np
from keras import ops

from kapre._arguments import LayerArguments
from kapre._checks import choice, message, number, positive_int
from kapre._layer import DataFormat, register
from kapre.learned._parameters import Parameter
from kapre.learned._waves import FilterLayer, checked_rate
from kapre.ops import frames, learned
from kapre.ops.fourier import constant
from kapre.ops.kernels import active as kernel


@register
class SincConv(FilterLayer):
    """Filter waveforms with band-pass filters whose lower edges and widths are trained (SincNet).

    A filter has two parameters, whatever its number of taps: `low = min_low_hz + p` and `high = low + min_band_hz + q`,
    at most half the sampling rate, with trained `p, q ≥ 0` in Hz. Its taps are the difference of two sinc functions
    under a Hamming window, and the tap in the middle is 1:
    `(2 high sinc(2 high t) - 2 low sinc(2 low t)) / (2 (high - low))`. Initially, the edges lie on a mel scale.

    Args:
        filters: int ≥ 1. Number of filters.
        sample_rate: float, Hz. Sampling rate of the input.
        kernel_size: Odd int ≥ 3, samples. Number of taps.
        strides: int ≥ 1, samples. Distance between the starts of frames.
        padding: "valid" keeps the frames that lie within the clip. "same" pads with zeros, so that frame i is centred
            on sample `i * strides`.
        min_low_hz: float ≥ 0, Hz. The lowest edge.
        min_band_hz: float > 0, Hz. The smallest width.
        learning_rate_multiplier: float > 0. With 1.0, an optimizer's step of 0.001 moves an edge by 0.001 of half the
            sampling rate, which is 8 Hz at 16 kHz. Steps of optimizers that normalise gradients, such as Adam, are
            multiplied by this number, and steps of SGD by its square.
        data_format: "default", "channels_first" or "channels_last". The position of the channel axis, if there is one.
        **kwargs: Keras' layer arguments. With `trainable=False`, the filters stay as they are.

    Input shape:
        `(batch, time)`. With channels, channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`.
        The channels share the filters.

    Output shape:
        `(batch, frames, filters)`. With channels, channels_last `(batch, frames, filters, channel)`, channels_first
        `(batch, channel, frames, filters)`. The compute dtype. There are `1 + (time - kernel_size) // strides` frames
        with "valid" and `ceil(time / strides)` with "same".

    Raises:
        ValueError: If an argument is out of range, or the input has the wrong rank.
        TypeError: If an argument has the wrong type, or the samples are integers.

    Notes:
        The result equals the formula in NumPy float64 within 1e-5 of the peak in float32. The edges stay in range for
        any finite gradient: Keras' optimizers bring a parameter that leaves its range back to the nearest bound.

    Example:
        ```python
        import numpy as np
        import kapre

        layer = kapre.SincConv(8, 16000, kernel_size=251, strides=160)
        y = layer(np.random.default_rng(0).uniform(-1, 1, (2, 16000)).astype("float32"))
        low, high = layer.edges
        assert y.shape == (2, 99, 8) and round(low[0]) == 100 and round(high[0]) == 417
        ```

    References:
        Ravanelli, M. and Bengio, Y. (2018). Speaker Recognition from Raw Waveform with SincNet. IEEE SLT.
    """

    def __init__(
        self,
        filters: int,
        sample_rate: float,
        kernel_size: int = 251,
        strides: int = 1,
        padding: Literal["valid", "same"] = "valid",
        min_low_hz: float = 50.0,
        min_band_hz: float = 50.0,
        learning_rate_multiplier: float = 1.0,
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(learning_rate_multiplier, data_format, **kwargs)
        self.filters = positive_int("filters", filters, "Use 80.")
        self.sample_rate = checked_rate(sample_rate)
        self.kernel_size = positive_int("kernel_size", kernel_size, "Use 251.")
        if self.kernel_size % 2 == 0 or self.kernel_size < 3:
            raise ValueError(message("kernel_size", "an odd number, 3 or above", kernel_size, "Use 251."))
        self.strides = positive_int("strides", strides, "Use 1, or 160 for 100 frames of a second at 16 kHz.")
        self.padding = choice("padding", padding, ("valid", "same"), "'valid' adds no zeros at the ends.")
        self.min_low_hz = number("min_low_hz", min_low_hz, "Use 50.0.", at_least=0.0, rule="a number, 0 or above")
        self.min_band_hz = number("min_band_hz", min_band_hz, "Use 50.0.", above=0.0, rule="a positive number")
        nyquist = self.sample_rate / 2.0
        if 2.0 * self.min_low_hz + self.min_band_hz >= nyquist:
            rule = f"so small that 2 * min_low_hz + min_band_hz is below {nyquist:g} Hz, half the sampling rate"
            raise ValueError(message("min_band_hz", rule, min_band_hz, "Use 50.0 for both."))
        low, width = learned.band_pass_start(self.filters, self.sample_rate, self.min_low_hz, self.min_band_hz)
        most, step = nyquist - self.min_low_hz - self.min_band_hz, nyquist * self.learning_rate_multiplier
        self._low = Parameter(self, "low", low, (0.0, most), step)
        self._width = Parameter(self, "width", width, (0.0, most), step)

    @property
    def _framing(self) -> tuple[int, int, int]:
        return self.kernel_size, self.strides, (self.kernel_size - 1) * (self.padding == "same")

    def _edges(self, low: Any, width: Any) -> tuple[Any, Any]:
        """Return the edges in cycles per sample."""
        low = low + self.min_low_hz
        nyquist = constant(self.sample_rate / 2.0, low)
        high = kernel.minimum(low + width + self.min_band_hz, nyquist)
        return low / self.sample_rate, high / self.sample_rate

    @property
    def edges(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the current lower and upper edges of the filters in Hz: two arrays `(filters,)`."""
        low = self._low.array() + self.min_low_hz
        return low, np.minimum(low + self._width.array() + self.min_band_hz, self.sample_rate / 2.0)

    def _taps(self, start: bool) -> np.ndarray:
        found = (one.start if start else one.array() for one in (self._low, self._width))
        low, width = (ops.convert_to_tensor(values.astype(self.work_dtype)) for values in found)
        return np.asarray(ops.convert_to_numpy(learned.band_passes(*self._edges(low, width), self.kernel_size)))

    def filtered(self, x: Any, lengths: Any) -> Any:
        low, high = self._edges(self._low.tensor(), self._width.tensor())
        taps = learned.band_passes(low, high, self.kernel_size)
        if self.padding == "same":
            x = frames.pad(x, self.kernel_size // 2, self.kernel_size // 2)
        return learned.correlated(x, (taps,), self.strides)[0]
