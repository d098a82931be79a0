"""`export`: write a model to a file for any runtime, and run the file there before keeping it."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Literal

import keras

from kapre._checks import choice, count, flag, message
from kapre.deploy import _check, _elsewhere, _program, _stream
from kapre.deploy._check import Check
from kapre.deploy._errors import ExportError, ModelError, words
from kapre.deploy._quiet import quiet
from kapre.deploy._report import Report
from kapre.deploy._rewrite import rewritten
from kapre.deploy.formats import FORMATS, format_of
from kapre.deploy.formats._base import Format, missing
from kapre.deploy.formats.saved_model import is_saved_model
from kapre.frontends import Stream
from kapre.ops.kernels.portable import Way

TOLERANCE = 1e-4


def export(
    model: Any,
    path: str | Path,
    format: str | None = None,
    *,
    check: bool = True,
    tolerance: float = TOLERANCE,
    quantize: Literal["float16", "int8"] | None = None,
    input_shape: Sequence[int | None] | None = None,
    batch_size: int = 1,
    max_samples: int | None = None,
    largest_direct: int = 512,
    class_names: Sequence[str] | None = None,
    overwrite: bool = False,
) -> Report:
    """Export a model with Kapre's layers to a file that takes samples, and run the file before keeping it.

    Transforms are written as strided convolutions, or, above 512 points, as two small matrix products. The runtime
    therefore needs neither complex numbers nor an FFT. Batch and time stay dynamic if they are dynamic in the model.
    The file is then run in its actual runtime with other batch sizes and lengths, and its results are compared with
    those of the model.

    Args:
        model: A Keras model or layer, trained or not: a composed helper, a chain of Kapre's layers, a `Frontend`, or a
            network that follows one of these. Alternatively a stream of fixed chunks, `Frontend.stream(chunk_samples)`.
            The file then holds one step, with the state as inputs `state_…` and outputs `next_…`. The initial state is
            zeros.
        path: Path of the file, or of the folder for a SavedModel. The weights of an OpenVINO file and the metadata of
            StableHLO are written beside it.
        format: "tf_saved_model", "litert", "onnx", "openvino", "torch" (.pt2), "stablehlo" or "executorch". None
            selects the format from the suffix: none, .tflite, .onnx, .xml, .pt2, .stablehlo, .pte, in the same order.
            If the active backend cannot write the format, an installed backend that can does so in a separate process.
            ExecuTorch usually takes a front end alone, and one clip at a time.
        check: Whether to run the file. Without this check, the numbers of the file are unknown, and the report says so.
        tolerance: float > 0. The largest accepted difference from Keras, as a fraction of the output's range. One value
            in a thousand may differ by up to five times as much, because rounding alone causes such differences in
            a few of many logarithms.
        quantize: For LiteRT: store the weights after the front end as "float16" or as "int8" (per channel, with sums in
            float32). The front end stays in float32, so that the features do not change. The file is compared before
            and after quantisation. After it, the difference may be 1 % (float16) or 10 % (int8) of the range.
        input_shape: Shape of one clip without the batch, such as `(None, 1)`. Use it if the model has no Input, or to
            replace the shape of its Input.
        batch_size: Number of clips side by side in a stream. The batch of a model is dynamic.
        max_samples: For ExecuTorch, which plans its memory in advance: the number of samples of the longest clip. None
            means 30 seconds.
        largest_direct: The largest DFT, in points, that is computed as one matrix product. On the processor of a
            computer or phone this is fastest up to 512 points. A longer DFT takes two stages. For a microcontroller use
            128: there, two stages are also faster, and take a tenth of the size.
        class_names: Names of the model's classes, for the metadata of the file.
        overwrite: Whether to replace an existing file, or an existing SavedModel folder, at the path.

    Returns:
        A `Report` with the size, the error at every shape that was run, the latency, and the rewritten operations.

    Raises:
        ExportError: If the model cannot be written in this format, the runtime is missing or fails, or the numbers
            differ. Nothing is then left at the path.
        FileExistsError: If the path exists, and `overwrite` is False or the path is a folder that no export wrote.
        ValueError: If an argument is out of range.
        TypeError: If `model` is not a Keras model or layer.

    Notes:
        Dither, dropout and augmentation are not in the file, because it holds the model in inference mode. While a file
        is written and run, what this thread prints is suppressed, and what C code prints if no other thread runs.
        Exports in several threads run one after another.

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
    if quantize is not None:
        ways = {kind: each for each in FORMATS.values() for kind in each.quantized}
        choice("quantize", quantize, tuple(ways), "Or None.")
        if quantize not in found.quantized:
            remedy = f"Export a {ways[quantize].suffixes[0]} file."
            raise ValueError(message("quantize", f"None for {found.title}", quantize, remedy))
    _refuse_what_is_there(path, found, overwrite)
    largest_direct = count("largest_direct", largest_direct, "It is a number of points: 512, or 128 for a small file.")
    way = Way(largest_direct, found.by_products)
    if isinstance(model, Stream):
        if found.instead_for_streams:
            raise ValueError(message("format", "one for a stream's step", found.name, found.instead_for_streams))
        program = _stream.from_stream(model, batch_size, way)
    else:
        program = _program.from_model(model, input_shape, class_names, way)
    program = found.bounded(program, max_samples)
    if check:
        found.demand_runtime()
    options: dict[str, Any] = dict(check=check, tolerance=tolerance, quantize=quantize, largest_direct=largest_direct)
    if program.max_samples is not None:
        options |= dict(max_samples=max_samples)
    if isinstance(model, Stream):
        options |= dict(chunk_samples=model.chunk_samples, batch_size=batch_size)
    else:
        options |= dict(class_names=class_names)
    with _folder_beside(path) as folder:
        made = Path(folder) / "made"
        made.mkdir()
        try:
            report = _made(program, found, made / path.name, options)
        except ExportError as error:
            text = str(error).rstrip(".")
            raise type(error)(f"{path}: {text}. Nothing was kept.") from error.__cause__
        size = sum(file.stat().st_size for file in made.rglob("*") if file.is_file())
        _move(made, Path(folder) / "old", path, found)
    return dataclasses.replace(report, path=str(path), size=size)


