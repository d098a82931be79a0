"""Layers that resample and filter waveforms."""

from __future__ import annotations

from typing import Any, Unpack, get_args

import keras
import numpy as np
from keras import ops

from kapre._arguments import LayerArguments
from kapre._checks import choice, flag, message
from kapre._filter_stream import FilterStream, Recursion, Resampling
from kapre._layer import (
    AudioLayer,
    DataFormat,
    Shape,
    channels_in_place,
    channels_second,
    lengths_of,
    register,
    resolve_data_format,
    shape_channels_second,
    shape_in_place,
)
from kapre.ops import convolution, fourier, frames, iir
from kapre.ops import resample as resampling
from kapre.ops.convolution import Mode
from kapre.ops.host import library
from kapre.ops.resample import Method


class _Filter(AudioLayer):
    """Convert waveforms to waveforms. Samples past the end of an item count as silence."""

    def __init__(self, data_format: DataFormat = "default", **kwargs: Unpack[LayerArguments]) -> None:
        super().__init__(**kwargs)
        self.data_format = resolve_data_format(data_format)

    def filtered(self, x: Any) -> Any:
        """Return the output for samples `(batch, channel, time)` in the working dtype."""
        raise NotImplementedError

    def num_samples(self, n_samples: int | None) -> int | None:
        """Return the number of samples of the output for that of the input, or None if it is unknown."""
        return n_samples

    def _computed(self, inputs: Any, mask: Any) -> Any:
        x = channels_second(self.real_input(inputs), 3, self.data_format)
        if mask is not None:
            x = frames.keep(x, lengths_of(mask))
        return channels_in_place(ops.cast(self.filtered(x), self.compute_dtype), self.data_format)

    def stream_weights(self) -> dict[str, Any]:
        """Return the values that a step of a stream takes as arguments, because training may change them."""
        return {}

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        batch, channels, time = shape_channels_second(shape, 3, self.data_format)
        return shape_in_place((batch, channels, self.num_samples(time)), self.data_format), self.compute_dtype


