"""Run an exported file with inputs of several sizes, and compare the results with Keras."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kapre.deploy._errors import ExportError, ModelError, words
from kapre.deploy._program import LONGEST_TRIED, Program
from kapre.deploy.formats._base import Run

SIZES = ((1, 1.0), (3, 1.0), (2, 0.5), (3, LONGEST_TRIED))
"""Numbers of clips and durations to try. A duration is in units that are long enough for every front end."""
SHORT = (2, 0.01)
"""The number of clips and the duration in seconds of a short input. A runtime may refuse it, but not be wrong."""
_ROUNDS = 15


@dataclass(frozen=True)
class Check:
    """Report the result for one input.

    Args:
        shapes: The shape of each input.
        error: The largest difference from Keras over all outputs, as a fraction of their range. None if the runtime
            refused the input.
        refused: The message about an input too short for a frame, from the runtime or about Keras; else None.

    Example:
        ```python
        import kapre

        report = kapre.export(kapre.Frontend.from_preset("kaldi_fbank"), "fbank.tflite")
        assert report.checks[0].shapes == ((1, 16000),) and report.checks[0].error < 1e-3
        ```
    """

    shapes: tuple[tuple[int, ...], ...]
    error: float | None
    refused: str | None = None


def _examples(program: Program) -> list[list[np.ndarray]]:
    """Return one input for each size to try. With fixed axes, several sizes may be the same."""
    found: dict[tuple[tuple[int, ...], ...], list[np.ndarray]] = {}
    sizes = [(batch, units * program.unit) for batch, units in SIZES]
    for place, (batch, seconds) in enumerate([*sizes, SHORT]):
        arrays = program.example(batch, seconds, seed=place)
        found.setdefault(tuple(x.shape for x in arrays), arrays)
    return list(found.values())


def _by_keras(program: Program, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return the result of Keras, or raise an error with advice if Keras fails."""
    try:
        return program.reference(*arrays)
    except Exception as error:
        raise ModelError(
            f"Keras itself fails at an input of shape {arrays[0].shape}: {words(error)}. "
            "Give input_shape with a length that the model takes"
        ) from error


def try_keras(program: Program) -> None:
    """Raise an error if the model itself fails at an odd size, before anything is written."""
    batch, units = SIZES[-1]
    _by_keras(program, program.example(batch, units * program.unit))


def compare(program: Program, run: Run, tolerance: float, crash: str = "") -> list[Check]:
    """Run every size. Raise if a result has another shape, is not finite where Keras' is, or exceeds the tolerance.

    A runtime that may crash is not run with clips that are too short.
    """
    examples, right = [], []
    refused: list[Check] = []
    for arrays in _examples(program):
        shapes = tuple(x.shape for x in arrays)
        if _is_short(program, shapes):
            if crash:
                refused.append(Check(shapes, None, f"not tried: {crash}"))
                continue
            try:
                found = program.reference(*arrays)
            except Exception:
                refused.append(Check(shapes, None, "Keras itself fails: what follows needs frames"))
                continue
            if not all(np.isfinite(y).all() for y in found):
                refused.append(Check(shapes, None, "Keras itself has no number: the mean of no frame"))
                continue
        else:
            found = _by_keras(program, arrays)
        examples.append(arrays)
        right.append(found)
    if not any(y.size for found in right for y in found):
        raise ExportError("none of the inputs that were tried gives an output, so that nothing can be compared")
    scales = [_range([found[i] for found in right]) for i in range(len(program.outputs))]
    checks = []
    for arrays, wanted in zip(examples, right, strict=True):
        shapes = tuple(x.shape for x in arrays)
        try:
            given = run(arrays)
        except Exception as error:
            if not _is_short(program, shapes):
                raise ExportError(f"the runtime fails at an input of shape {_shown(shapes)}: {words(error)}") from error
            checks.append(Check(shapes, None, words(error, 120)))
            continue
        named = [(slot.name, y, z) for slot, y, z in zip(program.outputs, given, wanted, strict=True)]
        checks.append(judged(named, shapes, tolerance, scales))
    return checks + refused


def judged(
    named: Sequence[tuple[str, np.ndarray, np.ndarray]],
    shapes: Sequence[tuple[int, ...]],
    tolerance: float,
    scales: Sequence[float] | None = None,
) -> Check:
    """Compare named outputs with the correct ones. Return the check, and raise if they differ."""
    scales = [_range([right]) for _, _, right in named] if scales is None else scales
    errors = [_errors(*each, scale, shapes) for each, scale in zip(named, scales, strict=True)]
    worst = max(float(each.max(initial=0.0)) for each in errors)
    if not all(_is_near(each, tolerance) for each in errors):
        raise ExportError(
            f"an input of shape {_shown(shapes)} gives numbers that differ from Keras' by {worst:.2g} of their range, "
            f"more than the tolerance of {tolerance:g}"
        )
    return Check(tuple(shapes), worst)


def _is_short(program: Program, shapes: Sequence[tuple[int, ...]]) -> bool:
    """Tell whether inputs are too short for a frame (or stack or patch) of some front end."""
    return max(max(shape[1:], default=0) for shape in shapes) < program.inventory.least_samples


def _shown(shapes: Sequence[tuple[int, ...]]) -> str:
    return ", ".join(map(str, shapes))


def _range(arrays: Sequence[np.ndarray]) -> float:
    """Return the range of an output's finite values over all inputs."""
    values = np.concatenate([y[np.isfinite(y)].ravel() for y in arrays])
    return float(np.ptp(values)) if values.size and np.ptp(values) > 0 else 1.0


def _errors(name: str, y: np.ndarray, right: np.ndarray, scale: float, shapes: Sequence[tuple[int, ...]]) -> np.ndarray:
    """Return the differences as fractions of a range, for the values that are finite in Keras."""
    if y.shape != right.shape:
        raise ExportError(f"an input of shape {_shown(shapes)} gives {name} of shape {y.shape}, not {right.shape}")
    finite = np.isfinite(right)
    if not np.array_equal(np.isfinite(y), finite):
        raise ExportError(f"an input of shape {_shown(shapes)} gives values of {name} that are not finite")
    return np.abs(y.astype(np.float64) - right)[finite] / scale


def _is_near(errors: np.ndarray, tolerance: float) -> bool:
    """Tell whether all errors are within the tolerance, except for one in a thousand within five times the tolerance.

    A logarithm amplifies the rounding in a nearly empty band between others, including Keras' own rounding.
    """
    few = bool(np.count_nonzero(~(errors <= tolerance)) <= len(errors) // 1000)
    return few and bool((errors <= 5.0 * tolerance).all())


def latency(program: Program, run: Run) -> float:
    """Return the median time for one clip in milliseconds."""
    arrays = program.example(1, program.unit)
    run(arrays)
    times = []
    for _ in range(_ROUNDS):
        begin = time.perf_counter()
        run(arrays)
        times.append(1e3 * (time.perf_counter() - begin))
    return statistics.median(times)
