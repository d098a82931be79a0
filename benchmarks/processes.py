"""The processes that measure: which interpreter, which environment, which cores, and what they give back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RUNTIMES = ("torch", "tensorflow", "jax", "published", "cpu")
BACKENDS = {"published": "tensorflow", "cpu": "torch"}
THREADS = ("1", "all")
PUBLISHED_PYTHON = "KAPRE_PUBLISHED_PYTHON"
POOLS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
LONGEST = 7200  # seconds that a process may take


def python(runtime: str) -> Path:
    """Return the interpreter: of the published package, the one that `make bench` prepares."""
    if runtime != "published":
        return Path(sys.executable)
    return Path(os.environ.get(PUBLISHED_PYTHON) or ROOT / ".venv-published" / "bin" / "python")


def available(runtime: str) -> bool:
    """Return whether there is an interpreter for a runtime."""
    return python(runtime).exists()


def environment(runtime: str, threads: str) -> dict[str, str]:
    """Return the environment: the backend, our sources first, and the sizes of the pools of threads."""
    # The interpreter's own folder is not to be searched: our sources come from here, in every environment.
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    env = {
        **os.environ,
        "KERAS_BACKEND": BACKENDS.get(runtime, runtime),
        "PYTHONPATH": path,
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    if threads == "1":
        env.update(dict.fromkeys(POOLS, "1"))
    return env


def run(runtime: str, threads: str, job: dict[str, Any]) -> list[dict[str, Any]]:
    """Do a job in a fresh process and return its rows. Where it fails, the last row is `{"error": why}`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        whole = {"runtime": runtime, "threads": threads, "to": str(path), **job}
        command = [str(python(runtime)), "-m", "benchmarks.worker", json.dumps(whole)]
        failure = ""
        try:
            result = subprocess.run(
                command,
                cwd=ROOT,
                env=environment(runtime, threads),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
                timeout=LONGEST,
            )
            if result.returncode:
                lines = [line for line in result.stderr.splitlines() if line.strip()]
                failure = lines[-1] if lines else f"ended with {result.returncode}"
        except subprocess.TimeoutExpired:
            failure = f"took more than {LONGEST} s"
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
    if failure:
        about = {key: job[key] for key in ("shape", "kind", "name") if key in job}
        rows.append({"runtime": runtime, "threads": threads, **about, "error": failure})
    return rows
