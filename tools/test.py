"""Run the tests: once per backend, each in its own process, and once what belongs to no backend.

`python tools/test.py jax tensorflow torch` fails when one of the backends named is absent. The last line is
`N passed, N failed`, summed over all runs; an error, a skip, or a run that breaks or stands still counts as failed. Two
runs go side by side.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BACKENDS = ("jax", "tensorflow", "torch")
APART = ("once", "frontends", "readers", "export", "browser", "corpus", "native")  # once, or when asked for
IGNORED = tuple(f"--ignore=tests/{name}" for name in APART)
OF_EXPORT = "kapre/deploy/*,kapre/ops/kernels/portable.py"
"""What tests/export covers, and `make test` does not."""
OF_CORPUS = ",".join(
    f"kapre/corpus/{name}.py"
    for name in (
        "_array_record",
        "_clips",
        "_compute",
        "_folder",
        "_items",
        "_job",
        "_local",
        "_parquet",
        "_place",
        "_ray",
        "_ray_driver",
        "_rows",
        "_shards",
        "_worker",
        "extraction",
        "reading",
    )
)
"""The same of tests/corpus."""
OF_READERS = "kapre/frontends/readers/*"
"""The same of tests/readers."""
LONGEST = 3000  # seconds for a run: one that takes longer stands still
# JAX compiles for every shape: there, these run with --frontends.
_SLOW = ("blocks", "fast_paths", "frontend", "precision", "saved_models", "training")
SLOW_ON_JAX = (
    *(f"tests/test_{name}.py" for name in _SLOW),
    *(f"tests/streams/test_{name}.py" for name in ("stream", "compiled")),
)
SHAPES_ON_JAX = (
    *(f"tests/test_{name}.py" for name in ("augmentation", "buckets", "losses", "one_piece")),
    "tests/streams/test_any_sizes.py",
    *(f"tests/augmentation/test_{name}.py" for name in ("arguments", "batches", "compositions", "filters_and_rooms")),
    *(f"tests/augmentation/test_{name}.py" for name in ("new_draws", "references", "spectrograms", "speed_and_pitch")),
)
"""Tests of many lengths. XLA compiles for each, which takes less time without most of its optimisations."""
LAWS_ON_JAX = ("tests/augmentation/test_laws.py",)
"""The same, in a process of its own: one that holds all of these programs ends with a segmentation fault."""
LOGIC = tuple(f"tests/test_{name}.py" for name in ("composed", "docs", "layers", "masks", "migration", "published"))
"""What Keras does with layers and models, the same on every backend: shapes, configs, files, examples."""
UNMEASURED = ("jax layers", "tensorflow layers")
"""Suites that cover what PyTorch's does; coverage takes half again as long."""
UNOPTIMISED = ["-p", "tests.unoptimised"]
"""Of suites that check logic: XLA compiles them sooner, and not well."""
_ON_OLDEST = "published surroundings unchanged_code"
"""What can differ with the versions of Keras and of the backends: their APIs, their files, their numbers."""
_KERAS_ON_OLDEST = "saved_models training"
"""What is Keras' own part, the same on every backend."""
_ONCE_ON_OLDEST = "audio contract hints imports"
REPORTS = ROOT / "out" / "tests"
"""What pytest says of each test, and how long it took: a file for each suite."""
JAX_CACHE = ROOT / ".cache" / "jax"
"""What XLA compiled: shared by all suites, and kept between runs."""


NUMBA_CACHE = ROOT / ".cache" / "numba"
"""What numba compiled for librosa: shared by all suites, and kept between runs."""
_COMPILED_AT_IMPORT = "import librosa.core.audio, librosa.core.pitch, librosa.util.utils"


def compile_for_librosa() -> None:
    """Let one process compile what librosa compiles when it is imported, before several import it at once.

    Gap: where two processes write the same universal function to numba's cache (0.68), a later one that reads it ends
    with a segmentation fault. Drop when it doesn't.
    """
    if importlib.util.find_spec("numba") and importlib.util.find_spec("librosa"):
        env = {**os.environ, "NUMBA_CACHE_DIR": str(NUMBA_CACHE)}
        subprocess.run([sys.executable, "-c", _COMPILED_AT_IMPORT], cwd=ROOT, env=env, check=True)


