"""`TimeInversion`: waveforms backwards."""

from __future__ import annotations

from typing import Any, Unpack

from kapre._arguments import LayerArguments
from kapre._layer import DataFormat, register
from kapre.augmentation._base import Parameters, RandomLayer
from kapre.ops import placement


@register
class TimeInversion(RandomLayer):
    """Reverse waveforms in time at random during training.

    An item with a mask or with `lengths` is reversed within its length, so that its padding stays at its end.

    Args:
        p: float in [0, 1]. Probability that an example is changed.
        data_format: "default", "channels_first" or "channels_last".
        seed: int or None. An integer makes the random draws repeatable.
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`; real.

    Output shape:
        The same shape; the compute dtype.

    Raises:
        ValueError: If `p` is not in [0, 1], or the input has the wrong rank.
        TypeError: If the input is complex or integer.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.arange(4, dtype="float32").reshape(1, 4, 1)
        y = np.asarray(kapre.augmentation.TimeInversion(p=1.0)(x, training=True, lengths=[3]))
        assert y[0, :, 0].tolist() == [2.0, 1.0, 0.0, 0.0]
        ```
    """

    ranks = (3,)
    treats_items_apart = True

    def __init__(
        self,
        p: float = 0.5,
        data_format: DataFormat = "default",
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(p, data_format=data_format, seed=seed, **kwargs)

    def draw(self, shape: tuple[Any, ...], lengths: Any) -> Parameters:
        return {}  # the base draws `applied`

    def apply(self, x: Any, parameters: Parameters, lengths: Any) -> Any:
        return placement.reverse(x, lengths)
