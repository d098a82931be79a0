"""Published front ends: a recipe as a layer, the presets, and the same chunk by chunk."""

from kapre.frontends._preset import Preset
from kapre.frontends.frontend import Frontend
from kapre.frontends.presets import list_presets, preset
from kapre.frontends.stream import Stream, whole_clip_stages

__all__ = ["Frontend", "Preset", "Stream", "list_presets", "preset", "whole_clip_stages"]