@dataclass(frozen=True)
class Outcome:
    """What one run counted."""

    suite: str
    passed: int
    failed: int
    seconds: float
    output: str
    slowest: str = ""
    """The files that took longest, and how many seconds each."""
    cpu: float = 0.0
    """Seconds of processor time, those of the processes that it started included."""


def run(
    suite: str, backend: str, paths: list[str], backends: list[str], extra: list[str], measured: Path | None
) -> Outcome:
    """Run pytest in a process of its own, under coverage if there is a folder for what it measures."""
    REPORTS.mkdir(parents=True, exist_ok=True)
    report = REPORTS / f"{suite.replace(' ', '_')}.xml"
    report.unlink(missing_ok=True)
    env = {
        **os.environ,
        "KERAS_BACKEND": backend,
        "KAPRE_TEST_BACKENDS": " ".join(backends),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "OMP_NUM_THREADS": "1",  # two runs share the cores, and PyTorch's threads would wait for one another
        "JAX_COMPILATION_CACHE_DIR": str(JAX_CACHE),
        "NUMBA_CACHE_DIR": str(NUMBA_CACHE),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # else each process compiles the packages: imports take four times as long
    under: list[str] = []
    if measured is not None:
        under = ["-m", "coverage", "run", "--branch", "--source=kapre", f"--data-file={measured / suite}"]
    command = [sys.executable, *under, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
    started = time.monotonic()
    code, output, cpu = within(LONGEST, [*command, *paths, *extra], env)
    seconds = time.monotonic() - started
    counts = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    by_file: Counter[str] = Counter()
    if report.exists():
        tree = ElementTree.parse(report)
        for element in tree.iter("testsuite"):
            counts = {name: counts[name] + int(element.get(name, 0)) for name in counts}
        for element in tree.iter("testcase"):
            by_file[element.get("classname", "").removeprefix("tests.")] += float(element.get("time", 0.0))
    failed = counts["failures"] + counts["errors"] + counts["skipped"]  # a test left out has shown nothing
    passed = counts["tests"] - failed
    if code not in (0, 1) or (code == 1 and not failed) or not counts["tests"]:
        failed += 1  # pytest itself broke or stood still, or nothing was collected
    slowest = ", ".join(f"{name} {took:.0f}" for name, took in by_file.most_common(8))
    return Outcome(suite, passed, failed, seconds, output, slowest, cpu)


def within(seconds: float, command: list[str], env: dict[str, str]) -> tuple[int, str, float]:
    """Run a command; return its exit code, what it printed and its CPU seconds. One that takes longer is ended."""
    with tempfile.TemporaryFile() as printed:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=printed, stderr=subprocess.STDOUT)
        timer = threading.Timer(seconds, process.kill)
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)  # what Popen.wait does not say: the time used
        code = process.returncode = os.waitstatus_to_exitcode(status)
        timer.cancel()
        printed.seek(0)
        output = printed.read().decode(errors="replace")
    output = output if code >= 0 else f"{output}\nended by signal {-code} after {seconds:.0f} s at most\n"
    return code, output, usage.ru_utime + usage.ru_stime


def coverage(measured: Path, least: float, export: bool) -> Outcome:
    """Report the lines and branches that some run covered; too few count as one failed test.

    They are those of `OF_EXPORT`, or of all else in kapre/.
    """
    tool = [sys.executable, "-m", "coverage"]
    data = f"--data-file={measured / 'all'}"
    files = [str(path) for path in sorted(measured.iterdir())]
    subprocess.run([*tool, "combine", "-q", data, *files], cwd=ROOT, check=True)
    which = f"--include={OF_EXPORT}" if export else f"--omit={OF_EXPORT},{OF_CORPUS},{OF_READERS}"
    words = [*tool, "report", data, which, "--show-missing", "--skip-covered", "--precision=1"]
    words.append(f"--fail-under={least}")
    result = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    print(result.stdout, flush=True)
    good = result.returncode == 0
    return Outcome("coverage", int(good), int(not good), 0.0, result.stdout + result.stderr)


