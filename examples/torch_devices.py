"""A model with a front end in it in two processes, under torch's DistributedDataParallel.

KERAS_BACKEND=torch python examples/torch_devices.py
"""

import os
import tempfile
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist

import kapre  # first: it picks the backend that is installed


class Classifier(torch.nn.Module):
    """Two classes from waveforms of shape (batch, time), through a filter bank that learns."""

    def __init__(self) -> None:
        super().__init__()
        self.frontend = kapre.Frontend.from_preset("kaldi_fbank", n_mels=40, trainable_filterbank=True)
        self.head = torch.nn.Linear(40, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.frontend(x).mean(dim=1))


def train(rank: int, count: int, meeting: str) -> None:
    """Train in one of the processes, on its share of the batch."""
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")  # all processes on this machine
    dist.init_process_group("gloo", f"file://{meeting}", rank=rank, world_size=count)
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-1, 1, (16, 8000)).astype("float32"), rng.integers(0, 2, 16)

    model = Classifier()
    model(torch.zeros(1, 8000))  # a Keras layer makes its weights when it is called; DDP must find them
    parallel = torch.nn.parallel.DistributedDataParallel(model)
    optimizer = torch.optim.SGD(parallel.parameters(), 1e-4)
    loss = torch.nn.functional.cross_entropy(parallel(torch.as_tensor(x[rank::count])), torch.as_tensor(y[rank::count]))
    loss.backward()
    optimizer.step()

    np.save(f"{meeting}-{rank}.npy", model.frontend.filterbank)
    if rank == 0:
        print(count, sorted(model.state_dict()), end=" ", flush=True)
    dist.barrier()  # nobody leaves while another still listens
    # Not dist.destroy_process_group(): in torch 2.13 it may wait for gloo's thread with Python's lock in hand, which
    # that thread waits for to let go of tensors.
    os._exit(0)


def main() -> None:
    """Start two processes, which meet at a file."""
    with tempfile.TemporaryDirectory() as folder:
        meeting = str(Path(folder) / "meeting")
        torch.multiprocessing.spawn(train, (2, meeting), nprocs=2)
        banks = [np.load(f"{meeting}-{rank}.npy") for rank in range(2)]
        print(np.array_equal(*banks))  # both have learned the same


if __name__ == "__main__":
    main()
