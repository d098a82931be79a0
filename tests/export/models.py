"""Models to export, and their runtimes called without `kapre.deploy`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

import kapre

SUFFIXES = {"tf_saved_model": "", "litert": ".tflite", "onnx": ".onnx", "openvino": ".xml"}
SUFFIXES |= {"torch": ".pt2", "stablehlo": ".stablehlo", "executorch": ".pte"}
NATIVE = {
    "tensorflow": ("tf_saved_model", "litert", "onnx", "openvino"),
    "jax": ("tf_saved_model", "litert", "stablehlo", "onnx", "openvino"),
    "torch": ("torch", "onnx", "openvino"),
}
"""What each backend writes by itself, of a whole network."""
ON_EDGE = (".onnx", ".tflite") if keras.backend.backend() == "tensorflow" else (".onnx",)
"""What tests of the files' numbers write: LiteRT's are TensorFlow's work, whoever asks for them."""


def network(n_fft: int = 512, chain: bool = False) -> keras.Model:
    """Return a mel helper, or a chain of single layers, with a small network behind it and weights that are not 0."""
    keras.utils.set_random_seed(3)
    hop = 160 if n_fft == 512 else n_fft // 4
    bank = dict(sample_rate=16000, n_freq=n_fft // 2 + 1, n_mels=40)
    front: list[keras.Layer] = [
        kapre.get_melspectrogram_layer(
            n_fft=n_fft, hop_length=hop, sample_rate=16000, n_mels=40, return_decibel=True, db_amin=1e-10
        )
    ]
    if chain:
        front = [kapre.STFT(n_fft, hop_length=hop), kapre.Magnitude(), kapre.ApplyFilterbank("mel", bank)]
        front += [kapre.MagnitudeToDecibel(amin=1e-10)]
    network = [
        keras.layers.Conv2D(8, 3, padding="same", activation="relu", data_format="channels_last"),
        keras.layers.GlobalAveragePooling2D(data_format="channels_last"),
        keras.layers.Dense(4),
    ]
    return keras.Sequential([keras.Input((None, 1)), *front, *network])


def runner(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """Return what a user writes to run a file of one input and one output."""
    if path.suffix == ".onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        return lambda x: session.run(None, {name: x})[0]
    if path.suffix == ".tflite":
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(str(path))
        (put,), (get,) = interpreter.get_input_details(), interpreter.get_output_details()

        def run(x: np.ndarray) -> np.ndarray:
            interpreter.resize_tensor_input(put["index"], x.shape)
            interpreter.allocate_tensors()
            interpreter.set_tensor(put["index"], x)
            interpreter.invoke()
            return interpreter.get_tensor(get["index"])

        return run
    raise AssertionError(path)


def clip(batch: int, samples: int, seed: int = 0) -> np.ndarray:
    """Return a sweep over noise, `(batch, samples)`."""
    rng = np.random.default_rng(seed)
    t = np.arange(samples) / 16000
    return (0.3 * np.sin(2 * np.pi * (200 + 900 * t) * t) + 0.05 * rng.standard_normal((batch, samples))).astype(
        "float32"
    )
