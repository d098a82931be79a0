"""`Fade`: random fades at both ends."""

from __future__ import annotations

from typing import Any, Unpack, get_args

from kapre._arguments import LayerArguments
from kapre._checks import choice
from kapre._layer import DataFormat, register
from kapre.augmentation._base import Parameters, RandomLayer
from kapre.augmentation._ranges import Unit, check_unit, in_samples, of_items, ordered
from kapre.ops import placement
from kapre.ops.placement import FadeShape


@register
class Fade(RandomLayer):
    """Fade waveforms in and out over random durations during training.

    The durations are uniform between their bounds, and rounded to whole samples. With `t` from 0 to 1 over the
    fade-in, the gain is `t` (linear), `sin(π t / 2)` (quarter_sine), `(1 − cos(π t)) / 2` (half_sine),
    `1 + log10(0.1 + t)`, limited to [0, 1] (logarithmic), or `t · 2 ** (t − 1)` (exponential). The fade-out is its
    mirror image, at the end of the item. These are the shapes of `torchaudio.transforms.Fade`.

    Args:
        min_fade_in: float ≥ 0, in `unit`. The shortest fade-in.
        max_fade_in: float ≥ `min_fade_in`, in `unit`. The longest fade-in.
        min_fade_out: float ≥ 0, in `unit`. The shortest fade-out.
        max_fade_out: float ≥ `min_fade_out`, in `unit`. The longest fade-out.
        unit: "fraction" (of the length of the item), "seconds" or "samples".
        fade_shape: "linear", "quarter_sine", "half_sine", "logarithmic" or "exponential".
        sample_rate: float > 0 or None, Hz. Needed for "seconds".
        p: float in [0, 1]. Probability that an example is changed.
        per_channel: bool. Whether each channel gets its own draw.
        data_format: "default", "channels_first" or "channels_last".
        seed: int or None. An integer makes the random draws repeatable.
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`; real.

    Output shape:
        The same shape; the compute dtype.

    Raises:
        ValueError: If a bound is negative, a lower bound is above the upper one, "seconds" is given without
            `sample_rate`, a string is unknown, or the input has the wrong rank.
        TypeError: If an argument has the wrong type, or the input is complex or integer.

    Notes:
        The result equals that of `torchaudio.transforms.Fade` with the same durations within 1e-6.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.ones((1, 5, 1), "float32")
        fade = kapre.augmentation.Fade(3, 3, 0, 0, unit="samples")
        assert np.asarray(fade(x, training=True))[0, :, 0].tolist() == [0.0, 0.5, 1.0, 1.0, 1.0]
        ```
    """

    ranks = (3,)
    treats_items_apart = True

    def __init__(
        self,
        min_fade_in: float = 0.0,
        max_fade_in: float = 0.25,
        min_fade_out: float = 0.0,
        max_fade_out: float = 0.25,
        unit: Unit = "fraction",
        fade_shape: FadeShape = "linear",
        sample_rate: float | None = None,
        p: float = 1.0,
        per_channel: bool = False,
        data_format: DataFormat = "default",
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(p, per_channel, data_format, seed, **kwargs)
        remedy = "Use 0.0 and 0.25, of the length of the item."
        bounds: dict[str, Any] = dict(at_least=0.0, rule="a number, 0 or above")
        fade_in, fade_out = ("min_fade_in", "max_fade_in"), ("min_fade_out", "max_fade_out")
        self.min_fade_in, self.max_fade_in = ordered(fade_in, (min_fade_in, max_fade_in), remedy, **bounds)
        self.min_fade_out, self.max_fade_out = ordered(fade_out, (min_fade_out, max_fade_out), remedy, **bounds)
        self.unit, self.sample_rate = check_unit(unit, sample_rate)
        self.fade_shape = choice("fade_shape", fade_shape, get_args(FadeShape), "Use 'linear'.")

    def draw(self, shape: tuple[Any, ...], lengths: Any) -> Parameters:
        ranges = {"in": (self.min_fade_in, self.max_fade_in), "out": (self.min_fade_out, self.max_fade_out)}
        found = {}
        for end, (low, high) in ranges.items():
            drawn = self.uniform(self.groups(shape), low, high)
            samples = in_samples(drawn, self.unit, self.sample_rate, of_items(lengths, shape))
            found[f"fade_{end}_samples"] = samples
        return found

    def apply(self, x: Any, parameters: Parameters, lengths: Any) -> Any:
        fade_in, fade_out = (parameters[f"fade_{end}_samples"][..., None] for end in ("in", "out"))
        return placement.fade(x, fade_in, fade_out, self.fade_shape, lengths)
