"""Pasted calls of other libraries as data: a few kinds of expressions are read, and nothing is ever run."""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kapre.frontends._source import SourceError
from kapre.frontends.readers._prompts import without_prompts

_LONGEST = 10_000
OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
"""The arithmetic that is computed."""
OF_NUMBERS: dict[str, Callable[..., Any]] = {
    **{"int": int, "float": float, "round": round, "abs": abs, "min": min, "max": max},
    **{f"math.{each.__name__}": each for each in (math.ceil, math.floor)},
}
"""The functions of numbers that are computed."""
_SHOWS = re.compile(r"(print|display|logging\..*|logger\..*|plt\..*|matplotlib\..*|librosa\.display\..*|.*\.eval)")
"""Calls whose result is not used that change no number."""
_SIZES = ("shape", "ndim", "size", "dtype", "device")
"""The attributes that people look at."""
_OF_LIBRARY = re.compile(r"(librosa|torchaudio|T|kaldi|ta_kaldi|\w*[sS]pectrogram|[mM]fcc|MFCC|LFCC|fbank)\b")
"""What names in an expression that makes features begin with."""
_DECORATORS = re.compile(r"staticmethod|torch\.(no_grad|inference_mode|compile|jit\.script)|(tf\.)?function")
_CONTEXTS = re.compile(r"torch\.(no_grad|inference_mode)")
_DEEPEST = 20
_MOST_STEPS = 10_000
ACCEPTED = (
    "Read are imports, assignments, functions of one `return`, calls of librosa and torchaudio, logarithms with a "
    "floor, arithmetic of numbers, and what changes no number, such as .astype(np.float32), .to(device) or [None]."
)
"""What code may hold, as errors say it."""


@dataclass(frozen=True)
class Name:
    """Hold a name that the code does not define, such as `y` or `np.max`."""

    text: str

    def __repr__(self) -> str:
        return self.text


class NotReadError(SourceError):
    """Report a call or an expression that is not known, and that makes no features."""


class _PlacedError(SourceError):
    """Report an error of a statement, with its line."""


@dataclass(frozen=True)
class Unread:
    """Hold what a name was given where that is not read. It is an error once the name is used."""

    error: SourceError


@dataclass(frozen=True)
class Function:
    """Hold a function that the code defines, with the names around it."""

    node: ast.FunctionDef | ast.Lambda
    names: Mapping[str, Any]


NAMELESS = Name("")
"""A value that is not known, such as one of those that a function returns, before it has a name."""
Apply = Callable[[Any, list[Any], dict[str, Any]], Any]
"""Call a value (a `Name`, or what a call returned) with arguments. Raise `SourceError` for what is not known."""
Combine = Callable[[str, Any, Any], Any]
"""Apply an operator to two values of which one is no number. Raise `SourceError` for what is not known.

The operator is a name of `ast`, such as "Add", ".name" for an attribute, or "[]" for a list of indices.
"""


def evaluate(text: str, apply: Apply, combine: Combine) -> Any:
    """Return the last features that some code computes, or the value of its last statement if it has none.

    Args:
        text: Imports, assignments, functions, and expressions of calls, names, numbers, strings, lists and mappings. It
            may have the prompts of Python or IPython.
        apply: What calls mean.
        combine: What operators mean.

    Raises:
        SourceError: If the code is not Python, or holds anything else.
    """
    if len(text) > _LONGEST:
        raise SourceError(f"the call is {len(text)} characters long; at most {_LONGEST} are read.")
    code = without_prompts(text)
    try:
        body = ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        where = f" (line {error.lineno})" if isinstance(error, SyntaxError) and code.count("\n") else ""
        raise SourceError(f"the call is not Python{where}: {getattr(error, 'msg', error)}. {ACCEPTED}") from None
    found = _Run(apply, combine, has_lines=len(body) > 1 or "\n" in code)
    value = found.body(body, {}, 0)
    if isinstance(value, Unread):
        raise value.error
    return found.alone(value) if isinstance(value, Function) else value


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


