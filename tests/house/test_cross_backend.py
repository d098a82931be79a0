"""Files written under each backend, loaded under each other; the numbers are the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BACKENDS = os.environ.get("KAPRE_TEST_BACKENDS", "jax").split()


def worker(action: str, folder: Path, backend: str) -> dict[str, float]:
    env = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-m", "tests.cross_worker", action, str(folder)]
    result = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    return json.loads(result.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folders = {}
    for backend in BACKENDS:
        folders[backend] = tmp_path_factory.mktemp(backend)
        worker("write", folders[backend], backend)
    return folders


@pytest.mark.parametrize("reader", BACKENDS)
@pytest.mark.parametrize("writer", BACKENDS)
def test_written_here_loads_there(written: dict[str, Path], writer: str, reader: str) -> None:
    differences = worker("read", written[writer], reader)
    assert len(differences) >= 30
    for case, difference in differences.items():
        # The phase of an STFT magnifies the rounding of its small values.
        assert difference <= (1e-3 if case.startswith("chain") else 1e-5), (case, difference)
