"""Every preset: the features of its inverse are those of the clip, within a bound, or the error names a stage."""

from __future__ import annotations

import pytest

import kapre
from kapre.frontends.presets import list_presets
from tests.conftest import mostly_on
from tests.inverted import REFUSED, error

MOST = 0.25
"""The largest error, as a fraction of the deviation of the features."""
MOST_OF = {"crepe": 0.35, "xcodec2": 0.45}
"""That of presets that keep neither a level nor a range, and whose padding is silence beside sound."""


@mostly_on("torch")
@pytest.mark.parametrize("name", sorted(set(list_presets()) - set(REFUSED)))
def test_features_come_back(name: str) -> None:
    frontend = kapre.Frontend.from_preset(name)
    assert error(frontend, round(1.2 * float(frontend.recipe.clip_rate or 16000))) <= MOST_OF.get(name, MOST)
