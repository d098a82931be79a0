"""Read audio files, and report damage instead of hiding it.

soundfile decodes a truncated file as a shorter clip without an error. This module checks every file against its own
header, so that a clip either has all of its samples or is reported. The following checks reveal damage in each format:

* WAV, RF64, BW64, AIFF, W64, CAF, AU: chunk sizes against the actual bytes. Sizes that a writer to a pipe left open (0,
  all ones, SoX's 0x7FFFF000, arecord's 0x80000000 and the like) mean "to the end of the file". In such a file, a cut is
  detected only inside a sample. A 32-bit size of more than 4 GiB is recognised by its remainder. Bytes after the
  samples that are not chunks, tags or zeros are damage. A wrong bit in the samples cannot be detected.
* FLAC: the sample count and the checksum of every frame. Concatenated files are read as one. Without a sample count
  (encoded to a pipe), a cut exactly between two frames cannot be detected.
* Ogg Vorbis and Opus: the checksum and number of every page, the end-of-stream mark and the positions.
* MP3: the frame count of the Xing, Info or VBRI header (soundfile and LAME write one) and every frame header. Without a
  count, a cut exactly between two frames cannot be detected. Wrong bits inside a frame cannot be detected. For some of
  them, mpg123 inside libsndfile prints a line to the terminal. It prints nothing for other damage, except after a gap,
  because it receives only whole frames, after a header that agrees with them. The same applies to MP3 inside WAV.
* MP4, M4A and QuickTime (AAC, ALAC and others; PyAV): the list of samples against the end of the file. The list may be
  at the end of the file and is then lost in a cut. Fragmented files (fMP4) have no list, so a cut between two fragments
  cannot be detected.
* AAC in ADTS (PyAV): every frame header. A cut exactly between two frames cannot be detected.
* AAC and ALAC data: what their decoder refuses. They have no checksums, so most wrong bits cannot be detected. Wrong
  bits in an edit list or a clock of MP4 cannot be detected either.
* Matroska and WebM, ASF (wma), AMR (PyAV): the clusters, the size in the header and every frame, respectively. Live
  recordings leave lengths open, so a cut between two clusters cannot be detected.
* NIST SPHERE: the sample count.
* Other formats that libsndfile reads: only what its decoder reports.

If PyAV is installed, it decodes encodings that libsndfile does not support, such as FLAC in Ogg or WMA in WAV.

In every format, samples that are not finite and fewer decoded samples than promised are damage.

Samples that an encoder added to an MP4 file before and after the sound are removed, as the edit list of the file
specifies, so that samples keep their original positions. ADTS does not give the number of added samples, so they remain
(usually 1024 or 2112).
"""

from __future__ import annotations

import io
import os
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, BinaryIO, Literal

import numpy as np

from kapre import _checks
from kapre._hints import names_arguments
from kapre.corpus._container import Container, NotAudioError, UnreadableError
from kapre.corpus._containers import examine
from kapre.corpus._decoder import Decoder, Samples, SoundfileDecoder
from kapre.corpus._levels import Levels
from kapre.corpus._others import DEMUXERS
from kapre.corpus._pyav import PyAVDecoder
from kapre.corpus._source import Source, in_memory

_COPY_AGAIN = "Copy it again from its source."
_LARGEST_RATIO = 256
"""Largest ratio between the rate of a file and the target rate of resampling, in either direction."""


AudioFile = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO
"""A path, the content of a file, or a binary file object, which is read from its beginning."""


class AudioError(Exception):
    """Report an audio file that cannot be used, in one line with the file, the problem and the remedy.

    Attributes:
        problem: The problem alone.
    """

    problem: str = ""


@dataclass(frozen=True)
class AudioInfo:
    """Describe the contents of an audio file, found by decoding all of it.

    Attributes:
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

    Attributes:
        samples: float32 samples of shape (time, channels).
        sample_rate: The rate of `samples`, which may differ from `info.sample_rate` after resampling.
        info: The properties of the file before resampling.
    """

    samples: Samples
    sample_rate: int
    info: AudioInfo


