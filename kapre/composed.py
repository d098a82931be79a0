"""Functions that build ready-made chains of layers."""

from __future__ import annotations

from typing import Any, TypeVar

import keras

from kapre._checks import message, public_names
from kapre._hints import names_arguments
from kapre._layer import DataFormat, FirstCalls, channel_axis, register, resolve_data_format, unique_name, work_dtype
from kapre._models import ComposedModel, ComposedSequential
from kapre.ops import fourier
from kapre.ops.frames import PadMode
from kapre.recipe import stft_recipe
from kapre.stages.filter_bank import check_even
from kapre.time_frequency import (
    STFT,
    ApplyFilterbank,
    ConcatenateFrequencyMap,
    InverseSTFT,
    Magnitude,
    MagnitudeToDecibel,
    Phase,
)

_INVERTIBLE_GAIN = 10.0  # multiplied by a float32 rounding error of 6e-8, this still meets 1e-6


class _DefaultName(str):
    """Mark a default name, as opposed to a name given by the caller."""


_Named = TypeVar("_Named", bound=FirstCalls)


def _numbered(layer: _Named, name: str) -> _Named:
    """Let a layer with a default name be numbered, as Keras does, when a second such layer joins a model."""
    if isinstance(name, _DefaultName):
        vars(layer)["_default_name"] = str(name)
    return layer


