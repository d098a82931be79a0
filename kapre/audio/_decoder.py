"""Decoding of checked files: the base class of all decoders with its damage report, and libsndfile's decoder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from kapre.audio._container import Container, UnreadableError, cut_short, longer
from kapre.audio._container import count as many
from kapre.audio._source import Part, Source, View

BLOCK = 1 << 18
"""Number of samples of all channels in one block."""

Samples = npt.NDArray[np.float32]
_UNKNOWN = 1 << 59
"""Number of samples that libsndfile reports for FLAC whose header does not give it."""


class Decoder:
    """Decode a file in blocks, count its samples, and report the damage that decoding reveals.

    Attributes:
        sample_rate: The rate of the samples. 0 before the first block.
        channels: Number of channels.
        n_samples: Number of samples decoded so far, per channel.
        format: The name of the container.
        subtype: The name of the encoding.
    """

    def __init__(self, source: Source, container: Container | None) -> None:
        self._source, self._container = source, container
        self._problems: list[str] = []
        self._promised = 0
        self._stopped: tuple[str, bool] | None = None  # why decoding stopped, and whether at the end of the file
        self.sample_rate, self.channels, self.n_samples = 0, 0, 0
        self.format, self.subtype = "", ""

    def blocks(self) -> Iterator[Samples]:
        """Yield blocks of shape (time, channels). The next block may reuse the same buffer."""
        raise NotImplementedError

    def _cannot_open(self, reason: str) -> UnreadableError:
        """Return the error for a file that the decoder does not accept."""
        if self._container is None:
            convert = "Convert it to WAV or FLAC, or leave it out."
            return UnreadableError(f"not audio that can be read ({reason})", convert)
        if self._container.damage:
            return UnreadableError("; ".join(self._container.damage), "Copy it again from its source.")
        problem = f"{self._container.name} that cannot be decoded: unsupported, or cut short in its header ({reason})"
        return UnreadableError(problem, "Convert it to WAV or FLAC, or copy it again if other programs refuse it too.")

    def damage(self) -> list[str]:
        """Return the damage that decoding revealed, beyond what the container already reported."""
        found = list(self._problems)
        known = bool(self._container and any(phrase.startswith("cut short") for phrase in self._container.damage))
        n_samples, rate = self.n_samples, self.sample_rate
        estimated = self.subtype.startswith("MPEG_LAYER")  # an estimate by libsndfile
        promised = 0 if estimated else self._promised
        if self._container and self._container.at_least and not found:
            samples, clock = self._container.at_least
            promised = max(promised, samples * rate // clock)
            if n_samples < promised and self._container.ends:
                samples, clock = self._container.ends
                promised = max(promised, samples * rate // clock)
        if n_samples < promised and not known:
            stopped_inside = self._stopped and not self._stopped[1]
            if stopped_inside or (self._container and self._container.damage) or estimated:
                found.append(f"damaged inside: {n_samples / rate:.3f} s of {promised / rate:.3f} s can be decoded")
            else:
                counts = (promised, n_samples, "samples")
                found.append(cut_short(promised / rate, n_samples / rate, counts))
        elif self._stopped and not known:
            kind = "cut short: the file breaks off" if self._stopped[1] else "damaged inside: decoding stops"
            found.append(f"{kind} after {n_samples / rate:.3f} s")
        if n_samples == 0:
            found.append("no samples: there is a header and nothing to decode after it")
        return found


class SoundfileDecoder(Decoder):
    """Decode the streams of a container with soundfile."""

    def __init__(self, soundfile: Any, source: Source, container: Container | None) -> None:
        super().__init__(source, container)
        self._soundfile = soundfile
        self._first: tuple[Any, View] | None = None

    def open(self) -> None:
        """Open the first stream, which `blocks` then decodes.

        Raises:
            UnreadableError: If libsndfile does not accept the stream.
        """
        parts: list[Part] = self._container.streams[0] if self._container else [(0, self._source.size)]
        view = View(self._source, parts)
        self._first = self._open(view), view

    def blocks(self) -> Iterator[Samples]:
        """Yield blocks of shape (time, channels). The next block reuses the same buffer."""
        whole: list[Part] = [(0, self._source.size)]
        streams = self._container.streams if self._container else [whole]
        for index, parts in enumerate(streams):
            if index == 0 and self._first is not None:
                (sound, view), self._first = self._first, None
            else:
                view = View(self._source, parts)
                sound = self._open(view)
            with sound:
                if index == 0:
                    self.sample_rate, self.channels = sound.samplerate, sound.channels
                    self.format, self.subtype = sound.format, sound.subtype
                    if self.format == "MP3" and self._container and self._container.name == "WAV":
                        self.format = "WAV"
                elif (sound.samplerate, sound.channels) != (self.sample_rate, self.channels):
                    change = f"{sound.samplerate} Hz and {many(sound.channels, 'channel')}"
                    self._problems.append(f"stream {index + 1} of {len(streams)} in the chain changes to {change}")
                    return
                yield from self._blocks_of(sound, view, self._promised_by(index))
            if self._stopped:
                return

    def _promised_by(self, index: int) -> int | None:
        """Return the number of samples in a header, 0 if it is left open, or None if only the decoder knows it."""
        promised = self._container.promised if self._container else None
        return None if promised is None else promised[index]

    def told(self) -> tuple[int, int]:
        """Return the number of samples in the header, or 0, and their rate. Nothing is decoded."""
        whole: list[Part] = [(0, self._source.size)]
        total = rate = 0
        for index, parts in enumerate(self._container.streams if self._container else [whole]):
            with self._open(View(self._source, parts)) as sound:
                promised = self._promised_by(index)
                frames = sound.frames if promised is None else promised
                total, rate = total + (0 if frames >= _UNKNOWN else frames), rate or sound.samplerate
        return total, rate

    def _open(self, view: View) -> Any:
        # soundfile seeks after every read of a seekable file, which is slow, and fails for FLAC of unknown length.
        forward = type("_Forward", (self._soundfile.SoundFile,), {"seekable": lambda _: False})
        try:
            return forward(view)
        except self._soundfile.SoundFileError as error:
            view.raise_failure()
            reason = str(getattr(error, "error_string", error)).strip(" .\n") or "unknown content"
            raise self._cannot_open(reason) from None

    def _blocks_of(self, sound: Any, view: View, promised: int | None) -> Iterator[Samples]:
        """Yield the blocks of one stream. An error of the decoder ends them and is recorded."""
        buffer = np.empty((max(1024, BLOCK // sound.channels), sound.channels), np.float32)
        self._promised += sound.frames if promised is None else promised
        done = 0
        while not self._stopped:
            try:
                count = len(sound.read(out=buffer))
            except self._soundfile.SoundFileError as error:
                reason = str(getattr(error, "error_string", error)).strip(" .\n") or "decoder error"
                self._stopped = (reason, view.reached_end)
                count = min(len(buffer), max(0, sound.tell() - done))
            view.raise_failure()
            if count:
                done += count
                self.n_samples += count
                yield buffer[:count]
            if count == 0:
                break
        if promised and done >= promised:
            self._stopped = None  # the decoder stopped after the last frame, such as at a tag
            if done > promised:
                said, there = promised / self.sample_rate, done / self.sample_rate
                self._problems.append(longer(said, there, (promised, done, "samples")))
