"""Corpora to test with: recordings of many kinds, and damaged ones in twelve ways."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import soundfile
import soxr

from kapre import audio

PRESET = "kaldi_fbank"
COUNT = 488
"""Good recordings of the large corpus."""
BAD = {
    "cut.wav": ("decode", "cut short"),
    "cut.flac": ("decode", "cut short"),
    "cut.mp3": ("decode", "cut short|damaged"),
    "cut.ogg": ("decode", "cut short|damaged|end-of-stream|end"),
    "header.wav": ("decode", "not audio|cut short|unknown|header"),
    "empty.wav": ("decode", "empty file"),
    "no_frames.wav": ("decode", "no samples"),
    "nan.wav": ("decode", "not finite"),
    "text.wav": ("decode", "not audio"),
    "missing.wav": ("open", "no such file"),
    "rate.wav": ("resample", "1 Hz cannot be resampled to 16000 Hz"),
    "short.wav": ("length", "a frame takes 400"),
}
"""From a bad file to the stage and what is said."""


def sound(samples: int, rate: int, channels: int, seed: int) -> np.ndarray:
    """Return a tone over noise, `(samples, channels)`."""
    rng = np.random.default_rng(seed)
    t = np.arange(samples)[:, None] / rate
    return 0.4 * np.sin(2 * np.pi * (200 + 37 * (seed % 50)) * t) + 0.05 * rng.standard_normal((samples, channels))


def write_good(folder: Path, count: int, longest: float = 1.5) -> list[Path]:
    """Write recordings of mixed formats, rates, lengths and channels."""
    rng = np.random.default_rng(7)
    formats = [("wav", None), ("flac", None), ("ogg", "VORBIS"), ("mp3", None), ("wav", "FLOAT"), ("wav", "PCM_24")]
    paths = []
    for number in range(count):
        suffix, subtype = formats[number % len(formats)]
        rate = (16000, 8000, 22050, 44100, 48000)[number % 5]
        samples = int(rng.uniform(0.1, longest) * rate)
        path = folder / f"{number // 100}" / f"good_{number:04d}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, sound(samples, rate, 1 + number % 2, number), rate, subtype=subtype)
        paths.append(path)
    return paths


def write_bad(folder: Path) -> list[Path]:
    """Write files that are bad in twelve ways; one of them is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    x = sound(32000, 16000, 1, 1)
    for suffix in ("wav", "flac", "mp3", "ogg"):
        path = folder / f"cut.{suffix}"
        soundfile.write(path, x, 16000)
        content = path.read_bytes()
        path.write_bytes(content[: len(content) * 2 // 3])
    soundfile.write(folder / "header.wav", x, 16000)
    content = bytearray((folder / "header.wav").read_bytes())
    content[0:16] = b"RIFX" + bytes(12)
    (folder / "header.wav").write_bytes(bytes(content))
    (folder / "empty.wav").write_bytes(b"")
    soundfile.write(folder / "no_frames.wav", np.zeros((0, 1)), 16000)
    nan = x.copy()
    nan[100] = np.nan
    soundfile.write(folder / "nan.wav", nan, 16000, subtype="FLOAT")
    (folder / "text.wav").write_text("this is no recording\n" * 20)
    soundfile.write(folder / "rate.wav", x, 16000)
    content = bytearray((folder / "rate.wav").read_bytes())
    content[24:28] = struct.pack("<I", 1)  # a sample a second: soxr resamples that to no 16 kHz
    (folder / "rate.wav").write_bytes(bytes(content))
    soundfile.write(folder / "short.wav", x[:100], 16000)
    return [folder / name for name in BAD]


def mono(path: Path, rate: int) -> np.ndarray:
    """Return what a user's own loop makes of a file: the mean of its channels, then resampled."""
    recording = audio.read(path)
    found, own = recording.samples.mean(axis=1), recording.sample_rate
    return found if own == rate else soxr.resample(found, own, rate, quality="HQ")


def table(folder: Path) -> Any:
    """Return all rows of a store."""
    return pq.read_table(folder / "shards")


def assert_near(got: np.ndarray, right: np.ndarray) -> None:
    """Check natural logarithms; a band 40 dB below its frame's loudest is the rounding of that, in float32."""
    assert got.shape == right.shape
    difference = np.abs(got - right)
    loud = right > right.max(axis=-1, keepdims=True) - 9.2
    assert difference[loud].max() <= 1e-3
    assert difference.max() <= 1.0


def same(a: Path, b: Path) -> None:
    """Check that two stores are equal, row for row."""
    one, other = table(a), table(b)
    assert one.schema.equals(other.schema)
    for name in one.schema.names:
        if name != "features":
            assert one[name].to_pylist() == other[name].to_pylist(), name
    for x, y in zip(one["features"], other["features"], strict=True):
        assert x.is_valid == y.is_valid
        if x.is_valid:
            assert_near(x.values.to_numpy().reshape(-1, 80), y.values.to_numpy().reshape(-1, 80))
    assert (a / "errors.csv").read_text() == (b / "errors.csv").read_text()
