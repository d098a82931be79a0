"""LiteRT for Microcontrollers: its own interpreter, with the memory that a file takes."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

import numpy as np


class Micro:
    """A file in the interpreter of microcontrollers, its inputs and outputs by the names of the report."""

    def __init__(self, path: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter
        from tflite_micro.python.tflite_micro import runtime

        self.interpreter = runtime.Interpreter.from_file(str(path), arena_size=8_000_000)
        # It knows numbers alone; which name a number has is in the file, and LiteRT reads it.
        signature = Interpreter(str(path)).get_signature_runner()
        names = Interpreter(str(path))
        self.inputs = self._numbers(signature.get_input_details(), names.get_input_details())
        self.outputs = self._numbers(signature.get_output_details(), names.get_output_details())

    @staticmethod
    def _numbers(signature: dict[str, dict], details: list[dict]) -> dict[str, int]:
        places = [entry["index"] for entry in details]
        return {name: places.index(entry["index"]) for name, entry in signature.items()}

    def __call__(self, **arrays: np.ndarray) -> dict[str, np.ndarray]:
        for name, place in self.inputs.items():
            self.interpreter.set_input(arrays[name], place)
        self.interpreter.invoke()
        return {name: np.array(self.interpreter.get_output(place)) for name, place in self.outputs.items()}

    def arena(self) -> int:
        """Return the bytes of memory that it took; the interpreter prints them from C."""
        with tempfile.TemporaryFile() as file:
            kept = os.dup(2)
            os.dup2(file.fileno(), 2)
            try:
                self.interpreter.print_allocations()
            finally:
                os.dup2(kept, 2)
                os.close(kept)
            file.seek(0)
            found = re.search(rb"allocation total (\d+) bytes", file.read())
        assert found is not None
        return int(found[1])


def step_by_step(step: Micro, x: np.ndarray, chunk: int) -> np.ndarray:
    """Return the features of `(1, samples)`, chunk by chunk from a state of zeros."""
    state = {}
    for name, place in step.inputs.items():
        if name != "samples":
            details = step.interpreter.get_input_details(place)
            state[name] = np.zeros(details["shape"], details["dtype"])
    parts = []
    for start in range(0, x.shape[1] - chunk + 1, chunk):
        found = step(samples=x[:, start : start + chunk], **state)
        parts.append(found.pop("features"))
        state = {name.replace("next_", "state_"): value for name, value in found.items()}
    return np.concatenate(parts, axis=1)
