"""Long clips in pieces, as the feature extractors of transformers cut them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import kapre
from tests.clips import clip
from tests.conftest import to_numpy
from tests.references._registry import transformers

LENGTHS = [70001, 32000, 5000]
CLOSE = 1e-4
"""The largest difference, of logarithms to the base of 10."""


def batch() -> tuple[np.ndarray, list[np.ndarray]]:
    clips = [clip("speech", length, 16000).astype("float32") for length in LENGTHS]
    return np.stack([np.pad(x, (0, LENGTHS[0] - len(x))) for x in clips]), clips


def pieces_of(recipe: kapre.Recipe) -> tuple[np.ndarray, np.ndarray]:
    """Return the pieces that belong to a clip, those of all clips one after another, and the pieces of each clip."""
    layer = kapre.FixedPieces(recipe)
    y = to_numpy(layer(batch()[0], lengths=LENGTHS))
    counts = np.array([layer.num_pieces(length) for length in LENGTHS])
    return np.concatenate([y[i, :count] for i, count in enumerate(counts)]), counts


def extracted(name: str, **fields: Any) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    extractor = getattr(transformers(), name)(**fields)
    found = extractor(batch()[1], sampling_rate=16000, return_tensors="np")
    return {key: np.asarray(value) for key, value in found.items()}, extractor.to_dict()


@pytest.mark.parametrize("bands", [80, 128])
def test_moss(bands: int) -> None:
    expected, config = extracted("MossTranscribeDiarizeFeatureExtractor", chunk_length=2, feature_size=bands)
    y, counts = pieces_of(kapre.Recipe.from_pretrained(config))
    assert y.shape == expected["input_features"].shape == (5, bands, 200)
    assert np.abs(y - expected["input_features"]).max() <= CLOSE
    assert counts.tolist() == [3, 1, 1]


@pytest.mark.parametrize("bands", [80, 128])
def test_dots3(bands: int) -> None:
    expected, config = extracted("Dots3NoteFeatureExtractor", chunk_length=2, feature_size=bands)
    fields = dict(fixed_samples=32000, zeros_after=0, drop_last=1)  # as the note of the source says
    frontend = kapre.Frontend.from_pretrained(config)
    assert frontend.source is not None
    assert "fixed_samples=32000, zeros_after=0 and drop_last=1" in "".join(frontend.source.notes)
    y, counts = pieces_of(frontend.recipe.replace(**fields))
    assert y.shape == expected["input_features"].shape == (5, bands, 200)
    assert np.abs(y - expected["input_features"]).max() <= CLOSE
    layer = kapre.FixedPieces(frontend.recipe, 32000)
    lengths = [own for length in LENGTHS for own in layer.piece_lengths(length)]
    assert lengths == expected["chunk_sample_lengths"].tolist()
    assert counts.tolist() == [3, 1, 1]
