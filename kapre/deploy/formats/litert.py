"""LiteRT (TensorFlow Lite): a converted SavedModel, whose weights may be quantised."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

from kapre.deploy.formats import saved_model
from kapre.deploy.formats._base import KEY, Format, Loaded, Program


class LiteRT(Format):
    """Write and run a file that uses only builtin operations."""

    def write(self, program: Program, path: Path, backend: str) -> None:
        import tensorflow as tf

        with tempfile.TemporaryDirectory() as folder:
            saved_model.FORMAT.write(program, Path(folder) / "model", backend)
            converter = tf.lite.TFLiteConverter.from_saved_model(f"{folder}/model")
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
            path.write_bytes(_with_metadata(converter.convert(), program.metadata_text))

    def load(self, path: Path) -> Loaded:
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(model_path=str(path), num_threads=1)
        signature = interpreter.get_signature_runner(next(iter(interpreter.get_signature_list())))
        return lambda given: signature(**given)

    def metadata(self, path: Path) -> str | None:
        from ai_edge_litert.tools import flatbuffer_utils

        model = flatbuffer_utils.read_model(str(path))
        for entry in model.metadata or ():
            if entry.name == KEY.encode():
                return bytes(model.buffers[entry.buffer].data).decode()
        return None

    def advice(self, error: Exception) -> str:
        if "TensorList" in str(error) or "assign_variable" in str(error):
            return " Recurrent layers take unroll=True and an Input of fixed time there; ONNX takes them as they are."
        return super().advice(error)

    def quantize(self, path: Path, kind: str, program: Program) -> None:
        """Quantise the weights after the front end to int8 per channel, or to float16. Sums stay in float32.

        In int8, a front end would lose 50 to 80 dB. float16 cannot represent the power of a loud clip. TensorFlow's
        converter names the operations of a layer after the layer, in their own scope. Other converters do not.
        """
        from ai_edge_quantizer import algorithm_manager, qtyping, quantizer

        algorithms, every = algorithm_manager.AlgorithmName, qtyping.TFLOperationName.ALL_SUPPORTED
        work: Any = quantizer.Quantizer(str(path))
        if kind == "int8":
            work.add_dynamic_config(regex=".*", operation_name=every, num_bits=8)
        else:
            weights = qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT)
            config = qtyping.OpQuantizationConfig(
                weight_tensor_config=weights, compute_precision=qtyping.ComputePrecision.FLOAT, explicit_dequantize=True
            )
            work.update_quantization_recipe(
                regex=".*", operation_name=every, op_config=config, algorithm_key=algorithms.FLOAT_CASTING
            )
        for name in program.inventory.front_end:
            scope = rf"(^|.*[/;]){re.escape(name)}(_\d+|_of_parts\S*|_parts\S*)?/.*"
            work.update_quantization_recipe(regex=scope, operation_name=every, algorithm_key=algorithms.NO_QUANTIZE)
        work.quantize().export_model(str(path), overwrite=True)


FORMAT = LiteRT(
    name="litert",
    title="LiteRT (TensorFlow Lite), builtin operations",
    suffixes=(".tflite",),
    backends=("tensorflow", "jax"),
    writes_with={"jax": ("tensorflow",)},
    extra="litert",
    runs_with="ai_edge_litert",
    quantized={"float16": 0.01, "int8": 0.1},
    quantized_by="tensorflow",
    quantized_with="ai_edge_quantizer",
)


def _with_metadata(data: bytes, text: str) -> bytes:
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model_from_bytearray(bytearray(data))
    buffer = schema.BufferT()
    buffer.data = list(text.encode())
    model.buffers.append(buffer)
    entry = schema.MetadataT()
    entry.name = KEY
    entry.buffer = len(model.buffers) - 1
    model.metadata = [*(model.metadata or ()), entry]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))
