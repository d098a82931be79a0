"""Run what was written at several sizes, and compare it with Keras."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kapre.deploy._errors import ExportError, ModelError, words
from kapre.deploy._program import LONGEST_TRIED, Program
from kapre.deploy._run import Run

SIZES = ((1, 1.0), (3, 1.0), (2, 0.5), (3, LONGEST_TRIED))
"""Clips and seconds to try, in units of what is surely enough."""
SHORT = (2, 0.01)
"""The same, in seconds, of what is shorter than most frames: a runtime may refuse it, but not get it wrong."""
_ROUNDS = 15


@dataclass(frozen=True)
class Check:
    """What one input showed.

    Args:
        shapes: The shape of each input.
        error: The largest difference to Keras of all outputs, as a part of their range; None where the runtime refused.
        refused: What was said of an input too short for a frame, by the runtime or of Keras; else None.

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
    """Return inputs of the sizes to try, each size once: where an axis is fixed, some are the same."""
    found: dict[tuple[tuple[int, ...], ...], list[np.ndarray]] = {}
    sizes = [(batch, units * program.unit) for batch, units in SIZES]
    for place, (batch, seconds) in enumerate([*sizes, SHORT]):
        arrays = program.example(batch, seconds, seed=place)
        found.setdefault(tuple(x.shape for x in arrays), arrays)
    return list(found.values())


def _by_keras(program: Program, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return what Keras gives, or raise what helps where it fails."""
    try:
        return program.reference(*arrays)
    except Exception as error:
        raise ModelError(
            f"Keras itself fails at an input of shape {arrays[0].shape}: {words(error)}. "
            "Give input_shape with a length that the model takes"
        ) from error


def try_keras(program: Program) -> None:
    """Raise where the model itself fails at an odd size, before anything is written."""
    batch, units = SIZES[-1]
    _by_keras(program, program.example(batch, units * program.unit))


def compare(program: Program, run: Run, tolerance: float) -> list[Check]:
    """Run every size; raise where a result has another shape, is not finite where Keras' is, or is off."""
    examples, right = [], []
    refused: list[Check] = []
    for arrays in _examples(program):
        shapes = tuple(x.shape for x in arrays)
        if _is_short(program, shapes):
            if program.max_samples is not None:
                refused.append(Check(shapes, None, "not tried: ExecuTorch may end the process"))
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
    """Return what outputs show beside the right ones, each with its name; raise where they differ."""
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
    """Tell whether inputs are too short for a frame (stack, patch) of some front end."""
    return max(max(shape[1:], default=0) for shape in shapes) < program.least_samples


def _shown(shapes: Sequence[tuple[int, ...]]) -> str:
    return ", ".join(map(str, shapes))


def _range(arrays: Sequence[np.ndarray]) -> float:
    """Return the range of an output's finite values over all inputs."""
    values = np.concatenate([y[np.isfinite(y)].ravel() for y in arrays])
    return float(np.ptp(values)) if values.size and np.ptp(values) > 0 else 1.0


def _errors(name: str, y: np.ndarray, right: np.ndarray, scale: float, shapes: Sequence[tuple[int, ...]]) -> np.ndarray:
    """Return the differences as parts of a range, of what Keras gives a finite number for."""
    if y.shape != right.shape:
        raise ExportError(f"an input of shape {_shown(shapes)} gives {name} of shape {y.shape}, not {right.shape}")
    finite = np.isfinite(right)
    if not np.array_equal(np.isfinite(y), finite):
        raise ExportError(f"an input of shape {_shown(shapes)} gives values of {name} that are not finite")
    return np.abs(y.astype(np.float64) - right)[finite] / scale


def _is_near(errors: np.ndarray, tolerance: float) -> bool:
    """Tell whether all are within the tolerance, but for one in a thousand within five times that.

    A logarithm enlarges what a band between others holds of rounding, Keras' own too.
    """
    few = bool(np.count_nonzero(~(errors <= tolerance)) <= len(errors) // 1000)
    return few and bool((errors <= 5.0 * tolerance).all())


def latency(program: Program, run: Run) -> float:
    """Return the median of what one clip takes, in milliseconds."""
    arrays = program.example(1, program.unit)
    run(arrays)
    times = []
    for _ in range(_ROUNDS):
        begin = time.perf_counter()
        run(arrays)
        times.append(1e3 * (time.perf_counter() - begin))
    return statistics.median(times)
