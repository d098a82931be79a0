"""`Clipping`: hard clipping of the loudest samples."""

from __future__ import annotations

from typing import Any, Unpack

from keras import ops

from kapre._arguments import LayerArguments
from kapre._checks import message
from kapre._layer import DataFormat, register
from kapre.augmentation._base import Parameters, RandomLayer
from kapre.augmentation._ranges import ordered
from kapre.ops import distortion


@register
class Clipping(RandomLayer):
    """Clip a random share of the loudest samples of waveforms during training.

    The share is uniform. Half of it is clipped at each end: with a share of 10 %, samples below the 5th percentile are
    raised to it, and samples above the 95th percentile are lowered to it. The percentiles are those of the valid
    samples of an item. The gradient treats them as constants.

    Args:
        min_percent: float in [0, 100]. The smallest share of samples.
        max_percent: float in [`min_percent`, 100]. The largest share of samples.
        p: float in [0, 1]. Probability that an example is changed.
        per_channel: bool. Whether each channel gets its own draw and its own percentiles. If not, the percentiles of an
            item are taken over all of its channels.
        data_format: "default", "channels_first" or "channels_last".
        seed: int or None. An integer makes the random draws repeatable.
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`; real.

    Output shape:
        The same shape; the compute dtype.

    Raises:
        ValueError: If the bounds are not in order within [0, 100], `p` is not in [0, 1], or the input has the wrong
            rank.
        TypeError: If an argument is not a number, or the input is complex or integer.

    Notes:
        The percentiles equal those of `numpy.percentile` within 1e-6 of the peak.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.linspace(-1, 1, 101, dtype="float32").reshape(1, -1, 1)
        y = np.asarray(kapre.augmentation.Clipping(20, 20)(x, training=True))
        assert np.allclose([y.min(), y.max()], [-0.8, 0.8], atol=1e-6)
        ```
    """

    ranks = (3,)
    treats_items_apart = True

    def __init__(
        self,
        min_percent: float = 0.0,
        max_percent: float = 40.0,
        p: float = 1.0,
        per_channel: bool = False,
        data_format: DataFormat = "default",
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(p, per_channel, data_format, seed, **kwargs)
        rule, remedy = "a percentage in [0, 100]", "Use 0.0 and 40.0."
        names = ("min_percent", "max_percent")
        self.min_percent, self.max_percent = ordered(names, (min_percent, max_percent), remedy, at_least=0.0, rule=rule)
        if self.max_percent > 100.0:
            raise ValueError(message("max_percent", rule, max_percent, remedy))

    def draw(self, shape: tuple[Any, ...], lengths: Any) -> Parameters:
        return {"percent": self.uniform(self.groups(shape), self.min_percent, self.max_percent)}

    def apply(self, x: Any, parameters: Parameters, lengths: Any) -> Any:
        share = self.beside(parameters["percent"], x) / 200.0
        found = distortion.quantiles(ops.stop_gradient(x), (share, 1.0 - share), lengths, self.per_channel)
        return distortion.hard_clip(x, *found)
