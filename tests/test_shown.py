"""What a prompt and a notebook show of recipes, layers, front ends and streams."""

from __future__ import annotations

import html.parser
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops
from matplotlib.figure import Figure

import kapre
from kapre import Recipe
from kapre.deploy._check import Check
from kapre.deploy._report import Report
from kapre.frontends._summary import summary
from tests.layer_cases import CASES
from tests.recipes import any_recipe


class Parsed(html.parser.HTMLParser):
    """Collect the tags and the texts of HTML, and check that the tags nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.texts: list[str] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.open.append(tag)
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.mark.parametrize("name", kapre.list_presets())
def test_the_code_of_a_preset_makes_it_in_a_few_lines(name: str) -> None:
    recipe = kapre.frontends.preset(name).recipe
    shown = repr(recipe)
    assert eval(shown, {"Recipe": Recipe}) == recipe
    assert len(shown.splitlines()) <= 6
    assert max(map(len, shown.splitlines())) <= 120


@settings(max_examples=60, deadline=None)
@given(any_recipe())
def test_the_code_of_any_recipe_makes_it(recipe: Recipe) -> None:
    assert eval(repr(recipe), {"Recipe": Recipe}) == recipe


def test_a_recipe_shows_only_what_differs() -> None:
    assert repr(Recipe()) == "Recipe()"
    assert repr(Recipe(n_fft=512, win_length=512, hop_length=128, center=True)) == "Recipe(n_fft=512, center=True)"
    # The default placement of a centred window is "center".
    placed = Recipe(n_fft=512, win_length=400, center=True, window_placement="start")
    assert "window_placement='start'" in repr(placed)
    endless = Recipe(sample_rate=16000, n_fft=512, filterbank="mel", n_mels=20, norm=float("inf"))
    assert "norm=float('inf')" in repr(endless)
    assert eval(repr(endless), {"Recipe": Recipe}) == endless


def test_a_recipe_in_html() -> None:
    recipe = kapre.frontends.preset("whisper").recipe
    shown = Parsed(recipe._repr_html_())
    assert shown.tags <= {"div", "strong", "table", "tbody", "tr", "th", "td"}  # no script, no style sheet
    assert shown.texts[-1].split(" → ") == [
        "level of samples",
        "length",
        "frames of 400, one every 160",
        "power of a DFT of 400",
        "mel bank of 80",
        "log10",
        "range below the largest value",
        "affine",
        "layout",
    ]
    assert shown.texts[shown.texts.index("n_mels") + 1] == "80"
    assert "color" not in recipe._repr_html_()  # else it would not read on every background


@pytest.mark.parametrize("name", CASES)
def test_a_layer_shows_its_class_in_a_few_words(name: str) -> None:
    layer = CASES[name].make("channels_last")
    shown = repr(layer)
    assert type(layer).__name__ in shown
    assert len(shown) <= 300
    assert "\n" not in shown


def test_a_layer_shows_the_arguments_that_differ() -> None:
    assert repr(kapre.STFT(n_fft=512, hop_length=128, name="stft")) == "<STFT n_fft=512 hop_length=128 name='stft'>"
    assert repr(kapre.Magnitude(name="m")) == "<Magnitude name='m'>"
    longest = repr(kapre.Convolve([0.123456789] * 40, name="room"))
    assert longest.count("0.123456789") == 4
    assert longest.endswith("name='room'>")


def test_a_front_end_names_its_preset() -> None:
    whisper = kapre.Frontend.from_preset("whisper", name="w")
    assert repr(whisper).startswith("<Frontend preset='whisper' recipe=Recipe(sample_rate=16000, fixed_samples=480000,")
    assert repr(whisper).endswith(", …) name='w'>")
    other = kapre.Frontend.from_preset("whisper", n_mels=81, trainable_filterbank=True)
    assert "preset=" not in repr(other)
    assert "trainable_filterbank=True" in repr(other)
    assert {"preset", "'whisper'", "n_mels"} <= set(Parsed(whisper._repr_html_()).texts)


def streams() -> list[Any]:
    stft = kapre.STFT(n_fft=64, hop_length=16, center=True)
    return [
        kapre.Frontend.from_preset("kaldi_fbank").stream(),
        stft.stream(chunk_samples=160),
        kapre.InverseSTFT(n_fft=64, hop_length=16).stream(),
        kapre.Resample(44100, 16000).stream(),
        kapre.SpectralCentroid(16000, n_fft=64, hop_length=16).stream(160),
        kapre.InterchannelPhaseDifference(n_fft=64, hop_length=16).stream(),
    ]


def test_a_stream_says_what_it_is_of() -> None:
    for stream in streams():
        of = getattr(stream, "layer", None) or stream.frontend
        size = getattr(stream, "chunk_samples", None)
        chunks = "chunks of any size" if size is None else f"chunks of {size} samples"
        found = re.fullmatch(rf"<(\w+) of (<.*>): {chunks}, latency (\d+) samples, warm-up (\d+)>", repr(stream))
        assert found is not None, repr(stream)
        assert found.groups() == (type(stream).__name__, repr(of), str(stream.latency_samples), str(stream.warmup))


def test_a_report_in_html() -> None:
    values: dict[str, Any] = dict(path="<a>.onnx", format="onnx", backend="torch", size=2_500_000)
    values["rewritten"] = ("spectrum: by matrices",)
    values |= dict(inputs={"waveform": (None, 16000)}, outputs={"features": (None, 80, 3000)}, latency_ms=2.5)
    check = Check(((1, 16000),), 1.5e-7, None)
    texts = Parsed(Report(**values, checks=(check,), tolerance=1e-4)._repr_html_()).texts
    rows = dict(zip(texts[1::2], texts[2::2], strict=True))
    assert rows["file"] == "<a>.onnx"  # escaped, or the parser would take it for a tag
    assert (rows["size"], rows["input"], rows["output"]) == (
        "2.50 MB",
        "waveform (dynamic, 16000)",
        "features (dynamic, 80, 3000)",
    )
    assert (rows["note"], rows["largest error"]) == ("spectrum: by matrices", "1.5e-07 of the range")
    assert rows["speed"].startswith("one clip of 1 s: 2.50 ms")
    unchecked = Report(**{**values, "latency_ms": None}, checks=(), tolerance=1e-4)
    assert "no: check=False" in Parsed(unchecked._repr_html_()).texts


def tensor(values: np.ndarray) -> Any:
    """Return a tensor of the backend, on PyTorch one that takes part in a gradient."""
    made = ops.convert_to_tensor(values.astype("float32"))
    return made.requires_grad_() if hasattr(made, "requires_grad_") else made


def test_pictures_take_tensors() -> None:
    above, below = Figure().subplots(2)
    x, features = np.linspace(-1.0, 1.0, 300), np.linspace(0.0, 1.0, 204).reshape(4, 51)
    line = kapre.plot.waveform(tensor(x), 100.0, above).lines[0]
    np.testing.assert_allclose(line.get_ydata(), x, atol=1e-6)
    image = kapre.plot.spectrogram(tensor(features), Recipe(sample_rate=100, n_fft=100), below)
    np.testing.assert_allclose(np.asarray(image.get_array()), features.T, atol=1e-6)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(recipe=any_recipe(), time=st.integers(0, 120))
def test_the_shapes_of_a_summary_lead_to_the_features(recipe: Recipe, time: int) -> None:
    found = summary(recipe, "any", time)
    assert found.rows[-1].shape == recipe.output_shape(time) if found.rows else recipe.output_shape(time) == (time,)
    assert all(row.products >= 0.0 for row in found.rows)


@pytest.mark.parametrize("name", kapre.list_presets())
def test_summaries_of_presets(name: str) -> None:
    frontend = kapre.Frontend.from_preset(name)
    found = frontend.summary()
    if found.rows:
        assert found.rows[-1].shape == frontend.recipe.output_shape(found.n_samples)
    lines = str(found).splitlines()
    assert len(lines) == len(found.rows) + 4
    assert kapre.frontends.preset(lines[0].split("(")[1].rstrip(")")).recipe == frontend.recipe  # some share one
    Parsed(found._repr_html_())
