"""One model, every runtime: `kapre.export` writes it, runs it there, and says how far it is from Keras."""

from kapre.deploy._check import Check
from kapre.deploy._errors import ExportError
from kapre.deploy._export import Report, export
from kapre.deploy._formats import FORMATS
from kapre.deploy._metadata import read_metadata

__all__ = ["FORMATS", "Check", "ExportError", "Report", "export", "read_metadata"]
