"""Every backend writes its formats, with dynamic batch and time, and each runtime gives Keras' numbers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import kapre
from kapre.deploy import FORMATS, read_metadata
from tests.conftest import BACKEND, mostly_on, to_numpy
from tests.export.models import NATIVE, ON_EDGE, SUFFIXES, clip, network, runner

ROOT = Path(__file__).resolve().parents[2]
OTHERS = [name for name in SUFFIXES if name not in NATIVE[BACKEND] and name != "executorch"]
ON_TENSORFLOW = mostly_on("tensorflow")
"""For what belongs to the program and not to the backend that writes it: TensorFlow writes quickest."""


def test_every_format_has_a_test() -> None:
    assert set(SUFFIXES) == set(FORMATS)
    assert {name: entry.suffixes[0] if entry.suffixes else "" for name, entry in FORMATS.items()} == SUFFIXES


if BACKEND != "jax":  # which writes all its formats below, of more points, and takes long over them

    @ON_TENSORFLOW
    def test_the_matrix_command_on_512_points(tmp_path: Path) -> None:
        """The command behind `make matrix`, reduced: every format that this backend writes."""
        command = [sys.executable, str(ROOT / "tools" / "matrix.py"), "--reduced", "--backends", BACKEND]
        result = subprocess.run([*command, "--output", tmp_path], capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr
        rows = {
            row["format"]: row for row in json.loads((tmp_path / "matrix.json").read_text(encoding="utf-8"))["rows"]
        }
        alone = rows.pop("executorch", None)
        assert list(rows) == list(NATIVE[BACKEND])
        for row in rows.values():
            assert (row["backend"], row["n_fft"], row["tolerance"]) == (BACKEND, 512, 1e-4)
            assert (row["inputs"], row["outputs"]) == ({"samples": [None, None, 1]}, {"output": [None, 4]})
            assert row["max_error"] <= 1e-4
            shapes = {tuple(check["shapes"][0]) for check in row["checks"] if check["error"] is not None}
            assert {(1, 16000, 1), (3, 16000, 1), (2, 8000, 1), (3, 20011, 1)} <= shapes
            assert row["rewritten"][0].endswith("DFT of 512 points by strided convolutions")
        assert (alone is not None) == (BACKEND == "torch")
        if alone is not None:
            assert alone["inputs"] == {"samples": [1, None, 1]}
            assert alone["max_error"] <= 1e-4
        page = (tmp_path / "matrix.md").read_text(encoding="utf-8")
        assert page.count("| dynamic | dynamic |") == len(rows)


if BACKEND == "torch":  # which alone writes .pt2

    def test_a_torch_program_returns_what_the_model_does(tmp_path: Path) -> None:
        import torch

        one = kapre.get_stft_magnitude_layer(n_fft=64, hop_length=32)
        entry = keras.Input((None, 1), name="samples")
        stft = kapre.STFT(64, hop_length=32)(entry)
        two = keras.Model(entry, [kapre.Magnitude()(stft), kapre.Magnitude(power=2.0)(stft)])
        x = torch.from_numpy(np.random.default_rng(0).uniform(-1, 1, (3, 900, 1)).astype("float32"))
        for model, path in ((one, tmp_path / "one.pt2"), (two, tmp_path / "two.pt2")):
            kapre.export(model, path, input_shape=(None, 1) if model is one else None)
            module = torch.export.load(path).module()
            found, expected = module(x), model(x)
            assert isinstance(found, torch.Tensor) == (model is one)
            pairs = [(found, expected)] if model is one else list(zip(found, expected, strict=True))
            assert len(pairs) == (1 if model is one else 2)
            magnitude, right = pairs[0]
            np.testing.assert_allclose(to_numpy(magnitude), to_numpy(right), atol=1e-4)


@pytest.mark.parametrize("name", NATIVE[BACKEND])
def test_written_by_this_backend(name: str, tmp_path: Path) -> None:
    n_fft = 2048
    report = kapre.export(network(n_fft), tmp_path / f"model{SUFFIXES[name]}", class_names=["a", "b", "c", "d"])
    assert (report.format, report.backend) == (name, BACKEND)
    assert report.inputs == {"samples": (None, None, 1)}
    assert report.outputs == {"output": (None, 4)}
    assert report.max_error is not None
    assert report.max_error <= 1e-4
    run = {check.shapes[0] for check in report.checks if check.error is not None}
    assert {(1, 16000, 1), (3, 16000, 1), (2, 8000, 1), (3, 20011, 1)} <= run
    assert report.latency_ms is not None
    assert report.size == sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file())
    assert [line.split(": ")[1] for line in report.rewritten] == ["DFT of 2048 points in two stages of 32 and 64"]
    found = read_metadata(report.path)
    assert found is not None
    assert found["sample_rate"] == 16000
    assert found["class_names"] == ["a", "b", "c", "d"]
    assert [fields["n_fft"] for fields in found["recipes"]] == [n_fft]
    assert kapre.deploy.Report.from_dict(report.to_dict()) == report


@pytest.mark.parametrize("name", [OTHERS[0], *(pytest.param(name, marks=pytest.mark.thorough) for name in OTHERS[1:])])
@mostly_on("tensorflow", "jax")
def test_written_by_another_backend(name: str, tmp_path: Path) -> None:
    report = kapre.export(network(), tmp_path / f"model{SUFFIXES[name]}")
    assert report.backend != BACKEND
    assert report.backend in FORMATS[name].backends
    assert report.max_error is not None
    assert report.max_error <= 1e-4
    assert read_metadata(report.path) is not None


@pytest.fixture(scope="module")
def fbank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of the front end alone."""
    path = tmp_path_factory.mktemp("fbank") / "fbank.onnx"
    kapre.export(kapre.Frontend.from_preset("kaldi_fbank"), path)
    return path


