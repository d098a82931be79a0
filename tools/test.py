"""Run the tests: once per backend, each in its own process, and once what belongs to no backend.

`python tools/test.py jax tensorflow torch` fails when one of the backends named is absent. The last line is
`N passed, N failed`, summed over all runs; an error, a skip or a run that breaks counts as failed. Two runs go side by
side.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BACKENDS = ("jax", "tensorflow", "torch")


@dataclass(frozen=True)
class Outcome:
    """What one run counted."""

    suite: str
    passed: int
    failed: int
    seconds: float
    output: str


def run(
    suite: str, backend: str, paths: list[str], backends: list[str], extra: list[str], measured: Path | None
) -> Outcome:
    """Run pytest in a process of its own, under coverage if there is a folder for what it measures."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        env = {
            **os.environ,
            "KERAS_BACKEND": backend,
            "KAPRE_TEST_BACKENDS": " ".join(backends),
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        under: list[str] = []
        if measured is not None:
            under = ["-m", "coverage", "run", "--branch", "--source=kapre", f"--data-file={measured / suite}"]
        command = [sys.executable, *under, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
        started = time.monotonic()
        result = subprocess.run(
            [*command, *paths, *extra], cwd=ROOT, env=env, capture_output=True, text=True, check=False
        )
        seconds = time.monotonic() - started
        counts = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
        if report.exists():
            for element in ElementTree.parse(report).iter("testsuite"):
                counts = {name: counts[name] + int(element.get(name, 0)) for name in counts}
    failed = counts["failures"] + counts["errors"] + counts["skipped"]  # a test left out has shown nothing
    passed = counts["tests"] - failed
    if result.returncode not in (0, 1) or (result.returncode == 1 and not failed) or not counts["tests"]:
        failed += 1  # pytest itself broke, or nothing was collected
    return Outcome(suite, passed, failed, seconds, result.stdout + result.stderr)


def coverage(measured: Path, least: float) -> Outcome:
    """Report the lines and branches of kapre/ that some run covered; too few count as one failed test."""
    tool = [sys.executable, "-m", "coverage"]
    data = f"--data-file={measured / 'all'}"
    files = [str(path) for path in sorted(measured.iterdir())]
    subprocess.run([*tool, "combine", "-q", data, *files], cwd=ROOT, check=True)
    words = [*tool, "report", data, "--show-missing", "--skip-covered", "--precision=1", f"--fail-under={least}"]
    result = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    print(result.stdout, flush=True)
    good = result.returncode == 0
    return Outcome("coverage", int(good), int(not good), 0.0, result.stdout + result.stderr)


def main() -> int:
    """Run what the command line asks for and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("backends", nargs="*", help="the backends to demand; default: jax, tensorflow, torch if there")
    parser.add_argument("--backends-only", action="store_true", help="leave out what belongs to no backend")
    parser.add_argument("--coverage", type=float, help="fail when less of kapre/ than so many percent is covered")
    arguments, extra = parser.parse_known_args()
    backends = arguments.backends or [b for b in BACKENDS if b != "torch" or importlib.util.find_spec(b)]
    outcomes = []
    suites = []
    for backend in backends:
        if backend not in BACKENDS or importlib.util.find_spec(backend) is None:
            text = f"{backend} is asked for and absent: install it, or name other backends.\n"
            outcomes.append(Outcome(backend, 0, 1, 0.0, text))
        else:
            suites.append((backend, backend, ["tests", "--ignore=tests/house"]))
    present = [backend for backend, *_ in suites]
    if present:  # the functions of kapre.backend on Keras' own NumPy, where nothing has gradients or compiles
        suites.append(("numpy", "numpy", [f"tests/test_{name}.py" for name in ("windows", "filterbanks", "scales")]))
    if present and not arguments.backends_only:
        suites.insert(1, ("house", present[0], ["tests/house"]))
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(max_workers=2) as pool:
        measured = None if arguments.coverage is None else Path(folder)
        jobs = [pool.submit(run, suite, backend, paths, present, extra, measured) for suite, backend, paths in suites]
        outcomes += [job.result() for job in jobs]
        if measured is not None:
            outcomes.append(coverage(measured, arguments.coverage))
    for outcome in outcomes:
        counted = f"{outcome.passed} ok, {outcome.failed} not"
        if outcome.failed:
            print(f"==== {outcome.suite}\n{outcome.output}")
        print(f"{outcome.suite:<11} {counted} in {outcome.seconds:.0f} s", flush=True)
    failed = sum(outcome.failed for outcome in outcomes)
    print(f"{sum(outcome.passed for outcome in outcomes)} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
