"""Export by PyTorch: its own programs, ONNX and ExecuTorch."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import torch

from kapre.deploy import _metadata
from kapre.deploy._formats import OPSET
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


def _traced(program: Program) -> Any:
    """Return the exported program. Each free axis stays free, or free up to the longest clip."""
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


def program_file(program: Program, path: Path) -> None:
    """Write a file for `torch.export.load`."""
    torch.export.save(_traced(program), path, extra_files={_metadata.FILE: _metadata.dumped(program.metadata)})


def onnx_model(program: Program) -> Any:
    """Return an ONNX model."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        exported = torch.onnx.export(
            _traced(program),
            dynamo=True,
            opset_version=OPSET,
            input_names=[slot.name for slot in program.inputs],
            output_names=[slot.name for slot in program.outputs],
            verbose=False,
        )
    finally:
        log.setLevel(level)
    return exported.model_proto


def executorch_file(program: Program, path: Path) -> None:
    """Write a file for ExecuTorch, whose method `kapre` returns the metadata."""
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    lowered = to_edge_transform_and_lower(
        _traced(program),
        partitioner=[XnnpackPartitioner()],
        constant_methods={_metadata.KEY: _metadata.dumped(program.metadata)},
    )
    path.write_bytes(lowered.to_executorch().buffer)