Suite = tuple[str, str, list[str]]
"""A name, the backend it runs on, and the tests."""
NUMPY: Suite = ("numpy", "numpy", [f"tests/test_{name}.py" for name in ("windows", "filterbanks", "scales")])
"""The functions of kapre.backend on Keras' own NumPy, where nothing has gradients or compiles."""


def of_frontends(backends: list[str]) -> list[Suite]:
    """Return the suites of published front ends, what takes longest first."""
    agreement, precision = "tests/frontends/test_agreement.py", "tests/test_precision.py"
    paths = ["tests/frontends", "tests/readers"]
    suites: list[Suite] = [(f"{name} presets", name, paths) for name in backends if name != "jax"]
    if "jax" in backends:
        logic = [path for path in SLOW_ON_JAX if path != precision]
        long = [("jax logic", "jax", [*UNOPTIMISED, *logic]), ("jax numbers", "jax", [agreement, precision])]
        presets = [*UNOPTIMISED, *paths, f"--ignore={agreement}"]
        suites = [*long, *suites, ("jax presets", "jax", presets)]
    return suites


def of_export(backends: list[str]) -> list[Suite]:
    """Return the suites of exported files, which need all backends; what takes longest first."""
    # The command, examples and quantised files are those of any backend; JAX has most presets written by another one.
    # Files for ExecuTorch come from PyTorch alone, those for microcontrollers from TensorFlow, whatever the backend.
    left_out = {
        name: [f"--ignore=tests/export/test_{each}.py" for each in left]
        for name, left in {
            "tensorflow": ("executorch",),
            "torch": ("command", "examples", "quantize", "micro"),
            "jax": ("command", "examples", "quantize", "micro", "executorch", "presets"),
        }.items()
    }
    order = [name for name in ("torch", "jax", "tensorflow") if name in backends]
    return [
        (f"{name} files", name, ["tests/export", *(left_out.get(name, []) if len(order) > 1 else [])]) for name in order
    ]


def of_corpus(backends: list[str]) -> list[Suite]:
    """Return the suites of stores: on NumPy what starts processes, on each backend the numbers, on one all else."""
    if not backends:
        return []
    whole = next(name for name in ("torch", "tensorflow", "jax") if name in backends)  # the others compile more
    numbers, training, clusters = (f"tests/corpus/test_{name}.py" for name in ("numbers", "training", "ray"))
    # Keras' NumPy starts in 2 s where the others take 10, and what is tested there is the same code.
    apart = [f"--ignore={path}" for path in (numbers, training, clusters)]
    suites: list[Suite] = [("stores", "numpy", ["tests/corpus", *apart]), ("clusters", whole, [clusters])]
    of_one = {whole: [numbers, training]}
    return [*suites, *((f"{name} stores", name, of_one.get(name, [numbers])) for name in reversed(backends))]


def of_oldest(backends: list[str]) -> list[Suite]:
    """Return the suites of what can differ from version to version."""
    if not backends:
        return []
    paths = [f"tests/test_{name}.py" for name in _ON_OLDEST.split()] + ["tests/export/test_own_format.py"]
    once = [f"tests/once/test_{name}.py" for name in _ONCE_ON_OLDEST.split()]
    keras = [f"tests/test_{name}.py" for name in _KERAS_ON_OLDEST.split()]
    last = "tensorflow" if "tensorflow" in backends else backends[-1]  # the others compile more
    suites: list[Suite] = [(name, name, [*keras, *paths] if name == last else paths) for name in backends]
    return [*suites, ("once", backends[0], once), NUMPY]