_PLAIN = (Name, Unread, Function, int, float, str, bool, list, dict, type(None))
"""The types of values that are no features, and no step on the way to them."""


@dataclass
class _Run:
    """Run statements, and tell whether the present one has made features."""

    apply: Apply
    combine: Combine
    has_lines: bool
    has_made: bool = False
    steps: int = field(default=0)

    def body(self, body: list[ast.stmt], names: dict[str, Any], depth: int) -> Any:
        """Return the last features of some statements, or what they return."""
        value = None
        for statement in body:
            try:
                if isinstance(statement, ast.Return):
                    return None if statement.value is None else self._value(statement.value, names, depth)
                found = self.statement(statement, names, depth)
            except _PlacedError:
                raise
            except SourceError as error:
                where = f"line {statement.lineno}, {_shown(statement)}: " if self.has_lines else ""
                raise _PlacedError(f"{where}{error}") from None
            is_plain = isinstance(found, _PLAIN)
            if value is None or not is_plain or (isinstance(found, Function) and isinstance(value, _PLAIN)):
                value = found
        return value

    def statement(self, statement: ast.stmt, names: dict[str, Any], depth: int) -> Any:
        """Return the value of a statement, if it has one."""
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            names.update(_imported(statement))
            return None
        if isinstance(statement, ast.FunctionDef):
            unknown = [each for each in statement.decorator_list if not _DECORATORS.fullmatch(_text_of(each))]
            if unknown:
                raise SourceError(
                    f"the decorator {_shown(unknown[0])} is not read. Leave it out if it changes no number."
                )
            names[statement.name] = Function(statement, names)
            return names[statement.name]
        if isinstance(statement, ast.With):
            if all(_CONTEXTS.fullmatch(_text_of(item.context_expr)) for item in statement.items):
                return self.body(statement.body, names, depth)
        elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            return self._assign(statement.targets[0], statement.value, names, depth)
        elif isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
            before = ast.copy_location(ast.Name(statement.target.id, ast.Load()), statement)
            value = ast.copy_location(ast.BinOp(before, statement.op, statement.value), statement)
            return self._assign(statement.target, value, names, depth)
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            return self._assign(statement.target, statement.value, names, depth)
        elif isinstance(statement, ast.Expr):
            called = _text_of(statement.value) if isinstance(statement.value, ast.Call) else ""
            is_text = isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str)
            is_size = isinstance(statement.value, ast.Attribute) and statement.value.attr in _SIZES
            return (
                None if is_text or is_size or _SHOWS.fullmatch(called) else self._value(statement.value, names, depth)
            )
        elif isinstance(statement, ast.Pass):
            return None
        raise SourceError(f"{_shown(statement)} is not read. {ACCEPTED}")

    def _assign(self, target: ast.expr, value: ast.expr, names: dict[str, Any], depth: int) -> Any:
        """Give names what an expression computes, or, if that is not read and makes no features, an error to come."""
        self.has_made = False
        try:
            found = self._value(value, names, depth)
        except NotReadError as error:
            if self.has_made or self._uses_features(value, names):
                raise
            found = Unread(error)
        if isinstance(target, ast.Name):
            names[target.id] = found
            return found
        if isinstance(target, ast.Tuple) and all(isinstance(each, ast.Name) for each in target.elts):
            if isinstance(found, list) and len(found) == len(target.elts):
                parts = found
            elif isinstance(found, Unread):
                parts = [found] * len(target.elts)
            else:
                raise SourceError(f"{_shown(value)} is not read as {len(target.elts)} values. {ACCEPTED}")
            for each, part in zip(target.elts, parts, strict=True):
                assert isinstance(each, ast.Name)
                names[each.id] = Name(each.id) if part == NAMELESS else part
            return None
        raise SourceError(f"{_shown(target)} is not a name. {ACCEPTED}")

    def _uses_features(self, node: ast.AST, names: Mapping[str, Any]) -> bool:
        """Tell whether an expression names features, or a library that makes them."""
        used = [names.get(each.id, Name(each.id)) for each in ast.walk(node) if isinstance(each, ast.Name)]
        return any(
            not isinstance(each, _PLAIN) or (isinstance(each, Name) and _OF_LIBRARY.match(each.text)) for each in used
        )

    def _value(self, node: ast.expr, names: Mapping[str, Any], depth: int) -> Any:
        return _Reading(self, names, depth).value(node)

    def alone(self, function: Function) -> Any:
        """Return what a function returns that the code does not call. Numbers of the same names are its arguments."""
        arguments = function.node.args
        without_default = arguments.args[: len(arguments.args) - len(arguments.defaults)]
        named = {each.arg: function.names.get(each.arg) for each in without_default}
        return self.called(function, [], {name: of for name, of in named.items() if isinstance(of, (int, float))}, 0)

    def called(self, function: Function, values: list[Any], options: dict[str, Any], depth: int) -> Any:
        """Return what a function of the code returns. An argument that is not given is a name without a value."""
        node, arguments = function.node, function.node.args
        name = node.name if isinstance(node, ast.FunctionDef) else "lambda"
        self.steps += 1
        if depth > _DEEPEST or self.steps > _MOST_STEPS:
            raise SourceError(f"`{name}` calls itself, or is called too often. Write the call of the library alone.")
        if arguments.vararg or arguments.kwarg:
            raise SourceError(f"`{name}` takes * or ** arguments. Write them out.")
        placed = [*arguments.posonlyargs, *arguments.args]
        if len(values) > len(placed) or not set(options) <= {each.arg for each in (*placed, *arguments.kwonlyargs)}:
            raise SourceError(f"`{name}` is called with arguments that it does not have. Correct the call.")
        inner: dict[str, Any] = dict(function.names)
        inner.update({each.arg: Name(each.arg) for each in (*placed, *arguments.kwonlyargs)})
        firsts = placed[len(placed) - len(arguments.defaults) :]
        pairs = [*zip(firsts, arguments.defaults, strict=True)]
        pairs += [(each, of) for each, of in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if of]
        inner.update({each.arg: self._value(default, function.names, depth + 1) for each, default in pairs})
        inner.update(zip((each.arg for each in placed), values, strict=False))
        inner.update(options)
        if isinstance(node, ast.Lambda):
            return self._value(node.body, inner, depth + 1)
        if not isinstance(node.body[-1], (ast.Return, ast.With)):
            raise SourceError(f"`{name}` does not end with `return`. {ACCEPTED}")
        return self.body(node.body, inner, depth + 1)


