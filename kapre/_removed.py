"""Names that Kapre had once: asked for, they say what does their work today."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_TODAY = {
    "Spectrogram": "kapre.get_stft_magnitude_layer (with power=2.0 for its power_spectrogram=2.0)",
    "Melspectrogram": "kapre.get_melspectrogram_layer (with power=2.0 for its power_melgram=2.0)",
    "Filterbank": "kapre.ApplyFilterbank (a trainable bank is a keras.layers.Dense over the frequencies)",
    "Normalization2D": "keras.layers.Normalization or keras.layers.LayerNormalization on the axis of its str_axis",
    "Normalization": "keras.layers.Normalization",
    "AdditiveNoise": "keras.layers.GaussianNoise",
}


def removed_names(module: str) -> Callable[[str], Any]:
    """Return a module's `__getattr__`, which refuses a removed name with today's."""

    def __getattr__(name: str) -> Any:
        if name in _TODAY:
            # An AttributeError would lose its text in `from kapre import …`.
            raise ImportError(f"{module}.{name} was removed from Kapre: use {_TODAY[name]}.", name=module)
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    return __getattr__
