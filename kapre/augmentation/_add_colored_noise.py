"""`AddColoredNoise`: noise of a random colour at a random level."""

from __future__ import annotations

from typing import Any, Unpack

from keras import ops

from kapre._arguments import LayerArguments
from kapre._layer import DataFormat, register
from kapre.augmentation._base import Parameters, RandomLayer
from kapre.augmentation._ranges import ordered
from kapre.ops import noise


@register
class AddColoredNoise(RandomLayer):
    """Add Gaussian noise of a random colour to waveforms during training, at a random signal-to-noise ratio.

    The power spectral density of the noise is proportional to `f ** −exponent`. The exponent is uniform between its
    bounds: 0 is white, 1 pink, 2 brown, −1 blue, −2 violet. The density follows the exponent above 1 / 1024 of the
    sample rate, and departs from it below. If both bounds are 0, the noise is white at all frequencies, and takes a
    third of the time to compute. The ratio is uniform in decibels. Powers are means over the valid samples of an item.
    Silence stays silent.

    Args:
        min_snr_db: float, decibels. The smallest ratio, which gives the loudest noise.
        max_snr_db: float ≥ `min_snr_db`, decibels. The largest ratio.
        min_psd_exponent: float. The smallest exponent.
        max_psd_exponent: float ≥ `min_psd_exponent`. The largest exponent.
        p: float in [0, 1]. Probability that an example is changed.
        per_channel: bool. Whether each channel gets its own noise, at a ratio to its own power. If not, all channels
            get the same noise, at a ratio to their mean power.
        data_format: "default", "channels_first" or "channels_last".
        seed: int or None. An integer makes the random draws repeatable.
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`; real.

    Output shape:
        The same shape; the compute dtype.

    Raises:
        ValueError: If a lower bound is above the upper one, `p` is not in [0, 1], or the input has the wrong rank.
        TypeError: If an argument is not a number, or the input is complex or integer.

    Notes:
        The noise is a function of two drawn integers (`parameters["key"]`), so that a replay is exact. It is the same
        on every backend, for batches of any length.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.sin(np.arange(16000, dtype="float32")).reshape(1, -1, 1)
        layer = kapre.augmentation.AddColoredNoise(min_snr_db=20, max_snr_db=20, seed=0)
        noise = np.asarray(layer(x, training=True)) - x
        assert abs(10 * np.log10(np.mean(x**2) / np.mean(noise**2)) - 20) < 0.01
        ```
    """

    ranks = (3,)
    treats_items_apart = True

    def __init__(
        self,
        min_snr_db: float = 3.0,
        max_snr_db: float = 30.0,
        min_psd_exponent: float = -2.0,
        max_psd_exponent: float = 2.0,
        p: float = 1.0,
        per_channel: bool = False,
        data_format: DataFormat = "default",
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(p, per_channel, data_format, seed, **kwargs)
        self.min_snr_db, self.max_snr_db = ordered(
            ("min_snr_db", "max_snr_db"), (min_snr_db, max_snr_db), "Use 3.0 and 30.0."
        )
        self.min_psd_exponent, self.max_psd_exponent = ordered(
            ("min_psd_exponent", "max_psd_exponent"),
            (min_psd_exponent, max_psd_exponent),
            "Use 0.0 and 2.0, from white to brown.",
        )

    def draw(self, shape: tuple[Any, ...], lengths: Any) -> Parameters:
        groups = self.groups(shape)
        return {
            "snr_db": self.uniform(groups, self.min_snr_db, self.max_snr_db),
            "psd_exponent": self.uniform(groups, self.min_psd_exponent, self.max_psd_exponent),
            "key": self.keys(groups),
        }

    def apply(self, x: Any, parameters: Parameters, lengths: Any) -> Any:
        exponent, key = self.beside(parameters["psd_exponent"], x), ops.cast(parameters["key"], "int32")
        snr_db = self.beside(parameters["snr_db"], x)
        if self.min_psd_exponent == self.max_psd_exponent == 0.0:
            return noise.with_white(x, key, snr_db, lengths, self.per_channel)
        sound = noise.colored(key, exponent, ops.shape(x)[-1])
        return noise.added(x, sound, snr_db, lengths, self.per_channel)
