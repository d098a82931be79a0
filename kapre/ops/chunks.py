"""Cut a stream into overlapping groups, chunk by chunk: samples into frames, frames into stacks and patches.

A state is a dict of tensors. In the free mode their shapes tell how much waits, so that chunks may have any size and a
compiled step is traced anew for new shapes; with a fixed chunk size shapes never change, and the stream starts with
`warmup` groups that belong to no clip.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from keras import ops

from kapre._checks import message, positive_int
from kapre.ops import frames
from kapre.ops.counts import num_frames
from kapre.ops.host import library

State = dict[str, Any]


def whole_chunk(chunk_samples: Any, step: int, named: str) -> int | None:
    """Return the samples in every chunk, or None; refuse what is not whole steps, `named` so."""
    if chunk_samples is None:
        return None
    size = positive_int("chunk_samples", chunk_samples, f"Use a multiple of {step}.")
    if size % step:
        better = step * max(1, round(size / step))
        raise ValueError(message("chunk_samples", f"a multiple of {named}", size, f"Use {better}."))
    return size


def check_state(state: Any, wanted: State, clips: Any, given: Any) -> None:
    """Refuse a state that no step of this stream gave, or one of another number of clips.

    `wanted` is a state of this stream, `clips` how many clips there are in a chunk, `given` in the state.
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
    """Return the names of a state's tensors."""
    found: list[str] = []
    for name, part in sorted(state.items()):
        found += _parts(part, f"{of}{name}.") if isinstance(part, dict) else [of + name]
    return found


def check_chunk(samples: int, wanted: int) -> None:
    """Refuse a chunk of another size than all are to have."""
    if samples != wanted:
        raise ValueError(message("chunk", f"of {wanted} samples, as chunk_samples says", samples, "Pad or buffer it."))


def _as(x: Any, like: Any) -> Any:
    return x.astype(like.dtype) if library(x) is np else ops.cast(x, like.dtype)


@dataclass(frozen=True)
class Cutter:
    """Cut the items along an axis into groups of `size`, `hop` apart, after `left` padded ones.

    Attributes:
        size: Items in a group.
        hop: Items from one group to the next.
        left: Items padded in front of the first.
        mode: How: a mode of `numpy.pad`.
        right: Items padded behind the last, in the same mode: how many last ones a stream has to keep for it.
        axis: The axis of the items, counted from the end.
        hold: Groups held back until the end, which may leave them out.
        chunk: Items in every chunk, or None for chunks of any size.
        delay: Items at the start of a fixed stream that belong to no clip.
        cycle: A number of items, whole hops, whose multiples may be taken off the count of items seen.
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
        """Groups that a fixed chunk gives."""
        return (self.chunk or 0) // self.hop

    @property
    def warmup(self) -> int:
        """Groups at the start of a fixed stream that belong to no clip."""
        # The last group of a chunk ends with it, and so does its hop where groups lie apart; mirrored padding needs to
        # see as far ahead as it reaches back.
        ahead = {"reflect": 2 * self.left + 1, "symmetric": 2 * self.left, "edge": self.left + 1}.get(self.mode, 0)
        needed = max(0, self.size - self.hop) + max(0, ahead - self.size if self.left else 0)
        return max(0, -(-(needed + self.delay - self.left) // self.hop) + self.hold)

    @property
    def _before(self) -> int:
        """Items before a fixed chunk that its groups reach back to."""
        return self.left - self.delay + self.warmup * self.hop

    @property
    def _kept(self) -> int:
        return max(self._before, self.right + 1 if self.mode != "constant" else 0)

    def start(self, empty: Any) -> State:
        """Return the state before the first item; `empty` is a tensor of none of them."""
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
        """Take a chunk; return the items that the new groups span (to be cut by the caller), and the next state.

        Where groups lie apart, one is given when its whole hop is there, or nothing follows (`ended`).
        """
        length = items.shape[self.axis]
        seen = state["seen"] + length
        # A count of 32 bits: before it is full, so many whole hops are taken off that nothing else changes.
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
        """Put padding in place of what lies before the first item."""
        if self.left == 0 or self.mode == "constant":
            return near
        length = near.shape[self.axis]
        first = seen - self.delay - length  # the place in the clip of the first item here
        lib = library(near)
        places = first + lib.arange(length, dtype="int32")
        origin = {"reflect": -places, "symmetric": -1 - places, "edge": 0 * places}[self.mode]
        sources = lib.where(places < 0, origin, places) - first
        return lib.take(near, lib.minimum(lib.maximum(sources, 0), length - 1), axis=self.axis)

    def real(self, state: State) -> Any:
        """Tell which groups of the last fixed chunk belong to the clip, `(groups, 1)`; None for chunks of any size."""
        if self.chunk is None:
            return None
        first = state["seen"] // self.hop - self.groups - self.warmup
        return (first + ops.arange(self.groups, dtype="int32") >= 0)[:, None]

    def finish(self, state: State, zeros: int = 0) -> Any:
        """Return the items of the groups that are left, `zeros` added and padded, to be cut by the caller."""
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
        """The cutter for chunks of any size."""
        return replace(self, chunk=None, delay=0)

    def loosened(self, state: State) -> State:
        """Return the state that a stream of free chunks would be in."""
        if self.chunk is None:
            return state
        seen = int(ops.convert_to_numpy(state["seen"]))
        real = max(0, seen - self.delay)
        given: State = {"seen": state["seen"]}
        if self.right and self.mode != "constant":
            given["tail"] = self._last(state["last"], min(real, self.right + 1))
        done = max(0, seen // self.hop - self.warmup)
        if self.left and self.mode != "constant":
            if real <= self.left and done == 0:
                waiting = library(state["last"]).zeros((self.left,), dtype="int32")
                return {**given, "left": waiting, "kept": self._last(state["last"], real)}
            given["left"] = library(state["last"]).zeros((0,), dtype="int32")
        near = self._mirrored(self._last(state["last"], self._before), seen)
        return {**given, "kept": self._last(near, real - (done * self.hop - self.left))}

    def padded(self, items: Any, left: int, right: int) -> Any:
        """Pad a clip that is whole at that end."""
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
