"""Losses that are ratios of signal to error in decibels."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from kapre._checks import flag, number
from kapre.losses._base import WaveformLoss, mean
from kapre.ops import frames
from kapre.ops.kernels import active as kernel

_DECIBELS = 10.0 / math.log(10.0)


def _without_mean(x: Any, lengths: Any) -> Any:
    """Subtract the mean over the samples of each row `(batch, channel, time)`, and leave 0 past its end."""
    if lengths is None:
        return x - mean(x, (2,))[:, :, None]
    counted = kernel.at_least(ops.reshape(ops.cast(lengths, x.dtype), (-1, 1, 1)), 1.0)
    return frames.keep(x - ops.sum(x, axis=-1, keepdims=True) / counted, lengths)


class _Ratio(WaveformLoss):
    """Compute the negative ratio of a signal's energy to that of the error, in dB."""

    def __init__(self, zero_mean: bool = True, epsilon: float = 1e-8, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.zero_mean = flag("zero_mean", zero_mean)
        self.epsilon = number("epsilon", epsilon, "Use 1e-8.", above=0.0, rule="a positive number")

    def compare(self, y_true: Any, y_pred: Any, lengths: Any) -> Any:
        if lengths is not None:
            y_true, y_pred = (frames.keep(y, lengths) for y in (y_true, y_pred))
        if self.zero_mean:
            y_true, y_pred = (_without_mean(y, lengths) for y in (y_true, y_pred))
        return -self.ratio(y_true, y_pred)

    def ratio(self, y_true: Any, y_pred: Any) -> Any:
        """Return the ratio in dB of each row, `(batch, channel)`."""
        raise NotImplementedError

    def _in_decibels(self, signal: Any, error: Any) -> Any:
        """Return the ratio of energies of samples, which is finite for silence and for equal signals."""
        energies = (ops.sum(ops.square(x), axis=-1) for x in (signal, error))
        of_signal, of_error = energies
        return _DECIBELS * ops.log(of_signal / (of_error + self.epsilon) + self.epsilon)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "zero_mean": self.zero_mean, "epsilon": self.epsilon}


@keras.saving.register_keras_serializable(package="Kapre", name="SISDRLoss")
class SISDR(_Ratio):
    """Compute the negative scale-invariant signal-to-distortion ratio (SI-SDR), in dB.

    With the target s = `y_true` and the estimate ŝ = `y_pred`, the ratio is `10 log10(‖αs‖² / ‖αs − ŝ‖²)`, where `αs`
    is the projection of ŝ on s. The gain of ŝ does not matter. The loss is the negative ratio, so that it decreases as
    the estimate improves.

    Args:
        zero_mean: Whether to subtract the mean of each clip first.
        epsilon: Number that is added to the divisor and to the ratio. It bounds the ratio, and a silent target gives
            -80 dB with the default.
        **kwargs: `data_format`, `reduction`, `name` and `dtype` of `WaveformLoss`.

    Notes:
        The loss equals `auraloss.time.SISDRLoss` within 1e-4 dB in float32.

    Example:
        ```python
        import numpy as np
        import kapre

        rng = np.random.default_rng(0)
        x = rng.normal(size=(2, 16000)).astype("float32")
        noisy = 3.0 * (x + 0.1 * rng.normal(size=x.shape)).astype("float32")
        assert abs(float(kapre.losses.SISDR()(x, noisy)) + 20.0) < 0.2
        ```

    References:
        Le Roux, Wisdom, Erdogan and Hershey (2019), SDR — half-baked or well done?
    """

    def ratio(self, y_true: Any, y_pred: Any) -> Any:
        energy = ops.sum(ops.square(y_true), axis=-1, keepdims=True)
        scale = ops.sum(y_true * y_pred, axis=-1, keepdims=True) / (energy + self.epsilon)
        return self._in_decibels(scale * y_true, y_pred - scale * y_true)


@keras.saving.register_keras_serializable(package="Kapre", name="SNRLoss")
class SNR(_Ratio):
    """Compute the negative signal-to-noise ratio, in dB.

    With the target s = `y_true` and the estimate ŝ = `y_pred`, the ratio is `10 log10(‖s‖² / ‖s − ŝ‖²)`.

    Args:
        zero_mean: Whether to subtract the mean of each clip first.
        epsilon: Number that is added to the divisor and to the ratio; see `SISDR`.
        **kwargs: `data_format`, `reduction`, `name` and `dtype` of `WaveformLoss`.

    Notes:
        The loss equals `auraloss.time.SNRLoss` within 1e-4 dB in float32.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.random.default_rng(0).normal(size=(2, 16000)).astype("float32")
        assert abs(float(kapre.losses.SNR()(x, 0.9 * x)) + 20.0) < 1e-3
        ```
    """

    def ratio(self, y_true: Any, y_pred: Any) -> Any:
        return self._in_decibels(y_true, y_true - y_pred)
