"""Compute a layer's `call` in one piece on JAX, which runs operation by operation and compiles each for each shape."""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import Callable
from typing import Any

import numpy as np

from kapre.ops import buckets, fourier
from kapre.ops.kernels import active as kernel

_Call = Callable[..., Any]


class _Like:
    """A layer and its `call`, equal to those of every layer of the same type and config."""

    def __init__(self, layer: Any, call: _Call) -> None:
        self.layer, self.call = layer, call
        config = {name: value for name, value in layer.get_config().items() if name not in ("name", "trainable")}
        self.same = (type(layer), json.dumps(config, sort_keys=True, default=_plain))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Like) and self.same == other.same

    def __hash__(self) -> int:
        return hash(self.same)


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else repr(value)


def _computed(like: _Like, x: Any, mask: Any) -> Any:
    return like.call(like.layer, x) if mask is None else like.call(like.layer, x, mask=mask)


_compiled = kernel.compiled(_computed)


def in_one_piece(call: _Call) -> _Call:
    """Return a layer's `call(self, inputs)` or `call(self, inputs, mask=None)`, compiled as a whole for eager calls.

    It is compiled once for layers of one type and config, and for each of the first shapes; then time goes to one of
    few lengths, as in `kapre.executor.run_in_bucket`: padded, with a mask where `call` takes one, and cropped. What is
    traced, and a subclass with a `call` of its own, runs as it is written. On a backend that does not compile eager
    calls `call` is returned as it is.
    """
    if not kernel.COMPILES_EAGER_CALLS:
        return call
    takes_mask = "mask" in inspect.signature(call).parameters

    @functools.wraps(call)
    def compiled(self: Any, inputs: Any, mask: Any = None) -> Any:
        values = [inputs] if mask is None else [inputs, mask]
        own = vars(type(self)).get("call") is compiled
        if not own or fourier.is_lowering() or not kernel.are_arrays(*values):
            return call(self, inputs, mask=mask) if takes_mask else call(self, inputs)
        like = vars(self).get("_like")
        if like is None:
            like = vars(self)["_like"] = _Like(self, call)
        axes = self.time_axes(tuple(inputs.shape))
        kind = (like, str(inputs.dtype), mask is None)
        if axes is not None and 0 not in inputs.shape:
            time = inputs.size if axes == "all" else inputs.shape[axes[0]]
            if buckets.is_for_bucket(kind, time, *values):
                found = _in_bucket(like, inputs, mask, axes, takes_mask)
                if found is not None:
                    return found
        return _compiled(like, inputs, mask)

    return compiled


def _in_bucket(like: _Like, x: Any, mask: Any, axes: Any, takes_mask: bool) -> Any:
    """Return what `call` does to an input, computed at the length of its bucket; None where the call is traced."""
    shape = tuple(x.shape)
    given = np.asarray(x)
    if axes == "all":  # each value by itself
        y = _compiled(like, buckets.padded(given.reshape(-1)), None)
        return kernel.put(np.asarray(y)[: x.size].reshape(shape), str(y.dtype), x) if kernel.is_held(y) else None
    into, out = axes
    given = np.moveaxis(given, into, -1)
    room = np.moveaxis(buckets.padded(given, _LEAST[len(shape)]), -1, into)
    if takes_mask:
        there = np.zeros((shape[0], room.shape[into]), bool)
        there[:, : shape[into]] = True if mask is None else np.asarray(mask)
    y = _compiled(like, room, there if takes_mask else None)
    if not kernel.is_held(y):
        return None
    wanted = like.layer.compute_output_shape(shape)[out]
    cropped = np.asarray(y)[(*[slice(None)] * out, slice(0, wanted))]
    return kernel.put(cropped, str(y.dtype), x)


_LEAST = {3: buckets.LEAST, 4: 32}
"""The shortest bucket of samples and of frames, by the input's rank."""
