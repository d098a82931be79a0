"""TensorFlow: spectra by the compiled library, on CPUs in float32, as an operation of TensorFlow's C API.

Eager calls run the operation. A graph holds a function of TensorFlow's own operations, whose name says which plan
computes the same. Before a graph runs, a pass of the library puts the operation in place of the call of that function.
Saved graphs, gradients and programs of XLA therefore do not depend on the library.
"""

from __future__ import annotations

import ctypes
import functools
import os
import site
import sys
import sysconfig
import uuid
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from kapre import _native
from kapre.ops.kernels import _native_plan as native
from kapre.ops.kernels._blocks import Edges, Inversion, Operations
from kapre.ops.kernels._on_host import ALIGNMENT
from kapre.ops.kernels.native_effects import NativeEffects
from kapre.ops.kernels.tensorflow import TensorFlowKernel

_NAME = "kapre_spectrum_"
"""How the names of the functions begin; the library looks for it."""
_MESSAGE = 256

_tagged: list[Operations | Inversion] = []
"""The operations of each `tag`, for gradients. Recipes are few."""


class _Loaded:
    """The library of the operation: its function in Python, and the one that keeps plans."""

    def __init__(self, path: Path) -> None:
        operations = tf.load_op_library(os.fspath(path))
        library = ctypes.CDLL(os.fspath(path))
        if library.kapre_tensorflow_abi() != _native.ABI:
            raise OSError("it belongs to another version of Kapre")
        text, size, number = ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int32
        self.keep = library.kapre_tensorflow_keep
        self.keep.argtypes, self.keep.restype = (text, ctypes.c_void_p, size, number), number
        library.kapre_tensorflow_start.argtypes = (text, text, size)
        message = ctypes.create_string_buffer(_MESSAGE)
        if library.kapre_tensorflow_start(os.fsencode(path), message, _MESSAGE):
            raise OSError(message.value.decode())
        self.spectrum: Callable[..., list[tf.Tensor]] = operations.kapre_spectrum


def _has_plugins() -> bool:
    """Tell whether TensorFlow has loaded plugins. If two have a pass for the same device, it ends the process."""
    schemes = (sysconfig.get_paths(name) for name in sysconfig.get_scheme_names())
    places = [
        *(folder for folder in sys.path if "site-packages" in folder),
        *(paths[name] for paths in schemes for name in ("purelib", "platlib")),
        *site.getsitepackages(),
        site.getusersitepackages(),
    ]
    named = os.environ.get("TF_PLUGGABLE_DEVICE_LIBRARY_PATH")
    folders = {*(Path(place) / "tensorflow-plugins" for place in places), *([Path(named)] if named else [])}
    return any(folder.is_file() or (folder.is_dir() and any(folder.iterdir())) for folder in folders)


@functools.cache
def register() -> bool:
    """Tell TensorFlow the operation and the pass, and return whether it has both."""
    global _loaded
    library = _native.library()
    if library is None or library.tensorflow_path is None or _has_plugins():
        return False
    try:
        _loaded = _Loaded(library.tensorflow_path)
    except (OSError, AttributeError, tf.errors.OpError) as error:
        warnings.warn(
            f"kapre-native does not work with this TensorFlow: {error}. Kapre computes without it, which takes longer. "
            "Install the version that belongs to this Kapre with `pip install -U 'kapre[native]'`, or set "
            f"{_native.SWITCH}=0.",
            RuntimeWarning,
            stacklevel=2,
        )
        return False
    tf.RegisterGradient("KapreSpectrum")(_slope)
    return True


_loaded: _Loaded


class NativeTensorFlowKernel(NativeEffects, TensorFlowKernel):
    """Compute spectra with `kapre-native`, unless they are in another dtype or on another device."""

    def on_host(self, *tensors: tf.Tensor) -> list[np.ndarray] | None:
        if not tf.executing_eagerly() or not all(map(_has_array, tensors)) or _may_have_gradients(list(tensors)):
            return None
        return [np.asarray(memoryview(tensor)) for tensor in tensors]  # `numpy` would copy it

    def from_host(self, array: np.ndarray) -> tf.Tensor:
        shares = array.size > 0 and array.flags.c_contiguous and array.ctypes.data % ALIGNMENT == 0
        return tf.experimental.dlpack.from_dlpack(array.__dlpack__()) if shares else tf.convert_to_tensor(array)

    def threads(self) -> int:
        return _threads()

    def spectrum(
        self, x: tf.Tensor, count: int | None, edges: Edges | None, operations: Operations
    ) -> tuple[tf.Tensor, tf.Tensor | None] | None:
        plan = _plan(x, tf.float32, operations)
        if plan is None:
            return None
        edges = edges or Edges()
        numbers = edges.left, edges.right, native.PADDINGS.index(edges.mode), *operations.counting()
        kinds = [tf.complex64 if plan.is_complex else tf.float32, *[tf.float32] * plan.energy]
        bands, *energy = _call(plan, numbers, x, edges.lengths, operations, kinds)
        return bands, energy[0] if energy else None

    def inverse(self, z: tf.Tensor, counts: Any, operations: Inversion) -> tf.Tensor | None:
        plan = _plan(z, tf.complex64, operations)
        if plan is None:
            return None
        stages = operations.stages("float32")
        samples = 0 if operations.length is None else operations.length + 1
        numbers = *operations.cut(counts is not None), int(operations.normalises), stages.size, stages.hop, samples
        (x,) = _call(plan, numbers, z, counts, operations, [tf.float32])
        return x


