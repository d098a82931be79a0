"""One model, every runtime: `kapre.export` writes it, runs it there, and says how far it is from Keras.

Reading what a file says of itself needs no Keras; what does loads on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from kapre.deploy._errors import ExportError
from kapre.deploy._formats import FORMATS
from kapre.deploy._metadata import read_metadata

if TYPE_CHECKING:
    from kapre.deploy._check import Check
    from kapre.deploy._export import Report, export

_ON_FIRST_USE = {"Check": "_check", "Report": "_export", "export": "_export"}

__all__ = ["FORMATS", "Check", "ExportError", "Report", "export", "read_metadata"]

if not TYPE_CHECKING:  # a checker would take any name for one of these

    def __getattr__(name: str) -> Any:
        if name not in _ON_FIRST_USE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_ON_FIRST_USE[name]}"), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *_ON_FIRST_USE})
