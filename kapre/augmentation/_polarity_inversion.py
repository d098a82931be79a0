"""`PolarityInversion`: a random sign."""

from __future__ import annotations

from typing import Any, Unpack

from kapre._arguments import LayerArguments
from kapre._layer import DataFormat, register
from kapre.augmentation._base import Parameters, RandomLayer


@register
class PolarityInversion(RandomLayer):
    """Multiply waveforms by −1 at random during training.

    A microphone with reversed polarity gives such a recording. It sounds the same.

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

        x = np.ones((8, 100, 1), "float32")
        y = np.asarray(kapre.augmentation.PolarityInversion(seed=0)(x, training=True))
        assert set(np.unique(y)) == {-1.0, 1.0}
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
        return -x
