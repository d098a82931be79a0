"""PyTorch's own programs, of `torch.export`."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from kapre.deploy.formats._base import FILE, Format, Loaded, Program


class TorchProgram(Format):
    """Write and run a file for `torch.export.load`."""

    def write(self, program: Program, path: Path, backend: str) -> None:
        import torch

        from kapre.deploy.formats import _torch

        torch.export.save(_torch.traced(program), path, extra_files={FILE: program.metadata_text})

    def load(self, path: Path) -> Loaded:
        import torch

        module = torch.export.load(path).module()

        def run(given: dict[str, Any]) -> list[Any]:
            with torch.no_grad():
                found = module(*map(torch.from_numpy, given.values()))
            return [y.cpu().numpy() for y in ((found,) if isinstance(found, torch.Tensor) else found)]

        return run

    def metadata(self, path: Path) -> str | None:
        with zipfile.ZipFile(path) as archive:
            name = next((name for name in archive.namelist() if name.endswith(f"/{FILE}")), None)
            return None if name is None else archive.read(name).decode()


FORMAT = TorchProgram(
    name="torch",
    title="PyTorch program (torch.export)",
    suffixes=(".pt2",),
    backends=("torch",),
    writes_with={},
    runs_with="torch",
    one_thread=False,
    extra="torch",
)
