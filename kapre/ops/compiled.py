"""The steps of streams, compiled: every shape of a stream of fixed chunks, the first few of another."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from kapre.ops.host import leaves
from kapre.ops.kernels import active as kernel

FEW = 8
"""Sets of shapes that a step of free chunks is compiled for."""


class CompiledStep:
    """Run a step of a stream compiled; where a free stream has more shapes than `FEW`, plainly.

    Args:
        step: A pure function of tensors, and of dicts and tuples of them. Hashable; `fixed` tells whether its shapes
            are, and `plain` is how it runs uncompiled.
    """

    def __init__(self, step: Any) -> None:
        self._step = step
        self._run = kernel.as_one(step)
        self._any_shape = step.fixed or not kernel.compiles_each_shape
        self._met: set[tuple[tuple[int, ...], ...]] = set()

    def __call__(self, *arguments: Any) -> Any:
        """Take the step's arguments; return what it gives."""
        if not self._any_shape:
            shapes = tuple(tuple(part.shape) for part in leaves(arguments))
            if shapes not in self._met:
                if len(self._met) >= FEW:
                    return self._step.plain(*arguments)
                self._met.add(shapes)
        return self._run(*arguments)


@lru_cache(maxsize=32)
def compiled(step: Any) -> CompiledStep:
    """Return the compiled step; equal steps, of other streams too, share one."""
    return CompiledStep(step)
