"""`export`: one model into a file of any runtime, which is run there before it is kept."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras

from kapre._checks import flag, message
from kapre.deploy import _check, _elsewhere, _program, _stream
from kapre.deploy._check import Check
from kapre.deploy._errors import ExportError, words
from kapre.deploy._formats import FORMATS, Format, demand, format_of, missing
from kapre.deploy._metadata import beside
from kapre.deploy._quiet import quiet
from kapre.deploy._run import LOADERS
from kapre.deploy._write import WRITERS
from kapre.frontends import Stream

TOLERANCE = 1e-4


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
        latency_ms: The median over 15 runs of one clip of one second, or of one chunk of a stream, on one thread; None
            with `check=False`.
        tolerance: The largest error that was let through, as a part of the output's range.

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
        lines += [f"  {line}" for line in self.rewritten]
        if not self.checked:
            return "\n".join([*lines, "  not run: check=False"])
        for check in self.checks:
            shape = ", ".join(map(str, check.shapes))
            found = f"{check.error:.1e} of the range" if check.error is not None else "refused: too short for a frame"
            lines.append(f"  {shape:<20} {found}")
        what = "one chunk" if any(name.startswith("state_") for name in self.inputs) else "one clip of 1 s"
        return "\n".join([*lines, f"  {what}: {self.latency_ms:.2f} ms on one thread"])


def _free(shape: tuple[int | None, ...]) -> str:
    return "(" + ", ".join("free" if size is None else str(size) for size in shape) + ")"


def export(
    model: Any,
    path: str | Path,
    format: str | None = None,
    *,
    check: bool = True,
    tolerance: float = TOLERANCE,
    input_shape: Sequence[int | None] | None = None,
    batch_size: int = 1,
    class_names: Sequence[str] | None = None,
    overwrite: bool = False,
) -> Report:
    """Write a model with Kapre's layers into a file that takes samples, and run the file before it is kept.

    Transforms are written as strided convolutions, or above 512 points as two small matrix products, so that neither
    complex numbers nor an FFT are asked of the runtime; batch and time stay free where the model's are. The file is
    then run in its real runtime with other batch sizes and lengths, and compared with the model.

    Args:
        model: A Keras model or layer: a composed helper, a chain of Kapre's layers, a `Frontend`, or a network behind
            one of these, trained or not. Or a stream of fixed chunks, `Frontend.stream(chunk_samples)`: then the file
            is one step, with the state as inputs `state_…` and outputs `next_…`, which starts with zeros.
        path: Where the file goes; a folder for a SavedModel. What it takes (weights of an OpenVINO file, the metadata
            of StableHLO) stands beside it under the same name.
        format: "tf_saved_model", "litert", "onnx", "openvino", "torch" (.pt2) or "stablehlo"; None takes what the
            suffix says: none, .tflite, .onnx, .xml, .pt2, .stablehlo. Where the active backend cannot write it, an
            installed one that can does, in a process of its own.
        check: Whether to run the file. Without, nothing is known of its numbers, and the report says so.
        tolerance: float > 0. The largest difference to Keras that is let through, as a part of the output's range. One
            value in a thousand may be up to five times as far off: of many, a logarithm has some of rounding alone.
        input_shape: Shape of one clip, without the batch, where the model has no Input: `(None, 1)`, say.
        batch_size: Clips side by side in a stream; a model's batch is free.
        class_names: Names of the model's classes, for the file's metadata.
        overwrite: Whether to replace what is at the path.

    Returns:
        A `Report`: the size, the error at every shape that was run, the latency, and what was rewritten.

    Raises:
        ExportError: If the model cannot be written so, the runtime is missing or fails, or the numbers differ; nothing
            is left at the path then.
        FileExistsError: If something is there, and `overwrite` is False.
        ValueError: If an argument is out of range.
        TypeError: If the model is none.

    Notes:
        Dither, dropout and augmentation are not in the file: it is the model in inference.

    Example:
        ```python
        import kapre

        report = kapre.export(kapre.Frontend.from_preset("nemo"), "nemo.onnx")
        assert report.max_error < 1e-4 and report.inputs == {"samples": (None, None)}
        ```
    """
    path = Path(path)
    found = format_of(path, format)
    flag("check", check)
    if not tolerance > 0:
        raise ValueError(message("tolerance", "above 0", tolerance, f"Use {TOLERANCE}."))
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path}: there is something already. Use overwrite=True, or another path.")
    if isinstance(model, Stream):
        program = _stream.from_stream(model, batch_size)
    else:
        program = _program.from_model(model, input_shape, class_names)
    if check:
        demand(found, (found.runs_with,), "be run")
    backend = keras.backend.backend()
    options: dict[str, Any] = dict(check=check, tolerance=tolerance)
    if isinstance(model, Stream):
        options |= dict(chunk_samples=model.chunk_samples, batch_size=batch_size)
    else:
        options |= dict(class_names=class_names)
    if backend not in found.backends or missing(found.writes_with.get(backend, ())):
        return _elsewhere.export(program, found, path, options)
    try:
        return _here(program, found, path, check, tolerance)
    except ExportError as error:  # a converter knows less than another: let the next backend try, if there is one
        others = [other for other in found.backends if other != backend and not _elsewhere.lacks(found, other)]
        if not others or _elsewhere.is_one():
            raise
        try:
            return _elsewhere.export(program, found, path, options, others)
        except ExportError:
            raise error from None


def _here(program: _program.Program, found: Format, path: Path, check: bool, tolerance: float) -> Report:
    """Write by the active backend into a folder of its own, run it there, and move it to its place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    backend = keras.backend.backend()
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".kapre-") as folder:
        written = Path(folder) / path.name
        try:
            with quiet(), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the converters, about themselves
                WRITERS[found.name](program, written)
        except ExportError:
            raise
        except Exception as error:
            raise ExportError(f"{path}: {backend} cannot write this model as {found.title}: {words(error)}") from error
        checks: list[Check] = []
        latency = None
        if check:
            try:
                with quiet():
                    run = LOADERS[found.name](written, program.inputs, program.outputs)
                    checks = (program.compare or partial(_check.compare, program))(run, tolerance)
                    latency = _check.latency(program, run)
            except ExportError as error:
                raise ExportError(f"{path}: {error}. Nothing was kept.") from error.__cause__
            except Exception as error:
                raise ExportError(
                    f"{path}: {found.runs_with} cannot load it: {words(error)}. Nothing was kept."
                ) from error
        _move(Path(folder), path)
    return Report(
        str(path),
        found.name,
        backend,
        _size(path),
        {slot.name: slot.shape for slot in program.inputs},
        {slot.name: slot.shape for slot in program.outputs},
        tuple(program.rewritten),
        tuple(checks),
        latency,
        tolerance,
    )


def _files(path: Path) -> list[Path]:
    """Return what stands beside a file and belongs to it, itself included."""
    return [path, path.with_suffix(".bin")] if path.suffix == ".xml" else [path, beside(path)]


def _move(folder: Path, path: Path) -> None:
    for file in _files(path):
        if file.is_dir():
            shutil.rmtree(file)
        else:
            file.unlink(missing_ok=True)
    for written in folder.iterdir():
        written.rename(path.parent / written.name)


def _size(path: Path) -> int:
    every = [file for part in _files(path) if part.exists() for file in ([part] if part.is_file() else part.rglob("*"))]
    return sum(file.stat().st_size for file in every if file.is_file())
