"""The inputs that are timed, and in float64 NumPy what every candidate has to give for them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

AMIN = 1e-10
DECIBEL = float(10.0 / np.log(10.0))  # no NumPy scalar: Keras would compute in float64


@dataclass(frozen=True)
class Shape:
    """A batch of clips and the front end it goes through. Frames are not centred; the window is a periodic hann."""

    key: str
    about: str
    batch: int
    samples: int
    rate: int
    n_fft: int
    win: int
    hop: int
    mels: int

    @property
    def frames(self) -> int:
        """Frames of a clip that lie wholly in it."""
        return 1 + (self.samples - self.win) // self.hop

    @property
    def spare(self) -> int:
        """Samples by which the window is shorter than the DFT."""
        return self.n_fft - self.win

    @property
    def bins(self) -> int:
        """Bins of the DFT."""
        return self.n_fft // 2 + 1

    @property
    def seconds(self) -> float:
        """Length of a clip."""
        return self.samples / self.rate

    def replace(self, **changes: object) -> Shape:
        """Return the shape with some fields changed."""
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]


SHAPES = {
    shape.key: shape
    for shape in (
        Shape("a", "speech, 32 × 1 s", 32, 16000, 16000, 512, 400, 160, 80),
        Shape("b", "music, 16 × 10 s", 16, 220500, 22050, 2048, 2048, 512, 128),
        Shape("c", "one clip of 30 s", 1, 480000, 16000, 400, 400, 160, 80),
        Shape("d", "one clip of 1 s", 1, 16000, 16000, 512, 400, 160, 80),
        Shape("e", "one file of 10 min", 1, 9600000, 16000, 512, 400, 160, 80),
        Shape("h", "one file of 1 h", 1, 57600000, 16000, 512, 400, 160, 80),
        Shape("t", "for the tests", 2, 4000, 16000, 512, 400, 160, 20),
    )
}


def signal(shape: Shape) -> np.ndarray:
    """Return sweeps at 0.3 over noise 80 dB below, float32, `(batch, samples)`: a wide range in every frame."""
    rng = np.random.default_rng(0)
    x = np.empty((shape.batch, shape.samples), np.float32)
    t = np.arange(shape.samples) / shape.rate
    for item in range(shape.batch):  # clip by clip: an hour in float64 is half a gigabyte
        start = 100.0 + 50.0 * item
        slope = (0.4 * shape.rate - start) / (2.0 * shape.seconds)
        x[item] = 0.3 * np.sin(2 * np.pi * (start + slope * t) * t)
        x[item] += 1e-4 * rng.standard_normal(shape.samples, np.float32)
    return x


def hann(length: int) -> np.ndarray:
    """Return the periodic hann window."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)


def mel_matrix(shape: Shape) -> np.ndarray:
    """Return librosa's default mel matrix, `(bins, mels)`: Slaney's scale and norm."""

    def to_mel(hz: np.ndarray) -> np.ndarray:
        return np.where(hz < 1000, hz * 3 / 200, 15 + np.log(np.maximum(hz, 1000) / 1000) * 27 / np.log(6.4))

    def to_hz(mel: np.ndarray) -> np.ndarray:
        return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp(np.maximum(mel - 15, 0) * np.log(6.4) / 27))

    return _triangles(shape, to_mel, to_hz, slaney_norm=True)


def keras_mel_matrix(shape: Shape) -> np.ndarray:
    """Return the mel matrix of `keras.layers.MelSpectrogram`: HTK's scale, triangles straight in mel, no norm."""
    mel = 1127.0 * np.log1p(np.linspace(0, shape.rate / 2, shape.bins) / 700.0)
    corners = np.linspace(mel[0], mel[-1], shape.mels + 2)
    rising = (mel[:, None] - corners[:-2]) / np.diff(corners)[:-1]
    falling = (corners[2:] - mel[:, None]) / np.diff(corners)[1:]
    matrix = np.maximum(0.0, np.minimum(rising, falling))
    matrix[0] = 0.0
    return matrix


def _triangles(shape: Shape, to_mel, to_hz, slaney_norm: bool) -> np.ndarray:  # type: ignore[no-untyped-def]
    nyquist = np.array(shape.rate / 2.0)
    corners = to_hz(np.linspace(to_mel(np.array(0.0)), to_mel(nyquist), shape.mels + 2))
    bins = np.linspace(0, shape.rate / 2, shape.bins)[:, None]
    widths = np.diff(corners)
    matrix = np.maximum(0.0, np.minimum((bins - corners[:-2]) / widths[:-1], (corners[2:] - bins) / widths[1:]))
    return matrix * (2.0 / (corners[2:] - corners[:-2])) if slaney_norm else matrix


