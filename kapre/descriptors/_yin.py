"""`YIN`: the pitch of each frame."""

from __future__ import annotations

import math
from typing import Unpack

from kapre._arguments import LayerArguments
from kapre._checks import message, number, positive_int
from kapre._layer import DataFormat, register
from kapre.descriptors._base import OfSamples
from kapre.ops import music
from kapre.ops.frames import PadMode


@register
class YIN(OfSamples):
    """Estimate the pitch and the aperiodicity of each frame with YIN.

    The difference between the frame and itself `τ` samples later is divided by its mean over the shorter lags. The
    period is the first dip below `threshold` between `sample_rate / f_max` and `sample_rate / f_min`, or the lowest
    value if none is below. A parabola through its neighbours refines it.

    Args:
        sample_rate: float > 0, Hz. The rate of the samples.
        f_min: float > 0, Hz. The lowest pitch. Two of its periods must fit into a frame.
        f_max: float > `f_min`, Hz. The highest pitch, at most a quarter of the sample rate.
        threshold: float > 0. The first dip must be below this aperiodicity.
        frame_length: int ≥ 4, samples. Length of a frame.
        hop_length: int ≥ 1 or None (`frame_length // 4`), samples. Distance between the starts of frames.
        center: bool. Whether frame i is centred on sample `i * hop_length`. If not, it begins there.
        pad_mode: How the ends are padded with `center`: "constant" (zeros), "reflect", "symmetric" or "edge".
        data_format: "default", "channels_first" or "channels_last". The position of the channel axis, if there is one.
        **kwargs: Keras' layer arguments.

    Input shape:
        `(batch, time)`. With channels, channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`.

    Output shape:
        `(batch, frames, 2)`. With channels, channels_last `(batch, frames, 2, channel)`, channels_first
        `(batch, channel, frames, 2)`. The compute dtype.

    Raises:
        ValueError: If an argument is out of range, or the input has the wrong rank.
        TypeError: If an argument has the wrong type, or the samples are integers.

    Notes:
        The first value is the pitch in Hz, and the second is the aperiodicity: close to 0 for a tone, close to 1 for
        noise, 1 for silence. A frame is commonly considered voiced if the aperiodicity is below 0.1 to 0.2. For steady
        tones, the pitch is accurate within 0.1 %, and that of `librosa.yin` within 0.2 %. The choice of the dip has no
        gradient; the parabola has one.

    Example:
        ```python
        import numpy as np
        import kapre

        t = np.arange(22050) / 22050
        x = (np.sin(2 * np.pi * 220 * t) + 0.5 * np.sin(2 * np.pi * 440 * t)).astype("float32")[None]
        y = np.asarray(kapre.YIN(22050, f_min=65.0, f_max=2093.0)(x))
        assert abs(y[0, 20, 0] - 220.0) < 0.2 and y[0, 20, 1] < 0.01
        ```

    References:
        de Cheveigné, A. and Kawahara, H. (2002). YIN, a fundamental frequency estimator for speech and music. Journal
        of the Acoustical Society of America, 111(4).
    """

    def __init__(
        self,
        sample_rate: float,
        f_min: float = 65.0,
        f_max: float = 2093.0,
        threshold: float = 0.1,
        frame_length: int = 2048,
        hop_length: int | None = None,
        center: bool = True,
        pad_mode: PadMode = "constant",
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        rate = number("sample_rate", sample_rate, "Give it in Hz.", above=0.0, rule="a positive number of Hz")
        size = positive_int("frame_length", frame_length, "Use 2048.")
        lowest = number("f_min", f_min, "Use 65.0.", above=0.0, rule="a positive number of Hz")
        highest = number("f_max", f_max, "Use 2093.0.", above=lowest, rule="a number of Hz above f_min")
        dip = number("threshold", threshold, "Use 0.1.", above=0.0, rule="a positive number")
        if highest > rate / 4.0:
            rule = f"at most a quarter of the sample rate, {rate / 4.0:g} Hz"
            raise ValueError(message("f_max", rule, f_max, f"Use {rate / 4.0:g}."))
        longest = math.ceil(rate / lowest)
        if 2 * longest + 4 > size:
            rule = f"at least {2 * rate / (size - 6):.4g} Hz, so that two periods fit into {size} samples"
            raise ValueError(message("f_min", rule, f_min, f"Or use frame_length={2 * longest + 4} or more."))
        super().__init__(
            music.Yin(rate, size, max(2, int(rate / highest)), longest, dip),
            frame_length=size,
            hop_length=hop_length,
            center=center,
            pad_mode=pad_mode,
            data_format=data_format,
            **kwargs,
        )
        self.sample_rate, self.f_min, self.f_max, self.threshold = rate, lowest, highest, dip
