"""Files written under each backend, loaded under each other; the numbers are the same."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.processes import python

BACKENDS = os.environ.get("KAPRE_TEST_BACKENDS", "jax").split()


def worker(action: str, folders: list[Path], backend: str) -> list[dict[str, float]]:
    settings = dict(KERAS_BACKEND=backend, PYTHONWARNINGS="ignore")
    settings["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "1"  # JAX compiles every operation of every case
    result = python("-m", "tests.cross_worker", action, *folders, **settings)
    assert result.returncode == 0, result.stderr[-3000:]
    return json.loads(result.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folders = {}
    for backend in BACKENDS:
        folders[backend] = tmp_path_factory.mktemp(backend)
        worker("write", [folders[backend]], backend)
    return folders


@pytest.fixture(scope="module")
def differences_of(written: dict[str, Path]) -> Callable[[str], dict[str, dict[str, float]]]:
    @cache  # one process for each reader: most of its time goes into its imports
    def read_by(reader: str) -> dict[str, dict[str, float]]:
        return dict(zip(written, worker("read", list(written.values()), reader), strict=True))

    return read_by


@pytest.mark.parametrize("reader", BACKENDS)
@pytest.mark.parametrize("writer", BACKENDS)
def test_written_here_loads_there(
    differences_of: Callable[[str], dict[str, dict[str, float]]], writer: str, reader: str
) -> None:
    differences = differences_of(reader)[writer]
    assert len(differences) >= 30
    for case, difference in differences.items():
        assert difference <= 1.0, (case, difference)
