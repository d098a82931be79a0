"""The pages about presets: all are there, all are in the contents, and they say what the recipes are."""

from __future__ import annotations

import ast
import dataclasses
import json
import re
import tomllib
from pathlib import Path

import matplotlib
import pytest
from PIL import Image

import kapre
from tests.clips import bound
from tools import presets

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| `(\w+)` \| `(.+?)` \| (.+) \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("presets")
    (folder / "gone.md").write_text("no preset has this")
    presets.write(folder, pictures=False)
    return {path.stem: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def test_every_preset_has_a_page(pages: dict[str, str]) -> None:
    assert sorted(pages) == sorted(["index", *kapre.list_presets()])
    assert re.findall(r"^\| \[`(\w+)`\]\(\1\.md\)", pages["index"], re.MULTILINE) == kapre.list_presets()


def test_contents_list_every_page() -> None:
    nav = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]["nav"]
    (section,) = [entry["Published front ends"] for entry in nav if "Published front ends" in entry]
    assert section[0] == {"Bring your own model": "pretrained.md"}
    assert section[1] == {"How to use them": "frontends.md"}
    assert section[2] == {"All presets": "presets/index.md"}
    assert section[3] == {"One by one": [{name: f"presets/{name}.md"} for name in kapre.list_presets()]}


@pytest.mark.parametrize("name", kapre.list_presets())
def test_recipe_on_the_page_is_the_presets(name: str, pages: dict[str, str]) -> None:
    table = pages[name].split("## Recipe")[1].split("## Agreement")[0]
    rows = ROW.findall(table)
    fields = {field: ast.literal_eval(value) for field, value, _ in rows}
    assert kapre.Recipe(**fields) == kapre.frontends.preset(name).recipe
    assert all(len(meaning) > 2 for *_, meaning in rows)


@pytest.mark.parametrize("name", kapre.list_presets())
def test_page_says_whether_it_streams(name: str, pages: dict[str, str]) -> None:
    section = pages[name].split("## Streaming")[1].split("## ")[0]
    call = re.findall(r"`kapre\.Frontend\.from_preset\((.*?)\)(?:\.stream\(\))?`", section)[0]
    stages = kapre.frontends.whole_clip_stages(kapre.frontends.preset(name).recipe)
    assert all(stage in section for stage in stages)
    frontend = eval(f"kapre.Frontend.from_preset({call})")
    milliseconds = float(re.findall(r"([\d.]+) ms", section)[0])
    assert milliseconds == pytest.approx(1000 * frontend.stream().latency_seconds, rel=0.01)


def test_every_field_has_a_meaning() -> None:
    found = presets.meanings()
    assert set(found) == {field.name for field in dataclasses.fields(kapre.Recipe)}
    assert found["amin"] == "The floor under the logarithm."
    assert found["samples_multiple"].startswith("See `samples_at_least`: Clips are padded")


def test_agreement_is_measured(pages: dict[str, str]) -> None:
    stored = json.loads(presets.AGREEMENT.read_text(encoding="utf-8"))
    assert stored["made_by"] == "make agreement"
    for name in kapre.list_presets():
        entries = [entry for entry in presets.measured(name) if entry["dtype"] == "float32"]
        section = pages[name].split("## Agreement")[1]
        assert entries, name
        for entry in entries:
            assert entry["reference"] in section
            assert set(entry["backends"]) == {"jax", "tensorflow", "torch"}
            for values in entry["backends"].values():
                assert {"speech", "music", "silence", "full_scale", "impulse", "sweep_in_noise"} <= set(values)
                assert all(value <= bound(kind) for kind, value in values.items())


@pytest.mark.parametrize("name", ["yamnet", "silero_vad", "kaldi_mfcc", "whisper", "wav2vec2", "paraformer"])
def test_picture(name: str, tmp_path: Path) -> None:
    matplotlib.use("agg")
    path = tmp_path / "picture.png"
    presets.picture(kapre.frontends.preset(name), path)
    assert path.stat().st_size < 60_000
    with Image.open(path) as image:
        assert image.size == (760, 270)
        assert (
            len(image.convert("RGB").getcolors(300_000) or []) > 20 or kapre.frontends.preset(name).recipe.power is None
        )
