"""Descriptors of the samples of each frame."""

from __future__ import annotations

from typing import Unpack

from kapre._arguments import LayerArguments
from kapre._checks import number
from kapre._layer import DataFormat, register
from kapre.descriptors._base import OfSamples
from kapre.ops import descriptors
from kapre.ops.frames import PadMode


@register
class RMS(OfSamples):
    """Compute the root mean square of the samples in each frame.

    Args:
        frame_length: int ≥ 1, samples. Length of a frame.
        hop_length: int ≥ 1 or None (`frame_length // 4`), samples. Distance between the starts of frames.
        center: bool. Whether frame i is centred on sample `i * hop_length`. If not, it begins there.
        pad_mode: How the ends are padded with `center`: "constant" (zeros), "reflect", "symmetric" or "edge".
        data_format: "default", "channels_first" or "channels_last". The position of the channel axis, if there is one.
        **kwargs: Keras' layer arguments.

    Input shape:
        `(batch, time)`. With channels, channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`.

    Output shape:
        `(batch, frames)`. With channels, channels_last `(batch, frames, channel)`, channels_first
        `(batch, channel, frames)`. The compute dtype. There are `1 + time // hop_length` frames with `center`.

    Raises:
        ValueError: If an argument is out of range, or the input has the wrong rank.
        TypeError: If an argument has the wrong type, or the samples are integers.

    Notes:
        The result equals `librosa.feature.rms(y=x)` within 1e-6 of the peak.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.sin(0.25 * np.pi * np.arange(16000, dtype="float32"))[None]
        y = np.asarray(kapre.RMS()(x))
        assert y.shape == (1, 32) and abs(y[0, 16] - 0.5**0.5) < 1e-5
        ```
    """

    def __init__(
        self,
        frame_length: int = 2048,
        hop_length: int | None = None,
        center: bool = True,
        pad_mode: PadMode = "constant",
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        descriptor = descriptors.RootMeanSquare()
        super().__init__(
            descriptor,
            frame_length=frame_length,
            hop_length=hop_length,
            center=center,
            pad_mode=pad_mode,
            data_format=data_format,
            **kwargs,
        )


@register
class ZeroCrossingRate(OfSamples):
    """Compute the share of samples in each frame at which the sign changes.

    The gradient is 0.

    Args:
        frame_length: int ≥ 1, samples. Length of a frame.
        hop_length: int ≥ 1 or None (`frame_length // 4`), samples. Distance between the starts of frames.
        threshold: float ≥ 0. A sample with `|x| <= threshold` counts as 0, and 0 counts as positive.
        center: bool. Whether frame i is centred on sample `i * hop_length`. If not, it begins there.
        pad_mode: How the ends are padded with `center`: "constant" (zeros), "reflect", "symmetric" or "edge".
        data_format: "default", "channels_first" or "channels_last". The position of the channel axis, if there is one.
        **kwargs: Keras' layer arguments.

    Input shape:
        `(batch, time)`. With channels, channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`.

    Output shape:
        `(batch, frames)`. With channels, channels_last `(batch, frames, channel)`, channels_first
        `(batch, channel, frames)`. The compute dtype. There are `1 + time // hop_length` frames with `center`.

    Raises:
        ValueError: If an argument is out of range, or the input has the wrong rank.
        TypeError: If an argument has the wrong type, or the samples are integers.

    Notes:
        The result equals `librosa.feature.zero_crossing_rate`.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.sin(0.25 * np.pi * np.arange(16000, dtype="float32") + 0.1)[None]
        y = np.asarray(kapre.ZeroCrossingRate()(x))
        assert abs(y[0, 16] - 0.25) < 1e-3  # twice in eight samples
        ```
    """

    def __init__(
        self,
        frame_length: int = 2048,
        hop_length: int | None = None,
        threshold: float = 1e-10,
        center: bool = True,
        pad_mode: PadMode = "edge",
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        least = number("threshold", threshold, "Use 1e-10.", at_least=0.0, rule="a number, 0 or above")
        descriptor = descriptors.ZeroCrossings(least)
        super().__init__(
            descriptor,
            frame_length=frame_length,
            hop_length=hop_length,
            center=center,
            pad_mode=pad_mode,
            data_format=data_format,
            **kwargs,
        )
        self.threshold = least
