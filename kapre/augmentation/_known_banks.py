"""The banks of recordings of this process, and how a pickle carries them to another one."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

known: weakref.WeakValueDictionary[str, np.ndarray] = weakref.WeakValueDictionary()
"""The banks of this process by hash, for as long as a layer uses them: a copy of a layer finds its bank here."""


def banks_of(layer: Any) -> dict[str, np.ndarray]:
    """Return the banks of a layer and of its layers, by hash."""
    found: dict[str, np.ndarray] = {}
    for each in layer._flatten_layers():
        if getattr(each, "bank", None) is not None:
            found[each.bank_hash] = each.bank
    return found


def with_banks(banks: dict[str, np.ndarray], rebuild: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Make layers again, that find their banks by hash."""
    kept = []
    for name, values in banks.items():
        values.flags.writeable = False
        kept.append(known.setdefault(name, values))
    layer = rebuild(*arguments)
    del kept  # the layers hold them
    return layer
