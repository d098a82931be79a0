"""Layers that convert between waveforms and time-frequency representations."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Unpack

from keras import ops

from kapre import executor
from kapre._arguments import LayerArguments
from kapre._checks import choice, flag, message, positive_int, public_names
from kapre._hints import remedy
from kapre._layer import (
    AudioLayer,
    DataFormat,
    Shape,
    channels_in_place,
    channels_second,
    is_complex,
    lengths_of,
    mask_axis,
    register,
    resolve_data_format,
    shape_channels_second,
    shape_in_place,
)
from kapre._removed import removed_names
from kapre._stft_stream import InverseSTFTStream, STFTStream
from kapre.ops import filterbanks, fourier, frames, scales
from kapre.recipe import Recipe, stft_recipe
from kapre.stages.logarithm import check_decibel

if not TYPE_CHECKING:  # a type checker would otherwise accept any name
    __getattr__ = removed_names(__name__)


def _warn_if_cropped(recipe: Recipe) -> None:
    if recipe.frame_length > recipe.n_fft:
        warnings.warn(
            f"win_length={recipe.win_length} is longer than n_fft={recipe.n_fft}: each windowed frame is cropped to "
            f"its first {recipe.n_fft} samples. Use n_fft={recipe.win_length} or more to keep the whole window.",
            stacklevel=3,
        )


@register
class STFT(AudioLayer):
    """Compute the short-time Fourier transform of waveforms as a complex spectrogram.

    The waveform is cut into frames of `win_length` samples, `hop_length` samples apart. Each frame is multiplied by the
    window and transformed by a real DFT of `n_fft` points: `X[t, k] = Σ_n x[t·hop + n] w[n] exp(−2πi·k·n / n_fft)`. No
    padding is applied by default.

    Args:
        n_fft: int ≥ 1, samples. DFT length. Bins are `sample_rate / n_fft` Hz apart (2048 at 22050 Hz: 10.8 Hz).
        win_length: int ≥ 1 or None (`n_fft`), samples. Window length. A window shorter than `n_fft` is placed at the
            start of the frame, with zeros to its right. A longer window is cropped to `n_fft` with a warning.
        hop_length: int ≥ 1 or None (`win_length // 4`), samples. Distance between the starts of frames. A smaller hop
            gives more frames with more overlap.
        window_name: A name accepted by `kapre.backend.get_window_fn`, or None for hann.
        pad_begin: bool. Pad the start with `n_fft - hop_length` zeros.
        pad_end: bool. Keep frames that extend past the end, which gives `ceil(time / hop_length)` frames.
        input_data_format: "default" (Keras' setting), "channels_first" or "channels_last".
        output_data_format: The data format of the output, with the same choices.
        center: bool. Centre frame i on sample `i * hop_length`, as librosa and torch do by default. Both sides are
            padded by `n_fft // 2` samples, and a short window is placed in the middle of the frame.
        pad_mode: How `center` pads: "constant" (librosa's default), "reflect" (torch's default), "symmetric" or "edge".
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`; floating point.

    Output shape:
        channels_last `(batch, frame, n_fft // 2 + 1, channel)`, channels_first `(batch, channel, frame,
        n_fft // 2 + 1)`; complex64, or complex128 under a float64 policy. The number of frames is
        `1 + (time - win_length) // hop_length`, or `1 + time // hop_length` with `center` and an even n_fft. A clip
        shorter than a frame gives 0 frames.

    Raises:
        ValueError: If a number is out of range, or the padding options exclude one another.
        TypeError: If a number is not an integer, or the samples are integers.
        NotImplementedError: If the window name is unknown.

    Notes:
        The result matches `librosa.stft` with the same `center` to 2e-6 of the peak in float32 and 1e-12 in float64
        when `win_length == n_fft` or `center=True`. With `center=False` and a shorter window, librosa, torch and
        `keras.ops.stft` centre the window in the frame. This layer, like TensorFlow, does not.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.random.uniform(-1, 1, (2, 16000, 1)).astype("float32")
        spectrogram = kapre.STFT(n_fft=512, hop_length=160)(x)
        assert tuple(spectrogram.shape) == (2, 97, 257, 1)
        ```

    References:
        Allen, J. B. (1977). Short term spectral analysis, synthesis, and modification by discrete Fourier transform.
        IEEE Transactions on Acoustics, Speech, and Signal Processing, 25(3).
    """

    recipe_stage = "stft"

    def __init__(
        self,
        n_fft: int = 2048,
        win_length: int | None = None,
        hop_length: int | None = None,
        window_name: str | None = None,
        pad_begin: bool = False,
        pad_end: bool = False,
        input_data_format: DataFormat = "default",
        output_data_format: DataFormat = "default",
        center: bool = False,
        pad_mode: frames.PadMode = "constant",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(**kwargs)
        self._recipe = stft_recipe(
            n_fft=n_fft,
            win_length=win_length,
            hop_length=hop_length,
            window_name=window_name,
            pad_begin=pad_begin,
            pad_end=pad_end,
            center=center,
            pad_mode=pad_mode,
        )
        _warn_if_cropped(self._recipe)
        self.n_fft = self._recipe.n_fft
        self.win_length = self._recipe.win_length
        self.hop_length = self._recipe.hop_length
        self.window_name = self._recipe.window_name
        self.pad_begin = self._recipe.pad_begin
        self.pad_end = self._recipe.pad_end
        self.input_data_format = resolve_data_format(input_data_format, "input_data_format")
        self.output_data_format = resolve_data_format(output_data_format, "output_data_format")
        self.center = self._recipe.center
        self.pad_mode = pad_mode  # the recipe resets it where nothing is padded

    @property
    def spectrogram_format(self) -> str:  # type: ignore[override]
        return self.output_data_format

    def recipe_fields(self) -> dict[str, Any]:
        """Return the recipe fields that this layer sets."""
        names = ("n_fft", "win_length", "hop_length", "window_name", "pad_begin", "pad_end", "center", "pad_mode")
        return {name: getattr(self, name) for name in names}

    def transform(self, inputs: Any, mask: Any = None, dft: Literal["fft", "conv"] = "fft") -> tuple[Any, Any]:
        """Return the real and imaginary parts, with the channel axis second."""
        x = channels_second(self.real_input(inputs), 3, self.input_data_format)
        return executor.stft(self._recipe, x, lengths_of(mask), dft)

    def stream(self, chunk_samples: int | None = None, compile: bool = False) -> STFTStream:
        """Return a stream that runs this layer chunk by chunk with `initial_state`, `step` and `flush`.

        Args:
            chunk_samples: Number of samples in every chunk, which fixes the shapes of a step. None allows chunks of any
                size.
            compile: Whether to compile `step`; see `kapre.frontends.Stream`.
        """
        return STFTStream(self, self._recipe, chunk_samples, compile)

    def output_mask(self, mask: Any) -> Any:
        recipe = self._recipe
        return frames.frame_mask(mask, sum(recipe.padding), recipe.frame_length, recipe.hop_length, recipe.pad_end)

    def call(self, inputs: Any, mask: Any = None) -> Any:
        x = channels_second(self.real_input(inputs), 3, self.input_data_format)
        return channels_in_place(executor.complex_stft(self._recipe, x, lengths_of(mask)), self.output_data_format)

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        batch, channels, time = shape_channels_second(shape, 3, self.input_data_format)
        spectrogram = (batch, channels, self._recipe.num_frames(time), self._recipe.n_freq)
        return shape_in_place(spectrogram, self.output_data_format), self.complex_dtype


@register
class InverseSTFT(AudioLayer):
    """Convert complex spectrograms back to waveforms by overlap-add.

    The inverse DFT of each frame is multiplied by a synthesis window, `w[n] / Σ_m w²[n + m·hop]`, and added to the
    output at the position of the frame. This recovers a signal that was analysed by `STFT` with the same arguments.

    Args:
        n_fft: int ≥ 1, samples. DFT length of the forward transform.
        win_length: int ≥ 1 or None (`n_fft`), samples. Window length of the forward transform.
        hop_length: int ≥ 1 or None (`win_length // 4`), samples. Hop of the forward transform.
        forward_window_name: The window of the forward transform, or None for hann.
        input_data_format: "default", "channels_first" or "channels_last".
        output_data_format: The data format of the output, with the same choices.
        center: bool. Whether the forward transform was centred. If so, `n_fft // 2` samples are cut from both ends.
        length: int ≥ 0 or None, samples. The output is cut or zero-padded to this length.
        exact_edges: bool. Divide by the squared windows that actually overlap at each sample, as librosa and torch do.
            By default the sum for an endless signal is used, and the first and last `win_length - hop_length` samples
            remain tapered.
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, frame, n_fft // 2 + 1, channel)`, channels_first `(batch, channel, frame,
        n_fft // 2 + 1)`; complex.

    Output shape:
        channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`, with
        `time = (frames - 1) * hop_length + win_length` unless `length` or `center` changes it.

    Raises:
        ValueError: If a number is out of range, or the input has the wrong number of bins.
        TypeError: If a number is not an integer, or the input is real.
        NotImplementedError: If the window name is unknown.

    Notes:
        With `center=True, exact_edges=True, length=n`, the whole signal is recovered to 1e-6 of its peak, as by
        `librosa.istft(..., length=n)`. The output is 0 where no window reaches or where the window is 0. Without
        `center`, the first sample under a hann window is lost, and the next few samples have few accurate digits.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.random.uniform(-1, 1, (1, 8000, 1)).astype("float32")
        settings = dict(n_fft=512, hop_length=128, center=True)
        y = kapre.InverseSTFT(**settings, exact_edges=True, length=8000)(kapre.STFT(**settings)(x))
        assert abs(np.asarray(y) - x).max() < 1e-5
        ```

    References:
        Griffin, D. and Lim, J. (1984). Signal estimation from modified short-time Fourier transform. IEEE Transactions
        on Acoustics, Speech, and Signal Processing, 32(2).
    """

    input_kind = "complex"

    def __init__(
        self,
        n_fft: int = 2048,
        win_length: int | None = None,
        hop_length: int | None = None,
        forward_window_name: str | None = None,
        input_data_format: DataFormat = "default",
        output_data_format: DataFormat = "default",
        center: bool = False,
        length: int | None = None,
        exact_edges: bool = False,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(**kwargs)
        with public_names(window_name="forward_window_name"):
            self._recipe = stft_recipe(
                n_fft=n_fft,
                win_length=win_length,
                hop_length=hop_length,
                window_name=forward_window_name,
                center=center,
            )
        _warn_if_cropped(self._recipe)
        self.n_fft = self._recipe.n_fft
        self.win_length = self._recipe.win_length
        self.hop_length = self._recipe.hop_length
        self.forward_window_name = self._recipe.window_name
        self.input_data_format = resolve_data_format(input_data_format, "input_data_format")
        self.output_data_format = resolve_data_format(output_data_format, "output_data_format")
        self.center = self._recipe.center
        if length is not None and length != 0:
            length = positive_int("length", length, "Use None for every sample that the frames cover.")
        self.length = length
        self.exact_edges = flag("exact_edges", exact_edges)

    def stream(self, warmup_frames: int | None = None, compile: bool = False) -> InverseSTFTStream:
        """Return a stream that runs this layer chunk by chunk with `initial_state`, `step` and `flush`.

        Args:
            warmup_frames: The number of leading frames that belong to no clip, for steps of fixed shapes. Use the
                `warmup` attribute of the `STFT` stream. None allows chunks of any size.
            compile: Whether to compile `step`; see `kapre.frontends.Stream`.

        Raises:
            ValueError: If the layer has a `length`, which a stream cannot know in advance.
        """
        return InverseSTFTStream(self, self._recipe, warmup_frames, compile)

    def output_mask(self, mask: Any) -> Any:
        recipe = self._recipe
        padding = sum(recipe.padding)
        return frames.sample_mask(mask, padding, recipe.frame_length, recipe.hop_length, self.length)

    def call(self, inputs: Any, mask: Any = None) -> Any:
        z = channels_second(self.complex_numbers(inputs), 4, self.input_data_format)
        if isinstance(z.shape[-1], int):
            check_bins(z.shape[-1], self._recipe.n_freq, f"n_fft={self.n_fft}")  # Keras builds in the first call alone
        waveform = executor.complex_istft(self._recipe, z, self.exact_edges, self.length, lengths_of(mask))
        return channels_in_place(ops.cast(waveform, self.compute_dtype), self.output_data_format)

    def time_axes(self, shape: Shape) -> Any:
        return super().time_axes(shape) if self.length is None else None  # `length` may extend past the last frame

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        batch, channels, count, bins = shape_channels_second(shape, 4, self.input_data_format)
        check_bins(bins, self._recipe.n_freq, f"n_fft={self.n_fft}")
        time = self.length if self.length is not None else self._recipe.num_samples(count)
        return shape_in_place((batch, channels, time), self.output_data_format), self.compute_dtype


def check_bins(bins: int | None, expected: int, of: str) -> None:
    """Refuse another number of bins than that of a transform or bank."""
    if bins is not None and bins != expected:
        raise ValueError(
            f"The input must have {expected} frequency bins for {of}; received {bins}. "
            "Give it the layers' common n_fft, or check the data format."
        )


@register
class Magnitude(AudioLayer):
    """Compute the magnitude `|X|` of a complex spectrogram, or its power `|X|²` with `power=2.0`.

    Args:
        power: 1.0 for the magnitude or 2.0 for the power.
        **kwargs: Keras' layer arguments.

    Input shape:
        Any shape, in either data format; complex. Real input gives its absolute value.

    Output shape:
        The same; the compute dtype.

    Raises:
        ValueError: If `power` is neither 1.0 nor 2.0.

    Notes:
        The gradient at 0 is 0. Without this rule, TensorFlow, JAX and PyTorch give NaN or disagree. The real and
        imaginary parts are squared. In float32, a magnitude below about 1e-19 therefore becomes 0 and one above about
        1e19 becomes infinite.

    Example:
        ```python
        import numpy as np
        import kapre

        assert float(kapre.Magnitude()(np.array([[3 + 4j]], "complex64"))[0, 0]) == 5.0
        assert float(kapre.Magnitude(power=2.0)(np.array([[3 + 4j]], "complex64"))[0, 0]) == 25.0
        ```
    """

    recipe_stage = "magnitude"
    input_kind = "either"

    def __init__(self, power: float = 1.0, **kwargs: Unpack[LayerArguments]) -> None:
        super().__init__(**kwargs)
        self.power = float(choice("power", power, (1.0, 2.0), "1.0 is the magnitude, 2.0 the power."))

    def recipe_fields(self) -> dict[str, Any]:
        """Return the recipe fields that this layer sets."""
        return {"power": self.power}

    def call(self, inputs: Any) -> Any:
        if is_complex(inputs.dtype):
            result = fourier.magnitude(self.complex_input(inputs), self.power)
        else:
            result = ops.abs(self.real_input(inputs)) ** self.power
        return ops.cast(result, self.compute_dtype)

    def time_axes(self, shape: Shape) -> Literal["all"]:
        return "all"

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        return tuple(shape), self.compute_dtype


def check_atan_accuracy(levels: Any) -> int | None:
    """Return a valid number of levels for the approximate arctangent, or None for the exact one. Raise otherwise."""
    exact = levels is None or (levels == 0 and levels is not False)  # files of 0.4.1 hold 0
    return None if exact else positive_int("approx_atan_accuracy", levels, "Use None, or 5.")


@register
class Phase(AudioLayer):
    """Compute the phase of a complex spectrogram in radians, in [−π, π].

    The phase is −π only where the imaginary part is −0.0.

    Args:
        approx_atan_accuracy: None for the exact arctangent, or int ≥ 1. An integer gives the number of levels of a
            continued fraction that uses only basic arithmetic, for runtimes that have no arctangent. The error is below
            `0.05 * 0.04 ** (levels - 1)` rad until rounding dominates (1e-6 rad at 5 levels in float32).
        **kwargs: Keras' layer arguments.

    Input shape:
        Any shape, in either data format; complex.

    Output shape:
        The same; the compute dtype.

    Raises:
        ValueError: If `approx_atan_accuracy` is below 1.
        TypeError: If the input is real.

    Notes:
        Where the power underflows to 0 (for a magnitude below about 1e-19 in float32), the phase and its gradient are
        0.

    Example:
        ```python
        import numpy as np
        import kapre

        z = np.array([[1j, -1.0]], "complex64")
        assert np.allclose(kapre.Phase()(z), [[np.pi / 2, np.pi]])
        assert np.allclose(kapre.Phase(approx_atan_accuracy=5)(z), [[np.pi / 2, np.pi]], atol=1e-6)
        ```
    """

    input_kind = "complex"

    def __init__(self, approx_atan_accuracy: int | None = None, **kwargs: Unpack[LayerArguments]) -> None:
        super().__init__(**kwargs)
        self.approx_atan_accuracy = check_atan_accuracy(approx_atan_accuracy)

    def call(self, inputs: Any) -> Any:
        return ops.cast(fourier.phase(self.complex_input(inputs), self.approx_atan_accuracy), self.compute_dtype)

    def time_axes(self, shape: Shape) -> Literal["all"]:
        return "all"

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        return tuple(shape), self.compute_dtype


@register
class MagnitudeToDecibel(AudioLayer):
    """Convert values to decibels, `10 log10(max(x, amin) / max(ref_value, amin))`, within a range of each item's peak.

    This is Kapre's original rule: 10 log10 of the input, even if it is a magnitude. For decibels in the usual sense,
    put `Magnitude(power=2.0)` before this layer, or pass `power=2.0` to the composed helpers.

    Args:
        ref_value: float > 0. The value that maps to 0 dB.
        amin: float > 0. Smaller values are raised to this value. The default, 1e-5, is −50 dB.
        dynamic_range: float > 0, dB. Values further below the item's maximum are raised to that floor. The maximum is
            taken over all axes but the first. An item therefore never depends on its neighbours in a batch. With a
            mask, it never depends on its padding either.
        data_format: "default", "channels_first" or "channels_last". Selects the axis that a mask covers if the length
            of the mask fits both the frame axis and the channel axis.
        **kwargs: Keras' layer arguments.

    Input shape:
        `(batch, ...)` in either data format; real.

    Output shape:
        The same; the compute dtype, dB.

    Raises:
        ValueError: If `ref_value`, `amin` or `dynamic_range` is not positive.
        TypeError: If the input is complex.

    Notes:
        Each item matches `librosa.power_to_db(item, ref=ref_value, amin=amin, top_db=dynamic_range)` to 1e-4 dB.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.array([[10.0, 1e-9]], "float32")
        assert np.allclose(kapre.MagnitudeToDecibel()(x), [[10.0, -50.0]])
        ```
    """

    recipe_stage = "decibel"

    def __init__(
        self,
        ref_value: float = 1.0,
        amin: float = 1e-5,
        dynamic_range: float = 80.0,
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.ref_value, self.amin, self.dynamic_range = check_decibel(ref_value, amin, dynamic_range)
        self.data_format = resolve_data_format(data_format)

    def recipe_fields(self) -> dict[str, Any]:
        """Return the recipe fields that this layer sets."""
        return {
            "log": "db",
            "ref_value": self.ref_value,
            "amin": self.amin,
            "dynamic_range": None if math.isinf(self.dynamic_range) else self.dynamic_range,
        }

    def call(self, inputs: Any, mask: Any = None) -> Any:
        x = self.real_input(inputs)
        valid = None
        if mask is not None:
            axis = mask_axis(tuple(x.shape), mask.shape[1], self.data_format)
            valid = frames.within(ops.shape(x)[axis], frames.lengths_of(mask), len(x.shape), axis)
        return ops.cast(scales.decibel(x, self.ref_value, self.amin, self.dynamic_range, valid), self.compute_dtype)

    def time_axes(self, shape: Shape) -> None:
        return None  # XLA's maximum over many values ignores NaN, so do not lengthen clips for it

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        return tuple(shape), self.compute_dtype


_BANK_FIELDS = {
    "mel": ("sample_rate", "n_freq", "n_mels", "f_min", "f_max", "htk", "norm"),
    "log": ("sample_rate", "n_freq", "n_bins", "bins_per_octave", "f_min", "spread"),
}


@register
class ApplyFilterbank(AudioLayer):
    """Sum the bins of a spectrogram into bands by a filter bank.

    Args:
        type: "mel" or "log".
        filterbank_kwargs: dict. The arguments of `kapre.backend.filterbank_mel` or `kapre.backend.filterbank_log`.
            `sample_rate` (Hz) and `n_freq` (`n_fft // 2 + 1`) are required.
        data_format: "default", "channels_first" or "channels_last".
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, frame, n_freq, channel)`, channels_first `(batch, channel, frame, n_freq)`; real.

    Output shape:
        The same shape with bands instead of bins; the compute dtype.

    Raises:
        ValueError: If `type` or a keyword is unknown, or the input has the wrong number of bins.
        TypeError: If a required keyword is missing, or the input is complex.
        RuntimeError: If the log bank extends beyond Nyquist.

    Example:
        ```python
        import numpy as np
        import kapre

        mel = kapre.ApplyFilterbank("mel", dict(sample_rate=16000, n_freq=257, n_mels=40))
        assert tuple(mel(np.ones((1, 10, 257, 1), "float32")).shape) == (1, 10, 40, 1)
        ```
    """

    recipe_stage = "bank"

    def __init__(
        self,
        type: str,
        filterbank_kwargs: dict[str, Any],
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.type = choice("type", type, tuple(_BANK_FIELDS), "Use 'mel' or 'log'.")
        if not isinstance(filterbank_kwargs, Mapping):
            way = "Use dict(sample_rate=…, n_freq=…)."
            raise TypeError(message("filterbank_kwargs", "a dict", filterbank_kwargs, way))
        self.filterbank_kwargs = dict(filterbank_kwargs)
        known = _BANK_FIELDS[type]
        unknown = sorted(set(self.filterbank_kwargs) - set(known))
        if unknown:
            way = remedy(unknown[0], known, f"They are {', '.join(known)}.")
            raise ValueError(message("filterbank_kwargs", f"arguments of filterbank_{type}", unknown, way))
        for name in ("sample_rate", "n_freq"):
            if name not in self.filterbank_kwargs:
                raise TypeError(
                    message("filterbank_kwargs", f"given with {name!r}", filterbank_kwargs, "n_freq is n_fft // 2 + 1.")
                )
        make = filterbanks.mel if type == "mel" else filterbanks.log_frequency
        self._bank = make(**self.filterbank_kwargs, dtype=self.work_dtype)
        filterbanks.warn_if_empty(self._bank, self.filterbank_kwargs["sample_rate"])
        self.data_format = resolve_data_format(data_format)

    @property
    def spectrogram_format(self) -> str:  # type: ignore[override]
        return self.data_format

    def recipe_fields(self) -> dict[str, Any]:
        """Return the recipe fields that this layer sets."""
        return {"filterbank": self.type, **self.filterbank_kwargs}

    def call(self, inputs: Any) -> Any:
        x = channels_second(self.real_input(inputs), 4, self.data_format)
        return channels_in_place(ops.cast(fourier.apply_bank(x, self._bank), self.compute_dtype), self.data_format)

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        batch, channels, count, bins = shape_channels_second(shape, 4, self.data_format)
        check_bins(bins, self._bank.shape[0], f"n_freq={self._bank.shape[0]}")
        return shape_in_place((batch, channels, count, self._bank.shape[1]), self.data_format), self.compute_dtype


@register
class Delta(AudioLayer):
    """Compute the slope of features over time: the local derivative of each band, as used for MFCCs.

    The slope is `d[t] = Σ n (x[t + n] − x[t − n]) / (2 Σ n²)` over `n = 1 … (win_length − 1) / 2`.

    Args:
        win_length: int ≥ 3, odd. Number of frames used for each slope. A larger value gives a smoother slope.
        mode: "symmetric", "reflect" or "constant", in upper or lower case. How the ends are padded, as in `numpy.pad`.
        data_format: "default", "channels_first" or "channels_last".
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, frame, band, channel)`, channels_first `(batch, channel, frame, band)`; real.

    Output shape:
        The same; the compute dtype.

    Raises:
        ValueError: If `win_length` is even or below 3, or `mode` is unknown.
        TypeError: If `win_length` is not an integer, or the input is complex.

    Notes:
        The result matches `torchaudio.functional.compute_deltas` except for the padding: torchaudio repeats the last
        frame.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.arange(6, dtype="float32").reshape(1, 6, 1, 1)
        assert np.allclose(np.asarray(kapre.Delta(3)(x)).ravel(), [0.5, 1, 1, 1, 1, 0.5])
        ```

    References:
        Young, S. et al. (2006). The HTK Book, 5.9: delta coefficients.
    """

    def __init__(
        self,
        win_length: int = 5,
        mode: Literal["symmetric", "reflect", "constant"] = "symmetric",
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.win_length = positive_int("win_length", win_length, "Use 5.")
        if self.win_length < 3 or self.win_length % 2 == 0:
            raise ValueError(message("win_length", "odd and at least 3", win_length, "Use 5."))
        if isinstance(mode, str):
            mode = mode.lower()  # type: ignore[assignment]  # the published layer took it in any case, and saved it so
        self.mode = choice("mode", mode, ("symmetric", "reflect", "constant"), "'symmetric' repeats the ends.")
        self.data_format = resolve_data_format(data_format)

    def call(self, inputs: Any, mask: Any = None) -> Any:
        x = ops.swapaxes(channels_second(self.real_input(inputs), 4, self.data_format), -1, -2)
        slopes = scales.delta(x, self.win_length, self.mode, lengths_of(mask))
        return channels_in_place(ops.cast(ops.swapaxes(slopes, -1, -2), self.compute_dtype), self.data_format)

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        shape_channels_second(shape, 4, self.data_format)
        return tuple(shape), self.compute_dtype


@register
class ConcatenateFrequencyMap(AudioLayer):
    """Add a channel that holds each bin's position on the frequency axis, from 0 to 1.

    The extra channel tells a following convolution which frequency each bin has.

    Args:
        data_format: "default", "channels_first" or "channels_last".
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, frame, frequency, channel)`, channels_first `(batch, channel, frame, frequency)`; real.

    Output shape:
        The same shape with one more channel, which is the last; the compute dtype.

    Raises:
        ValueError: If the input has the wrong rank.

        TypeError: If the input is complex.

    Example:
        ```python
        import numpy as np
        import kapre

        y = kapre.ConcatenateFrequencyMap()(np.zeros((1, 1, 5, 1), "float32"))
        assert np.asarray(y)[0, 0, :, 1].tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
        ```

    References:
        Koutini, K., Eghbal-zadeh, H. and Widmer, G. (2019). Receptive-field-regularized CNN variants for acoustic scene
        classification. DCASE Workshop.
    """

    def __init__(self, data_format: DataFormat = "default", **kwargs: Unpack[LayerArguments]) -> None:
        super().__init__(**kwargs)
        self.data_format = resolve_data_format(data_format)

    def call(self, inputs: Any) -> Any:
        x = channels_second(self.real_input(inputs), 4, self.data_format)
        bins = ops.shape(x)[-1]
        ramp = ops.cast(ops.arange(bins, dtype="int32"), x.dtype)
        ramp = ramp / ops.cast(ops.maximum(bins - 1, 1), x.dtype)
        joined = ops.concatenate([x, ops.zeros_like(x[:, :1]) + ramp], axis=1)
        return channels_in_place(ops.cast(joined, self.compute_dtype), self.data_format)

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        batch, channels, count, bins = shape_channels_second(shape, 4, self.data_format)
        more = None if channels is None else channels + 1
        return shape_in_place((batch, more, count, bins), self.data_format), self.compute_dtype
