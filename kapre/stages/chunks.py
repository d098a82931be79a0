"""Chunks that are transformed by themselves, each with some samples of the one before (Silero VAD)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from kapre._checks import message
from kapre._lazy import needs
from kapre.ops.counts import num_frames
from kapre.stages._stage import Stage, Values, at_least_0, optional
from kapre.stages.framing import PLAIN_PADDING

if TYPE_CHECKING:
    from kapre.ops import frames
    from kapre.ops.kernels import current
    from kapre.recipe import Recipe

needs(__name__, frames="kapre.ops.frames", current="kapre.ops.kernels:current")


@dataclass(frozen=True, kw_only=True)
class Fields:
    """The fields of chunks."""

    chunk_length: int | None = None
    chunk_context: int = 0
    chunk_pad: int = 0


class Chunks(Stage):
    """Describe chunks, into which `cut` cuts a clip before it cuts frames."""

    Fields = Fields
    checks: ClassVar = {
        "chunk_length": optional("Use None unless each chunk is transformed by itself."),
        "chunk_context": at_least_0,
        "chunk_pad": at_least_0,
    }
    idle = (("chunk_length", None, ("chunk_context", "chunk_pad")),)

    def check(self, f: Values, defaults: Mapping[str, Any]) -> None:
        if f["chunk_length"] is None:
            return
        plain = dict.fromkeys(("filterbank", "log", "n_mfcc", "energy", "normalize", "patch_frames", "fixed_frames"))
        plain |= {**PLAIN_PADDING, "drop_last": 0, "stack": 1, "valid_frames": "all"}
        plain |= {"deltas": 0, "one_hot": False, "frames_multiple": 1, "transform": "dft"}
        for name, value in plain.items():
            if f[name] != value:
                raise ValueError(message(name, f"{value} with chunk_length", f[name], "Leave one of them out."))
        whole = f["chunk_length"] + f["chunk_context"] + f["chunk_pad"]
        if whole < f["frame_length"]:
            rule = f"long enough, with its context and pad, for a frame of {f['frame_length']} samples"
            raise ValueError(message("chunk_length", rule, f["chunk_length"], "Raise it, or lower n_fft."))

    def is_on(self, recipe: Recipe) -> bool:
        return False  # a part of the spectrum


def frames_in_chunk(recipe: Recipe) -> int:
    """Return the number of frames cut from a chunk with its context and its pad."""
    return int(num_frames(recipe.cut[0] + recipe.chunk_pad, recipe.frame_length, recipe.hop_length))


def cut(recipe: Recipe, x: Any, ends: bool = True) -> Any:
    """Cut padded samples into `(..., frames, frame_length)`, or `(..., chunks, frames, frame_length)`.

    `ends` tells whether the clip ends with these samples. If so, the end is padded and final frames may be removed.
    """
    x = frames.frame(x, *recipe.cut, recipe.pad_end and ends)
    if recipe.drop_last and ends:
        x = x[..., : -recipe.drop_last, :]
    return x if recipe.chunk_length is None else frames_of(recipe, x)


def frames_of(recipe: Recipe, x: Any) -> Any:
    """Cut chunks `(..., chunks, samples)` into `(..., chunks, frames, frame_length)`."""
    size, hop = recipe.frame_length, recipe.hop_length
    found = current().frames_of_chunks(x, recipe.chunk_pad, size, hop)
    return frames.frame(frames.pad(x, 0, recipe.chunk_pad, "reflect"), size, hop) if found is None else found
