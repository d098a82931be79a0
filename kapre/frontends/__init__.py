"""Published front ends: a recipe as a layer, the presets, and the same chunk by chunk.

The presets need no Keras; what does loads on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from kapre.frontends._preset import Preset
from kapre.frontends.presets import list_presets, preset

if TYPE_CHECKING:
    from kapre.frontends.frontend import Frontend
    from kapre.frontends.stream import Stream, whole_clip_stages

_ON_FIRST_USE = {"Frontend": "frontend", "Stream": "stream", "whole_clip_stages": "stream"}

__all__ = ["Frontend", "Preset", "Stream", "list_presets", "preset", "whole_clip_stages"]

if not TYPE_CHECKING:  # a checker would take any name for one of these

    def __getattr__(name: str) -> Any:
        if name not in _ON_FIRST_USE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_ON_FIRST_USE[name]}"), name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *_ON_FIRST_USE})
