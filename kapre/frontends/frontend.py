"""`Frontend`: a layer that computes any recipe."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping
from typing import Any, Unpack

import keras
import numpy as np
from keras import ops

from kapre import _shown, executor, stages
from kapre._arguments import LayerArguments, PresetAlias, PresetArguments, PresetName
from kapre._checks import count, message
from kapre._layer import (
    Shape,
    channels_in_place,
    channels_second,
    check_mask,
    lengths_of,
    register,
    time_second,
)
from kapre._lengths import lengths_within
from kapre.frontends import readers
from kapre.frontends._changes import changed
from kapre.frontends._clips import ClipLayer
from kapre.frontends._gains import Extent, Learned, Values, extent, load, save
from kapre.frontends._inversion import invert
from kapre.frontends._mask import FrontendMask, entries_within, recipe_of
from kapre.frontends._source import Source
from kapre.frontends._summary import Summary, summary
from kapre.frontends.presets import list_presets, name_of, preset
from kapre.frontends.stream import Stream
from kapre.ops import filterbanks, frames
from kapre.ops.kernels import active as kernel
from kapre.ops.windows import window
from kapre.recipe import Recipe


def _warn_of_empty_bands(recipe: Recipe) -> None:
    """Warn about empty bands, unless a published front end has the same bank."""
    if recipe.bank is None or recipe.bank.any(axis=0).all():
        return
    published = (preset(name).recipe.bank for name in list_presets())
    if not any(bank is not None and np.array_equal(recipe.bank, bank) for bank in published):
        filterbanks.warn_if_empty(recipe.bank, recipe.sample_rate or 0.0)


@register
class Frontend(ClipLayer):
    """Compute the features described by a recipe from samples, in one layer.

    The layer includes everything that the published model's own code did to the sound, from the scale of the samples to
    the statistics over time. A saved model therefore takes raw samples. The features of each clip do not depend on the
    other clips in the batch. Pass the number of samples of each clip as `lengths` (or pass a mask). Samples past the
    end of a clip are ignored.

    Args:
        recipe: The `kapre.Recipe` to compute. For a published recipe, use `Frontend.from_preset(name)`.
        trainable_filterbank: Whether to train the filter bank. With True, weights of 0 stay 0, so that each band keeps
            its position. With "all", these weights are also trained and start at 1e-8 of their band's largest weight.
            In both cases no weight becomes negative.
        trainable_window: Whether to train the window, with the same options.
        seed: The seed of the dither. Dither is added during training only, if the recipe has any.
        **kwargs: Keras' layer arguments.

    Call arguments:
        inputs: Samples at `recipe.clip_rate`, with full scale at 1.0; floating point, `(batch, time)`.
        lengths: Integers of shape `(batch,)` with the number of samples of each clip, or None for all samples. A value
            larger than the input is reduced to the input's length.
        mask: Keras' mask `(batch, time)`, as an alternative to `lengths`. A clip ends at its last True, and earlier
            False values still count as sound. `lengths` takes precedence.

    Input shape:
        `(batch, time)`.

    Output shape:
        `(batch, *recipe.output_shape(time))`: `(batch, frames, bands)` or `(batch, bands, frames)`, depending on the
        layout of the recipe. With `lengths`, entries past a clip's own `num_frames(length)` are 0, and the output
        carries a mask over time, `(batch, frames)`, that marks the valid frames. For a recipe with a fixed
        length, neither applies.

    Raises:
        TypeError: If `recipe` is not a `kapre.Recipe`, or the samples are integers.
        ValueError: If the input has the wrong rank, or an option does not fit the recipe.

    Notes:
        Samples do not carry their rate. `frontend.recipe.clip_rate` gives the expected rate, also in the saved file:
        the recipe's `input_rate`, or else its `sample_rate`. All functions of Kapre that read audio files resample to
        it.

    Example:
        ```python
        import numpy as np
        import kapre

        frontend = kapre.Frontend.from_preset("whisper")
        x = np.random.uniform(-1, 1, (1, 16000)).astype("float32")
        assert tuple(frontend(x).shape) == (1, 80, 3000)

        kaldi = kapre.Frontend.from_preset("kaldi_fbank", n_mels=40)
        y = kaldi(np.zeros((2, 16000), "float32"), lengths=[16000, 8000])
        assert tuple(y.shape) == (2, 98, 40) and kaldi.num_frames(8000) == 48
        ```
    """

    _ranks: tuple[int, ...] = (2,)
    data_format = "channels_last"
    """Where channels are, in a subclass that takes them."""
    source: Source | None = None
    """What `from_pretrained` read. None for other front ends, and for loaded and cloned ones."""

    def __init__(
        self,
        recipe: Recipe | Mapping[str, Any],
        trainable_filterbank: Extent = False,
        trainable_window: Extent = False,
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.recipe = recipe_of(recipe)
        self.trainable_filterbank = extent("trainable_filterbank", trainable_filterbank)
        self.trainable_window = extent("trainable_window", trainable_window)
        if self.trainable_filterbank and self.recipe.bank is None:
            rule = "False for a recipe without a filter bank"
            raise ValueError(message("trainable_filterbank", rule, True, "Use a recipe with filterbank='mel'."))
        if self.trainable_window and self.recipe.power is None:
            rule = "False for a recipe without a spectrum"
            raise ValueError(message("trainable_window", rule, True, "Use a recipe with a power."))
        if self.trainable_window and self.recipe.transform == "cqt":
            rule = "False for a recipe with transform='cqt'"
            raise ValueError(message("trainable_window", rule, True, "Use transform='dft'."))
        self.seed = None if seed is None else count("seed", seed, "Use a whole number, or None.")
        if self.recipe.win_length > self.recipe.n_fft and self.recipe.power is not None:
            warnings.warn(
                f"win_length={self.recipe.win_length} is longer than n_fft={self.recipe.n_fft}: each windowed frame is "
                f"cropped. Use n_fft={self.recipe.win_length} or more to keep the whole window.",
                stacklevel=2,
            )
        self.seed_generator = keras.random.SeedGenerator(self.seed) if self.recipe.dither else None
        self._bank: Values | None = None
        self._window: Values | None = None
        if self.trainable_filterbank:  # not in `build`, so that the weights exist before the first call
            bank = self.recipe.bank_in(self.work_dtype)
            assert bank is not None
            self._bank = Learned(self, "filterbank", bank, self.trainable_filterbank)
        if self.trainable_window:
            values = window(**self.recipe.window_arguments)
            self._window = Learned(self, "window", values, self.trainable_window)
        _warn_of_empty_bands(self.recipe)
        self._may_skip_keras = self.seed_generator is None and not (trainable_filterbank or trainable_window)

    @classmethod
    def from_preset(cls, preset_name: PresetName | PresetAlias, /, **changes: Unpack[PresetArguments]) -> Frontend:
        """Make a published front end by name.

        Args:
            preset_name: One of `kapre.list_presets()`, or of `kapre.frontends.aliases()`.
            **changes: Recipe fields to change, and arguments of the layer. In presets of vocoders (HiFi-GAN and those
                that took over its code), other sizes change the padding to `(n_fft - hop_length) // 2`, and a window
                shorter than `n_fft` lies in its middle, as in the published code.

        Returns:
            The front end as a layer.

        Raises:
            ValueError: If there is no such preset (the message names the nearest ones), or if a changed field has no
                effect with the preset's other fields, such as `n_mels` without a filter bank.
            TypeError: If a change is neither a field of the recipe nor an argument of the layer.
        """
        recipe, given = changed(preset(preset_name).recipe, changes, preset_name)
        return cls(recipe, **given)

    @classmethod
    def from_pretrained(
        cls, source: str | os.PathLike[str] | Mapping[str, Any], /, **changes: Unpack[PresetArguments]
    ) -> Frontend:
        """Make the front end of a published model from the model's own configuration file.

        The [table of readers](../../pretrained.md) lists the files that are read, and the fields that are honoured. A
        field that could change the numbers, and that the recipe cannot express, causes an error that names the field.

        Args:
            source: The model's folder, its configuration file, the contents of that file as a mapping, or the name of
                a model on the Hub, such as "openai/whisper-tiny". From the Hub, only configuration files are fetched.
                This needs `kapre[hub]`, and uses the cache of `huggingface_hub`.
            **changes: Recipe fields to change, and arguments of the layer.

        Returns:
            The front end as a layer. Its `source` tells what became of each field of the file. A saved model contains
            the recipe, but not the `source`.

        Raises:
            ValueError: If no reader knows the file, or a field cannot be expressed (`kapre.frontends.SourceError`), or
                if a changed field has no effect with the other fields.
            TypeError: If `source` is of the wrong type, or a change is neither a field of the recipe nor an argument of
                the layer.

        Example:
            ```python
            import kapre

            config = {"feature_extractor_type": "WhisperFeatureExtractor", "feature_size": 128, "hop_length": 160}
            frontend = kapre.Frontend.from_pretrained(config)
            assert frontend.recipe == kapre.Frontend.from_preset("whisper_large_v3").recipe
            ```
        """
        found = readers.read(source)
        recipe, given = changed(found.recipe, changes, found.source.where)
        frontend = cls(recipe, **given)
        frontend.source = found.source
        return frontend

    @property
    def clip_samples(self) -> int | None:
        """Return the length in samples to which the recipe pads and cuts clips, or None if they have any length."""
        return self.recipe.clip_samples

    def num_frames(self, n_samples: Any) -> Any:
        """Return the number of entries of a clip: frames, stacks, patches or chunks, or samples without a spectrum.

        Args:
            n_samples: An int, None (unknown), or an integer tensor.
        """
        return self.recipe.num_frames(n_samples)

    def summary(self, n_samples: int | None = None) -> Summary:
        """Return a table of the stages: what each does, the shape of one clip after it, and its cost.

        The cost counts multiplications: `2.5 n log2(n)` for a DFT of n points, the weights of a filter bank that are
        not 0, and one for each value elsewhere. It is an estimate, and no time.

        Args:
            n_samples: int ≥ 0. The length of the clip. None means `clip_samples`, or else one second.

        Returns:
            A `kapre.frontends.Summary`, which prints as a table.

        Example:
            ```python
            import kapre

            summary = kapre.Frontend.from_preset("whisper").summary()
            assert summary.rows[-1].shape == (80, 3000) and "mel bank of 80" in str(summary)
            ```
        """
        if n_samples is None:
            n_samples = self.clip_samples or round(self.recipe.clip_rate or 16000)
        n_samples = count("n_samples", n_samples, "Give the length of a clip.")
        name = name_of(self.recipe)
        return summary(self.recipe, self.name if name is None else f"{self.name} ({name})", n_samples)

    def stream(self, chunk_samples: int | None = None, compile: bool = False) -> Stream:
        """Return a stream that runs this front end chunk by chunk.

        Args:
            chunk_samples: Number of samples in every chunk, which fixes the shapes of a step. None allows chunks of any
                size.
            compile: Whether to compile `step`; see `Stream`.

        Raises:
            ValueError: If a stage of the recipe needs the whole clip. The message names it and an alternative that can
                stream.
        """
        return Stream(self, chunk_samples, compile)

    @property
    def lost(self) -> list[str]:
        """Return what `invert` cannot restore because the features do not hold it, as a list of sentences."""
        return stages.lost(self.recipe)

    def invert(
        self,
        features: Any,
        lengths: Any = None,
        *,
        n_iter: int = 32,
        momentum: float = 0.99,
        bank_steps: int = 100,
        seed: int | None = None,
        mean: Any = None,
        deviation: Any = None,
    ) -> Any:
        """Estimate waveforms from features, so that you can listen to what a model hears.

        The stages of the recipe are undone from the last to the first: the layout, patches, stacks and deltas, shift
        and scale, the statistics over time, the cepstrum, the logarithm, the filter bank (`kapre.InverseFilterbank`),
        the magnitudes (`kapre.GriffinLim`), preemphasis and the scale of the samples. `lost` says what the features do
        not hold.

        Args:
            features: What the front end returns, `(batch, *entries)`, without channels; floating point.
            lengths: Integers of shape `(batch,)` with the number of samples of each clip at `recipe.sample_rate`, or
                None for what the features cover. Frames past them are left out, and samples past them are 0.
            n_iter: int ≥ 0. Number of Griffin-Lim steps.
            momentum: float from 0 to 1. The momentum of Griffin-Lim.
            bank_steps: int ≥ 0. Number of steps of the inverse filter bank.
            seed: int or None. None starts from phases of 0, and an integer from random phases.
            mean: A number, or one for each band: the mean over time, where the recipe subtracts it. None means 0.
            deviation: A number, or one for each band: the deviation over time, where the recipe divides by it. None
                means 1.

        Returns:
            Samples `(batch, time)` at `recipe.sample_rate`, with full scale at 1.0 where the recipe keeps the level of
            a clip. They are in the working dtype of the layer.

        Raises:
            ValueError: If a stage has no inverse (such as `one_hot`, `microfrontend`, `pcen` or `transform="cqt"`). The
                message names it, and a change of the recipe. Also if the features have the wrong shape, or an argument
                is out of range.
            TypeError: If the features are integers or complex.

        Example:
            ```python
            import numpy as np
            import kapre

            frontend = kapre.Frontend.from_preset("kaldi_fbank", n_mels=40)
            x = np.sin(np.arange(8000) / 5).astype("float32")[None]
            features = frontend(x)
            y = frontend.invert(features)
            assert y.shape == (1, 7920) and "The phases are lost: Griffin-Lim estimates others." in frontend.lost
            assert np.abs(np.asarray(frontend(y)) - np.asarray(features)).mean() < 1.0
            ```
        """
        learned = self._window, self._bank
        window, bank = (None if part is None else part.array() for part in learned)
        settings = (n_iter, momentum, bank_steps, seed, mean, deviation)
        return invert(self.recipe, features, lengths, self.work_dtype, (window, bank), *settings)

    @property
    def filterbank(self) -> np.ndarray | None:
        """Return the current filter bank, trained or not: a NumPy array of shape `(n_freq, bands)`, or None."""
        return self.recipe.bank_in(self.work_dtype) if self._bank is None else self._bank.array()

    @property
    def window(self) -> np.ndarray | None:
        """Return the current window, trained or not: an array of shape `(win_length,)`, or None without a spectrum."""
        if self._window is not None:
            return self._window.array()
        if self.recipe.power is None:
            return None
        return window(**self.recipe.window_arguments).astype(self.work_dtype)

    def responses(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the filter bank before and after training, as a function of frequency.

        Returns:
            The frequencies of the bins in Hz, `(n_freq,)`, and the banks before and after training, `(n_freq, bands)`.

        Raises:
            ValueError: If the recipe has no filter bank.
        """
        before, after = self.recipe.bank_in(self.work_dtype), self.filterbank
        if before is None or after is None:
            rule = "a kind of bank, to have responses"
            raise ValueError(message("filterbank", rule, None, "Use a recipe with filterbank='mel'."))
        rate: Any = self.recipe.sample_rate
        return np.arange(self.recipe.n_freq) * rate / self.recipe.n_fft, before, after

    def _learned_values(self) -> dict[str, Any]:
        """Return the trained window and bank as tensors, with None for each one that the recipe fixes."""
        parts = {"window": self._window, "bank": self._bank}
        return {name: None if part is None else part.tensor() for name, part in parts.items()}

    def _all_learned(self) -> list[Learned]:
        return [part for part in (self._bank, self._window) if isinstance(part, Learned)]

    def save_own_variables(self, store: Any) -> None:
        save(self._all_learned(), store, super().save_own_variables)

    def load_own_variables(self, store: Any) -> None:
        """Load the weights, also from a file of 1.0.0.dev0, which holds the bank and the window themselves.

        Negative values in such a file become 0. If a weight that is 0 in the recipe has become positive, the option
        becomes "all". Both cases issue a warning.
        """
        load(self, self._all_learned(), store, super().load_own_variables)

    def call(self, inputs: Any, lengths: Any = None, mask: Any = None, training: bool | None = None) -> Any:
        if len(inputs.shape) not in self._ranks:
            self.output_shape_and_dtype(tuple(inputs.shape))  # raises for a wrong shape, also after the first call
        if mask is not None:
            check_mask(mask, self._one_channel(inputs).shape[:2], "Or give lengths, the samples of each clip.")
        x = self.real_input(inputs)
        if len(inputs.shape) == 2:
            return self._features(x, lengths, mask, training)
        y = self._features(channels_second(x, 3, self.data_format), lengths, mask, training)
        return channels_in_place(y, self.data_format)

    def _features(self, x: Any, lengths: Any, mask: Any, training: bool | None) -> Any:
        """Return the features `(batch, ..., *entries)` of samples `(batch, ..., time)` in the working dtype."""
        weights = self._learned_values()
        dithers = bool(training) and self.seed_generator is not None
        found = None if dithers else self._in_bucket(x, lengths, mask, weights)
        if found is not None:
            return found
        lengths = lengths_of(mask) if lengths is None else lengths_within(lengths, x, axis=-1)
        noise = None
        if dithers:
            noise = keras.random.normal(ops.shape(x), dtype=self.work_dtype, seed=self.seed_generator)
        y = executor.run(self.recipe, x, lengths, **weights, noise=noise)
        if lengths is not None:
            y = self.only_valid(y, lengths, len(x.shape) - 2)
        return y if self.compute_dtype == self.work_dtype else ops.cast(y, self.compute_dtype)

    def _one_channel(self, inputs: Any) -> Any:
        """Return a tensor whose second axis is the time."""
        return inputs if len(inputs.shape) == 2 else time_second(inputs, self.data_format)

    def _in_bucket(self, x: Any, lengths: Any, mask: Any, weights: dict[str, Any]) -> Any:
        """Return the result of an eager call with a new length on JAX, or None; see `executor.run_in_bucket`."""
        if not executor.goes_by_bucket(self.recipe, x.shape[-1], x, lengths, mask, *weights.values()):
            return None
        own = lengths_of(np.asarray(mask)) if lengths is None and mask is not None else lengths
        y = executor.run_in_bucket(self.recipe, x, own, **weights, only_valid=own is not None)
        return None if y is None else kernel.put(y, self.compute_dtype, x)

    def only_valid(self, y: Any, lengths: Any, lead: int = 0) -> Any:
        """Set the entries past the end of each clip to 0. `lead` counts the axes between batch and entries."""
        own = self.recipe.num_frames(lengths)
        if isinstance(own, int):
            return y
        axis = self.recipe.time_axis(len(y.shape) - lead) + lead
        inside = frames.within(ops.shape(y)[axis], own, len(y.shape), axis=axis)
        return ops.where(inside, y, ops.zeros_like(y))

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """Return the mask over the output's time, `(batch, entries)`, for a mask over the samples.

        Return None if there is no mask, or if every clip gives the same number of frames.
        """
        return super().compute_mask(inputs, previous_mask)

    def _output_mask(self, inputs: Any, within: Any) -> Any:
        """Return the mask over the output's time for the lengths of the clips, or for a mask over samples."""
        if isinstance(self.recipe.num_frames(None), int):
            return None
        inputs = self._one_channel(inputs)
        if keras.utils.is_keras_tensor(inputs) or keras.utils.is_keras_tensor(within):
            return FrontendMask(self.recipe)(inputs, within)
        return entries_within(self.recipe.num_frames, self.recipe.num_valid_entries, inputs, within)

    def output_shape_and_dtype(self, shape: Shape) -> tuple[Shape, str]:
        if len(shape) != 2:
            hint = {
                1: " For one clip, add the batch: x[None].",
                3: " Its channels are no samples: take one, x[..., 0], or their mean.",
            }.get(len(shape), "")
            raise ValueError(f"{self.name}: the input must have shape (batch, time); received {tuple(shape)}.{hint}")
        batch, time = shape
        return (batch, *self.recipe.output_shape(time)), self.compute_dtype

    def get_config(self) -> dict[str, Any]:
        """Return every constructor argument, with the recipe in a JSON-compatible form."""
        return {**super().get_config(), "recipe": json.loads(self.recipe.to_json())}

    def _shown_arguments(self) -> dict[str, Any]:
        name = name_of(self.recipe) if hasattr(self, "recipe") else None
        return {**({} if name is None else {"preset": name}), **super()._shown_arguments()}

    def _repr_html_(self) -> str:
        """Return a table of the arguments and of the recipe's fields, and the stages in order, for a notebook."""
        arguments = {**self._shown_arguments(), "name": self.name}
        rows = [(name, _shown.short(value)) for name, value in arguments.items() if name != "recipe"]
        own = self.recipe._repr_html_()
        return _shown.table(type(self).__name__, rows) + own
