"""PyTorch: what kind of call it is, by its tensors."""

from __future__ import annotations

from typing import Any

import torch

_OF_A_MODULE = (
    "_forward_hooks",
    "_forward_pre_hooks",
    "_backward_hooks",
    "_backward_pre_hooks",
    "_compiled_call_impl",  # set by `layer.compile()`
)


_any_global_hook = getattr(torch.nn.modules.module, "_has_any_global_hook", lambda: True)


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


def has_hooks(layer: Any) -> bool:
    """Tell whether PyTorch has something to do around a call of a layer, or a compiled form of it."""
    of_module = vars(layer)
    return bool(_any_global_hook() or any(of_module.get(name) for name in _OF_A_MODULE))