def decibel(power: np.ndarray) -> np.ndarray:
    """Return `10 log10(max(power, AMIN))`."""
    return DECIBEL * np.log(np.maximum(power, AMIN))


@dataclass(frozen=True)
class Framing:
    """Where a candidate's frames lie, and which mel matrix it has.

    Peers that window `win` samples in the middle of `n_fft` begin `offset` samples later than ours and need `behind`
    samples behind the window. Those that centre their frames mirror so many samples at both ends first.
    """

    offset: int = 0
    behind: int = 0
    mirrored: int = 0
    keras_mel: bool = False

    def matrix(self, shape: Shape) -> np.ndarray:
        """Return the mel matrix."""
        return keras_mel_matrix(shape) if self.keras_mel else mel_matrix(shape)


OURS = Framing()


def framed_in_the_middle(shape: Shape) -> Framing:
    """Return the framing of torch and librosa: the window in the middle of `n_fft` samples."""
    return Framing(offset=shape.spare // 2, behind=shape.spare - shape.spare // 2)


def framed_as_keras(shape: Shape) -> Framing:
    """Return the framing and the mel scale of `keras.layers.MelSpectrogram`, which centres its frames."""
    middle = framed_in_the_middle(shape)
    return Framing(middle.offset, middle.behind, mirrored=shape.n_fft // 2, keras_mel=True)


def num_frames(shape: Shape, framing: Framing) -> int:
    """Count the frames of a clip."""
    taken = framing.offset + shape.win + framing.behind
    return 1 + (shape.samples + 2 * framing.mirrored - taken) // shape.hop


def spectra(shape: Shape, clip: np.ndarray, framing: Framing, frames: np.ndarray) -> np.ndarray:
    """Return the DFT of some frames of a clip in float64, `(frames, bins)`."""
    clip = np.pad(clip, framing.mirrored, "reflect") if framing.mirrored else clip
    index = framing.offset + frames[:, None] * shape.hop + np.arange(shape.win)
    return np.fft.rfft(clip[index].astype(np.float64) * hann(shape.win), shape.n_fft)


def features(kind: str, shape: Shape, clip: np.ndarray, framing: Framing, frames: np.ndarray) -> np.ndarray:
    """Return what `kind` is for some frames of a clip, in float64."""
    found = spectra(shape, clip, framing, frames)
    if kind == "stft":  # the phase is that from the beginning of the DFT's samples
        return found * np.exp(-2j * np.pi * np.arange(shape.bins) * framing.offset / shape.n_fft)
    size = np.abs(found)
    if kind == "stft_magnitude":
        return size
    if kind == "mel_magnitude":
        return size @ framing.matrix(shape)
    return decibel(size**2 @ framing.matrix(shape))


def in_parts(frames: np.ndarray, size: int = 4096) -> Iterator[np.ndarray]:
    """Go through an array part by part."""
    for start in range(0, len(frames), size):
        yield frames[start : start + size]


def gradient(shape: Shape, clip: np.ndarray, framing: Framing, samples: slice) -> np.ndarray:
    """Return the gradient of the sum of the log-mel with respect to some samples, in float64.

    Where frames are mirrored, they must lie further from both ends than that.
    """
    first = framing.mirrored + samples.start
    last = framing.mirrored + samples.stop
    low = max(0, (first - shape.n_fft - framing.offset) // shape.hop)
    frames = np.arange(low, min(num_frames(shape, framing), last // shape.hop + 1))
    bank = framing.matrix(shape)
    found = spectra(shape, clip, framing, frames)
    mel = np.abs(found) ** 2 @ bank
    by_power = np.where(mel > AMIN, DECIBEL / np.maximum(mel, AMIN), 0.0) @ bank.T
    weighted = shape.n_fft * by_power * found
    weighted[:, 0] *= 2.0  # irfft counts all other bins twice
    if shape.n_fft % 2 == 0:
        weighted[:, -1] *= 2.0
    by_frame = np.fft.irfft(weighted, shape.n_fft)[:, : shape.win] * hann(shape.win)
    result = np.zeros(shape.samples + 2 * framing.mirrored)
    for frame, values in zip(frames, by_frame, strict=True):
        start = framing.offset + int(frame) * shape.hop
        result[start : start + shape.win] += values
    return result[first:last]
