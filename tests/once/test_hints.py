"""What is no name in Kapre is answered with the name that is meant, or with none: never with an unrelated one."""

from __future__ import annotations

import inspect
import pickle

import pytest

import kapre
from kapre._hints import nearest

FIELDS = {
    "sr": "sample_rate",
    "sampling_rate": "sample_rate",
    "sample_frequency": "sample_rate",
    "nfft": "n_fft",
    "fft_length": "n_fft",
    "win_len": "win_length",
    "nperseg": "win_length",
    "frame_step": "hop_length",
    "frame_shift": "hop_length",
    "hop": "hop_length",
    "window": "window_name",
    "fmin": "f_min",
    "low_freq": "f_min",
    "fmax": "f_max",
    "upper_edge_hertz": "f_max",
    "num_mel_bins": "n_mels",
    "nmels": "n_mels",
    "cepstra": "n_mfcc",
    "num_ceps": "n_mfcc",
    "power_to_db": "log",
    "top_db": "dynamic_range",
    "mel_scale": "htk",
    "mel_norm": "norm",
    "mel_f_max": "f_max",
    "db_amin": "amin",
    "preemph": "preemphasis",
    "use_energy": "energy",
    "n_mel": "n_mels",
    "hop_lenght": "hop_length",
    "sampel_rate": "sample_rate",
}


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_by_another_name(name: str) -> None:
    use = f"Use {FIELDS[name]}[.,]"
    with pytest.raises(TypeError, match=use):
        kapre.Recipe(**{name: 1})
    with pytest.raises(TypeError, match=use):
        kapre.Recipe(n_fft=512).replace(**{name: 1})
    with pytest.raises(TypeError, match=use):
        kapre.Frontend.from_preset("whisper", **{name: 1})


@pytest.mark.parametrize("name", ["zebra", "augment", "callbacks", "x", "units"])
def test_what_is_near_nothing_gets_no_name(name: str) -> None:
    known = inspect.signature(kapre.Recipe).parameters
    assert nearest(name, known) == []
    with pytest.raises(TypeError, match=r"See help\(kapre.Recipe\)"):
        kapre.Recipe(n_fft=512).replace(**{name: 1})


def test_every_field_is_reached_and_none_is_mistaken() -> None:
    known = list(inspect.signature(kapre.Recipe).parameters)
    assert len(known) > 60
    assert pickle.loads(pickle.dumps(kapre.Recipe(n_fft=64))) == kapre.Recipe(n_fft=64)
    for name in known:
        assert nearest(name, known) == [name]
        assert nearest(name.upper(), known) == [name]


def test_layers_answer_too() -> None:
    for make, said in (
        (lambda: kapre.STFT(nfft=512), "STFT has no argument 'nfft'. Use n_fft."),
        (lambda: kapre.STFT(window="hann"), "STFT has no argument 'window'. Use window_name."),
        (lambda: kapre.MagnitudeToDecibel(db_amin=1e-9), "MagnitudeToDecibel has no argument 'db_amin'. Use amin."),
        (lambda: kapre.LogmelToMFCC(num_ceps=13), "LogmelToMFCC has no argument 'num_ceps'. Use n_mfccs."),
    ):
        with pytest.raises(TypeError) as caught:
            make()
        assert str(caught.value) == said
    with pytest.raises(ValueError, match="zebra"):  # Keras says so
        kapre.STFT(zebra=3)


@pytest.mark.parametrize(
    ("name", "use"),
    [
        ("LogMelSpectrogram", "kapre.MelSpectrogram"),
        ("AmplitudeToDB", "kapre.MagnitudeToDecibel"),
        ("ISTFT", "kapre.InverseSTFT"),
        ("mfcc", "kapre.MFCC"),
        ("SpecAugmnt", "kapre.SpecAugment"),
        ("Stft", "kapre.STFT"),
        ("listpresets", "kapre.list_presets"),
    ],
)
def test_a_name_of_another_library(name: str, use: str) -> None:
    with pytest.raises(AttributeError) as caught:
        getattr(kapre, name)
    assert f"module 'kapre' has no attribute {name!r}: use {use}" in str(caught.value)
    assert not hasattr(kapre, name)


def test_a_name_that_is_near_nothing() -> None:
    for module in (kapre, kapre.time_frequency):
        with pytest.raises(AttributeError) as caught:
            _ = module.zebra
        assert str(caught.value) == f"module {module.__name__!r} has no attribute 'zebra'"


def test_a_function_of_any_keyword_takes_them() -> None:
    layer = kapre.get_frequency_aware_conv2d(filters=2, kernel_size=3, padding="same", kernel_initializer="ones")
    assert layer.layers[1].padding == "same"


def test_functions_answer_too(tmp_path) -> None:
    from kapre import audio
    from kapre.corpus import extract

    for call, said in (
        (
            lambda: kapre.get_melspectrogram_layer(sr=16000),
            "get_melspectrogram_layer has no argument 'sr'. Use sample_rate.",
        ),
        (
            lambda: kapre.get_melspectrogram_layer(fmin=1.0),
            "get_melspectrogram_layer has no argument 'fmin'. Use mel_f_min.",
        ),
        (
            lambda: kapre.get_stft_magnitude_layer(nfft=512),
            "get_stft_magnitude_layer has no argument 'nfft'. Use n_fft.",
        ),
        (lambda: extract("x.wav", tmp_path, "whisper", n_jobs=2), "extract has no argument 'n_jobs'. Use workers."),
        (lambda: audio.read("x.wav", sr=8000), "read has no argument 'sr'. Use sample_rate."),
        (
            lambda: kapre.get_stft_magnitude_layer(zebra=1),
            "get_stft_magnitude_layer has no argument 'zebra'. See help(kapre.composed.get_stft_magnitude_layer).",
        ),
    ):
        with pytest.raises(TypeError) as caught:
            call()
        assert str(caught.value) == said
    for function in (kapre.get_melspectrogram_layer, extract, audio.read):
        kinds = {each.kind for each in inspect.signature(function).parameters.values()}
        assert inspect.Parameter.VAR_KEYWORD not in kinds
        assert pickle.loads(pickle.dumps(function)) is function
    with pytest.raises(TypeError, match="missing"):
        extract("x.wav")


def test_overlap_is_told_as_a_hop_and_near_names_are_kapres_own() -> None:
    with pytest.raises(TypeError, match="Use hop_length = nperseg - noverlap"):
        kapre.Recipe(noverlap=128)
    known = inspect.signature(kapre.Recipe).parameters
    assert nearest("nb_max_sample", known) == []
    assert nearest("n_melz", known)[0] == "n_mels"


def test_a_removed_bank_says_what_is_trained_today() -> None:
    with pytest.raises(ImportError, match="trainable_filterbank=True"):
        _ = kapre.time_frequency.Filterbank
