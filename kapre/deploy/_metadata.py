"""The metadata of an exported file: the recipe, the sample rate, the class names, and the version of Kapre."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kapre._checks import message
from kapre.deploy.formats import FORMATS

_SUFFIXES = ".onnx, .tflite, .xml, .pt2, .stablehlo, .pte"
"""The suffixes as the error lists them; a test compares them with `FORMATS`."""


def read_metadata(path: str | Path) -> dict[str, Any] | None:
    """Read the metadata that `kapre.export` wrote to a file.

    Args:
        path: A file or folder that `kapre.export` wrote.

    Returns:
        A dict with "kapre" (the version that wrote the file), "sample_rate" in Hz, "class_names" and "recipes", or None
        if the file holds no metadata of Kapre.

    Raises:
        FileNotFoundError: If the path does not exist.
        ValueError: If the suffix does not belong to an exported file.

    Example:
        ```python
        import kapre
        from kapre.deploy import read_metadata

        kapre.export(kapre.Frontend.from_preset("kaldi_fbank"), "fbank.onnx")
        assert read_metadata("fbank.onnx")["sample_rate"] == 16000
        ```
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: there is no such file.")
    found = FORMATS.values()
    able = [each for each in found if (not each.suffixes if path.is_dir() else path.suffix in each.suffixes)]
    if not able:
        raise ValueError(message("path", f"a file that kapre.export writes ({_SUFFIXES})", str(path), "Export one."))
    text = able[0].metadata(path)
    return None if text is None else json.loads(text)
