"""StableHLO, of `jax.export`, with the metadata in a file beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kapre.deploy.formats._base import FILE, Format, Loaded, Program


class StableHlo(Format):
    """Write and run a file for `jax.export.deserialize`."""

    def files(self, path: Path) -> list[Path]:
        return [path, _beside(path)]

    def write(self, program: Program, path: Path, backend: str) -> None:
        import jax
        import jax.export

        from kapre.deploy.formats import _jax

        def exported(promises: list[str]) -> Any:
            with jax.default_matmul_precision("highest"):  # else a TPU would multiply in bfloat16, and a GPU in TF32
                function = jax.jit(program.traced)
                return jax.export.export(function, platforms=("cpu", "cuda", "tpu"))(*_jax.structs(program, promises))

        path.write_bytes(_jax.at_least_so_long(program, exported).serialize())
        _beside(path).write_text(program.metadata_text, encoding="utf-8")

    def load(self, path: Path) -> Loaded:
        import jax
        import jax.export

        call = jax.jit(jax.export.deserialize(bytearray(path.read_bytes())).call)
        return lambda given: call(*given.values())

    def metadata(self, path: Path) -> str | None:
        file = _beside(path)
        return file.read_text(encoding="utf-8") if file.is_file() else None


FORMAT = StableHlo(
    name="stablehlo",
    title="StableHLO (jax.export)",
    suffixes=(".stablehlo",),
    backends=("jax",),
    writes_with={},
    runs_with="jax",
    one_thread=False,
    extra="jax",
)


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.{FILE}")
