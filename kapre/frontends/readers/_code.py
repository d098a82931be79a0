"""Pasted calls of other libraries as data: a few kinds of expressions are read, and nothing is ever run."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kapre.frontends._source import SourceError

_LONGEST = 10_000
OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Pow: operator.pow,
}
"""The arithmetic that is computed."""


@dataclass(frozen=True)
class Name:
    """Hold a name that the code does not define, such as `y` or `np.max`."""

    text: str

    def __repr__(self) -> str:
        return self.text


Apply = Callable[[Any, list[Any], dict[str, Any]], Any]
"""Call a value (a `Name`, or what a call returned) with arguments. Raise `SourceError` for what is not known."""
Combine = Callable[[str, Any, Any], Any]
"""Apply an operator to two values of which one is no number. Raise `SourceError` for what is not known."""


def evaluate(text: str, apply: Apply, combine: Combine) -> Any:
    """Return the value of the last statement of some code.

    Args:
        text: Assignments to names, and expressions of calls, names, numbers, strings, lists and mappings.
        apply: What calls mean.
        combine: What operators mean.

    Raises:
        SourceError: If the code is not Python, or holds anything else.
    """
    if len(text) > _LONGEST:
        raise SourceError(f"the call is {len(text)} characters long; at most {_LONGEST} are read.")
    try:
        body = ast.parse(text.strip()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise SourceError(f"the call is not Python: {getattr(error, 'msg', error)}.") from None
    names: dict[str, Any] = {}
    value = None
    for statement in body:
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            names.update(_imported(statement))
            continue
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            (target,) = statement.targets
            if isinstance(target, ast.Name):
                value = names[target.id] = _Reading(names, apply, combine).value(statement.value)
                continue
        if not isinstance(statement, ast.Expr):
            raise SourceError(
                f"the call holds {_shown(statement)}, which is not read. Give calls and assignments alone."
            )
        value = _Reading(names, apply, combine).value(statement.value)
    return value


def _imported(statement: ast.Import | ast.ImportFrom) -> dict[str, Name]:
    """Return the names that an import statement defines."""
    if isinstance(statement, ast.ImportFrom):
        return {each.asname or each.name: Name(f"{statement.module}.{each.name}") for each in statement.names}
    aliases = {each.asname: Name(each.name) for each in statement.names if each.asname}
    plain = {each.name.partition(".")[0] for each in statement.names if not each.asname}
    return {**aliases, **{name: Name(name) for name in plain}}


def _shown(node: ast.AST) -> str:
    text = ast.unparse(node).replace("\n", " ")
    return f"`{text if len(text) <= 60 else text[:57] + '…'}`"


@dataclass(frozen=True)
class _Reading:
    names: Mapping[str, Any]
    apply: Apply
    combine: Combine

    def value(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, (ast.List, ast.Tuple)):
            return [self.value(each) for each in node.elts]
        if isinstance(node, ast.Dict) and None not in node.keys:
            keys = [self.value(key) for key in node.keys if key is not None]
            return dict(zip(keys, map(self.value, node.values), strict=True))
        if isinstance(node, ast.Name):
            return self.names.get(node.id, Name(node.id))
        if isinstance(node, ast.Attribute):
            of = self.value(node.value)
            return Name(f"{of}.{node.attr}") if isinstance(of, Name) else self.combine(f".{node.attr}", of, None)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return self.binary(ast.Sub(), 0, self.value(node.operand), node)
        if isinstance(node, ast.BinOp):
            return self.binary(node.op, self.value(node.left), self.value(node.right), node)
        if isinstance(node, ast.Call):
            return self.call(node)
        raise SourceError(f"{_shown(node)} is not read. Write its value.")

    def binary(self, by: ast.operator, left: Any, right: Any, node: ast.expr) -> Any:
        if isinstance(by, ast.LShift):  # 1 << 15, the scale of 16-bit samples
            by, right = ast.Mult(), self.binary(ast.Pow(), 2, right, node)
        if type(by) not in OPERATORS:
            raise SourceError(f"{_shown(node)} is not read. Write its value.")
        numbers = all(isinstance(each, (int, float)) for each in (left, right))
        if numbers and not (isinstance(by, ast.Pow) and abs(right) > 64):
            try:
                found = OPERATORS[type(by)](left, right)
            except (ArithmeticError, ValueError) as error:
                raise SourceError(f"{_shown(node)}: {error}.") from None
            if isinstance(found, int) and found.bit_length() > 256:
                raise SourceError(f"{_shown(node)} is too large a number. Write its value.")
            return found
        return self.combine(type(by).__name__, left, right)

    def call(self, node: ast.Call) -> Any:
        if any(isinstance(each, ast.Starred) for each in node.args) or any(each.arg is None for each in node.keywords):
            raise SourceError(f"{_shown(node)} has * or ** arguments. Write them out.")
        of = self.value(node.func)
        values = [self.value(each) for each in node.args]
        options = {str(each.arg): self.value(each.value) for each in node.keywords}
        if len(options) < len(node.keywords):
            raise SourceError(f"{_shown(node)} has an argument twice. Remove one.")
        if isinstance(of, Name) and of.text in ("int", "float", "round") and len(values) == 1 and not options:
            number = values[0]
            if isinstance(number, (int, float)):
                return float(number) if of.text == "float" else int(number) if of.text == "int" else round(number)
        return self.apply(of, values, options)
