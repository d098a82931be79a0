"""tf.data under another backend: its functions are TensorFlow graphs, in which only TensorFlow's ops run."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from kapre.ops.kernels import active as kernel

_drawing = threading.Lock()


def is_foreign(x: Any) -> bool:
    """Tell whether a tensor belongs to a TensorFlow graph while Keras runs on another backend."""
    if keras.backend.backend() == "tensorflow" or "tensorflow" not in sys.modules:
        return False
    tf = sys.modules["tensorflow"]
    return isinstance(x, tf.Tensor) and not hasattr(x, "numpy")


def call(layer: Any, compute_call: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a layer; with such a tensor among the arguments, from a Python function in TensorFlow's graph."""
    if not kernel.is_tracing() and any(map(is_foreign, (*args, *kwargs.values()))):
        return _call_in_graph(layer, compute_call, args, kwargs)
    return compute_call(*args, **kwargs)


def _call_in_graph(layer: Any, compute_call: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Put a call of the layer into the graph as a Python function, its output's shape and dtype known."""
    import tensorflow as tf

    x = args[0] if args else next(iter(kwargs.values()))
    spec = layer.compute_output_spec(keras.KerasTensor(x.shape, dtype=x.dtype.name))
    layer.build_once(tuple(x.shape))  # now: the pipeline may call from several threads at once
    # Several threads must not take the same draw from a generator.
    draws = any(hasattr(part, "seed_generator") for part in (layer, *getattr(layer, "layers", ())))
    names = [*range(len(args)), *kwargs]
    given = dict(zip(names, (*args, *kwargs.values()), strict=True))
    tensors = {name: value for name, value in given.items() if is_foreign(value)}

    def compute(*values: np.ndarray) -> np.ndarray:
        known = {**given, **dict(zip(tensors, values, strict=True))}
        with _drawing if draws else contextlib.nullcontext():
            y = compute_call(*(known[i] for i in range(len(args))), **{name: known[name] for name in kwargs})
        return np.asarray(keras.ops.convert_to_numpy(y), dtype=spec.dtype)

    y = tf.numpy_function(compute, list(tensors.values()), spec.dtype, stateful=draws)
    y.set_shape(spec.shape)
    return y


def refuse(name: str) -> None:
    """Raise what a function that is no layer says to such a tensor."""
    raise TypeError(
        f"{name} cannot run inside tf.data while Keras runs on {keras.backend.backend()}. Use a layer of Kapre there, "
        "which can, or KERAS_BACKEND=tensorflow, or call it on the batches that the dataset yields."
    )
