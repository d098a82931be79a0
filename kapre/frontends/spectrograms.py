"""Spectrograms, mel spectrograms and cepstra as layers with a few arguments: each is a `Frontend` of a recipe."""

from __future__ import annotations

import inspect
from typing import Any, Literal, Unpack

from kapre._arguments import LayerArguments
from kapre._checks import choice, message, number
from kapre._layer import (
    AudioLayer,
    DataFormat,
    Shape,
    check_waveforms,
    register,
    resolve_data_format,
    shape_channels_second,
    shape_in_place,
)
from kapre.frontends.frontend import Frontend
from kapre.ops.windows import as_periodic
from kapre.recipe import Recipe

Scale = Literal["db", "log", "linear"]
PadMode = Literal["constant", "reflect", "symmetric", "edge"]

_OF_FRONTEND = {"recipe", "trainable_filterbank", "trainable_window", "seed"}


class ShortFrontend(Frontend):
    """A front end whose recipe follows from the arguments of the layer. It also takes channels."""

    _ranks = (2, 3)

    def __init__(self, fields: dict[str, Any], /, *, data_format: DataFormat, **kwargs: Unpack[LayerArguments]) -> None:
        for name in sorted(_OF_FRONTEND & set(kwargs)):
            rule, way = f"left out of {type(self).__name__}", f"Use kapre.Frontend(layer.recipe, {name}=…)."
            raise TypeError(message(name, rule, kwargs.get(name), way))
        super().__init__(Recipe(**fields), **kwargs)
        self.data_format = resolve_data_format(data_format)

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        if len(shape) == 3:
            batch, channels, time = shape_channels_second(shape, 3, self.data_format)
            (_, *entries), dtype = super().output_shape_and_dtype((batch, time))
            return shape_in_place((batch, channels, *entries), self.data_format), dtype
        check_waveforms(shape)
        return super().output_shape_and_dtype(shape)

    def get_config(self) -> dict[str, Any]:
        """Return every constructor argument."""
        own = set(inspect.signature(type(self)).parameters)
        return {name: value for name, value in AudioLayer.get_config(self).items() if name not in _OF_FRONTEND - own}

    def _shown_arguments(self) -> dict[str, Any]:
        own = set(inspect.signature(type(self)).parameters)
        return {name: value for name, value in super()._shown_arguments().items() if name in own}


class _OfFrames(ShortFrontend):
    """A front end with a short-time Fourier transform."""

    def __init__(
        self,
        fields: dict[str, Any],
        /,
        *,
        n_fft: int,
        hop_length: int | None,
        win_length: int | None,
        window_name: str | None,
        center: bool,
        pad_mode: PadMode,
        **kwargs: Any,
    ) -> None:
        framing: dict[str, Any] = dict(
            n_fft=n_fft,
            hop_length=hop_length,
            win_length=win_length,
            window_name=window_name,
            window_periodic=as_periodic(window_name),
            window_placement="center",
            center=center,
            pad_mode=pad_mode,
        )
        super().__init__({**framing, **fields}, **kwargs)
        self.n_fft, self.hop_length, self.win_length = n_fft, self.recipe.hop_length, win_length
        self.window_name, self.center, self.pad_mode = window_name, center, pad_mode


def scaled(scale: Any, power: Any, amin: Any, ref_value: Any, dynamic_range: Any) -> dict[str, Any]:
    """Return the fields of the scale. Refuse arguments that it does not use."""
    choice("scale", scale, ("db", "log", "linear"), "Use 'db' for decibels, 'log' for the natural logarithm.")
    if number("power", power, "Use 2.0 for the power, 1.0 for the magnitude.") not in (1.0, 2.0):
        raise ValueError(message("power", "1.0 or 2.0", power, "Use 2.0 for the power, 1.0 for the magnitude."))
    unused = {"db": (), "log": ("ref_value", "dynamic_range"), "linear": ("ref_value", "dynamic_range", "amin")}[scale]
    given = {"amin": (amin, None), "ref_value": (ref_value, 1.0), "dynamic_range": (dynamic_range, None)}
    for name in unused:
        value, plain = given[name]
        if value != plain:
            raise ValueError(message(name, f"{plain} with scale={scale!r}", value, "Use scale='db'."))
    fields: dict[str, Any] = {"power": float(power)}
    if scale == "linear":
        return fields
    fields["amin"] = (1e-10 if power == 2.0 else 1e-5) if amin is None else amin
    if scale == "log":
        return {**fields, "log": "ln"}
    fields |= {"log": "db", "ref_value": ref_value, "dynamic_range": dynamic_range}
    if power == 1.0:  # 20 log10 of a magnitude is twice the recipe's 10 log10
        if dynamic_range is not None:
            remedy = "Use 80.0, or None."
            rule = "a positive number of dB"
            fields["dynamic_range"] = number("dynamic_range", dynamic_range, remedy, above=0.0, rule=rule) / 2.0
        fields["feature_scale"] = 2.0
    return fields


