"""`BitCrush`: fewer bits for each sample."""

from __future__ import annotations

from typing import Any, Unpack

from kapre._arguments import LayerArguments
from kapre._checks import message, positive_int
from kapre._layer import DataFormat, register
from kapre.augmentation._base import Parameters, RandomLayer
from kapre.ops import distortion


@register
class BitCrush(RandomLayer):
    """Round waveforms to a random number of bits during training.

    The number of bits is uniform on the integers from `min_bits` to `max_bits`. The output is
    `round(x · 2 ** (bits − 1)) / 2 ** (bits − 1)`. The gradient is that of the identity (straight-through).

    Args:
        min_bits: int in 1 … 24. The smallest number of bits.
        max_bits: int in `min_bits` … 24. The largest number of bits.
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
        ValueError: If the bounds are not in order within 1 … 24, `p` is not in [0, 1], or the input has the wrong rank.
        TypeError: If an argument is not an integer, or the input is complex or integer.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.linspace(-1, 1, 1000, dtype="float32").reshape(1, -1, 1)
        y = np.asarray(kapre.augmentation.BitCrush(3, 3)(x, training=True))
        assert np.unique(y).tolist() == [-1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0]
        ```
    """

    ranks = (3,)
    treats_items_apart = True

    def __init__(
        self,
        min_bits: int = 5,
        max_bits: int = 10,
        p: float = 1.0,
        per_channel: bool = False,
        data_format: DataFormat = "default",
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(p, per_channel, data_format, seed, **kwargs)
        self.min_bits = positive_int("min_bits", min_bits, "Use 5.")
        self.max_bits = positive_int("max_bits", max_bits, "Use 10.")
        if self.max_bits > 24:
            raise ValueError(message("max_bits", "at most 24, the precision of float32", max_bits, "Use 10."))
        if self.min_bits > self.max_bits:
            raise ValueError(message("min_bits", f"at most max_bits={self.max_bits}", min_bits, "Use 5 and 10."))

    def draw(self, shape: tuple[Any, ...], lengths: Any) -> Parameters:
        return {"bits": self.integers(self.groups(shape), self.min_bits, self.max_bits)}

    def apply(self, x: Any, parameters: Parameters, lengths: Any) -> Any:
        return distortion.quantize(x, self.beside(parameters["bits"], x))
