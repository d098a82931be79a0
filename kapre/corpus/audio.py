"""The old address of `kapre.audio`, kept for programs that import it."""

from kapre.audio import (
    AudioError,
    AudioFile,
    AudioInfo,
    Recording,
    blocks,
    inspect,
    read,
    readable_formats,
    resampling_problem,
    told_seconds,
)
from kapre.audio._packages import optional

__all__ = [
    "AudioError",
    "AudioFile",
    "AudioInfo",
    "Recording",
    "blocks",
    "inspect",
    "optional",
    "read",
    "readable_formats",
    "resampling_problem",
    "told_seconds",
]
