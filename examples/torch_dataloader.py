"""The front end in the workers of a torch.utils.data.DataLoader: features are computed beside the training process.

KERAS_BACKEND=torch python examples/torch_dataloader.py
"""

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

import kapre  # first: it picks the backend that is installed


class Features(Dataset):
    """Log-mel features of clips, of shape (frame, band)."""

    def __init__(self, clips: np.ndarray) -> None:
        self.clips = clips
        self.mel = kapre.get_melspectrogram_layer(
            n_fft=512, hop_length=160, sample_rate=16000, n_mels=40, power=2.0, return_decibel=True, db_amin=1e-10
        )

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> torch.Tensor:
        with torch.no_grad():
            return self.mel(self.clips[index][None, :, None])[0, :, :, 0].cpu()


def main() -> None:
    """Print the shapes that come out."""
    clips = np.random.default_rng(0).uniform(-1, 1, (10, 16000)).astype("float32")
    # "spawn": a forked worker would inherit the main process's threads in an unknown state.
    loader = DataLoader(Features(clips), batch_size=4, num_workers=1, multiprocessing_context="spawn")
    print([tuple(batch.shape) for batch in loader])


if __name__ == "__main__":
    main()
