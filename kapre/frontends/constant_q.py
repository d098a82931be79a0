"""The constant-Q and the variable-Q transform as layers: each is a `Frontend` of a recipe."""

from __future__ import annotations

from typing import Any, Literal, Unpack

from kapre import executor
from kapre._arguments import LayerArguments
from kapre._checks import message, positive_int, public_names
from kapre._layer import DataFormat, Shape, lengths_of, register
from kapre._lengths import lengths_within
from kapre.frontends.spectrograms import PadMode, Scale, ShortFrontend, scaled
from kapre.frontends.stream import Stream
from kapre.ops.constant_q import erb_gamma
from kapre.ops.kernels import active as kernel
from kapre.ops.windows import as_periodic


class _OfOctaves(ShortFrontend):
    """A front end whose bins are a constant fraction of an octave apart."""

    def __init__(
        self,
        gamma: float,
        /,
        *,
        sample_rate: float,
        hop_length: int,
        n_bins: int,
        bins_per_octave: int,
        f_min: float | None,
        filter_scale: float,
        power: float | None,
        scale: Scale,
        window_name: str | None,
        center: bool,
        pad_mode: PadMode,
        amin: float | None,
        ref_value: float | Literal["max"],
        dynamic_range: float | None,
        **kwargs: Any,
    ) -> None:
        if power is None and scale != "linear":
            raise ValueError(message("scale", "'linear' with power=None", scale, "Use power=2.0, or leave it out."))
        fields = scaled(scale, 1.0 if power is None else power, amin, ref_value, dynamic_range)
        framing = dict(hop_length=hop_length, center=center, pad_mode=pad_mode)
        bins = dict(n_bins=n_bins, bins_per_octave=bins_per_octave, f_min=f_min)
        kernels = dict(window_name=window_name, window_periodic=as_periodic(window_name))
        of_cqt = dict(transform="cqt", sample_rate=sample_rate, cqt_gamma=gamma, cqt_filter_scale=filter_scale)
        with public_names(cqt_gamma="gamma", cqt_filter_scale="filter_scale"):
            super().__init__({**fields, **framing, **bins, **kernels, **of_cqt}, **kwargs)
        self.sample_rate, self.hop_length = self.recipe.sample_rate, self.recipe.hop_length
        self.n_bins, self.bins_per_octave, self.f_min = n_bins, bins_per_octave, self.recipe.f_min
        self.filter_scale, self.power, self.scale = filter_scale, power, scale
        self.window_name, self.center, self.pad_mode = window_name, center, pad_mode
        self.amin, self.ref_value, self.dynamic_range = amin, ref_value, dynamic_range

    def _features(self, x: Any, lengths: Any, mask: Any, training: bool | None) -> Any:
        if self.power is not None:
            return super()._features(x, lengths, mask, training)
        lengths = lengths_of(mask) if lengths is None else lengths_within(lengths, x, axis=-1)
        pair = executor.constant_q(self.recipe, x, lengths)
        if lengths is not None:
            pair = tuple(self.only_valid(part, lengths, len(x.shape) - 2) for part in pair)
        return kernel.to_complex(*pair)

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        shape, dtype = super().output_shape_and_dtype(shape)
        if self.power is None:
            dtype = "complex128" if self.work_dtype == "float64" else "complex64"
        return shape, dtype

    def stream(self, *args: Any, **kwargs: Any) -> Stream:
        if self.power is None:
            raise ValueError(message("power", "1.0 or 2.0 for a stream", None, "Use power=1.0."))
        return super().stream(*args, **kwargs)


