"""The front end as a torch.nn.Module in a plain PyTorch model: state_dict, .to, training, torch.compile.

KERAS_BACKEND=torch python examples/torch_module.py
"""

import numpy as np
import torch

import kapre  # first: it picks the backend that is installed


class Classifier(torch.nn.Module):
    """Two classes from waveforms of shape (batch, time)."""

    def __init__(self) -> None:
        super().__init__()
        self.mel = kapre.get_melspectrogram_layer(
            input_shape=(None, 1), n_fft=512, hop_length=160, sample_rate=16000, n_mels=40, return_decibel=True
        )
        self.head = torch.nn.Linear(40, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.mel(x[..., None])[..., 0].mean(dim=1))


def main() -> None:
    """Train for a few steps; the front end has no weights, so the state is the head's alone."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    y = torch.as_tensor(rng.integers(0, 2, 32))
    pitch = np.where(y.numpy(), 900.0, 400.0)[:, None]
    clips = np.sin(2 * np.pi * pitch * np.arange(8000) / 16000) + 0.1 * rng.standard_normal((32, 8000))
    x = torch.as_tensor(clips, dtype=torch.float32)
    model = Classifier().to("cpu")
    optimizer = torch.optim.Adam(model.parameters(), 0.05)
    for _ in range(30):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    again = Classifier()
    again.load_state_dict(model.state_dict())
    compiled = torch.compile(again, backend="aot_eager")
    accuracy = (compiled(x).argmax(dim=1) == y).float().mean()
    print(sorted(model.state_dict()), f"accuracy {accuracy:.2f}")


if __name__ == "__main__":
    main()
