"""`RandomCrop`: a random part of fixed length."""

from __future__ import annotations

from typing import Any, Unpack

from keras import ops

from kapre._arguments import LayerArguments
from kapre._checks import positive_int
from kapre._layer import DataFormat, Shape, register, time_axis
from kapre.augmentation._base import Parameters, RandomLayer
from kapre.augmentation._ranges import of_items
from kapre.ops import placement


@register
class RandomCrop(RandomLayer):
    """Cut a random part of fixed length out of waveforms during training.

    The start is uniform over the positions at which the part fits within the item. A shorter item is kept whole and
    followed by zeros. In that case, or if the input has a mask or `lengths`, the output has a mask. Outside training,
    the layer returns the whole input, so the layers after it must accept any length.

    Args:
        length: int > 0, samples. The length of the output in training.
        data_format: "default", "channels_first" or "channels_last".
        seed: int or None. An integer makes the random draws repeatable.
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`; real.

    Output shape:
        In training, the same shape with `length` samples; otherwise, the same shape. The compute dtype. The time in the
        static shape is unknown, unless the input has `length` samples.

    Raises:
        ValueError: If `length` is not above 0, or the input has the wrong rank.
        TypeError: If `length` is not an integer, or the input is complex or integer.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.arange(100, dtype="float32").reshape(1, 100, 1)
        y = np.asarray(kapre.augmentation.RandomCrop(10, seed=0)(x, training=True))
        assert (np.diff(y[0, :, 0]) == 1.0).all() and y.shape == (1, 10, 1)
        ```
    """

    ranks = (3,)
    treats_items_apart = True
    keeps_time = False

    def __init__(
        self,
        length: int,
        data_format: DataFormat = "default",
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(data_format=data_format, seed=seed, **kwargs)
        self.length = positive_int("length", length, "Use 16000, for one second at 16 kHz.")

    def draw(self, shape: tuple[Any, ...], lengths: Any) -> Parameters:
        last = placement.at_least(of_items(lengths, shape) - self.length, 0)
        return {"start": self.integers((shape[0], 1), 0, last)}

    def apply(self, x: Any, parameters: Parameters, lengths: Any) -> Any:
        return placement.crop(x, parameters["start"][..., None], self.length, lengths)

    def output_lengths(self, shape: tuple[Any, ...], parameters: Parameters, lengths: Any) -> Any:
        if lengths is None and isinstance(shape[2], int) and shape[2] >= self.length:
            return None
        start = ops.cast(parameters["start"], "int32")
        left = of_items(lengths, shape) - start
        return ops.reshape(ops.clip(left, 0, self.length), (-1,))

    def shape_after(self, shape: tuple[Any, ...]) -> tuple[Any, ...]:
        return (*shape[:2], self.length)

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        shape, dtype = super().output_shape_and_dtype(shape)
        axis = time_axis(3, self.data_format)
        known = shape[axis] if shape[axis] == self.length else None
        return (*shape[:axis], known, *shape[axis + 1 :]), dtype
