"""Mean ratios of signal to error in decibels."""

from __future__ import annotations

from typing import Any, ClassVar

import keras
from keras import ops

from kapre import losses
from kapre._layer import DataFormat


class _Ratio(keras.metrics.Mean):
    """Average the ratio of each clip over all clips."""

    loss: ClassVar[type[losses.SISDR] | type[losses.SNR]]

    def __init__(
        self,
        zero_mean: bool = True,
        epsilon: float = 1e-8,
        data_format: DataFormat = "default",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name or type(self).__name__.lower(), dtype=dtype)
        self._loss = self.loss(zero_mean, epsilon, data_format=data_format, reduction="none", dtype=dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None, lengths: Any = None) -> Any:
        """Add the ratios of a batch.

        Args:
            y_true: The clips to be reached: `(batch, time)`, or with channels.
            y_pred: The clips of the model, with the same shape.
            sample_weight: A weight for each clip, `(batch,)`.
            lengths: The number of samples of each clip, `(batch,)`, or None for a mask or whole clips.
        """
        ratios = -self._loss(y_true, y_pred, lengths=lengths)
        return super().update_state(ops.stop_gradient(ratios), sample_weight=sample_weight)

    def get_config(self) -> dict[str, Any]:
        names = ("zero_mean", "epsilon", "data_format")
        return {**super().get_config(), **{name: getattr(self._loss, name) for name in names}}


@keras.saving.register_keras_serializable(package="Kapre", name="SISDRMetric")
class SISDR(_Ratio):
    """Average the scale-invariant signal-to-distortion ratio (SI-SDR) in dB; see `kapre.losses.SISDR`.

    Args:
        zero_mean: Whether to subtract the mean of each clip first.
        epsilon: Number that is added to the divisor and to the ratio.
        data_format: "channels_last" or "channels_first" for waveforms with channels.
        name: The name of the metric.
        dtype: The dtype of the metric.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.random.default_rng(0).normal(size=(2, 16000)).astype("float32")
        metric = kapre.metrics.SISDR()
        metric.update_state(x, 2.0 * x)
        assert float(metric.result()) > 60.0
        ```
    """

    loss = losses.SISDR


@keras.saving.register_keras_serializable(package="Kapre", name="SNRMetric")
class SNR(_Ratio):
    """Average the signal-to-noise ratio in dB; see `kapre.losses.SNR`.

    Args:
        zero_mean: Whether to subtract the mean of each clip first.
        epsilon: Number that is added to the divisor and to the ratio.
        data_format: "channels_last" or "channels_first" for waveforms with channels.
        name: The name of the metric.
        dtype: The dtype of the metric.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.random.default_rng(0).normal(size=(2, 16000)).astype("float32")
        metric = kapre.metrics.SNR()
        metric.update_state(x, 0.9 * x)
        assert abs(float(metric.result()) - 20.0) < 1e-3
        ```
    """

    loss = losses.SNR
