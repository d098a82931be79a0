"""`FeatureExtractor`: a front end as a feature extractor of transformers."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops

from kapre import stages
from kapre._arguments import PresetAlias, PresetName
from kapre._checks import choice, message, positive_int
from kapre.frontends import readers
from kapre.frontends._given import frontend_of
from kapre.frontends.frontend import Frontend
from kapre.frontends.readers import own_extractor
from kapre.frontends.readers.hugging_face import TYPE
from kapre.integrations._clips import clips_of
from kapre.recipe import Recipe

if TYPE_CHECKING:
    from transformers import BatchFeature
    from transformers import SequenceFeatureExtractor as _Base
else:
    _Base = object

_PADDINGS = (True, False, "longest", "max_length", "do_not_pad")


def _transformers() -> Any:
    try:
        return import_module("transformers")
    except ImportError as error:
        way = "run `pip install 'kapre[transformers]'`"
        raise ImportError(f"kapre.integrations.FeatureExtractor needs transformers: {way}.") from error


@functools.cache
def _joined(cls: type) -> type:
    """Return a class that is also transformers' own, which is imported only now."""
    base = _transformers().SequenceFeatureExtractor
    return cls if issubclass(cls, base) else type(cls.__name__, (cls, base), {"__module__": cls.__module__})


@functools.lru_cache(maxsize=4)
def _layer(recipe: Recipe, dtype: str) -> Frontend:
    """Return the layer of a recipe that a call changed."""
    return Frontend(recipe, dtype=dtype)


