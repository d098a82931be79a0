"""Export with another backend in a separate process. The model is passed through a `.keras` file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from kapre.deploy._errors import ExportError, words
from kapre.deploy._program import Program
from kapre.deploy._report import Report
from kapre.deploy.formats._base import Format

MARK = "kapre-report:"
"""Prefix of the line with the report that kapre.deploy._child prints."""
_IS_ONE = "KAPRE_EXPORTS_ELSEWHERE"


def is_one() -> bool:
    """Tell whether this process exports on behalf of another one."""
    return _IS_ONE in os.environ


def export(program: Program, found: Format, path: Path, options: dict[str, Any], backend: str) -> Report:
    """Perform `kapre.export` with another backend."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.keras"
        try:
            program.source.save(file)
        except Exception as error:
            raise ExportError(
                f"{backend} cannot be given the model, as Keras cannot save it: {words(error)}."
            ) from error
        job = {"model": str(file), "path": str(path.resolve()), "format": found.name, "options": options}
        env = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", _IS_ONE: "1"}
        command = [sys.executable, "-m", "kapre.deploy._child", json.dumps(job)]
        result = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    line = next((line for line in result.stdout.splitlines() if line.startswith(MARK)), None)
    if line is None:
        last = (result.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise ExportError(f"the process that writes it with {backend} broke: {last}.{found.hint}")
    answer = json.loads(line.removeprefix(MARK))
    if "error" in answer:
        raise ExportError(answer["error"])
    return Report.from_dict(answer)
