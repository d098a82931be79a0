"""Pitch classes and tonal centroids."""

from __future__ import annotations

import math
from typing import Any, Literal, Unpack

from kapre._arguments import LayerArguments
from kapre._checks import choice, positive_int
from kapre._layer import DataFormat, register
from kapre.descriptors._base import DescriptorLayer, magnitudes
from kapre.ops import music
from kapre.ops.frames import PadMode

Norm = Literal["max"] | int | None


class _OfChroma(DescriptorLayer):
    """Compute with the energies of pitch classes."""

    def __init__(
        self,
        descriptor: Any,
        /,
        *,
        sample_rate: float,
        n_chroma: int,
        tuning: float,
        n_fft: int,
        hop_length: int | None,
        win_length: int | None,
        window_name: str | None,
        center: bool,
        pad_mode: PadMode,
        **kwargs: Any,
    ) -> None:
        recipe = magnitudes(n_fft, hop_length, win_length, window_name, center, pad_mode).replace(
            power=2.0, sample_rate=sample_rate, filterbank="chroma", n_chroma=n_chroma, tuning=tuning
        )
        super().__init__(((recipe, descriptor),), **kwargs)
        self.sample_rate, self.n_chroma, self.tuning = sample_rate, recipe.n_chroma, recipe.tuning
        self.n_fft, self.hop_length, self.win_length = recipe.n_fft, recipe.hop_length, win_length
        self.window_name, self.center, self.pad_mode = window_name, recipe.center, pad_mode


@register
class Chroma(_OfChroma):
    """Compute the energy of each pitch class: the chromagram of an STFT.

    Args:
        sample_rate: float > 0, Hz. The rate of the samples.
        n_chroma: int ≥ 1. Number of pitch classes per octave. The first is C.
        norm: "max" to divide each frame by its largest value, 1 by the sum, 2 by the root of the sum of squares, or
            None.
        tuning: float, in fractions of a class. How far the instrument is tuned above A = 440 Hz.
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
        `(batch, frames, n_chroma)`. With channels, channels_last `(batch, frames, n_chroma, channel)`, channels_first
        `(batch, channel, frames, n_chroma)`. The compute dtype.

    Raises:
        ValueError: If an argument is out of range, or the input has the wrong rank.
        TypeError: If an argument has the wrong type, or the samples are integers.

    Notes:
        The result equals `librosa.feature.chroma_stft(y=x, sr=sample_rate, tuning=0.0).T` within 1e-5. By default,
        librosa estimates the tuning from each clip, which changes values by up to 0.6.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.sin(2 * np.pi * 440 * np.arange(22050, dtype="float32") / 22050)[None]
        y = np.asarray(kapre.Chroma(22050)(x))
        assert y.shape == (1, 44, 12) and y[0, 20].argmax() == 9  # A
        ```

    References:
        Ellis, D. P. W. (2007). Chroma feature analysis and synthesis. Columbia University.
    """

    def __init__(
        self,
        sample_rate: float,
        n_chroma: int = 12,
        norm: Norm = "max",
        tuning: float = 0.0,
        n_fft: int = 2048,
        hop_length: int | None = None,
        win_length: int | None = None,
        window_name: str | None = None,
        center: bool = True,
        pad_mode: PadMode = "constant",
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        kind = choice("norm", norm, ("max", 1, 2, None), "Use 'max', as librosa does.")
        count = positive_int("n_chroma", n_chroma, "Use 12.")
        super().__init__(
            music.Chroma(count, math.inf if kind == "max" else kind),
            sample_rate=sample_rate,
            n_chroma=count,
            tuning=tuning,
            n_fft=n_fft,
            hop_length=hop_length,
            win_length=win_length,
            window_name=window_name,
            center=center,
            pad_mode=pad_mode,
            data_format=data_format,
            **kwargs,
        )
        self.norm = kind


@register
class Tonnetz(_OfChroma):
    """Compute tonal centroids: pitch classes as points on the circles of fifths, minor thirds and major thirds.

    The pitch classes are those of `Chroma`, divided by their sum. Each pair of values is a point, as sine and cosine.
    The third circle has a radius of 0.5.

    Args:
        sample_rate: float > 0, Hz. The rate of the samples.
        n_chroma: int ≥ 1. Number of pitch classes per octave.
        tuning: float, in fractions of a class. How far the instrument is tuned above A = 440 Hz.
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
        `(batch, frames, 6)`. With channels, channels_last `(batch, frames, 6, channel)`, channels_first
        `(batch, channel, frames, 6)`. The compute dtype.

    Raises:
        ValueError: If an argument is out of range, or the input has the wrong rank.
        TypeError: If an argument has the wrong type, or the samples are integers.

    Notes:
        The result equals `librosa.feature.tonnetz(chroma=c).T` within 1e-5, where c is the chromagram of an STFT.
        Without `chroma`, librosa uses the chromagram of a constant-Q transform.

    Example:
        ```python
        import numpy as np
        import kapre

        t = np.arange(22050) / 22050
        x = sum(np.sin(2 * np.pi * f * t) for f in (261.6, 329.6, 392.0)).astype("float32")[None]  # C major
        assert np.asarray(kapre.Tonnetz(22050)(x)).shape == (1, 44, 6)
        ```

    References:
        Harte, C., Sandler, M. and Gasser, M. (2006). Detecting harmonic change in musical audio. ACM Workshop on Audio
        and Music Computing Multimedia.
    """

    def __init__(
        self,
        sample_rate: float,
        n_chroma: int = 12,
        tuning: float = 0.0,
        n_fft: int = 2048,
        hop_length: int | None = None,
        win_length: int | None = None,
        window_name: str | None = None,
        center: bool = True,
        pad_mode: PadMode = "constant",
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        count = positive_int("n_chroma", n_chroma, "Use 12.")
        super().__init__(
            music.Tonnetz(count),
            sample_rate=sample_rate,
            n_chroma=count,
            tuning=tuning,
            n_fft=n_fft,
            hop_length=hop_length,
            win_length=win_length,
            window_name=window_name,
            center=center,
            pad_mode=pad_mode,
            data_format=data_format,
            **kwargs,
        )
