"""`AddNoise`: recorded noise at a random level."""

from __future__ import annotations

from typing import Any, Unpack

from keras import ops

from kapre._arguments import LayerArguments
from kapre._layer import DataFormat, register
from kapre.augmentation._bank import BankLayer
from kapre.augmentation._base import Parameters
from kapre.augmentation._ranges import of_items, ordered
from kapre.ops import noise


@register
class AddNoise(BankLayer):
    """Add recorded noise to waveforms during training, at a random signal-to-noise ratio.

    Each example gets a recording from the bank, drawn with equal probability and starting at a random sample. A
    recording that is shorter than the item is repeated. The ratio is uniform in decibels. Powers are means over the
    valid samples of an item. Silence stays silent, and a silent recording adds nothing.

    The config and saved files do not contain the bank. They contain only its shape and its SHA-256. A loaded layer
    works for inference. To train it, set the same recordings: `layer.bank = array`.

    Args:
        bank: Array of shape (recordings, samples), such as `kapre.augmentation.bank` returns, at the rate of the input.
        min_snr_db: float, decibels. The smallest ratio, which gives the loudest noise.
        max_snr_db: float ≥ `min_snr_db`, decibels. The largest ratio.
        p: float in [0, 1]. Probability that an example is changed.
        per_channel: bool. Whether each channel gets its own noise, at a ratio to its own power. If not, all channels
            get the same noise, at a ratio to their mean power.
        data_format: "default", "channels_first" or "channels_last".
        seed: int or None. An integer makes the random draws repeatable.
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`; real.

    Output shape:
        The same shape; the compute dtype.

    Raises:
        ValueError: If `bank` has the wrong shape or contains numbers that are not finite, `min_snr_db` is above
            `max_snr_db`, `p` is not in [0, 1], or the input has the wrong rank. Also if the bank is not set in
            training.
        TypeError: If an argument is not a number, or the input is complex or integer.

    Notes:
        The result equals that of `torchaudio.functional.add_noise` with the same noise within 1e-6 of the peak.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.sin(np.arange(16000, dtype="float32")).reshape(1, -1, 1)
        noises = np.random.default_rng(0).standard_normal((3, 8000))
        layer = kapre.augmentation.AddNoise(noises, min_snr_db=10, max_snr_db=10, seed=0)
        noise = np.asarray(layer(x, training=True)) - x
        assert abs(10 * np.log10(np.mean(x**2) / np.mean(noise**2)) - 10) < 0.01
        ```
    """

    ranks = (3,)
    treats_items_apart = True

    def __init__(
        self,
        bank: Any,
        min_snr_db: float = 3.0,
        max_snr_db: float = 30.0,
        p: float = 1.0,
        per_channel: bool = False,
        data_format: DataFormat = "default",
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(p, per_channel, data_format, seed, **kwargs)
        self.accept(bank)
        self.min_snr_db, self.max_snr_db = ordered(
            ("min_snr_db", "max_snr_db"), (min_snr_db, max_snr_db), "Use 3.0 and 30.0."
        )

    def draw(self, shape: tuple[Any, ...], lengths: Any) -> Parameters:
        groups, (recordings, size) = self.groups(shape), self.needed_bank().shape
        valid = of_items(lengths, shape)
        # A longer recording is not repeated. Any sample may be the first of a shorter one.
        last = ops.where(valid < size, size - valid, size - 1)
        return {
            "snr_db": self.uniform(groups, self.min_snr_db, self.max_snr_db),
            "index": self.integers(groups, 0, recordings - 1),
            "offset": self.integers(groups, 0, last),
        }

    def apply(self, x: Any, parameters: Parameters, lengths: Any) -> Any:
        index, offset = (parameters[name][..., None] for name in ("index", "offset"))
        sound = noise.recorded(self.bank_beside(x), index, offset, ops.shape(x)[-1])
        return noise.added(x, sound, self.beside(parameters["snr_db"], x), lengths, self.per_channel)
