"""Models that published versions of Kapre saved, with what each takes and gives: see fixtures/make_published.py."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

ARCHIVES = {name: Path(__file__).parent / "fixtures" / f"published_{name}.zip" for name in ("0.4.1", "0.3.7")}


def stored(version: str, file: str, folder: Path) -> tuple[Path, np.ndarray, np.ndarray]:
    """Extract a model's file into a folder; return its path, an input and the published output."""
    with zipfile.ZipFile(ARCHIVES[version]) as archive:
        archive.extract(file, folder)
        with np.load(io.BytesIO(archive.read(str(Path(file).with_suffix(".npz"))))) as arrays:
            return folder / file, arrays["x"], arrays["y"]


def assert_same(case: str, got: np.ndarray, y: np.ndarray) -> None:
    """Compare with the published output; decibels as powers, for a logarithm magnifies rounding near a zero."""
    if case.startswith("helper_magnitude"):
        got, y = 10 ** (got / 10), 10 ** (y / 10)
    assert got.shape == y.shape
    assert np.abs(got - y).max() <= 1e-5 * np.abs(y).max()