class _OfBands(_OfFrames):
    """A front end with mel bands."""

    def __init__(
        self,
        fields: dict[str, Any],
        /,
        *,
        sample_rate: float,
        n_mels: int,
        f_min: float,
        f_max: float | None,
        htk: bool,
        norm: str | float | None,
        **kwargs: Any,
    ) -> None:
        bands = dict(sample_rate=sample_rate, n_mels=n_mels, f_min=f_min, f_max=f_max, htk=htk, norm=norm)
        super().__init__({"filterbank": "mel", **bands, **fields}, **kwargs)
        self.sample_rate, self.n_mels = self.recipe.sample_rate, n_mels
        self.f_min, self.f_max = self.recipe.f_min, self.recipe.f_max
        self.htk, self.norm = htk, norm


@register
class Spectrogram(_OfFrames):
    """Compute the spectrogram of waveforms: the power of the STFT, in decibels.

    Args:
        n_fft: int ≥ 1, samples. The length of the DFT, which gives `n_fft // 2 + 1` bins.
        hop_length: int ≥ 1 or None (`win_length // 4`), samples. Distance between the starts of frames.
        power: 2.0 for the power, 1.0 for the magnitude.
        scale: "db" for decibels (`10 log10` of a power, `20 log10` of a magnitude), "log" for the natural logarithm, or
            "linear".
        win_length: int ≥ 1 or None (`n_fft`), samples. The length of the window.
        window_name: A window of `kapre.backend.get_window_fn`, or None for a periodic Hann window.
        center: bool. Whether frame i is centred on sample `i * hop_length`, as in librosa and torch. If not, it begins
            there.
        pad_mode: How the ends are padded with `center`: "constant" (zeros, librosa), "reflect" (torchaudio),
            "symmetric" or "edge".
        amin: float > 0 or None (1e-10 of a power, 1e-5 of a magnitude). The smallest value under the logarithm.
        ref_value: float > 0, or "max" for the maximum of each clip. The value that is 0 dB.
        dynamic_range: float > 0 or None, decibels. The range kept below each item's maximum: librosa's `top_db`. A
            front end with it does not stream.
        data_format: "default", "channels_first" or "channels_last". The position of the channel axis, if there is one.
        **kwargs: Keras' layer arguments.

    Call arguments:
        inputs: Samples; floating point.
        lengths: Integers `(batch,)`, the number of samples of each item, or None for all.
        mask: Keras' mask over samples, `(batch, time)`.

    Input shape:
        `(batch, time)`. With channels, channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`.

    Output shape:
        `(batch, frames, n_fft // 2 + 1)`. With channels, channels_last `(batch, frames, n_fft // 2 + 1, channel)`,
        channels_first `(batch, channel, frames, n_fft // 2 + 1)`. The compute dtype.
        There are `1 + time // hop_length` frames with `center`.

    Raises:
        ValueError: If an argument is out of range, or has no effect with this `scale`, or the input has the wrong rank.
        TypeError: If an argument has the wrong type, or the samples are integers.

    Notes:
        `layer.recipe` is the recipe, and `layer.stream()` computes `(batch, time)` chunk by chunk. The result equals
        `librosa.power_to_db(np.abs(librosa.stft(x)) ** 2, top_db=None)` to 1e-4 dB, where values are above -60 dB. The
        helpers of `kapre.composed` take 10 log10 of a magnitude, as in Kapre 0.4, which gives half of these decibel
        values.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.sin(0.5 * np.pi * np.arange(16000, dtype="float32"))[None]
        y = np.asarray(kapre.Spectrogram(n_fft=512, hop_length=160)(x))
        assert y.shape == (1, 101, 257) and y[0, 50].argmax() == 128  # a quarter of the sample rate
        ```
    """

    def __init__(
        self,
        n_fft: int = 2048,
        hop_length: int | None = None,
        power: float = 2.0,
        scale: Scale = "db",
        win_length: int | None = None,
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
            scaled(scale, power, amin, ref_value, dynamic_range),
            n_fft=n_fft,
            hop_length=hop_length,
            win_length=win_length,
            window_name=window_name,
            center=center,
            pad_mode=pad_mode,
            data_format=data_format,
            **kwargs,
        )
        self.power, self.scale = power, scale
        self.amin, self.ref_value, self.dynamic_range = amin, ref_value, dynamic_range


