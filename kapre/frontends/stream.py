"""`Stream`: a front end chunk by chunk, with the numbers of the whole clip."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from keras import ops

from kapre import executor
from kapre._checks import count
from kapre.frontends import presets
from kapre.ops import features, waves
from kapre.ops.chunks import Cutter, State, check_chunk, check_state, whole_chunk
from kapre.recipe import Recipe

if TYPE_CHECKING:
    from kapre.frontends.frontend import Frontend


def whole_clip_stages(recipe: Recipe) -> dict[str, dict[str, Any]]:
    """Return what in a recipe needs the whole clip, so that it cannot stream, and what could take its place.

    Args:
        recipe: The recipe.

    Returns:
        From each stage in words to the change of the recipe, for `replace`, that streams; empty for one that does.

    Example:
        ```python
        import kapre
        from kapre.frontends.stream import whole_clip_stages

        assert whole_clip_stages(kapre.frontends.preset("kaldi_fbank").recipe) == {}
        changes = whole_clip_stages(kapre.frontends.preset("whisper").recipe).values()
        assert list(changes) == [{"fixed_samples": None}, {"range_top": 1.5}]
        ```
    """
    found: dict[str, dict[str, Any]] = {}
    if recipe.normalize_samples:
        found["normalize_samples (the clip's mean and variance)"] = {"normalize_samples": False}
    if recipe.fixed_samples is not None:
        found[f"fixed_samples={recipe.fixed_samples} (padding up to a fixed length)"] = {"fixed_samples": None}
    if recipe.log is not None and recipe.dynamic_range is not None and recipe.range_top is None:
        top = {"ln": 3.5, "log10": 1.5, "db": 15.0}[recipe.log]
        found[f"dynamic_range={recipe.dynamic_range:g} below the clip's own maximum"] = {"range_top": top}
    if recipe.normalize is not None and recipe.normalize_over == "utterance":
        found[f"normalize={recipe.normalize!r} over the whole clip"] = {"normalize_over": "running"}
    if recipe.valid_frames != "all" and recipe.stack > 1 and recipe.stack_edges == "repeat":
        words = f"stack_edges='repeat' of the last frame that counts (valid_frames={recipe.valid_frames!r})"
        found[words] = {"stack_edges": "zeros"}
    if recipe.fixed_frames is not None:
        found[f"fixed_frames={recipe.fixed_frames} (padding up to a fixed length)"] = {"fixed_frames": None}
    return found


def _refuse_whole_clip(recipe: Recipe) -> None:
    stages = whole_clip_stages(recipe)
    if not stages:
        return
    entries = [presets.preset(name) for name in presets.list_presets()]
    changes = ", ".join(f"{name}={value!r}" for change in stages.values() for name, value in change.items())
    own = next((f" of {entry.name!r}" for entry in entries if entry.recipe == recipe), "")
    mine = recipe.changed_fields()
    streams = [entry for entry in entries if not whole_clip_stages(entry.recipe)]
    near = max(streams, key=lambda entry: sum(vars(entry.recipe).get(key) == value for key, value in mine.items()))
    raise ValueError(
        f"The recipe{own} cannot be streamed, because it needs the whole clip for {' and for '.join(stages)}. "
        f"Use recipe.replace({changes}), which gives other numbers, or a preset that streams, such "
        f"as {near.name!r}."
    )


class Stream:
    """Compute a front end's features as the sound arrives; `Frontend.stream` makes it.

    Joined along time, what `step` and `flush` return is what the front end gives for the whole clip, however it is cut
    into chunks. The state is a nest of tensors that the caller keeps: it can be stored between requests, and `step` is
    a pure function that compiles.

    Chunks may have any size, also none; a compiled `step` is then traced once for each new pair of chunk and state
    shapes. With `chunk_samples` every shape is fixed: each step takes exactly so many samples and gives
    `frames_per_chunk` entries, of which the first `warmup` of the stream belong to no clip and are to be dropped.

    Args:
        frontend: The front end, whose weights are used, if it has any.
        chunk_samples: Samples in every chunk, or None for chunks of any size.

    Attributes:
        latency_samples: How many samples, counted from the start of an entry's hop (sample `i * hop_length` for frame
            i), must be there before the entry is given: the look-ahead that no implementation avoids. Waiting for a
            chunk to fill comes on top.
        latency_seconds: The same in seconds.
        frames_per_chunk: Entries that a fixed chunk gives; None for chunks of any size.
        warmup: Entries at the start of a fixed stream that belong to no clip; 0 for chunks of any size.

    Raises:
        ValueError: If a stage of the recipe needs the whole clip; the message names it and what streams instead.

    Example:
        ```python
        import numpy as np
        import kapre

        frontend = kapre.Frontend.from_preset("kaldi_fbank")
        x = np.random.default_rng(0).uniform(-1, 1, (1, 16000)).astype("float32")
        stream = frontend.stream()
        state = stream.initial_state(batch_size=1)
        parts = []
        for start in range(0, 16000, 320):
            features, state = stream.step(x[:, start : start + 320], state)
            parts.append(np.asarray(features))
        parts.append(np.asarray(stream.flush(state)))
        assert abs(np.concatenate(parts, axis=1) - np.asarray(frontend(x))).max() < 1e-3
        ```
    """

    def __init__(self, frontend: Frontend, chunk_samples: int | None = None) -> None:
        recipe = frontend.recipe
        _refuse_whole_clip(recipe)
        frontend.build_once((None, None))
        self.frontend, self.recipe = frontend, recipe
        size, hop = recipe.cut
        self._stages: list[Cutter] = []  # samples, and what of `_names` the recipe has
        stacks, patches = recipe.stack > 1, recipe.patch_frames is not None
        self._names = ["stacks"] * stacks + ["patches"] * patches
        self._keys = ["samples", *self._names] if recipe.power is not None else []
        step = recipe.entry_hop
        chunk_samples = whole_chunk(chunk_samples, step, f"{step}, the samples from one entry to the next")
        if recipe.power is not None:
            before, behind = recipe.padding
            hold = max(0, recipe.drop_last - behind // hop)
            if recipe.valid_frames == "hops":  # none is given that may turn out not to count
                hold = max(hold, (hop - 1 + before - size) // hop + 1)
            cycle = math.lcm(hop, recipe.samples_multiple)
            self._stages.append(
                Cutter(size, hop, before, recipe.padded_by, behind, hold=hold, chunk=chunk_samples, cycle=cycle)
            )
            if recipe.stack > 1:
                front = (recipe.stack - 1) // 2 if recipe.stack_edges == "repeat" else 0
                self._add_stage(recipe.stack, recipe.stack_hop, front)
            if recipe.patch_frames is not None:
                self._add_stage(recipe.patch_frames, recipe.patch_hop or 1, 0)
        self.chunk_samples = chunk_samples
        self.latency_samples = self._latency()
        rate = recipe.sample_rate
        self.latency_seconds = None if rate is None else self.latency_samples / rate
        fixed = chunk_samples is not None and bool(self._stages)
        self.frames_per_chunk = self._stages[-1].groups if fixed else None
        self.warmup = self._stages[-1].warmup if fixed else 0
        self._state = self.initial_state()

    def _add_stage(self, size: int, hop: int, front: int) -> None:
        last = self._stages[-1]
        fixed = None if last.chunk is None else last.groups
        delay = 0 if last.chunk is None else last.warmup
        self._stages.append(Cutter(size, hop, front, "edge", axis=-2, chunk=fixed, delay=delay, cycle=hop))

    def _latency(self) -> int:
        if not self._stages:
            return 0
        if self.chunk_samples is not None:
            steps = 1
            for stage in self._stages:
                steps *= stage.hop
            return (self._stages[-1].warmup + 1) * steps
        samples, *later = self._stages
        needed = max(samples.size, samples.hop) - samples.left + samples.hold * samples.hop
        hop = samples.hop
        for stage in later:
            needed += hop * (max(stage.size, stage.hop) - 1 - stage.left)
            hop *= stage.hop
        return max(0, needed)

    def initial_state(self, batch_size: int = 1) -> State:
        """Return the state before the first sample.

        Args:
            batch_size: Clips that are streamed side by side.

        Returns:
            A nest of tensors.
        """
        recipe, dtype = self.recipe, self.frontend.work_dtype
        batch_size = count("batch_size", batch_size, "It is the number of clips.")
        empty = ops.zeros((batch_size, 0), dtype=dtype)
        state: State = {"last": ops.zeros((batch_size, 1), dtype=dtype)}
        if not self._stages:
            return {**state, "seen": ops.zeros((), dtype="int32")}
        frame = ops.zeros((batch_size, 0, recipe.bands // recipe.stack), dtype=dtype)
        state["samples"] = self._stages[0].start(empty)
        if recipe.normalize is not None:
            state["running"] = features.running_start(frame)
        stacked = ops.zeros((batch_size, 0, recipe.bands), dtype=dtype)
        for name, cutter in zip(self._names, self._stages[1:], strict=True):
            state[name] = cutter.start(frame if name == "stacks" else stacked)
        return state

    def step(self, chunk: Any, state: State) -> tuple[Any, State]:
        """Take a chunk of samples; return the features that are complete now, and the next state.

        Args:
            chunk: Samples `(batch, samples)`, floating point.
            state: What `initial_state` or the step before returned.

        Returns:
            The features, in the recipe's layout with as many entries along time as are complete, and the state.

        Raises:
            ValueError: If the chunk has another rank, or another size than `chunk_samples`.
        """
        recipe = self.recipe
        x, following = self._wave(chunk, state)
        if not self._stages:
            if self.chunk_samples is not None:
                check_chunk(x.shape[1], self.chunk_samples)
            return self._cast(executor.affine(recipe, x)), following
        samples, *later = self._stages
        span, following["samples"] = samples.push(x, following["samples"])
        y = self._frames(span, ends=False)
        real = samples.real(following["samples"])
        return self._cast(self._over_time(y, following, later, real)), following

    def flush(self, state: State, rest: Any = None) -> Any:
        """Return the features that are left when the sound has ended; the state is used up.

        Args:
            state: What the last step returned. Its values are read, so this is not for a compiled function.
            rest: The last samples `(batch, samples)`, where they fill no chunk of `chunk_samples`.

        Returns:
            The features, in the recipe's layout.
        """
        self._check(state)
        if self.chunk_samples is not None:
            loose = Stream(self.frontend)
            loosened = {
                name: cutter.loosened(state[name]) for name, cutter in zip(self._keys, self._stages, strict=True)
            }
            return loose.flush({**state, **loosened}, rest)
        if rest is not None:
            y, state = self.step(rest, state)
            axis = self.recipe.time_axis(len(y.shape))
            return ops.concatenate([y, self.flush(state)], axis=axis)
        recipe = self.recipe
        seen = int(ops.convert_to_numpy(self._seen(state)))
        zeros = recipe.num_samples_used(seen) - seen
        if not self._stages:
            last = ops.zeros((state["last"].shape[0], zeros), dtype=self.frontend.work_dtype)
            return self._cast(executor.affine(recipe, last))
        samples, *later = self._stages
        y = self._frames(samples.finish(state["samples"], zeros))
        invalid = recipe.num_spectra(seen) - recipe.num_valid(seen)
        return self._cast(self._over_time(y, dict(state), later, invalid=invalid))

    def _check(self, state: Any, clips: Any = None) -> None:
        check_state(state, self._state, clips, lambda state: state["last"].shape[0])

    def _seen(self, state: State) -> Any:
        return state["samples"]["seen"] if self._stages else state["seen"]

    def _wave(self, chunk: Any, state: State) -> tuple[Any, State]:
        """Do to a chunk what `executor.wave` does to a clip."""
        recipe = self.recipe
        chunk = chunk if hasattr(chunk, "dtype") else ops.convert_to_tensor(chunk)
        self.frontend.output_shape_and_dtype(tuple(chunk.shape))  # refuses another rank
        self._check(state, chunk.shape[0])
        x = self.frontend.real_input(chunk)
        if recipe.input_scale != 1.0:
            x = x * recipe.input_scale
        following = dict(state)
        if not self._stages:
            following["seen"] = state["seen"] + x.shape[1]
        if recipe.preemphasis and recipe.preemphasis_over == "signal" and x.shape[1]:
            before = state["last"]
            if recipe.preemphasis_first == "first":
                before = ops.where(self._seen(state) == 0, x[:, :1], before)
            following["last"] = x[:, -1:]
            x = waves.preemphasis(x, recipe.preemphasis, before=before)
        return x, following

    def _frames(self, span: Any, ends: bool = True) -> Any:
        """Do all that is done to each frame of the samples by itself; `ends` tells whether the clip does."""
        weights = self.frontend.window_weight, self.frontend.bank_weight
        bands, energy = executor.spectra_of(self.recipe, span, *weights, ends=ends)
        return executor.cepstra(self.recipe, executor.limited(self.recipe, bands), energy)

    def _over_time(
        self, y: Any, state: State, cutters: list[Cutter], real: Any = None, invalid: int | None = None
    ) -> Any:
        """Do what needs more than one frame at a time, and put the states that follow into `state`.

        `invalid` counts the frames at the end of the clip that do not count; None means that it goes on.
        """
        recipe = self.recipe
        later = dict(zip(self._names, cutters, strict=True))
        if recipe.normalize is not None:
            arguments = executor.normalization(recipe)
            y, state["running"] = features.normalize_running(y, state["running"], real=real, **arguments)
        if invalid:
            y = features.fixed(y[:, : max(0, y.shape[1] - invalid)], y.shape[1])
        if "stacks" in later:
            cutter = later["stacks"]
            span, state["stacks"] = cutter.push(y, state["stacks"], invalid is not None)
            y = features.stack(span, cutter.size, cutter.hop, "drop")
            if invalid is not None:
                y = ops.concatenate([y, self._last_stacks(cutter, state["stacks"])], axis=1)
        y = executor.affine(recipe, y)
        if "patches" in later:
            y, state["patches"] = later["patches"].push(y, state["patches"], invalid is not None)
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
        return ops.cast(y, self.frontend.compute_dtype)
