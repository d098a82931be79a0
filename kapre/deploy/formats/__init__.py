"""The export formats: a file for each one, and their registry."""

from __future__ import annotations

from pathlib import Path

from kapre._checks import message
from kapre.deploy.formats import executorch, litert, onnx, openvino, saved_model, stablehlo, torch_program
from kapre.deploy.formats._base import Format

FORMATS: dict[str, Format] = {
    file.FORMAT.name: file.FORMAT
    for file in (saved_model, litert, onnx, openvino, torch_program, stablehlo, executorch)
}


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
