"""Compilation of stream steps: for every shape of a fixed stream, and for the first few shapes of any other."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from kapre.ops import kernels
from kapre.ops.host import leaves
from kapre.ops.kernels import active as kernel

FEW = 8
"""Number of sets of shapes for which a step of free chunks is compiled."""


class CompiledStep:
    """Run a compiled step of a stream. For a free stream with more shapes than `FEW`, run the step uncompiled.

    Args:
        step: A pure function of tensors, and of dicts and tuples of tensors. It is hashable, `fixed` tells whether its
            shapes are fixed, and `plain` runs it uncompiled.
    """

    def __init__(self, step: Any) -> None:
        self._step = step
        self._run = kernels.as_one(step)
        self._any_shape = step.fixed or not kernel.compiles_each_shape
        self._met: set[tuple[tuple[int, ...], ...]] = set()

    def __call__(self, *arguments: Any) -> Any:
        """Run the step on its arguments and return its result."""
        if not self._any_shape:
            shapes = tuple(tuple(part.shape) for part in leaves(arguments))
            if shapes not in self._met:
                if len(self._met) >= FEW:
                    return self._step.plain(*arguments)
                self._met.add(shapes)
        return self._run(*arguments)


@lru_cache(maxsize=32)
def compiled(step: Any) -> CompiledStep:
    """Return the compiled step. Equal steps share one, also those of different streams."""
    return CompiledStep(step)
