"""OpenVINO: a converted ONNX file, with the weights in a file beside it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from xml.etree import ElementTree

from kapre.deploy.formats import onnx
from kapre.deploy.formats._base import KEY, Format, Loaded, Program


class OpenVino(Format):
    """Write and run a file of OpenVINO, in float32."""

    def files(self, path: Path) -> list[Path]:
        return [path, path.with_suffix(".bin")]

    def write(self, program: Program, path: Path, backend: str) -> None:
        import openvino

        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.onnx"
            onnx.FORMAT.write(program, file, backend)
            # Do not use `convert_model`: it forks to report its use, which may hang if JAX is in the process.
            model = openvino.Core().read_model(str(file))
        model.set_rt_info(program.metadata_text, KEY)
        # Half precision would save half the size but cost 0.1 dB.
        openvino.save_model(model, str(path), compress_to_fp16=False)

    def load(self, path: Path) -> Loaded:
        import openvino

        # On a processor with bfloat16, OpenVINO would compute in it, with an error of a decibel.
        settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": "1"}
        return openvino.Core().compile_model(str(path), "CPU", settings)

    def metadata(self, path: Path) -> str | None:
        found = ElementTree.parse(path).find(f"rt_info/{KEY}")
        return None if found is None else found.get("value")


FORMAT = OpenVino(
    name="openvino",
    title="OpenVINO",
    suffixes=(".xml",),
    backends=onnx.FORMAT.backends,
    writes_with={backend: ("openvino", *names) for backend, names in onnx.FORMAT.writes_with.items()},
    extra="openvino",
    runs_with="openvino",
)
