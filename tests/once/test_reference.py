"""The reference: every layer has its page and its picture, and a page says what its example computes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import keras
import numpy as np
import pytest

import kapre
from tools import pictures, reference
from tools.docs import public_symbols

PUBLIC = public_symbols()
WITHOUT_PICTURE = {
    *("Loudness", "SqueezeChannels", "MagnitudeTflite", "PhaseTflite"),  # one number; the same values in another form
    *("get_perfectly_reconstructing_stft_istft", "get_stft_mag_phase", "get_frequency_aware_conv2d"),
    *("Chain", "OneOf", "SomeOf", "Choice", "RandomLayer", "BatchLayer", "Composition", "bank"),
    *("ComposedSequential", "ComposedModel", "ConcatenateChannels", "DescriptorStream", "SpatialStream"),
}
"""What has no picture of its own: bases, containers, and layers whose result shows nothing."""


def test_every_layer_has_a_page() -> None:
    layers = {
        name for name, value in PUBLIC.items() if isinstance(value, type) and issubclass(value, keras.layers.Layer)
    }
    assert layers - set(reference.names()) == set()
    assert set(reference.names()) <= set(PUBLIC)
    listed = [name for entry in reference.GROUPS.values() for section in entry.sections.values() for name in section]
    assert len(listed) == len(set(listed))
    pages = [reference.page_of(name) for name in listed]
    assert len({page.lower() for page in pages}) == len(pages)  # some systems ignore the case of file names


def test_contents_list_every_page() -> None:
    nav = tomllib.loads((reference.ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]
    (section,) = [entry["Reference"] for entry in nav if "Reference" in entry]
    assert section == reference.nav(), "run python tools/reference.py --nav"


def test_index_lists_every_public_name() -> None:
    rows = re.findall(r"^\| \[`([\w.]+)`\]\(([^)]+)\) \| (.+) \|$", reference.index(PUBLIC), re.MULTILINE)
    private = {name: name.split(".")[-1] for name in PUBLIC if "._" in name}  # what methods return alone
    assert sorted(name for name, *_ in rows) == sorted(private.get(name, name) for name in PUBLIC)
    assert all(sentence.endswith(".") for *_, sentence in rows)


def test_every_layer_has_a_picture() -> None:
    drawn = {picture.layer for entries in pictures.pictures().values() for picture in entries.values()}
    shown = set(
        re.findall(r"^!\[(\w+)\]\(augmentation/", (reference.DOCS / "augmentation.md").read_text(), re.MULTILINE)
    )
    losses = {name for name, group in reference.names().items() if group == "losses"}
    have = {name.split(".")[-1] for name in drawn} | shown | set(pictures.ELSEWHERE)
    assert {name.split(".")[-1] for name in set(reference.names()) - losses} - have == WITHOUT_PICTURE


def test_pages_say_what_examples_compute() -> None:
    text = reference.page("kapre.Resample", PUBLIC, ["kapre.STFT"], [("Resample", "api/pictures/x.png", "Shown.")])
    assert text.startswith('---\ntitle: "Resample"\n')
    assert "![Resample](../../api/pictures/x.png)" in text
    assert "\n::: kapre.Resample\n" in text
    assert "- [`kapre.STFT`](../layers/STFT.md): Compute the short-time Fourier transform" in text
    output = reference.after("import numpy as np\nx = np.zeros((2, 3), 'float32')\nn = x.sum() + 0.5\nprint('said')\n")
    assert output == "said\nx  float32 (2, 3)\nn  0.5\n"
    assert reference.after("import numpy as np\nx = np.zeros(3)\n") == ""  # its input alone


def test_related_names_lead_both_ways() -> None:
    related = reference.related(PUBLIC)
    for name, others in related.items():
        assert name not in others
        assert len(others) == len(set(others))
        for other in others:
            assert name in related[other], (name, other)


def test_a_picture_is_drawn(tmp_path: Path, agg: None) -> None:
    picture = pictures.Picture("kapre.RMS", pictures.SPEECH, kapre.RMS(1024, 256), pictures.LINE, "level")
    values = pictures.values(picture)
    samples = pictures.samples(pictures.SPEECH)[0]
    assert samples.shape == (pictures.SECONDS * pictures.RATE,)
    frame = samples[100 * 256 - 512 : 100 * 256 + 512].astype("float64")
    assert np.allclose(values.reshape(-1)[100], np.sqrt(np.mean(frame**2)), rtol=1e-4)
    flat = picture._replace(values=lambda x: 0.0 * picture.values(x))
    for axes in (False, True):
        pictures.draw(picture, tmp_path / "x.png", axes)
        pictures.draw(flat, tmp_path / "flat.png", axes)
        assert (tmp_path / "x.png").stat().st_size > 1.5 * (tmp_path / "flat.png").stat().st_size
    assert pictures.shown(picture) == "The result for the first 3 seconds of `examples/audio/speech.flac`."


def test_an_absent_name_is_an_error() -> None:
    with pytest.raises(KeyError, match=r"kapre\.Gone"):
        reference.page_of("kapre.Gone")
