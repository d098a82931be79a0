"""Layers that process waveforms."""

from __future__ import annotations

from typing import Any, Unpack

from keras import ops

from kapre._arguments import LayerArguments
from kapre._checks import message, number, positive_int, published_flag
from kapre._layer import (
    AudioLayer,
    DataFormat,
    Shape,
    channels_in_place,
    channels_second,
    register,
    resolve_data_format,
    shape_channels_second,
    shape_in_place,
    time_axis,
)
from kapre.ops import fourier, frames, scales


@register
class Frame(AudioLayer):
    """Cut waveforms into overlapping frames.

    Args:
        frame_length: int ≥ 1, samples. Length of a frame.
        hop_length: int ≥ 1, samples. Distance between the starts of consecutive frames. A hop longer than
            `frame_length` skips samples.
        pad_end: bool. Keep frames that extend past the end and fill them with `pad_value`, which gives
            `ceil(time / hop_length)` frames.
        pad_value: float. The value that `pad_end` pads with.
        data_format: "default" (Keras' setting), "channels_first" or "channels_last".
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`; floating point.

    Output shape:
        channels_last `(batch, frame, frame_length, channel)`, channels_first `(batch, channel, frame, frame_length)`;
        the compute dtype. There are `1 + (time - frame_length) // hop_length` frames, or 0 for a shorter clip.

    Raises:
        ValueError: If a length is not positive.
        TypeError: If a length is not an integer, or the samples are integers.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.arange(8, dtype="float32").reshape(1, 8, 1)
        assert np.asarray(kapre.Frame(4, 3)(x))[0, :, :, 0].tolist() == [[0, 1, 2, 3], [3, 4, 5, 6]]
        ```
    """

    def __init__(
        self,
        frame_length: int,
        hop_length: int,
        pad_end: bool = False,
        pad_value: float = 0,
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.frame_length = positive_int("frame_length", frame_length, "Give it in samples, such as 2048.")
        self.hop_length = positive_int(
            "hop_length", hop_length, f"Use {max(1, self.frame_length // 2)} for 50 % overlap."
        )
        self.pad_end = published_flag("pad_end", pad_end)
        self.pad_value = 0 if pad_value is None else pad_value  # files of 0.4.1 without padding hold None
        number("pad_value", self.pad_value, "Use 0.")
        self.data_format = resolve_data_format(data_format)

    def frames_of(self, inputs: Any, mask: Any = None) -> Any:
        """Return the frames in the working dtype, with the channel axis second."""
        x = channels_second(self.real_input(inputs), 3, self.data_format)
        if mask is not None:
            x = frames.keep(x, frames.lengths_of(mask), float(self.pad_value))
        return frames.frame(x, self.frame_length, self.hop_length, self.pad_end, self.pad_value)

    def output_mask(self, mask: Any) -> Any:
        return frames.frame_mask(mask, 0, self.frame_length, self.hop_length, self.pad_end)

    def num_frames(self, n_samples: Any) -> Any:
        """Return the number of frames of a clip: an int, or None if it is unknown."""
        return frames.num_frames(n_samples, self.frame_length, self.hop_length, self.pad_end)

    def call(self, inputs: Any, mask: Any = None) -> Any:
        return channels_in_place(ops.cast(self.frames_of(inputs, mask), self.compute_dtype), self.data_format)

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        batch, channels, time = shape_channels_second(shape, 3, self.data_format)
        count = self.num_frames(time)
        return shape_in_place((batch, channels, count, self.frame_length), self.data_format), self.compute_dtype


@register
class Energy(Frame):
    """Sum the squares of the samples in each frame, scaled to a reference duration.

    The energy is `Σ x² · ref_duration / (frame_length / sample_rate)`. It is the energy that a clip of `ref_duration`
    with the same loudness would have. Energies computed with different frame lengths are therefore comparable.

    Args:
        sample_rate: float > 0, Hz.
        ref_duration: float > 0, seconds. The reference duration.
        frame_length: int ≥ 1, samples. Length of a frame.
        hop_length: int ≥ 1, samples. Distance between the starts of consecutive frames.
        pad_end: bool. Keep frames that extend past the end and fill them with `pad_value`.
        pad_value: float. The value that `pad_end` pads with.
        data_format: "default", "channels_first" or "channels_last".
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`; floating point.

    Output shape:
        channels_last `(batch, frame, channel)`, channels_first `(batch, channel, frame)`; the compute dtype.

    Raises:
        ValueError: If a number that must be positive is not.
        TypeError: If a length is not an integer, or the samples are integers.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.ones((1, 1600, 1), "float32")
        energy = kapre.Energy(sample_rate=16000, ref_duration=0.1, frame_length=400, hop_length=400)(x)
        assert np.allclose(np.asarray(energy).ravel(), 1600.0)
        ```
    """

    def __init__(
        self,
        sample_rate: float = 22050,
        ref_duration: float = 0.1,
        frame_length: int = 2205,
        hop_length: int = 1102,
        pad_end: bool = False,
        pad_value: float = 0,
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(frame_length, hop_length, pad_end, pad_value, data_format, **kwargs)
        positive = "a positive number"
        self.sample_rate = number("sample_rate", sample_rate, "Give it in Hz.", above=0.0, rule=f"{positive} of Hz")
        self.ref_duration = number("ref_duration", ref_duration, "Use 0.1.", above=0.0, rule=f"{positive} of seconds")

    def call(self, inputs: Any, mask: Any = None) -> Any:
        total = ops.sum(ops.square(self.frames_of(inputs, mask)), axis=-1)
        scaled = total * (self.ref_duration / (self.frame_length / self.sample_rate))
        return channels_in_place(ops.cast(scaled, self.compute_dtype), self.data_format)

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        batch, channels, time = shape_channels_second(shape, 3, self.data_format)
        return shape_in_place((batch, channels, self.num_frames(time)), self.data_format), self.compute_dtype


@register
class MuLawEncoding(AudioLayer):
    """Compress samples by the mu-law and quantise them; see `kapre.backend.mu_law_encoding`.

    Args:
        quantization_channels: int ≥ 2. Number of codes. 256 gives 8 bits.
        **kwargs: Keras' layer arguments.

    Input shape:
        Any shape; floating point, in [−1, 1].

    Output shape:
        The same shape; int32 codes 0 … quantization_channels − 1.

    Raises:
        ValueError: If `quantization_channels` is below 2.
        TypeError: If `quantization_channels` is not an integer, or the samples are integers.

    Example:
        ```python
        import numpy as np
        import kapre

        codes = kapre.MuLawEncoding(256)(np.array([[-1.0, 0.0, 1.0]], "float32"))
        assert np.asarray(codes).tolist() == [[0, 128, 255]]
        ```

    References:
        ITU-T Recommendation G.711 (1988). Pulse code modulation (PCM) of voice frequencies.
    """

    def __init__(self, quantization_channels: int, **kwargs: Unpack[LayerArguments]) -> None:
        super().__init__(**kwargs)
        self.quantization_channels = scales.check_channels(quantization_channels)

    _in_one_piece = False  # the codes match the function to the last bit

    def call(self, inputs: Any) -> Any:
        return scales.mu_law_encode(self.real_input(inputs), self.quantization_channels)

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        return tuple(shape), "int32"


@register
class MuLawDecoding(AudioLayer):
    """Decode mu-law codes to samples; see `kapre.backend.mu_law_decoding`.

    Args:
        quantization_channels: int ≥ 2. The value used for encoding.
        **kwargs: Keras' layer arguments.

    Input shape:
        Any shape; codes 0 … quantization_channels − 1, integer or floating point.

    Output shape:
        The same shape; samples in [−1, 1] in the compute dtype.

    Raises:
        ValueError: If `quantization_channels` is below 2.
        TypeError: If `quantization_channels` is not an integer.

    Example:
        ```python
        import numpy as np
        import kapre

        assert np.allclose(kapre.MuLawDecoding(256)(np.array([[0, 255]])), [[-1.0, 1.0]])
        ```

    References:
        ITU-T Recommendation G.711 (1988). Pulse code modulation (PCM) of voice frequencies.
    """

    input_kind = "any"

    def __init__(self, quantization_channels: int, **kwargs: Unpack[LayerArguments]) -> None:
        super().__init__(**kwargs)
        self.quantization_channels = scales.check_channels(quantization_channels)

    _in_one_piece = False  # the samples match the function to the last bit

    def call(self, inputs: Any) -> Any:
        samples = scales.mu_law_decode(self.real_input(inputs), self.quantization_channels)
        return ops.cast(samples, self.compute_dtype)

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        return tuple(shape), self.compute_dtype


@register
class LogmelToMFCC(AudioLayer):
    """Convert log-mel spectrograms to mel-frequency cepstral coefficients by a DCT-II over the bands.

    The scaling is that of HTK: an orthonormal DCT whose coefficient 0 is multiplied by √2.

    Args:
        n_mfccs: int ≥ 1. Number of coefficients to keep, starting from 0. At most the number of input bands.
        data_format: "default", "channels_first" or "channels_last".
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, frame, band, channel)`, channels_first `(batch, channel, frame, band)`; real.

    Output shape:
        The same shape with `n_mfccs` instead of bands; the compute dtype.

    Raises:
        ValueError: If `n_mfccs` exceeds the number of bands, or the number of bands is unknown.
        TypeError: If `n_mfccs` is not an integer, or the input is complex.

    Notes:
        The result matches `scipy.fft.dct(x, norm="ortho")` and `librosa.feature.mfcc(S=x)`, with coefficient 0
        multiplied by √2.

    Example:
        ```python
        import numpy as np
        import kapre

        log_mel = np.random.standard_normal((1, 10, 40, 1)).astype("float32")
        assert tuple(kapre.LogmelToMFCC(n_mfccs=13)(log_mel).shape) == (1, 10, 13, 1)
        ```

    References:
        Davis, S. and Mermelstein, P. (1980). Comparison of parametric representations for monosyllabic word recognition
        in continuously spoken sentences. IEEE Transactions on Acoustics, Speech, and Signal Processing, 28(4).
    """

    def __init__(
        self, n_mfccs: int = 20, data_format: DataFormat = "default", **kwargs: Unpack[LayerArguments]
    ) -> None:
        super().__init__(**kwargs)
        self.n_mfccs = positive_int("n_mfccs", n_mfccs, "Use 13 or 20.")
        self.data_format = resolve_data_format(data_format)

    def call(self, inputs: Any) -> Any:
        x = channels_second(self.real_input(inputs), 4, self.data_format)
        coefficients = fourier.apply_bank(x, self._matrix)
        return channels_in_place(ops.cast(coefficients, self.compute_dtype), self.data_format)

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        bands: Any = shape_channels_second(input_shape, 4, self.data_format)[3]
        self._matrix = scales.htk_dct_matrix(int(bands), self.n_mfccs)

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        batch, channels, count, bands = shape_channels_second(shape, 4, self.data_format)
        if bands is None:
            raise ValueError(f"{self.name}: the input's count of bands must be known; received None. Give it an Input.")
        if self.n_mfccs > bands:
            raise ValueError(message("n_mfccs", f"at most the input's {bands} bands", self.n_mfccs, f"Use {bands}."))
        return shape_in_place((batch, channels, count, self.n_mfccs), self.data_format), self.compute_dtype


@register
class SqueezeChannels(AudioLayer):
    """Remove the channel axis of a spectrogram so that a recurrent layer can take it, and keep the mask over frames.

    The bands of several channels are placed side by side, starting with those of the first channel.
    `keras.layers.Reshape` gives the same numbers but drops the mask.

    Args:
        data_format: The data format of the input: "default", "channels_first" or "channels_last".
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, frame, band, channel)`, channels_first `(batch, channel, frame, band)`; real.

    Output shape:
        `(batch, frame, channel * band)` in either data format; the compute dtype.

    Raises:
        ValueError: If the input has the wrong rank.
        TypeError: If the input is complex.

    Example:
        ```python
        import keras
        import numpy as np
        import kapre

        model = keras.Sequential([
            keras.Input((None, 1)),
            keras.layers.Masking(),  # zeros at the end of a clip are padding
            kapre.get_melspectrogram_layer(n_fft=512, hop_length=160, sample_rate=16000, n_mels=40),
            kapre.SqueezeChannels(),
            keras.layers.GRU(8),  # takes the frames that the mask lets through
        ])
        clip = np.random.uniform(-1, 1, (1, 8000, 1)).astype("float32")
        padded = np.pad(clip, [(0, 0), (0, 4000), (0, 0)])
        assert np.allclose(model.predict(padded, verbose=0), model.predict(clip, verbose=0), atol=1e-4)
        ```
    """

    def __init__(self, data_format: DataFormat = "default", **kwargs: Unpack[LayerArguments]) -> None:
        super().__init__(**kwargs)
        self.data_format = resolve_data_format(data_format)

    def call(self, inputs: Any) -> Any:
        x = channels_second(self.real_input(inputs), 4, self.data_format)
        _, channels, _, bands = x.shape
        if channels == 1:
            return ops.cast(ops.squeeze(x, 1), self.compute_dtype)
        batch, _, count, _ = ops.shape(x)
        width = -1 if None in (channels, bands) else channels * bands
        return ops.cast(ops.reshape(ops.swapaxes(x, 1, 2), (batch, count, width)), self.compute_dtype)

    def time_axes(self, shape: Shape) -> tuple[int, int] | None:
        return (time_axis(4, self.data_format), 1) if len(shape) == 4 else None

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        batch, channels, count, bands = shape_channels_second(shape, 4, self.data_format)
        width = None if channels is None or bands is None else channels * bands
        return (batch, count, width), self.compute_dtype