def _is_on_cpu(x: tf.Tensor) -> bool:
    """Tell whether a tensor of an eager call is in the memory of this process."""
    return "/job:localhost/" in x.device and "/device:CPU:" in x.device


def _has_array(x: Any) -> bool:
    return isinstance(x, tf.Tensor) and x.dtype in (tf.float32, tf.int32, tf.int64) and _is_on_cpu(x)


def _may_have_gradients(tensors: list[tf.Tensor]) -> bool:
    """Tell whether a tape or a forward accumulator watches tensors (TensorFlow 2.21 has no public name for that)."""
    try:
        from tensorflow.python import pywrap_tfe
    except ImportError:
        return True
    found = getattr(pywrap_tfe, "TFE_Py_TapeSetPossibleGradientTypes", lambda tensors: 1)(tensors)
    return bool(found)


def _threads() -> int:
    return tf.config.threading.get_intra_op_parallelism_threads() or native.cores()


def _plan(x: tf.Tensor, dtype: tf.DType, operations: Operations | Inversion) -> native.Plan | None:
    """Return the plan for a tensor of this dtype, or None if the library is not for it."""
    if not tf.is_tensor(x) or x.dtype != dtype or x.shape.rank is None or 0 in tuple(x.shape):
        return None
    if tf.executing_eagerly() and not _is_on_cpu(x):
        return None
    return native.plan(operations.stages("float32"))


def _call(
    plan: native.Plan,
    numbers: tuple[int, ...],
    x: tf.Tensor,
    lengths: Any,
    operations: Operations | Inversion,
    kinds: list[tf.DType],
) -> list[tf.Tensor]:
    """Run a plan with the numbers of a key. In a graph, it runs when the graph does."""
    key = "_".join([_kept(plan), *map(str, numbers)])
    args = [x] if lengths is None else [x, tf.reshape(tf.cast(lengths, tf.int32), [-1])]
    if tf.executing_eagerly():
        return _loaded.spectrum(args, Tout=kinds, key=key, tag=_tag(operations))
    return list(_as_function(operations, key)(*args))


@functools.lru_cache(maxsize=64)
def _kept(plan: native.Plan) -> str:
    """Give the library a plan to keep, and return its digest."""
    if _loaded.keep(plan.digest.encode(), plan.memory.ctypes.data, plan.memory.nbytes, _threads()):
        raise MemoryError("kapre-native has no memory for a plan.")
    return plan.digest


def _tag(operations: Operations | Inversion) -> int:
    try:
        return _tagged.index(operations)
    except ValueError:
        _tagged.append(operations)
        return _tagged.index(operations)


def _results(operations: Operations | Inversion, x: tf.Tensor, lengths: tuple[tf.Tensor, ...]) -> tuple[tf.Tensor, ...]:
    found = operations(x, *lengths)
    return tuple(part for part in found if part is not None) if isinstance(found, tuple) else (found,)


def _as_function(operations: Operations | Inversion, key: str) -> Callable[..., tuple[tf.Tensor, ...]]:
    """Return operations as a function of TensorFlow that the library's pass knows by its name."""

    def function(x: tf.Tensor, *lengths: tf.Tensor) -> tuple[tf.Tensor, ...]:
        return _results(operations, x, lengths)

    function.__name__ = _NAME + key
    # TensorFlow inlines a function before the pass can see it, but not one that implements an interface: of that,
    # it may choose another implementation, and here there is one of each.
    attributes = {"api_implements": f"kapre_spectrum_{uuid.uuid4().hex}"}
    return tf.function(function, autograph=False, experimental_attributes=attributes)


def _slope(op: Any, *slopes: tf.Tensor) -> list[tf.Tensor | None]:
    """Differentiate the operations of the framework in place of the library."""
    x, *lengths = op.inputs
    operations = _tagged[op.get_attr("tag")]
    with tf.GradientTape() as tape:
        tape.watch(x)
        results = _results(operations, x, tuple(lengths))
    found = tape.gradient(results, x, output_gradients=list(slopes))
    return [found, *[None] * len(lengths)]
