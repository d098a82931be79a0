"""Trainable filter banks and windows that remain valid filter banks and windows during training."""

from __future__ import annotations

import math
import warnings
from typing import Any, Literal, Protocol

import numpy as np
from keras import ops

from kapre._checks import flag, message
from kapre.ops.fourier import constant
from kapre.ops.kernels import active as kernel

Extent = Literal["all"] | bool

FRACTION = 1e-8
"""With "all": the initial value of a weight of 0, as a fraction of the largest weight of its band."""
_ONE = math.log(math.e - 1.0)  # its softplus is 1
_LOWEST, _HIGHEST = -30.0, 1e4  # limits for diverging steps: 1e-13 and 1e4 times a weight's scale
_MARK = "gains"


def extent(name: str, value: Any) -> Extent:
    """Return True, False or "all", or raise an error."""
    if isinstance(value, str):
        if value == "all":
            return "all"
        raise ValueError(message(name, "True, False or 'all'", value, "'all' lets weights of 0 learn too."))
    return flag(name, value)


class Values(Protocol):
    """Give the trained values of a window or of a filter bank."""

    def tensor(self) -> Any:
        """Return the current values as a tensor through which gradients reach the weights."""

    def array(self) -> np.ndarray:
        """Return the current values as a NumPy array."""


class Learned:
    """Hold trainable values of a front end: `scale * softplus(gain + offset)`, where `gain` is a Keras weight.

    The weight starts at 0 and has no bounds. It is relative, so its gradient does not depend on the loudness of the
    sound or on the height of the bands. The values never change sign. With True, the scale is the initial values, and
    values that are 0 stay 0. With "all", the scale is the largest value of each column, and values that are 0 are
    raised to `FRACTION` of it.

    Args:
        layer: The layer that gets the weight.
        name: The name of the values.
        values: The initial values.
        reach: True or "all".
    """

    def __init__(self, layer: Any, name: str, values: np.ndarray, reach: Extent) -> None:
        self.name, self._start = name, values
        self.variable = layer.add_weight(
            name=f"{name}_gain",
            shape=values.shape,
            initializer="zeros",
            dtype=layer.work_dtype,
            autocast=False,  # half precision would round the bank
        )
        self.reach(reach)

    def reach(self, reach: Extent) -> None:
        """Choose which values are trained: those that are not 0 (True), or "all"."""
        if reach == "all":
            peaks = self._start.max(axis=0, keepdims=True)
            scale = np.broadcast_to(np.where(peaks > 0.0, peaks, self._start.max()), self._start.shape)
            ratio = np.maximum(np.where(self._start > 0.0, self._start / scale, FRACTION), math.exp(_LOWEST))
            offset = np.log(np.expm1(ratio))
        else:
            scale, offset = self._start, np.full(self._start.shape, _ONE)
        self._scale, self._offset, self._there = np.array(scale), np.array(offset), np.array(scale != 0.0)
        for array in (self._scale, self._offset, self._there):
            array.setflags(write=False)

    def tensor(self) -> Any:
        """Return the current values as a tensor through which gradients reach the weight."""
        gain = ops.convert_to_tensor(self.variable)
        raised = ops.softplus(ops.clip(gain + constant(self._offset, gain), _LOWEST, _HIGHEST))
        # This also stops an infinite gradient from loud sound outside a silent band, which would become NaN when
        # multiplied by 0.
        return ops.where(
            kernel.constant(self._there, "bool", gain), constant(self._scale, gain) * raised, ops.zeros_like(gain)
        )

    def array(self) -> np.ndarray:
        """Return the current values as a NumPy array."""
        return np.asarray(ops.convert_to_numpy(self.tensor()))

    def gain_of(self, values: np.ndarray) -> np.ndarray:
        """Return the weight that gives some values as closely as possible."""
        ratio = np.where(self._there, values / np.where(self._there, self._scale, 1.0), 1.0)
        ratio = np.clip(ratio.astype("float64"), math.exp(_LOWEST), _HIGHEST)
        return np.where(self._there, ratio + np.log(-np.expm1(-ratio)) - self._offset, 0.0)

    def convert(self, values: np.ndarray) -> tuple[np.ndarray, Extent]:
        """Return the weight and the reach for the values that a file of 1.0.0.dev0 holds instead of the weight."""
        negative, outside = int((values < 0.0).sum()), int((values[~self._there] > 0.0).sum())
        reach: Extent = "all" if outside else True
        if outside:
            self.reach(reach)
        said = []
        if negative:
            said.append(f"{negative} of its {values.size} values are below 0 and become 0")
        if outside:
            said.append(f"{outside} lie where the recipe's are 0, so that trainable_{self.name} becomes 'all'")
        if said:
            warnings.warn(
                f"The file is of Kapre 1.0.0.dev0, where training could make anything of the {self.name}: "
                f"{', and '.join(said)}. Train on for some steps, and save it again.",
                stacklevel=6,
            )
        return self.gain_of(np.maximum(values, 0.0)), reach


def save(learned: list[Learned], store: Any, save_all: Any) -> None:
    """Save the weights of a layer, with a mark that those of `learned` are gains."""
    save_all(store)
    if learned:
        store[_MARK] = np.asarray(1, "int32")


def load(layer: Any, learned: list[Learned], store: Any, load_all: Any) -> None:
    """Load the weights of a layer. In a file of 1.0.0.dev0, the weights are the values themselves."""
    keys = list(store.keys())  # an entry of an H5 file is not a mapping
    arrays = {key: store[key] for key in keys if key != _MARK}
    if learned and _MARK not in keys:
        variables = [*layer._trainable_variables, *layer._non_trainable_variables]
        for one in learned:
            key = str(next(i for i, variable in enumerate(variables) if variable is one.variable))
            values = None if key not in arrays else np.asarray(arrays[key])
            if values is None or values.shape != tuple(one.variable.shape):
                continue  # Keras reports the mismatch
            arrays[key], reach = one.convert(values)
            if reach == "all":
                setattr(layer, f"trainable_{one.name}", reach)
    load_all(arrays)
