"""PyTorch: what kind of call it is, by its tensors."""

from __future__ import annotations

from typing import Any

import torch


def is_ordinary(x: Any) -> bool:
    """Tell whether the input is a tensor of numbers, and not a type that represents one during tracing."""
    return type(x) in (torch.Tensor, torch.nn.Parameter)


def transforms_active() -> bool:
    """Tell whether the call is inside torch.func (PyTorch 2.13 has no public name for that)."""
    return bool(getattr(torch._C, "_are_functorch_transforms_active", lambda: False)())


def has_tangent(x: torch.Tensor) -> bool:
    return torch.autograd.forward_ad.unpack_dual(x).tangent is not None


def is_eager_on_cpu(x: Any) -> bool:
    """Tell whether operations on a tensor are computed one after another on the CPU, and none has a gradient."""
    if not is_ordinary(x) or x.device.type != "cpu" or torch.compiler.is_compiling() or torch.jit.is_tracing():
        return False
    return not (transforms_active() or has_tangent(x) or (x.requires_grad and torch.is_grad_enabled()))
