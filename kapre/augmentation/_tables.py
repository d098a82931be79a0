"""`TableLayer`: the shared base of layers that draw one of a few values for each example."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from keras import ops

from kapre._checks import message, number
from kapre.augmentation._base import Parameters, RandomLayer
from kapre.augmentation._ranges import of_items
from kapre.ops.kernels import active as kernel


class TableLayer(RandomLayer):
    """Transform each example with one of a few values, drawn with equal probability.

    All values are computed for the whole batch, and one is selected for each example, so that no shape depends on a
    draw. The output has as many samples as the input: a longer result is cut, and zeros follow a shorter one.
    """

    ranks = (3,)
    treats_items_apart = True
    table: list[float]
    """The values."""

    def transformed(self, x: Any, value: float, lengths: Any) -> Any:
        """Return waveforms `(batch, channel, time)`, transformed with a value, of any length.

        `lengths`, int32 `(batch,)` or None, holds the valid samples of each item. Zeros follow them.
        """
        raise NotImplementedError

    def length_after(self, length: Any, value: float) -> Any:
        """Return the lengths of items, int32, after the transform with a value."""
        return length

    def draw(self, shape: tuple[Any, ...], lengths: Any) -> Parameters:
        return {"index": self.integers((shape[0], 1), 0, len(self.table) - 1)}

    def apply(self, x: Any, parameters: Parameters, lengths: Any) -> Any:
        time = ops.shape(x)[-1]
        index = ops.reshape(ops.cast(parameters["index"], "int32"), (-1,))
        y = x
        for place, value in enumerate(self.table):
            y = kernel.to_some(index == place, partial(self._of_length, value, time), x, y, lengths)
        return y

    def _of_length(self, value: float, time: Any, x: Any, lengths: Any) -> Any:
        changed = self.transformed(x, value, lengths)
        if not (isinstance(time, int) and isinstance(changed.shape[-1], int) and changed.shape[-1] >= time):
            changed = ops.concatenate([changed, ops.zeros_like(x)], axis=-1)
        return changed[..., :time]

    def output_lengths(self, shape: tuple[Any, ...], parameters: Parameters, lengths: Any) -> Any:
        if not self.changes_lengths:
            return lengths
        index, time = ops.cast(parameters["index"], "int32"), ops.cast(shape[2], "int32")
        before = after = of_items(lengths, shape) + ops.zeros_like(index)
        for place, value in enumerate(self.table):
            after = ops.where(index == place, self.length_after(before, value), after)
        after = ops.where(after < time, after, time)
        applied = ops.cast(parameters["applied"], "bool")[:, None]
        return ops.reshape(ops.where(applied, after, before), (-1,))


def checked_table(name: str, values: Sequence[float], low: float, high: float, remedy: str) -> list[float]:
    """Return the values of a table as floats. Raise if there is none, or one is not from `low` to `high`."""
    rule = f"a list of numbers from {low:g} to {high:g}"
    if isinstance(values, str) or not hasattr(values, "__len__") or not len(values):
        raise ValueError(message(name, rule, values, remedy))
    found = [number(name, value, remedy, rule=rule) for value in values]
    if not all(low <= value <= high for value in found):
        raise ValueError(message(name, rule, values, remedy))
    return found
