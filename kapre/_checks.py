"""Check arguments once, with one error template: the argument, the value received, the remedy."""

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
    """Let errors call an inner argument what the caller's function calls it: `public_names(amin="db_amin")`."""
    token = _public_names.set({**_public_names.get(), **names})
    try:
        yield
    finally:
        _public_names.reset(token)


def message(name: str, rule: str, value: Any, remedy: str) -> str:
    """Return "`name` must be <rule>; received name=<value>. <remedy>"."""
    name = public_name(name)
    return f"`{name}` must be {rule}; received {name}={value!r}. {remedy}"


def public_name(name: str) -> str:
    """Return what the caller's function calls an inner argument."""
    return _public_names.get().get(name, name)


def positive_int(name: str, value: Any, remedy: str) -> int:
    """Return `value` as an int when it is a whole number above zero, else raise; 160.0 is one."""
    try:
        whole = operator.index(_as_whole(value))  # ints, NumPy's integers, eager integer tensors
    except (TypeError, ValueError):
        whole = None
    if whole is None or isinstance(value, bool):
        raise TypeError(message(name, "a positive integer", value, remedy))
    if whole <= 0:
        raise ValueError(message(name, "a positive integer", value, remedy))
    return whole


def _as_whole(value: Any) -> Any:
    """Return a float that is a whole number as an int, any other value as it is."""
    is_float = isinstance(value, (float, np.floating))
    return int(value) if is_float and float(value).is_integer() else value


def count(name: str, value: Any, remedy: str) -> int:
    """Return `value` as an int when it is a whole number, 0 or above, else raise."""
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
    """Return `value` as a float when it is finite and in range, else raise."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(message(name, rule, value, remedy))
    result = float(value)
    if not (above < result < float("inf") and result >= at_least):
        raise ValueError(message(name, rule, value, remedy))
    return result


def flag(name: str, value: Any) -> bool:
    """Return `value` as a bool when it is one, or 0 or 1, else raise."""
    if not isinstance(value, (numbers.Real, np.bool_)) or value not in (0, 1):
        raise TypeError(message(name, "True or False", value, "Use True or False."))
    return bool(value)


def published_flag(name: str, value: Any) -> bool:
    """Return what `flag` does, and False for None, which files saved by Kapre 0.4.1 may hold."""
    return flag(name, False if value is None else value)


def choice(name: str, value: Any, allowed: Iterable[Any], remedy: str) -> Any:
    """Return `value` when it is one of `allowed`, else raise."""
    options = tuple(allowed)
    if value not in options:
        listed = ", ".join(repr(option) for option in options)
        raise ValueError(message(name, f"one of {listed}", value, remedy))
    return value
