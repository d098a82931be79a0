"""Kept so that `from kapre.utils import Normalization2D`, of Kapre 0.1, says what does its work today."""

from kapre._removed import removed_names

__getattr__ = removed_names(__name__)
