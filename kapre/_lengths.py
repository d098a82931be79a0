"""The argument `lengths` of a call: how many samples or frames of each item are valid."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from kapre._checks import message
from kapre.ops.kernels import active as kernel
from kapre.ops.kernels import tf_data


def lengths_within(lengths: Any, x: Any, axis: int = 1) -> Any:
    """Return the number of samples of each clip as int32, limited to the size of an axis of `x`."""
    lengths = kernel.beside(lengths, x)
    zero, most = kernel.number(0, lengths), kernel.number(ops.shape(x)[axis], lengths)
    return ops.cast(ops.clip(lengths, zero, most), "int32")


def checked_lengths(inputs: Any, lengths: Any) -> Any:
    """Return lengths as an array or a tensor. Refuse what is not one whole number for each clip."""
    if not hasattr(lengths, "dtype"):
        lengths = np.asarray(lengths)
    if isinstance(lengths, np.ndarray) and lengths.dtype.kind in "iu":
        lengths = np.clip(lengths, 0, 2**31 - 1).astype("int32")
    kind = keras.backend.standardize_dtype(lengths.dtype)
    whole = kind.startswith(("int", "uint")) or (kind.startswith(("float", "bfloat")) and _may_be_whole(lengths))
    if not whole or len(lengths.shape) != 1:
        given = f"{kind} of shape {tuple(lengths.shape)}"
        rule = "integers of shape (batch,), the samples of each clip"
        remedy = "Give one number for each clip; an Input for them is keras.Input((), dtype='int32')."
        raise ValueError(message("lengths", rule, given, remedy))
    batch = getattr(inputs, "shape", (None,))[0]
    if None not in (batch, lengths.shape[0]) and batch != lengths.shape[0]:
        raise ValueError(
            message("lengths", f"one number for each of {batch} clips", tuple(lengths.shape), "Give as many.")
        )
    return lengths


def _may_be_whole(x: Any) -> bool:
    """Tell whether floats are whole numbers, or do not have values yet.

    Keras builds a saved model on float32 placeholders, whatever the dtype of the model's inputs.
    """
    if keras.utils.is_keras_tensor(x) or tf_data.is_foreign(x) or kernel.is_abstract(x):
        return True
    values = np.asarray(ops.convert_to_numpy(x), "float64")
    return bool(np.isfinite(values).all() and (values == np.round(values)).all())
