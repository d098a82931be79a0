"""What PyTorch needs to trace a program with dynamic axes."""

from __future__ import annotations

from typing import Any

import torch

from kapre.deploy._program import Program


class _Module(torch.nn.Module):
    """Wrap a program as a module."""

    def __init__(self, program: Program) -> None:
        super().__init__()
        self.model = program.model
        self.program = program

    def forward(self, *tensors: torch.Tensor) -> torch.Tensor | tuple[torch.Tensor, ...]:
        found = tuple(self.program.traced(*tensors).values())
        return found[0] if len(found) == 1 else found  # as in the model itself


def traced(program: Program) -> Any:
    """Return the exported program. Each dynamic axis stays dynamic, or dynamic up to the longest clip."""
    module = _Module(program).eval()
    seconds = 1.7 * program.unit
    dim: Any = torch.export.Dim.DYNAMIC
    if program.max_samples is not None:
        seconds = min(seconds, program.max_samples / program.sample_rate)
        dim = torch.export.Dim.DYNAMIC(min=1, max=program.max_samples)
    example = tuple(torch.from_numpy(x) for x in program.example(batch=2, seconds=seconds))
    free = tuple({axis: dim for axis, size in enumerate(slot.shape) if size is None} for slot in program.inputs)
    with torch.no_grad():
        return torch.export.export(module, example, dynamic_shapes=(free,), strict=False)
