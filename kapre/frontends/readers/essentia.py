"""Essentia: the JSON file beside a model, whose section `inference` names the algorithm that makes its features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kapre.frontends._source import SourceError
from kapre.frontends.presets import preset
from kapre.frontends.readers._reader import Document, Published, Reader, Settings
from kapre.recipe import Recipe

_PRESETS = {
    "TensorflowPredictMusiCNN": "essentia_musicnn",
    "TensorflowPredictEffnetDiscogs": "essentia_musicnn",
    "TensorflowPredictVGGish": "essentia_vggish",
    "TensorflowPredictCREPE": "crepe",
}
_ABOUT = (
    "name", "type", "link", "version", "description", "author", "email", "release_date", "framework", "citation",
    "framework_version", "classes", "model_types", "dataset", "labels", "license",
)  # fmt: skip


def _knows(data: Any) -> bool:
    if not isinstance(data, Mapping):
        return False
    inference = data.get("inference")
    return isinstance(inference, Mapping) and "algorithm" in inference and "schema" in data


def _read(document: Document) -> Published:
    settings = Settings(document.data, "Essentia", document.place)
    settings.ignore("describes the model", *_ABOUT)
    inference = settings.within("inference", settings.take("inference"))
    name = inference.one_of(
        "algorithm",
        None,
        tuple(_PRESETS),
        "A model on embeddings takes the front end of the model that makes them; MAEST has the preset 'maest'.",
    )
    recipe = preset(_PRESETS[name]).recipe
    rate = int(recipe.sample_rate or 0)
    inference.one_of("sample_rate", rate, (rate,), f"{name} computes its features at this rate.")
    settings.ignore("names a model whose output this one takes", "embedding_model")
    inference.ignore("names a model whose output this one takes", "embedding_model")
    inference.check_left()
    _check_shapes(settings, document.place, recipe.bands)
    if name != "TensorflowPredictCREPE":
        recipe = _as_cut(recipe)
        settings.note("Essentia adds noise to silent frames (silentFrames='noise'); a recipe does not")
    settings.note(
        "the model takes patches of these frames: give patch_frames and patch_hop, or cut them after the layer"
    )
    return settings.finish(recipe)


def _as_cut(recipe: Recipe) -> Recipe:
    """Return a recipe with the frames of Essentia's algorithms: one around every hop, up to the end of the clip."""
    half = recipe.frame_length // 2
    return recipe.replace(samples_multiple=recipe.hop_length, pad_left=half, pad_right=half, pad_mode="constant")


def _check_shapes(settings: Settings, place: str, bands: int) -> None:
    """Take the shapes of inputs and outputs. An input that is not made of frames of the recipe is an error."""
    schema = settings.take("schema")
    inputs = schema.get("inputs", []) if isinstance(schema, Mapping) else []
    for each in inputs if isinstance(inputs, list) else []:
        shape = each.get("shape") if isinstance(each, Mapping) else None
        if isinstance(shape, list) and shape and shape[-1] != bands:
            rule = f"of {bands} values in a frame, as the algorithm makes them"
            raise SourceError(f"{place}: `schema` must have an input {rule}; received shape={shape}. Correct the file.")


READER = Reader(
    name="Essentia",
    files=("*.json",),
    holds="`inference.algorithm` and `schema`",
    knows=_knows,
    read=_read,
    knows_names=False,
)
