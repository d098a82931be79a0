"""Ready-made chains of layers."""

from __future__ import annotations

import warnings
from typing import Any

import keras
from keras import ops

from kapre import executor
from kapre._checks import message, public_names
from kapre._layer import (
    AudioLayer,
    DataFormat,
    channels_in_place,
    channels_second,
    is_complex,
    register,
    resolve_data_format,
    work_dtype,
)
from kapre.ops import fourier
from kapre.ops.frames import PadMode
from kapre.recipe import Recipe, check_even, framing
from kapre.time_frequency import STFT, ApplyFilterbank, InverseSTFT, Magnitude, MagnitudeToDecibel

_INVERTIBLE_GAIN = 10.0  # times a float32 rounding error of 6e-8, this still meets 1e-6


@register
class ComposedSequential(keras.Sequential):
    """Be a `keras.Sequential` of Kapre layers that is computed in one piece.

    The composed helpers return it. Its layers show in `.layers` and can be used one by one; called as a whole, a chain
    that amounts to a `Recipe` runs as that recipe, without the complex tensor and the transposes between layers, and
    any other chain runs layer by layer. Both give the same numbers.

    It differs from a plain Sequential in one more way: under a half-precision policy the waveform reaches the first
    layer unrounded (a plain one casts it to float16: 16 dB of error on quiet noise below a loud tone), and the result
    is cast once, at the end. An outer model keeps that if it is made on a `keras.Input`; a Sequential without one
    rounds what it is called with, and so does a subclassed model unless it has `autocast=False`.
    `keras.models.clone_model(helper)` makes a plain Sequential, with the same numbers in float32;
    `type(helper).from_config(helper.get_config())` makes one like it.

    Args:
        layers: Layers, or None.
        trainable: Whether added layers may train.
        name: The model's name.
        dtype: The dtype policy of the result, or None for Keras' global one.

    Example:
        ```python
        import numpy as np
        import kapre

        mel = kapre.get_melspectrogram_layer(n_fft=512, hop_length=160, sample_rate=16000, n_mels=40)
        assert tuple(mel(np.zeros((1, 16000, 1), "float32")).shape) == (1, 97, 40, 1)
        assert mel.recipe.n_mels == 40
        ```
    """

    def __init__(
        self, layers: list[Any] | None = None, trainable: bool = True, name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(layers, trainable=trainable, name=name)
        if dtype is not None:
            self.dtype_policy = dtype
        self.autocast = False

    @property
    def recipe(self) -> Recipe | None:
        """The recipe that the layers amount to, or None when there is none and they run one by one."""
        if not self._recipe_is_known:
            self._recipe = executor.recipe_of(self.layers)
            self._recipe_is_known = True
        return self._recipe

    _recipe: Recipe | None = None
    _recipe_is_known = False
    _built_free = False

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Add a layer at the end."""
        self._recipe_is_known = False
        if self._built_free and not isinstance(layer, AudioLayer):
            # A layer with weights needs the sizes that `build` left free: let the next call build with real ones.
            self._layers: list[Any] = [kept for kept in self._layers if not isinstance(kept, keras.layers.InputLayer)]
            self._functional = None
            self.built = self._built_free = False
        super().add(layer, rebuild=rebuild)

    def pop(self, rebuild: bool = True) -> Any:
        """Remove the last layer and return it."""
        self._recipe_is_known = False
        return super().pop(rebuild=rebuild)

    def build(self, input_shape: Any = None) -> None:
        """Build the layers; for Kapre's own, every size stays free, so that other lengths may follow the first."""
        if input_shape is not None and self.layers and isinstance(self.layers[0], AudioLayer):
            self.layers[0].output_shape_and_dtype(input_shape)  # what is wrong is said before anything is built on it
        # `_layers`: an Input, whose shape stands, shows only there.
        if input_shape is not None and all(isinstance(layer, AudioLayer) for layer in self._layers):
            input_shape = (None,) * len(input_shape)
            self._built_free = True
        super().build(input_shape)

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None, **kwargs: Any) -> Any:
        recipe = self.recipe
        if recipe is None:
            return self._cast(super().call(inputs, training=training, mask=mask, **kwargs))
        first: STFT = self.layers[0]
        x = channels_second(first.real_input(inputs), 3, first.input_data_format)
        return channels_in_place(self._cast(executor.run(recipe, x)), first.output_data_format)

    def _cast(self, x: Any) -> Any:
        floating = keras.backend.is_float_dtype(keras.backend.standardize_dtype(x.dtype))
        return ops.cast(x, self.compute_dtype) if floating else x

    def compute_output_spec(self, inputs: Any, training: bool | None = None, mask: Any = None, **kwargs: Any) -> Any:
        spec = inputs
        for layer in self.layers:
            spec = layer.compute_output_spec(spec)
        if is_complex(spec.dtype) or not keras.backend.is_float_dtype(spec.dtype):
            return spec
        return keras.KerasTensor(spec.shape, dtype=self.compute_dtype)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> ComposedSequential:
        """Make the model that `get_config` describes, under the dtype policy it had."""
        model: ComposedSequential = super().from_config(config, custom_objects=custom_objects)
        if config.get("dtype") is not None:
            model.dtype_policy = keras.dtype_policies.get(config["dtype"])
        return model


