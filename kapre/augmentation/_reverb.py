"""`Reverb`: the sound of a random room."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np
from keras import ops

from kapre._arguments import LayerArguments
from kapre._checks import flag, number
from kapre._layer import DataFormat, register
from kapre.augmentation._bank import BankLayer
from kapre.augmentation._base import Parameters
from kapre.augmentation._ranges import ordered
from kapre.ops import frames, noise
from kapre.ops.convolution import convolve_from


@register
class Reverb(BankLayer):
    """Convolve waveforms with a random impulse response during training, as in a room.

    If there is a bank, each example gets one of its recorded responses, drawn with equal probability. The output is
    shifted by the position of the largest sample of the response, so that labels with times still match.

    Without a bank, a response consists of a unit impulse, which is the direct sound, and Gaussian noise that decays by
    60 dB in the reverberation time (T60). The reverberation time is uniform. The ratio of the energies of direct sound
    and noise is uniform in decibels.

    Args:
        sample_rate: float > 0, Hz. The rate of the input and of the bank.
        bank: Array of impulse responses `(responses, samples)`, or None. The config and saved files do not contain it;
            see `kapre.augmentation.AddNoise`.
        min_t60_seconds: float > 0, seconds. The shortest reverberation time without a bank.
        max_t60_seconds: float ≥ `min_t60_seconds`, seconds. The longest reverberation time.
        min_direct_to_reverberant_db: float, decibels. The smallest ratio without a bank.
        max_direct_to_reverberant_db: float, decibels. The largest ratio.
        keep_level: bool. Whether to scale the output to the power of the input, over the valid samples of an item.
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
        ValueError: If a number is out of range, `p` is not in [0, 1], or the input has the wrong rank.
        TypeError: If an argument is of the wrong type, or the input is complex or integer.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.zeros((1, 16000, 1), "float32")
        x[0, 0] = 1.0
        layer = kapre.augmentation.Reverb(16000, min_t60_seconds=0.3, max_t60_seconds=0.3, keep_level=False, seed=0)
        y = np.asarray(layer(x, training=True))[0, :, 0]
        assert abs(y[0] - 1.0) < 1e-4 and 0 < np.abs(y[4000:4800]).max() < np.abs(y[1:800]).max()
        ```
    """

    ranks = (3,)
    treats_items_apart = True

    def __init__(
        self,
        sample_rate: float,
        bank: Any = None,
        min_t60_seconds: float = 0.15,
        max_t60_seconds: float = 0.8,
        min_direct_to_reverberant_db: float = -6.0,
        max_direct_to_reverberant_db: float = 18.0,
        keep_level: bool = True,
        p: float = 1.0,
        per_channel: bool = False,
        data_format: DataFormat = "default",
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(p, per_channel, data_format, seed, **kwargs)
        self.sample_rate = number("sample_rate", sample_rate, "Use 16000.", above=0.0, rule="a rate in Hz above 0")
        self._has_bank = bank is not None
        if self._has_bank:
            self.accept(bank)
        names, times = ("min_t60_seconds", "max_t60_seconds"), (min_t60_seconds, max_t60_seconds)
        for name, time in zip(names, times, strict=True):
            number(name, time, "Use 0.15 and 0.8.", above=0.0, rule="seconds above 0")
        self.min_t60_seconds, self.max_t60_seconds = ordered(names, times, "Use 0.15 and 0.8.")
        names = ("min_direct_to_reverberant_db", "max_direct_to_reverberant_db")
        ratios = ordered(names, (min_direct_to_reverberant_db, max_direct_to_reverberant_db), "Use -6.0 and 18.0.")
        self.min_direct_to_reverberant_db, self.max_direct_to_reverberant_db = ratios
        self.keep_level = flag("keep_level", keep_level)

    def accept(self, given: Any) -> None:
        """Set the bank, and find the largest sample of each response."""
        super().accept(given)
        self._delays = None if self.bank is None else np.abs(self.bank).argmax(axis=1).astype("int32")

    def _argument(self, cls: type, name: str) -> Any:
        return None if name == "bank" and not self._has_bank else super()._argument(cls, name)

    def draw(self, shape: tuple[Any, ...], lengths: Any) -> Parameters:
        groups = self.groups(shape)
        if self._has_bank:
            return {"index": self.integers(groups, 0, self.needed_bank().shape[0] - 1)}
        low, high = self.min_direct_to_reverberant_db, self.max_direct_to_reverberant_db
        return {
            "t60_seconds": self.uniform(groups, self.min_t60_seconds, self.max_t60_seconds),
            "direct_to_reverberant_db": self.uniform(groups, low, high),
            "key": self.keys(groups),
        }

    def apply(self, x: Any, parameters: Parameters, lengths: Any) -> Any:
        if self._has_bank:
            index = ops.cast(parameters["index"], "int32")
            responses = ops.take(self.bank_beside(x), index, axis=0)
            delay = ops.take(ops.convert_to_tensor(self._delays), index, axis=0)[..., None]
        else:
            responses, delay = self._responses(x, parameters), None
        y = convolve_from(x, responses, delay)
        y = y if lengths is None else frames.keep(y, lengths)
        return noise.at_level_of(x, y, lengths, self.per_channel) if self.keep_level else y

    def _responses(self, x: Any, parameters: Parameters) -> Any:
        """Return a direct sound and decaying noise, `(batch, group, samples)`."""
        size = max(2, int(np.ceil(self.max_t60_seconds * self.sample_rate)))
        t60 = ops.cast(parameters["t60_seconds"], x.dtype)[..., None]
        ratio = ops.cast(parameters["direct_to_reverberant_db"], x.dtype)[..., None]
        times = ops.cast(ops.arange(size, dtype="int32"), x.dtype) / self.sample_rate
        tail = noise.white(ops.cast(parameters["key"], "int32"), size, x.dtype)
        tail = tail * ops.exp(times / t60 * float(-3.0 * np.log(10.0)))
        direct = ops.cast(ops.arange(size, dtype="int32") == 0, x.dtype)
        tail = tail * (1.0 - direct)
        energy = ops.sum(ops.square(tail), axis=-1, keepdims=True)
        return direct + tail * ops.rsqrt(energy) * noise.decibels_to_gain(-ratio)
