"""Layers that measure the loudness of waveforms, and layers that set their level."""

from __future__ import annotations

import math
from typing import Any, Unpack

from keras import ops

from kapre._arguments import LayerArguments
from kapre._checks import message, number
from kapre._layer import (
    AudioLayer,
    DataFormat,
    Shape,
    channels_in_place,
    check_waveforms,
    lengths_of,
    register,
    resolve_data_format,
    shape_channels_second,
    waveforms,
)
from kapre.ops import frames, loudness


def _check_weights(weights: Any) -> tuple[float, ...] | None:
    """Return the weights of channels as floats, or None."""
    if weights is None:
        return None
    rule = "a list of a number, 0 or above, for each channel"
    try:
        values = tuple(weights)
    except TypeError:
        raise TypeError(message("channel_weights", rule, weights, "Use [1.0, 1.0] for stereo.")) from None
    if not values:
        raise ValueError(message("channel_weights", rule, weights, "Use [1.0, 1.0] for stereo."))
    return tuple(number("channel_weights", each, "Use 1.0.", at_least=0.0, rule=rule) for each in values)


def check_meter(sample_rate: Any, channel_weights: Any, dtype: str) -> loudness.Meter:
    """Return a meter, or raise."""
    rule = "a number of Hz, above 3000"  # the shelf is at 1500 Hz
    rate = number("sample_rate", sample_rate, "Give it in Hz, such as 48000.", above=3000.0, rule=rule)
    return loudness.Meter(rate, _check_weights(channel_weights), dtype)


def check_channels(channels: int | None, weights: tuple[float, ...] | None) -> None:
    """Refuse a number of channels that the weights do not fit."""
    if channels is None:
        return
    if weights is None and channels > len(loudness.WEIGHTS):
        rule = f"given for more than {len(loudness.WEIGHTS)} channels"
        raise ValueError(message("channel_weights", rule, weights, f"The input has {channels}: give as many weights."))
    if weights is not None and channels != len(weights):
        rule = f"as many as the {channels} channels of the input"
        raise ValueError(message("channel_weights", rule, weights, "Give one number for each channel."))


class _Level(AudioLayer):
    """Compute with all samples of an item, which is `(batch, time)` or has channels."""

    def __init__(self, data_format: DataFormat = "default", **kwargs: Unpack[LayerArguments]) -> None:
        super().__init__(**kwargs)
        self.data_format = resolve_data_format(data_format)

    def _item(self, inputs: Any, mask: Any) -> tuple[Any, Any]:
        """Return samples `(batch, channel, time)` in the working dtype, and the lengths of a mask."""
        return waveforms(self.real_input(inputs), mask, self.data_format), lengths_of(mask)

    def _channels(self, shape: Shape) -> int | None:
        """Return the number of channels of an input. Raise for another rank."""
        check_waveforms(shape)
        return 1 if len(shape) == 2 else shape_channels_second(shape, 3, self.data_format)[1]


