"""Checks and conversions of the arguments that several augmentations share."""

from __future__ import annotations

from typing import Any, Literal

from keras import ops

from kapre._checks import choice, message, number

Unit = Literal["fraction", "seconds", "samples"]


def ordered(
    names: tuple[str, str], values: tuple[Any, Any], remedy: str, *, at_least: float = float("-inf"), rule: str = ""
) -> tuple[float, float]:
    """Return the bounds of a range as floats. Raise unless both are finite and the first is not above the second."""
    rule = rule or "a finite number"
    low, high = (
        number(name, value, remedy, at_least=at_least, rule=rule) for name, value in zip(names, values, strict=True)
    )
    if low > high:
        raise ValueError(message(names[0], f"at most {names[1]}={high}", low, remedy))
    return low, high


def check_unit(unit: Any, sample_rate: Any) -> tuple[Unit, float | None]:
    """Return the unit of a duration and the rate. Raise if "seconds" lack one."""
    unit = choice("unit", unit, ("fraction", "seconds", "samples"), "Use 'fraction', of the length of the item.")
    rule, remedy = "a rate in Hz above 0", "Use 16000, say, beside unit='seconds'."
    if sample_rate is not None:
        return unit, number("sample_rate", sample_rate, remedy, above=0.0, rule=rule)
    if unit == "seconds":
        raise ValueError(message("sample_rate", rule, sample_rate, remedy))
    return unit, None


def in_samples(value: Any, unit: Unit, sample_rate: float | None, length: Any) -> Any:
    """Return durations as whole samples, int32, rounded to the nearest.

    Args:
        value: float32 durations whose first axis is the batch.
        unit: The unit of the durations.
        sample_rate: The rate in Hz for "seconds".
        length: Number of samples of each item, `(batch,)`, or one number.
    """
    factor: Any = 1.0 if unit == "samples" else sample_rate
    if unit == "fraction":
        factor = ops.cast(length, "float32")
        if len(factor.shape):
            factor = ops.reshape(factor, (-1, *[1] * (len(value.shape) - 1)))
    return ops.cast(ops.round(value * factor), "int32")


def of_items(lengths: Any, shape: tuple[Any, ...]) -> Any:
    """Return the length of each item as int32 `(batch, 1)`, or one int32 number if all samples are valid."""
    if lengths is None:
        return ops.cast(shape[2], "int32")
    return ops.reshape(lengths, (-1, 1))
