"""Writing of a program in a format by the active backend."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import keras

from kapre.deploy import _metadata
from kapre.deploy._program import Program


def _onnx_model(program: Program) -> Any:
    backend = keras.backend.backend()
    if backend == "tensorflow":
        from kapre.deploy._tensorflow import onnx_model
    elif backend == "jax":
        from kapre.deploy._jax import onnx_model
    else:
        from kapre.deploy._torch import onnx_model
    return onnx_model(program)


def _onnx(program: Program, path: Path) -> None:
    import onnx

    model = _onnx_model(program)
    entry = model.metadata_props.add()
    entry.key, entry.value = _metadata.KEY, _metadata.dumped(program.metadata)
    onnx.save(model, str(path))


def _openvino(program: Program, path: Path) -> None:
    import openvino

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        _onnx(program, file)
        # Do not use `convert_model`: it forks to report its use, which may hang if JAX is in the process.
        model = openvino.Core().read_model(str(file))
    model.set_rt_info(_metadata.dumped(program.metadata), _metadata.KEY)
    openvino.save_model(model, str(path), compress_to_fp16=False)  # half precision saves half the size but costs 0.1 dB


def _saved_model(program: Program, path: Path) -> None:
    from kapre.deploy._tensorflow import saved_model

    saved_model(program, path)


def _litert(program: Program, path: Path) -> None:
    from kapre.deploy._tensorflow import litert

    litert(program, path)


def _torch(program: Program, path: Path) -> None:
    from kapre.deploy._torch import program_file

    program_file(program, path)


def _executorch(program: Program, path: Path) -> None:
    from kapre.deploy._torch import executorch_file

    executorch_file(program, path)


def _stablehlo(program: Program, path: Path) -> None:
    from kapre.deploy._jax import stablehlo

    stablehlo(program, path)


WRITERS = {
    "tf_saved_model": _saved_model,
    "litert": _litert,
    "onnx": _onnx,
    "openvino": _openvino,
    "torch": _torch,
    "stablehlo": _stablehlo,
    "executorch": _executorch,
}
