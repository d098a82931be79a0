"""Export of one model to any runtime: `kapre.export` writes a file, runs it there, and compares it with Keras.

Reading the metadata of a file does not need Keras. Names that need it are imported on first use.
"""

from typing import TYPE_CHECKING

from kapre._lazy import on_first_use
from kapre.deploy._errors import ExportError
from kapre.deploy._metadata import read_metadata
from kapre.deploy.formats import FORMATS

if TYPE_CHECKING:
    from kapre.deploy._check import Check
    from kapre.deploy._export import export
    from kapre.deploy._report import Report

_ON_FIRST_USE = {"Check": "_check", "Report": "_report", "export": "_export"}

__all__ = ["FORMATS", "Check", "ExportError", "Report", "export", "read_metadata"]

if not TYPE_CHECKING:  # a type checker would otherwise accept any name
    __getattr__, __dir__ = on_first_use(__name__, _ON_FIRST_USE)
