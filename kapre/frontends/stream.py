"""`Stream`: a front end that runs chunk by chunk and gives the same numbers as for the whole clip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras import ops

from kapre import stages
from kapre._checks import count, flag, message
from kapre._shown import ShownStream
from kapre.frontends import presets
from kapre.frontends._step import Step
from kapre.ops.chunks import State, after_warmup, check_chunk, check_state, whole_chunk
from kapre.ops.compiled import compiled
from kapre.ops.host import as_tensors
from kapre.recipe import Recipe

if TYPE_CHECKING:
    from kapre.frontends.frontend import Frontend


def whole_clip_stages(recipe: Recipe) -> dict[str, dict[str, Any]]:
    """Return the stages of a recipe that need the whole clip and so cannot stream, with their replacements.

    Args:
        recipe: The recipe to examine.

    Returns:
        A mapping from a description of each stage to the recipe changes, for `replace`, that make it stream. Empty if
        the recipe can stream.

    Example:
        ```python
        import kapre
        from kapre.frontends.stream import whole_clip_stages

        assert whole_clip_stages(kapre.frontends.preset("kaldi_fbank").recipe) == {}
        changes = whole_clip_stages(kapre.frontends.preset("whisper").recipe).values()
        assert list(changes) == [{"fixed_samples": None}, {"range_top": 1.5}]
        ```
    """
    return stages.needs_whole_clip(recipe)


def _refuse_whole_clip(recipe: Recipe) -> None:
    found = whole_clip_stages(recipe)
    if not found:
        return
    entries = [presets.preset(name) for name in presets.list_presets()]
    changes = ", ".join(f"{name}={value!r}" for change in found.values() for name, value in change.items())
    name = presets.name_of(recipe)
    own = "" if name is None else f" of {name!r}"
    mine = recipe.changed_fields()
    streams = [entry for entry in entries if not whole_clip_stages(entry.recipe)]
    near = max(streams, key=lambda entry: sum(vars(entry.recipe).get(key) == value for key, value in mine.items()))
    raise ValueError(
        f"The recipe{own} cannot be streamed, because it needs the whole clip for {' and for '.join(found)}. "
        f"Use recipe.replace({changes}), which gives other numbers, or a preset that streams, such "
        f"as {near.name!r}."
    )


class Stream(ShownStream):
    """Compute the features of a front end while the sound arrives. Made by `Frontend.stream`.

    The outputs of `step` and `flush`, joined along time, equal the output of the front end for the whole clip, however
    the clip is cut into chunks. The state is a nest of tensors that the caller keeps. It can be stored between
    requests. `step` is a pure function that can be compiled.

    By default, chunks may have any size, including 0. A compiled `step` is then traced once for each new pair of chunk
    and state shapes. With `chunk_samples`, every shape is fixed. Each step takes exactly that many samples and returns
    `frames_per_chunk` entries. The first `warmup` entries of the stream belong to no clip and must be dropped.

    Args:
        frontend: The front end. Its weights are used, if it has any.
        chunk_samples: Number of samples in every chunk, or None for chunks of any size.
        compile: Whether to compile `step`, with `jax.jit` or `tf.function`. On PyTorch, whose compiler takes longer to
            start than it saves, `step` runs without gradients instead. State, numbers and `flush` are the same as
            without compilation. Changes of trained weights still take effect. With chunks of any size, only the first
            few shapes are compiled.

    Attributes:
        latency_samples: Number of samples, counted from the start of an entry's hop (sample `i * hop_length` for frame
            i), that must arrive before the entry is returned. The wait for a chunk to fill is additional. With an
            `input_rate`, these are samples at that rate, and the resampling waits for whole periods of its kernel.
        latency_seconds: The same latency in seconds.
        frames_per_chunk: Number of entries that a fixed chunk gives. None for chunks of any size.
        warmup: Number of entries at the start of a fixed stream that belong to no clip. 0 for chunks of any size.

    Raises:
        ValueError: If a stage of the recipe needs the whole clip. The message names it and an alternative that can
            stream.

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
        every = recipe.chunk_unit
        chunk_samples = whole_chunk(
            chunk_samples,
            every,
            f"{every}, the samples from one entry to the next" if recipe.input_rate is None else str(every),
        )
        self.chunk_samples = chunk_samples
        self.compile = flag("compile", compile)
        self._step = Step(recipe, chunk_samples, frontend.work_dtype, frontend.compute_dtype)
        self.latency_samples = self._step.latency_samples
        rate = recipe.clip_rate
        self.latency_seconds = None if rate is None else self.latency_samples / rate
        entries = self._step.entries
        self.frames_per_chunk = None if entries is None else entries[0]
        self.warmup = 0 if entries is None else entries[1]
        self._state = self.initial_state()

    def _made_by(self) -> Frontend:
        return self.frontend

    def initial_state(self, batch_size: int = 1) -> State:
        """Return the state before the first sample.

        Args:
            batch_size: Number of clips that are streamed side by side.

        Returns:
            A nest of tensors.
        """
        return self._step.initial_state(count("batch_size", batch_size, "It is the number of clips."))

    def step(self, chunk: Any, state: State) -> tuple[Any, State]:
        """Process a chunk of samples. Return the completed features and the next state.

        Args:
            chunk: Samples `(batch, samples)`, floating point.
            state: The state that `initial_state` or the previous step returned.

        Returns:
            The features and the next state. The features are in the layout of the recipe, with as many entries along
            time as are complete.

        Raises:
            ValueError: If the chunk has the wrong rank, or a size other than `chunk_samples`.
        """
        x, state = self._samples(chunk, state), as_tensors(state)
        return (compiled(self._step) if self.compile else self._step.plain)(x, state, self._weights())

    def flush(self, state: State, rest: Any = None) -> Any:
        """Return the remaining features after the end of the sound. The state cannot be used again.

        If the steps of a fixed stream returned fewer than `warmup` entries, the first entries here complete them.

        Args:
            state: The state that the last step returned. Its values are read, so `flush` cannot run in a compiled
                function.
            rest: The last samples `(batch, samples)`, if they do not fill a chunk of `chunk_samples`.

        Returns:
            The features, in the layout of the recipe.
        """
        x = None if rest is None else self._samples(rest, state, whole=False)
        self._check(state)
        weights, state = self._weights(), as_tensors(state)
        returned = self._step.entries_returned(state) if self.warmup else 0
        if x is None:
            y = self._step.flushed(state, weights)
        else:
            loose = self._step.loose
            y, state = loose.plain(x, self._step.loosened(state), weights)
            y = ops.concatenate([y, loose.flushed(state, weights)], axis=self.recipe.time_axis(len(y.shape)))
        return after_warmup(y, self.recipe.time_axis(len(y.shape)), self.warmup, returned)

    def _samples(self, chunk: Any, state: State, whole: bool = True) -> Any:
        """Return a chunk in the working dtype. Refuse a chunk or state that does not fit this stream."""
        chunk = chunk if hasattr(chunk, "dtype") else ops.convert_to_tensor(chunk)
        if len(chunk.shape) != 2:
            rule = "of shape (batch, time)"
            way = "For one clip, add the batch: x[None]. Channels can be items of the batch."
            raise ValueError(message("chunk", rule, f"shape {tuple(chunk.shape)}", way))
        self._check(state, chunk.shape[0])
        if whole and self.chunk_samples is not None:
            check_chunk(chunk.shape[1], self.chunk_samples)
        return self.frontend.real_input(chunk)

    def _weights(self) -> dict[str, Any]:
        """Return the current weights, which a compiled step takes as arguments."""
        return {name: values for name, values in self.frontend._learned_values().items() if values is not None}

    def _check(self, state: Any, clips: Any = None) -> None:
        check_state(state, self._state, clips, lambda state: state["last"].shape[0])
