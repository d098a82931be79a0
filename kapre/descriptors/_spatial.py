"""Differences between the channels of several microphones: phase, level, delay, and the direction of sound."""

from __future__ import annotations

from typing import Any, Literal, Unpack

import numpy as np
from keras import ops

from kapre._arguments import LayerArguments
from kapre._checks import choice, count, message, number, positive_int
from kapre._layer import DataFormat, register
from kapre.descriptors._channels import OfChannels, OfPairs, Pairs
from kapre.ops import filterbanks, phases
from kapre.ops.fourier import Pair, constant
from kapre.ops.frames import PadMode
from kapre.ops.kernels import active as kernel


@register
class InterchannelPhaseDifference(OfPairs):
    """Compute the phase differences between microphones (IPD), as cosines and sines.

    Args:
        pairs: Pairs (i, j) of channels, counted from 0: the phase of channel i minus that of channel j. None compares
            the first channel with every other channel: (0, 1), (0, 2), ….
        n_fft: int ≥ 1, samples. The length of the DFT, which gives `n_fft // 2 + 1` bins.
        hop_length: int ≥ 1 or None (`win_length // 4`), samples. Distance between the starts of frames.
        win_length: int ≥ 1 or None (`n_fft`), samples. The length of the window.
        window_name: A window of `kapre.backend.get_window_fn`, or None for a periodic Hann window.
        center: bool. Whether frame i is centred on sample `i * hop_length`. If not, it begins there.
        pad_mode: How the ends are padded with `center`: "constant" (zeros), "reflect", "symmetric" or "edge".
        data_format: "default", "channels_first" or "channels_last". The position of the channel axis.
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`, with at least two channels.

    Output shape:
        channels_last `(batch, frames, n_fft // 2 + 1, 2 * pairs)`, channels_first
        `(batch, 2 * pairs, frames, n_fft // 2 + 1)`: the cosines of all pairs, then the sines. The compute dtype.

    Raises:
        ValueError: If an argument is out of range, or the input has the wrong rank or too few channels.
        TypeError: If an argument has the wrong type, or the samples are integers.

    Notes:
        Where a channel is silent, both are 0, and so is their gradient. `stream()` computes the layer chunk by chunk.

    Example:
        ```python
        import numpy as np
        import kapre

        t = np.arange(8000) / 8000
        x = np.stack([np.sin(2 * np.pi * 1000 * t), np.cos(2 * np.pi * 1000 * t)], axis=-1)[None]
        y = np.asarray(kapre.InterchannelPhaseDifference(n_fft=256)(x))
        assert y.shape == (1, 126, 129, 2)
        assert np.allclose(y[0, 60, 32], [0.0, -1.0], atol=1e-4)  # a quarter of a period behind
        ```

    References:
        Yilmaz, O. and Rickard, S. (2004). Blind separation of speech mixtures via time-frequency masking. IEEE
        Transactions on Signal Processing, 52(7).
    """

    def __init__(
        self,
        pairs: Pairs | None = None,
        n_fft: int = 512,
        hop_length: int | None = None,
        win_length: int | None = None,
        window_name: str | None = None,
        center: bool = True,
        pad_mode: PadMode = "constant",
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(
            pairs,
            n_fft=n_fft,
            hop_length=hop_length,
            win_length=win_length,
            window_name=window_name,
            center=center,
            pad_mode=pad_mode,
            data_format=data_format,
            **kwargs,
        )

    def of_spectra(self, pair: Pair) -> Any:
        return ops.concatenate(phases.cross(pair, self.chosen(pair[0].shape[1])), axis=1)

    def shape_of_frame(self, channels: int) -> tuple[int, int]:
        return 2 * len(self.chosen(channels)), self._recipe.n_freq


@register
class InterchannelLevelDifference(OfPairs):
    """Compute the level differences between microphones (ILD), in decibels.

    The value is `10 log10((P_i + amin) / (P_j + amin))` with the powers P of the STFTs of channels i and j.

    Args:
        pairs: Pairs (i, j) of channels, counted from 0: the level of channel i minus that of channel j. None compares
            the first channel with every other channel: (0, 1), (0, 2), ….
        amin: float > 0. The number added to powers, which determines what counts as silent.
        n_fft: int ≥ 1, samples. The length of the DFT, which gives `n_fft // 2 + 1` bins.
        hop_length: int ≥ 1 or None (`win_length // 4`), samples. Distance between the starts of frames.
        win_length: int ≥ 1 or None (`n_fft`), samples. The length of the window.
        window_name: A window of `kapre.backend.get_window_fn`, or None for a periodic Hann window.
        center: bool. Whether frame i is centred on sample `i * hop_length`. If not, it begins there.
        pad_mode: How the ends are padded with `center`: "constant" (zeros), "reflect", "symmetric" or "edge".
        data_format: "default", "channels_first" or "channels_last". The position of the channel axis.
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`, with at least two channels.

    Output shape:
        channels_last `(batch, frames, n_fft // 2 + 1, pairs)`, channels_first
        `(batch, pairs, frames, n_fft // 2 + 1)`. The compute dtype.

    Raises:
        ValueError: If an argument is out of range, or the input has the wrong rank or too few channels.
        TypeError: If an argument has the wrong type, or the samples are integers.

    Example:
        ```python
        import numpy as np
        import kapre

        one = np.random.uniform(-1, 1, (1, 4000, 1)).astype("float32")
        y = np.asarray(kapre.InterchannelLevelDifference()(np.concatenate([one, 0.1 * one], axis=-1)))
        assert abs(np.median(y) - 20.0) < 1e-3
        ```
    """

    def __init__(
        self,
        pairs: Pairs | None = None,
        amin: float = 1e-10,
        n_fft: int = 512,
        hop_length: int | None = None,
        win_length: int | None = None,
        window_name: str | None = None,
        center: bool = True,
        pad_mode: PadMode = "constant",
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(
            pairs,
            n_fft=n_fft,
            hop_length=hop_length,
            win_length=win_length,
            window_name=window_name,
            center=center,
            pad_mode=pad_mode,
            data_format=data_format,
            **kwargs,
        )
        self.amin = number("amin", amin, "Use 1e-10.", above=0.0, rule="a positive number")

    def of_spectra(self, pair: Pair) -> Any:
        return phases.level_difference(pair, self.chosen(pair[0].shape[1]), self.amin)

    def shape_of_frame(self, channels: int) -> tuple[int, int]:
        return len(self.chosen(channels)), self._recipe.n_freq


@register
class GCCPHAT(OfPairs):
    """Compute the generalised cross-correlation with phase transform (GCC-PHAT) between microphones.

    The cross-spectrum of two channels, `X_i * conj(X_j)`, is divided by its magnitude and transformed back. The lag of
    the peak is the number of samples by which channel i is behind channel j. It gives the direction of a sound.

    Args:
        max_lag: int ≥ 0, samples. The largest lag. Use at least the distance between the microphones divided by the
            speed of sound, times the sample rate: 5 cm and 48 kHz give 7.
        pairs: Pairs (i, j) of channels, counted from 0. None compares the first channel with every other channel:
            (0, 1), (0, 2), ….
        n_fft: int ≥ 1, samples. The length of the DFT.
        hop_length: int ≥ 1 or None (`win_length // 4`), samples. Distance between the starts of frames.
        win_length: int ≥ 1 or None (`n_fft`), samples. The length of the window.
        window_name: A window of `kapre.backend.get_window_fn`, or None for a periodic Hann window.
        center: bool. Whether frame i is centred on sample `i * hop_length`. If not, it begins there.
        pad_mode: How the ends are padded with `center`: "constant" (zeros), "reflect", "symmetric" or "edge".
        data_format: "default", "channels_first" or "channels_last". The position of the channel axis.
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, time, channel)`, channels_first `(batch, channel, time)`, with at least two channels.

    Output shape:
        channels_last `(batch, frames, 2 * max_lag + 1, pairs)`, channels_first
        `(batch, pairs, frames, 2 * max_lag + 1)`: the lags from `-max_lag` to `max_lag`. The compute dtype.

    Raises:
        ValueError: If an argument is out of range, or the input has the wrong rank or too few channels.
        TypeError: If an argument has the wrong type, or the samples are integers.

    Notes:
        The correlation is 1 at the peak of a pure delay, and 0 where a channel is silent.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.random.uniform(-1, 1, 4000).astype("float32")
        pair = np.stack([np.roll(x, 5), x], axis=-1)[None]  # the first channel is 5 samples behind
        y = np.asarray(kapre.GCCPHAT(max_lag=10)(pair))
        assert y.shape == (1, 16, 21, 1) and y[0, 10, :, 0].argmax() - 10 == 5
        ```

    References:
        Knapp, C. H. and Carter, G. C. (1976). The generalized correlation method for estimation of time delay. IEEE
        Transactions on Acoustics, Speech, and Signal Processing, 24(4).
    """

    def __init__(
        self,
        max_lag: int,
        pairs: Pairs | None = None,
        n_fft: int = 1024,
        hop_length: int | None = None,
        win_length: int | None = None,
        window_name: str | None = None,
        center: bool = True,
        pad_mode: PadMode = "constant",
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(
            pairs,
            n_fft=n_fft,
            hop_length=hop_length,
            win_length=win_length,
            window_name=window_name,
            center=center,
            pad_mode=pad_mode,
            data_format=data_format,
            **kwargs,
        )
        most = (self._recipe.n_fft - 1) // 2
        way = "Give it in samples, or raise n_fft."
        self.max_lag = count("max_lag", max_lag, way)
        if self.max_lag > most:
            raise ValueError(message("max_lag", f"at most {most} with n_fft={n_fft}", max_lag, way))
        self._correlation = phases.Correlation(self._recipe.n_fft, self.max_lag)

    def of_spectra(self, pair: Pair) -> Any:
        return self._correlation(phases.cross(pair, self.chosen(pair[0].shape[1])))

    def shape_of_frame(self, channels: int) -> tuple[int, int]:
        return len(self.chosen(channels)), 2 * self.max_lag + 1


_ORDERS = {"acn": (0, 3, 1, 2), "fuma": (0, 1, 2, 3)}


@register
class IntensityVector(OfChannels):
    """Compute the active intensity of first-order ambisonics, which points to the source of the sound.

    For the STFTs W, X, Y and Z, it is `Re(conj(W) * (X, Y, Z))` divided by
    `|W|² + (|X|² + |Y|² + |Z|²) / 3 + epsilon`, in each bin or, with `n_mels`, summed by a mel filter bank.

    Args:
        order: The order of the channels: "acn" for W, Y, Z, X (AmbiX), or "fuma" for W, X, Y, Z.
        sample_rate: float > 0 or None, Hz. The rate of the samples, which a mel bank needs.
        n_mels: int ≥ 1 or None. Number of mel bands, as in `librosa.filters.mel`. None returns bins.
        epsilon: float > 0. The number added to the energy.
        n_fft: int ≥ 1, samples. The length of the DFT, which gives `n_fft // 2 + 1` bins.
        hop_length: int ≥ 1 or None (`win_length // 4`), samples. Distance between the starts of frames.
        win_length: int ≥ 1 or None (`n_fft`), samples. The length of the window.
        window_name: A window of `kapre.backend.get_window_fn`, or None for a periodic Hann window.
        center: bool. Whether frame i is centred on sample `i * hop_length`. If not, it begins there.
        pad_mode: How the ends are padded with `center`: "constant" (zeros), "reflect", "symmetric" or "edge".
        data_format: "default", "channels_first" or "channels_last". The position of the channel axis.
        **kwargs: Keras' layer arguments.

    Input shape:
        channels_last `(batch, time, 4)`, channels_first `(batch, 4, time)`.

    Output shape:
        channels_last `(batch, frames, entries, 3)`, channels_first `(batch, 3, frames, entries)`: x (front), y (left)
        and z (up) of each of `n_fft // 2 + 1` bins or `n_mels` bands. The compute dtype.

    Raises:
        ValueError: If an argument is out of range, or the input does not have four channels.
        TypeError: If an argument has the wrong type, or the samples are integers.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.random.uniform(-1, 1, 4000).astype("float32")
        left = np.stack([x, x, 0 * x, 0 * x], axis=-1)[None]  # W, Y, Z, X of a sound from the left
        y = np.asarray(kapre.IntensityVector(sample_rate=24000, n_mels=16)(left))
        assert y.shape == (1, 32, 16, 3) and y[0, 10, 5].argmax() == 1
        ```

    References:
        Cao, Y. et al. (2019). Polyphonic sound event detection and localization using a two-stage strategy. DCASE
        Workshop.
    """

    def __init__(
        self,
        order: Literal["acn", "fuma"] = "acn",
        sample_rate: float | None = None,
        n_mels: int | None = None,
        epsilon: float = 1e-8,
        n_fft: int = 512,
        hop_length: int | None = None,
        win_length: int | None = None,
        window_name: str | None = None,
        center: bool = True,
        pad_mode: PadMode = "constant",
        data_format: DataFormat = "default",
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(
            n_fft=n_fft,
            hop_length=hop_length,
            win_length=win_length,
            window_name=window_name,
            center=center,
            pad_mode=pad_mode,
            data_format=data_format,
            **kwargs,
        )
        self.order = choice("order", order, tuple(_ORDERS), "Use 'acn' for AmbiX.")
        self.epsilon = number("epsilon", epsilon, "Use 1e-8.", above=0.0, rule="a positive number")
        self.sample_rate, self.n_mels = sample_rate, n_mels
        self._bank: np.ndarray | None = None
        if n_mels is not None:
            positive_int("n_mels", n_mels, "Use 64, or None for bins.")
            if sample_rate is None:
                raise ValueError(message("sample_rate", "given with n_mels", None, "Give it in Hz."))
            odd = self._recipe.n_fft % 2 == 1
            self._bank = filterbanks.mel(sample_rate, self._recipe.n_freq, n_mels, odd=odd)

    def of_spectra(self, pair: Pair) -> Any:
        y = phases.intensity(pair, _ORDERS[self.order], self.epsilon)
        return y if self._bank is None else kernel.dot(y, constant(self._bank, y))

    def shape_of_frame(self, channels: int) -> tuple[int, int]:
        if channels != 4:
            rule = "of four channels"
            raise ValueError(message("inputs", rule, f"{channels} channels", "Is data_format that of the samples?"))
        return 3, self._recipe.n_freq if self.n_mels is None else self.n_mels
