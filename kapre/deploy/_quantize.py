"""Quantisation of the weights of a LiteRT file, except those of the front end."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from kapre.deploy._program import Program

TOLERANCES = {"float16": 0.01, "int8": 0.1}
"""Accepted difference between a quantised file's output and Keras', as a fraction of its range."""


def quantize(path: Path, kind: str, program: Program) -> None:
    """Quantise the weights after the front end to int8 per channel, or to float16. Sums stay in float32.

    In int8, a front end would lose 50 to 80 dB. float16 cannot represent the power of a loud clip. TensorFlow's
    converter names the operations of a layer after the layer, in their own scope.
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
    for name in program.front_end:
        scope = rf"(^|.*[/;]){re.escape(name)}(_\d+|_of_parts\S*|_parts\S*)?/.*"
        work.update_quantization_recipe(regex=scope, operation_name=every, algorithm_key=algorithms.NO_QUANTIZE)
    work.quantize().export_model(str(path), overwrite=True)
