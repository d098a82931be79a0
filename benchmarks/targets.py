"""What was set out to be reached: how many times faster, or smaller, than the best of some peers in one run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from benchmarks.candidate import NO_ROOT, group
from benchmarks.results import Row


@dataclass(frozen=True)
class Target:
    """A ratio, the best peer's number by our best, on one thread; `least` says for each shape what it should be."""

    runtime: str
    kind: str
    against: str
    peers: tuple[str, ...]
    least: Mapping[str, float]
    peer_mode: str | None = None
    memory: bool = False

    def measured(self, rows: Iterable[Row], shape: str) -> float | None:
        """Return the ratio that the rows give, or None where a side is missing."""
        number = "again_mb" if self.memory else "median_ms"  # once what has to be compiled is
        ours, theirs = [], []
        for row in rows:
            if (row["runtime"], row["threads"], row["shape"], row["kind"]) != (self.runtime, "1", shape, self.kind):
                continue
            if group(row["mode"]) != "functions":
                continue
            if row["ours"]:
                ours.append(row[number])
            elif row["name"] in self.peers and self.peer_mode in (None, row["mode"]):
                theirs.append(row[number])
        if not ours or not theirs:
            return None
        return max(min(theirs), 0.1) / max(min(ours), 0.1) if self.memory else min(theirs) / min(ours)


def _shapes(*values: float) -> dict[str, float]:
    return dict(zip("abcde", values, strict=True))


_TORCH = ("torchaudio", "torch.stft")
_JAX = ("jax.scipy.signal.stft",)
_KERAS = ("keras MelSpectrogram",)
_JAX_LEAST = _shapes(0.97, 1.7, 0.97, 0.97, 1.2)
_TF_LEAST = _shapes(1.2, 1.05, 1.05, 1.0, 1.1)

_EVERY_TORCH = (*_TORCH, *(peer + NO_ROOT for peer in _TORCH), *_KERAS)
_EVERY_JAX = (*_JAX, *(peer + NO_ROOT for peer in _JAX), *_KERAS)
_EVERY_TF = ("tf.signal", "tf.signal" + NO_ROOT, *_KERAS)
_NATIVE = {
    "torch": (_EVERY_TORCH, _shapes(5.0, 7.5, 5.5, 3.5, 9.0)),
    "jax": (_EVERY_JAX, _shapes(2.6, 6.5, 3.3, 2.0, 5.5)),
    "tensorflow": (_EVERY_TF, _shapes(3.3, 4.3, 3.3, 1.1, 4.3)),
}
"""Of the compiled kernel: the peers of a runtime, and how many times faster than the fastest of them."""

TIMES = (
    *(Target(name, "logmel", "the fastest peer", peers, least) for name, (peers, least) in _NATIVE.items()),
    *(
        Target(name, "mel_magnitude", "the fastest peer", peers, {key: 0.8 * value for key, value in least.items()})
        for name, (peers, least) in _NATIVE.items()
    ),
    Target("cpu", "kaldi_fbank", "kaldi-native-fbank", ("kaldi-native-fbank",), {"a": 15.0, "d": 10.0}),
    Target(
        "torch", "logmel", "the faster of torchaudio and torch.stft (abs)", _TORCH, _shapes(2.3, 4.5, 2.3, 1.6, 5.0)
    ),
    Target("torch", "mel_magnitude", "the same", _TORCH, _shapes(2.0, 3.5, 1.6, 1.3, 3.0)),
    Target("torch", "logmel", "keras.layers.MelSpectrogram", _KERAS, _shapes(3.0, 5.0, 3.0, 5.0, 5.0)),
    Target("jax", "logmel", "jax.scipy.signal.stft", _JAX, _JAX_LEAST),
    Target("jax", "mel_magnitude", "jax.scipy.signal.stft", _JAX, _JAX_LEAST),
    Target("jax", "logmel", "keras.layers.MelSpectrogram", _KERAS, _shapes(1.0, 1.7, 1.0, 1.0, 1.3)),
    Target("tensorflow", "logmel", "tf.signal under XLA", ("tf.signal",), _TF_LEAST, "XLA"),
    Target("tensorflow", "mel_magnitude", "tf.signal under XLA", ("tf.signal",), _TF_LEAST, "XLA"),
    Target("tensorflow", "logmel", "keras.layers.MelSpectrogram, XLA", _KERAS, _shapes(1.2, 1.1, 1.2, 1.0, 1.2), "XLA"),
    *(
        Target(
            runtime, kind, "the fastest peer", (*peers, *(p + NO_ROOT for p in peers), *_KERAS), {"a": 1.0, "b": 1.0}
        )
        for runtime, peers in (("torch", _TORCH), ("jax", _JAX), ("tensorflow", ("tf.signal",)))
        for kind in ("training", "training_model")
    ),
    *(
        Target(runtime, "call_path", "the function that the layer calls", ("kapre.executor.run",), {"d": 1 / 1.15})
        for runtime in ("torch", "jax", "tensorflow")
    ),
    Target(
        "published", "mel_decibel", "kapre 0.4.1, graph", ("kapre 0.4.1",), _shapes(1.5, 1.3, 1.3, 1.1, 1.3), "graph"
    ),
)
MEMORY = (
    Target("torch", "logmel", "torch.stft", ("torch.stft",), {"b": 5.0, "e": 5.0}, memory=True),
    Target("jax", "logmel", "jax.scipy.signal.stft", _JAX, {"b": 10.0}, memory=True),
)