@keras.saving.register_keras_serializable(package="Kapre")
class ResampleMask(keras.Operation):
    """Compute the mask of resampled waveforms as a node of a functional model, so that it is saved with the model.

    Args:
        old: The input's rate, divided by the greatest common divisor of both.
        new: The output's rate, divided by the same.
        **kwargs: The `name` of the node.
    """

    def __init__(self, old: int, new: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.old, self.new = old, new

    def call(self, mask: Any) -> Any:
        """Return the mask over the output for a mask over samples `(batch, time)`."""
        return resampling.out_mask(mask, self.old, self.new)

    def compute_output_spec(self, mask: Any) -> Any:
        """Return the shape and dtype of the mask."""
        batch, time = mask.shape
        return keras.KerasTensor((batch, resampling.out_length(time, self.old, self.new)), dtype="bool")

    def get_config(self) -> dict[str, Any]:
        """Return the name and the rates."""
        return {"name": self.name, "old": self.old, "new": self.new}


@register
class Resample(_Filter):
    """Convert waveforms to another sample rate; see `kapre.functional.resample`.

    Put this layer before a front end, so that a model takes samples at the rate at which they are recorded.

    Args:
        input_rate: int ≥ 1, Hz. The sample rate of the input.
        output_rate: int ≥ 1, Hz. The sample rate of the output.
        lowpass_filter_width: int ≥ 1 or None (6). Number of zero crossings of the sinc on each side. More of them give
            a steeper filter, and take longer.
        rolloff: float in (0, 1] or None (0.99). The cut-off as a fraction of the lower Nyquist frequency.
        resampling_method: "sinc_interp_hann" or "sinc_interp_kaiser". Or "kaiser_best" or "kaiser_fast", which set the
            other three.
        beta: float ≥ 0 or None (14.77). Shape of the Kaiser window.
        data_format: "default", "channels_first" or "channels_last".
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`; floating point.

    Output shape:
        The same shape with `ceil(time * output_rate / input_rate)` samples; the compute dtype.

    Raises:
        ValueError: If an argument is out of range, or the kernel would have more than 2²³ taps, as it would between
            large rates without a common divisor. The message names the closest rate that works.
        TypeError: If a rate is not an integer, or the samples are integers.

    Notes:
        The result is that of `torchaudio.transforms.Resample` with the same arguments, to 2e-6 of the peak in float32.
        A mask over samples becomes a mask over the output, in which an item of n samples has
        `ceil(n * output_rate / input_rate)`.

    Example:
        ```python
        import keras
        import numpy as np
        import kapre

        model = keras.Sequential([
            keras.Input((None, 1)),
            kapre.Resample(44100, 16000),
            kapre.get_melspectrogram_layer(n_fft=512, hop_length=160, sample_rate=16000, n_mels=40),
        ])
        assert model.predict(np.zeros((1, 44100, 1), "float32"), verbose=0).shape == (1, 97, 40, 1)
        ```

    References:
        Smith, J. O. (2002). Digital Audio Resampling. Center for Computer Research in Music and Acoustics, Stanford.
    """

    def __init__(
        self,
        input_rate: int,
        output_rate: int,
        lowpass_filter_width: int | None = None,
        rolloff: float | None = None,
        resampling_method: Method = "sinc_interp_hann",
        beta: float | None = None,
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(data_format, **kwargs)
        self._sinc = resampling.check_sinc(lowpass_filter_width, rolloff, resampling_method, beta)
        self._rates = resampling.check_rates(input_rate, output_rate, self._sinc)
        self.input_rate, self.output_rate = int(input_rate), int(output_rate)
        self.lowpass_filter_width, self.rolloff = lowpass_filter_width, rolloff
        self.resampling_method, self.beta = resampling_method, beta

    def filtered(self, x: Any) -> Any:
        old, new = self._rates
        return resampling.resample(x, old, new, self._sinc)

    def stream(self, chunk_samples: int | None = None, compile: bool = False) -> FilterStream:
        """Return a stream that runs this layer chunk by chunk with `initial_state`, `step` and `flush`.

        Args:
            chunk_samples: Number of samples in every chunk, which fixes the shapes of a step. It is a multiple of
                `input_rate / gcd(input_rate, output_rate)`. None allows
                chunks of any size.
            compile: Whether to compile `step`; see `kapre.frontends.Stream`.
        """
        return FilterStream(self, Resampling(*self._rates, self._sinc, chunk_samples), compile)

    def num_samples(self, n_samples: int | None) -> int | None:
        length: int | None = resampling.out_length(n_samples, *self._rates)
        return length

    def call(self, inputs: Any, mask: Any = None) -> Any:
        return self._computed(inputs, mask)

    def output_mask(self, mask: Any) -> Any:
        old, new = self._rates
        if keras.utils.is_keras_tensor(mask):
            return ResampleMask(old, new)(mask)
        return resampling.out_mask(mask, old, new)


@register
class Convolve(_Filter):
    """Convolve waveforms with an impulse response by FFT; see `kapre.functional.fft_convolve`.

    Args:
        kernel: The impulse response, a sequence of at least one float. It is stored in the config.
        mode: "full" (the output is `len(kernel) - 1` samples longer), "same" (as long as the input, from the middle),
            or "valid" (`len(kernel) - 1` samples shorter: those to which every tap contributes).
        data_format: "default", "channels_first" or "channels_last".
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`; floating point.

    Output shape:
        The same shape, with the time that `mode` gives; the compute dtype.

    Raises:
        ValueError: If `mode` is unknown, or `kernel` is empty, of the wrong rank, or not finite.
        TypeError: If the samples are integers.

    Notes:
        The result matches `scipy.signal.convolve` of float64 to 1e-6 of the peak in float32. A mask over samples
        becomes a mask over the output, with the time that `mode` gives for each item.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.array([1.0, 2.0, 3.0], "float32").reshape(1, 3, 1)
        y = kapre.Convolve([1.0, 0.5])(x)
        assert np.allclose(np.asarray(y).ravel(), [1.0, 2.5, 4.0, 1.5], atol=1e-6)
        ```
    """

    def __init__(
        self,
        kernel: Any,
        mode: Mode = "full",
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(data_format, **kwargs)
        values = np.asarray(kernel, "float64")
        if values.ndim != 1 or not values.size or not np.isfinite(values).all():
            rule = "a sequence of finite numbers, at least one"
            given = f"shape {values.shape}" if values.ndim != 1 or not values.size else kernel
            raise ValueError(message("kernel", rule, given, "Use one channel of a recording: kernel[:, 0]."))
        self.kernel = tuple(values.tolist())
        self.mode = choice("mode", mode, get_args(Mode), "Use 'full' for the whole response.")

    def filtered(self, x: Any) -> Any:
        return convolution.fft_convolve(x, np.array(self.kernel), self.mode)

    def num_samples(self, n_samples: int | None) -> int | None:
        more = {"full": len(self.kernel) - 1, "same": 0, "valid": 1 - len(self.kernel)}[self.mode]
        return None if n_samples is None else max(0, n_samples + more)

    def call(self, inputs: Any, mask: Any = None) -> Any:
        return self._computed(inputs, mask)

    def output_mask(self, mask: Any) -> Any:
        before = len(self.kernel) - 1
        if self.mode == "full":
            return library(mask).pad(frames.inside(mask), [(0, 0), (before, 0)], constant_values=True)
        return frames.inside(mask)[:, before:] if self.mode == "valid" else mask


@register
class IIRFilter(_Filter):
    """Filter waveforms with recursive second-order sections; see `kapre.functional.iir_filter`.

    Args:
        sos: Coefficients `(sections, 6)`: b0, b1, b2, a0, a1, a2, as from `kapre.functional.biquad` or SciPy's designs
            with `output="sos"`.
        trainable_sos: bool. Whether to train the coefficients. They start at `sos`, and nothing keeps the filter stable
            during training. `current_sos` returns them. Keras' `trainable` freezes them, as in any layer.
        decay: int ≥ 1, samples, or None. The number of samples after which the impulse response has decayed. By default
            it is computed from `sos`. Use a larger value if training may make the response longer.
        data_format: "default", "channels_first" or "channels_last".
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`; floating point.

    Output shape:
        The same shape; the compute dtype.

    Raises:
        ValueError: If `sos` has the wrong shape, or the filter is unstable.
        TypeError: If the samples are integers.

    Notes:
        The result matches `scipy.signal.sosfilt` of float64 to 1e-6 of the peak of the input in float32. The output is
        not clipped.

    Example:
        ```python
        import numpy as np
        import kapre

        low = kapre.functional.biquad("lowpass", 1000.0, sample_rate=16000)
        layer = kapre.IIRFilter(np.concatenate([low, low]))  # 24 dB per octave
        t = np.arange(16000) / 16000
        y = np.asarray(layer(np.sin(2 * np.pi * 4000 * t).reshape(1, -1, 1).astype("float32")))
        assert np.abs(y[0, 1000:]).max() < 0.01
        ```
    """

    def __init__(
        self,
        sos: Any,
        trainable_sos: bool = False,
        decay: int | None = None,
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(data_format, **kwargs)
        values = iir.check_sos(sos)
        if values.ndim != 2:
            rule, given = "of shape (sections, 6)", f"shape {values.shape}"
            raise ValueError(message("sos", rule, given, "Use one filter: sos[0]."))
        self.sos = tuple(map(tuple, values.tolist()))
        self.trainable_sos = flag("trainable_sos", trainable_sos)
        self._decay = iir.check_decay(values, decay, self.work_dtype)
        self.decay = None if decay is None else self._decay
        self._in_one_piece = not self.trainable_sos
        self._change: Any = None

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        if self.trainable_sos and self._change is None:
            shape = (len(self.sos), 2, 3)
            self._change = self.add_weight(
                shape=shape, initializer="zeros", dtype=self.work_dtype, autocast=False, name="change"
            )

    def _sums(self) -> np.ndarray:
        """Return the sums of the coefficients, which keep their digits in float32 where the coefficients do not."""
        return iir.sections(np.array(self.sos))

    def current_sos(self) -> np.ndarray:
        """Return the current coefficients `(sections, 6)`, with a0 = 1."""
        sums = self._sums()
        if self._change is not None:
            sums = sums + ops.convert_to_numpy(self._change)
        found: np.ndarray = iir.coefficients(sums / (0.5 * (sums[:, 1:, 1:2] + sums[:, 1:, 2:])))
        return found

    def filtered(self, x: Any) -> Any:
        sums = self._sums()
        return iir.apply(x, sums if self._change is None else fourier.constant(sums, x) + self._change, self._decay)

    def stream(self, chunk_samples: int | None = None, compile: bool = False) -> FilterStream:
        """Return a stream that runs this layer chunk by chunk with `initial_state`, `step` and `flush`.

        Args:
            chunk_samples: Number of samples in every chunk, which fixes the shapes of a step. None allows
                chunks of any size.
            compile: Whether to compile `step`; see `kapre.frontends.Stream`.
        """
        return FilterStream(self, Recursion(len(self.sos), self._decay, chunk_samples), compile)

    def stream_weights(self) -> dict[str, Any]:
        sums = ops.convert_to_tensor(self._sums().astype(self.work_dtype))
        return {"sums": sums if self._change is None else sums + self._change}

    def call(self, inputs: Any, mask: Any = None) -> Any:
        return self._computed(inputs, mask)
