"""Checks of arguments with one error template: the argument, the received value, the remedy."""

from __future__ import annotations

import contextlib
import numbers
import operator
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

import numpy as np

_public_names: ContextVar[Mapping[str, str]] = ContextVar("_public_names", default=MappingProxyType({}))


@contextlib.contextmanager
def public_names(**names: str) -> Iterator[None]:
    """Make errors use the caller's name of an inner argument, as in `public_names(amin="db_amin")`."""
    token = _public_names.set({**_public_names.get(), **names})
    try:
        yield
    finally:
        _public_names.reset(token)


def message(name: str, rule: str, value: Any, remedy: str) -> str:
    """Return "`name` must be <rule>; received name=<value>. <remedy>"."""
    name = public_name(name)
    return f"`{name}` must be {rule}; received {name}={_shown(value)}. {remedy}"


def _shown(value: Any) -> str:
    """Return a value as errors show it. Python writes no integer of thousands of digits."""
    is_long = isinstance(value, int) and value.bit_length() > 200
    return f"an integer of {value.bit_length()} bits" if is_long else repr(value)


def public_name(name: str) -> str:
    """Return the caller's name of an inner argument."""
    return _public_names.get().get(name, name)


def positive_int(name: str, value: Any, remedy: str) -> int:
    """Return `value` as an int if it is a whole number above zero, such as 160.0. Raise otherwise."""
    try:
        whole = operator.index(_as_whole(value))  # ints, NumPy integers, eager integer tensors
    except (TypeError, ValueError):
        whole = None
    if whole is None or isinstance(value, bool):
        raise TypeError(message(name, "a positive integer", value, remedy))
    if whole <= 0:
        raise ValueError(message(name, "a positive integer", value, remedy))
    return whole


def _as_whole(value: Any) -> Any:
    """Return a float that is a whole number as an int, and any other value unchanged."""
    is_float = isinstance(value, (float, np.floating))
    return int(value) if is_float and float(value).is_integer() else value


def count(name: str, value: Any, remedy: str) -> int:
    """Return `value` as an int if it is a whole number, 0 or above. Raise otherwise."""
    if isinstance(value, numbers.Real) and not isinstance(value, bool) and value == 0:
        return 0
    try:
        return positive_int(name, value, remedy)
    except TypeError:
        raise TypeError(message(name, "an integer, 0 or above", value, remedy)) from None
    except ValueError:
        raise ValueError(message(name, "an integer, 0 or above", value, remedy)) from None


def number(
    name: str,
    value: Any,
    remedy: str,
    *,
    above: float = float("-inf"),
    at_least: float = float("-inf"),
    rule: str = "a finite number",
) -> float:
    """Return `value` as a float if it is finite and in range. Raise otherwise."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(message(name, rule, value, remedy))
    try:
        result = float(value)
    except OverflowError:  # an integer of hundreds of digits
        result = float("inf")
    if not (above < result < float("inf") and result >= at_least):
        raise ValueError(message(name, rule, value, remedy))
    return result


def flag(name: str, value: Any) -> bool:
    """Return `value` as a bool if it is a bool, 0 or 1. Raise otherwise."""
    if not isinstance(value, (numbers.Real, np.bool_)) or value not in (0, 1):
        raise TypeError(message(name, "True or False", value, "Use True or False."))
    return bool(value)


def published_flag(name: str, value: Any) -> bool:
    """Return the result of `flag`, or False for None, which files saved by Kapre 0.4.1 may hold."""
    return flag(name, False if value is None else value)


def fraction(name: str, value: Any, rule: str, remedy: str) -> float:
    """Return a number from 0 to 1. `rule` says what it is."""
    found = number(name, value, remedy, at_least=0.0, rule=rule)
    if found > 1.0:
        raise ValueError(message(name, rule, value, remedy))
    return found


def probability(p: Any) -> float:
    """Return the probability that an example is changed."""
    return fraction("p", p, "a probability in [0, 1]", "Use 0.5, or 1.0 to change every example.")


def checked_seed(seed: Any) -> int | None:
    """Return a seed as an int, or None. Raise if a backend would refuse it."""
    if seed is None:
        return None
    rule, remedy = "None or an integer from 0 to 2 ** 31 - 1", "Use None, or a number such as 0."
    if isinstance(seed, bool) or not hasattr(seed, "__index__"):
        raise TypeError(message("seed", rule, seed, remedy))
    found = operator.index(seed)
    if not 0 <= found < 2**31:
        raise ValueError(message("seed", rule, seed, remedy))
    return found


def choice(name: str, value: Any, allowed: Iterable[Any], remedy: str) -> Any:
    """Return `value` if it is one of `allowed`. Raise otherwise."""
    options = tuple(allowed)
    if value not in options:
        listed = ", ".join(repr(option) for option in options)
        raise ValueError(message(name, f"one of {listed}", value, remedy))
    return value
