"""Losses between magnitude spectrograms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from kapre import executor
from kapre._checks import message, number, positive_int
from kapre.losses._base import WaveformLoss
from kapre.ops import frames
from kapre.ops.kernels import active as kernel
from kapre.recipe import Recipe

_RESOLUTIONS = ((1024, 120, 600), (2048, 240, 1200), (512, 50, 240))
_FLOOR = 1e-2


def _recipe(n_fft: int, hop_length: int, win_length: int) -> Recipe:
    return Recipe(
        n_fft=n_fft, hop_length=hop_length, win_length=win_length, window_periodic=True, center=True,
        pad_mode="reflect", power=2.0,
    )  # fmt: skip


def magnitudes(recipe: Recipe, x: Any, lengths: Any, epsilon: float) -> Any:
    """Return `sqrt(max(power, epsilon))` of `(batch, channel, time)`, as `(batch, channel, frames, bins)`."""
    return ops.sqrt(kernel.at_least(executor.run(recipe, x, lengths), epsilon))


def of_valid(s: Any, t: Any, recipe: Recipe, lengths: Any) -> tuple[Any, Any, Any]:
    """Return `s` with 0 past the frames of a clip, `t` with the values of `s` there, and the number of valid values.

    The spectrograms are `(batch, channel, frames, bins)`, and differ in valid frames alone.
    """
    _, _, count, bins = ops.shape(s)
    if lengths is None:
        return s, t, ops.cast(count * bins, s.dtype)
    own = recipe.num_frames(lengths)
    inside = frames.within(count, own, 4, axis=2)
    counted = ops.reshape(ops.cast(own, s.dtype) * ops.cast(bins, s.dtype), (-1, 1))
    return ops.where(inside, s, ops.zeros_like(s)), ops.where(inside, t, s), counted


def _norm(values: Any, floor: Any = None) -> Any:
    """Return the norm of each row `(batch, channel)`, at least `floor`. Its gradient is 0 there, also at 0."""
    squares = ops.sum(ops.square(values), axis=(2, 3))
    least = ops.full_like(squares, 1e-30) if floor is None else ops.broadcast_to(ops.square(floor), ops.shape(squares))
    return ops.sqrt(kernel.maximum(squares, least))


def convergence(s: Any, t: Any, kept: Any, counted: Any, floor: float) -> Any:
    """Return the norm of `s - t` divided by that of `kept`, which is at least that of values of `floor`."""
    least = floor * ops.sqrt(kernel.at_least(ops.cast(counted, s.dtype), 1.0))
    return _norm(s - t) / _norm(kept, least)


def distance(s: Any, t: Any, counted: Any) -> Any:
    """Return the mean of `|s - t|` of each row, `(batch, channel)`."""
    return ops.sum(ops.abs(s - t), axis=(2, 3)) / kernel.at_least(ops.cast(counted, s.dtype), 1.0)


@keras.saving.register_keras_serializable(package="Kapre")
class MultiResolutionSTFTLoss(WaveformLoss):
    """Compare the magnitudes of STFTs at several resolutions.

    For each resolution, with the magnitudes S and Ŝ of `y_true` and `y_pred`, the loss of a clip is the weighted sum of
    the spectral convergence `‖S − Ŝ‖ / ‖S‖`, of the mean of `|ln S − ln Ŝ|`, and of the mean of `|S − Ŝ|`. The result
    is the mean over the resolutions. The STFT is centred, with reflected ends and a periodic Hann window.

    Args:
        resolutions: `(n_fft, hop_length, win_length)` of each STFT, in samples.
        convergence_weight: The weight of the spectral convergence.
        log_magnitude_weight: The weight of the distance of logarithms.
        magnitude_weight: The weight of the distance of magnitudes.
        epsilon: The smallest power. Smaller values are raised to it, so that silence has a logarithm.
        floor: The smallest root mean square of S in the divisor. A quieter target, such as silence, is treated as if it
            had this level, so that the loss stays finite.
        **kwargs: `data_format`, `reduction`, `name` and `dtype` of `WaveformLoss`.

    Raises:
        ValueError: If there is no resolution, or a number is out of range.

    Notes:
        For one clip, the loss equals `auraloss.freq.MultiResolutionSTFTLoss` within 1e-6. auraloss computes the norms
        over the whole batch, and this loss computes them for each clip.

    Example:
        ```python
        import numpy as np
        import kapre

        loss = kapre.losses.MultiResolutionSTFTLoss()
        x = np.random.uniform(-1, 1, (2, 16000)).astype("float32")
        assert float(loss(x, x)) < 1e-6
        assert float(loss(x, 0.5 * x)) > 0.5
        ```

    References:
        Yamamoto, Song and Kim (2020), Parallel WaveGAN.
    """

    def __init__(
        self,
        resolutions: Sequence[Sequence[int]] = _RESOLUTIONS,
        convergence_weight: float = 1.0,
        log_magnitude_weight: float = 1.0,
        magnitude_weight: float = 0.0,
        epsilon: float = 1e-8,
        floor: float = _FLOOR,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.resolutions = tuple(tuple(each) for each in resolutions)
        if not self.resolutions or any(len(each) != 3 for each in self.resolutions):
            rule = "a list of (n_fft, hop_length, win_length)"
            raise ValueError(message("resolutions", rule, resolutions, "Use ((1024, 256, 1024),) for one."))
        for size in (size for each in self.resolutions for size in each):
            positive_int("resolutions", size, "Give sizes in samples.")
        weights = dict(convergence=convergence_weight, log_magnitude=log_magnitude_weight, magnitude=magnitude_weight)
        self.convergence_weight, self.log_magnitude_weight, self.magnitude_weight = (
            number(f"{name}_weight", weight, "Use 0.0 to leave it out.", at_least=0.0, rule="a number, 0 or above")
            for name, weight in weights.items()
        )
        self.epsilon = number("epsilon", epsilon, "Use 1e-8.", above=0.0, rule="a positive number")
        self.floor = number("floor", floor, "Use 0.01.", above=0.0, rule="a positive number")
        self._recipes = [_recipe(*each) for each in self.resolutions]

    def compare(self, y_true: Any, y_pred: Any, lengths: Any) -> Any:
        losses = [self._at(recipe, y_true, y_pred, lengths) for recipe in self._recipes]
        return sum(losses[1:], losses[0]) / len(losses)

    def _at(self, recipe: Recipe, y_true: Any, y_pred: Any, lengths: Any) -> Any:
        """Return the loss at one resolution, `(batch, channel)`."""
        s, t = (magnitudes(recipe, y, lengths, self.epsilon) for y in (y_true, y_pred))
        kept, t, counted = of_valid(s, t, recipe, lengths)
        parts = []
        if self.convergence_weight:
            parts.append(self.convergence_weight * convergence(s, t, kept, counted, self.floor))
        if self.log_magnitude_weight:
            parts.append(self.log_magnitude_weight * distance(ops.log(s), ops.log(t), counted))
        if self.magnitude_weight:
            parts.append(self.magnitude_weight * distance(s, t, counted))
        return sum(parts[1:], parts[0]) if parts else ops.zeros_like(s[:, :, 0, 0])

    def get_config(self) -> dict[str, Any]:
        names = ("resolutions", "convergence_weight", "log_magnitude_weight", "magnitude_weight", "epsilon", "floor")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable(package="Kapre")
class SpectralConvergence(WaveformLoss):
    """Divide the norm of the difference of two magnitude spectrograms by the norm of the first.

    The loss of a clip is `‖S − Ŝ‖ / ‖S‖`, with the Frobenius norms of the magnitudes of `y_true` and `y_pred`. 0 is the
    best value, and 1 is the value of silence. The STFT is centred, with reflected ends and a periodic Hann window.

    Args:
        n_fft: Number of samples in the DFT.
        hop_length: Number of samples between frames. None is a quarter of the window.
        win_length: Number of samples in the window. None is `n_fft`.
        floor: The smallest root mean square of S in the divisor; see `MultiResolutionSTFTLoss`.
        **kwargs: `data_format`, `reduction`, `name` and `dtype` of `WaveformLoss`.

    Example:
        ```python
        import numpy as np
        import kapre

        x = np.random.uniform(-1, 1, (2, 16000)).astype("float32")
        assert abs(float(kapre.losses.SpectralConvergence()(x, 0.5 * x)) - 0.5) < 1e-5
        ```
    """

    def __init__(
        self,
        n_fft: int = 2048,
        hop_length: int | None = None,
        win_length: int | None = None,
        floor: float = _FLOOR,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.n_fft = positive_int("n_fft", n_fft, "Use 2048.")
        self.win_length = n_fft if win_length is None else positive_int("win_length", win_length, "Use None.")
        quarter = max(1, self.win_length // 4)
        self.hop_length = quarter if hop_length is None else positive_int("hop_length", hop_length, "Use None.")
        self.floor = number("floor", floor, "Use 0.01.", above=0.0, rule="a positive number")
        self._recipe = _recipe(self.n_fft, self.hop_length, self.win_length)

    def compare(self, y_true: Any, y_pred: Any, lengths: Any) -> Any:
        s, t = (magnitudes(self._recipe, y, lengths, 1e-20) for y in (y_true, y_pred))
        kept, t, counted = of_valid(s, t, self._recipe, lengths)
        return convergence(s, t, kept, counted, self.floor)

    def get_config(self) -> dict[str, Any]:
        names = ("n_fft", "hop_length", "win_length", "floor")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
