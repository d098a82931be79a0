"""PyTorch in eager calls on the CPU: functions of some examples of a batch alone, and copies of parts of rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch

from kapre.ops.kernels import _on_host


def _rows(nest: Any, rows: Any, batch: int) -> Any:
    """Return rows of every tensor and array whose first axis is the batch, in a nest of dicts."""
    if isinstance(nest, Mapping):
        return {name: _rows(value, rows, batch) for name, value in nest.items()}
    shape: tuple[int, ...] = tuple(getattr(nest, "shape", ()))
    return nest[rows] if len(shape) and shape[0] == batch else nest


def to_some(which: torch.Tensor, fn: Callable[..., Any], x: torch.Tensor, y: Any, nests: tuple[Any, ...]) -> Any:
    """Return `y` with the results of a function for the examples of `x` where `which` is True."""
    batch = len(x)
    rows = torch.nonzero(which).reshape(-1)
    if len(rows) == batch:
        return fn(x, *nests)
    if not len(rows):
        return y.clone()  # a caller may write into the result
    found = fn(x[rows], *(_rows(nest, rows, batch) for nest in nests))
    return y.index_copy(0, rows, found.to(y.dtype))


def rolled(x: torch.Tensor, starts: torch.Tensor, size: int, rows: Any, lengths: Any) -> torch.Tensor:
    """Copy parts of rows; see `Kernel.rolled`."""
    given = (None if tensor is None else torch.as_tensor(tensor).numpy() for tensor in (rows, lengths))
    return torch.from_numpy(_on_host.rolled(x.resolve_neg().numpy(), starts.numpy(), size, *given))


def silenced(x: torch.Tensor, starts: torch.Tensor, sizes: torch.Tensor) -> torch.Tensor:
    """Copy a batch, and write zeros to chunks; see `Kernel.silenced`."""
    found = x.clone(memory_format=torch.contiguous_format)
    rows = math.prod(x.shape[:2])
    chunks = torch.stack([starts, starts + sizes], dim=-1).expand(*x.shape[:2], -1, -1)
    for row, own in zip(found.view(rows, -1).numpy() if x.numel() else (), chunks.flatten(0, 1).tolist(), strict=False):
        for begin, end in own:
            row[max(0, begin) : max(0, end)] = 0.0
    return found