@register
class CQT(_OfOctaves):
    """Compute the constant-Q transform of waveforms: bins at equal distances in pitch, such as semitones.

    Bin k is at `f_k = f_min * 2 ** (k / bins_per_octave)`. Its kernel is a window of `N_k` samples times a complex
    exponential, so that all kernels have the same number of periods: low bins are narrow and slow, high bins are wide
    and fast. The kernels are applied at the full sample rate, without lower rates for low bins.

    Args:
        sample_rate: float > 0, Hz. The rate of the samples.
        hop_length: int ≥ 1, samples. Distance between the starts of frames. Any number is allowed.
        n_bins: int ≥ 1. Number of bins.
        bins_per_octave: int ≥ 1. Number of bins in an octave.
        f_min: float > 0 or None (C1, 32.703 Hz), Hz. The frequency of the lowest bin.
        filter_scale: float > 0. Factor applied to the kernel lengths. Values below 1 give finer time and coarser
            frequency resolution.
        power: 1.0 for the magnitude, 2.0 for the power, or None for complex values.
        scale: "linear", "db" for decibels (`10 log10` of a power, `20 log10` of a magnitude), or "log" for the natural
            logarithm.
        window_name: A window of `kapre.backend.get_window_fn`, or None for a periodic Hann window. The window of each
            kernel.
        center: bool. Whether frame i is centred on sample `i * hop_length`, as in librosa. If not, it begins there.
        pad_mode: How the ends are padded with `center`: "constant" (zeros, librosa), "reflect", "symmetric" or "edge".
        amin: float > 0 or None (1e-10 of a power, 1e-5 of a magnitude). The smallest value under the logarithm.
        ref_value: float > 0, or "max" for the maximum of each clip. The value that is 0 dB.
        dynamic_range: float > 0 or None, decibels. The range kept below each item's maximum.
        data_format: "default", "channels_first" or "channels_last". The position of the channel axis, if there is one.
        **kwargs: Keras' layer arguments.

    Call arguments:
        inputs: Samples; floating point.
        lengths: Integers `(batch,)`, the number of samples of each item, or None for all.
        mask: Keras' mask over samples, `(batch, time)`.

    Input shape:
        `(batch, time)`. With channels, channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`.

    Output shape:
        `(batch, frames, n_bins)`. With channels, channels_last `(batch, frames, n_bins, channel)`, channels_first
        `(batch, channel, frames, n_bins)`. The compute dtype, or complex64 (complex128 under a float64 policy) with
        `power=None`. There are `1 + time // hop_length` frames with `center`.

    Raises:
        ValueError: If an argument is out of range, or has no effect with this `scale`, or the highest bin reaches
            Nyquist, or the input has the wrong rank.
        TypeError: If an argument has the wrong type, or the samples are integers.

    Notes:
        `layer.recipe` is the recipe of magnitudes or powers. A filter bank (`filterbank="chroma"`), PCEN, deltas and so
        on can be added to it. `layer.stream()` computes `(batch, time)` chunk by chunk, with a latency of half the
        longest kernel (0.26 s for C1). The values match the definition, `sqrt(N_k)` times the correlation with a kernel
        whose magnitudes sum to 1, to 1e-6 of the peak. They are within 2 % of the peak of `librosa.cqt`, which lowers
        the rate for low octaves, and within 3 % of nnAudio's.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.sin(2 * np.pi * 440 * np.arange(22050) / 22050).astype("float32")[None]
        y = np.asarray(kapre.CQT(sample_rate=22050)(x))
        assert y.shape == (1, 44, 84) and y[0, 22].argmax() == 45  # A4, 45 semitones above C1
        ```

    References:
        Brown, 1991, Calculation of a constant Q spectral transform. Journal of the Acoustical Society of America 89(1).
    """

    def __init__(
        self,
        sample_rate: float,
        hop_length: int = 512,
        n_bins: int = 84,
        bins_per_octave: int = 12,
        f_min: float | None = None,
        filter_scale: float = 1.0,
        power: float | None = 1.0,
        scale: Scale = "linear",
        window_name: str | None = None,
        center: bool = True,
        pad_mode: PadMode = "constant",
        amin: float | None = None,
        ref_value: float | Literal["max"] = 1.0,
        dynamic_range: float | None = None,
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(
            0.0,
            sample_rate=sample_rate,
            hop_length=hop_length,
            n_bins=n_bins,
            bins_per_octave=bins_per_octave,
            f_min=f_min,
            filter_scale=filter_scale,
            power=power,
            scale=scale,
            window_name=window_name,
            center=center,
            pad_mode=pad_mode,
            amin=amin,
            ref_value=ref_value,
            dynamic_range=dynamic_range,
            data_format=data_format,
            **kwargs,
        )


@register
class VQT(_OfOctaves):
    """Compute the variable-Q transform of waveforms: a constant-Q transform with shorter kernels at low frequencies.

    `gamma` is added to the bandwidth of each bin in Hz, so that the kernel of bin k has
    `filter_scale * sample_rate / (a * f_k + gamma)` samples, where `a * f_k` is the bandwidth of the constant-Q
    transform. Low bins follow events faster, and overlap more.

    Args:
        sample_rate: float > 0, Hz. The rate of the samples.
        hop_length: int ≥ 1, samples. Distance between the starts of frames. Any number is allowed.
        n_bins: int ≥ 1. Number of bins.
        bins_per_octave: int ≥ 1. Number of bins in an octave.
        f_min: float > 0 or None (C1, 32.703 Hz), Hz. The frequency of the lowest bin.
        gamma: float ≥ 0 or None, Hz. None makes the bandwidths proportional to those of the ear, as in librosa. 0.0
            gives the constant-Q transform.
        filter_scale: float > 0. Factor applied to the kernel lengths. Values below 1 give finer time and coarser
            frequency resolution.
        power: 1.0 for the magnitude, 2.0 for the power, or None for complex values.
        scale: "linear", "db" for decibels (`10 log10` of a power, `20 log10` of a magnitude), or "log" for the natural
            logarithm.
        window_name: A window of `kapre.backend.get_window_fn`, or None for a periodic Hann window. The window of each
            kernel.
        center: bool. Whether frame i is centred on sample `i * hop_length`, as in librosa. If not, it begins there.
        pad_mode: How the ends are padded with `center`: "constant" (zeros, librosa), "reflect", "symmetric" or "edge".
        amin: float > 0 or None (1e-10 of a power, 1e-5 of a magnitude). The smallest value under the logarithm.
        ref_value: float > 0, or "max" for the maximum of each clip. The value that is 0 dB.
        dynamic_range: float > 0 or None, decibels. The range kept below each item's maximum.
        data_format: "default", "channels_first" or "channels_last". The position of the channel axis, if there is one.
        **kwargs: Keras' layer arguments.

    Call arguments:
        inputs: Samples; floating point.
        lengths: Integers `(batch,)`, the number of samples of each item, or None for all.
        mask: Keras' mask over samples, `(batch, time)`.

    Input shape:
        `(batch, time)`. With channels, channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`.

    Output shape:
        As for `kapre.CQT`: `(batch, frames, n_bins)`.

    Raises:
        ValueError: If an argument is out of range, or has no effect with this `scale`, or the highest bin reaches
            Nyquist, or the input has the wrong rank.
        TypeError: If an argument has the wrong type, or the samples are integers.

    Notes:
        The values are within 2 % of the peak of `librosa.vqt`, and within 3 % where a sound begins abruptly, because
        librosa lowers the rate for low octaves; see `kapre.CQT`.

    Example:
        ```python
        import numpy as np
        import kapre

        layer = kapre.VQT(sample_rate=22050, n_bins=36, f_min=110.0)
        y = np.asarray(layer(np.zeros((2, 11025), "float32")))
        assert y.shape == (2, 22, 36) and layer.recipe.bands == 36
        ```

    References:
        Schörkhuber, Klapuri, Holighaus and Dörfler, 2014, A Matlab toolbox for efficient perfect reconstruction
        time-frequency transforms with log-frequency resolution.
    """

    def __init__(
        self,
        sample_rate: float,
        hop_length: int = 512,
        n_bins: int = 84,
        bins_per_octave: int = 12,
        f_min: float | None = None,
        gamma: float | None = None,
        filter_scale: float = 1.0,
        power: float | None = 1.0,
        scale: Scale = "linear",
        window_name: str | None = None,
        center: bool = True,
        pad_mode: PadMode = "constant",
        amin: float | None = None,
        ref_value: float | Literal["max"] = 1.0,
        dynamic_range: float | None = None,
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(
            _gamma(gamma, bins_per_octave),
            sample_rate=sample_rate,
            hop_length=hop_length,
            n_bins=n_bins,
            bins_per_octave=bins_per_octave,
            f_min=f_min,
            filter_scale=filter_scale,
            power=power,
            scale=scale,
            window_name=window_name,
            center=center,
            pad_mode=pad_mode,
            amin=amin,
            ref_value=ref_value,
            dynamic_range=dynamic_range,
            data_format=data_format,
            **kwargs,
        )
        self.gamma = self.recipe.cqt_gamma


def _gamma(gamma: float | None, bins_per_octave: Any) -> Any:
    """Return gamma, with None replaced by the value for the bandwidths of the ear."""
    if gamma is not None:
        return gamma
    return erb_gamma(positive_int("bins_per_octave", bins_per_octave, "12 gives semitones."))
