"""torch-audiomentations, which needs help to be imported and to read recordings beside the installed torchaudio."""

from __future__ import annotations

import functools
from typing import Any

import soundfile
import torch

from tests.references._registry import torchaudio


def torch_audiomentations() -> Any:
    """Import torch-audiomentations behind torchaudio."""
    torchaudio()
    import torch_audiomentations

    return torch_audiomentations


@functools.cache
def _samples(path: str) -> torch.Tensor:
    return torch.from_numpy(soundfile.read(path, dtype="float32")[0])[None]


def in_memory(transform: Any, sample_rate: int) -> Any:
    """Return a transform that takes its recordings from memory, once they were read.

    torch-audiomentations 0.12.0 reads files by functions that torchaudio 2.11 lacks.
    """
    torchaudio()
    from torch_audiomentations.utils.io import Audio

    class Held(Audio):  # type: ignore[misc]
        """Return the samples of a file."""

        def __call__(self, path: Any, sample_offset: int = 0, num_samples: int | None = None) -> torch.Tensor:
            samples = _samples(str(path))
            return samples if num_samples is None else samples[:, sample_offset : sample_offset + num_samples]

        @staticmethod
        def get_audio_metadata(path: Any) -> tuple[int, int]:
            return _samples(str(path)).shape[-1], sample_rate

        def get_num_samples(self, path: Any) -> int:
            return int(_samples(str(path)).shape[-1])

    transform.audio = Held(sample_rate, mono=True)
    return transform
