"""`Stage`: a step from samples to features, with everything that is known about it in one place."""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar

from kapre._checks import choice, count, message, number, positive_int

if TYPE_CHECKING:
    from kapre.ops.chunks import Cutter, State
    from kapre.ops.kernels._blocks import Edges
    from kapre.recipe import Recipe

UNSET: Any = None
"""The default of a field that a complete recipe replaces by a value derived from other fields."""

LARGEST = 1 << 27
"""The most weights of a filter bank or of kernels, which are arrays: 1 GB in float64."""

Values = dict[str, Any]
"""The fields of a recipe by name, while they are checked."""

Check = Callable[[str, Any], Any]
"""Check the value of a field, given its name and value, and return the value in one form."""

Mistake = tuple[str, dict[str, Any]]
"""Description of a common mistake, "The features were made with …", and the fields that it changes."""


@dataclass
class Call:
    """Hold what the stages of one call share.

    Attributes:
        lengths: Number of samples of each item after the stages so far, `(batch,)`, or None if all are as long.
        counts: Number of valid frames of each item, or None if all are valid.
        noise: A tensor of the shape of the samples, for dither.
        window: A weight that replaces the window of the recipe.
        bank: A weight that replaces the filter bank of the recipe.
        edges: How the next stage pads each item at its own ends, or None if the samples need no padding.
        energy: The log energy of each frame, `(..., frames, 1)`, for the stage that inserts it.
        ends: Whether the clip ends with these samples.
        real: Which frames of a fixed chunk belong to the clip, or None if all do.
        state: The state of a stream, which stages read and replace. None for a whole clip.
        seen: Number of samples of the stream before this chunk, at the rate of the recipe.
        delay: Number of samples at the start of a fixed stream that belong to no clip, at the rate of the recipe.
        invalid: Number of invalid frames at the end of a stream, or None if the stream continues.
        total: Number of stacks of the whole stream, at its end. None while it continues.
        valid: Number of these that hold a valid frame.
        cutters: What cuts a stream into the groups that stages need, by the name of their state.
    """

    lengths: Any = None
    counts: Any = None
    noise: Any = None
    window: Any = None
    bank: Any = None
    edges: Edges | None = None
    energy: Any = None
    ends: bool = True
    real: Any = None
    state: State | None = None
    seen: Any = None
    delay: int = 0
    invalid: int | None = None
    total: int | None = None
    valid: int | None = None
    cutters: Mapping[str, Cutter] = field(default_factory=dict)


@dataclass
class Back:
    """Hold what the stages share on the way back from features to samples.

    Attributes:
        lengths: Number of samples of each clip, `(batch,)`, or None if all are as long.
        counts: Number of valid frames of each clip, or None if all are valid.
        mean: What each band's mean over time is taken to be, where the recipe subtracts it.
        deviation: What each band's deviation over time is taken to be, where the recipe divides by it.
        window: The window at its position in a frame, an array of shape `(frame_length,)`.
        bank: The filter bank, an array of shape `(n_freq, bands)`, or None.
        steps: Number of steps of Griffin-Lim.
        momentum: Its momentum.
        bank_steps: Number of steps of the inverse filter bank.
        seed: The seed of the first phases, or None for phases of 0.
        silent: Which frames belong to no clip, `(..., frames, 1)`, or None if that is not known.
        energy: The log energy of each frame, `(..., frames, 1)`, which sets its level, or None.
        heard: 1 for samples that are within no silent frame, and 0 for others, `(..., time)`, or None for all.
    """

    window: Any
    bank: Any = None
    lengths: Any = None
    counts: Any = None
    mean: Any = 0.0
    deviation: Any = 1.0
    steps: int = 32
    momentum: float = 0.99
    bank_steps: int = 100
    seed: int | None = None
    silent: Any = None
    energy: Any = None
    heard: Any = None