def inspect(path: AudioFile) -> AudioInfo:
    """Decode an audio file in blocks and return its properties, including damage.

    The content determines the format; the file name is ignored. The module's docstring defines damage. Memory use is
    bounded for files of any length.

    Args:
        path: The path of the file.

    Returns:
        The properties of the file, with any problems in `damage`.

    Raises:
        AudioError: If the file is missing, empty, not audio, or cannot be opened.
        ImportError: If soundfile is not installed.
    """
    return _decode(path, None)


@names_arguments
def read(path: AudioFile, sample_rate: int | None = None, on_damage: Literal["raise", "keep"] = "raise") -> Recording:
    """Decode an audio file, and resample it with soxr ("HQ") if `sample_rate` differs from the file's rate.

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
    """
    if sample_rate is not None:
        sample_rate = _checks.positive_int("sample_rate", sample_rate, "Give samples per second, or None.")
    _checks.choice("on_damage", on_damage, ("raise", "keep"), '"keep" returns what decodes, with the damage in `info`.')
    blocks: list[Samples] = []
    info = _decode(path, blocks, sample_rate, on_damage == "keep")
    samples = blocks[0] if len(blocks) == 1 else np.concatenate([np.zeros((0, info.channels), np.float32), *blocks])
    if sample_rate is None or sample_rate == info.sample_rate:
        return Recording(samples, info.sample_rate, info)
    resampled: Samples = optional("soxr", "Resampling").resample(samples, info.sample_rate, sample_rate, quality="HQ")
    return Recording(resampled, sample_rate, info)


def resampling_problem(rate: int, to: int) -> str:
    """Return the reason why a rate cannot be resampled to another, or an empty string if it can.

    No recording has such a rate, and resampling would give too many samples, or none.
    """
    if to / _LARGEST_RATIO <= rate <= to * _LARGEST_RATIO:
        return ""
    how = f"more than {_LARGEST_RATIO} times {'as low' if rate < to else 'as high'}"
    return f"{rate} Hz cannot be resampled to {to} Hz: {how}"


def told_seconds(path: AudioFile) -> float:
    """Return the duration in seconds according to the header, or 0 if the header does not give it.

    The file is not decoded or checked for damage.

    Args:
        path: The path of the file.

    Raises:
        AudioError: If the file is missing, empty, or not audio.
        ImportError: If soundfile is not installed.
    """
    soundfile = optional("soundfile", "Reading audio")
    name = _name(path)
    with _opened(path) as source:
        container = _examined(name, source)
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
        "m4a": _pyav() is not None,
    }


def optional(name: str, task: str) -> Any:
    """Return an optional module, or raise an ImportError that gives the remedy."""
    try:
        return import_module(name)
    except (ImportError, OSError) as error:  # OSError: soundfile without libsndfile
        raise ImportError(f"{task} needs {name}: run `pip install 'kapre[audio]'`.") from error


def _line(path: str, problem: str, remedy: str) -> AudioError:
    """Return an AudioError whose text is a single line, whatever characters the path contains."""
    name = "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in path)
    error = AudioError(f"{name}: {problem}. {remedy}")
    error.problem = problem
    return error


def blocks(path: AudioFile) -> Iterator[tuple[Samples, int]]:
    """Decode an undamaged audio file block by block, with bounded memory for files of any length.

    Args:
        path: The path of the file.

    Yields:
        float32 samples of shape (time, channels), and their rate.

    Raises:
        AudioError: As in `read`. Damage that only decoding reveals is raised after the last block.
        ImportError: If soundfile is not installed.
    """
    soundfile = optional("soundfile", "Reading audio")
    name = _name(path)
    with _opened(path) as source:
        container = _examined(name, source)
        _refuse_damage(name, container.damage if container else [])
        decoder = _decoder(soundfile, source, container)
        non_finite = 0
        for block in decoder.blocks():
            non_finite += block.size - int(np.count_nonzero(np.isfinite(block)))
            yield block.copy(), decoder.sample_rate
        _refuse_damage(name, decoder.damage(), non_finite)


def _refuse_damage(name: str, damage: list[str], non_finite: int = 0) -> None:
    """Raise an error if there is damage, including samples that are not finite."""
    alone = not damage
    if non_finite:
        damage = [*damage, f"{non_finite} samples are not finite (NaN or infinity)"]
    if damage:
        remedy = "Write it again with finite samples." if non_finite and alone else _COPY_AGAIN
        raise _line(name, "; ".join(damage), remedy)


