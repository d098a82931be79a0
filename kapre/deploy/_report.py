"""`Report`: the result of `kapre.export`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from kapre._shown import table
from kapre.deploy._check import Check
from kapre.deploy.formats import FORMATS


@dataclass(frozen=True)
class Report:
    """Report what `kapre.export` did.

    Args:
        path: The path of the file or folder.
        format: The name of the format.
        backend: The Keras backend that wrote the file.
        size: Number of bytes, of all files in the case of a folder.
        inputs: A mapping from the name of each input to its shape, with None for a dynamic axis.
        outputs: The same for the outputs.
        rewritten: Operations that are computed in another way than in Keras, one line per layer.
        checks: The result for each input that was run. Empty with `check=False`.
        latency_ms: The median over 15 runs of one clip of one second (longer if one second holds no frame), or of one
            chunk of a stream. None with `check=False`. LiteRT, onnxruntime and OpenVINO run on one thread. The
            frameworks use their default number of threads.
        tolerance: The largest accepted error, as a fraction of the output's range.
        quantize: How the weights after the front end are stored: "float16", "int8" or None.
        float_error: The largest error before quantisation. None if the weights are not quantised.

    Example:
        ```python
        import kapre

        report = kapre.export(kapre.Frontend.from_preset("whisper"), "whisper.onnx")
        assert report.checked and report.outputs == {"features": (None, 80, 3000)}
        print(report)
        ```
    """

    path: str
    format: str
    backend: str
    size: int
    inputs: dict[str, tuple[int | None, ...]]
    outputs: dict[str, tuple[int | None, ...]]
    rewritten: tuple[str, ...]
    checks: tuple[Check, ...]
    latency_ms: float | None
    tolerance: float
    quantize: str | None = None
    float_error: float | None = None

    @property
    def checked(self) -> bool:
        """Return whether the file was run in its runtime."""
        return bool(self.checks)

    @property
    def max_error(self) -> float | None:
        """Return the largest error of all checks as a fraction of the output's range, or None with `check=False`."""
        errors = [check.error for check in self.checks if check.error is not None]
        return max(errors) if errors else None

    def to_dict(self) -> dict[str, Any]:
        """Return the report in a JSON-compatible form."""
        return {**dataclasses.asdict(self), "checked": self.checked, "max_error": self.max_error}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Report:
        """Return the report from the output of `to_dict`."""
        own = {field.name: values[field.name] for field in dataclasses.fields(cls)}
        own["checks"] = tuple(
            Check(tuple(map(tuple, one["shapes"])), one["error"], one["refused"]) for one in own["checks"]
        )
        for name in ("inputs", "outputs"):
            own[name] = {key: tuple(shape) for key, shape in own[name].items()}
        return cls(**{**own, "rewritten": tuple(own["rewritten"])})

    def __str__(self) -> str:
        lines = [f"{self.path}: {FORMATS[self.format].title}, {self.size / 1e6:.2f} MB, written by {self.backend}"]
        for name, slots in (("in", self.inputs), ("out", self.outputs)):
            lines += [f"  {name:<4}{key} {_axes(shape)}" for key, shape in slots.items()]
        lines += [f"  {line}" for line in self.notes]
        if not self.checked:
            return "\n".join([*lines, "  not run: check=False"])
        for check in self.checks:
            shape = ", ".join(map(str, check.shapes))
            found = f"{check.error:.1e} of the range" if check.error is not None else "too short for the model"
            lines.append(f"  {shape:<20} {found}")
        return "\n".join([*lines, f"  {self.speed}"])

    def _repr_html_(self) -> str:
        """Return a table of the file, its inputs and outputs, and its largest error, for a notebook."""
        rows = [("file", self.path), ("size", f"{self.size / 1e6:.2f} MB"), ("written by", self.backend)]
        rows += [("input", f"{name} {_axes(shape)}") for name, shape in self.inputs.items()]
        rows += [("output", f"{name} {_axes(shape)}") for name, shape in self.outputs.items()]
        rows += [("note", note) for note in self.notes]
        if not self.checked:
            rows.append(("checked", "no: check=False"))
        else:
            error = self.max_error
            rows.append(("largest error", "every input too short" if error is None else f"{error:.1e} of the range"))
            rows.append(("speed", self.speed))
        return table(FORMATS[self.format].title, rows)

    @property
    def notes(self) -> list[str]:
        """Return a description of each step of the export, one per line."""
        if self.quantize is None:
            return list(self.rewritten)
        before = "" if self.float_error is None else f"; before, the error was {self.float_error:.1e} of the range"
        return [*self.rewritten, f"weights behind the front end in {self.quantize}{before}"]

    @property
    def speed(self) -> str:
        """Return the latency in words."""
        what = "one chunk" if any(name.startswith("state_") for name in self.inputs) else "one clip of 1 s"
        threads = " on one thread" if FORMATS[self.format].one_thread else ""
        return f"{what}: {self.latency_ms:.2f} ms{threads}"


def _axes(shape: tuple[int | None, ...]) -> str:
    return "(" + ", ".join("dynamic" if size is None else str(size) for size in shape) + ")"
