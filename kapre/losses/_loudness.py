"""`LoudnessDifference`: how far two waveforms differ in loudness."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kapre.levels import check_channels, check_meter
from kapre.losses._base import WaveformLoss


@keras.saving.register_keras_serializable(package="Kapre")
class LoudnessDifference(WaveformLoss):
    """Compute the absolute difference of the loudness of two waveforms by ITU-R BS.1770, in LU.

    The loudness is that of `kapre.Loudness`, over all channels of a clip. Its gates have no gradient. A clip whose
    loudness is that of silence, -70 LUFS, has no gradient at all.

    Args:
        sample_rate: float > 3000, Hz. The rate of the samples.
        channel_weights: A number for each channel, or None for those of BS.1770.
        **kwargs: `data_format`, `reduction`, `name` and `dtype` of `WaveformLoss`.

    Raises:
        ValueError: If an argument is out of range, or the weights do not match the channels.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.random.default_rng(0).uniform(-1, 1, (2, 16000)).astype("float32")
        assert abs(float(kapre.losses.LoudnessDifference(16000)(x, 0.1 * x)) - 20.0) < 1e-3
        ```

    References:
        ITU-R Recommendation BS.1770-4 (2015). Algorithms to measure audio programme loudness and true-peak audio level.
    """

    def __init__(self, sample_rate: float, channel_weights: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._meter = check_meter(sample_rate, channel_weights, str(self.dtype))
        self.sample_rate, self.channel_weights = self._meter.sample_rate, self._meter.weights

    def compare(self, y_true: Any, y_pred: Any, lengths: Any) -> Any:
        check_channels(y_pred.shape[1], self.channel_weights)
        levels = [self._meter(y, lengths) for y in (y_true, y_pred)]
        return ops.expand_dims(ops.abs(levels[0] - levels[1]), 1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "sample_rate": self.sample_rate, "channel_weights": self.channel_weights}
