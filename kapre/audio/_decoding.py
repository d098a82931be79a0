"""Steps between an open file and its samples: examine the container, choose the decoder, refuse damage."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kapre.audio._container import Container, NotAudioError, UnreadableError
from kapre.audio._containers import examine
from kapre.audio._decoder import Decoder, SoundfileDecoder
from kapre.audio._errors import COPY_AGAIN, line
from kapre.audio._others import DEMUXERS
from kapre.audio._packages import pyav
from kapre.audio._pyav import PyAVDecoder
from kapre.audio._source import Source


def examined(name: str, source: Source) -> Container | None:
    """Return the container before decoding, or None if only the decoder recognises it."""
    if source.size == 0:
        raise line(name, "an empty file (0 bytes)", COPY_AGAIN)
    try:
        return examine(source)
    except NotAudioError as error:
        raise line(name, f"not audio that can be read: {error}", COPY_AGAIN) from None


def decoder_of(soundfile: Any, source: Source, container: Container | None) -> Decoder:
    """Return the decoder for a container: PyAV if libsndfile does not support its encoding."""
    av = pyav()
    if container is not None and container.demuxer:
        if av is None:  # an error of this file, not of the run: others may be readable
            problem = f"{container.name} is decoded by PyAV, which is not installed: run `pip install 'kapre[av]'`"
            raise UnreadableError(problem, "Or convert it to WAV or FLAC.")
        return PyAVDecoder(av, source, container)
    by_soundfile = SoundfileDecoder(soundfile, source, container)
    try:
        by_soundfile.open()
    except UnreadableError as error:
        if container is None or container.name not in DEMUXERS or (container.damage and av is None):
            raise
        if av is None:
            problem = f"{container.name} with an encoding that libsndfile does not support: PyAV may decode it"
            raise UnreadableError(problem, "Run `pip install 'kapre[av]'`, or convert it to WAV or FLAC.") from None
        by_pyav = PyAVDecoder(av, source, replace(container, demuxer=DEMUXERS[container.name]))
        if not by_pyav.opens():
            raise error from None
        return by_pyav
    return by_soundfile


def refuse_damage(name: str, damage: list[str], non_finite: int = 0) -> None:
    """Raise an error if there is damage, including samples that are not finite."""
    alone = not damage
    if non_finite:
        damage = [*damage, f"{non_finite} samples are not finite (NaN or infinity)"]
    if damage:
        remedy = "Write it again with finite samples." if non_finite and alone else COPY_AGAIN
        raise line(name, "; ".join(damage), remedy)
