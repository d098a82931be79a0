"""Export by TensorFlow: SavedModel and LiteRT from TensorFlow and JAX, ONNX from TensorFlow."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from kapre.deploy import _metadata
from kapre.deploy._formats import OPSET
from kapre.deploy._program import Program


def _signature(program: Program) -> list[tf.TensorSpec]:
    return [tf.TensorSpec(slot.shape, slot.dtype, name=slot.name) for slot in program.inputs]


def saved_model(program: Program, path: Path) -> None:
    """Write a SavedModel with the endpoint `serve`."""
    if keras.backend.backend() == "jax":
        from kapre.deploy import _jax

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
    (extra / _metadata.FILE).write_text(_metadata.dumped(program.metadata), encoding="utf-8")


def _archive(program: Program, **options: Any) -> Any:
    archive = keras.export.ExportArchive()
    archive.track(program.model)
    archive.add_endpoint("serve", program.traced, input_signature=_signature(program), **options)
    return archive


def litert(program: Program, path: Path) -> None:
    """Write a LiteRT file that uses only builtin operations."""
    with tempfile.TemporaryDirectory() as folder:
        saved_model(program, Path(folder) / "model")
        converter = tf.lite.TFLiteConverter.from_saved_model(f"{folder}/model")
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        path.write_bytes(_with_metadata(converter.convert(), _metadata.dumped(program.metadata)))


def _with_metadata(data: bytes, text: str) -> bytes:
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model_from_bytearray(bytearray(data))
    buffer = schema.BufferT()
    buffer.data = list(text.encode())
    model.buffers.append(buffer)
    entry = schema.MetadataT()
    entry.name = _metadata.KEY
    entry.buffer = len(model.buffers) - 1
    model.metadata = [*(model.metadata or ()), entry]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def onnx_model(program: Program) -> Any:
    """Return an ONNX model."""
    import tf2onnx

    function = tf.function(program.traced, input_signature=_signature(program))
    model, _ = tf2onnx.convert.from_function(function, input_signature=_signature(program), opset=OPSET)
    return model
