"""Count what XLA compiles. On other backends, the count is 0."""

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

    jax.monitoring.register_event_duration_secs_listener(_heard)  # old versions of JAX cannot remove a listener


@contextlib.contextmanager
def compilations() -> Iterator[list[str]]:
    """Yield a list that holds, after the block, what XLA compiled in the block."""
    before, found = len(_COMPILED), []
    yield found
    found += _COMPILED[before:]
