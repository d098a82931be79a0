"""What JAX needs to trace a program with dynamic axes: their names, and a lower bound on the clip length."""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import TypeVar

import jax
import jax.export
import jax.numpy as jnp

from kapre.deploy._program import Program

T = TypeVar("T")


def symbols(program: Program) -> tuple[list[list[str | int]], list[str]]:
    """Return the input shapes with a name for each dynamic axis (one for all batches), and the names of time axes."""
    names = iter(string.ascii_lowercase[2:])
    shapes = [
        [size if size is not None else "b" if axis == 0 else next(names) for axis, size in enumerate(slot.shape)]
        for slot in program.inputs
    ]
    return shapes, [size for shape in shapes for size in shape[1:] if isinstance(size, str)]


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


def structs(program: Program, promises: list[str]) -> list[jax.ShapeDtypeStruct]:
    """Return the inputs as JAX takes them, with bounds on the dynamic axes."""
    scope = jax.export.SymbolicScope(promises)
    found = []
    for slot, shape in zip(program.inputs, symbols(program)[0], strict=True):
        sizes = jax.export.symbolic_shape(",".join(map(str, shape)), scope=scope) if shape else ()
        found.append(jax.ShapeDtypeStruct(sizes, jnp.dtype(slot.dtype)))
    return found
