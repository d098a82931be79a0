"""Files that soundfile cannot write: MP4 and others, by PyAV, and their boxes."""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path

import av
import numpy as np

FORMATS = {"aac": "fltp", "alac": "s16p", "flac": "s16", "tta": "s16", "libopus": "flt", "wmav2": "fltp"}
"""What each encoder is given, unless it is told."""


def as_int16(samples):
    """Return what a lossless encoder of 16 bits is given."""
    return np.round(np.clip(np.asarray(samples, np.float32), -1, 1) * 32767).astype(np.int16)


def as_int24(samples):
    """Return what a lossless encoder of 24 bits is given: in the upper ones of 32."""
    return np.round(np.clip(np.asarray(samples, np.float64), -1, 1) * (2**23 - 1)).astype(np.int32) << 8


def encoded(samples, sample_rate, codec="aac", container="ipod", options=None, bit_rate=None, kind=None):
    """Return the bytes of a file with samples of shape (time, channels); `container` is FFmpeg's name of it."""
    x = np.asarray(samples, np.float32)
    x = x[:, None] if x.ndim == 1 else x
    kind = kind or FORMATS[codec]
    values = {"s16": as_int16, "s16p": as_int16, "s32p": as_int24}.get(kind, np.asarray)(x)
    layout = {1: "mono", 2: "stereo", 6: "5.1"}[x.shape[1]]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        with av.open(str(path), "w", format=container, options=options or {}) as file:
            stream = file.add_stream(codec, rate=sample_rate, layout=layout)
            stream.codec_context.format = kind
            if bit_rate:
                stream.bit_rate = bit_rate
            file.start_encoding()  # so that there is a file, even without a sample
            if len(x):
                array = values.T if kind.endswith("p") else values.reshape(1, -1)
                frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(array), format=kind, layout=layout)
                frame.sample_rate, frame.pts = sample_rate, 0
                file.mux(stream.encode(frame))
                file.mux(stream.encode(None))
        return path.read_bytes()


def video(frames=5):
    """Return the bytes of an MP4 file with pictures alone."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        with av.open(str(path), "w", format="mp4") as file:
            stream = file.add_stream("mpeg4", rate=25)
            stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
            for _ in range(frames):
                file.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")))
            file.mux(stream.encode(None))
        return path.read_bytes()


def box(content, *path):
    """Return where the box at a path starts and stops, the last of its name at each step."""
    start, stop = 0, len(content)
    for name in path:
        position, found = start, None
        while position + 8 <= stop:
            size, kind = struct.unpack(">I4s", content[position : position + 8])
            if kind == name.encode():
                found = position, position + size
            position += size
        start, stop = found[0] + 8, found[1]
    return start - 8, stop


def patched(content, path, offset, form, *values):
    """Return the content with values in the body of a box."""
    changed = bytearray(content)
    struct.pack_into(f">{form}", changed, box(content, *path)[0] + 8 + offset, *values)
    return bytes(changed)