@register
class MelSpectrogram(_OfBands):
    """Compute the mel spectrogram of waveforms, in decibels of power.

    Args:
        sample_rate: float > 0, Hz. The rate of the samples.
        n_fft: int ≥ 2, samples. The length of the DFT.
        hop_length: int ≥ 1 or None (`win_length // 4`), samples. Distance between the starts of frames.
        n_mels: int ≥ 1. Number of bands.
        f_min: float ≥ 0, Hz. Where the lowest band begins.
        f_max: float or None (half of the sample rate), Hz. Where the highest band ends.
        power: 2.0 for bands of the power, 1.0 for bands of the magnitude.
        scale: "db" for decibels (`10 log10` of a power, `20 log10` of a magnitude), "log" for the natural logarithm, or
            "linear".
        win_length: int ≥ 1 or None (`n_fft`), samples. The length of the window.
        window_name: A window of `kapre.backend.get_window_fn`, or None for a periodic Hann window.
        center: bool. Whether frame i is centred on sample `i * hop_length`, as in librosa and torch. If not, it begins
            there.
        pad_mode: How the ends are padded with `center`: "constant" (zeros, librosa), "reflect" (torchaudio),
            "symmetric" or "edge".
        htk: bool. Whether to use HTK's mel scale (torchaudio) instead of Slaney's (librosa).
        norm: "slaney" (librosa), None (torchaudio), or p for a p-norm. How the bands are normalised.
        amin: float > 0 or None (1e-10 of a power, 1e-5 of a magnitude). The smallest value under the logarithm.
        ref_value: float > 0, or "max" for the maximum of each clip. The value that is 0 dB.
        dynamic_range: float > 0 or None, decibels. The range kept below each item's maximum: librosa's `top_db`. A
            front end with it does not stream.
        data_format: "default", "channels_first" or "channels_last". The position of the channel axis, if there is one.
        **kwargs: Keras' layer arguments.

    Call arguments:
        inputs: Samples; floating point.
        lengths: Integers `(batch,)`, the number of samples of each item, or None for all.
        mask: Keras' mask over samples, `(batch, time)`.

    Input shape:
        `(batch, time)`. With channels, channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`.

    Output shape:
        `(batch, frames, n_mels)`. With channels, channels_last `(batch, frames, n_mels, channel)`, channels_first
        `(batch, channel, frames, n_mels)`. The compute dtype. There are
        `1 + time // hop_length` frames with `center`. A mask over samples, or `lengths`, becomes a mask over frames.

    Raises:
        ValueError: If an argument is out of range, or has no effect with this `scale`, or the input has the wrong rank.
        TypeError: If an argument has the wrong type, or the samples are integers.

    Notes:
        `layer.recipe` is the recipe, and `layer.stream()` computes `(batch, time)` chunk by chunk. The result equals
        `librosa.power_to_db(librosa.feature.melspectrogram(y=x, sr=sample_rate), top_db=None)` to 1e-4 dB.
        librosa's `hop_length` is 512 for any `n_fft`. Here, it is a quarter of the window. By default, torchaudio's
        `MelSpectrogram` gives the features of
        `n_fft=400, hop_length=200, htk=True, norm=None, pad_mode="reflect", scale="linear"`.
        Keras casts integers at a model's `Input` without a warning: convert them with `kapre.pcm_to_float` first.
        `kapre.get_melspectrogram_layer` takes 10 log10 of a magnitude, as in Kapre 0.4, which gives half of these
        decibel values.

    Example:
        ```python
        import keras
        import numpy as np
        import kapre

        model = keras.Sequential([
            keras.Input((None,)),
            kapre.MelSpectrogram(sample_rate=16000, n_fft=512, hop_length=160, n_mels=40),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dense(2),
        ])
        assert model.predict(np.zeros((3, 16000), "float32"), verbose=0).shape == (3, 2)
        ```
    """

    def __init__(
        self,
        sample_rate: float,
        n_fft: int = 2048,
        hop_length: int | None = None,
        n_mels: int = 128,
        f_min: float = 0.0,
        f_max: float | None = None,
        power: float = 2.0,
        scale: Scale = "db",
        win_length: int | None = None,
        window_name: str | None = None,
        center: bool = True,
        pad_mode: PadMode = "constant",
        htk: bool = False,
        norm: str | float | None = "slaney",
        amin: float | None = None,
        ref_value: float | Literal["max"] = 1.0,
        dynamic_range: float | None = None,
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(
            scaled(scale, power, amin, ref_value, dynamic_range),
            sample_rate=sample_rate,
            n_mels=n_mels,
            f_min=f_min,
            f_max=f_max,
            htk=htk,
            norm=norm,
            n_fft=n_fft,
            hop_length=hop_length,
            win_length=win_length,
            window_name=window_name,
            center=center,
            pad_mode=pad_mode,
            data_format=data_format,
            **kwargs,
        )
        self.power, self.scale = power, scale
        self.amin, self.ref_value, self.dynamic_range = amin, ref_value, dynamic_range


@register
class MFCC(_OfBands):
    """Compute mel-frequency cepstral coefficients of waveforms: the DCT of a mel spectrogram in decibels.

    Args:
        sample_rate: float > 0, Hz. The rate of the samples.
        n_mfcc: int ≥ 1, at most `n_mels`. Number of coefficients.
        n_fft: int ≥ 2, samples. The length of the DFT.
        hop_length: int ≥ 1 or None (`win_length // 4`), samples. Distance between the starts of frames.
        n_mels: int ≥ 1. Number of bands.
        f_min: float ≥ 0, Hz. Where the lowest band begins.
        f_max: float or None (half of the sample rate), Hz. Where the highest band ends.
        scale: "db" for the DCT of decibels, or "log" for the DCT of the natural logarithm of the power.
        lifter: float ≥ 0. The L of the lifter `1 + L / 2 sin(π (i + 1) / L)` on coefficient i (librosa), or 0.0 for
            none.
        win_length: int ≥ 1 or None (`n_fft`), samples. The length of the window.
        window_name: A window of `kapre.backend.get_window_fn`, or None for a periodic Hann window.
        center: bool. Whether frame i is centred on sample `i * hop_length`, as in librosa and torch. If not, it begins
            there.
        pad_mode: How the ends are padded with `center`: "constant" (zeros, librosa), "reflect" (torchaudio),
            "symmetric" or "edge".
        htk: bool. Whether to use HTK's mel scale (torchaudio) instead of Slaney's (librosa).
        norm: "slaney" (librosa), None (torchaudio), or p for a p-norm. How the bands are normalised.
        amin: float > 0 or None (1e-10). The smallest value under the logarithm.
        dynamic_range: float > 0 or None, decibels. The range kept below each item's maximum: librosa's `top_db`, which
            is 80 in `librosa.feature.mfcc`. A front end with it does not stream.
        data_format: "default", "channels_first" or "channels_last". The position of the channel axis, if there is one.
        **kwargs: Keras' layer arguments.

    Call arguments:
        inputs: Samples; floating point.
        lengths: Integers `(batch,)`, the number of samples of each item, or None for all.
        mask: Keras' mask over samples, `(batch, time)`.

    Input shape:
        `(batch, time)`. With channels, channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`.

    Output shape:
        `(batch, frames, n_mfcc)`. With channels, channels_last `(batch, frames, n_mfcc, channel)`, channels_first
        `(batch, channel, frames, n_mfcc)`. The compute dtype.

    Raises:
        ValueError: If an argument is out of range, or has no effect with this `scale`, or the input has the wrong rank.
        TypeError: If an argument has the wrong type, or the samples are integers.

    Notes:
        The DCT is orthonormal, of type II. With `dynamic_range=80.0` the result equals
        `librosa.feature.mfcc(y=x, sr=sample_rate, n_mfcc=n_mfcc)`.

    Example:
        ```python
        import numpy as np
        import kapre

        layer = kapre.MFCC(sample_rate=16000, n_mfcc=13, n_fft=512, hop_length=160, n_mels=40)
        assert tuple(layer(np.zeros((2, 16000), "float32")).shape) == (2, 101, 13)
        ```
    """

    def __init__(
        self,
        sample_rate: float,
        n_mfcc: int = 20,
        n_fft: int = 2048,
        hop_length: int | None = None,
        n_mels: int = 128,
        f_min: float = 0.0,
        f_max: float | None = None,
        scale: Literal["db", "log"] = "db",
        lifter: float = 0.0,
        win_length: int | None = None,
        window_name: str | None = None,
        center: bool = True,
        pad_mode: PadMode = "constant",
        htk: bool = False,
        norm: str | float | None = "slaney",
        amin: float | None = None,
        dynamic_range: float | None = None,
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        choice("scale", scale, ("db", "log"), "Use 'db' (librosa, torchaudio) or 'log'.")
        cepstrum = dict(n_mfcc=n_mfcc, lifter=lifter, lifter_start=1)
        super().__init__(
            {**scaled(scale, 2.0, amin, 1.0, dynamic_range), **cepstrum},
            sample_rate=sample_rate,
            n_mels=n_mels,
            f_min=f_min,
            f_max=f_max,
            htk=htk,
            norm=norm,
            n_fft=n_fft,
            hop_length=hop_length,
            win_length=win_length,
            window_name=window_name,
            center=center,
            pad_mode=pad_mode,
            data_format=data_format,
            **kwargs,
        )
        self.n_mfcc, self.scale, self.lifter = n_mfcc, scale, lifter
        self.amin, self.dynamic_range = amin, dynamic_range
