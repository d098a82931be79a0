"""Each frame before its DFT: its mean and its window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from kapre._checks import flag
from kapre._lazy import needs
from kapre.ops.windows import resolve_name, resolve_periodic
from kapre.stages._stage import UNSET, Mistake, Stage, Values, above_0

if TYPE_CHECKING:
    from keras import ops

    from kapre.ops import frames
    from kapre.recipe import Recipe

needs(__name__, ops="keras.ops", frames="kapre.ops.frames")

_NAMES = {"hann_window": "hann", "hamming_window": "hamming", "blackman_window": "Blackman"}


@dataclass(frozen=True, kw_only=True)
class Fields:
    """The fields of the window."""

    remove_dc: bool = False
    normalize_frames: bool = False
    window_name: str = UNSET
    window_periodic: bool | None = None
    window_exponent: float = 1.0


def placed(recipe: Recipe, window: Any, like: Any) -> Any:
    """Return a window given as a weight, placed in a frame, `(frame_length,)`."""
    return frames.pad(ops.cast(window, like.dtype), *recipe.window_margins)


class Window(Stage):
    """Describe the mean and the window of a frame, which the spectrum applies."""

    Fields = Fields
    checks: ClassVar = {
        "remove_dc": flag,
        "normalize_frames": flag,
        "window_exponent": above_0("Use 1.0, or 0.85 on hann for povey."),
    }

    added = ("normalize_frames",)

    def check(self, f: Values, defaults: Mapping[str, Any]) -> None:
        f["window_name"] = resolve_name(f["window_name"])
        if f["window_periodic"] is not None:
            f["window_periodic"] = flag("window_periodic", f["window_periodic"])
        f["window_periodic"] = resolve_periodic(f["window_name"], f["win_length"], f["window_periodic"])

    def is_on(self, recipe: Recipe) -> bool:
        return False  # a part of the spectrum

    def mistakes(self, recipe: Recipe, peak: float) -> Iterator[Mistake]:
        if recipe.remove_dc:
            yield "frames whose mean was not subtracted", dict(remove_dc=False)
        else:
            yield "frames whose mean was subtracted", dict(remove_dc=True)
        if recipe.normalize_frames:
            yield "frames that were not normalised", dict(normalize_frames=False)
        for name, short in _NAMES.items():
            for periodic, form in ((True, "periodic"), (False, "symmetric")):
                for exponent in (1.0, 0.85) if short == "hann" else (1.0,):
                    called = "povey" if exponent == 0.85 else short
                    yield (
                        f"a {form} {called} window",
                        dict(window_name=name, window_periodic=periodic, window_exponent=exponent),
                    )
        plain = dict(window_name="rectangular_window", window_periodic=None, window_exponent=1.0)
        yield "a rectangular window", plain
