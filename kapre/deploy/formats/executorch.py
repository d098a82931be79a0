"""ExecuTorch, which plans its memory: one clip at a time, of at most `max_samples`."""

from __future__ import annotations

import dataclasses
import warnings
from pathlib import Path
from typing import Any

from kapre._checks import message
from kapre.deploy._quiet import quiet
from kapre.deploy.formats._base import KEY, Format, Loaded, Program

SECONDS = 30.0
"""Default duration of the longest clip in seconds."""


class ExecuTorch(Format):
    """Write and run a file for ExecuTorch, whose method `kapre` returns the metadata."""

    def bounded(self, program: Program, max_samples: int | None) -> Program:
        """Return the program for one clip at a time, of at most `max_samples`."""
        longest = program.longest_tried
        free = any(size is None for slot in program.inputs for size in slot.shape[1:])
        if max_samples is None:
            max_samples = max(longest, round(SECONDS * program.sample_rate))
        elif not free:
            raise ValueError(message("max_samples", "None where the length is fixed", max_samples, "Leave it out."))
        elif max_samples < longest:
            rule = f"at least {longest}, the longest clip that the file is tried with"
            raise ValueError(message("max_samples", rule, max_samples, f"Use {longest}."))
        metadata = {**program.metadata, "max_samples": max_samples} if free else program.metadata

        def one_clip(slot: Any) -> Any:
            return dataclasses.replace(slot, shape=(1, *slot.shape[1:])) if slot.shape[:1] == (None,) else slot

        inputs, outputs = list(map(one_clip, program.inputs)), list(map(one_clip, program.outputs))
        return dataclasses.replace(program, inputs=inputs, outputs=outputs, metadata=metadata, max_samples=max_samples)

    def write(self, program: Program, path: Path, backend: str) -> None:
        from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
        from executorch.exir import to_edge_transform_and_lower

        from kapre.deploy.formats import _torch

        traced, methods = _torch.traced(program), {KEY: program.metadata_text}
        lowered = to_edge_transform_and_lower(traced, partitioner=[XnnpackPartitioner()], constant_methods=methods)
        path.write_bytes(lowered.to_executorch().buffer)

    def load(self, path: Path) -> Loaded:
        import torch
        from executorch.runtime import Runtime

        method = Runtime.get().load_program(path).load_method("forward")
        assert method is not None
        return lambda given: method.execute([torch.from_numpy(x) for x in given.values()])

    def metadata(self, path: Path) -> str | None:
        with quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the package warns about itself on import
            from executorch.runtime import Runtime

            program = Runtime.get().load_program(path)
            method = program.load_method(KEY) if KEY in program.method_names else None
            return None if method is None else str(method.execute([])[0])


FORMAT = ExecuTorch(
    name="executorch",
    title="ExecuTorch, one clip at a time",
    suffixes=(".pte",),
    backends=("torch",),
    writes_with={"torch": ("executorch", "torchao")},
    runs_with="executorch",
    one_thread=False,
    hint=" ExecuTorch takes a front end alone, as a rule: export kapre.Frontend, or the helper, by itself.",
    extra="executorch",
    by_products=True,
    crash="ExecuTorch may end the process",
    instead_for_streams="Use onnx or litert.",
)
