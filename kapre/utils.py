"""Support for `from kapre.utils import Normalization2D`, of Kapre 0.1: the import error names the replacement."""

from typing import TYPE_CHECKING

from kapre._removed import removed_names

if not TYPE_CHECKING:  # a type checker would otherwise accept any name
    __getattr__ = removed_names(__name__)
