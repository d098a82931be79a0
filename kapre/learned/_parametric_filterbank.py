"""`ParametricFilterbank`: a front end whose bands move and widen with training."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Unpack

import numpy as np

from kapre._arguments import LayerArguments, PresetAlias, PresetArguments, PresetName
from kapre._checks import choice, message
from kapre._layer import register
from kapre.frontends import Frontend, preset, readers
from kapre.frontends._changes import changed
from kapre.learned._bank import Bands, Shape
from kapre.learned._parameters import rate_multiplier
from kapre.recipe import Recipe


@register
class ParametricFilterbank(Frontend):
    """Compute the features of a recipe with a filter bank whose centres and widths are trained.

    A band has three parameters, whatever the length of the DFT: the distance of its centre from the one below, and how
    far it extends down and up. They start from the bank of the recipe, which may be that of any published front end.
    The bands keep their order, and their centres stay between 0 Hz and half the sampling rate. All other stages of the
    recipe, streams, masks and lengths are those of `kapre.Frontend`. To train each weight of the bank instead, use its
    `trainable_filterbank`.

    Args:
        recipe: The `kapre.Recipe`, with a filter bank whose bands have one peak each ("mel", "linear", "bark", "log" or
            "gammatone"). For a published recipe, use `ParametricFilterbank.from_preset(name)`.
        shape: "triangular", with straight sides on the axis of the recipe (Hz or mel), or "gaussian", which falls to
            half its height at the same frequencies as the triangle, and covers all bins.
        learning_rate_multiplier: float > 0. With 1.0, an optimizer's step of 0.001 changes the distances between
            centres and the widths by about 0.1 %. Steps of optimizers that normalise gradients, such as Adam, are
            multiplied by this number, and steps of SGD by its square.
        trainable_window: Whether to train the window too; see `kapre.Frontend`.
        seed: The seed of the dither; see `kapre.Frontend`.
        **kwargs: Keras' layer arguments. With `trainable=False`, the bank stays as it is.

    Input shape:
        `(batch, time)`, and the call arguments of `kapre.Frontend`.

    Output shape:
        That of `kapre.Frontend`.

    Raises:
        ValueError: If the recipe has no bank, or a bank whose bands have several peaks, or an argument is out of range.
        TypeError: If `recipe` is not a `kapre.Recipe`.

    Notes:
        Before training, the triangular bank equals that of every preset with a bank, except `musicgen_melody`, whose
        bands are pitch classes, within 3e-7 of the largest weight. For "log" and "gammatone" banks, the peaks and the
        widths at half of the peak are used. If the recipe has `norm="slaney"`, a band that becomes wider becomes lower.
        Otherwise, bands keep their height. A side of a band is never shorter than the distance between bins, or than
        its initial length, so that no band falls between two bins.

    Example:
        ```python
        import keras
        import numpy as np
        import kapre

        layer = kapre.ParametricFilterbank.from_preset("whisper")
        x = np.random.default_rng(0).uniform(-1, 1, (1, 16000)).astype("float32")
        before = [keras.ops.convert_to_numpy(one(x)) for one in (layer, kapre.Frontend.from_preset("whisper"))]
        assert np.allclose(*before, atol=1e-4)
        assert [tuple(weight.shape) for weight in layer.trainable_weights] == [(81,), (80,), (80,)]
        ```
    """

    def __init__(
        self,
        recipe: Recipe | Mapping[str, Any],
        shape: Shape = "triangular",
        learning_rate_multiplier: float = 1.0,
        trainable_window: Any = False,
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        if kwargs.pop("trainable_filterbank", False):  # type: ignore[typeddict-item]
            rule, way = "left out of ParametricFilterbank", "Use kapre.Frontend(recipe, trainable_filterbank=True)."
            raise ValueError(message("trainable_filterbank", rule, True, way))
        super().__init__(recipe, trainable_window=trainable_window, seed=seed, **kwargs)
        self.shape = choice("shape", shape, ("triangular", "gaussian"), "'triangular' is the shape of mel banks.")
        self.learning_rate_multiplier = rate_multiplier(learning_rate_multiplier)
        self._bands = Bands(self, self.recipe, self.shape, self.learning_rate_multiplier)
        self._bank = self._bands
        self._may_skip_keras = False

    @classmethod
    def from_preset(
        cls,
        preset_name: PresetName | PresetAlias,
        /,
        *,
        shape: Shape = "triangular",
        learning_rate_multiplier: float = 1.0,
        **changes: Unpack[PresetArguments],
    ) -> ParametricFilterbank:
        """Make a published front end with trained bands, by name.

        Args:
            preset_name: One of `kapre.list_presets()`, or of `kapre.frontends.aliases()`.
            shape: As in the constructor.
            learning_rate_multiplier: As in the constructor.
            **changes: Recipe fields to change, and other arguments of the layer.

        Returns:
            The front end as a layer.

        Raises:
            ValueError: If there is no such preset, its bank does not fit, or a changed field has no effect.
            TypeError: If a change is neither a field of the recipe nor an argument of the layer.
        """
        recipe, given = changed(preset(preset_name).recipe, changes, preset_name)
        return cls(recipe, shape, learning_rate_multiplier, **given)

    @classmethod
    def from_pretrained(
        cls,
        source: str | os.PathLike[str] | Mapping[str, Any],
        /,
        *,
        shape: Shape = "triangular",
        learning_rate_multiplier: float = 1.0,
        **changes: Unpack[PresetArguments],
    ) -> ParametricFilterbank:
        """Make the front end of a published model, with trained bands, from the model's own configuration file.

        Args:
            source: As in `kapre.Frontend.from_pretrained`.
            shape: As in the constructor.
            learning_rate_multiplier: As in the constructor.
            **changes: Recipe fields to change, and other arguments of the layer.

        Returns:
            The front end as a layer.

        Raises:
            ValueError: As `kapre.Frontend.from_pretrained`, or if the bank does not fit.
            TypeError: As `kapre.Frontend.from_pretrained`.
        """
        found = readers.read(source)
        recipe, given = changed(found.recipe, changes, found.source.where)
        layer = cls(recipe, shape, learning_rate_multiplier, **given)
        layer.source = found.source
        return layer

    @property
    def bands(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the current start, peak and end of each band's triangle in Hz: three arrays `(bands,)`."""
        rate: Any = self.recipe.sample_rate
        stretch = 1.0 if self.recipe.bank_rate is None else rate / self.recipe.bank_rate
        lower, centres, upper = (stretch * places for places in self._bands.places())
        return lower, centres, upper
