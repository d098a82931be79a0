"""Onset strength and the tempogram."""

from __future__ import annotations

from typing import Any, Unpack

from keras import ops

from kapre._arguments import LayerArguments
from kapre._checks import flag, positive_int
from kapre._layer import DataFormat, register
from kapre.descriptors._base import DescriptorLayer, magnitudes
from kapre.ops import descriptors
from kapre.ops.frames import PadMode
from kapre.ops.windows import window


class _OfOnsets(DescriptorLayer):
    """Compute the onset strength, from mel bands in decibels."""

    def __init__(
        self,
        *,
        sample_rate: float,
        n_mels: int,
        f_min: float,
        f_max: float | None,
        lag: int,
        dynamic_range: float | None,
        n_fft: int,
        hop_length: int | None,
        win_length: int | None,
        window_name: str | None,
        center: bool,
        pad_mode: PadMode,
        **kwargs: Any,
    ) -> None:
        recipe = magnitudes(n_fft, hop_length, win_length, window_name, center, pad_mode).replace(
            sample_rate=sample_rate,
            power=2.0,
            filterbank="mel",
            n_mels=n_mels,
            f_min=f_min,
            f_max=f_max,
            log="db",
            amin=1e-10,
            dynamic_range=dynamic_range,
        )
        frames = positive_int("lag", lag, "Use 1, the previous frame.")
        shift = recipe.n_fft // (2 * recipe.hop_length) if recipe.center else 0
        span = None if dynamic_range is None else "the maximum of dynamic_range"
        super().__init__(((recipe, descriptors.Onsets(frames, shift, span)),), **kwargs)
        self.sample_rate, self.n_mels, self.f_min, self.f_max = sample_rate, n_mels, recipe.f_min, recipe.f_max
        self.lag, self.dynamic_range = frames, dynamic_range
        self.n_fft, self.hop_length, self.win_length = recipe.n_fft, recipe.hop_length, win_length
        self.window_name, self.center, self.pad_mode = window_name, recipe.center, pad_mode


