"""Computation of a stream, separate from the layer. One compiled step serves every stream of the same recipe."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from keras import ops

from kapre import stages
from kapre.ops.chunks import Cutter, State, check_chunk
from kapre.ops.counts import num_frames
from kapre.ops.host import TracedError, goes_by_host, in_pieces, library, mapped, on_host
from kapre.ops.kernels import compiled
from kapre.recipe import Recipe
from kapre.stages import Call


@dataclass(frozen=True)
class Step:
    """Compute a step of a stream as a pure function of samples, state and weights.

    Attributes:
        recipe: The recipe to compute.
        chunk_samples: Number of samples in every chunk, or None for chunks of any size.
        work_dtype: The dtype of samples and state.
        compute_dtype: The dtype of the features.
    """

    recipe: Recipe
    chunk_samples: int | None
    work_dtype: str
    compute_dtype: str

    @cached_property
    def rate_cutter(self) -> Cutter | None:
        """Return what cuts the samples for their resampling, if there is one."""
        recipe = self.recipe
        return stages.RATE.cutter(recipe, self.chunk_samples) if stages.RATE.is_on(recipe) else None

    @property
    def delay(self) -> int:
        """Return how many resampled samples at the start of a fixed stream belong to no clip."""
        return 0 if self.rate_cutter is None or not self.fixed else self.rate_cutter.warmup * self._ratio[1]

    @property
    def own_chunk(self) -> int | None:
        """Return the number of samples in every chunk after the resampling."""
        old, new = self._ratio
        return None if self.chunk_samples is None else self.chunk_samples // old * new

    @property
    def _ratio(self) -> tuple[int, int]:
        return stages.RATE.ratio(self.recipe)

    @cached_property
    def _resampled(self) -> Recipe:
        """Return the recipe for samples at its own rate."""
        return self.recipe if self.rate_cutter is None else self.recipe.replace(input_rate=None)

    @cached_property
    def cutters(self) -> dict[str, Cutter]:
        """Return what cuts the samples, and then the frames, by the name of its state. Empty without a spectrum."""
        recipe = self.recipe
        if recipe.power is None:
            return {}
        size, hop = recipe.cut
        before, behind = recipe.padding
        hold = max(0, recipe.drop_last - behind // hop)
        if recipe.valid_frames == "hops":  # hold back frames that may turn out to be invalid
            hold = max(hold, (hop - 1 + before - size) // hop + 1)
        cycle = math.lcm(hop, recipe.samples_multiple)
        chunk, delay = self.own_chunk, self.delay
        found = {
            "samples": Cutter(
                size, hop, before, recipe.padded_by, behind, hold=hold, chunk=chunk, delay=delay, cycle=cycle
            ),
        }
        last = found["samples"]
        for name, stage in stages.CUTTERS.items():
            if stage.is_on(recipe):
                fixed = None if last.chunk is None else last.groups
                last = found[name] = stage.cutter(recipe, fixed, 0 if fixed is None else last.warmup)
        return found

    @property
    def entries(self) -> tuple[int, int] | None:
        """Return how many entries a fixed chunk gives, and how many at the start belong to no clip.

        None for chunks of any size.
        """
        if self.chunk_samples is None:
            return None
        if self.cutters:
            last = list(self.cutters.values())[-1]
            return last.groups, last.warmup
        return self.own_chunk or 0, self.delay

    def entries_returned(self, state: State) -> int:
        """Return how many entries the steps of a fixed stream have returned. The values of the state are read."""
        assert self.entries is not None
        steps = int(ops.convert_to_numpy(self.seen(state))) // (self.own_chunk or 1)
        return steps * self.entries[0]

    @property
    def latency_samples(self) -> int:
        """Return how many samples of the clip, from an entry's hop on, must arrive before the entry is returned."""
        old, new = self._ratio
        hop = self.recipe.entry_hop
        if self.entries is not None:
            return -(-(self.entries[1] + 1) * hop * old // new)
        needed = self._needed
        if self.rate_cutter is None:
            return needed
        # An entry needs whole periods of the resampling, and begins anywhere in one, in steps of `unit`.
        unit = math.gcd(hop, new)
        needed = -(-max(1, needed) // unit) * unit
        return -(-(needed + new - unit) * old // new) + stages.RATE.reach(self.recipe)

    @property
    def _needed(self) -> int:
        """Return how many resampled samples an entry needs from its hop on, in a stream with any chunks."""
        if not self.cutters:
            return 0
        samples, *later = self.cutters.values()
        needed = max(samples.size, samples.hop) - samples.left + samples.hold * samples.hop
        hop = samples.hop
        for cutter in later:
            needed += hop * (max(cutter.size, cutter.hop) - 1 - cutter.left)
            hop *= cutter.hop
        return max(0, needed)

    @property
    def fixed(self) -> bool:
        """Return whether every step has the same shapes."""
        return self.chunk_samples is not None

    @property
    def loose(self) -> Step:
        """Return the step for chunks of any size."""
        return replace(self, chunk_samples=None)

    def loosened(self, state: State) -> State:
        """Return the corresponding state of a stream with chunks of any size."""
        if self.chunk_samples is None:
            return state
        cutters = self._all_cutters
        if not self.cutters:  # the count of these samples includes those before the clip
            state = {**state, "seen": ops.maximum(state["seen"] - self.delay, 0)}
        return {**state, **{name: cutter.loosened(state[name]) for name, cutter in cutters.items()}}

    @property
    def _all_cutters(self) -> dict[str, Cutter]:
        return self.cutters if self.rate_cutter is None else {"rate": self.rate_cutter, **self.cutters}

    def initial_state(self, batch_size: int) -> State:
        """Return the state before the first sample."""
        recipe, dtype = self.recipe, self.work_dtype
        state: State = {"last": ops.zeros((batch_size, 1), dtype=dtype)}
        if self.rate_cutter is not None:
            state["rate"] = self.rate_cutter.start(ops.zeros((batch_size, 0), dtype=dtype))
        if not self.cutters:
            return {**state, "seen": ops.zeros((), dtype="int32")}
        samples, *names = self.cutters
        state[samples] = self.cutters[samples].start(ops.zeros((batch_size, 0), dtype=dtype))
        for stage in stages.OF_FRAMES:
            state |= stage.start(recipe, self._frames_of(recipe, batch_size, "first")) if stage.is_on(recipe) else {}
        for name in names:
            state[name] = self.cutters[name].start(self._frames_of(recipe, batch_size, name))
        return state

    def _frames_of(self, recipe: Recipe, batch_size: int, name: str) -> Any:
        """Return no frame `(batch, 0, values)` of those that a part of the state takes."""
        values = recipe.bands // (recipe.stack * (1 + recipe.deltas))
        wide = {stages.SECOND_DELTAS.state: 2 * values, "stacks": recipe.bands // recipe.stack, "patches": recipe.bands}
        return ops.zeros((batch_size, 0, wide.get(name, values)), dtype=self.work_dtype)

    def seen(self, state: State) -> Any:
        """Return the number of samples that the stream has received and resampled."""
        return state["samples"]["seen"] if self.cutters else state["seen"]

    def __call__(self, x: Any, state: State, weights: dict[str, Any]) -> tuple[Any, State]:
        """Process samples `(batch, time)` of the work dtype. Return the completed features and the next state."""
        following = dict(state)
        x = stages.run(self.recipe, x, self._call(following), (stages.RATE,))
        return self._of_resampled(x, following, weights)

    def _call(self, state: State) -> Call:
        return Call(state=state, seen=self.seen(state), delay=self.delay, cutters=self._all_cutters)

    def _of_resampled(self, x: Any, state: State, weights: dict[str, Any]) -> tuple[Any, State]:
        """Process samples at the rate of the recipe."""
        following = dict(state)
        x = stages.run(self.recipe, x, self._call(following), stages.AT_OWN_RATE)
        if not self.cutters:
            if self.chunk_samples is not None:
                check_chunk(x.shape[1], self.own_chunk or 0)
            following["seen"] = state["seen"] + x.shape[1]
            return self._entries(x, following), following
        samples = self.cutters["samples"]
        span, following["samples"] = samples.push(x, following["samples"])
        y = self._analysed(span, following, weights, real=samples.real(following["samples"]))
        return self._entries(y, following), following

    def plain(self, x: Any, state: State, weights: dict[str, Any]) -> tuple[Any, State]:
        """Run a step that is not compiled as a whole. On JAX, which compiles every operation, use few shapes."""
        if not self.fixed and goes_by_host(x, state, weights):
            with suppress(TracedError):
                return on_host(lambda x, state: self(x, state, weights), x, state)
        return self(x, state, weights)

    def flushed(self, state: State, weights: dict[str, Any]) -> Any:
        """Run `ended`, with few shapes on JAX."""
        if goes_by_host(state, weights):
            with suppress(TracedError):
                return on_host(lambda state: self.ended(state, weights), state)
        return self.ended(state, weights)

    def ended(self, state: State, weights: dict[str, Any]) -> Any:
        """Return the remaining features after the end of the sound. The values of the state are read."""
        if self.chunk_samples is not None:
            return self.loose.ended(self.loosened(state), weights)
        if self.rate_cutter is None:
            return self._ended(state, weights)
        rest = stages.RATE.rest(self.recipe, self._call(state))
        y, state = self._of_resampled(rest, state, weights)
        last = self._ended(state, weights)
        return library(last).concatenate([y, last], axis=self.recipe.time_axis(len(last.shape)))

    def _ended(self, state: State, weights: dict[str, Any]) -> Any:
        """Return the remaining features after the last resampled sample."""
        recipe = self._resampled
        seen = int(ops.convert_to_numpy(self.seen(state)))
        state = dict(state)
        if not self.cutters:
            zeros = recipe.num_frames(seen) - seen
            last = library(state["last"]).zeros((state["last"].shape[0], zeros), dtype=self.work_dtype)
            return self._entries(last, state)
        zeros = recipe.num_samples_used(seen) - seen
        y = self._analysed(self.cutters["samples"].finish(state["samples"], zeros), state, weights, ends=True)
        invalid = recipe.num_spectra(seen) - recipe.num_valid(seen)
        total, valid = (recipe.num_stacks(count(seen)) for count in (recipe.num_spectra, recipe.num_valid))
        return self._entries(y, state, invalid, total, valid)

    def _carried(self, state: State) -> State:
        """Return the part of a state that belongs to the stages of single frames."""
        return {name: part for name, part in state.items() if name not in ("last", "seen", "rate", *self.cutters)}

    def _analysed(self, span: Any, state: State, weights: dict[str, Any], real: Any = None, ends: bool = False) -> Any:
        """Return the frames of samples after the stages of single frames, and write their next states into `state`."""
        if library(span) is ops:
            y, carried = self.frames(span, self._carried(state), weights, real, ends)
        else:
            recipe = self.recipe
            size, hop = recipe.cut
            count = num_frames(span.shape[-1], size, hop, recipe.pad_end and ends) - (recipe.drop_last if ends else 0)
            step = self.loose

            def piece(part: np.ndarray, carried: State) -> tuple[Any, State]:
                return _compiled_frames(step, part, carried, weights)

            parts, carried = in_pieces(piece, span, size, hop, max(0, count), self._carried(state))
            y = np.concatenate(parts, axis=1)
            carried = mapped(np.asarray, carried)
        state.update(carried)
        return y

    def frames(
        self, span: Any, carried: State, weights: dict[str, Any], real: Any = None, ends: bool = False
    ) -> tuple[Any, State]:
        """Run the stages of single frames, which take and return what they have `carried` from the frames before.

        `ends` tells whether the clip ends with these samples.
        """
        call = Call(**weights, ends=ends, real=real, state=dict(carried))
        return stages.run(self.recipe, span, call, stages.OF_FRAMES), call.state or {}

    def _entries(
        self,
        y: Any,
        state: State,
        invalid: int | None = None,
        total: int | None = None,
        valid: int | None = None,
    ) -> Any:
        """Run the stages over several frames, and write their next states into `state`.

        `invalid` is the number of invalid frames at the end of the clip, and `total` the number of its stacks, of which
        `valid` hold a valid frame. None means that the clip continues.
        """
        call = Call(state=state, invalid=invalid, total=total, valid=valid, cutters=self.cutters)
        return self._cast(stages.run(self.recipe, y, call, stages.OF_ENTRIES))

    def _cast(self, y: Any) -> Any:
        return y.astype(np.dtype(self.compute_dtype)) if library(y) is np else ops.cast(y, self.compute_dtype)


def _frames(step: Step, span: Any, carried: State, weights: dict[str, Any]) -> tuple[Any, State]:
    return step.frames(span, carried, weights)


_compiled_frames = compiled(_frames)
