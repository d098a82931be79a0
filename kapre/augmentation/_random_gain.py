"""`RandomGain`: a random level."""

from __future__ import annotations

from typing import Any, Unpack

from kapre._arguments import LayerArguments
from kapre._layer import DataFormat, register
from kapre.augmentation._base import Parameters, RandomLayer
from kapre.augmentation._ranges import ordered
from kapre.ops.noise import decibels_to_gain


@register
class RandomGain(RandomLayer):
    """Multiply waveforms by a random gain during training.

    The gain is uniform in decibels: `y = x · 10 ** (gain_db / 20)`.

    Args:
        min_gain_db: float, decibels. The smallest gain.
        max_gain_db: float ≥ `min_gain_db`, decibels. The largest gain. The output is not limited to full scale.
        p: float in [0, 1]. Probability that an example is changed.
        per_channel: bool. Whether each channel gets its own draw.
        data_format: "default", "channels_first" or "channels_last".
        seed: int or None. An integer makes the random draws repeatable.
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`; real.

    Output shape:
        The same shape; the compute dtype.

    Raises:
        ValueError: If `min_gain_db` is above `max_gain_db`, `p` is not in [0, 1], or the input has the wrong rank.
        TypeError: If an argument is not a number, or the input is complex or integer.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.ones((2, 100, 1), "float32")
        y, drawn = kapre.augmentation.RandomGain(seed=0)(x, training=True, return_parameters=True)
        gain = 10 ** (np.asarray(drawn["gain_db"]) / 20)
        assert np.allclose(y[:, 0], gain, rtol=1e-5)
        ```
    """

    ranks = (3,)
    treats_items_apart = True

    def __init__(
        self,
        min_gain_db: float = -12.0,
        max_gain_db: float = 12.0,
        p: float = 1.0,
        per_channel: bool = False,
        data_format: DataFormat = "default",
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(p, per_channel, data_format, seed, **kwargs)
        remedy = "Use -12.0 and 12.0."
        names = ("min_gain_db", "max_gain_db")
        self.min_gain_db, self.max_gain_db = ordered(names, (min_gain_db, max_gain_db), remedy)

    def draw(self, shape: tuple[Any, ...], lengths: Any) -> Parameters:
        return {"gain_db": self.uniform(self.groups(shape), self.min_gain_db, self.max_gain_db)}

    def apply(self, x: Any, parameters: Parameters, lengths: Any) -> Any:
        return x * decibels_to_gain(self.beside(parameters["gain_db"], x))