class Stage:
    """A stage of a recipe: its fields, their checks, its computation, its state in a stream, and common mistakes.

    The methods take the recipe. A stage has no state of its own.
    """

    Fields: ClassVar[type]
    """A frozen dataclass with the fields of the stage and their defaults. `Recipe` inherits it."""
    checks: ClassVar[Mapping[str, Check]] = {}
    """The check of each field that needs no other field."""
    idle: ClassVar[tuple[tuple[str, Any, tuple[str, ...]], ...]] = ()
    """Fields without an effect: a field of the stage, its value, and the fields that then have no effect."""

    added: ClassVar[tuple[str, ...]] = ()
    """Fields that Kapre 1.0.0.dev0 does not have. JSON has them only where they differ from their defaults."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the fields."""
        return tuple(entry.name for entry in fields(self.Fields))

    # The fields.

    def idle_fields(self, f: Mapping[str, Any]) -> dict[str, str]:
        """Return the fields that have no effect with the other fields, and what each of them would need."""
        rows = [(f"another {name} than {value!r}", others) for name, value, others in self.idle if f[name] == value]
        return {name: need for need, others in reversed(rows) for name in others}  # the first row's need stands

    def check(self, f: Values, defaults: Mapping[str, Any]) -> None:
        """Check the fields of the stage together, and put them in canonical form."""

    # What people read.

    def in_words(self, recipe: Recipe) -> tuple[str, ...]:
        """Return what the stage does, one phrase for each step."""
        return (re.sub("(?<=[a-z])(?=[A-Z])", " ", type(self).__name__).lower(),)

    def shape(self, recipe: Recipe, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of one clip after the stage, given that before it."""
        return shape

    def products(self, recipe: Recipe, shape: tuple[int, ...]) -> float:
        """Return about how many multiplications the stage takes, given the shape after it."""
        return float(math.prod(shape))

    # The computation.

    def is_on(self, recipe: Recipe) -> bool:
        """Tell whether the stage changes anything."""
        return True

    def run(self, recipe: Recipe, x: Any, call: Call) -> Any:
        """Compute the stage for whole clips or, with `call.state`, for a chunk of a stream."""
        raise NotImplementedError

    # The way back.

    def undo(self, recipe: Recipe, x: Any, back: Back) -> Any:
        """Return what the stage was given, as far as its result tells it."""
        return x

    def lost(self, recipe: Recipe) -> tuple[str, ...]:
        """Return what `undo` cannot bring back, in sentences."""
        return ()

    def no_way_back(self, recipe: Recipe) -> tuple[str, str] | None:
        """Return why nothing can be brought back, and a remedy, or None if `undo` can be called."""
        return None

    # The stream.

    def needs_whole_clip(self, recipe: Recipe) -> dict[str, dict[str, Any]]:
        """Return why the stage cannot stream, with the changes that make it stream. Empty if it can."""
        return {}

    def start(self, recipe: Recipe, empty: Any) -> State:
        """Return the parts of a stream's state that belong to the stage. `empty` holds 0 frames `(batch, 0, bands)`."""
        return {}

    # Comparison of recipes.

    def mistakes(self, recipe: Recipe, peak: float) -> Iterator[Mistake]:
        """Yield common mistakes in the stage. Some are invalid for the recipe or change nothing.

        `peak` is the largest absolute sample of the clip, or 0.0 if it is unknown.
        """
        yield from ()


def one_of(allowed: tuple[Any, ...], remedy: str) -> Check:
    """Return the check of a field with a few values. A number may be given as any type of number."""

    def check(name: str, value: Any) -> Any:
        value = float(value) if isinstance(value, numbers.Real) and not isinstance(value, bool) else value
        choice(name, value, allowed, remedy)
        return next(option for option in allowed if option == value)

    return check


MOST_SAMPLES = 1 << 26
"""The most samples of a clip, of its padding and of a second: 70 minutes at 16 kHz."""
MOST_FRAMES = 1 << 20
"""The most frames that a field counts: nearly three hours at 100 a second."""
MOST_JOINED = 1 << 12
"""The most frames that make one."""


def at_most(name: str, value: Any, most: int, remedy: str, unit: str = "samples") -> Any:
    """Return a number, or raise if it is so large that a wrong file could fill the memory."""
    if value > most:
        raise ValueError(message(name, f"at most {most} {unit}".rstrip(), value, remedy))
    return value


def at_least_0(name: str, value: Any) -> int:
    """Check a number of samples that may be 0."""
    return int(at_most(name, count(name, value, "Use 0 for none."), MOST_SAMPLES, "Use 0 for none."))


def positive(remedy: str, most: int = MOST_SAMPLES) -> Check:
    """Return the check of a positive integer, of samples, or of frames with another limit."""
    unit = "samples" if most == MOST_SAMPLES else "frames"
    return lambda name, value: at_most(name, positive_int(name, value, remedy), most, remedy, unit)


def optional(remedy: str, most: int = MOST_SAMPLES) -> Check:
    """Return the check of a positive integer or None; see `positive`."""
    check = positive(remedy, most)
    return lambda name, value: None if value is None else check(name, value)


def not_negative(name: str, value: Any) -> float:
    """Check a number that may be 0.0."""
    return number(name, value, "Use 0.0 for none.", at_least=0.0, rule="a number, 0 or above")


def fraction(remedy: str) -> Check:
    """Return the check of a number above 0, at most 1."""

    def check(name: str, value: Any) -> float:
        rule = "a number above 0, at most 1"
        found = number(name, value, remedy, above=0.0, rule=rule)
        if found > 1.0:
            raise ValueError(message(name, rule, value, remedy))
        return found

    return check


def above_0(remedy: str) -> Check:
    """Return the check of a number above 0."""
    return lambda name, value: number(name, value, remedy, above=0.0, rule="a positive number")
