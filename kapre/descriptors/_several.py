"""Several descriptors of the same frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Unpack

from keras import ops

from kapre._arguments import LayerArguments
from kapre._checks import choice, message, number, positive_int
from kapre._layer import DataFormat, register
from kapre.descriptors._base import DescriptorLayer, magnitudes, samples
from kapre.ops import descriptors
from kapre.ops.descriptors import Descriptor
from kapre.ops.frames import PadMode

_DESCRIPTORS: dict[str, Callable[[float, int], Descriptor]] = {
    "centroid": descriptors.Centroid,
    "bandwidth": descriptors.Bandwidth,
    "rolloff": descriptors.Rolloff,
    "flatness": lambda sample_rate, n_fft: descriptors.Flatness(),
    "contrast": lambda sample_rate, n_fft: descriptors.Contrast(
        descriptors.contrast_bands(sample_rate, n_fft, 6, 200.0, 0.02)
    ),
    "flux": lambda sample_rate, n_fft: descriptors.Flux(),
    "rms": lambda sample_rate, n_fft: descriptors.RootMeanSquare(),
    "zero_crossing_rate": lambda sample_rate, n_fft: descriptors.ZeroCrossings(),
}


def _descriptor(name: str, sample_rate: float, n_fft: int) -> Descriptor:
    try:
        return _DESCRIPTORS[name](sample_rate, n_fft)
    except ValueError:  # its message is about arguments of `SpectralContrast`
        rule = f"without 'contrast' for sample_rate={sample_rate:g}, n_fft={n_fft}: one of its octaves has no bin"
        way = "Use kapre.SpectralContrast with fewer bands."
        raise ValueError(message("features", rule, name, way)) from None


@register
class SpectralDescriptors(DescriptorLayer):
    """Compute several descriptors of each frame from one spectrum.

    Args:
        sample_rate: float > 0, Hz. The rate of the samples.
        features: The names of the descriptors, in the order of the output: "centroid", "bandwidth", "rolloff",
            "flatness", "contrast" (7 values), "flux", "rms" or "zero_crossing_rate". Each equals the output of its own
            layer, such as `SpectralCentroid`, with default arguments.
        n_fft: int ≥ 2, samples. The length of the DFT, and of the frames of samples.
        hop_length: int ≥ 1 or None (`win_length // 4`), samples. Distance between the starts of frames.
        win_length: int ≥ 1 or None (`n_fft`), samples. The length of the window.
        window_name: A window of `kapre.backend.get_window_fn`, or None for a periodic Hann window.
        center: bool. Whether frame i is centred on sample `i * hop_length`. If not, it begins there.
        pad_mode: How the ends are padded with `center`, except for "zero_crossing_rate", which repeats the first and
            the last sample: "constant" (zeros), "reflect", "symmetric" or "edge".
        data_format: "default", "channels_first" or "channels_last". The position of the channel axis, if there is one.
        **kwargs: Keras' layer arguments.

    Input shape:
        `(batch, time)`. With channels, channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`.

    Output shape:
        `(batch, frames, values)`. With channels, channels_last `(batch, frames, values, channel)`, channels_first
        `(batch, channel, frames, values)`. The compute dtype. `value_names` names the values.

    Raises:
        ValueError: If an argument is out of range, a name is unknown or given twice, or the input has the wrong rank.
        TypeError: If an argument has the wrong type, or the samples are integers.

    Notes:
        "contrast" does not stream. The units differ: the first three are in Hz, the contrast is in dB.

    Example:
        ```python
        import numpy as np
        import kapre

        layer = kapre.SpectralDescriptors(16000, ["centroid", "flatness", "contrast"])
        y = layer(np.random.uniform(-1, 1, (2, 16000)).astype("float32"))
        assert tuple(y.shape) == (2, 32, 9)
        assert layer.value_names[:3] == ["centroid", "flatness", "contrast_0"]
        ```
    """

    def __init__(
        self,
        sample_rate: float,
        features: Sequence[str] = ("centroid", "bandwidth", "rolloff", "flatness", "flux", "rms", "zero_crossing_rate"),
        n_fft: int = 2048,
        hop_length: int | None = None,
        win_length: int | None = None,
        window_name: str | None = None,
        center: bool = True,
        pad_mode: PadMode = "constant",
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        rate = number("sample_rate", sample_rate, "Give it in Hz.", above=0.0, rule="a positive number of Hz")
        size = positive_int("n_fft", n_fft, "Use 2048.")
        names = (features,) if isinstance(features, str) else tuple(features)
        for name in names:
            choice("features", name, _DESCRIPTORS, "Give a list of these names.")
        if not names or len(set(names)) < len(names):
            raise ValueError(
                message("features", "different names, at least one", features, "Use ['centroid', 'flux'].")
            )
        spectrum = magnitudes(size, hop_length, win_length, window_name, center, pad_mode)
        parts = []
        for name in names:
            descriptor = _descriptor(name, rate, size)
            padding = "edge" if name == "zero_crossing_rate" else pad_mode
            recipe = samples(size, spectrum.hop_length, center, padding) if descriptor.of_samples else spectrum
            parts.append((recipe, descriptor))
        super().__init__(tuple(parts), data_format=data_format, **kwargs)
        self.sample_rate, self.features = rate, names
        self.n_fft, self.hop_length, self.win_length = spectrum.n_fft, spectrum.hop_length, win_length
        self.window_name, self.center, self.pad_mode = window_name, spectrum.center, pad_mode

    @property
    def value_names(self) -> list[str]:
        """The names of the values, along their axis."""
        found: list[str] = []
        for name, (_, descriptor) in zip(self.features, self._parts, strict=True):
            count = descriptor.entries
            found += [name] if count is None else [f"{name}_{i}" for i in range(count)]
        return found

    @property
    def entries(self) -> int:
        return sum(descriptor.entries or 1 for _, descriptor in self._parts)

    def joined(self, found: list[Any]) -> Any:
        rows = [
            values if descriptor.entries is not None else ops.expand_dims(values, -1)
            for values, (_, descriptor) in zip(found, self._parts, strict=True)
        ]
        return ops.concatenate(rows, axis=-1)
