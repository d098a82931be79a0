"""PyTorch: what augmentations ask of a kernel, for eager calls on the CPU without a gradient."""

from __future__ import annotations

from typing import Any

import torch

from kapre.ops.kernels import _on_host, _torch_items
from kapre.ops.kernels._effects import EffectOperations
from kapre.ops.kernels._torch_eager import is_eager_on_cpu


class TorchEffects(EffectOperations):
    """Write results into memory once, and select without sorting."""

    def energy(self, x: torch.Tensor, axis: int | tuple[int, ...]) -> torch.Tensor:
        """Return the sum of squares over some axes. The norm does not write the squares to memory."""
        if not is_eager_on_cpu(x):
            return super().energy(x, axis)
        norm: torch.Tensor = torch.linalg.vector_norm(x, dim=axis, keepdim=True)
        return norm.square()

    def plus_scaled(self, x: torch.Tensor, y: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        return torch.addcmul(x, y, scale)

    def white(self, keys: torch.Tensor, size: Any, dtype: str) -> torch.Tensor | None:
        if not (is_eager_on_cpu(keys) and isinstance(size, int)):
            return None
        return torch.from_numpy(_on_host.white(keys.numpy(), size, dtype))

    def order_statistics(self, x: torch.Tensor, places: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if not is_eager_on_cpu(x):
            return super().order_statistics(x, places)
        found = _on_host.order_statistics(x.resolve_neg().numpy(), places.numpy())
        return torch.from_numpy(found[0]), torch.from_numpy(found[1])

    def rolled(self, x: torch.Tensor, starts: torch.Tensor, size: Any, rows: Any, lengths: Any) -> torch.Tensor | None:
        return _torch_items.rolled(x, starts, size, rows, lengths) if is_eager_on_cpu(x) else None

    def clipped(self, x: torch.Tensor, low: torch.Tensor, high: torch.Tensor) -> torch.Tensor:
        if not all(map(is_eager_on_cpu, (x, low, high))):
            return super().clipped(x, low, high)
        # A bound that is NaN does not bound: `clamp` would return NaN.
        bounds = (torch.where(bound.isnan(), none, bound) for bound, none in ((low, -torch.inf), (high, torch.inf)))
        return torch.clamp(x, *bounds)

    def rounded(self, x: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        if not (is_eager_on_cpu(x) and is_eager_on_cpu(scale)):
            return super().rounded(x, scale)
        return (x * scale).round_().div_(scale)

    def silenced(self, x: torch.Tensor, starts: torch.Tensor, sizes: torch.Tensor) -> torch.Tensor | None:
        return _torch_items.silenced(x, starts, sizes) if all(map(is_eager_on_cpu, (x, starts, sizes))) else None
