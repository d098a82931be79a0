"""Texts of published configuration files, and what the tests of readers share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kapre
from kapre.frontends import SourceError
from tests.clips import clip
from tests.conftest import to_numpy
from tests.references._registry import double, torchaudio

FOLDER = Path(__file__).parents[1] / "fixtures" / "readers"
SAMPLES = 20011
SCALE = 32768.0
CLOSE = 1e-3
"""The largest difference, of natural logarithms, decibels, coefficients or normalised values."""


def texts(reader: str) -> dict[str, Path]:
    """Return the files of a format by their names."""
    return {path.stem: path for path in sorted((FOLDER / reader).iterdir())}


def features(recipe: kapre.Recipe, x: np.ndarray) -> np.ndarray:
    return to_numpy(kapre.Frontend(recipe)(x[None].astype("float32")))[0]


def check(recipe: kapre.Recipe, reference: Callable[[np.ndarray], np.ndarray], bound: float = CLOSE) -> float:
    """Compare a recipe with a reference on a recording, and return the largest difference."""
    assert recipe.sample_rate is not None
    x = clip("speech", SAMPLES, int(recipe.sample_rate))
    y, expected = features(recipe, x), reference(x)
    assert recipe.output_shape(SAMPLES) == y.shape == expected.shape
    error = float(np.abs(y - expected).max())
    if recipe.log is None:
        error /= float(np.abs(expected).max())
    error /= float(np.max(np.abs(recipe.feature_scale)))
    assert error <= bound, error
    return error


def refused(source: Any, words: str, longest: int = 700) -> None:
    """Check that a source is refused in one line with these words."""
    with pytest.raises(SourceError, match=words) as raised:
        kapre.Recipe.from_pretrained(source)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < longest


def notes(source: Any) -> str:
    """Return the notes of the source of a model."""
    found = kapre.Frontend.from_pretrained(source).source
    assert found is not None
    return "; ".join(found.notes)


def check_hostile(path: Path, python: str, new: str, words: str) -> None:
    """Check that a file of YAML with a Python tag, one with an object to make, a pickle and a large file are refused.

    `words` are those of the error of the object, which is read as data.
    """
    path.write_text(python, encoding="utf-8")
    refused(path, "no YAML")
    path.write_text(new, encoding="utf-8")
    refused(path, words)
    path.write_bytes(b"\x80\x04\x95")
    refused(path, "a pickle, which is never opened")
    with open(path, "wb") as file:
        file.truncate(2**30)
    refused(path.parent, "1024 MiB")


def by_torchaudio(x: np.ndarray, kind: str, **options: Any) -> np.ndarray:
    """Return Kaldi's features as torchaudio computes them in float64, for scaled samples."""
    import torch

    with double():
        made = getattr(torchaudio().compliance.kaldi, kind)(torch.tensor(x)[None], energy_floor=0.0, **options)
    return made.numpy()


def statistics(width: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return a mean and a deviation for each value of a frame, as statistics of speech have them."""
    rng = np.random.default_rng(seed)
    return rng.uniform(8, 16, width), rng.uniform(2, 5, width)
