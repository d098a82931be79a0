"""The recordings that most tests of corpora take, and their store."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from kapre import corpus
from tests.corpus.recordings import COUNT, PRESET, write_bad, write_good


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """500 recordings, 12 of them bad in 12 ways, and a manifest with the missing one and two columns of its own."""
    folder = tmp_path_factory.mktemp("recordings")
    paths = [*write_good(folder, COUNT), *write_bad(folder / "bad")]
    order = np.random.default_rng(1).permutation(len(paths))
    with open(folder / "all.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "number"])
        writer.writerows([paths[place].relative_to(folder), f"kind {place % 3}", place] for place in order)
    return folder


@pytest.fixture(scope="session")
def store(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store") / "features"
    summary = corpus.extract(recordings / "all.csv", folder, PRESET)
    assert (summary.items, summary.rows, summary.ok, summary.failed) == (500, 500, COUNT, 12)
    return folder