@contextmanager
def _folder_beside(path: Path) -> Iterator[str]:
    """Create the folder for a file, and a temporary folder in it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = tempfile.TemporaryDirectory(dir=path.parent, prefix=".kapre-")
    except OSError as error:
        raise ExportError(f"{path.parent}: nothing can be written there ({error.strerror}). Choose another.") from error
    with temporary as folder:
        yield folder


def _made(program: _program.Program, found: Format, path: Path, options: dict[str, Any]) -> Report:
    """Write a file with the active backend, or with another one if that backend cannot or its file fails the check."""
    backend, in_child = keras.backend.backend(), _elsewhere.is_one()
    by = partial(_elsewhere.export, program, found, path, options)
    if options["quantize"] is not None:
        if absent := missing([found.quantized_with]):
            raise ExportError(f"quantize needs {absent[0]}. Run `pip install 'kapre[{found.extra}]'`.")
        if backend != found.quantized_by:
            return by(found.quantized_by)
    able = [each for each in found.backends if not found.lacks(each)]
    others = [each for each in able if each != backend]
    if backend not in able or (found.crash and not in_child):
        able = others if in_child else able
        if not able:
            raise found.unwritable(backend)
        return by(able[0])
    try:
        return _here(program, found, path, options["check"], options["tolerance"], options["quantize"])
    except ModelError:
        raise
    except ExportError:  # another backend's converter may succeed
        for other in () if in_child else others:
            shutil.rmtree(path.parent, ignore_errors=True)
            path.parent.mkdir(exist_ok=True)
            with suppress(ExportError):
                return by(other)
        raise


_one_at_a_time = threading.Lock()
"""A lock around the converters and `warnings.catch_warnings`, which change the state of the process."""


def _here(
    program: _program.Program, found: Format, path: Path, check: bool, tolerance: float, quantize: str | None
) -> Report:
    """Write the file with the active backend and run it."""
    backend = keras.backend.backend()
    checks: list[Check] = []
    latency = float_error = None

    def tried(tolerance: float) -> tuple[list[Check], float]:
        run = found.run_of(path, program)
        checks = (program.compare or partial(_check.compare, program, crash=found.crash))(run, tolerance)
        return checks, _check.latency(program, run)

    with _one_at_a_time, quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # converters warn about themselves
        if check:
            _check.try_keras(program)
        try:
            found.write(program, path, backend)
        except ExportError:
            raise
        except Exception as error:
            hint = _hint(found, error)
            raise ExportError(f"{backend} cannot write this model as {found.title}: {words(error)}.{hint}") from error
        try:
            if check:
                checks, latency = tried(tolerance)
            if quantize is not None:
                float_error = max((each.error for each in checks if each.error is not None), default=None)
                found.quantize(path, quantize, program)
                tolerance = found.quantized[quantize]
                checks, latency = tried(tolerance) if check else ([], None)
        except ExportError as error:
            raise type(error)(f"{str(error).rstrip('.')}.{found.hint}") from error.__cause__
        except Exception as error:
            raise ExportError(f"{found.runs_with} cannot load it: {words(error)}.") from error
    return Report(
        str(path),
        found.name,
        backend,
        0,
        {slot.name: slot.shape for slot in program.inputs},
        {slot.name: slot.shape for slot in program.outputs},
        rewritten(program.inventory.transforms, program.way),
        tuple(checks),
        latency,
        tolerance,
        quantize,
        float_error,
    )


def _hint(found: Format, error: Exception) -> str:
    """Return advice for an error that converters are known for."""
    if "Constraints violated" in str(error) and tuple(map(int, keras.__version__.split(".")[:2])) < (3, 14):
        return f" PyTorch traces Keras' layers for any batch size from Keras 3.14 on: update Keras {keras.__version__}."
    return found.advice(error)


def _refuse_what_is_there(path: Path, found: Format, overwrite: bool) -> None:
    """Raise if an export would replace a file without permission, or a file that no export wrote."""
    if path.name in ("", ".."):
        raise ValueError(message("path", "a file or a new folder", str(path), "Give its name: models/keywords, say."))
    for file in filter(Path.exists, found.files(path)):
        if not overwrite:
            raise FileExistsError(f"{file}: there is something already. Use overwrite=True, or another path.")
        if file.is_dir() and any(file.iterdir()) and not is_saved_model(file):
            raise FileExistsError(f"{file}: a folder that is no SavedModel is not replaced. Give another path.")
        if file.is_file() and not found.suffixes:
            raise FileExistsError(f"{file}: a file is not replaced by a SavedModel's folder. Give another path.")


def _move(made: Path, old: Path, path: Path, found: Format) -> None:
    """Move the written files into place. Move existing files to a folder that is deleted afterwards."""
    old.mkdir()
    for file in filter(Path.exists, found.files(path)):
        file.rename(old / file.name)
    for written in made.iterdir():
        written.rename(path.parent / written.name)
