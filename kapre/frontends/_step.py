"""What a stream computes, without the layer: one compiled step serves every stream of the same recipe."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from keras import ops

from kapre import executor
from kapre.ops import features, waves
from kapre.ops.chunks import Cutter, State, check_chunk
from kapre.ops.counts import num_frames
from kapre.ops.fourier import is_lowering
from kapre.ops.host import TracedError, goes_by_host, in_pieces, library, on_host
from kapre.ops.kernels import active as kernel
from kapre.recipe import Recipe


@dataclass(frozen=True)
class Step:
    """Compute a step of a stream as a pure function of samples, state and weights.

    Attributes:
        recipe: What to compute.
        chunk_samples: Samples in every chunk, or None for chunks of any size.
        work_dtype: The dtype of samples and state.
        compute_dtype: The dtype of features.
    """

    recipe: Recipe
    chunk_samples: int | None
    work_dtype: str
    compute_dtype: str

    @cached_property
    def names(self) -> list[str]:
        """What follows the frames and has a state of its own."""
        return ["stacks"] * (self.recipe.stack > 1) + ["patches"] * (self.recipe.patch_frames is not None)

    @cached_property
    def stages(self) -> dict[str, Cutter]:
        """What cuts the samples, and what of `names` the recipe has; nothing for a recipe without a spectrum."""
        recipe = self.recipe
        if recipe.power is None:
            return {}
        size, hop = recipe.cut
        before, behind = recipe.padding
        hold = max(0, recipe.drop_last - behind // hop)
        if recipe.valid_frames == "hops":  # frames that may turn out not to count are held back
            hold = max(hold, (hop - 1 + before - size) // hop + 1)
        cycle = math.lcm(hop, recipe.samples_multiple)
        chunk = self.chunk_samples
        found = {
            "samples": Cutter(size, hop, before, recipe.padded_by, behind, hold=hold, chunk=chunk, cycle=cycle),
        }
        last = found["samples"]
        for name in self.names:
            if name == "stacks":
                front = (recipe.stack - 1) // 2 if recipe.stack_edges == "repeat" else 0
                size, hop = recipe.stack, recipe.stack_hop
            else:
                front, size, hop = 0, recipe.patch_frames or 1, recipe.patch_hop or 1
            fixed = None if last.chunk is None else last.groups
            delay = 0 if last.chunk is None else last.warmup
            last = found[name] = Cutter(size, hop, front, "edge", axis=-2, chunk=fixed, delay=delay, cycle=hop)
        return found

    @property
    def last_stage(self) -> Cutter | None:
        """The stage whose groups are the entries of the features."""
        return list(self.stages.values())[-1] if self.stages else None

    @property
    def latency_samples(self) -> int:
        """Samples from the start of an entry's hop that must be there before the entry is given."""
        if not self.stages:
            return 0
        samples, *later = self.stages.values()
        if self.chunk_samples is not None:
            steps = math.prod(stage.hop for stage in self.stages.values())
            return ([samples, *later][-1].warmup + 1) * steps
        needed = max(samples.size, samples.hop) - samples.left + samples.hold * samples.hop
        hop = samples.hop
        for stage in later:
            needed += hop * (max(stage.size, stage.hop) - 1 - stage.left)
            hop *= stage.hop
        return max(0, needed)

    @property
    def fixed(self) -> bool:
        """Whether every step has the same shapes."""
        return self.chunk_samples is not None

    @property
    def loose(self) -> Step:
        """The step for chunks of any size."""
        return replace(self, chunk_samples=None)

    def loosened(self, state: State) -> State:
        """Return the state that a stream of free chunks would be in."""
        if self.chunk_samples is None:
            return state
        return {**state, **{name: cutter.loosened(state[name]) for name, cutter in self.stages.items()}}

    def initial_state(self, batch_size: int) -> State:
        """Return the state before the first sample."""
        recipe, dtype = self.recipe, self.work_dtype
        state: State = {"last": ops.zeros((batch_size, 1), dtype=dtype)}
        if not self.stages:
            return {**state, "seen": ops.zeros((), dtype="int32")}
        frame = ops.zeros((batch_size, 0, recipe.bands // recipe.stack), dtype=dtype)
        state["samples"] = self.stages["samples"].start(ops.zeros((batch_size, 0), dtype=dtype))
        if recipe.normalize is not None:
            state["running"] = features.running_start(frame)
        stacked = ops.zeros((batch_size, 0, recipe.bands), dtype=dtype)
        for name in self.names:
            state[name] = self.stages[name].start(frame if name == "stacks" else stacked)
        return state

    def seen(self, state: State) -> Any:
        """Return how many samples the stream has taken."""
        return state["samples"]["seen"] if self.stages else state["seen"]

    def __call__(self, x: Any, state: State, weights: dict[str, Any]) -> tuple[Any, State]:
        """Take samples `(batch, time)` of the work dtype; return the features complete now, and the next state."""
        x, following = self._wave(x, state)
        if not self.stages:
            if self.chunk_samples is not None:
                check_chunk(x.shape[1], self.chunk_samples)
            return self._cast(executor.affine(self.recipe, x)), following
        samples = self.stages["samples"]
        span, following["samples"] = samples.push(x, following["samples"])
        y = self._analysed(span, following, weights, real=samples.real(following["samples"]))
        return self._cast(self._over_time(y, following)), following

    def plain(self, x: Any, state: State, weights: dict[str, Any]) -> tuple[Any, State]:
        """Do a step that is not compiled as a whole; on JAX, whose every operation compiles, for few shapes."""
        if not self.fixed and not is_lowering() and goes_by_host(x, state, weights):
            with suppress(TracedError):
                return on_host(lambda x, state: self(x, state, weights), x, state)
        return self(x, state, weights)

    def flushed(self, state: State, weights: dict[str, Any]) -> Any:
        """Do what `ended` does, on JAX for few shapes."""
        if not is_lowering() and goes_by_host(state, weights):
            with suppress(TracedError):
                return on_host(lambda state: self.ended(state, weights), state)
        return self.ended(state, weights)

    def ended(self, state: State, weights: dict[str, Any]) -> Any:
        """Return the features that are left when the sound has ended; the values of the state are read."""
        recipe = self.recipe
        if self.chunk_samples is not None:
            return self.loose.ended(self.loosened(state), weights)
        seen = int(ops.convert_to_numpy(self.seen(state)))
        zeros = recipe.num_samples_used(seen) - seen
        if not self.stages:
            last = library(state["last"]).zeros((state["last"].shape[0], zeros), dtype=self.work_dtype)
            return self._cast(executor.affine(recipe, last))
        state = dict(state)
        y = self._analysed(self.stages["samples"].finish(state["samples"], zeros), state, weights, ends=True)
        invalid = recipe.num_spectra(seen) - recipe.num_valid(seen)
        return self._cast(self._over_time(y, state, invalid=invalid))

    def _wave(self, x: Any, state: State) -> tuple[Any, State]:
        """Do to a chunk what `executor.wave` does to a clip."""
        recipe = self.recipe
        if recipe.input_scale != 1.0:
            x = x * recipe.input_scale
        following = dict(state)
        if not self.stages:
            following["seen"] = state["seen"] + x.shape[1]
        if recipe.preemphasis and recipe.preemphasis_over == "signal" and x.shape[1]:
            before = state["last"]
            if recipe.preemphasis_first == "first":
                before = library(x).where(self.seen(state) == 0, x[:, :1], before)
            following["last"] = library(x).copy(x[:, -1:])  # not a view of samples that the caller may write over
            x = waves.preemphasis(x, recipe.preemphasis, before=before)
        return x, following

    def _analysed(self, span: Any, state: State, weights: dict[str, Any], real: Any = None, ends: bool = False) -> Any:
        """Return the normalized frames of samples; put the statistics that follow into `state`."""
        if library(span) is ops:
            y, running = self.frames(span, state.get("running"), weights, real, ends)
        else:
            recipe = self.recipe
            size, hop = recipe.cut
            count = num_frames(span.shape[-1], size, hop, recipe.pad_end and ends) - (recipe.drop_last if ends else 0)
            step = self.loose

            def piece(part: np.ndarray, running: Any) -> tuple[Any, Any]:
                return _compiled_frames(step, part, running, weights)

            parts, running = in_pieces(piece, span, size, hop, max(0, count), state.get("running"))
            y = np.concatenate(parts, axis=1)
            running = None if running is None else {name: np.asarray(part) for name, part in running.items()}
        if running is not None:
            state["running"] = running
        return y

    def frames(
        self, span: Any, running: Any, weights: dict[str, Any], real: Any = None, ends: bool = False
    ) -> tuple[Any, Any]:
        """Do all that is done to each frame of the samples by itself, and normalize by the frames so far.

        `ends` tells whether the clip does.
        """
        bands, energy = executor.spectra_of(self.recipe, span, **weights, ends=ends)
        y = executor.cepstra(self.recipe, executor.limited(self.recipe, bands), energy)
        if self.recipe.normalize is None:
            return y, None
        return features.normalize_running(y, running, real=real, **executor.normalization(self.recipe))

    def _over_time(self, y: Any, state: State, invalid: int | None = None) -> Any:
        """Do what needs more than one frame at a time, and put the states that follow into `state`.

        `invalid` counts the frames at the end of the clip that do not count; None means that it goes on.
        """
        recipe = self.recipe
        if invalid:
            y = features.fixed(y[:, : max(0, y.shape[1] - invalid)], y.shape[1])
        if "stacks" in self.stages:
            cutter = self.stages["stacks"]
            span, state["stacks"] = cutter.push(y, state["stacks"], invalid is not None)
            y = features.stack(span, cutter.size, cutter.hop, "drop")
            if invalid is not None:
                y = library(y).concatenate([y, self._last_stacks(cutter, state["stacks"])], axis=1)
        y = executor.affine(recipe, y)
        if "patches" in self.stages:
            y, state["patches"] = self.stages["patches"].push(y, state["patches"], invalid is not None)
        return executor.laid_out(recipe, y)

    def _last_stacks(self, cutter: Cutter, state: State) -> Any:
        """Fill up what frames are left, as the recipe says."""
        kept, edges = state["kept"], self.recipe.stack_edges
        waits = "left" in state and state["left"].shape[0]  # for the first frame's repetition: so few are there
        if edges != "repeat" or waits:
            return features.stack(kept if edges != "drop" else kept[:, :0], cutter.size, cutter.hop, edges)
        count = -(-max(0, kept.shape[1] - cutter.left) // cutter.hop)
        filled = features.repeat_edges(kept, 0, cutter.size)
        span = filled[:, : (count - 1) * cutter.hop + cutter.size if count else 0]
        return features.stack(span, cutter.size, cutter.hop, "drop")

    def _cast(self, y: Any) -> Any:
        return y.astype(np.dtype(self.compute_dtype)) if library(y) is np else ops.cast(y, self.compute_dtype)


def _frames(step: Step, span: Any, running: Any, weights: dict[str, Any]) -> tuple[Any, Any]:
    return step.frames(span, running, weights)


_compiled_frames = kernel.compiled(_frames)
