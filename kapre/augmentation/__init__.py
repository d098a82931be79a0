"""Layers that change their input at random during training."""

from typing import TYPE_CHECKING

from kapre._removed import removed_names
from kapre.augmentation._base import RandomLayer
from kapre.augmentation._channel_swap import ChannelSwap
from kapre.augmentation._spec_augment import SpecAugment

if not TYPE_CHECKING:  # a type checker would otherwise accept any name
    __getattr__ = removed_names(__name__)

__all__ = ["ChannelSwap", "RandomLayer", "SpecAugment"]
