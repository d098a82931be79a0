"""What cannot be exported is said, with the layer or the argument, and leaves nothing behind."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kapre
from kapre.deploy import FORMATS, ExportError, _check, read_metadata
from tests.conftest import BACKEND, mostly_on
from tests.export.models import NATIVE, SUFFIXES, network

Onnx = type(FORMATS["onnx"])
load = Onnx.load


def wrong(self: Any, path: Path) -> Any:
    runtime = load(self, path)
    return lambda given: {name: y * 1.001 for name, y in runtime(given).items()}


def no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the active backend alone."""
    find = importlib.util.find_spec
    gone = {"tensorflow", "jax", "torch"} - {BACKEND}
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name in gone else find(name, *rest))


@mostly_on("tensorflow")
def test_other_numbers_leave_no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    no_others(monkeypatch)
    monkeypatch.setattr(Onnx, "load", wrong)
    with pytest.raises(
        ExportError, match=r"differ from Keras' by .* more than the tolerance of 0\.0001.*Nothing was kept"
    ):
        kapre.export(network(), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("how", ["shape", "nan", "fails"] if BACKEND == "tensorflow" else ["fails"])  # the check is one
def test_other_shapes_nan_and_failures_leave_no_file(how: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def broken(self: Any, path: Path) -> Any:
        runtime = load(self, path)

        def run(given: Any) -> Any:
            if how == "fails":
                raise RuntimeError("no such operation")
            found = runtime(given)
            return {name: y[:, :-1] if how == "shape" else np.full_like(y, np.nan) for name, y in found.items()}

        return run

    no_others(monkeypatch)
    monkeypatch.setattr(Onnx, "load", broken)
    words = {"shape": "of shape", "nan": "not finite", "fails": "no such operation"}[how]
    with pytest.raises(ExportError, match=words):
        kapre.export(network(), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


@mostly_on("tensorflow")
def test_an_absent_runtime_is_said_and_may_be_done_without(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "onnxruntime" else find(name, *rest)
    )
    with pytest.raises(ExportError, match=r"needs onnxruntime to be run.*kapre\[onnx\].*check=False"):
        kapre.export(network(), tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []
    report = kapre.export(network(), tmp_path / "model.onnx", check=False)
    assert not report.checked
    assert report.max_error is None
    assert "not run" in str(report)


def test_a_format_that_no_backend_here_writes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    no_others(monkeypatch)
    others = set(SUFFIXES) - set(NATIVE[BACKEND]) - ({"executorch"} if BACKEND == "torch" else set())
    for name in others:
        with pytest.raises(ExportError, match=rf"cannot be written by {BACKEND} here. What can write it"):
            kapre.export(network(), tmp_path / f"model{SUFFIXES[name]}", check=False)


def test_a_complex_tensor_that_goes_elsewhere(tmp_path: Path) -> None:
    samples = keras.Input((None, 1))
    doubled = keras.layers.Flatten(name="flat")(kapre.STFT(64)(keras.layers.Identity()(samples)[:, :640]))
    with pytest.raises(ExportError, match="flat: a complex spectrogram cannot be exported, and this Flatten takes one"):
        kapre.export(keras.Model(samples, kapre.Magnitude()(doubled)), tmp_path / "model.onnx")
    with pytest.raises(ExportError, match="its output is complex"):
        kapre.export(keras.Sequential([keras.Input((None, 1)), kapre.STFT(64)]), tmp_path / "model.onnx")


def test_arguments(tmp_path: Path) -> None:
    model = network()
    with pytest.raises(
        ValueError, match=r"`path` must be one whose suffix says the format.*received path='.*model\.bin'"
    ):
        kapre.export(model, tmp_path / "model.bin")
    with pytest.raises(ValueError, match="`format` must be one of tf_saved_model, litert"):
        kapre.export(model, tmp_path / "model", format="tflite")
    with pytest.raises(ValueError, match="`tolerance` must be above 0; received tolerance=0"):
        kapre.export(model, tmp_path / "model.onnx", tolerance=0)
    with pytest.raises(TypeError, match="`model` must be a Keras model or a Kapre layer; received model='whisper'"):
        kapre.export("whisper", tmp_path / "model.onnx")
    with pytest.raises(ValueError, match=r"must be one with an Input.*Give input_shape"):
        kapre.export(kapre.get_melspectrogram_layer(n_fft=512), tmp_path / "model.onnx")
    with pytest.raises(ValueError, match=r"`path` must be one that ends in \.onnx for ONNX"):
        kapre.export(model, tmp_path / "model", format="onnx")
    with pytest.raises(TypeError, match="`class_names` must be a list of names"):
        kapre.export(model, tmp_path / "model.onnx", class_names="yes,no")
    with pytest.raises(ValueError, match=r"`class_names` must be as many as the output is wide, 4; received .*3 names"):
        kapre.export(model, tmp_path / "model.onnx", class_names=["a", "b", "c"])
    mel = kapre.MelSpectrogram(16000, n_fft=512, n_mels=40)
    one = keras.Sequential([keras.Input((None,)), mel, keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match="An output of width 1 has one name"):
        kapre.export(one, tmp_path / "model.onnx", class_names=["a", "b"])
    with pytest.raises(TypeError, match="`input_shape` must be a tuple of ints and None, without the batch"):
        kapre.export(model, tmp_path / "model.onnx", input_shape=16000)
    with pytest.raises(ValueError, match="`input_shape` must be the shape of one clip that the model takes"):
        kapre.export(model, tmp_path / "model.onnx", input_shape=(None, None, 1))
    (tmp_path / "plain").write_text("")
    with pytest.raises(ExportError, match="nothing can be written there"):
        kapre.export(model, tmp_path / "plain" / "model.onnx")
    (tmp_path / "there.onnx").write_text("mine")
    with pytest.raises(FileExistsError, match=r"there is something already\. Use overwrite=True"):
        kapre.export(model, tmp_path / "there.onnx")
    assert (tmp_path / "there.onnx").read_text() == "mine"
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(ValueError, match=r"`path` must be a file that kapre\.export writes") as caught:
        read_metadata(tmp_path / "notes.txt")
    assert all(suffix in str(caught.value) for suffix in SUFFIXES.values())
    with pytest.raises(FileNotFoundError, match="there is no such file"):
        read_metadata(tmp_path / "absent.onnx")


def test_what_no_export_wrote_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frontend = kapre.Frontend.from_preset("kaldi_fbank")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years")
    (tmp_path / "model.bin").write_text("weights of mine")
    (tmp_path / "file").write_text("mine")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileExistsError, match="a folder that is no SavedModel is not replaced"):
        kapre.export(frontend, tmp_path / "mine", overwrite=True)
    with pytest.raises(FileExistsError, match="a file is not replaced by a SavedModel's folder"):
        kapre.export(frontend, tmp_path / "file", overwrite=True)
    with pytest.raises(FileExistsError, match=r"model\.bin: there is something already"):
        kapre.export(frontend, tmp_path / "model.xml")
    for path in (".", ".."):
        with pytest.raises(ValueError, match="`path` must be a file or a new folder"):
            kapre.export(frontend, path, overwrite=True)
    assert sorted(file.name for file in tmp_path.rglob("*")) == ["file", "mine", "model.bin", "thesis.txt"]


@mostly_on("tensorflow")
@pytest.mark.parametrize("called", [False, True])
def test_a_helper_without_input_takes_one(called: bool, tmp_path: Path) -> None:
    helper = kapre.get_melspectrogram_layer(n_fft=512, hop_length=160, sample_rate=16000, n_mels=20)
    if called:
        helper(np.zeros((1, 16000, 1), "float32"))
        with pytest.raises(ValueError, match=r"must be one with an Input.*Give input_shape"):
            kapre.export(helper, tmp_path / "mel.onnx")
    report = kapre.export(helper, tmp_path / "mel.onnx", input_shape=(16000, 1))
    assert report.inputs == {"samples": (None, 16000, 1)}
    assert {check.shapes[0][1:] for check in report.checks} == {(16000, 1)}


def test_what_keras_itself_refuses_is_tried_once(tmp_path: Path) -> None:
    fixed = keras.Sequential([keras.Input((16000, 1)), *network().layers[:1], keras.layers.Flatten()])
    fixed.add(keras.layers.Dense(2))
    with pytest.raises((ExportError, ValueError), match="input_shape"):
        kapre.export(fixed, tmp_path / "model.onnx", input_shape=(None, 1))


def test_a_recurrent_layer_for_litert_says_what_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if BACKEND != "tensorflow":
        return
    no_others(monkeypatch)
    layers = [*network().layers[:1], keras.layers.Reshape((-1, 40)), keras.layers.GRU(4)]
    with pytest.raises(ExportError, match="Recurrent layers take unroll=True"):
        kapre.export(keras.Sequential([keras.Input((None, 1)), *layers]), tmp_path / "model.tflite")


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    kapre.export(network(), tmp_path / "model.onnx")
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")


@mostly_on("tensorflow")
def test_overwrite_replaces_a_folder(tmp_path: Path) -> None:
    if BACKEND == "torch":
        pytest.importorskip("tensorflow")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "old").write_text("old")
    (tmp_path / "model" / "saved_model.pb").write_text("old")
    kapre.export(network(), tmp_path / "model", overwrite=True, check=False)
    assert not (tmp_path / "model" / "old").exists()
    assert (tmp_path / "model" / "saved_model.pb").read_bytes() != b"old"


def test_one_value_in_a_thousand_may_be_further_off() -> None:
    errors = np.zeros(2000)
    errors[:2] = 4.9e-4
    assert _check._is_near(errors, 1e-4)
    assert not _check._is_near(errors[:1999], 1e-4)
    assert not _check._is_near(np.append(errors, 1.1e-4), 1e-4)
    errors[0] = 5.1e-4
    assert not _check._is_near(errors, 1e-4)
    errors[0] = np.nan
    assert not _check._is_near(errors, 1e-4)
