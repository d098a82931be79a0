"""Recipes that several tests take, and recipes drawn at random."""

from __future__ import annotations

from typing import Any

from hypothesis import assume

import kapre

FULL = kapre.Recipe(sample_rate=16000, n_fft=400, hop_length=160, power=2.0, filterbank="mel", n_mels=20, log="ln")
"""Samples to logarithms of mel bands: what tests change into other recipes."""


def recipe_of(fields: dict[str, Any]) -> kapre.Recipe:
    """Return the recipe of drawn fields; Hypothesis draws others in place of fields that exclude one another."""
    try:
        return kapre.Recipe(**fields)
    except ValueError:
        assume(False)
        raise
