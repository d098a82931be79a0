"""Every preset against independent implementations: frame counts at awkward lengths, and numbers."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import kapre
from tests.clips import KINDS, bound
from tests.conftest import BACKEND
from tests.frontends.agreement import VARIANTS, Found, about, compare, preset_of, twelve
from tests.references import REFERENCES

# Without noise under it, a sweep leaves bands that hold nothing but rounding: see `test_in_float64`.
NOISY = tuple(kind for kind in KINDS if kind != "sweep")


def record(name: str, dtype: str, found: dict[str, Found]) -> None:
    """Keep what was measured for the docs' table: `make agreement`."""
    folder = os.environ.get("KAPRE_AGREEMENT")
    if folder:
        path = Path(folder) / f"{name}.{dtype}.{BACKEND}.json"
        worst = {kind: each.worst for kind, each in found.items()}
        path.write_text(json.dumps({"package": REFERENCES[name].described(), **worst}), encoding="utf-8")


def test_every_preset_has_a_reference() -> None:
    assert set(kapre.list_presets()) | set(VARIANTS) <= {*REFERENCES}
    for name in REFERENCES:
        assert about(name)[0] in kapre.list_presets()
        assert len(twelve(preset_of(name))) >= 12


@pytest.mark.parametrize("name", REFERENCES)
def test_as_published(name: str) -> None:
    found = compare(name, "float32", NOISY)
    record(name, "float32", found)
    for kind, each in found.items():
        assert each.worst <= bound(kind), found
        assert each.beyond <= 1e-3 * each.values, found


@pytest.mark.parametrize("name", [name for name, reference in REFERENCES.items() if reference.float64])
def test_in_float64(name: str) -> None:
    """Where the reference computes in float64, so do we, and the rounding that hides a wrong choice is gone."""
    found = compare(name, "float64")
    record(name, "float64", found)
    assert max(each.worst for each in found.values()) <= 1e-4, found
