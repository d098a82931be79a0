"""Import of a package's names on first use, so that names that do not need Keras are available without it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def on_first_use(
    package: str, places: Mapping[str, str], check: Callable[[str], None] | None = None
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` for a package.

    Args:
        package: The name of the package.
        places: A mapping from each name to the module of the package that defines it.
        check: A function that is called with a name before its module is imported. It raises if the import cannot work.
    """

    def __getattr__(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        if check is not None:
            check(name)
        return getattr(import_module(f"{package}.{places[name]}"), name)

    def __dir__() -> list[str]:
        return sorted({*vars(sys.modules[package]), *places})

    return __getattr__, __dir__


_waiting: list[tuple[str, dict[str, str]]] = []
_is_bound = False


def needs(user: str, **places: str) -> None:
    """Give a module names from modules that need Keras, once Keras is loaded.

    The module itself can then be imported without Keras.

    Args:
        user: The name of the module.
        places: A mapping from each name to a module, or to "module:name" for a name within a module.
    """
    _waiting.append((user, places))
    if _is_bound:
        bind()


def bind() -> None:
    """Import what `needs` has asked for. From then on the names are as if they had been imported."""
    global _is_bound
    _is_bound = True
    while _waiting:
        user, places = _waiting[0]  # it stays if an import fails, so that the next one tries again
        for name, place in places.items():
            module, _, within = place.partition(":")
            found = import_module(module)
            setattr(sys.modules[user], name, getattr(found, within) if within else found)
        _waiting.remove((user, places))
