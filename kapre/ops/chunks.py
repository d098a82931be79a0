"""Cut a stream into overlapping groups, chunk by chunk: samples into frames, frames into stacks and patches.

A state is a dict of tensors. Without a fixed chunk size, the shapes of the tensors show how much is waiting. Chunks may
then have any size, and a compiled step is traced again for new shapes. With a fixed chunk size, shapes never change,
and the stream starts with `warmup` groups that belong to no clip.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
from keras import ops

from kapre._checks import message, positive_int
from kapre.ops import frames
from kapre.ops.counts import num_frames
from kapre.ops.host import library

State = dict[str, Any]


def whole_chunk(chunk_samples: Any, step: int, named: str) -> int | None:
    """Return the number of samples in every chunk, or None. Refuse one that is not a multiple of `step`.

    `named` is the name of the step in the error message.
    """
    if chunk_samples is None:
        return None
    size = positive_int("chunk_samples", chunk_samples, f"Use a multiple of {step}.")
    if size % step:
        better = step * max(1, round(size / step))
        raise ValueError(message("chunk_samples", f"a multiple of {named}", size, f"Use {better}."))
    return size


def check_state(state: Any, wanted: State, clips: Any, given: Any) -> None:
    """Refuse a state that does not come from this stream, or that has another number of clips.

    `wanted` is a state of this stream. `clips` is the number of clips in a chunk, and `given` returns that of a state.
    """
    if not isinstance(state, dict) or _parts(state) != _parts(wanted):
        found = ", ".join(_parts(state)) if isinstance(state, dict) else state
        rule = f"of this stream, which holds {', '.join(_parts(wanted))}"
        raise ValueError(message("state", rule, found, "Start with stream.initial_state(batch_size)."))
    if None not in (clips, given(state)) and clips != given(state):
        rule = f"of {clips} clips, as the chunk is"
        remedy = f"Start with stream.initial_state(batch_size={clips})."
        raise ValueError(message("state", rule, given(state), remedy))


def _parts(state: State, of: str = "") -> list[str]:
    """Return the names of the tensors in a state."""
    found: list[str] = []
    for name, part in sorted(state.items()):
        found += _parts(part, f"{of}{name}.") if isinstance(part, dict) else [of + name]
    return found


def check_chunk(samples: int, wanted: int) -> None:
    """Refuse a chunk whose size differs from the fixed size."""
    if samples != wanted:
        raise ValueError(message("chunk", f"of {wanted} samples, as chunk_samples says", samples, "Pad or buffer it."))


def after_warmup(y: Any, axis: int, warmup: int, returned: int) -> Any:
    """Put the zeros of the warm-up in front of the last entries of a stream whose steps returned fewer entries."""
    missing = warmup - returned
    if missing <= 0:
        return y
    shape = list(y.shape)
    shape[axis] = missing
    return ops.concatenate([ops.zeros(shape, dtype=keras.backend.standardize_dtype(y.dtype)), y], axis=axis)


def _as(x: Any, like: Any) -> Any:
    return x.astype(like.dtype) if library(x) is np else ops.cast(x, like.dtype)


@dataclass(frozen=True)
class Cutter:
    """Cut the items along an axis into groups of `size`, `hop` apart, after `left` padded items.

    Attributes:
        size: Number of items in a group.
        hop: Number of items from one group to the next.
        left: Number of items padded before the first.
        mode: How to pad: a mode of `numpy.pad`.
        right: Number of items padded after the last, in the same mode. It determines how many last items a stream
            keeps.
        axis: The axis of the items, counted from the end.
        hold: Number of groups held back until the end, where they may be dropped.
        chunk: Number of items in every chunk, or None for chunks of any size.
        delay: Number of items at the start of a fixed stream that belong to no clip.
        cycle: A number of items, in whole hops. Its multiples may be subtracted from the count of items seen.
    """

    size: int
    hop: int
    left: int = 0
    mode: str = "constant"
    right: int = 0
    axis: int = -1
    hold: int = 0
    chunk: int | None = None
    delay: int = 0
    cycle: int = 1

    @property
    def groups(self) -> int:
        """Return the number of groups that a fixed chunk gives."""
        return (self.chunk or 0) // self.hop

    @property
    def warmup(self) -> int:
        """Return the number of groups at the start of a fixed stream that belong to no clip."""
        # The last group of a chunk ends with the chunk, and so does its hop where groups do not overlap. Mirrored
        # padding must look as far ahead as it reaches back.
        ahead = {"reflect": 2 * self.left + 1, "symmetric": 2 * self.left, "edge": self.left + 1}.get(self.mode, 0)
        needed = max(0, self.size - self.hop) + max(0, ahead - self.size if self.left else 0)
        return max(0, -(-(needed + self.delay - self.left) // self.hop) + self.hold)

    @property
    def _before(self) -> int:
        """Return the number of items before a fixed chunk that its groups include."""
        return self.left - self.delay + self.warmup * self.hop

    @property
    def _kept(self) -> int:
        return max(self._before, self.right + 1 if self.mode != "constant" else 0)

    def start(self, empty: Any) -> State:
        """Return the state before the first item. `empty` is a tensor with 0 items."""
        state = {"seen": ops.zeros((), dtype="int32")}
        if self.chunk is not None:
            return {**state, "last": self._zeros(empty, self._kept)}  # no `kept`: the two kinds of stream differ
        if self.left == 0 or self.mode == "constant":
            state["kept"] = self._zeros(empty, self.left)
        else:
            state |= {"kept": empty, "left": ops.zeros((self.left,), dtype="int32")}
        if self.right and self.mode != "constant":
            state["tail"] = empty
        return state

    def push(self, items: Any, state: State, ended: bool = False) -> tuple[Any, State]:
        """Process a chunk. Return the items that the new groups span (the caller cuts them) and the next state.

        If groups do not overlap, a group is returned when its whole hop has arrived or when the stream has `ended`.
        """
        length = items.shape[self.axis]
        seen = state["seen"] + length
        # The count has 32 bits. Before it overflows, subtract a number of whole hops that changes nothing else.
        seen = seen - _as(seen >= 2**30, seen) * (2**29 // self.cycle * self.cycle)
        if self.chunk is not None:
            check_chunk(length, self.chunk)
            return self._push_fixed(items, state, seen)
        kept = library(items).concatenate([state["kept"], items], axis=self.axis)
        following: State = {"seen": seen}
        if "tail" in state:
            tail = library(items).concatenate([state["tail"], items], axis=self.axis)
            following["tail"] = self._last(tail, min(tail.shape[self.axis], self.right + 1))
        if "left" in state:
            waits = state["left"].shape[0]
            if waits and kept.shape[self.axis] > self.left:
                kept, waits = self.padded(kept, self.left, 0), 0
            following["left"] = state["left"][:waits]
            if waits:
                return self._slice(kept, 0, 0), {**following, "kept": kept}
        length = kept.shape[self.axis]
        count = num_frames(length, self.size, self.hop) - self.hold
        if not ended:
            count = min(count, length // self.hop)
        if count <= 0:
            return self._slice(kept, 0, 0), {**following, "kept": kept}
        span = self._slice(kept, 0, (count - 1) * self.hop + self.size)
        return span, {**following, "kept": self._slice(kept, count * self.hop, length)}

    def _push_fixed(self, items: Any, state: State, seen: Any) -> tuple[Any, State]:
        whole = ops.concatenate([state["last"], items], axis=self.axis)
        length = whole.shape[self.axis]
        near = self._mirrored(self._last(whole, self._before + items.shape[self.axis]), seen)
        span = self._slice(near, 0, (self.groups - 1) * self.hop + self.size)
        return span, {"seen": seen, "last": self._slice(whole, length - self._kept, length)}

    def _mirrored(self, near: Any, seen: Any) -> Any:
        """Replace the items before the first one by padding."""
        if self.left == 0 or self.mode == "constant":
            return near
        length = near.shape[self.axis]
        first = seen - self.delay - length  # the position in the clip of the first item here
        lib = library(near)
        places = first + lib.arange(length, dtype="int32")
        origin = {"reflect": -places, "symmetric": -1 - places, "edge": 0 * places}[self.mode]
        sources = lib.where(places < 0, origin, places) - first
        return lib.take(near, lib.minimum(lib.maximum(sources, 0), length - 1), axis=self.axis)

    def real(self, state: State) -> Any:
        """Tell which groups of the last fixed chunk belong to the clip, `(groups, 1)`. None for chunks of any size."""
        if self.chunk is None:
            return None
        first = state["seen"] // self.hop - self.groups - self.warmup
        return (first + ops.arange(self.groups, dtype="int32") >= 0)[:, None]

    def finish(self, state: State, zeros: int = 0) -> Any:
        """Return the items of the remaining groups, with `zeros` added and padded. The caller cuts them."""
        state = self.loosened(state)
        kept = self._add_zeros(state["kept"], zeros)
        if "left" in state and state["left"].shape[0]:
            return self.padded(kept, self.left, self.right)
        if not self.right:
            return kept
        if self.mode == "constant":
            return self._add_zeros(kept, self.right)
        tail = self.padded(self._add_zeros(state["tail"], zeros), 0, self.right)
        return library(kept).concatenate([kept, self._last(tail, self.right)], axis=self.axis)

    @property
    def loose(self) -> Cutter:
        """Return the cutter for chunks of any size."""
        return replace(self, chunk=None, delay=0)

    def loosened(self, state: State) -> State:
        """Return the corresponding state of a stream with chunks of any size."""
        if self.chunk is None:
            return state
        seen = int(ops.convert_to_numpy(state["seen"]))
        real = max(0, seen - self.delay)
        given: State = {"seen": library(state["last"]).maximum(state["seen"] - self.delay, 0)}
        if self.right and self.mode != "constant":
            given["tail"] = self._last(state["last"], min(real, self.right + 1))
        done = max(0, seen // self.hop - self.warmup)
        if self.left and self.mode != "constant":
            if real <= self.left and done == 0:
                waiting = library(state["last"]).zeros((self.left,), dtype="int32")
                return {**given, "left": waiting, "kept": self._last(state["last"], real)}
            given["left"] = library(state["last"]).zeros((0,), dtype="int32")
        near = self._mirrored(self._last(state["last"], self._before), seen)
        count = real - (done * self.hop - self.left)
        # If the delay is not over, more of the padding waits than a fixed state holds.
        near = self._add_zeros(near, 0, max(0, count - near.shape[self.axis]))
        return {**given, "kept": self._last(near, count)}

    def padded(self, items: Any, left: int, right: int) -> Any:
        """Pad a clip at an end that is complete."""
        length = items.shape[self.axis]
        if length == 0 or self.mode == "constant":
            return self._add_zeros(items, right, left)
        places = frames.sources(np.arange(-left, length + right), length, self.mode)
        return library(items).take(items, places.astype("int32"), axis=self.axis)

    def _slice(self, x: Any, start: int, stop: int) -> Any:
        return x[(..., slice(start, stop), *[slice(None)] * (-1 - self.axis))]

    def _last(self, x: Any, count: int) -> Any:
        return self._slice(x, x.shape[self.axis] - count, x.shape[self.axis])

    def _add_zeros(self, x: Any, right: int, left: int = 0) -> Any:
        widths = [(0, 0)] * len(x.shape)
        widths[self.axis] = (left, right)
        return library(x).pad(x, widths) if left or right else x

    def _zeros(self, empty: Any, count: int) -> Any:
        return self._add_zeros(empty, count)
