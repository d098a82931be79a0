"""The page about augmentation: its commands make what it shows, for every layer."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from PIL import Image

from kapre import augmentation as aug
from tools import gallery

pytestmark = pytest.mark.usefixtures("agg")
TEXT = gallery.PAGE.read_text(encoding="utf-8")


def layers() -> set[str]:
    """Return the names of the layers that are no base of others and change no labels."""
    bases = (aug.RandomLayer, aug.Composition)
    found = {name for name in aug.__all__ if isinstance(getattr(aug, name), type)}
    return {name for name in found if issubclass(cls := getattr(aug, name), aug.RandomLayer) and cls not in bases}


def test_every_layer_has_a_section_with_its_picture() -> None:
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL))
    wanted = {name for name in layers() if not issubclass(getattr(aug, name), aug.Composition)}
    assert set(sections) == wanted
    for name, section in sections.items():
        (picture,) = gallery.shown(section)
        assert picture.split(".")[0].replace("_", "") == name.lower()
        for words in gallery.commands(section):
            assert words[words.index("--with") + 1].split(":")[0] == name
            assert words[words.index("--picture") + 1].split(".")[0] == picture.split(".")[0]
    made = [section for section in sections.values() if gallery.commands(section)]
    assert len(made) == len(sections) - 2  # those of channels, which a program draws
    assert [code.count("savefig") for code in gallery.programs(TEXT)] == [1]


def test_the_contents_and_other_pages_lead_to_it() -> None:
    nav = tomllib.loads((gallery.ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]
    assert {"Augmentation gallery": "augmentation.md"} in nav
    for page in ("training.md", "command.md"):
        assert "augmentation.md)" in (gallery.ROOT / "docs" / page).read_text(encoding="utf-8")


def test_pictures_are_made_by_what_stands_on_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(gallery.ROOT)
    parts = [part for part in re.split(r"^#+ ", TEXT, flags=re.MULTILINE) if re.match("Channel|AddNoise", part)]
    folder = tmp_path / "made"
    folder.mkdir()
    (folder / "old.png").touch()
    gallery.write(folder, "\n".join(parts))
    assert sorted(path.name for path in folder.iterdir()) == ["add_noise.png", "channel_drop.png", "channel_swap.png"]
    for path in folder.iterdir():
        assert path.stat().st_size <= gallery.LARGEST
        with Image.open(path) as image:
            assert image.size[0] > 800
            assert 8 <= len(image.convert("RGB").getcolors() or []) <= 48


def test_what_cannot_be_made_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(gallery.ROOT)
    with pytest.raises(RuntimeError, match=r"shows gone\.png, which nothing on it makes"):
        gallery.write(tmp_path, "![gone](augmentation/gone.png)")
    with pytest.raises(RuntimeError, match=r"has no layer 'RandomGian'\. Use RandomGain"):
        gallery.write(tmp_path, "$ kapre augment examples/audio/speech.flac --with RandomGian --picture x.png")
