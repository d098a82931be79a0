"""What a reference is, and the imports that need care."""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import os
import pathlib
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

import numpy as np

os.environ.setdefault("HF_HUB_OFFLINE", "1")

Compute = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Reference:
    """An independent implementation of a published front end, for one clip.

    `compute` takes float64 samples `(n,)` in [-1, 1] at `sample_rate` and returns features without a batch axis.
    """

    package: str
    """The distribution that computes, then the names in it that are called."""
    compute: Compute
    unit: str
    """What the features are measured in: "ln", "log10", "dB", "linear" or "normalised"."""
    sample_rate: int
    float64: bool
    """Whether it computes in float64 from end to end."""
    torch: bool = False
    """Whether it needs PyTorch (and, but for transformers, requirements-references.txt)."""
    shortest: int = 1
    """Fewest samples for which it gives an answer at all, empty or not; it raises below that."""
    note: str = ""

    def described(self) -> str:
        """Return `package` with the installed version in it."""
        distribution, _, names = self.package.partition(" ")
        return f"{distribution} {importlib.metadata.version(distribution)} {names}".rstrip()


REFERENCES: dict[str, Reference] = {}


def reference(
    name: str, package: str, unit: str, sample_rate: int = 16000, **about: Any
) -> Callable[[Compute], Compute]:
    """Enter the decorated function in `REFERENCES`. Its packages' own warnings are not errors."""

    def register(function: Compute) -> Compute:
        @functools.wraps(function)
        def compute(x: np.ndarray) -> np.ndarray:
            if x.ndim != 1 or x.dtype != np.float64:
                raise ValueError(f"a reference takes one clip of float64; received {x.dtype} of shape {x.shape}")
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                try:
                    return np.asarray(function(x))
                finally:
                    without_lazy_modules()

        if name in REFERENCES:
            raise ValueError(f"there are two references {name!r}")
        REFERENCES[name] = Reference(package, compute, unit, sample_rate, **{"float64": False, **about})
        return function

    return register


def without_lazy_modules() -> None:
    """Take speechbrain's stand-ins out of `sys.modules`: a tool that looks at every module there would import them.

    Hypothesis does, and fails at those whose own requirements are not installed. There are ten thousand modules: they
    are looked through only where there are more than before.
    """
    global _looked_through
    if len(sys.modules) == _looked_through:
        return
    for name, module in list(sys.modules.items()):
        if name.startswith("speechbrain") and type(module).__module__ == "speechbrain.utils.importutils":
            del sys.modules[name]
    _looked_through = len(sys.modules)


_looked_through = 0


def torchaudio() -> Any:
    """Import torchaudio, its Python modules only.

    Its compiled part is bound to one version of torch and to CUDA, and the import fails where it can't be loaded.
    Where the files are absent, it does without. So they are hidden while it is imported.
    """
    found = pathlib.Path.glob

    def glob(self: pathlib.Path, *args: Any, **options: Any) -> Any:
        return [] if self.parts[-2:] == ("torchaudio", "lib") else found(self, *args, **options)

    with mock.patch.object(pathlib.Path, "glob", glob):
        import torchaudio
        import torchaudio.compliance.kaldi
        import torchaudio.transforms
    return torchaudio


def transformers() -> Any:
    """Import transformers, which imports torchaudio wherever that is installed."""
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        importlib.metadata.version("torchaudio")
        torchaudio()
    import transformers
    import transformers.audio_utils

    return transformers


@contextlib.contextmanager
def double() -> Iterator[None]:
    """Let torch make its windows, filters and buffers in float64 meanwhile."""
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with torch.no_grad():
            yield
    finally:
        torch.set_default_dtype(before)
