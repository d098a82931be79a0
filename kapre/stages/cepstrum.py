"""The cepstrum: a DCT over the bands, and its lifter."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from kapre._checks import message
from kapre._lazy import needs
from kapre.stages._stage import LARGEST, Back, Call, Mistake, Stage, Values, not_negative, one_of, optional
from kapre.stages.filter_bank import bands_of

if TYPE_CHECKING:
    from kapre.ops import fourier, scales
    from kapre.recipe import Recipe

needs(__name__, fourier="kapre.ops.fourier", scales="kapre.ops.scales")


@dataclass(frozen=True, kw_only=True)
class Fields:
    """The fields of the cepstrum."""

    n_mfcc: int | None = None
    lifter: float = 0.0
    lifter_start: Literal[0, 1] = 0


class Cepstrum(Stage):
    """Convert bands to cepstral coefficients."""

    Fields = Fields
    checks: ClassVar = {
        "n_mfcc": optional("Use None for no cepstrum."),
        "lifter": not_negative,
        "lifter_start": one_of((0, 1), "Kaldi counts coefficients from 0, librosa from 1."),
    }
    added = ("lifter_start",)
    idle = (("n_mfcc", None, ("lifter",)), ("lifter", 0.0, ("lifter_start",)))

    def check(self, f: Values, defaults: Mapping[str, Any]) -> None:
        bands = bands_of(f)
        if f["n_mfcc"] is not None and f["n_mfcc"] > bands:
            raise ValueError(message("n_mfcc", f"at most the {bands} bands", f["n_mfcc"], "Lower it, or raise n_mels."))
        if f["n_mfcc"] is not None and f["n_mfcc"] * bands > LARGEST:
            rule = f"so few that the coefficients times {bands} bands are at most {LARGEST} weights"
            raise ValueError(message("n_mfcc", rule, f["n_mfcc"], f"Use {LARGEST // bands}, or a shorter n_fft."))

    def shape(self, recipe: Recipe, shape: tuple[int, ...]) -> tuple[int, ...]:
        return (*shape[:-1], recipe.n_mfcc or shape[-1])

    def products(self, recipe: Recipe, shape: tuple[int, ...]) -> float:
        return float(math.prod(shape) * bands_of(vars(recipe)))

    def is_on(self, recipe: Recipe) -> bool:
        return recipe.n_mfcc is not None

    def run(self, recipe: Recipe, x: Any, call: Call) -> Any:
        bands = recipe.n_freq if recipe.bank is None else recipe.bank.shape[1]  # torch.jit.trace has tensors as sizes
        kept: Any = recipe.n_mfcc
        return fourier.apply_bank(x, scales.dct_matrix(bands, kept, recipe.lifter, recipe.lifter_start))

    def undo(self, recipe: Recipe, x: Any, back: Back) -> Any:
        bands = recipe.n_freq if recipe.bank is None else recipe.bank.shape[1]
        kept: Any = recipe.n_mfcc
        return fourier.apply_bank(x, scales.inverse_dct_matrix(bands, kept, recipe.lifter, recipe.lifter_start))

    def lost(self, recipe: Recipe) -> tuple[str, ...]:
        bands = bands_of(vars(recipe))
        if recipe.n_mfcc == bands:
            return ()
        return (f"{recipe.n_mfcc} coefficients of {bands} bands are kept, so that the bands become smoother.",)

    def mistakes(self, recipe: Recipe, peak: float) -> Iterator[Mistake]:
        if recipe.n_mfcc is not None:
            yield "no lifter", dict(lifter=0.0)
            yield "a lifter of 22", dict(lifter=22.0, lifter_start=0)
            yield "a lifter of 22, as librosa counts", dict(lifter=22.0, lifter_start=1)
