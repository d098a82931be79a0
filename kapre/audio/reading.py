"""Reading of audio files: their properties, their samples, and damage as an error."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from kapre import _checks
from kapre._hints import names_arguments
from kapre.audio._container import UnreadableError
from kapre.audio._conversion import check_rate, refusals, resample
from kapre.audio._decoder import Samples, SoundfileDecoder
from kapre.audio._decoding import decoder_of, examined, refuse_damage
from kapre.audio._levels import Levels
from kapre.audio._opening import AudioFile, name_of, opened
from kapre.audio._packages import optional, pyav
from kapre.audio._source import Source


@dataclass(frozen=True)
class AudioInfo:
    """Describe the contents of an audio file, found by decoding all of it.

    Args:
        path: The path as given. "<bytes>" for content given as bytes, and the name of a file object.
        sample_rate: Samples per second.
        channels: Number of channels.
        n_samples: Number of decoded samples per channel.
        duration_seconds: `n_samples / sample_rate`.
        format: libsndfile's name of the container, such as "WAV", "WAVEX" (WAV with an extensible header), "FLAC",
            "OGG" or "MP3"; "MP4" or "ADTS" if PyAV decodes it.
        subtype: libsndfile's name of the encoding, such as "PCM_16", "FLOAT", "VORBIS" or "OPUS", or FFmpeg's name in
            capitals, such as "AAC" or "ALAC".
        peak: The largest magnitude of a finite sample. Full scale is 1.
        rms: The root mean square of the finite samples of all channels.
        non_finite: Number of samples that are NaN or infinite.
        damage: One phrase for each kind of damage. Empty if the file is sound.
        warnings: Problems that are not damage, such as channels whose mean is silence.

    Example:
        ```python
        import numpy as np, soundfile
        import kapre

        soundfile.write("tone.wav", 0.5 * np.sin(np.arange(16000) / 5), 16000)
        info = kapre.audio.inspect("tone.wav")
        assert (info.format, info.subtype, info.channels) == ("WAV", "PCM_16", 1)
        assert info.duration_seconds == 1.0 and not info.damage
        ```
    """

    path: str
    sample_rate: int
    channels: int
    n_samples: int
    duration_seconds: float
    format: str
    subtype: str
    peak: float
    rms: float
    non_finite: int
    damage: tuple[str, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Recording:
    """Hold the samples of an audio file.

    Args:
        samples: float32 samples of shape (time, channels) from `read`, or (time,) from `load`.
        sample_rate: The rate of `samples`, which may differ from `info.sample_rate` after resampling.
        info: The properties of the file before resampling.

    Example:
        ```python
        import numpy as np, soundfile
        import kapre

        soundfile.write("tone.wav", 0.5 * np.sin(np.arange(16000) / 5), 16000)
        recording = kapre.audio.read("tone.wav", 8000)
        assert recording.samples.shape == (8000, 1)
        assert (recording.sample_rate, recording.info.sample_rate) == (8000, 16000)
        ```
    """

    samples: Samples
    sample_rate: int
    info: AudioInfo


def inspect(path: AudioFile) -> AudioInfo:
    """Decode an audio file in blocks and return its properties, including damage.

    The content determines the format; the file name is ignored. The package's docstring defines damage. Memory use is
    bounded for files of any length.

    Args:
        path: The file: its path, its content as bytes, or a binary file object.

    Returns:
        The properties of the file, with any problems in `damage`.

    Raises:
        AudioError: If the file is missing, empty, not audio, or cannot be opened.
        ImportError: If soundfile is not installed.

    Example:
        ```python
        from pathlib import Path

        import numpy as np, soundfile
        import kapre

        soundfile.write("tone.wav", 0.5 * np.sin(np.arange(16000) / 5), 16000)
        assert kapre.audio.inspect("tone.wav").damage == ()
        content = Path("tone.wav").read_bytes()
        assert kapre.audio.inspect(content[:-100]).damage[0].startswith("cut short")
        ```
    """
    return _decode(path, None)


@names_arguments
def read(path: AudioFile, sample_rate: int | None = None, on_damage: Literal["raise", "keep"] = "raise") -> Recording:
    """Decode an audio file, and resample it with soxr ("HQ") if `sample_rate` differs from the file's rate.

    All channels are kept. `load` gives the samples that a recipe takes.

    Args:
        path: The file: its path, its content as bytes, or a binary file object.
        sample_rate: The rate of the result. None keeps the rate of the file.
        on_damage: "raise" refuses a damaged file. "keep" returns the samples that can be decoded, and `info.damage`
            describes the damage.

    Returns:
        The samples as float32 of shape (time, channels), with the properties of the file.

    Raises:
        AudioError: If the file is missing, empty, not audio, or, with "raise", has any damage that `inspect` finds.
        ImportError: If soundfile or soxr is not installed.

    Example:
        ```python
        import numpy as np, soundfile
        import kapre

        soundfile.write("tone.wav", 0.5 * np.sin(np.arange(16000) / 5), 16000)
        recording = kapre.audio.read("tone.wav")
        assert recording.samples.shape == (16000, 1) and recording.sample_rate == 16000
        ```
    """
    if sample_rate is not None:
        sample_rate = _checks.positive_int("sample_rate", sample_rate, "Give samples per second, or None.")
    samples, info = decoded(path, sample_rate, on_damage)
    rate = sample_rate or info.sample_rate
    with refusals(info.path):
        return Recording(resample(samples, info.sample_rate, rate), rate, info)


def decoded(path: AudioFile, to: int | None, on_damage: str) -> tuple[Samples, AudioInfo]:
    """Return all samples of a file that can be resampled to a rate, of shape (time, channels), and its properties."""
    _checks.choice("on_damage", on_damage, ("raise", "keep"), '"keep" returns what decodes, with the damage in `info`.')
    kept: list[Samples] = []
    info = _decode(path, kept, to, on_damage == "keep")
    return kept[0] if len(kept) == 1 else np.concatenate([np.zeros((0, info.channels), np.float32), *kept]), info


def told_seconds(path: AudioFile) -> float:
    """Return the duration in seconds according to the header, or 0 if the header does not give it.

    The file is not decoded or checked for damage.

    Args:
        path: The file: its path, its content as bytes, or a binary file object.

    Raises:
        AudioError: If the file is missing, empty, or not audio.
        ImportError: If soundfile is not installed.

    Example:
        ```python
        import numpy as np, soundfile
        import kapre

        soundfile.write("tone.wav", 0.5 * np.sin(np.arange(16000) / 5), 16000)
        assert kapre.audio.told_seconds("tone.wav") == 1.0
        ```
    """
    soundfile = optional("soundfile", "Reading audio")
    name = name_of(path)
    with opened(path) as source:
        container = examined(name, source)
        told = (container.ends or container.at_least) if container else None
        if told:
            return told[0] / told[1]
        if container and container.demuxer:
            return 0.0
        try:
            samples, rate = SoundfileDecoder(soundfile, source, container).told()
        except UnreadableError:
            if container is None:
                raise
            return 0.0
        return samples / rate


def readable_formats() -> dict[str, bool]:
    """Return which formats can be read: wav, flac, ogg (Vorbis), opus and mp3 by libsndfile, m4a by PyAV.

    Raises:
        ImportError: If soundfile is not installed.

    Example:
        ```python
        import kapre

        assert kapre.audio.readable_formats()["flac"]
        ```
    """
    soundfile = optional("soundfile", "Reading audio")
    containers = soundfile.available_formats()
    in_ogg = soundfile.available_subtypes("OGG") if "OGG" in containers else {}
    return {
        "wav": "WAV" in containers,
        "flac": "FLAC" in containers,
        "ogg": "VORBIS" in in_ogg,
        "opus": "OPUS" in in_ogg,
        "mp3": "MP3" in containers,
        "m4a": pyav() is not None,
    }


def blocks(path: AudioFile) -> Iterator[tuple[Samples, int]]:
    """Decode an undamaged audio file block by block, with bounded memory for files of any length.

    `stream` gives the samples that a recipe takes.

    Args:
        path: The file: its path, its content as bytes, or a binary file object.

    Yields:
        float32 samples of shape (time, channels), and their rate.

    Raises:
        AudioError: As in `read`. Damage that only decoding reveals is raised after the last block.
        ImportError: If soundfile is not installed.

    Example:
        ```python
        import numpy as np, soundfile
        import kapre

        soundfile.write("tone.wav", 0.5 * np.sin(np.arange(16000) / 5), 16000)
        (found,) = kapre.audio.blocks("tone.wav")
        assert found[0].shape == (16000, 1) and found[1] == 16000
        ```
    """
    soundfile = optional("soundfile", "Reading audio")
    name = name_of(path)
    with opened(path) as source:
        container = examined(name, source)
        refuse_damage(name, container.damage if container else [])
        decoder = decoder_of(soundfile, source, container)
        non_finite = 0
        for block in decoder.blocks():
            non_finite += block.size - int(np.count_nonzero(np.isfinite(block)))
            yield block.copy(), decoder.sample_rate
        refuse_damage(name, decoder.damage(), non_finite)


def _decode(path: AudioFile, keep: list[Samples] | None, to: int | None = None, lenient: bool = False) -> AudioInfo:
    """Check and decode a file. With `keep`, append the blocks to it and, unless `lenient`, raise for damage."""
    soundfile = optional("soundfile", "Reading audio")
    name = name_of(path)
    with opened(path) as source:
        return _decode_open(soundfile, name, source, keep, to, lenient)


def _decode_open(
    soundfile: Any, name: str, source: Source, keep: list[Samples] | None, to: int | None, lenient: bool
) -> AudioInfo:
    """Perform `_decode` on an open file."""
    container = examined(name, source)
    damage = container.damage if container else []
    strict = keep is not None and not lenient
    if strict:
        refuse_damage(name, damage)
    levels = Levels()
    decoder = decoder_of(soundfile, source, container)
    for block in decoder.blocks():
        if to is not None:
            with refusals(name):
                check_rate(decoder.sample_rate, to)
        levels.add(block)
        if keep is not None:
            keep.append(block.copy())
    damage = damage + decoder.damage()
    if strict:
        refuse_damage(name, damage, levels.non_finite)
    if levels.non_finite:
        damage.append(f"{levels.non_finite} samples are not finite (NaN or infinity)")
    return AudioInfo(
        path=name,
        sample_rate=decoder.sample_rate,
        channels=decoder.channels,
        n_samples=decoder.n_samples,
        duration_seconds=decoder.n_samples / decoder.sample_rate,
        format=decoder.format,
        subtype=decoder.subtype,
        peak=levels.peak,
        rms=levels.rms,
        non_finite=levels.non_finite,
        damage=tuple(damage),
        warnings=levels.warnings,
    )
