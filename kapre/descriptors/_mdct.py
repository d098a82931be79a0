"""The modified discrete cosine transform and its inverse."""

from __future__ import annotations

from typing import Any, Literal, Unpack

import numpy as np
from keras import ops

from kapre._arguments import LayerArguments
from kapre._checks import choice, flag, message, positive_int
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
from kapre.descriptors._base import OfSamples
from kapre.ops import frames, music
from kapre.ops.windows import resolve_name, window

MDCTNorm = Literal["ortho"] | None


def _transform(frame_length: Any, window_name: Any, norm: Any) -> tuple[int, str, bool]:
    """Return half of the frame, the window's name and whether it is orthonormal. Refuse what has no inverse."""
    size = positive_int("frame_length", frame_length, "Use 2048.")
    if size % 2:
        raise ValueError(message("frame_length", "even", frame_length, f"Use {size + 1}."))
    choice("norm", norm, ("ortho", None), "Use None, as TensorFlow does.")
    name = resolve_name(window_name)
    squares = window(name, size) ** 2
    if not np.allclose(squares[: size // 2] + squares[size // 2 :], 1.0, atol=1e-9):
        rule = "a window whose squares sum to 1 with those of its other half"
        ways = "Use 'vorbis_window', 'kaiser_bessel_derived_window' or 'cosine_window', the sine window."
        raise ValueError(message("window_name", rule, window_name, ways))
    return size // 2, name, norm == "ortho"


@register
class MDCT(OfSamples):
    """Compute the modified discrete cosine transform (MDCT) of waveforms.

    With frames of 2N samples, N samples apart, the coefficients are
    `2 Σ_n w[n] x[n] cos(π / N (n + ½ + N / 2) (k + ½))`. `InverseMDCT` recovers the samples.

    Args:
        frame_length: int ≥ 2, even, samples. Length of a frame, 2N.
        window_name: "vorbis_window", "kaiser_bessel_derived_window" or "cosine_window" (the sine window). Windows that
            cannot be inverted are refused.
        norm: None for the factor 2, as in TensorFlow, or "ortho" for `sqrt(2 / N)`, which keeps the energy.
        center: bool. Whether to pad both ends with N zeros, so that all samples can be recovered.
        data_format: "default", "channels_first" or "channels_last". The position of the channel axis, if there is one.
        **kwargs: Keras' layer arguments.

    Input shape:
        `(batch, time)`. With channels, channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`.

    Output shape:
        `(batch, frames, N)`. With channels, channels_last `(batch, frames, N, channel)`, channels_first
        `(batch, channel, frames, N)`. The compute dtype.

    Raises:
        ValueError: If an argument is out of range, or the input has the wrong rank.
        TypeError: If an argument has the wrong type, or the samples are integers.

    Notes:
        With `center=False`, the result equals `tf.signal.mdct` within 1e-6 of the peak.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.random.default_rng(0).uniform(-1, 1, (1, 4096)).astype("float32")
        y = kapre.MDCT(512)(x)
        assert tuple(y.shape) == (1, 17, 256)
        assert np.allclose(np.asarray(kapre.InverseMDCT(512)(y)), x, atol=1e-5)
        ```

    References:
        Princen, J. P., Johnson, A. W. and Bradley, A. B. (1987). Subband/transform coding using filter bank designs
        based on time domain aliasing cancellation. IEEE International Conference on Acoustics, Speech, and Signal
        Processing.
    """

    def __init__(
        self,
        frame_length: int = 2048,
        window_name: str = "vorbis_window",
        norm: MDCTNorm = None,
        center: bool = True,
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        size, name, ortho = _transform(frame_length, window_name, norm)
        super().__init__(
            music.Mdct(size, name, ortho),
            frame_length=2 * size,
            hop_length=size,
            center=center,
            pad_mode="constant",
            data_format=data_format,
            **kwargs,
        )
        self.window_name, self.norm = name, norm

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return {name: value for name, value in config.items() if name not in ("hop_length", "pad_mode")}


@register
class InverseMDCT(AudioLayer):
    """Recover waveforms from their modified discrete cosine transform; see `kapre.MDCT`.

    Args:
        frame_length: int ≥ 2, even, samples. Length of a frame, 2N.
        window_name: The window of the forward transform.
        norm: The norm of the forward transform.
        center: bool. Whether the forward transform was centred. If so, N samples are cut from both ends.
        length: int ≥ 1 or None, samples. The output is cut or zero-padded to this length.
        data_format: "default", "channels_first" or "channels_last". The position of the channel axis, if there is one.
        **kwargs: Keras' layer arguments.

    Input shape:
        `(batch, frames, N)`. With channels, channels_last `(batch, frames, N, channel)`, channels_first
        `(batch, channel, frames, N)`.

    Output shape:
        `(batch, time)`. With channels, channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`.
        There are `(frames - 1) * N` samples with `center`, else `(frames + 1) * N`, unless `length` changes it.

    Raises:
        ValueError: If an argument is out of range, or the input has the wrong rank or number of coefficients.
        TypeError: If an argument has the wrong type, or the input is complex or integer.

    Notes:
        The samples of `MDCT` are recovered to 1e-6 of their peak. With `center=False`, the first and the last N samples
        belong to a single frame and are not recovered. The transform drops samples at the end that do not fill a hop of
        N samples.

    Example:
        ```python
        import numpy as np
        import kapre

        y = kapre.InverseMDCT(512, length=1000)(np.zeros((2, 5, 256), "float32"))
        assert tuple(y.shape) == (2, 1000)
        ```
    """

    def __init__(
        self,
        frame_length: int = 2048,
        window_name: str = "vorbis_window",
        norm: MDCTNorm = None,
        center: bool = True,
        length: int | None = None,
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(**kwargs)
        size, name, ortho = _transform(frame_length, window_name, norm)
        self._matrix = music.inverse_mdct_matrix(size, name, ortho)
        self.frame_length, self.window_name, self.norm = 2 * size, name, norm
        self.center = flag("center", center)
        self.length = None if length is None else positive_int("length", length, "Use None for all samples.")
        self.data_format = resolve_data_format(data_format)

    @property
    def _cut(self) -> int:
        return self.frame_length // 2 if self.center else 0

    def call(self, inputs: Any, mask: Any = None) -> Any:
        x = self.real_input(inputs)
        self.output_shape_and_dtype(tuple(inputs.shape))  # raises for another shape, also after the first call
        x = x[:, None] if len(x.shape) == 3 else channels_second(x, 4, self.data_format)
        if mask is not None:
            x = frames.keep(x, lengths_of(mask), axis=2)
        y = music.inverse_mdct(x, self._matrix)
        y = y[..., self._cut : ops.shape(y)[-1] - self._cut]
        if self.length is not None:
            y = frames.pad(y, 0, self.length)[..., : self.length]
        y = ops.cast(y, self.compute_dtype)
        return y[:, 0] if len(inputs.shape) == 3 else channels_in_place(y, self.data_format)

    def time_axes(self, shape: Shape) -> Any:
        if self.length is not None:
            return None
        return (1, 1) if len(shape) == 3 else super().time_axes(shape)

    def output_mask(self, mask: Any) -> Any:
        size = self.frame_length // 2
        return frames.sample_mask(mask, 2 * self._cut, self.frame_length, size, self.length)

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        if len(shape) == 3:
            (batch, count, bins), channels = shape, None
        elif len(shape) == 4:
            batch, channels, count, bins = shape_channels_second(shape, 4, self.data_format)
        else:
            rule = "of shape (batch, frames, coefficients), or with channels"
            raise ValueError(message("inputs", rule, f"shape {tuple(shape)}", "Give it the output of kapre.MDCT."))
        size = self.frame_length // 2
        if bins not in (None, size):
            rule = f"of {size} coefficients for frame_length={self.frame_length}"
            raise ValueError(message("inputs", rule, bins, "Give both layers the same frame_length."))
        time = self.length
        if time is None and count is not None:
            time = max(0, (count + 1) * size - 2 * self._cut)
        found = (batch, time) if len(shape) == 3 else shape_in_place((batch, channels, time), self.data_format)
        return found, self.compute_dtype