def _compose(
    name: str,
    input_shape: tuple[int | None, ...] | None,
    stft: dict[str, Any],
    power: float,
    bank: tuple[str, dict[str, Any]] | None,
    decibel: dict[str, Any] | None,
) -> ComposedSequential:
    """Chain the layers, all in float32 (float64 under a float64 policy): the model casts once, at its end."""
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
            layers.append(MagnitudeToDecibel(**decibel, dtype=dtype))
    return ComposedSequential(layers, name=name)


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
    name: str = "stft_magnitude",
    *,
    center: bool = False,
    pad_mode: PadMode = "constant",
    power: float = 1.0,
) -> ComposedSequential:
    """Chain `STFT` and `Magnitude`, and `MagnitudeToDecibel` when asked for.

    Args:
        input_shape: Shape of one waveform, `(time, channel)` or `(channel, time)`, time may be None; or None.
        n_fft: int ≥ 1, samples. DFT length.
        win_length: int or None (`n_fft`), samples. Window length.
        hop_length: int or None (`win_length // 4`), samples between frames.
        window_name: A name of `kapre.backend.get_window_fn`, or None for hann.
        pad_begin: bool. Put `n_fft - hop_length` zeros in front.
        pad_end: bool. Keep frames that reach past the end.
        return_decibel: bool. Whether to end with `MagnitudeToDecibel`.
        db_amin: float > 0. Smallest value before the logarithm; the power of a quiet clip wants 1e-10.
        db_ref_value: float > 0. What becomes 0 dB.
        db_dynamic_range: float > 0, dB. How far below the item's own maximum values are kept.
        input_data_format: "default", "channels_first" or "channels_last".
        output_data_format: The same, of the output.
        name: The model's name.
        center: bool. Centre frames as librosa and torch do; see `STFT`.
        pad_mode: How `center` pads; see `STFT`.
        power: 1.0 for the magnitude, 2.0 for the power (what librosa, Whisper and Kaldi feed their mel banks).

    Input shape:
        channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`; floating point.

    Output shape:
        channels_last `(batch, frame, n_fft // 2 + 1, channel)`, channels_first `(batch, channel, frame,
        n_fft // 2 + 1)`.

    Raises:
        ValueError: If an argument is out of range; the message names it.

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
    name: str = "melspectrogram",
    *,
    center: bool = False,
    pad_mode: PadMode = "constant",
    power: float = 1.0,
) -> ComposedSequential:
    """Chain `STFT`, `Magnitude` and a mel `ApplyFilterbank`, and `MagnitudeToDecibel` when asked for.

    By default, as Kapre always has, the bank sums the *magnitude*; most published features sum the power: `power=2.0`.

    Args:
        input_shape: Shape of one waveform, `(time, channel)` or `(channel, time)`, time may be None; or None.
        n_fft: int ≥ 1, samples. DFT length. Even.
        win_length: int or None (`n_fft`), samples. Window length.
        hop_length: int or None (`win_length // 4`), samples between frames.
        window_name: A name of `kapre.backend.get_window_fn`, or None for hann.
        pad_begin: bool. Put `n_fft - hop_length` zeros in front.
        pad_end: bool. Keep frames that reach past the end.
        sample_rate: float > 0, Hz. The rate of the samples; nothing is resampled.
        n_mels: int ≥ 1. Bands.
        mel_f_min: float ≥ 0, Hz. Lowest frequency.
        mel_f_max: float or None (Nyquist), Hz. Highest frequency.
        mel_htk: bool. HTK's mel scale in place of Slaney's.
        mel_norm: "slaney" (triangles of equal area), None (of equal height), or p of a p-norm.
        return_decibel: bool. Whether to end with `MagnitudeToDecibel`.
        db_amin: float > 0. Smallest value before the logarithm; the power of a quiet clip wants 1e-10.
        db_ref_value: float > 0. What becomes 0 dB.
        db_dynamic_range: float > 0, dB. How far below the item's own maximum values are kept.
        input_data_format: "default", "channels_first" or "channels_last".
        output_data_format: The same, of the output.
        name: The model's name.
        center: bool. Centre frames as librosa and torch do; see `STFT`.
        pad_mode: How `center` pads; see `STFT`.
        power: 1.0 for the magnitude, 2.0 for the power (what librosa, Whisper and Kaldi feed their mel banks).

    Input shape:
        channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`; floating point.

    Output shape:
        channels_last `(batch, frame, n_mels, channel)`, channels_first `(batch, channel, frame, n_mels)`.

    Raises:
        ValueError: If an argument is out of range; the message names it.

    Notes:
        With `center=True, power=2.0` equal to `librosa.feature.melspectrogram` to 2e-6 of the peak.

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
    name: str = "log_frequency_spectrogram",
    *,
    center: bool = False,
    pad_mode: PadMode = "constant",
    power: float = 1.0,
) -> ComposedSequential:
    """Chain `STFT`, `Magnitude` and a log-frequency `ApplyFilterbank`, and `MagnitudeToDecibel` when asked for.

    Args:
        input_shape: Shape of one waveform, `(time, channel)` or `(channel, time)`, time may be None; or None.
        n_fft: int ≥ 1, samples. DFT length. Even.
        win_length: int or None (`n_fft`), samples. Window length.
        hop_length: int or None (`win_length // 4`), samples between frames.
        window_name: A name of `kapre.backend.get_window_fn`, or None for hann.
        pad_begin: bool. Put `n_fft - hop_length` zeros in front.
        pad_end: bool. Keep frames that reach past the end.
        sample_rate: float > 0, Hz. The rate of the samples; nothing is resampled.
        log_n_bins: int ≥ 1. Bands.
        log_f_min: float > 0 or None (C1, 32.703 Hz), Hz. The lowest band's centre.
        log_bins_per_octave: int ≥ 1. Bands in an octave.
        log_spread: float > 0. Width of a band as a fraction of the distance between bands.
        return_decibel: bool. Whether to end with `MagnitudeToDecibel`.
        db_amin: float > 0. Smallest value before the logarithm; the power of a quiet clip wants 1e-10.
        db_ref_value: float > 0. What becomes 0 dB.
        db_dynamic_range: float > 0, dB. How far below the item's own maximum values are kept.
        input_data_format: "default", "channels_first" or "channels_last".
        output_data_format: The same, of the output.
        name: The model's name.
        center: bool. Centre frames as librosa and torch do; see `STFT`.
        pad_mode: How `center` pads; see `STFT`.
        power: 1.0 for the magnitude, 2.0 for the power (what librosa, Whisper and Kaldi feed their mel banks).

    Input shape:
        channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`; floating point.

    Output shape:
        channels_last `(batch, frame, log_n_bins, channel)`, channels_first `(batch, channel, frame, log_n_bins)`.

    Raises:
        ValueError: If an argument is out of range; the message names it.
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


def _first(layer: Any, shape: tuple[int | None, ...] | None, **settings: Any) -> Any:
    """Make a layer with the `input_shape` that a Sequential may start with, without Keras' advice on that."""
    if shape is None:
        return layer(**settings)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Do not pass an `input_shape`")
        return layer(**settings, input_shape=tuple(shape))


def get_perfectly_reconstructing_stft_istft(
    stft_input_shape: tuple[int | None, ...] | None = None,
    istft_input_shape: tuple[int | None, ...] | None = None,
    n_fft: int = 2048,
    win_length: int | None = None,
    hop_length: int | None = None,
    forward_window_name: str | None = None,
    waveform_data_format: DataFormat = "default",
    stft_data_format: DataFormat = "default",
    stft_name: str = "stft",
    istft_name: str = "istft",
) -> tuple[STFT, InverseSTFT]:
    """Make an `STFT` and the `InverseSTFT` that undoes it.

    The transform pads at both ends (`pad_begin`, `pad_end`), so that every sample is covered fully. The output starts
    `n_fft - hop_length` samples late and is longer than the input: `y[:, n_fft - hop_length:][:, :time]` is `x`.

    Args:
        stft_input_shape: Shape of one waveform, or None.
        istft_input_shape: Shape of one spectrogram, or None.
        n_fft: int ≥ 1, samples. DFT length.
        win_length: int or None (`n_fft`), samples; at most `n_fft`.
        hop_length: int or None (`win_length // 4`), samples.
        forward_window_name: A name of `kapre.backend.get_window_fn`, or None for hann.
        waveform_data_format: "default", "channels_first" or "channels_last".
        stft_data_format: The same, of the spectrogram.
        stft_name: Name of the first layer.
        istft_name: Name of the second.

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
        recipe = framing(n_fft=n_fft, win_length=win_length, hop_length=hop_length, window_name=forward_window_name)
    if recipe.frame_length > recipe.n_fft:
        raise ValueError(message("win_length", f"at most n_fft={recipe.n_fft}", win_length, "A longer one is cropped."))
    fourier.check_invertible(recipe.analysis_window, recipe.hop_length, _INVERTIBLE_GAIN, recipe.window_name)
    settings: dict[str, Any] = dict(n_fft=recipe.n_fft, win_length=recipe.win_length, hop_length=recipe.hop_length)
    forward = _first(
        STFT,
        stft_input_shape,
        **settings,
        window_name=recipe.window_name,
        pad_begin=True,
        pad_end=True,
        input_data_format=resolve_data_format(waveform_data_format, "waveform_data_format"),
        output_data_format=resolve_data_format(stft_data_format, "stft_data_format"),
        name=stft_name,
    )
    inverse = _first(
        InverseSTFT,
        istft_input_shape,
        **settings,
        forward_window_name=recipe.window_name,
        input_data_format=stft_data_format,
        output_data_format=waveform_data_format,
        name=istft_name,
    )
    return forward, inverse
