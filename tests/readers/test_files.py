"""Sources that are wrong, hostile or not at hand: refused in one line, nothing made of them, nothing written."""

from __future__ import annotations

import contextlib
import functools
import gzip
import io
import json
import os
import pickle
import re
import socket
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import kapre
from kapre.frontends import SourceError
from kapre.frontends.readers import READERS, _files, _places
from tests.command import run
from tests.readers import configurations
from tests.readers.configurations import notes

WHISPER = {"feature_extractor_type": "WhisperFeatureExtractor", "feature_size": 128}


refused = functools.partial(configurations.refused, longest=500)


def archive(path: Path, *members: tuple[tarfile.TarInfo, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for info, data in members:
            info.size = info.size or len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def laughs() -> str:
    """Return YAML of 10 ** 9 values: lists of ten times the list before."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    return "\n".join([*lines, "preprocessor: {features: 80}"])


class Marker:
    """Write a file if an object of it is unpickled."""

    path = ""

    def __reduce__(self) -> Any:
        return open, (Marker.path, "w")


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "preprocessor_config.json"
    with open(path, "wb") as file:
        file.truncate(2**30)  # a sparse file of 1 GB
    refused(tmp_path, "1024 MiB, where a configuration file has at most 16")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "no JSON"),
        ("", "no JSON"),
        ("[" * 100000, "nested too deep"),
        ('{"feature_size": ' + "9" * 5000 + "}", "no JSON"),
        ("[1, 2]", "none of its files describes a front end"),
        ('{"image_processor_type": "X"}', "none of its files describes a front end"),
        (json.dumps({**WHISPER, "feature_size": float("inf")}), "`feature_size` must be a positive integer"),
        (json.dumps({**WHISPER, "feature_size": 10**400}), "feature_size|n_mels"),
        (json.dumps({**WHISPER, "hop_length": None}), "`hop_length` must be a positive integer"),
        (json.dumps({**WHISPER, "hop\nlength\u2028": 1}), r"has no field 'hop\\nlength\\u2028'=1, and"),
        (json.dumps({**WHISPER, "x" * 5000: 1}), "has no field x{57}…=1, and"),
        ('{"feature_size": 80, "feature_size": 128}', "the key feature_size is given twice in one mapping. Remove one"),
        ('{"a": [{"hop\\nlength": 1, "hop\\nlength": 1}]}', r"the key 'hop\\nlength' is given twice"),
        ('{"a": 1, // a comment\n"a": 1}', "the key a is given twice"),
        (json.dumps({**WHISPER, "feature_extractor_type": ["x"]}), "`feature_extractor_type` must be"),
    ],
)
def test_json(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "preprocessor_config.json").write_text(text, encoding="utf-8")
    refused(tmp_path, words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (laughs(), "more than 1000000 values"),
        ("a: &a [*a]\npreprocessor: {features: 80}", "an alias holds itself"),
        ("[" * 5000, "nested more than 100 deep|no YAML"),
        ("preprocessor: !!python/object/apply:os.system ['touch hacked']", "no YAML"),
        ("preprocessor: {features: !!python/name:os.system }", "no YAML"),
        ("preprocessor: {features: !new:os.system [touch hacked]}", "Tagged"),
        ("preprocessor: [", "no YAML"),
        ("a: b", "none of its files describes"),
        ("", "none of its files describes"),
        ("preprocessor: {features: 80, 80: 1}", "no field 80=1"),
        ("preprocessor: {features: 80}\npreprocessor: {features: 128}", "the key preprocessor is given twice"),
        ("preprocessor: {features: 80, dither: 0.0, features: 128}", "the key features is given twice in one mapping"),
        ("a: [{80: 1, '80': 2}]", "the key 80 is given twice"),
        ('{"a\\nb": 1, "a\\nb": 1}', r"the key 'a\\nb' is given twice"),
        ("a: !new:x {b: 1, b: 1}", "the key b is given twice"),
    ],
)
def test_yaml(text: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model_config.yaml").write_text(text, encoding="utf-8")
    refused(tmp_path, words)
    assert os.listdir(tmp_path) == ["model_config.yaml"]


def test_numbers_of_yaml_without_a_dot(tmp_path: Path) -> None:
    (tmp_path / "model_config.yaml").write_text("preprocessor: {dither: 1e-05, pad_to: 0}", encoding="utf-8")
    assert kapre.Recipe.from_pretrained(tmp_path).dither == 1e-5


def test_keys_of_yaml_that_are_merged_are_not_given_twice(tmp_path: Path) -> None:
    text = "a: &a {features: 40, pad_to: 0}\nb: &b {<<: *a, features: 80}\npreprocessor: {<<: *b, features: 128}"
    (tmp_path / "model_config.yaml").write_text(text, encoding="utf-8")
    recipe = kapre.Recipe.from_pretrained(tmp_path)
    assert (recipe.n_mels, recipe.frames_multiple) == (128, 1)


def link(name: str, target: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    return info


ARCHIVES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no tar": (lambda path: path.write_bytes(b"hello" * 1000), "a text file, no archive of NeMo"),
    "empty": (lambda path: path.write_bytes(b""), "an empty file, no archive of NeMo|holds no model_config.yaml"),
    "only outside": (
        lambda path: archive(path, (tarfile.TarInfo("../model_config.yaml"), b"preprocessor: {}")),
        "holds no model_config.yaml",
    ),
    "absolute": (
        lambda path: archive(path, (tarfile.TarInfo("/model_config.yaml"), b"preprocessor: {}")),
        "holds no model_config.yaml",
    ),
    "a link": (lambda path: archive(path, (link("model_config.yaml", "/etc/passwd"), b"")), "holds no model_config"),
    "huge": (
        lambda path: archive(path, (tarfile.TarInfo("model_config.yaml"), b"#" * (17 * 2**20))),
        "17825792 bytes",
    ),
    "cut": (
        lambda path: path.write_bytes(
            archive(path, (tarfile.TarInfo("a"), b"x" * 5000), (tarfile.TarInfo("b"), b"y")).read_bytes()[:3000]
        ),
        "no archive of NeMo|holds no model_config",
    ),
    "cut gzip": (
        lambda path: path.write_bytes(gzip.compress(os.urandom(50000))[:9000]),
        "a damaged gzip file|no archive of NeMo",
    ),
    "a pickle": (lambda path: path.write_bytes(pickle.dumps(Marker())), "a pickle, which is never opened"),
}


@pytest.mark.parametrize("kind", ARCHIVES)
def test_archives(kind: str, tmp_path: Path) -> None:
    Marker.path = str(tmp_path / "hacked")
    write, words = ARCHIVES[kind]
    write(tmp_path / "model.nemo")
    refused(tmp_path / "model.nemo", words)
    assert os.listdir(tmp_path) == ["model.nemo"]


def test_an_entry_that_says_it_is_huge(tmp_path: Path) -> None:
    """The header of a long name with a size of 8 GB, which tarfile would read into memory."""
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 2**33 - 1
    path = tmp_path / "model.nemo"
    path.write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(10240))
    refused(path, "an entry of it is too large")


def test_an_archive_that_decompresses_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_files, "_LARGEST_ARCHIVE", 2**20)
    path = archive(tmp_path / "model.nemo", (tarfile.TarInfo("weights"), bytes(2**23)), mode="w:gz")
    assert path.stat().st_size < 2**16
    refused(path, "too large to search|holds no model_config")


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("model.pt", b"PK\x03\x04" + bytes(100), "a zip archive, such as a checkpoint of PyTorch"),
        ("model.pkl", pickle.dumps([1]), "a pickle, which is never opened"),
        ("model.bin", bytes(1000), "a binary file"),
        ("model.h5", b"\x89HDF" + bytes(100), "an HDF5 file"),
        ("model.safetensors", (100).to_bytes(8, "little") + b'{"a": 1}', "a safetensors file"),
        ("x.wav", b"RIFF" + bytes(100), "a RIFF file"),
        ("notes.txt", b"hello", "a text file, not a configuration file. Looked at by: Hugging Face, NeMo"),
        ("empty", b"", "an empty file"),
        ("config.json", b"{}", "a JSON file of no known format; it holds nothing. Looked at by: Hugging Face, NeMo"),
        ("latin.json", b'{"a": "\xe9\xff"}', "a binary file, not a configuration file"),
    ],
)
def test_a_wrong_file_says_what_it_is(name: str, data: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    refused(tmp_path / name, words)


KALDI, ESSENTIA = "--num-mel-bins=40", {"inference": {"algorithm": "TensorflowPredictVGGish"}, "schema": {}}


def folder(path: Path, **texts: Any) -> Path:
    """Write files, of which `__` in a name stands for a folder, and return the folder."""
    for name, text in texts.items():
        stem, _, suffix = name.rpartition("_")
        file = path / f"{stem.replace('__', '/')}.{suffix}"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ({"conf__mfcc_conf": KALDI}, "conf/mfcc.conf was not read; name the file to read it"),
        (
            {"conf__mfcc_conf": KALDI, "model_config_yaml": "preprocessor: {}", "a_json": ESSENTIA},
            "model_config.yaml, conf/mfcc.conf, a.json were not read; name the file to read it",
        ),
        ({"processor_config_json": {"feature_extractor": WHISPER}}, "preprocessor_config.json was not read"),
    ],
)
def test_front_ends_that_were_not_read_are_noted(texts: dict[str, Any], words: str, tmp_path: Path) -> None:
    folder(tmp_path, preprocessor_config_json=WHISPER, **texts)
    assert words in notes(tmp_path)
    assert kapre.Recipe.from_pretrained(tmp_path).n_mels == 128
    assert "not read" not in notes(tmp_path / "preprocessor_config.json")  # that one is named


def test_files_that_are_no_front_ends_are_not_noted(tmp_path: Path) -> None:
    texts = {"vocab_json": {"a": 1}, "config_yaml": "a: [", "model_conf": "--beam=10", "x_nemo": "no archive"}
    assert "not read" not in notes(folder(tmp_path, preprocessor_config_json=WHISPER, **texts))


@pytest.mark.parametrize(
    ("texts", "names"),
    [
        ({"a_json": ESSENTIA, "b_json": ESSENTIA}, ("a.json", "b.json")),
        (
            {f"conf__{kind}_conf": KALDI for kind in ("mfcc", "fbank")},
            ("conf/fbank.conf", "conf/mfcc.conf"),
        ),
        ({f"{name}_conf": f"{KALDI}\n--num-ceps=13" for name in "ab"}, ("a.conf", "b.conf")),
    ],
)
def test_files_of_which_none_is_more_telling_are_refused(
    texts: dict[str, Any], names: tuple[str, str], tmp_path: Path
) -> None:
    folder(tmp_path, **texts)
    refused(tmp_path, f"{', '.join(names)} could each be the front end of .*. Name the file to read, such as ")
    for name in names:
        assert "not read" not in notes(tmp_path / name)


def test_two_archives_are_refused(tmp_path: Path) -> None:
    for name in "ab":
        archive(tmp_path / f"{name}.nemo", (tarfile.TarInfo("model_config.yaml"), b"preprocessor: {features: 80}"))
    refused(tmp_path, "a.nemo, b.nemo could each be the front end of NeMo. Name the file to read")
    (tmp_path / "model_config.yaml").write_text("preprocessor: {features: 64}", encoding="utf-8")
    assert "a.nemo, b.nemo were not read" in notes(tmp_path)
    assert kapre.Recipe.from_pretrained(tmp_path).n_mels == 64


def test_the_high_resolution_of_kaldi_comes_first(tmp_path: Path) -> None:
    names = ("mfcc_hires", "mfcc", "fbank")
    folder(tmp_path, **{f"conf__{name}_conf": KALDI for name in names})
    assert "conf/fbank.conf, conf/mfcc.conf were not read" in notes(tmp_path)


UNKNOWN: list[tuple[dict[str, Any], str]] = [
    (
        {"config_json": {"model_type": "x"}},
        r"config.json has no section `audio` with frames \(Coqui TTS\), no section `data` with frames \(VITS\), no ",
    ),
    ({"config_yaml": "a: 1", "train_yaml": "a: 1"}, r"\(ESPnet\); train.yaml has no `dataset_conf` with features"),
    ({"preprocessor_config_json": [1]}, "preprocessor_config.json holds a list, no fields"),
    ({"model_config_yaml": ""}, "model_config.yaml holds nothing"),
    ({"vocab_json": "{"}, r"vocab.json cannot be read \(no JSON: Expecting property name"),
    ({"x_conf": "--beam=3"}, "x.conf has no option such as num-mel-bins=80|x.conf holds nothing"),
    ({f"{name}_json": {"x": 1} for name in "abcdefg"}, "; and 3 more. Add the file"),
]


@pytest.mark.parametrize(("texts", "words"), UNKNOWN)
def test_why_no_file_of_a_folder_is_a_front_end(texts: dict[str, Any], words: str, tmp_path: Path) -> None:
    folder(tmp_path, **texts)
    refused(tmp_path, rf"none of its files describes a front end: .*{words}")
    refused(tmp_path, r"Add the file that does, such as preprocessor_config.json, or make the recipe by hand")


def test_why_a_file_is_of_no_known_format(tmp_path: Path) -> None:
    folder(tmp_path, model_config_yaml="a: 1")
    refused(tmp_path / "model_config.yaml", r"no known format; it has no section `preprocessor` \(NeMo\). Looked at by")


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_each_reader_says_what_its_files_hold(reader: Any) -> None:
    for data in ({}, {"a": 1}, [], None, "text", 5):
        assert not reader.knows(data)
    assert re.match(r"(an? |the )?(`|section|option)", reader.holds)


def test_sources_that_are_not_there(tmp_path: Path) -> None:
    refused(tmp_path / "none", "no such file or folder")
    refused(str(tmp_path / "none"), "no such file or folder")
    refused("a" * 5000, "no such file|too long")
    refused("a\0b", "no such file")
    refused(tmp_path, "holds no file that a reader knows: processor_config.json, preprocessor_config.json")
    refused({"a": 1}, "the mapping \\(a, …\\) is of no known format")
    refused({"a\nb": 1}, r"the mapping \('a\\nb', …\) is of no known format")
    for wrong in (5, None, [WHISPER], b"models/mine", True):
        with pytest.raises(TypeError, match="`source` must be a folder, a file, a mapping"):
            kapre.Recipe.from_pretrained(wrong)  # type: ignore[arg-type]


PATHS = [
    *("cfg/gone", "./gone", "../gone", ".hidden/gone", "~/gone", "~nobody-of-this-name/gone", "/gone", "/gone/there"),
    *(
        "gone",
        "gone/",
        "gone\\there",
        "C:\\gone",
        "a/b/c",
        "a//b",
        "file/gone",
        "~",
        "-",
        "a b/c",
        "a/b ",
        " a/b",
        "a/b\n",
    ),
    *("https://huggingface.co/a/b", "hf://a/b", "a/é", "a/-b/", "a/.b", ".", "..", "..."),
    *(f"gone/there{suffix}" for suffix in (".json", ".yaml", ".yml", ".conf", ".nemo", ".JSON", ".safetensors")),
]


@pytest.mark.parametrize("source", PATHS)
def test_what_looks_like_a_path_is_never_looked_up_on_the_hub(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "home" / "here"
    (folder / "cfg").mkdir(parents=True)
    (folder / "file").write_text("hello")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(folder.parent))
    monkeypatch.setattr(_places, "_hub", lambda name: pytest.fail(f"{name} was looked up on the Hub"))
    is_folder = source in (".", "..", "~")
    refused(source, "holds no file that a reader knows" if is_folder else "no such file or folder")
    if not is_folder:
        with pytest.raises(SourceError, match=r"Check the path|Remove the white space|Give owner/name"):
            kapre.Recipe.from_pretrained(source)


@pytest.mark.parametrize("source", ["", " ", "\n\t"])
def test_an_empty_name_is_not_the_folder_of_work(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(WHISPER), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert kapre.Recipe.from_pretrained(".").n_mels == 128
    refused(source, "which names nothing. Give a model's folder, '.' for this one")


def test_the_folder_of_the_user_is_expanded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "preprocessor_config.json").write_text(json.dumps(WHISPER), encoding="utf-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for source in ("~/mine", Path("~/mine"), "~/mine/preprocessor_config.json"):
        assert kapre.Recipe.from_pretrained(source).n_mels == 128
        assert kapre.Frontend.from_pretrained(source).recipe.n_mels == 128
    assert run("presets", "--from", "~/mine") == 0
    assert kapre.Recipe.from_json(capfd.readouterr().out).n_mels == 128
    (tmp_path / "mine" / "preprocessor_config.json").write_text("{", encoding="utf-8")
    assert run("presets", "--from", "~/mine") == 1  # a file that is there, and wrong
    assert run("presets", "--from", "~/gone") == 2
    assert "no such file or folder in the folder" in capfd.readouterr().err


def test_a_file_of_another_name_is_read_by_its_contents(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text(json.dumps(WHISPER), encoding="utf-8")
    assert kapre.Recipe.from_pretrained(tmp_path / "mine.json").n_mels == 128
    (tmp_path / "mine.yaml").write_text("preprocessor: {features: 40}", encoding="utf-8")
    assert kapre.Recipe.from_pretrained(tmp_path / "mine.yaml").n_mels == 40


# The Hub, with a cache made by hand.


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a cache with one model, out of reach of the network."""
    from huggingface_hub import constants

    folder = tmp_path / "hub"
    snapshot = folder / "models--someone--a-whisper" / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (snapshot / "preprocessor_config.json").write_text(json.dumps(WHISPER), encoding="utf-8")
    refs = folder / "models--someone--a-whisper" / "refs"
    refs.mkdir()
    (refs / "main").write_text("0" * 40)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return folder


def test_a_model_of_the_hub_from_the_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(cache)
    found = kapre.Frontend.from_pretrained("someone/a-whisper")
    assert found.recipe.n_mels == 128
    assert found.source is not None
    assert found.source.where == "someone/a-whisper: preprocessor_config.json"


def test_a_model_that_is_not_in_the_cache(cache: Path) -> None:
    refused("someone/another", "not in the cache of the Hub, which cannot be reached")


class Hub:
    """Listen as the Hub, and never answer, as where packets are dropped. `asked` counts the connections."""

    def __init__(self) -> None:
        self.asked = 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self._kept: list[socket.socket] = []
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                self._kept.append(self.socket.accept()[0])
                self.asked += 1

    def close(self) -> None:
        with contextlib.suppress(OSError):  # closed before
            self.socket.shutdown(socket.SHUT_RDWR)  # which ends `accept`
        self._thread.join()
        for each in (self.socket, *self._kept):
            each.close()


@pytest.mark.parametrize("route", ["none", "silent"])
@pytest.mark.parametrize("is_cached", [False, True])
def test_a_hub_that_is_out_of_reach_is_asked_once(
    route: str, is_cached: bool, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    hub = Hub()
    if route == "none":
        hub.close()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", hub.address)
    monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 0.5)
    if is_cached:
        assert kapre.Recipe.from_pretrained("someone/a-whisper").n_mels == 128
    else:
        why = "no answer within 0.5 s|timed out" if route == "silent" else "refused"
        refused(
            "someone/another", rf"no such folder, and not in the cache of the Hub, which cannot be reached \(.*({why})"
        )
    hub.close()
    assert hub.asked == (route == "silent")


def test_a_connection_that_breaks_is_not_tried_again(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub
    from huggingface_hub import errors

    tried = []

    def download(model: str, name: str, local_files_only: bool) -> str:
        tried.append(local_files_only)
        raise errors.LocalEntryNotFoundError("no connection")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    monkeypatch.setattr(_places, "_unreached", lambda: "")
    refused("someone/another", r"which cannot be reached \(no connection\)")
    assert tried[0] is False
    assert len(tried) > 3
    assert all(tried[1:])


def test_only_configuration_files_are_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub
    from huggingface_hub import errors

    asked = []

    def download(model: str, name: str, local_files_only: bool) -> str:
        asked.append(name)
        raise errors.EntryNotFoundError("no such file")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    monkeypatch.setattr(_places, "_unreached", lambda: "")
    refused("someone/a-model", "holds no file that a reader knows")
    assert asked == [name for reader in READERS for name in reader.files if "*" not in name]
    assert all(name.endswith((".json", ".yaml", ".conf")) for name in asked)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("RepositoryNotFoundError", "no such folder, and no such model on the Hub"),
        ("GatedRepoError", "gated"),
        ("HFValidationError", "no such folder, and no name that a model on the Hub can have"),
        ("", "the Hub cannot be reached \\(no route\\)"),
    ],
)
def test_errors_of_the_hub(error: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub
    from huggingface_hub import errors

    def download(model: str, name: str, local_files_only: bool) -> str:
        if not error:
            raise ConnectionError("no\nroute")
        kind = getattr(errors, error)
        raise kind.__new__(kind)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    monkeypatch.setattr(_places, "_unreached", lambda: "")
    refused("someone/a-model", words)


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "huggingface_hub", None)
    refused("someone/a-model", "pip install 'kapre\\[hub\\]'")


# The layer.


def test_changes_are_those_of_presets() -> None:
    found = kapre.Frontend.from_pretrained(WHISPER, fixed_samples=None, layout="time_first", name="ears")
    assert (found.name, found.recipe.fixed_samples, found.recipe.layout) == ("ears", None, "time_first")
    with pytest.raises(TypeError, match="Use n_mels"):
        kapre.Frontend.from_pretrained(WHISPER, num_mels=3)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="left out of 'the mapping', where it has no effect"):
        kapre.Frontend.from_pretrained(WHISPER, n_bins=3)


def test_the_source_belongs_to_the_layer_that_was_read() -> None:
    found = kapre.Frontend.from_pretrained(WHISPER)
    assert found.source is not None
    assert found.source.honoured["feature_size"] == 128
    assert kapre.Frontend.from_preset("whisper").source is None
    again = kapre.Frontend.from_config(found.get_config())
    assert again.recipe == found.recipe
    assert again.source is None


def test_recipes_are_read_without_keras(tmp_path: Path) -> None:
    from tests.processes import python

    (tmp_path / "preprocessor_config.json").write_text(json.dumps(WHISPER), encoding="utf-8")
    code = "from kapre_cli.recipes import of_source\nimport sys\n"
    code += f"assert of_source({str(tmp_path)!r}).recipe.n_mels == 128\nassert 'keras' not in sys.modules"
    result = python("-c", code)
    assert result.returncode == 0, result.stderr
