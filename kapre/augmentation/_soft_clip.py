"""`SoftClip`: saturation by a hyperbolic tangent."""

from __future__ import annotations

from typing import Any, Unpack

from kapre._arguments import LayerArguments
from kapre._layer import DataFormat, register
from kapre.augmentation._base import Parameters, RandomLayer
from kapre.augmentation._ranges import ordered
from kapre.ops import distortion
from kapre.ops.noise import decibels_to_gain


@register
class SoftClip(RandomLayer):
    """Saturate waveforms smoothly by a random amount during training.

    The output is `tanh(g x) / tanh(g)` with `g = 10 ** (drive_db / 20)`. Full scale stays full scale, and quieter
    samples become louder. A larger drive makes them louder still. The drive is uniform in decibels.

    Args:
        min_drive_db: float, decibels. The smallest drive. At −20 dB, the change is below 0.2 %.
        max_drive_db: float ≥ `min_drive_db`, decibels. The largest drive.
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
        ValueError: If `min_drive_db` is above `max_drive_db`, `p` is not in [0, 1], or the input has the wrong rank.
        TypeError: If an argument is not a number, or the input is complex or integer.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.array([-1.0, 0.5, 1.0], "float32").reshape(1, 3, 1)
        y = np.asarray(kapre.augmentation.SoftClip(6, 6)(x, training=True))
        assert np.allclose(y[0, [0, 2], 0], [-1, 1]) and y[0, 1, 0] > 0.7
        ```
    """

    ranks = (3,)
    treats_items_apart = True

    def __init__(
        self,
        min_drive_db: float = 0.0,
        max_drive_db: float = 20.0,
        p: float = 1.0,
        per_channel: bool = False,
        data_format: DataFormat = "default",
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(p, per_channel, data_format, seed, **kwargs)
        self.min_drive_db, self.max_drive_db = ordered(
            ("min_drive_db", "max_drive_db"), (min_drive_db, max_drive_db), "Use 0.0 and 20.0."
        )

    def draw(self, shape: tuple[Any, ...], lengths: Any) -> Parameters:
        return {"drive_db": self.uniform(self.groups(shape), self.min_drive_db, self.max_drive_db)}

    def apply(self, x: Any, parameters: Parameters, lengths: Any) -> Any:
        return distortion.soft_clip(x, decibels_to_gain(self.beside(parameters["drive_db"], x)))
