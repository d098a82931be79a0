"""Export by JAX: StableHLO and ONNX."""

from __future__ import annotations

import string
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import jax
import jax.export
import jax.numpy as jnp

from kapre.deploy import _metadata
from kapre.deploy._formats import OPSET
from kapre.deploy._program import Program

T = TypeVar("T")


def symbols(program: Program) -> tuple[list[list[str | int]], list[str]]:
    """Return the input shapes with a name for each free axis (one name for all batches), and the names of time axes."""
    names = iter(string.ascii_lowercase[2:])
    shapes: list[list[str | int]] = []
    times = []
    for slot in program.inputs:
        shape: list[str | int] = []
        for axis, size in enumerate(slot.shape):
            shape.append(size if size is not None else "b" if axis == 0 else next(names))
            if size is None and axis:
                times.append(str(shape[-1]))
        shapes.append(shape)
    return shapes, times


def at_least_so_long(program: Program, write: Callable[[list[str]], T]) -> T:
    """Write with a lower bound on the clip length. Without one, JAX cannot tell that there is a frame."""
    _, times = symbols(program)
    for samples in program.try_lengths():
        try:
            return write([f"{name} >= {samples}" for name in times])
        except Exception as error:
            if "InconclusiveDimensionOperation" not in f"{type(error).__name__} {error}":
                raise
            last = error
    raise last


def _structs(program: Program, promises: list[str]) -> list[jax.ShapeDtypeStruct]:
    scope = jax.export.SymbolicScope(promises)
    found = []
    for slot, shape in zip(program.inputs, symbols(program)[0], strict=True):
        sizes = jax.export.symbolic_shape(",".join(map(str, shape)), scope=scope) if shape else ()
        found.append(jax.ShapeDtypeStruct(sizes, jnp.dtype(slot.dtype)))
    return found


def stablehlo(program: Program, path: Path) -> None:
    """Write a file for `jax.export.deserialize`, with its metadata in a file beside it."""

    def write(promises: list[str]) -> Any:
        with jax.default_matmul_precision("highest"):  # else a TPU would multiply in bfloat16, and a GPU in TF32
            function = jax.jit(program.traced)
            return jax.export.export(function, platforms=("cpu", "cuda", "tpu"))(*_structs(program, promises))

    exported = at_least_so_long(program, write)
    path.write_bytes(exported.serialize())
    _metadata.beside(path).write_text(_metadata.dumped(program.metadata), encoding="utf-8")


def onnx_model(program: Program) -> Any:
    """Return an ONNX model."""
    import jax2onnx

    return at_least_so_long(
        program,
        lambda promises: jax2onnx.to_onnx(
            lambda *tensors: tuple(program.traced(*tensors).values()),
            _structs(program, promises),
            opset=OPSET,
            input_names=[slot.name for slot in program.inputs],
            output_names=[slot.name for slot in program.outputs],
        ),
    )
