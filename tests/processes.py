"""Python in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def python(*words: object, timeout: float | None = None, **env: str | None) -> subprocess.CompletedProcess[str]:
    """Run Python with the words after it, from the root of the repository; a variable of None is absent there."""
    whole = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **env}
    there = {name: value for name, value in whole.items() if value is not None}
    command = [sys.executable, *map(str, words)]
    return subprocess.run(command, cwd=ROOT, env=there, capture_output=True, text=True, check=False, timeout=timeout)
