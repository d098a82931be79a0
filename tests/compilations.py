"""Count what XLA compiles; on other backends nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from tests.conftest import BACKEND

_COMPILED: list[str] = []
"""What XLA has compiled since the process began, each operation by itself too."""
if BACKEND == "jax":
    import jax

    def _heard(event: str, seconds: float, **about: Any) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            _COMPILED.append(event)

    jax.monitoring.register_event_duration_secs_listener(_heard)  # for good: old versions cannot take it back


@contextlib.contextmanager
def compilations() -> Iterator[list[str]]:
    """Give a list that holds, after the block, what XLA compiled in it."""
    before, found = len(_COMPILED), []
    yield found
    found += _COMPILED[before:]
