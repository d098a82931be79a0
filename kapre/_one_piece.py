"""Compilation of a layer's `call` as a whole on JAX, which otherwise compiles each operation for each shape."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import keras
import numpy as np

from kapre.ops import buckets, kernels
from kapre.ops.host import goes_by_host
from kapre.ops.kernels import active as kernel

_Call = Callable[..., Any]


_OF_ALL = {*vars(keras.layers.Layer(name="any")), "_like", "_was_called", "_signature_seen", "_default_name"}
"""Attributes of every layer. Only the dtype policy among them affects the result of `call`."""
_OF_CALL = ("_dtype_policy", "name")


class _Like:
    """Hold what a layer's `call` reads. Objects for layers that compute the same are equal.

    An object holds neither the layer nor, through it, the model that contains the layer.
    """

    def __init__(self, layer: Any, call: _Call) -> None:
        own = {name: value for name, value in vars(layer).items() if name not in _OF_ALL}
        own = {name: dict(value) if isinstance(value, Mapping) else value for name, value in own.items()}
        self.call = call
        self.layer = object.__new__(type(layer))
        vars(self.layer).update(own, **{name: vars(layer)[name] for name in _OF_CALL if name in vars(layer)})
        self.same = (type(layer), layer.dtype_policy.name, *((name, _frozen(own[name])) for name in sorted(own)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Like) and self.same == other.same

    def __hash__(self) -> int:
        return hash(self.same)


def _frozen(value: Any) -> Any:
    """Return a value in a form that can be compared and hashed."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, Mapping):
        return tuple((name, _frozen(value[name])) for name in sorted(value))
    if isinstance(value, list | tuple):
        return tuple(map(_frozen, value))
    return value if isinstance(value, Hashable) else ("object", id(value))


def has_changed(layer: Any, name: str) -> None:
    """Discard the compiled call of a layer when an attribute that `call` may read is set."""
    if name not in _OF_ALL or name in ("dtype_policy", *_OF_CALL):
        vars(layer).pop("_like", None)


def _computed(like: _Like, x: Any, mask: Any) -> Any:
    return like.call(like.layer, x) if mask is None else like.call(like.layer, x, mask=mask)


_compiled = kernels.compiled(_computed)


def in_one_piece(call: _Call) -> _Call:
    """Return a layer's `call(self, inputs)` or `call(self, inputs, mask=None)`, compiled as a whole for eager calls.

    Layers that compute the same share one compilation for each of the first shapes. After these, time is padded to one
    of a few lengths, with a mask if `call` takes one, and cropped, as in `kapre.executor.run_in_bucket`. Traced calls
    and subclasses with their own `call` run unchanged. On a backend that does not compile eager calls, `call` is
    returned unchanged.
    """
    if not kernel.compiles_eager_calls:
        return call
    takes_mask = "mask" in inspect.signature(call).parameters

    @functools.wraps(call)
    def compiled(self: Any, inputs: Any, mask: Any = None) -> Any:
        values = [inputs] if mask is None else [inputs, mask]
        own = vars(type(self)).get("call") is compiled and self._in_one_piece
        if not own or not (keras.ops.is_tensor(inputs) and goes_by_host(*values)):
            return call(self, inputs, mask=mask) if takes_mask else call(self, inputs)
        like = vars(self).get("_like")
        if like is None:
            like = vars(self)["_like"] = _Like(self, call)
        found = _in_bucket(like, inputs, mask, takes_mask)
        return _compiled(like, inputs, mask) if found is None else found

    return compiled


def _in_bucket(like: _Like, x: Any, mask: Any, takes_mask: bool) -> Any:
    """Return the result of `call` on an input, computed at the length of its bucket.

    Return None if the length is one of the first, the layer cannot be padded, or the call is traced.
    """
    shape = tuple(x.shape)
    axes = like.layer.time_axes(shape)
    if axes is None or 0 in shape:
        return None
    time = x.size if axes == "all" else shape[axes[0]]
    if mask is not None and tuple(mask.shape) != (shape[0], time):
        return None
    if not buckets.is_for_bucket((like, str(x.dtype), mask is None), time, x, mask):
        return None
    given = np.asarray(x)
    if axes == "all":  # each value is computed by itself
        room = buckets.padded(given.reshape(-1))
    else:
        wanted = like.layer.compute_output_shape(shape)[axes[1]]  # raises for a shape that does not fit
        room = np.moveaxis(buckets.padded(np.moveaxis(given, axes[0], -1), _LEAST[len(shape)]), -1, axes[0])
    there = None
    if takes_mask:
        there = np.zeros((shape[0], room.shape[axes[0]]), bool)
        there[:, :time] = True if mask is None else np.asarray(mask)
        there = kernel.put(there, "bool", x)
    y = _compiled(like, kernel.put(room, str(x.dtype), x), there)
    if not kernel.is_held(y):
        return None
    found = np.asarray(y)
    if axes != "all":
        return kernel.put(found[(*[slice(None)] * axes[1], slice(0, wanted))], str(y.dtype), x)
    return kernel.put(found[: x.size].reshape(shape), str(y.dtype), x)


_LEAST = {3: buckets.LEAST, 4: 32}
"""The length of the shortest bucket of samples and of frames, by the rank of the input."""
