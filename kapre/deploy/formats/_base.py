"""`Format`: what each export format states about itself and can do."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kapre._checks import message
from kapre.deploy._errors import ExportError

if TYPE_CHECKING:
    from kapre.deploy._program import Program as Program
else:
    Program = Any  # its module needs Keras

KEY = "kapre"
"""The key of the metadata within a file."""
FILE = "kapre.json"
"""The name of a file that holds only the metadata."""

Loaded = Callable[[dict[str, Any]], Any]
"""A loaded file: a function of its inputs by name, in order. It returns its outputs by name, or a list in order."""
Run = Callable[[Sequence[np.ndarray]], list[np.ndarray]]
"""A loaded file as a function of arrays in the order of the program."""


@dataclass(frozen=True)
class Format:
    """Describe an export format. Each format is a subclass in a file of its own, with one instance, `FORMAT`.

    Its file imports Keras, backends and converters only inside functions, so that metadata can be read without them.

    Attributes:
        name: The name that `kapre.export` uses.
        title: The name for display.
        suffixes: The suffixes of its files. Empty for a folder.
        backends: The Keras backends that write it, the most reliable first.
        writes_with: The packages that each backend needs for writing, besides its own.
        runs_with: The package that runs it.
        one_thread: Whether the latency in a report is for one thread.
        hint: Advice for a failure.
        extra: The extra of Kapre that installs the package that runs it.
        by_products: Whether its runtime multiplies matrices faster than it convolves.
        crash: What its runtime may do at an input that it does not take, if this is more than to raise an error. Such a
            format is written and run in a separate process, and is not run with a clip that is too short.
        instead_for_streams: The remedy if it cannot hold the step of a stream.
        quantized: The accepted difference from Keras for each way to store the weights in fewer bits, as a fraction of
            the output's range. Empty if there is no such way.
        quantized_by: The backend whose files can be quantised.
        quantized_with: The package that quantises.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    backends: tuple[str, ...]
    writes_with: dict[str, tuple[str, ...]]
    runs_with: str
    one_thread: bool = True
    hint: str = ""
    extra: str = "export"
    by_products: bool = False
    crash: str = ""
    instead_for_streams: str = ""
    quantized: dict[str, float] = field(default_factory=dict)
    quantized_by: str = ""
    quantized_with: str = ""

    def write(self, program: Program, path: Path, backend: str) -> None:
        """Write a program and its metadata with the active backend."""
        raise NotImplementedError

    def load(self, path: Path) -> Loaded:
        """Load a file in its own runtime, on one thread if the runtime can be told so."""
        raise NotImplementedError

    def metadata(self, path: Path) -> str | None:
        """Return the text of the metadata in a file, or None if there is none."""
        raise NotImplementedError

    def quantize(self, path: Path, kind: str, program: Program) -> None:
        """Quantise the weights of a file, except those of the front end."""
        raise NotImplementedError

    def files(self, path: Path) -> list[Path]:
        """Return the paths of a file and of the files beside it that belong to it."""
        return [path]

    def bounded(self, program: Program, max_samples: int | None) -> Program:
        """Return the program with the limits of the runtime on its inputs."""
        if max_samples is not None:
            rule = f"None for {self.title}"
            raise ValueError(message("max_samples", rule, max_samples, "Its files take any length."))
        return program

    def advice(self, error: Exception) -> str:
        """Return advice for an error of the converter."""
        return self.hint

    def run_of(self, path: Path, program: Program) -> Run:
        """Load a file, and return it as a function of arrays."""
        runtime = self.load(path)

        def run(arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
            found = runtime({slot.name: x for slot, x in zip(program.inputs, arrays, strict=True)})
            if not isinstance(found, (list, tuple)):
                found = [found[slot.name] for slot in program.outputs]
            return [np.array(y) for y in found]  # a copy: a runtime may overwrite its outputs at the next call

        return run

    def lacks(self, backend: str) -> list[str]:
        """Return the pip names of the packages that a backend lacks to write this format."""
        return missing((backend, *self.writes_with.get(backend, ())))

    def unwritable(self, backend: str) -> ExportError:
        """Return the error for an environment in which no backend can write this format."""
        with_it = backend if backend in self.backends else self.backends[0]
        ways = "; ".join(f"{other} (install {' '.join(self.lacks(other))})" for other in self.backends)
        return ExportError(
            f"{self.title} cannot be written by {backend} here. What can write it: {ways}. "
            f"Run `pip install 'kapre[{','.join(dict.fromkeys((self.extra, with_it)))}]'`."
        )

    def demand_runtime(self) -> None:
        """Raise an error if the package that runs this format is missing."""
        if absent := missing([self.runs_with]):
            raise ExportError(
                f"{self.title} needs {absent[0]} to be run. Run `pip install 'kapre[{self.extra}]'`, or give "
                "check=False to write it unseen."
            )


def missing(modules: Iterable[str]) -> list[str]:
    """Return the pip names of the given modules that are not installed."""
    return [name.replace("_", "-") for name in modules if importlib.util.find_spec(name) is None]
