"""Layers under quantised policies, with ragged tensors, and inside PyTorch's tracers."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import kapre
from kapre.ops import buckets
from tests.conftest import BACKEND, chirp, to_numpy
from tests.layer_cases import CASES

KERAS = tuple(int(part) for part in keras.__version__.split(".")[:2])
SINGLE = [name for name, case in CASES.items() if not case.composed]


@pytest.mark.parametrize("name", SINGLE)
def test_a_quantised_policy_is_that_of_floats(name: str) -> None:
    buckets._exact.cache_clear()  # lengths of tests before: JAX pads a clip after several, and rounds differently then
    case = CASES[name]
    x = case.single("channels_last")
    expected = to_numpy(case.make("channels_last")(x))
    layer = case.make("channels_last", dtype="int8_from_float32")
    np.testing.assert_array_equal(to_numpy(layer(x)), expected)
    assert layer.get_config()["dtype"] == keras.saving.serialize_keras_object(layer.dtype_policy)
    plain = case.make("channels_last")
    if not case.random:
        before = to_numpy(plain(x))
        plain.quantize("int8")
        np.testing.assert_array_equal(to_numpy(plain(x)), before)


def test_front_ends_and_helpers_under_a_quantised_policy() -> None:
    x = chirp(1, 4000)[..., 0].astype("float32")
    frontend = kapre.Frontend.from_preset("kaldi_fbank", trainable_filterbank=True)
    expected = to_numpy(frontend(x))
    frontend.quantize("int8")
    np.testing.assert_array_equal(to_numpy(frontend(x)), expected)
    helper = dict(n_fft=64, sample_rate=16000, n_mels=8)
    mel = to_numpy(kapre.get_melspectrogram_layer(**helper)(x[..., None]))
    parts = to_numpy(kapre.get_stft_mag_phase((None, 1), n_fft=64)(x[..., None]))
    keras.config.set_dtype_policy("int8_from_float32")
    quantised = kapre.Frontend.from_preset("kaldi_fbank", trainable_filterbank=True)
    np.testing.assert_array_equal(to_numpy(quantised(x)), expected)
    np.testing.assert_array_equal(to_numpy(kapre.get_melspectrogram_layer(**helper)(x[..., None])), mel)
    np.testing.assert_array_equal(to_numpy(kapre.get_stft_mag_phase((None, 1), n_fft=64)(x[..., None])), parts)


RAGGED = {
    "frontend": lambda: kapre.Frontend.from_preset("kaldi_fbank"),
    "stft": lambda: kapre.STFT(64),
    "helper": lambda: kapre.get_melspectrogram_layer(n_fft=64, sample_rate=16000, n_mels=8),
    "model": lambda: kapre.get_stft_mag_phase((None, 1), n_fft=64),
}


@pytest.mark.parametrize("name", RAGGED)
def test_a_ragged_tensor_is_refused_with_the_way_to_pad(name: str) -> None:
    clips = tf.ragged.constant([[0.1] * 700, [0.2] * 900], dtype="float32")
    x = clips if name == "frontend" else tf.expand_dims(clips, -1)
    layer = RAGGED[name]()
    with pytest.raises(TypeError, match=r"padded_batch.*lengths.*mask"):
        layer(x)
    with pytest.raises(TypeError, match=r"padded_batch"):
        tf.data.Dataset.from_tensors(x).map(layer)


if BACKEND == "torch":
    import torch

    x = torch.from_numpy(chirp(1, 16000)[..., 0].astype("float32"))

    @pytest.mark.filterwarnings("ignore")  # a trace warns of every size it fixes
    @pytest.mark.parametrize("name", ["kaldi_mfcc", "librosa_mfcc", "torchaudio_mfcc", "clap_fused"])
    def test_torch_trace(name: str) -> None:
        frontend = kapre.Frontend.from_preset(name)
        traced: Any = torch.jit.trace(frontend, x, check_trace=False)
        np.testing.assert_allclose(traced(x), frontend(x), atol=1e-3)  # a trace has the framework's transform


if BACKEND == "torch" and KERAS >= (3, 15):  # before that, Keras' own call of a layer does not compile as one graph

    @pytest.mark.filterwarnings("ignore")
    @pytest.mark.parametrize("name", ["kaldi_mfcc", "whisper", "clap_fused", "yamnet", "paraformer"])
    def test_torch_compiles_a_front_end_as_one_graph(name: str) -> None:
        frontend = kapre.Frontend.from_preset(name)
        torch._dynamo.reset()
        graph = torch.compile(frontend, fullgraph=True, backend="eager")
        np.testing.assert_allclose(graph(x), frontend(x), atol=1e-3)

    @pytest.mark.filterwarnings("ignore")
    @pytest.mark.parametrize("reach", [True, "all"])
    def test_torch_compiles_a_front_end_that_learns_as_one_graph(reach: Any) -> None:
        learning = dict(trainable_filterbank=reach, trainable_window=reach)
        frontend = kapre.Frontend.from_preset("kaldi_fbank", n_mels=20, **learning)
        expected = frontend(x).detach()  # builds it: Keras' own build of a layer with weights does not trace
        torch._dynamo.reset()
        graph = torch.compile(frontend, fullgraph=True, backend="eager")
        np.testing.assert_allclose(graph(x).detach(), expected, atol=1e-3)
