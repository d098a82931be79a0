"""`Stream`: a front end chunk by chunk, with the numbers of the whole clip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras import ops

from kapre._checks import count, flag
from kapre.frontends import presets
from kapre.frontends._step import Step
from kapre.ops.chunks import State, check_chunk, check_state, whole_chunk
from kapre.ops.compiled import compiled
from kapre.ops.host import as_tensors
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
        compile: Whether `step` runs compiled: `jax.jit`, `tf.function`; on PyTorch, whose compiler takes longer to
            start than it saves, without gradients. State, numbers and `flush` are those of the plain step. The weights
            that training changes are seen. Chunks of any size are compiled for the first few shapes alone.

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

    def __init__(self, frontend: Frontend, chunk_samples: int | None = None, compile: bool = False) -> None:
        recipe = frontend.recipe
        _refuse_whole_clip(recipe)
        frontend._build_once((None, None))
        self.frontend, self.recipe = frontend, recipe
        every = recipe.entry_hop
        chunk_samples = whole_chunk(chunk_samples, every, f"{every}, the samples from one entry to the next")
        self.chunk_samples = chunk_samples
        self.compile = flag("compile", compile)
        self._step = Step(recipe, chunk_samples, frontend.work_dtype, frontend.compute_dtype)
        self.latency_samples = self._step.latency_samples
        rate = recipe.sample_rate
        self.latency_seconds = None if rate is None else self.latency_samples / rate
        last = None if chunk_samples is None else self._step.last_stage
        self.frames_per_chunk = None if last is None else last.groups
        self.warmup = 0 if last is None else last.warmup
        self._state = self.initial_state()

    def initial_state(self, batch_size: int = 1) -> State:
        """Return the state before the first sample.

        Args:
            batch_size: Clips that are streamed side by side.

        Returns:
            A nest of tensors.
        """
        return self._step.initial_state(count("batch_size", batch_size, "It is the number of clips."))

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
        x, state = self._samples(chunk, state), as_tensors(state)
        return (compiled(self._step) if self.compile else self._step.plain)(x, state, self._weights())

    def flush(self, state: State, rest: Any = None) -> Any:
        """Return the features that are left when the sound has ended; the state is used up.

        Args:
            state: What the last step returned. Its values are read, so this is not for a compiled function.
            rest: The last samples `(batch, samples)`, where they fill no chunk of `chunk_samples`.

        Returns:
            The features, in the recipe's layout.
        """
        x = None if rest is None else self._samples(rest, state, whole=False)
        self._check(state)
        weights, state = self._weights(), as_tensors(state)
        if x is None:
            return self._step.flushed(state, weights)
        loose = self._step.loose
        y, state = loose.plain(x, self._step.loosened(state), weights)
        return ops.concatenate([y, loose.flushed(state, weights)], axis=self.recipe.time_axis(len(y.shape)))

    def _samples(self, chunk: Any, state: State, whole: bool = True) -> Any:
        """Return a chunk in the dtype to work in; refuse one, or a state, that is not of this stream."""
        chunk = chunk if hasattr(chunk, "dtype") else ops.convert_to_tensor(chunk)
        if len(chunk.shape) != 2:
            self.frontend.output_shape_and_dtype(tuple(chunk.shape))  # refuses it
        self._check(state, chunk.shape[0])
        if whole and self.chunk_samples is not None:
            check_chunk(chunk.shape[1], self.chunk_samples)
        return self.frontend.real_input(chunk)

    def _weights(self) -> dict[str, Any]:
        """Return the weights as they are now: a compiled step takes them as arguments."""
        return {name: values for name, values in self.frontend._learned_values().items() if values is not None}

    def _check(self, state: Any, clips: Any = None) -> None:
        check_state(state, self._state, clips, lambda state: state["last"].shape[0])
