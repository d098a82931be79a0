"""Kept so that `from kapre.filterbank import Filterbank`, of Kapre 0.1, says what does its work today."""

from typing import TYPE_CHECKING

from kapre._removed import removed_names

if not TYPE_CHECKING:  # a checker would take any name for one of these
    __getattr__ = removed_names(__name__)