def of_all_else(backends: list[str], with_once: bool) -> list[Suite]:
    """Return the suites of each backend, and of what belongs to none."""
    left_out = [*IGNORED, *(f"--ignore={path}" for path in LOGIC)]
    slow = {"jax": [f"--ignore={path}" for path in (*SLOW_ON_JAX, *SHAPES_ON_JAX, *LAWS_ON_JAX)]}
    unoptimised = {"jax": UNOPTIMISED}
    order = [name for name in ("jax", "torch", "tensorflow") if name in backends]  # what takes longest first
    suites: list[Suite] = [(name, name, ["tests", *left_out, *slow.get(name, [])]) for name in order]
    if "jax" in order:
        apart = (("laws", LAWS_ON_JAX), ("shapes", SHAPES_ON_JAX))
        suites += [(f"jax {name}", "jax", [*UNOPTIMISED, *paths]) for name, paths in apart]
    suites += [(f"{name} layers", name, [*unoptimised.get(name, []), *LOGIC]) for name in order]
    if backends and with_once:
        # Keras' NumPy starts soonest, in the many processes too, and compiles none of the hundreds of recipes there.
        suites.insert(0, ("once", "numpy", ["tests/once"]))
    if importlib.util.find_spec("kapre_native") or os.environ.get("NATIVE"):
        native = {
            "torch": ("library", "effects", "augmentations", "torch"),
            "jax": ("augmentations", "jax"),
            "tensorflow": ("augmentations", "tensorflow"),
        }
        paths = {name: [f"tests/native/test_{each}.py" for each in files] for name, files in native.items()}
        suites += [(f"{name} native", name, paths[name]) for name in order if name in paths]
    return [*suites, NUMPY] if backends else []


def main() -> int:
    """Run what the command line asks for and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("backends", nargs="*", help="the backends to demand; default: jax, tensorflow, torch if there")
    parser.add_argument("--backends-only", action="store_true", help="leave out what belongs to no backend")
    parser.add_argument("--frontends", action="store_true", help="presets and readers against references")
    parser.add_argument(
        "--export", action="store_true", help="every format that each backend writes, run in its runtime"
    )
    parser.add_argument("--corpus", action="store_true", help="stores of many recordings, and runs that are killed")
    parser.add_argument("--all", action="store_true", help="the three above and those that run without an option")
    parser.add_argument("--oldest", action="store_true", help="what can differ from version to version")
    parser.add_argument("--browser", action="store_true", help="the page in examples/browser, in a headless Chromium")
    parser.add_argument("--thorough", action="store_true", help="with the tests that are marked thorough")
    parser.add_argument("--coverage", type=float, help="fail when less than so many percent is covered")
    arguments, extra = parser.parse_known_args()
    extra += ["-m", ""] if arguments.thorough else []
    backends = arguments.backends or [b for b in BACKENDS if b != "torch" or importlib.util.find_spec(b)]
    present = [name for name in backends if name in BACKENDS and importlib.util.find_spec(name)]
    absent = "{} is asked for and absent: install it, or name other backends.\n"
    outcomes = [Outcome(name, 0, 1, 0.0, absent.format(name)) for name in backends if name not in present]
    asked = {of_frontends: arguments.frontends, of_export: arguments.export, of_corpus: arguments.corpus}
    if arguments.all or any(asked.values()):
        parts = [of(present) for of, wanted in asked.items() if wanted or arguments.all]
        if arguments.all:
            parts.append(of_all_else(present, not arguments.backends_only))
        # The first of each, then the second of each: what takes longest comes first here too.
        suites = [suite for turn in zip_longest(*parts) for suite in turn if suite is not None]
    elif arguments.oldest:
        suites = of_oldest(present)
    elif arguments.browser:
        writes = next((name for name in ("tensorflow", "torch", "jax") if name in present), "tensorflow")
        suites = [("browser", writes, ["tests/browser"])]
    else:
        suites = of_all_else(present, not arguments.backends_only)
    compile_for_librosa()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(max_workers=2) as pool:
        measured = None if arguments.coverage is None else Path(folder)
        jobs = [
            pool.submit(run, suite, backend, paths, present, extra, None if suite in UNMEASURED else measured)
            for suite, backend, paths in suites
        ]
        outcomes += [job.result() for job in jobs]
        if measured is not None:
            outcomes.append(coverage(measured, arguments.coverage, arguments.export))
    for outcome in outcomes:
        counted = f"{outcome.passed} ok, {outcome.failed} not"
        if outcome.failed:
            print(f"==== {outcome.suite}\n{outcome.output}")
        slowest = f"; of it {outcome.slowest}" if outcome.slowest else ""
        print(
            f"{outcome.suite:<18} {counted} in {outcome.seconds:.0f} s, {outcome.cpu:.0f} s of CPU{slowest}", flush=True
        )
    failed = sum(outcome.failed for outcome in outcomes)
    print(f"{sum(outcome.passed for outcome in outcomes)} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
