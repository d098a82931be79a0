"""`FrequencyShift`: a random shift along frequency."""

from __future__ import annotations

from typing import Any, Literal, Unpack

from keras import ops

from kapre._arguments import LayerArguments
from kapre._checks import choice, count, number
from kapre._layer import DataFormat, register
from kapre.augmentation._base import Parameters, RandomLayer
from kapre.ops.warping import taken


@register
class FrequencyShift(RandomLayer):
    """Shift spectrograms along frequency by a random number of bins during training.

    The shift is uniform on the integers −`max_shift` … `max_shift`. A positive one moves every band up. On mel bands, a
    shift changes pitch and formants together.

    Args:
        max_shift: int ≥ 0, bins. The largest shift.
        mode: "edge", "roll" or "constant". What fills the empty bins: the first or last bin, the bins shifted out at
            the other end, or `fill_value`.
        fill_value: float. The value for mode "constant". For log spectrograms, use their smallest value.
        p: float in [0, 1]. Probability that an example is changed.
        per_channel: bool. Whether each channel gets its own draw.
        data_format: "default", "channels_first" or "channels_last".
        seed: int or None. An integer makes the random draws repeatable.
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, frame, frequency, channel)`, channels_first `(batch, channel, frame, frequency)`; real.

    Output shape:
        The same shape; the compute dtype.

    Raises:
        ValueError: If `max_shift` is negative, `mode` is unknown, `p` is not in [0, 1], or the input has the wrong
            rank.
        TypeError: If `max_shift` is not an integer, or the input is complex or integer.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.arange(8, dtype="float32").reshape(1, 1, 8, 1)
        layer = kapre.augmentation.FrequencyShift(2, mode="roll", seed=0)
        y, drawn = layer(x, training=True, return_parameters=True)
        assert np.array_equal(np.asarray(y)[0, 0, :, 0], np.roll(np.arange(8), int(drawn["shift"][0, 0])))
        ```
    """

    ranks = (4,)
    treats_items_apart = True

    def __init__(
        self,
        max_shift: int,
        mode: Literal["edge", "roll", "constant"] = "edge",
        fill_value: float = 0.0,
        p: float = 1.0,
        per_channel: bool = False,
        data_format: DataFormat = "default",
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(p, per_channel, data_format, seed, **kwargs)
        self.max_shift = count("max_shift", max_shift, "Use 4, or 0 for none.")
        self.mode = choice("mode", mode, ("edge", "roll", "constant"), "Use 'edge'.")
        self.fill_value = number("fill_value", fill_value, "Use 0.0, or -80.0 for decibels.")

    def draw(self, shape: tuple[Any, ...], lengths: Any) -> Parameters:
        return {"shift": self.integers(self.groups(shape), -self.max_shift, self.max_shift)}

    def apply(self, x: Any, parameters: Parameters, lengths: Any) -> Any:
        bins = ops.cast(ops.shape(x)[3], "int32")
        shift = ops.cast(parameters["shift"], "int32")[:, :, None, None]
        sources = ops.arange(ops.shape(x)[3], dtype="int32") - shift
        inside = sources % bins if self.mode == "roll" else ops.clip(sources, 0, bins - 1)
        y = taken(x, inside, axis=3)
        if self.mode != "constant":
            return y
        there = ops.logical_and(sources >= 0, sources < bins)
        return ops.where(there, y, ops.full_like(y, self.fill_value))
