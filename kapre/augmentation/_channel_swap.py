"""`ChannelSwap`: a random order of the channels."""

from __future__ import annotations

from typing import Any, Unpack

from keras import ops

from kapre._arguments import LayerArguments
from kapre._layer import DataFormat, register
from kapre.augmentation._base import Parameters, RandomLayer
from kapre.ops import augment


@register
class ChannelSwap(RandomLayer):
    """Shuffle the channels at random during training.

    Each example in each call gets its own order. As with `keras.layers.Dropout`, the state of the generator is not
    saved. In a bare `jax.jit`, the state is passed through `stateless_call`. In a plain PyTorch model, pass
    `training=self.training`.

    Args:
        data_format: "default", "channels_first" or "channels_last".
        seed: int or None. An integer makes the random draws repeatable.
        p: float in [0, 1]. Probability that an example is changed.
        **kwargs: Keras' layer arguments.

    Input shape:
        Waveforms or spectrograms: channels_last `(batch, ..., channel)`, channels_first `(batch, channel, ...)` of rank
        3 or 4; real.

    Output shape:
        The same shape; the compute dtype.

    Raises:
        ValueError: If the input has the wrong rank.
        TypeError: If `seed` is not an integer, or the input is complex or integer.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.arange(8, dtype="float32").reshape(1, 4, 2)
        y = np.asarray(kapre.ChannelSwap(seed=0)(x, training=True))
        assert sorted(y[0, 0]) == [0.0, 1.0]
        ```
    """

    def __init__(
        self,
        data_format: DataFormat = "default",
        seed: int | None = None,
        p: float = 1.0,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(p, data_format=data_format, seed=seed, **kwargs)

    def draw(self, shape: tuple[Any, ...], lengths: Any) -> Parameters:
        return {"order": augment.draw_permutations(shape[0], shape[1], self.seed_generator)}

    def apply(self, x: Any, parameters: Parameters, lengths: Any) -> Any:
        shape = ops.shape(x)
        order = ops.reshape(ops.cast(parameters["order"], "int32"), (*shape[:2], *[1] * (len(shape) - 2)))
        return ops.take_along_axis(x, ops.broadcast_to(order, shape), axis=1)
