"""`PCEN`: per-channel energy normalization whose parameters are trained, one set for each band."""

from __future__ import annotations

from typing import Any, Literal, Unpack

import numpy as np
from keras import ops

from kapre._arguments import LayerArguments
from kapre._checks import choice, fraction, message, number
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
)
from kapre.learned._parameters import Parameter, rate_multiplier
from kapre.ops import frames, pcen
from kapre.ops.kernels import active as kernel

Start = Literal["unit", "first"]
NAMES = ("gain", "bias", "power", "smoothing")
_LEAST_BIAS, _LARGEST_BIAS = 1e-6, 1e6
_LEAST_POWER = 1e-2


class Normalization:
    """Hold the trained parameters of PCEN, one of each for each band, and apply them."""

    def __init__(
        self,
        layer: Any,
        bands: int,
        start: tuple[float, float, float, float],
        epsilon: float,
        begins: Start,
        multiplier: float,
    ) -> None:
        gain, bias, power, smoothing = (np.full((bands,), value) for value in start)
        self.gain = Parameter(layer, "gain", gain, (0.0, 1.0), multiplier)
        self.bias = Parameter(layer, "bias", bias, (_LEAST_BIAS, _LARGEST_BIAS), multiplier, relative=True)
        self.power = Parameter(layer, "power", power, (_LEAST_POWER, 1.0), multiplier, relative=True)
        of_level = (pcen.LEAST_SMOOTHING, 1.0)
        self.smoothing = Parameter(layer, "smoothing", smoothing, of_level, multiplier, relative=True)
        self._epsilon, self._begins = epsilon, begins

    def __call__(self, x: Any) -> Any:
        """Return energies `(..., frames, bands)` with each divided by its level, and compressed."""
        if x.shape[-2] == 0:
            return x
        begins = kernel.head(x, 1, axis=-2)
        if self._begins == "unit":
            begins = ops.ones_like(ops.sum(x, axis=-2, keepdims=True))  # for any number of frames
        level = pcen.smoothed(x, self.smoothing.tensor(), begins, pcen.LEAST_SMOOTHING)
        return pcen.compressed(x, level, self.gain.tensor(), self.bias.tensor(), self.power.tensor(), self._epsilon)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the current parameters by name."""
        return {name: getattr(self, name).array() for name in NAMES}


@register
class PCEN(AudioLayer):
    """Divide each band by its smoothed level, and compress its range, with trained parameters for each band.

    The level follows the energy, `M[t] = (1 - smoothing) M[t - 1] + smoothing x[t]`. The output is
    `(x / (epsilon + M) ** gain + bias) ** power - bias ** power`. The layer starts with the same parameters in every
    band. If they need not be trained, the stage of a recipe, `kapre.Recipe(pcen=True)`, computes the same values faster
    and can stream.

    Args:
        gain: float from 0 to 1. The initial exponent of the level. 1.0 removes the level.
        bias: float from 1e-6 to 1e6. The initial offset before the compression.
        power: float from 0.01 to 1. The initial exponent of the compression: the reciprocal of LEAF's root.
        smoothing: float from 0.002 to 1. The initial share of a frame in the level.
        epsilon: float ≥ 1e-6. The number added to the level.
        start: "unit" (librosa) starts from a level of 1, "first" (LEAF) from the first frame.
        learning_rate_multiplier: float > 0. Factor of the steps of an optimizer that normalises gradients, such as
            Adam. With 1.0, a step of 0.001 changes the gain by 0.001 and the other parameters by 0.1 %.
        data_format: "default", "channels_first" or "channels_last". The position of the channel axis, if there is one.
        **kwargs: Keras' layer arguments. With `trainable=False`, the parameters stay as they are.

    Input shape:
        `(batch, frame, band)`. With channels, channels_last `(batch, frame, band, channel)`, channels_first
        `(batch, channel, frame, band)`; real, and 0 or above.

    Output shape:
        The same shape; the compute dtype.

    Raises:
        ValueError: If an argument is out of range, the input has the wrong rank, or its number of bands is unknown.
        TypeError: If an argument has the wrong type, or the input is complex or integer.

    Notes:
        Before training, the result equals that of `kapre.Recipe(pcen=True)` with the same numbers, and that of
        `librosa.pcen`, within 1e-5 of the peak in float32. In training, `0 ≤ gain ≤ 1`, `1e-6 ≤ bias ≤ 1e6`,
        `0.01 ≤ power ≤ 1` and `0.002 ≤ smoothing ≤ 1`.

    Example:
        ```python
        import numpy as np
        import kapre

        bands = kapre.Recipe(n_fft=512, hop_length=160, filterbank="mel", sample_rate=16000, n_mels=40)
        layer = kapre.PCEN()
        y = layer(kapre.Frontend(bands)(np.random.default_rng(0).uniform(-1, 1, (1, 16000)).astype("float32")))
        assert y.shape == (1, 97, 40) and len(layer.trainable_weights) == 4
        assert np.allclose(layer.parameters["gain"], 0.98)
        ```

    References:
        Wang, Y. et al. (2017). Trainable Frontend for Robust and Far-Field Keyword Spotting. ICASSP.
    """

    _in_one_piece = False  # the weights are no constants

    def __init__(
        self,
        gain: float = 0.98,
        bias: float = 2.0,
        power: float = 0.5,
        smoothing: float = 0.025,
        epsilon: float = 1e-6,
        start: Start = "unit",
        learning_rate_multiplier: float = 1.0,
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(**kwargs)
        self._may_skip_keras = False
        self.gain = fraction("gain", gain, "a number from 0 to 1", "Use 0.98.")
        self.bias = _from_to("bias", bias, _LEAST_BIAS, _LARGEST_BIAS, "Use 2.0.")
        self.power = _from_to("power", power, _LEAST_POWER, 1.0, "Use 0.5, the reciprocal of LEAF's root of 2.")
        self.smoothing = _from_to("smoothing", smoothing, pcen.LEAST_SMOOTHING, 1.0, "Use 0.025.")
        rule = "a number, 1e-6 or above"
        self.epsilon = number("epsilon", epsilon, "Use 1e-6.", at_least=1e-6, rule=rule)
        self.start = choice("start", start, ("unit", "first"), "librosa starts from 1, LEAF from the first frame.")
        self.learning_rate_multiplier = rate_multiplier(learning_rate_multiplier)
        self.data_format = resolve_data_format(data_format)
        self._normalization: Normalization | None = None

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        if self._normalization is None:
            values = (self.gain, self.bias, self.power, self.smoothing)
            bands: Any = self._bands(tuple(input_shape))
            how = self.epsilon, self.start, self.learning_rate_multiplier
            self._normalization = Normalization(self, int(bands), values, *how)

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """Return the current "gain", "bias", "power" and "smoothing" of each band. The layer must be built."""
        if self._normalization is None:
            raise ValueError(f"{self.name}: the number of bands is not known yet. Call the layer, or build it.")
        return self._normalization.arrays()

    def call(self, inputs: Any, mask: Any = None) -> Any:
        x = self.real_input(inputs)
        flat = len(x.shape) == 3
        x = x[:, None] if flat else channels_second(x, 4, self.data_format)
        if mask is not None:
            x = frames.keep(x, lengths_of(mask), axis=2)
        assert self._normalization is not None
        y = ops.cast(self._normalization(x), self.compute_dtype)
        return y[:, 0] if flat else channels_in_place(y, self.data_format)

    def _bands(self, shape: Shape) -> int | None:
        return shape[-1] if len(shape) == 3 else shape_channels_second(shape, 4, self.data_format)[3]

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        if len(shape) not in (3, 4):
            rule = "of shape (batch, frame, band), or with channels (batch, frame, band, channel)"
            raise ValueError(message("inputs", rule, f"shape {tuple(shape)}", "For one clip, add the batch: x[None]."))
        if self._bands(shape) is None:
            raise ValueError(f"{self.name}: the input's number of bands must be known; received None.")
        return tuple(shape), self.compute_dtype


def _from_to(name: str, value: Any, low: float, high: float, remedy: str) -> float:
    """Return a number between two others, or raise an error."""
    rule = f"a number from {low:g} to {high:g}"
    found = number(name, value, remedy, at_least=low, rule=rule)
    if found > high:
        raise ValueError(message(name, rule, value, remedy))
    return found
