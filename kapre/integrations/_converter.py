"""`as_audio_converter`: a front end with the call of KerasHub's audio converters."""

from __future__ import annotations

from typing import Any

import numpy as np

from kapre._arguments import PresetAlias, PresetName
from kapre._layer import Shape, register
from kapre.frontends._given import frontend_of
from kapre.frontends.frontend import Frontend
from kapre.recipe import Recipe


@register
class AudioConverter(Frontend):
    """Compute the features of one clip `(samples,)`, or of a batch `(batch, samples)`."""

    def __call__(self, inputs: Any, lengths: Any = None, **kwargs: Any) -> Any:
        if not hasattr(inputs, "shape"):
            inputs = np.asarray(inputs, self.work_dtype)
        if len(inputs.shape) == 1:
            return super().__call__(inputs[None], lengths, **kwargs)[0]
        return super().__call__(inputs, lengths, **kwargs)

    @property
    def sampling_rate(self) -> float | None:
        """Return the sampling rate in Hz of the samples, or None if the recipe has none."""
        return self.recipe.clip_rate

    def audio_shape(self) -> Shape:
        """Return the shape of the features of one clip, with None where it depends on the length of the clip."""
        return self.recipe.output_shape(None)


def as_audio_converter(frontend: Frontend | Recipe | PresetName | PresetAlias) -> AudioConverter:
    """Return a front end as a layer with the call of `keras_hub.layers.AudioConverter`.

    The layer takes one clip `(samples,)` and returns its features without a batch axis, or takes `(batch, samples)` as
    `kapre.Frontend` does. `lengths` and masks work as there. `layer.audio_shape()` is the shape of the features of one
    clip, and `layer.sampling_rate` is the rate of the samples. KerasHub is not needed.

    Args:
        frontend: A `kapre.Frontend`, a `kapre.Recipe` or the name of a preset. Trained weights are copied.

    Returns:
        The layer. It is saved with a model as every layer of Kapre, and loads after `import kapre.integrations`.

    Raises:
        TypeError: If `frontend` is none of these.
        ValueError: If there is no such preset.

    Example:
        ```python
        import kapre
        import numpy as np

        converter = kapre.integrations.as_audio_converter("whisper")
        assert converter.audio_shape() == (80, 3000) and converter.sampling_rate == 16000
        assert tuple(converter(np.zeros(16000, "float32")).shape) == (80, 3000)
        assert tuple(converter(np.zeros((2, 16000), "float32")).shape) == (2, 80, 3000)
        ```
    """
    layer = frontend_of(frontend)
    converter = AudioConverter(
        layer.recipe,
        trainable_filterbank=layer.trainable_filterbank,
        trainable_window=layer.trainable_window,
        seed=layer.seed,
        dtype=layer.dtype_policy,
        trainable=layer.trainable,
    )
    if layer.weights:
        converter.set_weights(layer.get_weights())
    return converter