@pytest.mark.parametrize("suffix", ON_EDGE)
def test_any_batch_and_length_and_no_frame_at_all(suffix: str, fbank: Path, tmp_path: Path) -> None:
    """In a session of the test's own."""
    frontend = kapre.Frontend.from_preset("kaldi_fbank")
    path = fbank
    if suffix != ".onnx":
        path = tmp_path / f"fbank{suffix}"
        kapre.export(frontend, path)
    run = runner(path)
    for batch, samples in ((1, 400), (2, 559), (2, 560), (5, 4321), (1, 48000)):
        x = clip(batch, samples)
        right = to_numpy(frontend(x))
        assert run(x).shape == right.shape
        assert np.abs(run(x) - right).max() <= 1e-4 * 25  # a natural logarithm's range
    if suffix == ".onnx":
        for samples in (0, 1, 399):
            assert run(clip(2, samples)).shape == (2, 0, 80)


@ON_TENSORFLOW
def test_several_front_ends_of_the_same_samples(tmp_path: Path) -> None:
    recipe = kapre.Recipe(n_fft=256, hop_length=100, sample_rate=16000, filterbank="mel", n_mels=20, log="ln")
    both = kapre.ParallelFrontends([recipe, recipe.replace(f_max=4000.0)], data_format="channels_last")
    layer = kapre.FixedPieces(both, 4000)
    report = kapre.export(layer, tmp_path / "both.onnx")
    assert len(report.rewritten) == 2
    right = to_numpy(layer(clip(2, 9001)))
    found = runner(tmp_path / "both.onnx")(clip(2, 9001))
    assert found.shape == right.shape == (2, 3, 38, 20, 2)
    assert np.abs(found - right).max() <= 1e-4 * 25


if BACKEND == "jax":  # which alone writes .stablehlo, with symbolic sizes

    def test_a_stablehlo_file_of_pieces(tmp_path: Path) -> None:
        layer = kapre.FixedPieces(kapre.Frontend.from_preset("kaldi_fbank"), 4000)
        report = kapre.export(layer, tmp_path / "pieces.stablehlo")  # which runs it
        assert report.max_error is not None
        assert report.max_error <= 1e-4


