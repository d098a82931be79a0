"""Computation of a stream, separate from the layer. One compiled step serves every stream of the same recipe."""

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
    def names(self) -> list[str]:
        """Return the names of the stages that follow the frames and have their own state."""
        return ["stacks"] * (self.recipe.stack > 1) + ["patches"] * (self.recipe.patch_frames is not None)

    @cached_property
    def stages(self) -> dict[str, Cutter]:
        """Return the stage that cuts the samples and the stages in `names`. Empty for a recipe without a spectrum."""
        recipe = self.recipe
        if recipe.power is None:
            return {}
        size, hop = recipe.cut
        before, behind = recipe.padding
        hold = max(0, recipe.drop_last - behind // hop)
        if recipe.valid_frames == "hops":  # hold back frames that may turn out to be invalid
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
        """Return the stage whose groups are the entries of the features."""
        return list(self.stages.values())[-1] if self.stages else None

    @property
    def latency_samples(self) -> int:
        """Return how many samples from the start of an entry's hop must arrive before the entry is returned."""
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
        """Return the number of samples that the stream has received."""
        return state["samples"]["seen"] if self.stages else state["seen"]

    def __call__(self, x: Any, state: State, weights: dict[str, Any]) -> tuple[Any, State]:
        """Process samples `(batch, time)` of the work dtype. Return the completed features and the next state."""
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
        """Run a step that is not compiled as a whole. On JAX, which compiles every operation, use few shapes."""
        if not self.fixed and not is_lowering() and goes_by_host(x, state, weights):
            with suppress(TracedError):
                return on_host(lambda x, state: self(x, state, weights), x, state)
        return self(x, state, weights)

    def flushed(self, state: State, weights: dict[str, Any]) -> Any:
        """Run `ended`, with few shapes on JAX."""
        if not is_lowering() and goes_by_host(state, weights):
            with suppress(TracedError):
                return on_host(lambda state: self.ended(state, weights), state)
        return self.ended(state, weights)

    def ended(self, state: State, weights: dict[str, Any]) -> Any:
        """Return the remaining features after the end of the sound. The values of the state are read."""
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
        """Apply the operations of `executor.wave` to a chunk."""
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
            following["last"] = library(x).copy(x[:, -1:])  # a copy, as the caller may overwrite the samples
            x = waves.preemphasis(x, recipe.preemphasis, before=before)
        return x, following

    def _analysed(self, span: Any, state: State, weights: dict[str, Any], real: Any = None, ends: bool = False) -> Any:
        """Return the normalised frames of samples, and write the next statistics into `state`."""
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
        """Apply all operations on single frames, and normalise by the frames up to the present one.

        `ends` tells whether the clip ends with these samples.
        """
        bands, energy = executor.spectra_of(self.recipe, span, **weights, ends=ends)
        y = executor.cepstra(self.recipe, executor.limited(self.recipe, bands), energy)
        if self.recipe.normalize is None:
            return y, None
        return features.normalize_running(y, running, real=real, **executor.normalization(self.recipe))

    def _over_time(self, y: Any, state: State, invalid: int | None = None) -> Any:
        """Apply the operations that need more than one frame at a time, and write the next states into `state`.

        `invalid` is the number of invalid frames at the end of the clip. None means that the clip continues.
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
        """Complete the stacks of the remaining frames, as the recipe specifies."""
        kept, edges = state["kept"], self.recipe.stack_edges
        waits = "left" in state and state["left"].shape[0]  # too few frames to repeat the first one yet
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
