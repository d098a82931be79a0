"""What augmentations ask of a kernel, in Keras' ops. Kernels override what they compute in a way of their own."""

from __future__ import annotations

from typing import Any

from keras import ops


class EffectOperations:
    """Provide operations on waveforms for augmentations. A method that returns None leaves them to `kapre.ops`."""

    def energy(self, x: Any, axis: int | tuple[int, ...]) -> Any:
        """Return the sum of squares over some axes, which are kept with length 1."""
        return ops.sum(ops.square(x), axis=axis, keepdims=True)

    def plus_scaled(self, x: Any, y: Any, scale: Any) -> Any:
        """Return `x + y · scale`."""
        return x + y * scale

    def white(self, keys: Any, size: Any, dtype: str) -> Any:
        """Return `kapre.ops.noise.white` if this kernel computes it in a way of its own, else None."""
        return None

    def mixed(
        self, x: Any, noise: Any, keys: Any, ratio: Any, lengths: Any, per_channel: bool, adds: bool = True
    ) -> Any:
        """Return noise at a ratio to the level of a signal, and added to it, or None if operations do it.

        Args:
            x: The signal, `(batch, channel, time)`. Samples past an item's length are 0.
            noise: The noise, `(batch, channel or 1, time)`, which may be written to, or None.
            keys: Keys of white noise, int32 `(batch, channel or 1, 2)`, or None.
            ratio: The amplitude of the noise over that of the signal, `(batch, channel or 1, 1)`.
            lengths: Number of valid samples of each item, or None for all.
            per_channel: Whether the level is that of each channel, or of all channels of an item.
            adds: Whether the signal is added.
        """
        return None

    def sections(self, x: Any, sums: Any) -> Any:
        """Return `kapre.ops.iir.apply_apart` if this kernel computes it in a way of its own, else None.

        Args:
            x: The samples, `(batch, channel, time)`.
            sums: The sections of each item, `(batch, channel or 1, sections, 2, 3)`.
        """
        return None

    def convolved_apart(self, x: Any, taps: Any, starts: Any, size: Any) -> Any:
        """Return a part of convolutions if this kernel computes them in a way of its own, else None.

        Args:
            x: The samples, `(batch, channel, time)`.
            taps: The response of each item, `(batch, channel or 1, taps)`.
            starts: The first sample of the part, an int or an integer tensor `(batch, channel or 1, 1)`.
            size: Number of samples of the part, at most `time + taps - 1 - starts`.
        """
        return None

    def order_statistics(self, x: Any, places: Any) -> tuple[Any, Any]:
        """Return the entries that would be at places on the last axis if it were sorted, and the entries after them.

        Args:
            x: The entries, `(..., time)`.
            places: int32 tensor `(..., n)`. After the last entry comes itself.
        """
        ordered, last = ops.sort(x, axis=-1), x.shape[-1] if x.shape[-1] is not None else ops.shape(x)[-1]
        after = ops.where(places + 1 < last, places + 1, places)
        return ops.take_along_axis(ordered, places, axis=-1), ops.take_along_axis(ordered, after, axis=-1)

    def rolled(self, x: Any, starts: Any, size: Any, rows: Any, lengths: Any) -> Any:
        """Return `size` entries of the last axis, and again from the first behind the last, if this kernel can.

        Args:
            x: The entries, `(..., time)`, or the rows `(n, time)` that `rows` are taken of.
            starts: The first entry of each result, an integer tensor `(..., 1)`, from 0 to the last entry.
            size: Number of entries.
            rows: Which row, an integer tensor `(..., 1)`, or None.
            lengths: Valid entries of each item `(batch,)`, or None. Behind the last one, the result is undefined.

        Returns:
            A tensor `(..., size)`, or None if this kernel has no way of its own.
        """
        return None

    def clipped(self, x: Any, low: Any, high: Any) -> Any:
        """Replace entries below `low` or above `high` by these values, which broadcast to `x`. NaN stays NaN."""
        return ops.where(x < low, low, ops.where(x > high, high, x))

    def rounded(self, x: Any, scale: Any) -> Any:
        """Return `round(x · scale) / scale`, with the gradient of the identity."""
        return x + ops.stop_gradient(ops.round(x * scale) / scale - x)

    def silenced(self, x: Any, starts: Any, sizes: Any) -> Any:
        """Return `(batch, channel, time)` with zeros in some chunks, if this kernel can, else None.

        Args:
            x: The samples.
            starts: The first sample of each chunk, int32 `(batch, channel or 1, n)`.
            sizes: The samples of each chunk, int32 `(batch, channel or 1, n)`.
        """
        return None
