"""Programs that the tests of augmentations compile."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from tests.conftest import BACKEND

_tests = count(1)


@pytest.fixture(autouse=True)
def without_old_programs() -> Iterator[None]:
    """Drop XLA's programs from time to time: a process that maps too many of them ends with a segmentation fault."""
    yield
    if BACKEND == "jax" and next(_tests) % 80 == 0:
        import jax

        jax.clear_caches()
