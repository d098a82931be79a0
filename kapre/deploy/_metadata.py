"""The metadata of an exported file: the recipe, the sample rate, the class names, and the version of Kapre."""

from __future__ import annotations

import json
import warnings
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from kapre._checks import message
from kapre.deploy._quiet import quiet

KEY = "kapre"
FILE = "kapre.json"


def dumped(metadata: dict[str, Any]) -> str:
    """Return the metadata as text."""
    return json.dumps(metadata, ensure_ascii=False)


def beside(path: Path) -> Path:
    """Return the metadata file for a file that cannot hold metadata."""
    return path.with_name(f"{path.name}.{FILE}")


def _of_onnx(path: Path) -> str | None:
    import onnx

    properties = onnx.load(str(path), load_external_data=False).metadata_props
    return next((entry.value for entry in properties if entry.key == KEY), None)


def _of_litert(path: Path) -> str | None:
    from ai_edge_litert.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model(str(path))
    for entry in model.metadata or ():
        if entry.name == KEY.encode():
            return bytes(model.buffers[entry.buffer].data).decode()
    return None


def _of_openvino(path: Path) -> str | None:
    found = ElementTree.parse(path).find(f"rt_info/{KEY}")
    return None if found is None else found.get("value")


def _of_torch(path: Path) -> str | None:
    with zipfile.ZipFile(path) as archive:
        name = next((name for name in archive.namelist() if name.endswith(f"/{FILE}")), None)
        return None if name is None else archive.read(name).decode()


def _of_executorch(path: Path) -> str | None:
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package warns about itself on import
        from executorch.runtime import Runtime

        program = Runtime.get().load_program(path)
        method = program.load_method(KEY) if KEY in program.method_names else None
        return None if method is None else str(method.execute([])[0])


def _of_folder(path: Path) -> str | None:
    file = path / "assets.extra" / FILE
    return file.read_text(encoding="utf-8") if file.is_file() else None


def _of_neighbour(path: Path) -> str | None:
    file = beside(path)
    return file.read_text(encoding="utf-8") if file.is_file() else None


_READERS = {
    ".onnx": _of_onnx,
    ".tflite": _of_litert,
    ".xml": _of_openvino,
    ".pt2": _of_torch,
    ".stablehlo": _of_neighbour,
    ".pte": _of_executorch,
}


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
    if path.is_dir():
        return _parsed(_of_folder(path))
    if path.suffix not in _READERS:
        suffixes = ", ".join(filter(None, _READERS))
        raise ValueError(message("path", f"a file that kapre.export writes ({suffixes})", str(path), "Export one."))
    return _parsed(_READERS[path.suffix](path))


def _parsed(text: str | None) -> dict[str, Any] | None:
    return None if text is None else json.loads(text)
