"""`Summary`: the stages of a front end with the shapes between them, as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from kapre import _shown
from kapre.recipe import Recipe


class Row(NamedTuple):
    """What a stage does, the shape of one clip after it, and about how many multiplications it takes."""

    step: str
    shape: tuple[int, ...]
    products: float


@dataclass(frozen=True)
class Summary:
    """Show the stages of a front end: what each does, the shape of one clip after it, and its cost.

    Printed, it is a table. In a notebook, it is a table in HTML. Made by `kapre.Frontend.summary`.

    Args:
        title: What the summary is of.
        n_samples: The number of samples of the clip.
        rows: The stages in order.
        seconds: The duration of the clip, or None if its rate is not known.

    Example:
        ```python
        import kapre

        summary = kapre.Frontend.from_preset("kaldi_mfcc").summary()
        assert summary.rows[-1].shape == (98, 13)
        print(summary)
        ```
    """

    title: str
    n_samples: int
    rows: tuple[Row, ...]
    seconds: float | None

    @property
    def products(self) -> float:
        """The multiplications of all stages for the clip."""
        return sum(row.products for row in self.rows)

    def _lines(self) -> list[tuple[str, str, str]]:
        shapes = [(row.step, str(row.shape), f"{row.products / 1e6:.2f}") for row in self.rows]
        return [("samples", f"({self.n_samples},)", ""), *shapes]

    def _total(self) -> str:
        found = f"{self.products / 1e6:.3g} million multiplications for this clip"
        return found if not self.seconds else f"{found}, {self.products / self.seconds / 1e6:.3g} million per second"

    def __str__(self) -> str:
        lines = [("stage", "shape", "million"), *self._lines()]
        widths = [max(len(line[column]) for line in lines) for column in range(3)]
        rows = [
            f"{step:<{widths[0]}}  {shape:<{widths[1]}}  {cost:>{widths[2]}}".rstrip() for step, shape, cost in lines
        ]
        return "\n".join([self.title, *rows, self._total()])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        rows = [(step, f"{shape} {cost and f'· {cost} million'}".strip()) for step, shape, cost in self._lines()]
        return _shown.table(self.title, rows, self._total())


def summary(recipe: Recipe, title: str, n_samples: int) -> Summary:
    """Return the summary of a recipe for a clip of `n_samples` samples at the rate of its clips."""
    shape: tuple[int, ...] = (n_samples,)
    rows = []
    for stage in recipe.active_stages:
        shape = stage.shape(recipe, shape)
        step = ", ".join(stage.in_words(recipe))
        rows.append(Row(step, shape, stage.products(recipe, shape)))
    rate = recipe.clip_rate
    return Summary(title, n_samples, tuple(rows), n_samples / rate if rate else None)
