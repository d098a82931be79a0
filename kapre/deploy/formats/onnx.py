"""ONNX, for onnxruntime and OpenVINO: each backend has a converter of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kapre.deploy.formats import saved_model
from kapre.deploy.formats._base import KEY, Format, Loaded, Program

OPSET = 18
"""The ONNX opset version, which all runtimes of recent years support."""


class Onnx(Format):
    """Write and run an ONNX file."""

    def write(self, program: Program, path: Path, backend: str) -> None:
        import onnx

        model = _CONVERTERS[backend](program)
        entry = model.metadata_props.add()
        entry.key, entry.value = KEY, program.metadata_text
        onnx.save(model, str(path))

    def load(self, path: Path) -> Loaded:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        return lambda given: dict(zip(names, session.run(names, given), strict=True))

    def metadata(self, path: Path) -> str | None:
        import onnx

        properties = onnx.load(str(path), load_external_data=False).metadata_props
        return next((entry.value for entry in properties if entry.key == KEY), None)


FORMAT = Onnx(
    name="onnx",
    title="ONNX",
    suffixes=(".onnx",),
    backends=("tensorflow", "torch", "jax"),
    writes_with={"tensorflow": ("tf2onnx", "onnx"), "torch": ("onnxscript", "onnx"), "jax": ("jax2onnx", "onnx")},
    extra="onnx",
    runs_with="onnxruntime",
)


def _by_tensorflow(program: Program) -> Any:
    import tensorflow as tf
    import tf2onnx

    signature = saved_model.signature(program)
    function = tf.function(program.traced, input_signature=signature)
    model, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=OPSET)
    return model


def _by_torch(program: Program) -> Any:
    import torch

    from kapre.deploy.formats import _torch

    traced = _torch.traced(program)
    return torch.onnx.export(traced, dynamo=True, opset_version=OPSET, verbose=False, **_names(program)).model_proto


def _by_jax(program: Program) -> Any:
    import jax2onnx

    from kapre.deploy.formats import _jax

    def call(*tensors: Any) -> tuple[Any, ...]:
        return tuple(program.traced(*tensors).values())

    return _jax.at_least_so_long(
        program,
        lambda promises: jax2onnx.to_onnx(call, _jax.structs(program, promises), opset=OPSET, **_names(program)),
    )


_CONVERTERS = {"tensorflow": _by_tensorflow, "torch": _by_torch, "jax": _by_jax}


def _names(program: Program) -> dict[str, list[str]]:
    return {
        "input_names": [slot.name for slot in program.inputs],
        "output_names": [slot.name for slot in program.outputs],
    }