def _name(path: AudioFile) -> str:
    """Return the name of a file for error messages."""
    if isinstance(path, (bytes, bytearray, memoryview)):
        return "<bytes>"
    if isinstance(path, (str, os.PathLike)):
        return os.fsdecode(path)
    name = getattr(path, "name", None)
    return name if isinstance(name, str) and name else "<file>"


@contextmanager
def _opened(path: AudioFile) -> Iterator[Source]:
    """Open a file, and turn its read errors into an AudioError."""
    name = _name(path)
    try:
        if isinstance(path, (str, os.PathLike)):
            mode = os.stat(path).st_mode
            if stat.S_ISDIR(mode):
                raise _line(name, "a folder, not a file", "Give the path of one audio file.")
            if not stat.S_ISREG(mode):
                raise _line(name, "a pipe or a device, not a file", "Save the audio to a file first.")
            with open(path, "rb", buffering=0) as file:
                yield Source(file)
        else:
            yield Source(_in_memory(path))
    except UnreadableError as error:
        raise _line(name, error.problem, error.remedy) from None
    except FileNotFoundError:
        raise _line(name, "no such file", "Check the path.") from None
    except PermissionError:
        raise _line(name, "permission denied", "Make the file readable for this user.") from None
    except (StopIteration, LookupError, ArithmeticError, struct.error) as error:  # a bad file must not end a run
        raise _line(name, "damaged inside: its header cannot be read", _COPY_AGAIN) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _line(name, f"reading failed ({reason})", "Check the path and the disk.") from error


def _in_memory(given: bytes | bytearray | memoryview | BinaryIO) -> BinaryIO:
    """Return a seekable file object: the given one, or one with its content."""
    if isinstance(given, (bytes, bytearray, memoryview)):
        return io.BytesIO(given)
    wrong = _checks.message("path", "a path, bytes or a binary file object", given, "Open a file in binary mode.")
    if not hasattr(given, "read") or isinstance(given, io.TextIOBase):
        raise TypeError(wrong)
    if hasattr(given, "seek") and hasattr(given, "tell") and getattr(given, "seekable", lambda: True)():
        return given
    try:
        return in_memory(given)
    except TypeError:
        raise TypeError(wrong) from None


def _examined(name: str, source: Source) -> Container | None:
    """Return the container before decoding, or None if only the decoder recognises it."""
    if source.size == 0:
        raise _line(name, "an empty file (0 bytes)", _COPY_AGAIN)
    try:
        return examine(source)
    except NotAudioError as error:
        raise _line(name, f"not audio that can be read: {error}", _COPY_AGAIN) from None


def _decoder(soundfile: Any, source: Source, container: Container | None) -> Decoder:
    """Return the decoder for a container: PyAV if libsndfile does not support its encoding."""
    av = _pyav()
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


def _pyav() -> Any:
    """Return the PyAV module, or None if it is not available."""
    try:
        return import_module("av")
    except (ImportError, OSError):
        return None


def _decode(path: AudioFile, keep: list[Samples] | None, to: int | None = None, lenient: bool = False) -> AudioInfo:
    """Check and decode a file. With `keep`, append the blocks to it and, unless `lenient`, raise for damage."""
    soundfile = optional("soundfile", "Reading audio")
    name = _name(path)
    with _opened(path) as source:
        return _decode_open(soundfile, name, source, keep, to, lenient)


def _decode_open(
    soundfile: Any, name: str, source: Source, keep: list[Samples] | None, to: int | None, lenient: bool
) -> AudioInfo:
    """Perform `_decode` on an open file."""
    container = _examined(name, source)
    damage = container.damage if container else []
    strict = keep is not None and not lenient
    if strict:
        _refuse_damage(name, damage)
    levels = Levels()
    decoder = _decoder(soundfile, source, container)
    for block in decoder.blocks():
        if to is not None and (problem := resampling_problem(decoder.sample_rate, to)):
            raise _line(name, problem, "Correct the rate in its header, or leave it out.")
        levels.add(block)
        if keep is not None:
            keep.append(block.copy())
    damage = damage + decoder.damage()
    if strict:
        _refuse_damage(name, damage, levels.non_finite)
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