class _Measure(_Level):
    """Hold the arguments of a measurement of loudness."""

    def __init__(
        self,
        sample_rate: float,
        channel_weights: Any = None,
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(data_format, **kwargs)
        self._meter = check_meter(sample_rate, channel_weights, self.work_dtype)
        self.sample_rate, self.channel_weights = self._meter.sample_rate, self._meter.weights

    def measured(self, x: Any, lengths: Any) -> Any:
        """Return the loudness in LUFS of each item, `(batch,)`."""
        check_channels(x.shape[1], self.channel_weights)
        return self._meter(x, lengths)


@register
class Loudness(_Measure):
    """Measure the integrated loudness of waveforms by ITU-R BS.1770-4, in LUFS.

    The samples pass the K-weighting filter. The mean squares of blocks of 400 ms, one every 100 ms, are gated: blocks
    of at most -70 LUFS are dropped, and then blocks more than 10 LU below the mean of the rest. The loudness is
    `-0.691 + 10 log10 Σ G z`, with the mean square z of the remaining blocks and the weight G of each channel.

    Args:
        sample_rate: float > 3000, Hz. The rate of the samples.
        channel_weights: A number for each channel, or None for those of BS.1770: 1 for left, right and centre, 1.41 for
            the two surrounds.
        data_format: "default", "channels_first" or "channels_last". The position of the channel axis, if there is one.
        **kwargs: Keras' layer arguments.

    Input shape:
        `(batch, time)`. With channels, channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`.

    Output shape:
        `(batch,)`, LUFS; the compute dtype.

    Raises:
        ValueError: If an argument is out of range, the weights do not match the channels, or the input has the wrong
            rank.
        TypeError: If the samples are integers.

    Notes:
        For clips of a multiple of 100 ms, the result equals that of `pyloudnorm.Meter(sample_rate).integrated_loudness`
        within 1e-4 LU. Other meters differ by a few tenths. A clip without remaining blocks, such as silence, has a
        loudness of -70 LUFS. A clip shorter than 400 ms is padded with silence to a block. The gates have no gradient.

    Example:
        ```python
        import numpy as np
        import kapre

        t = np.arange(2 * 48000) / 48000
        x = np.sin(2 * np.pi * 997 * t).astype("float32")[None]
        assert abs(float(kapre.Loudness(48000)(x)[0]) + 3.01) < 0.1  # a sine of full scale, as BS.1770 says
        ```

    References:
        ITU-R Recommendation BS.1770-4 (2015). Algorithms to measure audio programme loudness and true-peak audio level.
    """

    def call(self, inputs: Any, mask: Any = None) -> Any:
        return ops.cast(self.measured(*self._item(inputs, mask)), self.compute_dtype)

    def time_axes(self, shape: Shape) -> None:
        return None  # the output has no time

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        """Return None: the output has no time."""

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        check_channels(self._channels(shape), self.channel_weights)
        return (shape[0],), self.compute_dtype


class _Setting(_Level):
    """Multiply each item by a gain that brings it to a level."""

    max_gain_db: float | None

    def call(self, inputs: Any, mask: Any = None) -> Any:
        x, lengths = self._item(inputs, mask)
        x = x if lengths is None else frames.keep(x, lengths)  # else NaN behind the end is in the gradient
        y = ops.cast(loudness.amplified(x, self.gain_db(x, lengths), self.max_gain_db), self.compute_dtype)
        return y[:, 0] if len(inputs.shape) == 2 else channels_in_place(y, self.data_format)

    def gain_db(self, x: Any, lengths: Any) -> Any:
        """Return the gain of each item in dB, `(batch,)`."""
        raise NotImplementedError

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        self._channels(shape)
        return tuple(shape), self.compute_dtype


def _most(max_gain_db: Any) -> float | None:
    rule = "None or a number of dB"
    return None if max_gain_db is None else number("max_gain_db", max_gain_db, "Use None, or 30.0.", rule=rule)


_SILENCE = 1e-15
"""An amplitude at most as large as this counts as silence."""


@register
class LoudnessNormalization(_Setting, _Measure):
    """Scale each waveform to a target loudness; see `kapre.Loudness`.

    Args:
        sample_rate: float > 3000, Hz. The rate of the samples.
        target_lufs: float, LUFS. The loudness: -23.0 in broadcasts (EBU R 128), -14.0 to -16.0 in streaming services.
        max_gain_db: float or None, decibels. The largest gain.
        channel_weights: A number for each channel, or None for those of BS.1770.
        data_format: "default", "channels_first" or "channels_last". The position of the channel axis, if there is one.
        **kwargs: Keras' layer arguments.

    Input shape:
        `(batch, time)`. With channels, channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`.

    Output shape:
        The same shape; the compute dtype.

    Raises:
        ValueError: If an argument is out of range, the weights do not match the channels, or the input has the wrong
            rank.
        TypeError: If an argument is not a number, or the samples are integers.

    Notes:
        A waveform without a block above -70 LUFS, such as silence, is unchanged. The result is not limited to full
        scale. All channels of an item have the same gain. With a mask, samples past the end of an item do not count,
        and are 0 in the result.

    Example:
        ```python
        import numpy as np
        import kapre

        x = 0.01 * np.random.default_rng(0).normal(size=(2, 16000)).astype("float32")
        y = kapre.LoudnessNormalization(16000, target_lufs=-23.0)(x)
        assert np.allclose(np.asarray(kapre.Loudness(16000)(y)), -23.0, atol=0.01)
        ```
    """

    def __init__(
        self,
        sample_rate: float,
        target_lufs: float = -23.0,
        max_gain_db: float | None = None,
        channel_weights: Any = None,
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(sample_rate, channel_weights, data_format, **kwargs)
        self.target_lufs = number("target_lufs", target_lufs, "Use -23.0.", rule="a number of LUFS")
        self.max_gain_db = _most(max_gain_db)

    def gain_db(self, x: Any, lengths: Any) -> Any:
        found = self.measured(x, lengths)
        return ops.where(found <= loudness.FLOOR, 0.0 * found, self.target_lufs - found)

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        check_channels(self._channels(shape), self.channel_weights)
        return super().output_shape_and_dtype(shape)


class _ToLevel(_Setting):
    """Bring each waveform to an RMS or a peak."""

    _by_peak = False

    def __init__(
        self,
        target_db: float,
        max_gain_db: float | None,
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.target_db = number("target_db", target_db, "Use -20.0.", rule="a number of dB below full scale")
        self.max_gain_db = _most(max_gain_db)

    def gain_db(self, x: Any, lengths: Any) -> Any:
        found = loudness.level(x, self._by_peak, lengths)
        silent = found <= _SILENCE
        decibels = (20.0 / math.log(10.0)) * ops.log(ops.where(silent, ops.ones_like(found), found))
        return ops.where(silent, ops.zeros_like(found), self.target_db - decibels)


@register
class RMSNormalization(_ToLevel):
    """Scale each waveform to a target root mean square, in dB relative to full scale.

    Args:
        target_db: float, decibels. The root mean square of the result; 0 dB is 1.0.
        max_gain_db: float or None, decibels. The largest gain.
        data_format: "default", "channels_first" or "channels_last". The position of the channel axis, if there is one.
        **kwargs: Keras' layer arguments.

    Input shape:
        `(batch, time)`. With channels, channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`.

    Output shape:
        The same shape; the compute dtype.

    Raises:
        ValueError: If an argument is not finite, or the input has the wrong rank.
        TypeError: If an argument is not a number, or the samples are integers.

    Notes:
        Silence is unchanged. The result is not limited to full scale. All channels of an item have the same gain. With
        a mask, samples past the end of an item do not count, and are 0 in the result.

    Example:
        ```python
        import numpy as np
        import kapre

        x = 0.01 * np.random.default_rng(0).normal(size=(2, 16000)).astype("float32")
        y = np.asarray(kapre.RMSNormalization(-20.0)(x))
        assert np.allclose(np.sqrt(np.mean(y**2, axis=1)), 0.1, rtol=1e-4)
        ```
    """

    def __init__(
        self,
        target_db: float = -20.0,
        max_gain_db: float | None = None,
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(target_db, max_gain_db, data_format, **kwargs)


@register
class PeakNormalization(_ToLevel):
    """Scale each waveform to a target peak, in dB relative to full scale.

    Args:
        target_db: float, decibels. The largest absolute value of the result; 0 dB is 1.0.
        max_gain_db: float or None, decibels. The largest gain.
        data_format: "default", "channels_first" or "channels_last". The position of the channel axis, if there is one.
        **kwargs: Keras' layer arguments.

    Input shape:
        `(batch, time)`. With channels, channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`.

    Output shape:
        The same shape; the compute dtype.

    Raises:
        ValueError: If an argument is not finite, or the input has the wrong rank.
        TypeError: If an argument is not a number, or the samples are integers.

    Notes:
        Silence is unchanged. All channels of an item have the same gain. With a mask, samples past the end of an item
        do not count, and are 0 in the result.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.array([[0.1, -0.5, 0.25]], "float32")
        assert np.allclose(np.asarray(kapre.PeakNormalization()(x)), [[0.2, -1.0, 0.5]])
        ```
    """

    _by_peak = True

    def __init__(
        self,
        target_db: float = 0.0,
        max_gain_db: float | None = None,
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(target_db, max_gain_db, data_format, **kwargs)