@register
class OnsetStrength(_OfOnsets):
    """Compute the onset strength: how much louder mel bands become from frame to frame.

    It is the mean over the bands of `max(0, D[t] - D[t - lag])`, with D in decibels. With `center`, the values are
    delayed by `n_fft // (2 * hop_length)` frames, as in librosa, so that an onset lies where it is heard.

    Args:
        sample_rate: float > 0, Hz. The rate of the samples.
        n_mels: int ≥ 1. Number of bands.
        f_min: float ≥ 0, Hz. Where the lowest band begins.
        f_max: float or None (half of the sample rate), Hz. Where the highest band ends.
        lag: int ≥ 1, frames. Distance to the earlier frame with which each frame is compared.
        dynamic_range: float > 0 or None, decibels. The range kept below each item's maximum: librosa's `top_db`. A
            layer with it does not stream.
        n_fft: int ≥ 2, samples. The length of the DFT.
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
        `(batch, frames)`. With channels, channels_last `(batch, frames, channel)`, channels_first
        `(batch, channel, frames)`. The compute dtype. There are `1 + time // hop_length` frames with `center`.

    Raises:
        ValueError: If an argument is out of range, or the input has the wrong rank.
        TypeError: If an argument has the wrong type, or the samples are integers.

    Notes:
        The result equals `librosa.onset.onset_strength(y=x, sr=sample_rate)` within 1e-3 dB. With `center=False`,
        librosa still computes centred frames from samples, and only leaves out the delay.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.zeros((1, 16000), "float32")
        x[:, 8000:8200] = np.random.default_rng(0).normal(size=200)  # a click at 0.5 s
        y = np.asarray(kapre.OnsetStrength(16000, n_fft=512, hop_length=160)(x))
        assert abs(y[0].argmax() - 50) <= 2
        ```

    References:
        Böck, S. and Widmer, G. (2013). Maximum filter vibrato suppression for onset detection. International Conference
        on Digital Audio Effects.
    """

    def __init__(
        self,
        sample_rate: float,
        n_mels: int = 128,
        f_min: float = 0.0,
        f_max: float | None = None,
        lag: int = 1,
        dynamic_range: float | None = 80.0,
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
            sample_rate=sample_rate,
            n_mels=n_mels,
            f_min=f_min,
            f_max=f_max,
            lag=lag,
            dynamic_range=dynamic_range,
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
class Tempogram(_OfOnsets):
    """Compute the tempogram: the autocorrelation of the onset strength around each frame.

    The onset strength of `tempogram_frames` frames around each frame is multiplied by a Hann window. The result is its
    autocorrelation at the lags from 0 to `tempogram_frames - 1`. A lag of l frames corresponds to a tempo of
    `60 * sample_rate / (hop_length * l)` beats per minute. Before and after the clip, the onset strength falls to 0
    linearly.

    Args:
        sample_rate: float > 0, Hz. The rate of the samples.
        tempogram_frames: int ≥ 1, frames. How many frames are correlated.
        normalized: bool. Whether to divide each frame by its largest value.
        n_mels: int ≥ 1. Number of bands of the onset strength.
        f_min: float ≥ 0, Hz. Where the lowest band begins.
        f_max: float or None (half of the sample rate), Hz. Where the highest band ends.
        lag: int ≥ 1, frames. The lag of the onset strength.
        dynamic_range: float > 0 or None, decibels. The dynamic range of the onset strength.
        n_fft: int ≥ 2, samples. The length of the DFT.
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
        `(batch, frames, tempogram_frames)`. With channels, channels_last `(batch, frames, tempogram_frames, channel)`,
        channels_first `(batch, channel, frames, tempogram_frames)`. The compute dtype.

    Raises:
        ValueError: If an argument is out of range, or the input has the wrong rank.
        TypeError: If an argument has the wrong type, or the samples are integers.

    Notes:
        The result equals `librosa.feature.tempogram(y=x, sr=sample_rate).T` within 1e-4. The layer does not stream.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.zeros((1, 10, 8000), "float32")
        x[:, :, :200] = np.random.default_rng(0).normal(size=200)  # two clicks per second
        layer = kapre.Tempogram(16000, tempogram_frames=100, n_fft=512, hop_length=160)
        y = np.asarray(layer(x.reshape(1, -1)))
        assert y.shape == (1, 501, 100)
        assert 45 < y[0, 250, 25:75].argmax() + 25 < 55  # 50 frames are 0.5 s
        ```

    References:
        Grosche, P., Müller, M. and Kurth, F. (2010). Cyclic tempogram: a mid-level tempo representation for music
        signals. IEEE International Conference on Acoustics, Speech and Signal Processing.
    """

    def __init__(
        self,
        sample_rate: float,
        tempogram_frames: int = 384,
        normalized: bool = True,
        n_mels: int = 128,
        f_min: float = 0.0,
        f_max: float | None = None,
        lag: int = 1,
        dynamic_range: float | None = 80.0,
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
            sample_rate=sample_rate,
            n_mels=n_mels,
            f_min=f_min,
            f_max=f_max,
            lag=lag,
            dynamic_range=dynamic_range,
            n_fft=n_fft,
            hop_length=hop_length,
            win_length=win_length,
            window_name=window_name,
            center=center,
            pad_mode=pad_mode,
            data_format=data_format,
            **kwargs,
        )
        self.tempogram_frames = positive_int("tempogram_frames", tempogram_frames, "Use 384.")
        self.normalized = flag("normalized", normalized)
        self._window = window(None, self.tempogram_frames, True)

    @property
    def entries(self) -> int:
        return self.tempogram_frames

    def described(self, x: Any, lengths: Any = None) -> Any:
        envelope = super().described(x, lengths)
        counts = None if lengths is None else ops.cast(self._framing.num_frames(lengths), "int32")
        return descriptors.tempogram(envelope, self._window, self.normalized, counts)

    def stream(self, chunk_samples: int | None = None, compile: bool = False) -> Any:
        """Raise `ValueError`: a tempogram needs the frames around each one, and both ends of the clip."""
        raise ValueError(f"{self.name}: a tempogram does not stream. Use the stream of kapre.OnsetStrength.")
