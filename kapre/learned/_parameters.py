"""`Parameter`: a trainable value that starts where it is told, moves at a rate of its own, and stays within bounds."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from kapre._checks import number
from kapre.ops.fourier import constant


def rate_multiplier(value: Any) -> float:
    """Return the factor by which steps of an optimizer are multiplied, or raise an error."""
    remedy = "Use 1.0, or 10.0 for steps ten times as large."
    return number("learning_rate_multiplier", value, remedy, above=0.0, rule="a positive number")


def within(x: Any, low: np.ndarray, high: np.ndarray) -> Any:
    """Return a tensor with what lies outside of bounds moved there. At a bound, the gradient passes."""
    lowest, highest = constant(low, x), constant(high, x)
    return ops.where(x > highest, highest + 0.0 * x, ops.where(x < lowest, lowest + 0.0 * x, x))


class Between:
    """Keep a weight within bounds: a constraint, which Keras' optimizers apply after each step."""

    def __init__(self, low: np.ndarray, high: np.ndarray) -> None:
        self.low, self.high = low, high

    def __call__(self, weight: Any) -> Any:
        x = ops.convert_to_tensor(weight)
        lowest, highest = constant(self.low, x), constant(self.high, x)
        return ops.where(x > highest, highest, ops.where(x < lowest, lowest, x))


class Parameter:
    """Hold trainable values: `start + rate * weight`, or `start * exp(rate * weight)` of positive ones.

    The Keras weight starts at 0. Keras' optimizers bring a weight that leaves its bounds back to them after each step.
    Where another optimizer does not, the values are computed from the nearest bound.

    Args:
        layer: The layer that gets the weight.
        name: The name of the weight.
        start: The values before training, within the bounds.
        bounds: The smallest and the largest value: numbers, or arrays of the shape of `start`.
        rate: The change of a value, or of its logarithm, for a change of the weight by 1.
        relative: Whether the logarithm of the values is trained. The values are positive.
    """

    def __init__(
        self, layer: Any, name: str, start: np.ndarray, bounds: tuple[Any, Any], rate: float, relative: bool = False
    ) -> None:
        self.start, self.rate, self.relative = np.array(start, "float64"), rate, relative
        low, high = (np.broadcast_to(np.asarray(bound, "float64"), self.start.shape) for bound in bounds)
        if relative:
            self._low, self._high = (np.log(bound / self.start) / rate for bound in (low, high))
        else:
            self._low, self._high = ((bound - self.start) / rate for bound in (low, high))
        for array in (self.start, self._low, self._high):
            array.setflags(write=False)
        self.variable = layer.add_weight(
            name=name,
            shape=self.start.shape,
            initializer="zeros",
            dtype=layer.work_dtype,
            autocast=False,  # half precision would round the kernels
            constraint=Between(self._low, self._high),
        )

    def change(self) -> Any:
        """Return `rate` times the weight, within the bounds."""
        return self.rate * within(ops.convert_to_tensor(self.variable), self._low, self._high)

    def tensor(self) -> Any:
        """Return the current values as a tensor through which gradients reach the weight."""
        change = self.change()
        start = constant(self.start, change)
        return start * ops.exp(change) if self.relative else start + change

    def array(self) -> np.ndarray:
        """Return the current values as a NumPy array in float64."""
        return np.asarray(ops.convert_to_numpy(self.tensor()), "float64")
