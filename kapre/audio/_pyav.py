"""FFmpeg's decoders, through PyAV, for the containers that libsndfile does not read: MP4 and ADTS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from kapre.audio._container import Container, UnreadableError, count
from kapre.audio._decoder import BLOCK, Decoder, Samples
from kapre.audio._source import Source, View

_FULL_SCALE = {"u1": 1 << 7, "i2": 1 << 15, "i4": 1 << 31, "i8": 1 << 63}

_MOST_CHANNELS = 1024
"""The same limit as in libsndfile."""
_PADDING = 4
"""Largest number of final frames that can be padding. More frames are not explained by a header."""


class PyAVDecoder(Decoder):
    """Decode the first audio track of a container with PyAV.

    FFmpeg prints nothing, because PyAV turns its logging off on import, and this class does not change that.
    """

    def __init__(self, av: Any, source: Source, container: Container) -> None:
        super().__init__(source, container)
        self._av, self._checked = av, container
        self.format = container.name

    def blocks(self) -> Iterator[Samples]:
        """Yield blocks of shape (time, channels)."""
        for parts in self._checked.streams:
            view = View(self._source, parts)
            with self._open(view) as opened:
                # Some PyAV errors are also PermissionError or OSError. None of them leaves this class.
                track = self._track(opened)
                yield from _joined(self._limited(self._frames(opened, track, view)))
        if not self.sample_rate:
            raise self._cannot_open("no sample rate and no samples")

    def opens(self) -> bool:
        """Return whether the container has a track that FFmpeg can decode."""
        try:
            with self._open(View(self._source, self._checked.streams[0])) as opened:
                self._track(opened)
        except UnreadableError:
            return False
        return self.sample_rate > 0

    def _open(self, view: View) -> Any:
        settings = {"format": self._checked.demuxer, "buffer_size": 1 << 16}
        # PyAV 19 and later accept titles that are not UTF-8, and have no such option.
        if int(self._av.__version__.split(".")[0]) < 19:
            settings["metadata_errors"] = "replace"
        try:
            return self._av.open(_Forgiving(view), **settings)
        except self._av.error.FFmpegError as error:
            view.raise_failure()
            raise self._cannot_open(_reason(error)) from None

    def _track(self, opened: Any) -> Any:
        """Return the first audio track with a known decoder."""
        tracks = opened.streams.audio
        if not tracks:
            if self._checked.damage:
                raise self._cannot_open("no track")
            raise UnreadableError("no audio in it: its tracks are of other kinds, such as video", "Leave it out.")
        context = tracks[0].codec_context
        if context is None:
            raise self._cannot_open("this PyAV has no decoder for it")
        context.thread_count = 1  # a run has one process per core
        self.sample_rate, self.channels = context.sample_rate or 0, context.channels or 0
        if self.channels > _MOST_CHANNELS:
            raise self._cannot_open(f"{self.channels} channels")
        if self._checked.promised:
            self._promised = sum(self._checked.promised)
        elif self._checked.told and not self._checked.at_least and tracks[0].duration and tracks[0].time_base:
            self._promised = int(tracks[0].duration * tracks[0].time_base * self.sample_rate)
        self.subtype = context.codec.canonical_name.upper()
        return tracks[0]

    def _frames(self, opened: Any, track: Any, view: View) -> Iterator[Samples]:
        """Yield the samples of each packet. An error of the decoder ends them and is recorded."""
        found = False
        try:
            for packet in opened.demux(track):
                view.raise_failure()
                if packet.is_corrupt:
                    self._stopped = ("a packet that is not whole", True)
                    return
                for frame in packet.decode():
                    if frame.is_corrupt:
                        self._stopped = ("a corrupt frame", False)
                        return
                    samples = _as_float(frame)
                    now = (frame.sample_rate, samples.shape[1])
                    if not found:
                        self.sample_rate, self.channels = now
                        found = True
                    elif now != (self.sample_rate, self.channels):
                        after = f"after {self.n_samples / self.sample_rate:.3f} s"
                        self._problems.append(f"it changes to {now[0]} Hz and {count(now[1], 'channel')} {after}")
                        return
                    yield samples
        except self._av.error.FFmpegError as error:
            view.raise_failure()
            self._stopped = (_reason(error), False)  # FFmpeg reads ahead, so its position is meaningless
        view.raise_failure()

    def _limited(self, frames: Iterator[Samples]) -> Iterator[Samples]:
        """Yield frames without the final padding that the container declares. All frames are decoded."""
        largest = beyond = 0
        for samples in frames:
            kept = samples
            if self._checked.ends:
                ends, clock = self._checked.ends
                kept = samples[: max(0, -(-ends * self.sample_rate // clock) - self.n_samples)]
                largest, beyond = max(largest, len(samples)), beyond + len(samples) - len(kept)
            self.n_samples += len(kept)
            if len(kept):
                yield kept
        if beyond > _PADDING * largest:
            seconds = self.n_samples / self.sample_rate, (self.n_samples + beyond) / self.sample_rate
            self._problems.append(
                f"longer than its header says: {seconds[0]:.3f} s promised, {seconds[1]:.3f} s are there"
            )


class _Forgiving:
    """Provide the file that PyAV reads. It returns bytes at the position, and the view records errors."""

    def __init__(self, view: View) -> None:
        self.seek, self.tell, self._view = view.seek, view.tell, view

    def read(self, size: int) -> bytes:
        """Return the next bytes, or none at the end or after an error."""
        buffer = bytearray(size)
        return bytes(memoryview(buffer)[: self._view.readinto(buffer)])


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).strip(" .\n") or "decoder error"


def _joined(frames: Iterator[Samples]) -> Iterator[Samples]:
    """Yield the frames joined into blocks."""
    waiting: list[Samples] = []
    values = 0
    for samples in frames:
        waiting.append(samples)
        values += samples.size
        if values >= BLOCK:
            yield np.concatenate(waiting)
            waiting, values = [], 0
    if waiting:
        yield np.concatenate(waiting)


def _as_float(frame: Any) -> Samples:
    """Return the samples of a frame as float32 of shape (time, channels), with full scale at 1."""
    values = frame.to_ndarray()
    values = values.T if frame.format.is_planar else values.reshape(frame.samples, -1)
    scale = _FULL_SCALE.get(values.dtype.str[1:])
    if scale is None:
        return np.ascontiguousarray(values, np.float32)
    offset = 128 if values.dtype == np.uint8 else 0
    return np.ascontiguousarray((values.astype(np.float32) - offset) / np.float32(scale))
