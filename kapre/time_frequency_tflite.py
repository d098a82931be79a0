"""Layers whose graph has no complex numbers.

Spectrograms hold the real and imaginary parts on a trailing axis of size 2. These layers replace `STFT`, `Magnitude`
and `Phase` where a runtime lacks complex tensors or an FFT.
"""

from __future__ import annotations

from typing import Any, Unpack

from keras import ops

from kapre._arguments import LayerArguments
from kapre._layer import AudioLayer, Shape, channels_in_place, register, register_published
from kapre.ops import fourier
from kapre.time_frequency import STFT, check_atan_accuracy


def _parts(shape: Shape) -> Shape:
    """Return the shape of a real and imaginary pair without its trailing axis of size 2."""
    shape = tuple(shape)
    if len(shape) < 2 or shape[-1] != 2:
        raise ValueError(
            f"The input must hold real and imaginary parts on a trailing axis of 2; received shape {shape}. "
            "Give it the output of kapre.STFTTflite."
        )
    return shape[:-1]


@register
class STFTTflite(STFT):
    """Compute the short-time Fourier transform as real and imaginary parts, by convolutions with the DFT matrix.

    The values are those of `STFT`, with the parts on a trailing axis of size 2. Only operations that every runtime has
    are used.

    Args:
        n_fft: int ≥ 1, samples. DFT length. The matrices in the file grow with its square: 0.5 MB at 512, 8 MB at 2048.
        win_length: int ≥ 1 or None (`n_fft`), samples. Window length.
        hop_length: int ≥ 1 or None (`win_length // 4`), samples. Distance between the starts of frames.
        window_name: A name accepted by `kapre.backend.get_window_fn`, or None for hann.
        pad_begin: bool. Pad the start with `n_fft - hop_length` zeros.
        pad_end: bool. Keep frames that extend past the end.
        input_data_format: "default", "channels_first" or "channels_last".
        output_data_format: The data format of the output, with the same choices.
        center: bool. Centre frames as librosa and torch do; see `STFT`.
        pad_mode: How `center` pads; see `STFT`.
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`; floating point.

    Output shape:
        channels_last `(batch, frame, n_fft // 2 + 1, channel, 2)`, channels_first `(batch, channel, frame,
        n_fft // 2 + 1, 2)`; the compute dtype.

    Raises:
        ValueError: If a number is out of range, or the padding options exclude one another.
        TypeError: If a number is not an integer, or the samples are integers.
        NotImplementedError: If the window name is unknown.

    Notes:
        The result matches `STFT` to 2e-6 of the peak.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.random.uniform(-1, 1, (2, 16000, 1)).astype("float32")
        parts = kapre.STFTTflite(n_fft=512, hop_length=160)(x)
        assert tuple(parts.shape) == (2, 97, 257, 1, 2)
        assert tuple(kapre.MagnitudeTflite()(parts).shape) == (2, 97, 257, 1)
        ```
    """

    def call(self, inputs: Any, mask: Any = None) -> Any:
        parts = [channels_in_place(part, self.output_data_format) for part in self.transform(inputs, mask, "conv")]
        return ops.cast(ops.stack(parts, axis=-1), self.compute_dtype)

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        return (*super().output_shape_and_dtype(shape)[0], 2), self.compute_dtype


@register
class MagnitudeTflite(AudioLayer):
    """Compute the magnitude of real and imaginary parts on a trailing axis of size 2.

    Args:
        **kwargs: Keras' layer arguments.

    Input shape:
        `(..., 2)`, as from `STFTTflite`.

    Output shape:
        `(...)`; the compute dtype.

    Raises:
        ValueError: If the last axis does not have size 2.

    Example:
        ```python
        import numpy as np
        import kapre

        assert float(kapre.MagnitudeTflite()(np.array([[3.0, 4.0]], "float32"))[0]) == 5.0
        ```
    """

    def call(self, inputs: Any) -> Any:
        x = self.real_input(inputs)
        return ops.cast(fourier.magnitude((x[..., 0], x[..., 1])), self.compute_dtype)

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        return _parts(shape), self.compute_dtype


@register
class PhaseTflite(AudioLayer):
    """Compute the phase of real and imaginary parts on a trailing axis of size 2, in radians in [−π, π].

    Args:
        approx_atan_accuracy: None for the exact arctangent, or int ≥ 1 for the number of levels of an approximation by
            basic arithmetic; see `Phase`.
        **kwargs: Keras' layer arguments.

    Input shape:
        `(..., 2)`, as from `STFTTflite`.

    Output shape:
        `(...)`; the compute dtype.

    Raises:
        ValueError: If `approx_atan_accuracy` is below 1, or the last axis does not have size 2.

    Example:
        ```python
        import numpy as np
        import kapre

        assert np.allclose(kapre.PhaseTflite()(np.array([[0.0, 1.0]], "float32")), [np.pi / 2])
        ```
    """

    def __init__(self, approx_atan_accuracy: int | None = None, **kwargs: Unpack[LayerArguments]) -> None:
        super().__init__(**kwargs)
        self.approx_atan_accuracy = check_atan_accuracy(approx_atan_accuracy)

    def call(self, inputs: Any) -> Any:
        x = self.real_input(inputs)
        return ops.cast(fourier.phase((x[..., 0], x[..., 1]), self.approx_atan_accuracy), self.compute_dtype)

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        return _parts(shape), self.compute_dtype


for _layer in (STFTTflite, MagnitudeTflite, PhaseTflite):
    register_published(_layer)
