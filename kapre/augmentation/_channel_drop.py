"""`ChannelDrop`: silent channels."""

from __future__ import annotations

from typing import Any, Unpack

from keras import ops

from kapre._arguments import LayerArguments
from kapre._checks import message, positive_int
from kapre._layer import DataFormat, register
from kapre.augmentation._base import Parameters, RandomLayer
from kapre.ops import augment


@register
class ChannelDrop(RandomLayer):
    """Silence random channels during training.

    The number of dropped channels is uniform on the integers from `min_channels` to `max_channels`. The channels are
    drawn with equal probability. At least one channel is kept, so that mono sound does not change. The remaining
    channels are not made louder.

    Args:
        min_channels: int > 0. The smallest number of dropped channels.
        max_channels: int ≥ `min_channels`. The largest number of dropped channels.
        p: float in [0, 1]. Probability that an example is changed.
        data_format: "default", "channels_first" or "channels_last".
        seed: int or None. An integer makes the random draws repeatable.
        **kwargs: Keras' layer arguments.

    Input shape:
        Waveforms or spectrograms: channels_last `(batch, ..., channel)`, channels_first `(batch, channel, ...)` of rank
        3 or 4; real.

    Output shape:
        The same shape; the compute dtype.

    Raises:
        ValueError: If `min_channels` is above `max_channels`, `p` is not in [0, 1], or the input has the wrong rank.
        TypeError: If an argument is not an integer, or the input is complex or integer.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.ones((1, 100, 4), "float32")
        y = np.asarray(kapre.augmentation.ChannelDrop(2, 2, seed=0)(x, training=True))
        assert sorted(y[0, 0]) == [0.0, 0.0, 1.0, 1.0]
        ```
    """

    def __init__(
        self,
        min_channels: int = 1,
        max_channels: int = 1,
        p: float = 1.0,
        data_format: DataFormat = "default",
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(p, data_format=data_format, seed=seed, **kwargs)
        self.min_channels = positive_int("min_channels", min_channels, "Use 1.")
        self.max_channels = positive_int("max_channels", max_channels, "Use 1.")
        if self.min_channels > self.max_channels:
            raise ValueError(
                message("min_channels", f"at most max_channels={self.max_channels}", min_channels, "Use 1.")
            )

    def draw(self, shape: tuple[Any, ...], lengths: Any) -> Parameters:
        order = augment.draw_permutations(shape[0], shape[1], self.seed_generator)
        number = self.integers((shape[0], 1), self.min_channels, self.max_channels)
        return {"kept": ops.cast(order, "int32") >= ops.minimum(number, ops.cast(shape[1] - 1, "int32"))}

    def apply(self, x: Any, parameters: Parameters, lengths: Any) -> Any:
        kept = ops.reshape(ops.cast(parameters["kept"], "bool"), (*ops.shape(x)[:2], *[1] * (len(x.shape) - 2)))
        return ops.where(kept, x, ops.zeros_like(x))
