"""The frequency and the time of the energy in each bin, from the phases of spectra."""

from __future__ import annotations

from typing import Any, Literal, Unpack

from kapre._arguments import LayerArguments
from kapre._checks import message, number, positive_int
from kapre._layer import DataFormat, register
from kapre.descriptors._base import DescriptorLayer, samples
from kapre.ops.frames import PadMode
from kapre.ops.phases import Reassigned
from kapre.ops.windows import as_periodic


class _OfPhases(DescriptorLayer):
    """Compute a value of each bin of an STFT from its phases."""

    def __init__(
        self,
        kind: Literal["frequency", "delay"],
        /,
        *,
        sample_rate: float,
        n_fft: int,
        hop_length: int | None,
        win_length: int | None,
        window_name: str | None,
        center: bool,
        pad_mode: PadMode,
        **kwargs: Any,
    ) -> None:
        rate = number("sample_rate", sample_rate, "Give it in Hz.", above=0.0, rule="a positive number of Hz")
        size = positive_int("n_fft", n_fft, "2048 samples are 93 ms at 22050 Hz.")
        length = positive_int("win_length", size if win_length is None else win_length, f"Use None for n_fft={size}.")
        if length > size:
            raise ValueError(message("win_length", f"at most n_fft={size}", length, "Lower it, or raise n_fft."))
        hop = max(1, length // 4) if hop_length is None else hop_length
        recipe = samples(size, hop, center, pad_mode)
        descriptor = Reassigned(rate, size, length, window_name, as_periodic(window_name), kind)
        super().__init__(((recipe, descriptor),), **kwargs)
        self.sample_rate, self.n_fft, self.hop_length, self.win_length = rate, size, recipe.hop_length, win_length
        self.window_name, self.center, self.pad_mode = window_name, recipe.center, pad_mode


@register
class InstantaneousFrequency(_OfPhases):
    """Compute the instantaneous frequency of each bin of an STFT, in Hz.

    A DFT bin is `sample_rate / n_fft` wide. The rate at which its phase turns gives the actual frequency of the sound
    in it: the frequency of the bin minus `Im(D / S) * sample_rate / (2 pi)`, where S is the STFT, and D is the STFT
    with the derivative of the window.

    Args:
        sample_rate: float > 0, Hz. The rate of the samples.
        n_fft: int ≥ 1, samples. The length of the DFT, which gives `n_fft // 2 + 1` bins.
        hop_length: int ≥ 1 or None (`win_length // 4`), samples. Distance between the starts of frames.
        win_length: int ≥ 1 or None (`n_fft`), samples. The length of the window.
        window_name: A window of `kapre.backend.get_window_fn`, or None for a periodic Hann window.
        center: bool. Whether frame i is centred on sample `i * hop_length`. If not, it begins there.
        pad_mode: How the ends are padded with `center`: "constant" (zeros), "reflect", "symmetric" or "edge".
        data_format: "default", "channels_first" or "channels_last". The position of the channel axis, if there is one.
        **kwargs: Keras' layer arguments.

    Input shape:
        `(batch, time)`. With channels, channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`.

    Output shape:
        `(batch, frames, n_fft // 2 + 1)`. With channels, channels_last `(batch, frames, n_fft // 2 + 1, channel)`,
        channels_first `(batch, channel, frames, n_fft // 2 + 1)`. The compute dtype.

    Raises:
        ValueError: If an argument is out of range, or the input has the wrong rank.
        TypeError: If an argument has the wrong type, or the samples are integers.

    Notes:
        The result equals the frequencies of `librosa.reassigned_spectrogram` where a bin is not silent. The value of a
        silent bin is the frequency of the bin. Between two tones, and in noise, values may lie far from the bin; they
        are limited to the range from 0 to half of the sample rate.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000).astype("float32")[None]
        y = np.asarray(kapre.InstantaneousFrequency(16000, n_fft=512)(x))
        assert abs(y[0, 60, 14] - 440.0) < 0.1  # the bin itself is at 437.5 Hz
        ```

    References:
        Auger, F. and Flandrin, P. (1995). Improving the readability of time-frequency and time-scale representations by
        the reassignment method. IEEE Transactions on Signal Processing, 43(5).
    """

    def __init__(
        self,
        sample_rate: float,
        n_fft: int = 2048,
        hop_length: int | None = None,
        win_length: int | None = None,
        window_name: str | None = None,
        center: bool = True,
        pad_mode: PadMode = "constant",
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(
            "frequency",
            sample_rate=sample_rate,
            n_fft=n_fft,
            hop_length=hop_length,
            win_length=win_length,
            window_name=window_name,
            center=center,
            pad_mode=pad_mode,
            data_format=data_format,
            **kwargs,
        )


@register
class GroupDelay(_OfPhases):
    """Compute the group delay of each bin of an STFT: the time of its energy, in seconds from the middle of the frame.

    It is `Re(T / S) / sample_rate`, where S is the STFT, and T is the STFT with the window multiplied by its time axis.

    Args:
        sample_rate: float > 0, Hz. The rate of the samples.
        n_fft: int ≥ 1, samples. The length of the DFT, which gives `n_fft // 2 + 1` bins.
        hop_length: int ≥ 1 or None (`win_length // 4`), samples. Distance between the starts of frames.
        win_length: int ≥ 1 or None (`n_fft`), samples. The length of the window.
        window_name: A window of `kapre.backend.get_window_fn`, or None for a periodic Hann window.
        center: bool. Whether frame i is centred on sample `i * hop_length`. If not, it begins there.
        pad_mode: How the ends are padded with `center`: "constant" (zeros), "reflect", "symmetric" or "edge".
        data_format: "default", "channels_first" or "channels_last". The position of the channel axis, if there is one.
        **kwargs: Keras' layer arguments.

    Input shape:
        `(batch, time)`. With channels, channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`.

    Output shape:
        `(batch, frames, n_fft // 2 + 1)`. With channels, channels_last `(batch, frames, n_fft // 2 + 1, channel)`,
        channels_first `(batch, channel, frames, n_fft // 2 + 1)`. The compute dtype.

    Raises:
        ValueError: If an argument is out of range, or the input has the wrong rank.
        TypeError: If an argument has the wrong type, or the samples are integers.

    Notes:
        The middle of frame i is sample `i * hop_length` with `center`. Where a bin is not silent, the result equals the
        times of `librosa.reassigned_spectrogram`, minus those of the frames and minus half a sample, by which librosa's
        times are late. The value of a silent bin is 0. Values outside the frame are limited to its ends.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.zeros((1, 2000), "float32")
        x[0, 1030] = 1.0
        y = np.asarray(kapre.GroupDelay(1000, n_fft=256, hop_length=100)(x))
        assert abs(y[0, 10] - 0.03).max() < 1e-5  # 30 samples behind the middle of frame 10
        ```

    References:
        Auger, F. and Flandrin, P. (1995). Improving the readability of time-frequency and time-scale representations by
        the reassignment method. IEEE Transactions on Signal Processing, 43(5).
    """

    def __init__(
        self,
        sample_rate: float,
        n_fft: int = 2048,
        hop_length: int | None = None,
        win_length: int | None = None,
        window_name: str | None = None,
        center: bool = True,
        pad_mode: PadMode = "constant",
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(
            "delay",
            sample_rate=sample_rate,
            n_fft=n_fft,
            hop_length=hop_length,
            win_length=win_length,
            window_name=window_name,
            center=center,
            pad_mode=pad_mode,
            data_format=data_format,
            **kwargs,
        )
