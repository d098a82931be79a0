"""TensorFlow SavedModel: a folder with the endpoint `serve`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kapre.deploy.formats._base import FILE, Format, Loaded, Program


class SavedModel(Format):
    """Write and run a SavedModel. Its metadata is a file among its extra assets."""

    def write(self, program: Program, path: Path, backend: str) -> None:
        if backend == "jax":
            from kapre.deploy.formats import _jax

            shapes = [f"({', '.join(map(str, shape))})" for shape in _jax.symbols(program)[0]]
            plain = {"with_gradient": False, "native_serialization": True, "polymorphic_shapes": shapes}
            archive = _jax.at_least_so_long(
                program,
                lambda promises: _archive(program, jax2tf_kwargs={**plain, "polymorphic_constraints": promises}),
            )
        else:
            archive = _archive(program)
        archive.write_out(str(path), verbose=False)
        extra = path / "assets.extra"
        extra.mkdir(exist_ok=True)
        (extra / FILE).write_text(program.metadata_text, encoding="utf-8")

    def load(self, path: Path) -> Loaded:
        import tensorflow as tf

        loaded = tf.saved_model.load(str(path))
        return lambda given: loaded.serve(*map(tf.constant, given.values()))

    def metadata(self, path: Path) -> str | None:
        file = path / "assets.extra" / FILE
        return file.read_text(encoding="utf-8") if file.is_file() else None


FORMAT = SavedModel(
    name="tf_saved_model",
    title="TensorFlow SavedModel",
    suffixes=(),
    backends=("tensorflow", "jax"),
    writes_with={"jax": ("tensorflow",)},
    runs_with="tensorflow",
    one_thread=False,
    extra="tensorflow",
)


def is_saved_model(folder: Path) -> bool:
    """Tell whether a folder is a SavedModel."""
    return (folder / "saved_model.pb").exists()


def signature(program: Program) -> Any:
    """Return the inputs as TensorFlow takes them."""
    import tensorflow as tf

    return [tf.TensorSpec(slot.shape, slot.dtype, name=slot.name) for slot in program.inputs]


def _archive(program: Program, **options: Any) -> Any:
    import keras

    archive = keras.export.ExportArchive()
    archive.track(program.model)
    archive.add_endpoint("serve", program.traced, input_signature=signature(program), **options)
    return archive