class FeatureExtractor(_Base):
    """Use a front end as a feature extractor of transformers, in its pipelines, trainers and processors.

    A feature extractor takes clips and returns a `transformers.BatchFeature` with their features, and a mask over the
    frames. Its instances are `transformers.SequenceFeatureExtractor` objects. The features are those of
    `kapre.Frontend`, on any backend of Keras. The features of a clip do not depend on the other clips of a batch:
    clips are padded, and computed with their own lengths. `save_pretrained(folder)` writes
    `preprocessor_config.json` with the recipe, which `kapre.Recipe.from_pretrained(folder)` reads, too.

    Args:
        frontend: A `kapre.Frontend` without trained parts, a `kapre.Recipe` or the name of a preset.
        input_name: The name of the features, as the model's `forward` calls them. None means "input_features", or
            "input_values" for a recipe without a spectrum. Some models, such as AST, take features as "input_values".
        return_attention_mask: Whether calls return a mask by default. None means that they do, unless the recipe
            brings every clip to the same number of frames.

    Call arguments:
        raw_speech: One clip, a list of clips, or an array of shape `(batch, samples)`: floating-point samples with full
            scale at 1.0, in NumPy arrays, lists or tensors. Each clip has one channel.
        sampling_rate: The rate of the samples in Hz. Another rate than `extractor.sampling_rate` is refused. None is
            not checked.
        padding: True pads to the fixed length of the recipe if it has one, and else to the longest clip. "max_length"
            pads to `max_length`. "longest" pads to the longest clip, without the fixed length of the recipe. False or
            "do_not_pad" returns the features of each clip at its own length.
        truncation: Whether to cut clips to `max_length`. None cuts clips only to the fixed length of a recipe.
        max_length: A length in samples. It replaces the fixed length of a recipe.
        pad_to_multiple_of: A number of samples. Clips are padded to a multiple of it.
        return_tensors: "np" or "pt", or None for a list with one array for each clip.
        return_attention_mask: Whether to return "attention_mask": integers `(batch, frames)` that are 1 for the frames
            of the clip, and 0 for padding. None takes the argument of the constructor.

    Raises:
        ImportError: If transformers is not installed.
        TypeError: If `frontend` is none of these, or samples are integers.
        ValueError: If the front end has trained parts or no sampling rate, or an argument of a call does not fit.

    Notes:
        The padding of a fixed length is sound to a model, so that its frames have the values of silence. Features past
        the end of a clip are 0 in all other cases.

    Example:
        ```python
        import kapre
        import numpy as np

        extractor = kapre.integrations.FeatureExtractor("kaldi_fbank")
        clips = [np.zeros(16000, "float32"), np.zeros(8000, "float32")]
        batch = extractor(clips, sampling_rate=16000, return_tensors="np")
        assert batch["input_features"].shape == (2, 98, 80)
        assert batch["attention_mask"].sum(axis=1).tolist() == [98, 48]
        ```
    """

    def __new__(
        cls,
        frontend: Frontend | Recipe | PresetName | PresetAlias,
        input_name: str | None = None,
        return_attention_mask: bool | None = None,
    ) -> Any:
        """Make an instance of a class that also has transformers' own as its base."""
        return object.__new__(_joined(cls))  # type: ignore[arg-type]

    def __init__(
        self,
        frontend: Frontend | Recipe | PresetName | PresetAlias,
        input_name: str | None = None,
        return_attention_mask: bool | None = None,
    ) -> None:
        layer = frontend_of(frontend)
        recipe = layer.recipe
        if layer.trainable_filterbank or layer.trainable_window:
            way = "Use kapre.Frontend(frontend.recipe): a file of transformers cannot hold trained weights."
            raise ValueError(message("frontend", "without trained parts", layer.name, way))
        if recipe.clip_rate is None:
            rule, way = "a front end whose recipe has a sample_rate", "Use recipe.replace(sample_rate=16000)."
            raise ValueError(message("frontend", rule, "sample_rate=None", way))
        if return_attention_mask is None:
            return_attention_mask = not isinstance(recipe.num_frames(None), int)
        rate = recipe.clip_rate
        super().__init__(
            feature_size=1 if recipe.power is None else recipe.bands,
            sampling_rate=int(rate) if float(rate).is_integer() else rate,
            padding_value=0.0,
            return_attention_mask=return_attention_mask,
        )
        default = "input_values" if recipe.power is None else "input_features"
        self.frontend = layer
        self.input_name = default if input_name is None else input_name
        self.model_input_names = [self.input_name, *(["attention_mask"] if return_attention_mask else [])]
        self.hop_length = recipe.hop_length
        if recipe.clip_samples is not None:  # as pipelines ask Whisper's extractor
            self.n_samples = recipe.clip_samples
            self.chunk_length = recipe.clip_samples / rate

    def __reduce__(self) -> Any:
        return FeatureExtractor, (self.frontend, self.input_name, self.return_attention_mask)

    @property
    def recipe(self) -> Recipe:
        """Return the recipe of the front end."""
        return self.frontend.recipe

    def __call__(
        self,
        raw_speech: Any,
        sampling_rate: float | None = None,
        padding: bool | str = True,
        truncation: bool | None = None,
        max_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        return_tensors: str | None = None,
        return_attention_mask: bool | None = None,
        **_: Any,
    ) -> BatchFeature:
        """Return the features of clips; see the call arguments of the class."""
        if sampling_rate is not None and sampling_rate != self.sampling_rate:
            way = "Resample the clips first, with kapre.functional.resample, or use recipe.replace(input_rate=…)."
            rule = f"{self.sampling_rate}, the rate of the front end"
            raise ValueError(message("sampling_rate", rule, sampling_rate, way))
        choice("padding", padding, _PADDINGS, "Use True.")
        most = self.recipe.clip_samples if max_length is None else _whole("max_length", max_length)
        if pad_to_multiple_of is not None:
            unit = _whole("pad_to_multiple_of", pad_to_multiple_of)
            most = None if most is None else -(-most // unit) * unit
        clips = clips_of(raw_speech)
        width = 0
        if self.recipe.clip_samples is not None and padding in (True, "max_length"):
            layer = self._of_length(clips, most, truncation)
        else:
            layer = self._without_length()
            clips = _cut(clips, most, self.recipe.clip_samples is not None if truncation is None else truncation)
            width = _least_width(most, padding)
        width = max(width, *map(len, clips))
        if pad_to_multiple_of is not None and padding not in (False, "do_not_pad"):
            width = -(-width // pad_to_multiple_of) * pad_to_multiple_of
        y = _features(layer, clips, width)
        masks = _masks(layer.recipe, clips, y)
        made: dict[str, Any] = {self.input_name: y}
        if self.return_attention_mask if return_attention_mask is None else return_attention_mask:
            made["attention_mask"] = masks
        if padding in (False, "do_not_pad"):
            own = [layer.recipe.output_shape(len(clip)) for clip in clips]
            axis = layer.recipe.time_axis(y.ndim) - 1
            made[self.input_name] = [each[tuple(map(slice, shape))] for each, shape in zip(y, own, strict=True)]
            if "attention_mask" in made:
                made["attention_mask"] = [each[: shape[axis]] for each, shape in zip(masks, own, strict=True)]
        elif return_tensors is None:
            made = {name: list(values) for name, values in made.items()}
        return _transformers().BatchFeature(made, tensor_type=return_tensors)

    def _of_length(self, clips: list[np.ndarray], most: int | None, truncation: bool | None) -> Frontend:
        """Return the front end of a fixed length, that of the recipe or another one."""
        assert most is not None
        longest = max(map(len, clips))
        if truncation is False and longest > most:
            rule = f"True, or None, for a clip of {longest} samples and a length of {most}"
            raise ValueError(message("truncation", rule, truncation, "Use padding='longest' to keep clips whole."))
        if most == self.recipe.clip_samples:
            return self.frontend
        recipe = self.recipe.replace(fixed_samples=stages.RATE.count(self.recipe, most))
        return _layer(recipe, self.frontend.compute_dtype)

    def _without_length(self) -> Frontend:
        """Return the front end without the fixed length of its recipe."""
        if self.recipe.fixed_samples is None:
            return self.frontend
        return _layer(self.recipe.replace(fixed_samples=None), self.frontend.compute_dtype)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields of `preprocessor_config.json`, which hold the recipe."""
        names = ("feature_size", "sampling_rate", "padding_value", "padding_side", "return_attention_mask")
        recipe = json.loads(self.recipe.to_json())
        own = {TYPE: own_extractor.NAME, "input_name": self.input_name, "recipe": recipe}
        return {**own, **{name: getattr(self, name) for name in names}}

    @classmethod
    def from_dict(cls, feature_extractor_dict: Mapping[str, Any], **kwargs: Any) -> Any:
        """Return the extractor of the fields of a file; see `from_pretrained`."""
        unused = kwargs.pop("return_unused_kwargs", False)
        made = cls.from_pretrained(feature_extractor_dict)
        return (made, kwargs) if unused else made

    @classmethod
    def from_json_file(cls, json_file: str | os.PathLike[str]) -> FeatureExtractor:
        """Return the extractor of a file; see `from_pretrained`."""
        return cls.from_pretrained(json_file)

    @classmethod
    def from_pretrained(
        cls,
        source: str | os.PathLike[str] | Mapping[str, Any],
        /,
        input_name: str | None = None,
        return_attention_mask: bool | None = None,
    ) -> FeatureExtractor:
        """Return the extractor that `save_pretrained` wrote, or that of any model whose file Kapre reads.

        Args:
            source: The folder, the file, its contents as a mapping, or the name of a model on the Hub; see
                `kapre.Frontend.from_pretrained`.
            input_name: The name of the features. None takes that of the file, if Kapre wrote it.
            return_attention_mask: Whether calls return a mask by default. None takes that of the file, if Kapre wrote
                it.

        Raises:
            ValueError: If no reader knows the file, or a field of it cannot be expressed.
            TypeError: If `source` is of another type.

        Example:
            ```python
            import kapre

            kapre.integrations.FeatureExtractor("whisper").save_pretrained("my-model")
            extractor = kapre.integrations.FeatureExtractor.from_pretrained("my-model")
            assert extractor.recipe == kapre.frontends.preset("whisper").recipe
            ```
        """
        found = readers.read(source)
        if own_extractor.NAME in found.source.reader:
            saved = found.source.honoured
            input_name = saved.get("input_name") if input_name is None else input_name
            own = saved.get("return_attention_mask")
            return_attention_mask = own if return_attention_mask is None else return_attention_mask
        return cls(found.recipe, input_name, return_attention_mask)


def _whole(name: str, value: Any) -> int:
    return positive_int(name, value, "Use a number of samples, such as 160000.")


def _cut(clips: list[np.ndarray], most: int | None, truncation: bool) -> list[np.ndarray]:
    if not truncation:
        return clips
    if most is None:
        raise ValueError(message("max_length", "given with truncation=True", None, "Use a number of samples."))
    return [clip[:most] for clip in clips]


def _least_width(most: int | None, padding: bool | str) -> int:
    if padding != "max_length":
        return 0
    if most is None:
        raise ValueError(message("max_length", "given with padding='max_length'", None, "Use a number of samples."))
    return most


def _features(layer: Frontend, clips: list[np.ndarray], width: int) -> np.ndarray:
    """Return the features of clips that are padded to a number of samples."""
    x = np.zeros((len(clips), width), layer.work_dtype)
    for row, clip in zip(x, clips, strict=True):
        row[: len(clip)] = clip
    lengths = [len(clip) for clip in clips]
    y = layer(x) if min(lengths) == width else layer(x, lengths=lengths)
    return np.array(ops.convert_to_numpy(y), layer.work_dtype)  # bfloat16 is none of NumPy's own types


def _masks(recipe: Recipe, clips: list[np.ndarray], y: np.ndarray) -> np.ndarray:
    """Tell which frames hold a part of the clip, and no padding, as integers `(batch, frames)`."""
    count = y.shape[recipe.time_axis(y.ndim)]
    if recipe.fixed_by == "tile":  # a repeated clip fills its frames
        return np.ones((len(clips), count), "int32")
    own = recipe.replace(fixed_samples=None, fixed_frames=None)
    valid = np.array([own.num_valid_entries(len(clip)) for clip in clips]).reshape(-1, 1)
    return (np.arange(count) < valid).astype("int32")
