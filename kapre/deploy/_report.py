"""What `kapre.export` says of a file that it wrote."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from kapre.deploy._check import Check
from kapre.deploy._formats import FORMATS


@dataclass(frozen=True)
class Report:
    """What `kapre.export` did.

    Args:
        path: The file or folder.
        format: The format's name.
        backend: The Keras backend that wrote it.
        size: Bytes, of all files of a folder.
        inputs: From each input's name to its shape, None for an axis that is free.
        outputs: The same of the outputs.
        rewritten: What is computed in another way than Keras does, one line for each layer.
        checks: What each input that was run showed; empty with `check=False`.
        latency_ms: The median over 15 runs of one clip of one second (longer where that holds no frame), or of one
            chunk of a stream; None with `check=False`. LiteRT, onnxruntime and OpenVINO run on one thread, the
            frameworks with as many as they take.
        tolerance: The largest error that was let through, as a part of the output's range.
        quantize: How the weights behind the front end are stored: "float16", "int8" or None.
        float_error: The largest error before they were quantised; None where they are not.

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
        """Whether the file was run in its runtime."""
        return bool(self.checks)

    @property
    def max_error(self) -> float | None:
        """The largest error of all checks, as a part of the output's range; None with `check=False`."""
        errors = [check.error for check in self.checks if check.error is not None]
        return max(errors) if errors else None

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as what JSON holds."""
        return {**dataclasses.asdict(self), "checked": self.checked, "max_error": self.max_error}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Report:
        """Return the report that `to_dict` describes."""
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
            lines += [f"  {name:<4}{key} {_free(shape)}" for key, shape in slots.items()]
        lines += [f"  {line}" for line in self.notes]
        if not self.checked:
            return "\n".join([*lines, "  not run: check=False"])
        for check in self.checks:
            shape = ", ".join(map(str, check.shapes))
            found = f"{check.error:.1e} of the range" if check.error is not None else "too short for a frame"
            lines.append(f"  {shape:<20} {found}")
        return "\n".join([*lines, f"  {self.speed}"])

    @property
    def notes(self) -> list[str]:
        """What was done, a line each."""
        if self.quantize is None:
            return list(self.rewritten)
        before = "" if self.float_error is None else f"; before, the error was {self.float_error:.1e} of the range"
        return [*self.rewritten, f"weights behind the front end in {self.quantize}{before}"]

    @property
    def speed(self) -> str:
        """The latency in words."""
        what = "one chunk" if any(name.startswith("state_") for name in self.inputs) else "one clip of 1 s"
        threads = " on one thread" if FORMATS[self.format].one_thread else ""
        return f"{what}: {self.latency_ms:.2f} ms{threads}"


def _free(shape: tuple[int | None, ...]) -> str:
    return "(" + ", ".join("free" if size is None else str(size) for size in shape) + ")"
