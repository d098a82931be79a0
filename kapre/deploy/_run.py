"""Loading and running of a file in its own runtime."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kapre.deploy._program import Slot

Run = Callable[[Sequence[np.ndarray]], list[np.ndarray]]


def _saved_model(path: Path, inputs: Sequence[Slot], outputs: Sequence[Slot]) -> Run:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))

    def run(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        found = loaded.serve(*(tf.constant(x) for x in arrays))
        return [found[slot.name].numpy() for slot in outputs]

    run.keep = loaded  # type: ignore[attr-defined]
    return run


def _litert(path: Path, inputs: Sequence[Slot], outputs: Sequence[Slot]) -> Run:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path), num_threads=1)
    signature = interpreter.get_signature_runner(next(iter(interpreter.get_signature_list())))

    def run(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        found = signature(**{slot.name: x for slot, x in zip(inputs, arrays, strict=True)})
        return [found[slot.name] for slot in outputs]

    return run


def _onnx(path: Path, inputs: Sequence[Slot], outputs: Sequence[Slot]) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [slot.name for slot in inputs]

    def run(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        found: Any = session.run([slot.name for slot in outputs], dict(zip(names, arrays, strict=True)))
        return list(found)

    return run


def _openvino(path: Path, inputs: Sequence[Slot], outputs: Sequence[Slot]) -> Run:
    import openvino

    # On a processor with bfloat16, OpenVINO would compute in it, with an error of a decibel.
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": "1"}
    compiled = openvino.Core().compile_model(str(path), "CPU", settings)

    def run(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        found = compiled({slot.name: x for slot, x in zip(inputs, arrays, strict=True)})
        return [np.array(found[slot.name]) for slot in outputs]

    return run


def _torch(path: Path, inputs: Sequence[Slot], outputs: Sequence[Slot]) -> Run:
    import torch

    module = torch.export.load(path).module()

    def run(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        with torch.no_grad():
            found = module(*(torch.from_numpy(x) for x in arrays))
        return [y.cpu().numpy() for y in ((found,) if isinstance(found, torch.Tensor) else found)]

    return run


def _executorch(path: Path, inputs: Sequence[Slot], outputs: Sequence[Slot]) -> Run:
    import torch
    from executorch.runtime import Runtime

    method = Runtime.get().load_program(path).load_method("forward")
    assert method is not None

    def run(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        found = method.execute([torch.from_numpy(x) for x in arrays])
        return [np.array(y) for y in found]  # a copy: the next call overwrites these arrays

    return run


def _stablehlo(path: Path, inputs: Sequence[Slot], outputs: Sequence[Slot]) -> Run:
    import jax
    import jax.export

    call = jax.jit(jax.export.deserialize(bytearray(path.read_bytes())).call)

    def run(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        found = call(*arrays)
        return [np.asarray(found[slot.name]) for slot in outputs]

    return run


LOADERS: dict[str, Callable[[Path, Sequence[Slot], Sequence[Slot]], Run]] = {
    "tf_saved_model": _saved_model,
    "litert": _litert,
    "onnx": _onnx,
    "openvino": _openvino,
    "torch": _torch,
    "stablehlo": _stablehlo,
    "executorch": _executorch,
}
"""A mapping from each format to a function that loads a file. The loaded file runs on one thread."""
