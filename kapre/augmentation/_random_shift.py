"""`RandomShift`: waveforms moved in time."""

from __future__ import annotations

from typing import Any, Unpack

from kapre._arguments import LayerArguments
from kapre._checks import flag
from kapre._layer import DataFormat, register
from kapre.augmentation._base import Parameters, RandomLayer
from kapre.augmentation._ranges import Unit, check_unit, in_samples, of_items, ordered
from kapre.ops import placement


@register
class RandomShift(RandomLayer):
    """Move waveforms in time by a random number of samples during training.

    The shift is uniform between its bounds, and rounded to whole samples. A positive shift delays the sound. Samples
    that are shifted out at one end of an item enter at its other end, or are lost (see `rollover`). The ends are those
    of the item, not those of the batch, so that no padding moves into the sound.

    Args:
        min_shift: float, in `unit`. The smallest shift.
        max_shift: float ≥ `min_shift`, in `unit`. The largest shift.
        unit: "fraction" (of the length of the item), "seconds" or "samples".
        rollover: bool. Whether samples that are shifted out at one end enter at the other. If False, zeros enter.
        sample_rate: float > 0 or None, Hz. Needed for "seconds".
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
        ValueError: If `min_shift` is above `max_shift`, "seconds" is given without `sample_rate`, `unit` is unknown, or
            the input has the wrong rank.
        TypeError: If an argument has the wrong type, or the input is complex or integer.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.arange(4, dtype="float32").reshape(1, 4, 1)
        y = np.asarray(kapre.augmentation.RandomShift(1, 1, unit="samples")(x, training=True))
        assert y[0, :, 0].tolist() == [3.0, 0.0, 1.0, 2.0]
        ```
    """

    ranks = (3,)
    treats_items_apart = True

    def __init__(
        self,
        min_shift: float = -0.5,
        max_shift: float = 0.5,
        unit: Unit = "fraction",
        rollover: bool = True,
        sample_rate: float | None = None,
        p: float = 1.0,
        per_channel: bool = False,
        data_format: DataFormat = "default",
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(p, per_channel, data_format, seed, **kwargs)
        remedy = "Use -0.5 and 0.5, of the length of the item."
        self.min_shift, self.max_shift = ordered(("min_shift", "max_shift"), (min_shift, max_shift), remedy)
        self.unit, self.sample_rate = check_unit(unit, sample_rate)
        self.rollover = flag("rollover", rollover)

    def draw(self, shape: tuple[Any, ...], lengths: Any) -> Parameters:
        drawn = self.uniform(self.groups(shape), self.min_shift, self.max_shift)
        return {"shift_samples": in_samples(drawn, self.unit, self.sample_rate, of_items(lengths, shape))}

    def apply(self, x: Any, parameters: Parameters, lengths: Any) -> Any:
        return placement.shift(x, parameters["shift_samples"][..., None], self.rollover, lengths)
