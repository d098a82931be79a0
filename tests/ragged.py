"""Batches of clips of unequal lengths, compared with the clips alone."""

from __future__ import annotations

import numpy as np

import kapre
from tests.conftest import quick, relative_error, to_numpy


def head(features: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Return the part of an item's padded features that has the shape of the item's own."""
    return features[tuple(slice(0, size) for size in like.shape)]


def check_ragged(
    layer: kapre.Frontend, x: np.ndarray, lengths: list[int], tolerance: float, of: list[int] | None = None
) -> None:
    """Compare a batch with its clips alone: all of them, or those of the lengths `of`."""
    y = to_numpy(quick(lambda value: layer(value, lengths=lengths))(x))
    for item, length in enumerate(lengths):
        past = np.ones(y[item].shape, bool)
        past[tuple(slice(0, size) for size in layer.recipe.output_shape(length))] = False
        assert (y[item][past] == 0.0).all()
        if of is None or length in of:
            alone = to_numpy(quick(layer)(x[item : item + 1, :length]))[0]
            assert alone.shape == layer.recipe.output_shape(length)
            assert relative_error(head(y[item], alone), alone) <= tolerance
