"""What one process measures: `python -m benchmarks.worker JOB`, where JOB is JSON; processes.py starts it.

Rows go line by line into the file that the job names, so that what breaks later loses nothing.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import sys
import tempfile
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks import candidate, timing
from benchmarks.shapes import SHAPES, Shape, signal

Job = dict[str, Any]


class Rows:
    """The file of rows, and what all of them say."""

    def __init__(self, job: Job) -> None:
        self.path = job["to"]
        self.common = {"runtime": job["runtime"], "threads": job["threads"]}

    def add(self, **row: Any) -> None:
        """Write one row."""
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps({**self.common, **row}) + "\n")


def prepare(job: Job) -> ModuleType:
    """Keep to one core where one thread is asked for, then import the runtime."""
    cores = sorted(os.sched_getaffinity(0))
    if job["threads"] == "1":
        cores = cores[-1:]  # the first one has the system's interrupts
        os.sched_setaffinity(0, cores)
    module = importlib.import_module(f"benchmarks.candidates_{job['runtime']}")
    module.use_threads(len(cores))
    return module


def versions(module: ModuleType) -> dict[str, str]:
    """Return the versions of what is timed."""
    found = {}
    for name in module.DISTRIBUTIONS:
        try:
            found[name] = importlib.metadata.version(name).split("+")[0]
        except importlib.metadata.PackageNotFoundError:
            found[name] = "absent"
    return found


def times(job: Job, rows: Rows) -> None:
    """Check every candidate of a shape, then time those of a kind side by side."""
    module = prepare(job)
    rows.add(versions=versions(module))
    for key in job["shapes"]:
        shape = SHAPES[key]
        x = signal(shape)
        for kind in module.KINDS:
            if job.get("kinds") and kind not in job["kinds"]:
                continue
            about = {"shape": key, "kind": kind}
            try:
                right = _checked(module.candidates(kind, shape, x), about, shape, x, rows)
            except Exception as error:
                rows.add(**about, error=_words(error))
                continue
            for together in sorted({candidate.group(one.mode) for one in right}):
                side_by_side = [one for one in right if candidate.group(one.mode) == together]
                found = timing.interleaved({one.label: one.call for one in side_by_side}, job["budget"])
                for one in side_by_side:
                    rows.add(**about, name=one.name, mode=one.mode, ours=one.ours, **vars(found[one.label]))


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def _checked(
    found: list[candidate.Candidate], about: dict[str, str], shape: Shape, x: Any, rows: Rows
) -> list[candidate.Candidate]:
    """Return the candidates that give the right numbers; one that does not is an error."""
    right = []
    for one in found:
        try:
            candidate.check(one, about["kind"], shape, x)
            right.append(one)
        except Exception as error:
            rows.add(**about, name=one.name, mode=one.mode, ours=one.ours, error=_words(error))
    return right


def names(job: Job, rows: Rows) -> None:
    """Write which candidates some kinds have."""
    module = prepare(job)
    shape = SHAPES["t"]
    for kind in job["kinds"]:
        for one in module.candidates(kind, shape, signal(shape)) if kind in module.KINDS else []:
            rows.add(kind=kind, name=one.name, mode=one.mode, ours=one.ours)


def _one(job: Job, module: ModuleType, shape: Shape) -> candidate.Candidate:
    """Return the one candidate that the job names."""
    found = module.candidates(job["kind"], shape, signal(shape))
    return next(one for one in found if (one.name, one.mode) == (job["name"], job["mode"]))


def _about(job: Job) -> Job:
    return {key: job[key] for key in ("shape", "kind", "name", "mode", "ours")}


def memory(job: Job, rows: Rows) -> None:
    """Measure what the first call and one more take; a second's clip goes first, so that libraries are loaded."""
    timing.limit_memory()
    module = prepare(job)
    shape = SHAPES[job["shape"]]
    _one(job, module, shape.replace(batch=1, samples=shape.rate)).call()
    one = _one(job, module, shape)
    first = timing.peak_memory(one.call)
    rows.add(**_about(job), first_mb=first, again_mb=timing.peak_memory(one.call))


def first_call(job: Job, rows: Rows) -> None:
    """Time the first call, which traces or compiles, and the second."""
    one = _one(job, prepare(job), SHAPES[job["shape"]])
    rows.add(**_about(job), first_ms=1e3 * timing.once(one.call), second_ms=1e3 * timing.once(one.call))


def growth(job: Job, rows: Rows) -> None:
    """Time some candidates while one thing grows."""
    timing.limit_memory()
    module = prepare(job)
    for value, changes in job["steps"]:
        shape = SHAPES[job["shape"]].replace(**changes)
        x = signal(shape)
        found = [one for one in module.candidates(job["kind"], shape, x) if one.label in job["labels"]]
        for one in found:
            candidate.check(one, job["kind"], shape, x)
        result = timing.interleaved({one.label: one.call for one in found}, job["budget"])
        for one in found:
            about = {"along": job["along"], "value": value, "name": one.name, "mode": one.mode, "ours": one.ours}
            rows.add(**about, **vars(result[one.label]))


def augmentations(job: Job, rows: Rows) -> None:
    """Check what has an effect, then time it side by side."""
    from benchmarks import augmentation_effects

    module = prepare(job)
    from benchmarks import augmentation_peers  # whose backend uses so many threads now

    rows.add(versions={**versions(module), **augmentation_peers.versions()})
    x = augmentation_effects.signal(*job["size"])
    with tempfile.TemporaryDirectory() as folder:
        augmentation_effects.write_recordings(Path(folder))
        for effect in job["effects"]:
            about = {"effect": effect}
            right = []
            for one in augmentation_peers.candidates(effect, x, Path(folder)):
                try:
                    augmentation_effects.check(effect, x, one.read(one.call()))
                    right.append(one)
                except Exception as error:
                    rows.add(**about, name=one.name, mode=one.mode, ours=one.ours, error=_words(error))
            found = timing.interleaved({one.label: one.call for one in right}, job["budget"])
            for one in right:
                rows.add(**about, name=one.name, mode=one.mode, ours=one.ours, **vars(found[one.label]))


JOBS = {job.__name__: job for job in (times, names, memory, first_call, growth, augmentations)}


def main() -> None:
    """Do the job on the command line."""
    warnings.simplefilter("ignore")
    job = json.loads(sys.argv[1])
    JOBS[job["what"]](job, Rows(job))


if __name__ == "__main__":
    main()
