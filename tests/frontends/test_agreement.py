"""Every preset against independent implementations: frame counts at awkward lengths, and numbers."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import kapre
from tests.clips import KINDS, bound
from tests.conftest import BACKEND
from tests.frontends.agreement import VARIANTS, Found, about, compare, preset_of, some, twelve
from tests.references import REFERENCES

# Without noise under it, a sweep leaves bands that in float32 hold nothing but rounding.
NOISY = tuple(kind for kind in KINDS if kind != "sweep")
# PyTorch, the quickest, meets all references at all lengths; the others one of each preset, of float64 where there is.
MEASURED = "KAPRE_AGREEMENT" in os.environ
EVERY = BACKEND == "torch" or MEASURED


def cases() -> list[Any]:
    """Return references and dtypes, both of one reference in turn: what it computes is kept meanwhile.

    TensorFlow takes both; the others often float64 alone, where a wrong choice stands out from the rounding.
    """
    names = list(REFERENCES)
    if not EVERY:
        names.sort(key=lambda name: REFERENCES[name].float64)
        names = list({str(about(name)): name for name in names}.values())
    found = []
    for name in names:
        seldom = BACKEND != "tensorflow" and REFERENCES[name].float64 and not MEASURED
        found.append(pytest.param(name, "float32", marks=[pytest.mark.thorough] if seldom else []))
        found += [pytest.param(name, "float64")] * REFERENCES[name].float64
    return found


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
        assert len(twelve(preset_of(name))) >= 10


@pytest.mark.parametrize(("name", "dtype"), cases())
def test_as_published(name: str, dtype: str) -> None:
    """Where the reference computes in float64, so do we too, and the rounding that hides a wrong choice is gone."""
    found = compare(name, dtype, NOISY if dtype == "float32" else KINDS, twelve if EVERY else some)
    record(name, dtype, found)
    if dtype == "float64":
        assert max(each.worst for each in found.values()) <= 1e-4, found
        return
    for kind, each in found.items():
        assert each.worst <= bound(kind), found
        assert each.beyond <= 1e-3 * each.values, found
