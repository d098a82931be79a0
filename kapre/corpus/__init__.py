"""Audio files: decode them, and find the damaged ones."""

from kapre.corpus.audio import AudioError, AudioInfo, Recording, inspect, read, readable_formats

__all__ = ["AudioError", "AudioInfo", "Recording", "inspect", "read", "readable_formats"]
