"""`DropChunk`: silent chunks."""

from __future__ import annotations

from typing import Any, Unpack

from keras import ops

from kapre._arguments import LayerArguments
from kapre._checks import message, positive_int
from kapre._layer import DataFormat, register
from kapre.augmentation._base import Parameters, RandomLayer
from kapre.augmentation._ranges import Unit, check_unit, in_samples, of_items, ordered
from kapre.ops import placement


@register
class DropChunk(RandomLayer):
    """Silence random chunks of waveforms during training.

    The number of chunks is uniform on the integers from `min_chunks` to `max_chunks`. The duration of each is uniform,
    and rounded to whole samples. Its position is uniform over the positions where it fits within the item. Chunks may
    overlap.

    Args:
        min_duration: float ≥ 0, in `unit`. The shortest chunk.
        max_duration: float ≥ `min_duration`, in `unit`. The longest chunk.
        min_chunks: int > 0. The smallest number of chunks.
        max_chunks: int ≥ `min_chunks`. The largest number of chunks.
        unit: "fraction" (of the length of the item), "seconds" or "samples".
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
        ValueError: If a lower bound is above the upper one, a bound is below its range, "seconds" is given without
            `sample_rate`, `unit` is unknown, or the input has the wrong rank.
        TypeError: If an argument has the wrong type, or the input is complex or integer.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.ones((1, 1000, 1), "float32")
        layer = kapre.augmentation.DropChunk(0.1, 0.1, min_chunks=1, max_chunks=1)
        assert np.asarray(layer(x, training=True)).sum() == 900.0
        ```

    References:
        Ravanelli, M. et al. (2021). SpeechBrain: a general-purpose speech toolkit. arXiv:2106.04624.
    """

    ranks = (3,)
    treats_items_apart = True

    def __init__(
        self,
        min_duration: float = 0.01,
        max_duration: float = 0.1,
        min_chunks: int = 1,
        max_chunks: int = 3,
        unit: Unit = "fraction",
        sample_rate: float | None = None,
        p: float = 1.0,
        per_channel: bool = False,
        data_format: DataFormat = "default",
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(p, per_channel, data_format, seed, **kwargs)
        remedy = "Use 0.01 and 0.1, of the length of the item."
        self.min_duration, self.max_duration = ordered(
            ("min_duration", "max_duration"),
            (min_duration, max_duration),
            remedy,
            at_least=0.0,
            rule="a number, 0 or above",
        )
        self.min_chunks = positive_int("min_chunks", min_chunks, "Use 1.")
        self.max_chunks = positive_int("max_chunks", max_chunks, "Use 3.")
        if self.min_chunks > self.max_chunks:
            raise ValueError(message("min_chunks", f"at most max_chunks={self.max_chunks}", min_chunks, "Use 1."))
        self.unit, self.sample_rate = check_unit(unit, sample_rate)

    def draw(self, shape: tuple[Any, ...], lengths: Any) -> Parameters:
        groups, most = self.groups(shape), self.max_chunks
        valid = of_items(lengths, shape)
        valid = valid[..., None] if lengths is not None else valid
        samples = in_samples(
            self.uniform((*groups, most), self.min_duration, self.max_duration), self.unit, self.sample_rate, valid
        )
        samples = ops.minimum(samples, valid)
        start = self.integers((*groups, most), 0, valid - samples)
        number = self.integers((*groups, 1), self.min_chunks, most)
        there = ops.arange(most, dtype="int32") < number
        return {"start": start, "chunk_samples": ops.where(there, samples, ops.zeros_like(samples))}

    def apply(self, x: Any, parameters: Parameters, lengths: Any) -> Any:
        start, samples = (ops.cast(parameters[name], "int32") for name in ("start", "chunk_samples"))
        return placement.silenced(x, start, samples)