def _text_of(node: ast.AST) -> str:
    """Return the name of what is called, as the code has it."""
    return ast.unparse(node.func if isinstance(node, ast.Call) else node)


@dataclass(frozen=True)
class _Reading:
    run: _Run
    names: Mapping[str, Any]
    depth: int

    def value(self, node: ast.expr) -> Any:
        found = self._value(node)
        self.run.has_made = self.run.has_made or not isinstance(found, _PLAIN)
        return found

    def _value(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, (ast.List, ast.Tuple)):
            return [self.value(each) for each in node.elts]
        if isinstance(node, ast.Dict):
            return self.mapping(node)
        if isinstance(node, ast.Name):
            return self.named(node)
        if isinstance(node, ast.Attribute):
            of = self.value(node.value)
            return Name(f"{of}.{node.attr}") if isinstance(of, Name) else self.run.combine(f".{node.attr}", of, None)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            by = ast.Sub() if isinstance(node.op, ast.USub) else ast.Add()
            return self.binary(by, 0, self.value(node.operand), node)
        if isinstance(node, ast.BinOp):
            return self.binary(node.op, self.value(node.left), self.value(node.right), node)
        if isinstance(node, ast.Subscript):
            return self.item(node)
        if isinstance(node, ast.Lambda):
            return Function(node, self.names)
        if isinstance(node, ast.Call):
            return self.call(node)
        raise NotReadError(f"{_shown(node)} is not read. Write its value.")

    def named(self, node: ast.Name) -> Any:
        found = self.names.get(node.id, Name(node.id))
        if isinstance(found, Unread):
            raise NotReadError(f"`{node.id}` is what is not read: {found.error}")
        return found

    def mapping(self, node: ast.Dict) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                found.update(self.options_of(value))
            else:
                of = self.value(key)
                if not isinstance(of, (str, int, float)):
                    raise NotReadError(f"{_shown(key)} is not read as a key. Write its value.")
                found[of] = self.value(value)
        return found

    def item(self, node: ast.Subscript) -> Any:
        of = self.value(node.value)
        given = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        indices = [self.index(each) for each in given]
        if isinstance(of, (list, dict)):
            try:
                (index,) = indices
                return of[index]
            except (LookupError, TypeError, ValueError):
                raise SourceError(f"{_shown(node)} names nothing that the code gives. Correct it.") from None
        return self.run.combine("[]", of, indices)

    def index(self, node: ast.expr) -> Any:
        if not isinstance(node, ast.Slice):
            found = self.value(node)
            return None if isinstance(found, Name) and found.text.endswith("newaxis") else found
        parts = (None if each is None else self.value(each) for each in (node.lower, node.upper, node.step))
        return slice(*parts)

    def binary(self, by: ast.operator, left: Any, right: Any, node: ast.expr) -> Any:
        if isinstance(by, ast.LShift):  # 1 << 15, the scale of 16-bit samples
            by, right = ast.Mult(), self.binary(ast.Pow(), 2, right, node)
        if type(by) not in OPERATORS:
            raise NotReadError(f"{_shown(node)} is not read. Write its value.")
        numbers = all(isinstance(each, (int, float)) for each in (left, right))
        if numbers and not (isinstance(by, ast.Pow) and abs(right) > 64):
            return _computed(OPERATORS[type(by)], (left, right), node)
        return self.run.combine(type(by).__name__, left, right)

    def options_of(self, node: ast.expr) -> dict[str, Any]:
        """Return the keyword arguments of `**` with a mapping that the code gives."""
        found = self.value(node)
        if not isinstance(found, dict):
            raise SourceError(f"`**{ast.unparse(node)}` is not given. Add a line such as {found} = dict(n_mels=80).")
        return {str(key): value for key, value in found.items()}

    def call(self, node: ast.Call) -> Any:
        of = self.value(node.func)
        values: list[Any] = []
        for each in node.args:
            found = self.value(each.value if isinstance(each, ast.Starred) else each)
            if isinstance(each, ast.Starred) and not isinstance(found, list):
                raise SourceError(f"`*{found}` is not given. Write the arguments out.")
            values += found if isinstance(each, ast.Starred) else [found]
        options: dict[str, Any] = {}
        for keyword in node.keywords:
            given = self.options_of(keyword.value) if keyword.arg is None else {keyword.arg: self.value(keyword.value)}
            if set(given) & set(options):
                raise SourceError(f"{_shown(node)} has an argument twice. Remove one.")
            options |= given
        if isinstance(of, Function):
            return self.run.called(of, values, options, self.depth)
        if isinstance(of, Name) and of.text == "dict" and not values:
            return options
        of_numbers = bool(values) and not options and all(isinstance(each, (int, float)) for each in values)
        if isinstance(of, Name) and of.text in OF_NUMBERS and of_numbers:
            return _computed(OF_NUMBERS[of.text], tuple(values), node)
        return self.run.apply(of, values, options)


def _computed(by: Callable[..., Any], values: tuple[Any, ...], node: ast.expr) -> Any:
    """Return a number that is computed from numbers."""
    try:
        found = by(*values)
    except (ArithmeticError, TypeError, ValueError) as error:
        raise SourceError(f"{_shown(node)}: {type(error).__name__}: {error}.") from None
    if not isinstance(found, (int, float)) or (isinstance(found, int) and found.bit_length() > 256):
        raise SourceError(f"{_shown(node)} is too large a number. Write its value.")
    return found