@register
class ConcatenateChannels(keras.layers.Concatenate):
    """Concatenate spectrograms along the channel axis and keep the mask over frames, which they share.

    Args:
        axis: The channel axis: 1 or -1.
        **kwargs: Keras' layer arguments.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.zeros((1, 5, 33, 2), "float32")
        assert tuple(kapre.composed.ConcatenateChannels(axis=-1)([x, x]).shape) == (1, 5, 33, 4)
        ```
    """

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return the mask of the first input. Keras' version would concatenate masks as if they had channels."""
        return mask[0] if isinstance(mask, (list, tuple)) else mask

    def quantized_call(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the same as `call`, because there is no weight to quantise."""
        return self.call(*args, **kwargs)


def _compose(
    name: str,
    input_shape: tuple[int | None, ...] | None,
    stft: dict[str, Any],
    power: float,
    bank: tuple[str, dict[str, Any]] | None,
    decibel: dict[str, Any] | None,
) -> ComposedSequential:
    """Chain the layers in float32 (float64 under a float64 policy). The model casts once, at its end."""
    dtype = work_dtype(keras.config.dtype_policy().compute_dtype)
    layers: list[Any] = [] if input_shape is None else [keras.Input(shape=input_shape, dtype=dtype)]
    transform = STFT(**stft, dtype=dtype)
    layers += [transform, Magnitude(power, dtype=dtype)]
    if bank is not None:
        check_even(transform.n_fft)
        kind, settings = bank
        names = {name: f"{kind}_{name}" for name in settings if name != "sample_rate"}
        names["n_mels"] = "n_mels"
        with public_names(**names):
            settings = {**settings, "n_freq": transform.n_fft // 2 + 1}
            layers.append(ApplyFilterbank(kind, settings, data_format=stft["output_data_format"], dtype=dtype))
    if decibel is not None:
        with public_names(**{name: f"db_{name}" for name in decibel}):
            layers.append(MagnitudeToDecibel(**decibel, data_format=stft["output_data_format"], dtype=dtype))
    return _numbered(ComposedSequential(layers, name=str(name)), name)


@names_arguments
def get_stft_magnitude_layer(
    input_shape: tuple[int | None, ...] | None = None,
    n_fft: int = 2048,
    win_length: int | None = None,
    hop_length: int | None = None,
    window_name: str | None = None,
    pad_begin: bool = False,
    pad_end: bool = False,
    return_decibel: bool = False,
    db_amin: float = 1e-5,
    db_ref_value: float = 1.0,
    db_dynamic_range: float = 80.0,
    input_data_format: DataFormat = "default",
    output_data_format: DataFormat = "default",
    name: str = _DefaultName("stft_magnitude"),
    *,
    center: bool = False,
    pad_mode: PadMode = "constant",
    power: float = 1.0,
) -> ComposedSequential:
    """Chain `STFT`, `Magnitude` and, if requested, `MagnitudeToDecibel`.

    Args:
        input_shape: Shape of one waveform, `(time, channel)` or `(channel, time)`, where time may be None; or None.
        n_fft: int ≥ 1, samples. DFT length.
        win_length: int or None (`n_fft`), samples. Window length.
        hop_length: int or None (`win_length // 4`), samples. Distance between the starts of frames.
        window_name: A name accepted by `kapre.backend.get_window_fn`, or None for hann.
        pad_begin: bool. Pad the start with `n_fft - hop_length` zeros.
        pad_end: bool. Keep frames that extend past the end.
        return_decibel: bool. Whether to end the chain with `MagnitudeToDecibel`.
        db_amin: float > 0. The smallest value before the logarithm. Use 1e-10 for the power of a quiet clip.
        db_ref_value: float > 0. The value that maps to 0 dB.
        db_dynamic_range: float > 0, dB. The range kept below each item's maximum.
        input_data_format: "default", "channels_first" or "channels_last".
        output_data_format: The data format of the output, with the same choices.
        name: The name of the model. The default gets a number if a functional model contains a second one.
        center: bool. Centre frames as librosa and torch do; see `STFT`.
        pad_mode: How `center` pads; see `STFT`.
        power: 1.0 for the magnitude, 2.0 for the power (the input of the mel banks of librosa, Whisper and Kaldi).

    Input shape:
        channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`; floating point.

    Output shape:
        channels_last `(batch, frame, n_fft // 2 + 1, channel)`, channels_first `(batch, channel, frame,
        n_fft // 2 + 1)`.

    Raises:
        ValueError: If an argument is out of range. The message names it.

    Example:
        ```python
        import numpy as np
        import kapre

        layer = kapre.get_stft_magnitude_layer(input_shape=(16000, 1), n_fft=512, hop_length=160)
        assert tuple(layer(np.zeros((2, 16000, 1), "float32")).shape) == (2, 97, 257, 1)
        ```
    """
    return _compose(
        name,
        input_shape,
        dict(
            n_fft=n_fft,
            win_length=win_length,
            hop_length=hop_length,
            window_name=window_name,
            pad_begin=pad_begin,
            pad_end=pad_end,
            input_data_format=input_data_format,
            output_data_format=output_data_format,
            center=center,
            pad_mode=pad_mode,
        ),
        power,
        None,
        dict(ref_value=db_ref_value, amin=db_amin, dynamic_range=db_dynamic_range) if return_decibel else None,
    )


@names_arguments
def get_melspectrogram_layer(
    input_shape: tuple[int | None, ...] | None = None,
    n_fft: int = 2048,
    win_length: int | None = None,
    hop_length: int | None = None,
    window_name: str | None = None,
    pad_begin: bool = False,
    pad_end: bool = False,
    sample_rate: float = 22050,
    n_mels: int = 128,
    mel_f_min: float = 0.0,
    mel_f_max: float | None = None,
    mel_htk: bool = False,
    mel_norm: str | float | None = "slaney",
    return_decibel: bool = False,
    db_amin: float = 1e-5,
    db_ref_value: float = 1.0,
    db_dynamic_range: float = 80.0,
    input_data_format: DataFormat = "default",
    output_data_format: DataFormat = "default",
    name: str = _DefaultName("melspectrogram"),
    *,
    center: bool = False,
    pad_mode: PadMode = "constant",
    power: float = 1.0,
) -> ComposedSequential:
    """Chain `STFT`, `Magnitude`, a mel `ApplyFilterbank` and, if requested, `MagnitudeToDecibel`.

    By default the bank sums the *magnitude*, as in earlier versions of Kapre. Most published features sum the power:
    use `power=2.0`.

    Args:
        input_shape: Shape of one waveform, `(time, channel)` or `(channel, time)`, where time may be None; or None.
        n_fft: int ≥ 1, samples. DFT length. Even.
        win_length: int or None (`n_fft`), samples. Window length.
        hop_length: int or None (`win_length // 4`), samples. Distance between the starts of frames.
        window_name: A name accepted by `kapre.backend.get_window_fn`, or None for hann.
        pad_begin: bool. Pad the start with `n_fft - hop_length` zeros.
        pad_end: bool. Keep frames that extend past the end.
        sample_rate: float > 0, Hz. The rate of the samples. The input is not resampled.
        n_mels: int ≥ 1. Number of bands.
        mel_f_min: float ≥ 0, Hz. Lowest frequency.
        mel_f_max: float or None (Nyquist), Hz. Highest frequency.
        mel_htk: bool. Use HTK's mel scale instead of Slaney's.
        mel_norm: "slaney" (triangles of equal area), None (triangles of equal height), or p for a p-norm.
        return_decibel: bool. Whether to end the chain with `MagnitudeToDecibel`.
        db_amin: float > 0. The smallest value before the logarithm. Use 1e-10 for the power of a quiet clip.
        db_ref_value: float > 0. The value that maps to 0 dB.
        db_dynamic_range: float > 0, dB. The range kept below each item's maximum.
        input_data_format: "default", "channels_first" or "channels_last".
        output_data_format: The data format of the output, with the same choices.
        name: The name of the model. The default gets a number if a functional model contains a second one.
        center: bool. Centre frames as librosa and torch do; see `STFT`.
        pad_mode: How `center` pads; see `STFT`.
        power: 1.0 for the magnitude, 2.0 for the power (the input of the mel banks of librosa, Whisper and Kaldi).

    Input shape:
        channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`; floating point.

    Output shape:
        channels_last `(batch, frame, n_mels, channel)`, channels_first `(batch, channel, frame, n_mels)`.

    Raises:
        ValueError: If an argument is out of range. The message names it.

    Notes:
        With `center=True, power=2.0`, the result matches `librosa.feature.melspectrogram` to 2e-6 of the peak.

    Example:
        ```python
        import numpy as np
        import kapre

        layer = kapre.get_melspectrogram_layer(
            input_shape=(None, 1), n_fft=512, hop_length=160, sample_rate=16000, n_mels=40, return_decibel=True
        )
        assert tuple(layer(np.zeros((2, 16000, 1), "float32")).shape) == (2, 97, 40, 1)
        ```

    References:
        Slaney, M. (1998). Auditory Toolbox. Technical Report 1998-010, Interval Research Corporation.
    """
    return _compose(
        name,
        input_shape,
        dict(
            n_fft=n_fft,
            win_length=win_length,
            hop_length=hop_length,
            window_name=window_name,
            pad_begin=pad_begin,
            pad_end=pad_end,
            input_data_format=input_data_format,
            output_data_format=output_data_format,
            center=center,
            pad_mode=pad_mode,
        ),
        power,
        (
            "mel",
            dict(
                sample_rate=sample_rate,
                n_mels=n_mels,
                f_min=mel_f_min,
                f_max=mel_f_max,
                htk=mel_htk,
                norm=mel_norm,
            ),
        ),
        dict(ref_value=db_ref_value, amin=db_amin, dynamic_range=db_dynamic_range) if return_decibel else None,
    )


@names_arguments
def get_log_frequency_spectrogram_layer(
    input_shape: tuple[int | None, ...] | None = None,
    n_fft: int = 2048,
    win_length: int | None = None,
    hop_length: int | None = None,
    window_name: str | None = None,
    pad_begin: bool = False,
    pad_end: bool = False,
    sample_rate: float = 22050,
    log_n_bins: int = 84,
    log_f_min: float | None = None,
    log_bins_per_octave: int = 12,
    log_spread: float = 0.125,
    return_decibel: bool = False,
    db_amin: float = 1e-5,
    db_ref_value: float = 1.0,
    db_dynamic_range: float = 80.0,
    input_data_format: DataFormat = "default",
    output_data_format: DataFormat = "default",
    name: str = _DefaultName("log_frequency_spectrogram"),
    *,
    center: bool = False,
    pad_mode: PadMode = "constant",
    power: float = 1.0,
) -> ComposedSequential:
    """Chain `STFT`, `Magnitude`, a log-frequency `ApplyFilterbank` and, if requested, `MagnitudeToDecibel`.

    Args:
        input_shape: Shape of one waveform, `(time, channel)` or `(channel, time)`, where time may be None; or None.
        n_fft: int ≥ 1, samples. DFT length. Even.
        win_length: int or None (`n_fft`), samples. Window length.
        hop_length: int or None (`win_length // 4`), samples. Distance between the starts of frames.
        window_name: A name accepted by `kapre.backend.get_window_fn`, or None for hann.
        pad_begin: bool. Pad the start with `n_fft - hop_length` zeros.
        pad_end: bool. Keep frames that extend past the end.
        sample_rate: float > 0, Hz. The rate of the samples. The input is not resampled.
        log_n_bins: int ≥ 1. Number of bands.
        log_f_min: float > 0 or None (C1, 32.703 Hz), Hz. The centre of the lowest band.
        log_bins_per_octave: int ≥ 1. Number of bands per octave.
        log_spread: float > 0. Width of a band as a fraction of the distance between bands.
        return_decibel: bool. Whether to end the chain with `MagnitudeToDecibel`.
        db_amin: float > 0. The smallest value before the logarithm. Use 1e-10 for the power of a quiet clip.
        db_ref_value: float > 0. The value that maps to 0 dB.
        db_dynamic_range: float > 0, dB. The range kept below each item's maximum.
        input_data_format: "default", "channels_first" or "channels_last".
        output_data_format: The data format of the output, with the same choices.
        name: The name of the model. The default gets a number if a functional model contains a second one.
        center: bool. Centre frames as librosa and torch do; see `STFT`.
        pad_mode: How `center` pads; see `STFT`.
        power: 1.0 for the magnitude, 2.0 for the power (the input of the mel banks of librosa, Whisper and Kaldi).

    Input shape:
        channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`; floating point.

    Output shape:
        channels_last `(batch, frame, log_n_bins, channel)`, channels_first `(batch, channel, frame, log_n_bins)`.

    Raises:
        ValueError: If an argument is out of range. The message names it.
        RuntimeError: If the highest band lies beyond Nyquist.

    Example:
        ```python
        import numpy as np
        import kapre

        layer = kapre.get_log_frequency_spectrogram_layer(sample_rate=22050, n_fft=4096, log_n_bins=60)
        assert tuple(layer(np.zeros((1, 22050, 1), "float32")).shape) == (1, 18, 60, 1)
        ```
    """
    return _compose(
        name,
        input_shape,
        dict(
            n_fft=n_fft,
            win_length=win_length,
            hop_length=hop_length,
            window_name=window_name,
            pad_begin=pad_begin,
            pad_end=pad_end,
            input_data_format=input_data_format,
            output_data_format=output_data_format,
            center=center,
            pad_mode=pad_mode,
        ),
        power,
        (
            "log",
            dict(
                sample_rate=sample_rate,
                n_bins=log_n_bins,
                bins_per_octave=log_bins_per_octave,
                f_min=log_f_min,
                spread=log_spread,
            ),
        ),
        dict(ref_value=db_ref_value, amin=db_amin, dynamic_range=db_dynamic_range) if return_decibel else None,
    )


def _input_shape(shape: tuple[int | None, ...] | None) -> dict[str, Any]:
    return {} if shape is None else {"input_shape": tuple(shape)}


@names_arguments
def get_perfectly_reconstructing_stft_istft(
    stft_input_shape: tuple[int | None, ...] | None = None,
    istft_input_shape: tuple[int | None, ...] | None = None,
    n_fft: int = 2048,
    win_length: int | None = None,
    hop_length: int | None = None,
    forward_window_name: str | None = None,
    waveform_data_format: DataFormat = "default",
    stft_data_format: DataFormat = "default",
    stft_name: str = _DefaultName("stft"),
    istft_name: str = _DefaultName("istft"),
) -> tuple[STFT, InverseSTFT]:
    """Make an `STFT` layer and the `InverseSTFT` layer that inverts it.

    The transform pads both ends (`pad_begin`, `pad_end`), so that every sample is fully covered. The output starts
    `n_fft - hop_length` samples late and is longer than the input. `y[:, n_fft - hop_length:][:, :time]` equals `x`.

    Args:
        stft_input_shape: Shape of one waveform, or None.
        istft_input_shape: Shape of one spectrogram, or None.
        n_fft: int ≥ 1, samples. DFT length.
        win_length: int or None (`n_fft`), samples. Window length, at most `n_fft`.
        hop_length: int or None (`win_length // 4`), samples. Distance between the starts of frames.
        forward_window_name: A name accepted by `kapre.backend.get_window_fn`, or None for hann.
        waveform_data_format: "default", "channels_first" or "channels_last".
        stft_data_format: The data format of the spectrogram, with the same choices.
        stft_name: The name of the `STFT` layer. The default gets a number if a functional model contains a second one.
        istft_name: The name of the `InverseSTFT` layer, with the same default rule.

    Returns:
        `(STFT, InverseSTFT)`.

    Raises:
        RuntimeError: If the windows overlap too little to be inverted.
        ValueError: If another argument is out of range.

    Notes:
        The error is at most 1e-6 of the peak.

    Example:
        ```python
        import numpy as np
        import kapre

        stft, istft = kapre.get_perfectly_reconstructing_stft_istft(n_fft=512, hop_length=128)
        x = np.random.uniform(-1, 1, (1, 4000, 1)).astype("float32")
        y = np.asarray(istft(stft(x)))[:, 512 - 128 :][:, :4000]
        assert abs(y - x).max() < 1e-5
        ```
    """
    for argument, shape in (("stft_input_shape", stft_input_shape), ("istft_input_shape", istft_input_shape)):
        if shape is not None and not isinstance(shape, (tuple, list)):
            raise TypeError(message(argument, "a tuple or None", shape, "Pass n_fft and hop_length by keyword."))
    with public_names(window_name="forward_window_name"):
        recipe = stft_recipe(n_fft=n_fft, win_length=win_length, hop_length=hop_length, window_name=forward_window_name)
    if recipe.frame_length > recipe.n_fft:
        raise ValueError(message("win_length", f"at most n_fft={recipe.n_fft}", win_length, "A longer one is cropped."))
    fourier.check_invertible(recipe.analysis_window, recipe.hop_length, _INVERTIBLE_GAIN, recipe.window_name)
    settings: dict[str, Any] = dict(n_fft=recipe.n_fft, win_length=recipe.win_length, hop_length=recipe.hop_length)
    forward = STFT(
        **settings,
        window_name=recipe.window_name,
        pad_begin=True,
        pad_end=True,
        input_data_format=resolve_data_format(waveform_data_format, "waveform_data_format"),
        output_data_format=resolve_data_format(stft_data_format, "stft_data_format"),
        name=str(stft_name),
        **_input_shape(stft_input_shape),
    )
    inverse = InverseSTFT(
        **settings,
        forward_window_name=recipe.window_name,
        input_data_format=stft_data_format,
        output_data_format=waveform_data_format,
        name=str(istft_name),
        **_input_shape(istft_input_shape),
    )
    return _numbered(forward, stft_name), _numbered(inverse, istft_name)


@names_arguments
def get_stft_mag_phase(
    input_shape: tuple[int | None, ...],
    n_fft: int = 2048,
    win_length: int | None = None,
    hop_length: int | None = None,
    window_name: str | None = None,
    pad_begin: bool = False,
    pad_end: bool = False,
    return_decibel: bool = False,
    db_amin: float = 1e-5,
    db_ref_value: float = 1.0,
    db_dynamic_range: float = 80.0,
    input_data_format: DataFormat = "default",
    output_data_format: DataFormat = "default",
    name: str = _DefaultName("stft_mag_phase"),
    *,
    center: bool = False,
    pad_mode: PadMode = "constant",
) -> keras.Model:
    """Make a model that returns the magnitude and the phase of an STFT, side by side as channels.

    Args:
        input_shape: Shape of one waveform, `(time, channel)` or `(channel, time)`, where time may be None.
        n_fft: int ≥ 1, samples. DFT length.
        win_length: int or None (`n_fft`), samples. Window length.
        hop_length: int or None (`win_length // 4`), samples. Distance between the starts of frames.
        window_name: A name accepted by `kapre.backend.get_window_fn`, or None for hann.
        pad_begin: bool. Pad the start with `n_fft - hop_length` zeros.
        pad_end: bool. Keep frames that extend past the end.
        return_decibel: bool. Whether to convert the magnitudes to decibels, as `MagnitudeToDecibel` does.
        db_amin: float > 0. The smallest value before the logarithm.
        db_ref_value: float > 0. The value that maps to 0 dB.
        db_dynamic_range: float > 0, dB. The range kept below each item's maximum.
        input_data_format: "default", "channels_first" or "channels_last".
        output_data_format: The data format of the output, with the same choices.
        name: The name of the model. The default gets a number if a functional model contains a second one.
        center: bool. Centre frames as librosa and torch do; see `STFT`.
        pad_mode: How `center` pads; see `STFT`.

    Input shape:
        channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`; floating point.

    Output shape:
        channels_last `(batch, frame, n_fft // 2 + 1, 2 * channel)`, channels_first `(batch, 2 * channel, frame,
        n_fft // 2 + 1)`. The magnitudes of all channels come first, then their phases in radians.

    Raises:
        TypeError: If `input_shape` is not a shape.
        ValueError: If an argument is out of range. The message names it.

    Example:
        ```python
        import numpy as np
        import kapre

        model = kapre.get_stft_mag_phase(input_shape=(None, 2), n_fft=512, hop_length=160)
        assert tuple(model(np.zeros((1, 16000, 2), "float32")).shape) == (1, 97, 257, 4)
        ```
    """
    if not isinstance(input_shape, (tuple, list)):
        raise TypeError(message("input_shape", "the shape of one waveform", input_shape, "Use (None, 1)."))
    dtype = work_dtype(keras.config.dtype_policy().compute_dtype)
    output_format = resolve_data_format(output_data_format, "output_data_format")
    inputs = keras.Input(shape=input_shape, dtype=dtype)
    spectrogram = STFT(
        n_fft,
        win_length,
        hop_length,
        window_name,
        pad_begin,
        pad_end,
        input_data_format,
        output_format,
        center,
        pad_mode,
        dtype=dtype,
    )(inputs)
    magnitude, phase = Magnitude(dtype=dtype)(spectrogram), Phase(dtype=dtype)(spectrogram)
    if return_decibel:
        decibel: dict[str, Any] = dict(ref_value=db_ref_value, amin=db_amin, dynamic_range=db_dynamic_range)
        with public_names(**{argument: f"db_{argument}" for argument in decibel}):
            magnitude = MagnitudeToDecibel(**decibel, data_format=output_format, dtype=dtype)(magnitude)
    joined = ConcatenateChannels(axis=channel_axis(output_format))([magnitude, phase])
    model = ComposedModel(inputs, joined, name=str(name))
    return _numbered(model, name)


def get_frequency_aware_conv2d(
    data_format: DataFormat = "default",
    freq_aware_name: str = _DefaultName("frequency_aware_conv2d"),
    *args: Any,
    **kwargs: Any,
) -> keras.Sequential:
    """Chain `ConcatenateFrequencyMap` and a `keras.layers.Conv2D`, so that the convolution knows each bin's frequency.

    Args:
        data_format: The data format of both layers: "default", "channels_first" or "channels_last".
        freq_aware_name: The name of the chain. The default is numbered from the second chain on, as in Keras.
        *args: Positional arguments of Conv2D: `filters`, `kernel_size`, `strides`, `padding`.
        **kwargs: Keyword arguments of Conv2D, including these.

    Input shape:
        channels_last `(batch, frame, frequency, channel)`, channels_first `(batch, channel, frame, frequency)`.

    Output shape:
        The output shape of the Conv2D layer.

    Raises:
        ValueError: If a `data_format` is also given for Conv2D and differs.

    Example:
        ```python
        import numpy as np
        import kapre

        layer = kapre.get_frequency_aware_conv2d("channels_last", "aware", 8, (3, 3), padding="same")
        assert tuple(layer(np.zeros((1, 10, 40, 1), "float32")).shape) == (1, 10, 40, 8)
        ```

    References:
        Koutini, K., Eghbal-zadeh, H. and Widmer, G. (2019). Receptive-field-regularized CNN variants for acoustic scene
        classification. DCASE Workshop.
    """
    resolved = resolve_data_format(data_format)
    place = 4  # position of `data_format` among Conv2D's arguments
    own = args[place] if len(args) > place else kwargs.pop("data_format", None)
    if own is not None and own != resolved:
        remedy = "Give it once, as this function's first argument."
        raise ValueError(message("data_format", f"{resolved!r} for Conv2D too", own, remedy))
    if len(args) > place + 1:
        raise TypeError(message("args", f"at most {place + 1} of Conv2D's arguments", len(args), "Name the rest."))
    convolution = keras.layers.Conv2D(*args[:place], data_format=resolved, **kwargs)
    name = str(freq_aware_name)
    if isinstance(freq_aware_name, _DefaultName):  # several can be in one Sequential, which checks names immediately
        name = unique_name(name)
    return ComposedSequential([ConcatenateFrequencyMap(resolved), convolution], name=name)
