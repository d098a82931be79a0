"""The export formats: their names, the backends that write them, and their requirements."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kapre._checks import message
from kapre.deploy._errors import ExportError


@dataclass(frozen=True)
class Format:
    """Describe an export format.

    Attributes:
        name: The name that `kapre.export` uses.
        title: The name for display.
        suffixes: The suffixes of its files. Empty for a folder.
        backends: The Keras backends that write it, the most reliable first.
        writes_with: The packages that each backend needs for writing, besides its own.
        runs_with: The package that runs it.
        one_thread: Whether the latency in a report is for one thread.
        hint: Advice for a failure.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    backends: tuple[str, ...]
    writes_with: dict[str, tuple[str, ...]]
    runs_with: str
    one_thread: bool = True
    hint: str = ""


FORMATS: dict[str, Format] = {
    found.name: found
    for found in (
        Format(
            "tf_saved_model",
            "TensorFlow SavedModel",
            (),
            ("tensorflow", "jax"),
            {"jax": ("tensorflow",)},
            "tensorflow",
            False,
        ),
        Format(
            "litert",
            "LiteRT (TensorFlow Lite), builtin operations",
            (".tflite",),
            ("tensorflow", "jax"),
            {"jax": ("tensorflow",)},
            "ai_edge_litert",
        ),
        Format(
            "onnx",
            "ONNX",
            (".onnx",),
            ("tensorflow", "torch", "jax"),
            {"tensorflow": ("tf2onnx", "onnx"), "torch": ("onnxscript", "onnx"), "jax": ("jax2onnx", "onnx")},
            "onnxruntime",
        ),
        Format(
            "openvino",
            "OpenVINO",
            (".xml",),
            ("tensorflow", "torch", "jax"),
            {
                "tensorflow": ("openvino", "tf2onnx", "onnx"),
                "torch": ("openvino", "onnxscript", "onnx"),
                "jax": ("openvino", "jax2onnx", "onnx"),
            },
            "openvino",
        ),
        Format("torch", "PyTorch program (torch.export)", (".pt2",), ("torch",), {}, "torch", False),
        Format("stablehlo", "StableHLO (jax.export)", (".stablehlo",), ("jax",), {}, "jax", False),
        Format(
            "executorch",
            "ExecuTorch, one clip at a time",
            (".pte",),
            ("torch",),
            {"torch": ("executorch", "torchao")},
            "executorch",
            False,
            " ExecuTorch takes a front end alone, as a rule: export kapre.Frontend, or the helper, by itself.",
        ),
    )
}

OPSET = 18
"""The ONNX opset version, which all runtimes of recent years support."""

PACKAGES = {
    "ai_edge_litert": "ai-edge-litert",
}
"""The pip names of modules, where they differ."""


_EXTRAS = ("tensorflow", "torch", "jax", "executorch")
"""Packages that are not part of the extra `export`."""


def format_of(path: Path, name: str | None) -> Format:
    """Return the requested format, or the format that the suffix of the path implies."""
    suffix = path.suffix
    if name is not None:
        if name not in FORMATS:
            raise ValueError(message("format", f"one of {', '.join(FORMATS)}", name, "Or leave it out."))
        known = FORMATS[name]
        if known.suffixes and suffix not in known.suffixes:
            rule = f"one that ends in {known.suffixes[0]} for {known.title}"
            raise ValueError(message("path", rule, str(path), f"Use {path.stem}{known.suffixes[0]}."))
        return known
    for found in FORMATS.values():
        if suffix in found.suffixes or (not suffix and not found.suffixes):
            return found
    suffixes = ", ".join(suffix for found in FORMATS.values() for suffix in found.suffixes)
    rule = f"one whose suffix says the format ({suffixes}, or none for a SavedModel)"
    raise ValueError(message("path", rule, str(path), f"Or give format, one of {', '.join(FORMATS)}."))


def missing(modules: Iterable[str]) -> list[str]:
    """Return the pip names of the given modules that are not installed."""
    return [PACKAGES.get(name, name) for name in modules if importlib.util.find_spec(name) is None]


def demand_runtime(found: Format) -> None:
    """Raise an error if the package that runs a format is missing."""
    absent = missing([found.runs_with])
    if absent:
        extra = found.runs_with if found.runs_with in _EXTRAS else "export"
        raise ExportError(
            f"{found.title} needs {absent[0]} to be run. Run `pip install 'kapre[{extra}]'`, or give check=False to "
            "write it unseen."
        )