@ON_TENSORFLOW
def test_long_clips_in_pieces(tmp_path: Path) -> None:
    layer = kapre.FixedPieces(kapre.Frontend.from_preset("kaldi_fbank"), 4000)
    kapre.export(layer, tmp_path / "pieces.onnx")
    run = runner(tmp_path / "pieces.onnx")
    for batch, samples in ((2, 1), (1, 4000), (3, 4001), (2, 20011)):
        right = to_numpy(layer(clip(batch, samples)))
        assert run(clip(batch, samples)).shape == right.shape == (batch, -(-samples // 4000), 23, 80)
        assert np.abs(run(clip(batch, samples)) - right).max() <= 1e-4 * 25


@ON_TENSORFLOW
@pytest.mark.parametrize("n_fft", [512, 2048])
def test_a_chain_of_single_layers(n_fft: int, tmp_path: Path) -> None:
    model = network(n_fft, chain=True)
    path = tmp_path / "chain.onnx"
    report = kapre.export(model, path)
    x = clip(2, 9000)[..., None]
    assert np.abs(runner(path)(x) - to_numpy(model(x))).max() <= 1e-4
    way = "two stages of 32 and 64" if n_fft == 2048 else "strided convolutions"
    assert len(report.rewritten) == 1
    assert report.rewritten[0].endswith(f"{way}; in one piece with what follows")
    found = read_metadata(path)
    assert found is not None
    assert (found["sample_rate"], found["recipes"][0]["n_mels"]) == (16000, 40)


@ON_TENSORFLOW
def test_pcen_of_any_length(tmp_path: Path) -> None:
    recipe = kapre.Recipe(n_fft=512, hop_length=160, sample_rate=16000, filterbank="mel", n_mels=20, pcen=True)
    frontend = kapre.Frontend(recipe)
    report = kapre.export(frontend, tmp_path / "pcen.onnx")
    assert (report.backend == BACKEND) == (BACKEND != "jax")  # whose converter to ONNX cannot shift by unknown sizes
    run = runner(tmp_path / "pcen.onnx")
    for samples in (512, 671, 672, 16000, 80000):
        right = to_numpy(frontend(clip(2, samples)))
        assert run(clip(2, samples)).shape == right.shape
        assert np.abs(run(clip(2, samples)) - right).max() <= 1e-5 * right.max()


@ON_TENSORFLOW
def test_magnitude_and_phase_of_one_stft(tmp_path: Path) -> None:
    """A functional model, whose complex tensor has two takers."""
    samples = keras.Input((None, 2))
    spectrogram = kapre.STFT(256, hop_length=64)(samples)
    outputs = [kapre.Magnitude()(spectrogram), kapre.Phase()(spectrogram)]
    model = keras.Model(samples, outputs)
    report = kapre.export(model, tmp_path / "both.onnx", tolerance=2.0)  # an angle next to ±π may be either
    assert len(report.outputs) == 2
    assert all("magnitude" in name or "phase" in name for name in report.outputs)
    import onnxruntime

    session = onnxruntime.InferenceSession(tmp_path / "both.onnx", providers=["CPUExecutionProvider"])
    x = np.stack([clip(2, 4000), clip(2, 4000, seed=1)], axis=-1)
    magnitude, phase = session.run(None, {"samples": x})
    right = [to_numpy(y) for y in model(x)]
    assert np.abs(magnitude - right[0]).max() <= 1e-5 * right[0].max()
    turned = right[0] * np.abs(np.exp(1j * phase) - np.exp(1j * right[1]))
    assert turned.max() <= 1e-5 * right[0].max()


@ON_TENSORFLOW
def test_a_shared_stft(tmp_path: Path) -> None:
    a, b = keras.Input((None, 1)), keras.Input((None, 1))
    stft, magnitude = kapre.STFT(256, hop_length=64), kapre.Magnitude()
    model = keras.Model([a, b], [magnitude(stft(a)), magnitude(stft(b))])
    report = kapre.export(model, tmp_path / "twins.onnx")
    assert list(report.inputs) == ["input_0", "input_1"]
    assert report.max_error is not None
    assert report.max_error <= 1e-5


def test_an_inverse_with_free_time(tmp_path: Path) -> None:
    settings = dict(n_fft=256, hop_length=64)
    layers = [kapre.STFT(**settings), kapre.InverseSTFT(**settings)]
    model = keras.Sequential([keras.Input((None, 1)), *layers])
    report = kapre.export(model, tmp_path / "back.onnx")
    x = clip(2, 5000)[..., None]
    assert np.abs(runner(Path(report.path))(x) - to_numpy(model(x))).max() <= 1e-5
    assert "inverse DFT of 256 points by two matrix products" in str(report)


@pytest.mark.parametrize("suffix", ON_EDGE)
@pytest.mark.parametrize(
    "preset",
    [
        pytest.param("granite_speech", marks=ON_TENSORFLOW),
        pytest.param("paraformer", marks=ON_TENSORFLOW),
        pytest.param("seamless_m4t", marks=ON_TENSORFLOW),
        pytest.param("silero_vad", marks=ON_TENSORFLOW),
    ],
)
def test_stacks_and_chunks_of_free_time(preset: str, suffix: str, tmp_path: Path) -> None:
    frontend = kapre.Frontend.from_preset(preset)
    report = kapre.export(frontend, tmp_path / f"{preset}{suffix}")
    run = runner(Path(report.path))
    for samples in (16000, 16160, 17001):
        right = to_numpy(frontend(clip(2, samples)))
        assert run(clip(2, samples)).shape == right.shape
        assert np.quantile(np.abs(run(clip(2, samples)) - right), 0.999) <= 1e-4 * np.ptp(right)


@ON_TENSORFLOW
def test_a_clip_longer_than_any_that_is_tried_otherwise(tmp_path: Path) -> None:
    report = kapre.export(kapre.Frontend.from_preset("vggish", patch_frames=192), tmp_path / "patches.onnx")
    assert sum(check.shapes[0][1] > 192 * 160 for check in report.checks) >= 3


@pytest.mark.parametrize("offset", [0.1, 0.5])
def test_an_offset_of_the_samples_is_taken_off(offset: float, fbank: Path) -> None:
    """Folded into a convolution, the mean would leave its rounding in every band: some nats of a constant clip."""
    frontend, run = kapre.Frontend.from_preset("kaldi_fbank"), runner(fbank)
    noise = np.random.default_rng(0).standard_normal((1, 8000))
    for level in (1e-4, 0.0):
        x = (offset + level * noise).astype("float32")
        got, right = run(x), to_numpy(frontend(x))
        # The lowest bands hold what the mean itself is off by in float32, on both sides.
        assert np.abs(got - right)[..., 8:].max() <= 0.05
        assert level or got.max() < -5.0  # of noise like that it is 5


@ON_TENSORFLOW
def test_lengths_are_an_input(tmp_path: Path) -> None:
    samples, lengths = keras.Input((None,), name="samples"), keras.Input((), dtype="int32", name="lengths")
    frontend = kapre.Frontend.from_preset("kaldi_fbank")
    model = keras.Model([samples, lengths], frontend(samples, lengths=lengths))
    report = kapre.export(model, tmp_path / "ragged.onnx")
    assert report.inputs == {"samples": (None, None), "lengths": (None,)}
    import onnxruntime

    session = onnxruntime.InferenceSession(tmp_path / "ragged.onnx", providers=["CPUExecutionProvider"])
    x, each = clip(3, 8000), np.array([8000, 4321, 400], "int32")
    (got,) = session.run(None, {"samples": x, "lengths": each})
    for item, length in enumerate(each):
        right = to_numpy(frontend(x[item : item + 1, :length]))[0]
        assert np.abs(got[item, : len(right)] - right).max() <= 0.02
        assert not got[item, len(right) :].any()


@ON_TENSORFLOW
def test_a_batch_that_a_model_was_built_with_is_free(tmp_path: Path) -> None:
    model = keras.Sequential([kapre.get_melspectrogram_layer(n_fft=512, n_mels=20, sample_rate=16000)])
    model(np.zeros((4, 16000, 1), "float32"))
    report = kapre.export(model, tmp_path / "built.onnx")
    assert report.inputs["samples"][0] is None
    report = kapre.export(model, tmp_path / "free.onnx", input_shape=(None, 1))
    assert report.inputs == {"samples": (None, None, 1)}


@mostly_on("tensorflow", "torch")
def test_a_trained_bank_and_window_are_in_the_file(tmp_path: Path) -> None:
    recipe = kapre.Recipe(n_fft=512, hop_length=160, power=2.0, filterbank="mel", sample_rate=16000, n_mels=20)
    frontend = kapre.Frontend(recipe, trainable_filterbank=True, trainable_window=True)
    rng = np.random.default_rng(0)
    frontend.set_weights([rng.uniform(-0.5, 0.5, w.shape) for w in frontend.get_weights()])
    report = kapre.export(frontend, tmp_path / "trained.onnx")
    assert report.rewritten[0].endswith("DFT of 512 points by matrix products")
    x = clip(2, 5000)
    right = to_numpy(frontend(x))
    assert np.abs(runner(tmp_path / "trained.onnx")(x) - right).max() <= 1e-5 * right.max()
    plain = to_numpy(kapre.Frontend(recipe)(x))
    assert np.abs(plain - right).max() > 0.01 * right.max()


@ON_TENSORFLOW
@pytest.mark.parametrize("suffix", ON_EDGE)
def test_more_layers_behind_a_helper(suffix: str, tmp_path: Path) -> None:
    front = network().layers[0]
    layers = [kapre.LogmelToMFCC(n_mfccs=13), kapre.Delta(), kapre.ConcatenateFrequencyMap()]
    model = keras.Sequential([keras.Input((None, 1)), front, *layers])
    report = kapre.export(model, tmp_path / f"more{suffix}")
    x = clip(2, 9000)[..., None]
    right = to_numpy(model(x))
    assert np.abs(runner(Path(report.path))(x) - right).max() <= 1e-4 * np.ptp(right)


@ON_TENSORFLOW
def test_augmentation_is_not_in_the_file(tmp_path: Path) -> None:
    model = keras.Sequential([*network().layers[:1], kapre.SpecAugment(freq_mask_param=10, time_mask_param=20)])
    model = keras.Sequential([keras.Input((None, 1)), *model.layers])
    report = kapre.export(model, tmp_path / "augmented.onnx")
    x = clip(1, 8000)[..., None]
    assert np.abs(runner(Path(report.path))(x) - to_numpy(model(x, training=False))).max() <= 1e-2


@ON_TENSORFLOW
def test_the_front_end_stays_in_float32_under_half_precision(tmp_path: Path) -> None:
    """A loud tone over quiet noise: in half precision it would be 16 dB off."""
    settings = dict(n_fft=512, hop_length=160, sample_rate=16000, n_mels=40, return_decibel=True, db_amin=1e-10)
    right = kapre.get_melspectrogram_layer((None, 1), **settings)
    keras.config.set_dtype_policy("mixed_float16")
    half = kapre.get_melspectrogram_layer((None, 1), **settings)
    kapre.export(half, tmp_path / "half.onnx", tolerance=2e-3)  # the result is cast once, to 11 bits
    t = np.arange(16000) / 16000
    x = (0.9 * np.sin(2 * np.pi * 1000 * t) + 1e-4 * np.random.default_rng(0).standard_normal((1, 16000)))[..., None]
    got = runner(tmp_path / "half.onnx")(x.astype("float32"))
    assert got.dtype == np.float16
    assert np.abs(got - to_numpy(right(x.astype("float32")))).max() <= 0.1


@pytest.mark.parametrize("data_format", ["channels_first", pytest.param("channels_last", marks=ON_TENSORFLOW)])
def test_two_channels_in_both_data_formats(data_format: str, tmp_path: Path) -> None:
    formats = dict(input_data_format=data_format, output_data_format=data_format)
    shape = (2, None) if data_format == "channels_first" else (None, 2)
    helper = kapre.get_melspectrogram_layer(
        shape, n_fft=400, hop_length=100, n_mels=20, sample_rate=16000, pad_end=True, **formats
    )
    kapre.export(helper, tmp_path / "stereo.onnx")
    x = np.stack([clip(2, 3000), clip(2, 3000, seed=1)], axis=1 if data_format == "channels_first" else 2)
    right = to_numpy(helper(x))
    assert np.abs(runner(tmp_path / "stereo.onnx")(x) - right).max() <= 1e-5 * right.max()
