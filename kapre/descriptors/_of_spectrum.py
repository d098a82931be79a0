"""Descriptors of the spectrum of each frame."""

from __future__ import annotations

from typing import Any, Unpack

from kapre._arguments import LayerArguments
from kapre._checks import choice, flag, fraction, message, number, positive_int
from kapre._layer import DataFormat, register
from kapre.descriptors._base import OfSpectrum
from kapre.ops import descriptors
from kapre.ops.frames import PadMode


def _rate(value: Any) -> float:
    return number("sample_rate", value, "Give it in Hz.", above=0.0, rule="a positive number of Hz")


def _positive(name: str, value: Any, remedy: str) -> float:
    return number(name, value, remedy, above=0.0, rule="a positive number")


def _length(n_fft: Any) -> int:
    found = positive_int("n_fft", n_fft, "Use 2048.")
    if found < 2:
        raise ValueError(message("n_fft", "at least 2", n_fft, "Use 2048."))
    return found


@register
class SpectralCentroid(OfSpectrum):
    """Compute the spectral centroid: the mean frequency of each frame, weighted by the magnitude.

    The centroid is `Σ f S / Σ S` over the bins, with the magnitude S. Silence gives 0.

    Args:
        sample_rate: float > 0, Hz. The rate of the samples.
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
        The result equals `librosa.feature.spectral_centroid` within 1e-5 of half the sample rate.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.sin(2 * np.pi * 1000 * np.arange(16000, dtype="float32") / 16000)[None]
        y = np.asarray(kapre.SpectralCentroid(16000)(x))
        assert y.shape == (1, 32) and abs(y[0, 16] - 1000.0) < 10.0  # Hz
        ```
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
        rate = _rate(sample_rate)
        descriptor = descriptors.Centroid(rate, _length(n_fft))
        super().__init__(
            descriptor,
            n_fft=n_fft,
            hop_length=hop_length,
            win_length=win_length,
            window_name=window_name,
            center=center,
            pad_mode=pad_mode,
            data_format=data_format,
            **kwargs,
        )
        self.sample_rate = rate


@register
class SpectralBandwidth(OfSpectrum):
    """Compute the spectral bandwidth: how far the magnitude spreads around the centroid.

    The bandwidth is `(Σ S |f - c| ** p / Σ S) ** (1 / p)` with the magnitude S and the centroid c. Silence gives 0.

    Args:
        sample_rate: float > 0, Hz. The rate of the samples.
        p: float > 0. The exponent. 2.0 gives a standard deviation.
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
        The result equals `librosa.feature.spectral_bandwidth` within 1e-5 of half the sample rate.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.random.default_rng(0).normal(size=(1, 16000)).astype("float32")
        y = np.asarray(kapre.SpectralBandwidth(16000)(x))
        assert abs(y[0, 16] - 8000 / 12**0.5) < 200.0  # Hz: white noise spreads evenly
        ```
    """

    def __init__(
        self,
        sample_rate: float,
        p: float = 2.0,
        n_fft: int = 2048,
        hop_length: int | None = None,
        win_length: int | None = None,
        window_name: str | None = None,
        center: bool = True,
        pad_mode: PadMode = "constant",
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        rate, exponent = _rate(sample_rate), _positive("p", p, "Use 2.0.")
        descriptor = descriptors.Bandwidth(rate, _length(n_fft), exponent)
        super().__init__(
            descriptor,
            n_fft=n_fft,
            hop_length=hop_length,
            win_length=win_length,
            window_name=window_name,
            center=center,
            pad_mode=pad_mode,
            data_format=data_format,
            **kwargs,
        )
        self.sample_rate, self.p = rate, exponent


@register
class SpectralRolloff(OfSpectrum):
    """Compute the spectral roll-off: the frequency below which most of the magnitude lies.

    It is the frequency of the first bin up to which the magnitudes sum to at least `roll_percent` of the total. Silence
    gives 0. The gradient is 0.

    Args:
        sample_rate: float > 0, Hz. The rate of the samples.
        roll_percent: float in (0, 1). The share of the sum.
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
        The result equals `librosa.feature.spectral_rolloff`, except where two float32 sums differ by rounding.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.sin(2 * np.pi * 1000 * np.arange(16000, dtype="float32") / 16000)[None]
        y = np.asarray(kapre.SpectralRolloff(16000)(x))
        assert abs(y[0, 16] - 1000.0) < 16.0  # Hz
        ```
    """

    def __init__(
        self,
        sample_rate: float,
        roll_percent: float = 0.85,
        n_fft: int = 2048,
        hop_length: int | None = None,
        win_length: int | None = None,
        window_name: str | None = None,
        center: bool = True,
        pad_mode: PadMode = "constant",
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        rate = _rate(sample_rate)
        share = fraction("roll_percent", roll_percent, "a number in (0, 1)", "Use 0.85.")
        if share in (0.0, 1.0):
            raise ValueError(message("roll_percent", "a number in (0, 1)", roll_percent, "Use 0.85."))
        descriptor = descriptors.Rolloff(rate, _length(n_fft), share)
        super().__init__(
            descriptor,
            n_fft=n_fft,
            hop_length=hop_length,
            win_length=win_length,
            window_name=window_name,
            center=center,
            pad_mode=pad_mode,
            data_format=data_format,
            **kwargs,
        )
        self.sample_rate, self.roll_percent = rate, share


@register
class SpectralFlatness(OfSpectrum):
    """Compute the spectral flatness: 1 for noise, close to 0 for a tone.

    It is the geometric mean of `max(S ** power, amin)`, divided by the arithmetic mean.

    Args:
        power: float > 0. The exponent of the magnitude.
        amin: float > 0. The smallest value under the logarithm.
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
        The result equals `librosa.feature.spectral_flatness` within 1e-5.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.random.default_rng(0).normal(size=(1, 16000)).astype("float32")
        assert np.asarray(kapre.SpectralFlatness()(x))[0, 16] > 0.4
        assert np.asarray(kapre.SpectralFlatness()(np.cumsum(x, axis=1)))[0, 16] < 0.1  # falls with the frequency
        ```
    """

    def __init__(
        self,
        power: float = 2.0,
        amin: float = 1e-10,
        n_fft: int = 2048,
        hop_length: int | None = None,
        win_length: int | None = None,
        window_name: str | None = None,
        center: bool = True,
        pad_mode: PadMode = "constant",
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        exponent, least = _positive("power", power, "Use 2.0."), _positive("amin", amin, "Use 1e-10.")
        descriptor = descriptors.Flatness(least, exponent)
        super().__init__(
            descriptor,
            n_fft=n_fft,
            hop_length=hop_length,
            win_length=win_length,
            window_name=window_name,
            center=center,
            pad_mode=pad_mode,
            data_format=data_format,
            **kwargs,
        )
        self.power, self.amin = exponent, least


@register
class SpectralContrast(OfSpectrum):
    """Compute the spectral contrast: how far peaks are above valleys in each octave.

    In each octave above `f_min`, the peak is the mean of the largest magnitudes, and the valley is the mean of the
    smallest. Each mean is taken over a share `quantile` of the bins, at least one bin. The contrast is the ratio of
    peak and valley in dB, `10 log10`. The first band is below `f_min`, and the last one extends to the end of the
    spectrum.

    Args:
        sample_rate: float > 0, Hz. The rate of the samples.
        n_bands: int ≥ 1. Number of octaves. There is one more band, below them.
        f_min: float > 0, Hz. Where the first octave begins.
        quantile: float in (0, 1). The share of bins used for the peak, and for the valley.
        linear: bool. Whether to return the difference of the means instead of their ratio in dB.
        dynamic_range: float > 0 or None, decibels. The range of peaks and valleys kept below each item's maximum:
            librosa's `top_db`. A layer with it does not stream.
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
        `(batch, frames, n_bands + 1)`. With channels, channels_last `(batch, frames, n_bands + 1, channel)`,
        channels_first `(batch, channel, frames, n_bands + 1)`. The compute dtype.

    Raises:
        ValueError: If an argument is out of range, a band has no bin, or the input has the wrong rank.
        TypeError: If an argument has the wrong type, or the samples are integers.

    Notes:
        The result equals `librosa.feature.spectral_contrast` within 1e-3 dB. As in librosa, the decibels are
        `10 log10 S` of a magnitude S.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.sin(2 * np.pi * 1000 * np.arange(16000, dtype="float32") / 16000)[None]
        y = np.asarray(kapre.SpectralContrast(16000)(x))
        assert y.shape == (1, 32, 7) and y[0, 16].argmax() == 3  # 800 to 1600 Hz
        ```

    References:
        Jiang, D.-N., Lu, L., Zhang, H.-J., Tao, J.-H. and Cai, L.-H. (2002). Music type classification by spectral
        contrast feature. IEEE International Conference on Multimedia and Expo.
    """

    def __init__(
        self,
        sample_rate: float,
        n_bands: int = 6,
        f_min: float = 200.0,
        quantile: float = 0.02,
        linear: bool = False,
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
        rate, size = _rate(sample_rate), _length(n_fft)
        count = positive_int("n_bands", n_bands, "Use 6.")
        lowest = _positive("f_min", f_min, "Use 200.0.")
        share = fraction("quantile", quantile, "a number in (0, 1)", "Use 0.02.")
        if share in (0.0, 1.0):
            raise ValueError(message("quantile", "a number in (0, 1)", quantile, "Use 0.02."))
        span = (
            dynamic_range if dynamic_range is None else _positive("dynamic_range", dynamic_range, "Use 80.0, or None.")
        )
        bands = descriptors.contrast_bands(rate, size, count, lowest, share)
        descriptor = descriptors.Contrast(bands, span, flag("linear", linear))
        super().__init__(
            descriptor,
            n_fft=n_fft,
            hop_length=hop_length,
            win_length=win_length,
            window_name=window_name,
            center=center,
            pad_mode=pad_mode,
            data_format=data_format,
            **kwargs,
        )
        self.sample_rate, self.n_bands, self.f_min, self.quantile = rate, count, lowest, share
        self.linear, self.dynamic_range = descriptor.linear, span


@register
class SpectralFlux(OfSpectrum):
    """Compute the spectral flux: how much the spectrum changes from the previous frame.

    It is the norm of the difference of two successive frames of magnitudes. The first frame, which has no previous one,
    gives 0.

    Args:
        norm: 1 for the sum of the absolute differences, 2 for the root of the sum of their squares.
        rectify: bool. Whether only increases count.
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
        The definition is that of Essentia's `Flux`, whose norms are "L1" and "L2".

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.zeros((1, 16000), "float32")
        x[:, 8000:] = np.random.default_rng(0).normal(size=8000)
        y = np.asarray(kapre.SpectralFlux(n_fft=512, hop_length=160)(x))
        assert y[0, :45].max() == 0.0 and y[0, 48:53].max() > 1.0  # frame 50 is centred on sample 8000
        ```
    """

    def __init__(
        self,
        norm: int = 2,
        rectify: bool = False,
        n_fft: int = 2048,
        hop_length: int | None = None,
        win_length: int | None = None,
        window_name: str | None = None,
        center: bool = True,
        pad_mode: PadMode = "constant",
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        descriptor = descriptors.Flux(choice("norm", norm, (1, 2), "Use 2."), flag("rectify", rectify))
        super().__init__(
            descriptor,
            n_fft=n_fft,
            hop_length=hop_length,
            win_length=win_length,
            window_name=window_name,
            center=center,
            pad_mode=pad_mode,
            data_format=data_format,
            **kwargs,
        )
        self.norm, self.rectify = descriptor.norm, descriptor.rectify
