"""Support for tf.data under another backend. Its functions are TensorFlow graphs, which run only TensorFlow's ops."""

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


def is_ragged(x: Any) -> bool:
    """Tell whether the input is, or represents, a ragged tensor of TensorFlow or a nested one of PyTorch."""
    if getattr(x, "ragged", False) is True or getattr(x, "is_nested", False) is True:
        return True
    return "tensorflow" in sys.modules and isinstance(x, sys.modules["tensorflow"].RaggedTensor)


def _refuse_ragged(layer: Any, values: list[Any]) -> None:
    if any(map(is_ragged, values)):
        raise TypeError(
            f"{layer.name}: the input must be a dense tensor; received a ragged one. Pad the clips with zeros to one "
            "length, with `padded_batch` in tf.data or `x.to_tensor()`, and say which samples count: with `lengths` "
            "(`x.row_lengths()`) to kapre.Frontend, with `mask` (`tf.sequence_mask(lengths)`) to any other layer."
        )


def call(layer: Any, compute_call: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a layer. If an argument is such a tensor, call it in a Python function in TensorFlow's graph."""
    if kernel.is_tracing():
        return compute_call(*args, **kwargs)
    values = keras.tree.flatten((args, kwargs))
    _refuse_ragged(layer, values)
    if any(map(is_foreign, values)):
        return _call_in_graph(layer, compute_call, args, kwargs)
    return compute_call(*args, **kwargs)


def _call_in_graph(layer: Any, compute_call: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Add a call of the layer to the graph as a Python function with a known output shape and dtype."""
    import tensorflow as tf

    x = args[0] if args else next(iter(kwargs.values()))
    flags = {name: value for name, value in kwargs.items() if isinstance(value, bool)}
    symbolic = keras.tree.map_structure(lambda part: keras.KerasTensor(part.shape, dtype=part.dtype.name), x)
    spec = layer.compute_output_spec(symbolic, **flags)
    layer._build_once(
        keras.tree.map_structure(lambda part: tuple(part.shape), x)
    )  # here, because a pipeline may call from several threads at once
    # Two threads must not get the same draw from a generator.
    draws = any(hasattr(part, "seed_generator") for part in (layer, *getattr(layer, "layers", ())))
    given = keras.tree.flatten((args, kwargs))
    tensors = [i for i, value in enumerate(given) if is_foreign(value)]
    specs = keras.tree.flatten(spec)

    def compute(*values: np.ndarray) -> list[np.ndarray]:
        known = dict(enumerate(given)) | dict(zip(tensors, values, strict=True))
        own_args, own_kwargs = keras.tree.pack_sequence_as((args, kwargs), list(known.values()))
        with _drawing if draws else contextlib.nullcontext():
            y = keras.tree.flatten(compute_call(*own_args, **own_kwargs))
        pairs = zip(y, specs, strict=True)
        return [np.asarray(keras.ops.convert_to_numpy(part), dtype=own.dtype) for part, own in pairs]

    y = tf.numpy_function(compute, [given[i] for i in tensors], [own.dtype for own in specs], stateful=draws)
    for part, own in zip(y, specs, strict=True):
        part.set_shape(own.shape)
    return keras.tree.pack_sequence_as(spec, y)


def refuse(name: str) -> None:
    """Raise an error for such a tensor in a function that is not a layer."""
    raise TypeError(
        f"{name} cannot run inside tf.data while Keras runs on {keras.backend.backend()}. Use a layer of Kapre there, "
        "which can, or KERAS_BACKEND=tensorflow, or call it on the batches that the dataset yields."
    )
