"""Numbers so large that they must be a mistake: an error that names them, or a front end that fits into memory."""

from __future__ import annotations

import dataclasses
import json
import math
import re
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import kapre
from kapre.frontends import SourceError
from kapre.frontends.readers import READERS, Document, read
from kapre.frontends.readers._hf_sound import EXTRACTORS as SOUND
from kapre.frontends.readers._hf_speech import EXTRACTORS as SPEECH
from kapre.frontends.readers._hf_whisper import EXTRACTORS as WHISPER
from kapre.frontends.readers._signatures import LIBROSA, TORCHAUDIO
from kapre.frontends.readers.calls import from_arguments

FIXTURES = Path(__file__).parents[1] / "fixtures"
FILES = sorted(path for name in ("published", "readers") for path in (FIXTURES / name).glob("*/*.*"))
HUGE = (10**8, 10**12, 10**30)
ROOM = 3 << 30


@contextmanager
def little_memory() -> Iterator[None]:
    """Let this process take no more than `ROOM` bytes in addition to what it has."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + ROOM, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def leaves(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield the numbers of a document, with the keys and places that lead to each."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield from leaves(value, (*path, key))
    elif isinstance(data, list):
        for key, value in enumerate(data):
            yield from leaves(value, (*path, key))
    elif (isinstance(data, (int, float)) and not isinstance(data, bool)) or (
        isinstance(data, str) and re.fullmatch(r"-?[\d.]+", data)
    ):
        yield path, data


def planted(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return a document with another value at one place."""
    if not path:
        return value
    copy = dict(data) if isinstance(data, dict) else list(data)
    copy[path[0]] = planted(data[path[0]], path[1:], value)
    return copy


def check(make: Callable[[], Any], name: str, huge: int) -> None:
    """Check that what is made fits into memory, or is refused with the name of the field and its value."""
    try:
        with little_memory():
            found = make()
    except (SourceError, ValueError) as error:
        text = str(error)
        assert not re.search(r"MemoryError|Overflow|\n", text)
        assert re.search(rf"\b{re.escape(name)}\b", text), text
        assert any(each in text for each in (str(huge), repr(float(huge)), f"{huge:g}")), text
        return
    recipe = found if isinstance(found, kapre.Recipe) else found.recipe
    seconds = round(recipe.sample_rate or 16000)
    shape = recipe.output_shape(seconds)
    assert max(math.prod(shape), recipe.num_samples_used(seconds)) <= 1 << 29, (name, huge, shape)


def front_ends() -> dict[str, tuple[Any, Any]]:
    """Return the files that a reader reads as they are, each with its reader and contents."""
    found = {}
    for path in FILES:
        for reader in READERS if path.suffix in (".conf", ".json", ".yaml") else ():
            try:
                data = reader.load(path)
                if reader.knows(data):
                    reader.read(Document(data, path.name))
                    found[f"{path.parent.name}/{path.name}"] = reader, data
                    break
            except SourceError:  # of another format, or with what a recipe cannot express
                continue
    return found


@pytest.mark.parametrize("huge", HUGE)
def test_every_number_of_a_published_file(huge: int) -> None:
    files = front_ends()
    assert len(files) > 60
    planted_ones = 0
    for name, (reader, data) in files.items():
        honoured = {each.rpartition(".")[2] for each in reader.read(Document(data, name)).source.honoured}
        for at, value in leaves(data):
            field = next(key for key in reversed(at) if isinstance(key, str))
            if field in honoured:
                big = str(huge) if isinstance(value, str) else huge
                check(partial(reader.read, Document(planted(data, at, big), name)), field, huge)
                planted_ones += 1
    assert planted_ones > 400


@pytest.mark.parametrize("huge", HUGE)
def test_every_number_of_the_feature_extractors(huge: int) -> None:
    for extractor in (*SOUND, *SPEECH, *WHISPER):
        plain: dict[str, Any] = {"feature_extractor_type": extractor}
        if "PocketTTS" in extractor:
            plain["end_on_pause"] = False
        for field, value in read(plain).source.honoured.items():
            if isinstance(value, (int, float)) and not isinstance(value, bool) and "." not in field:
                check(partial(read, {**plain, field: huge}), field, huge)


@pytest.mark.parametrize("huge", HUGE)
def test_every_argument_of_librosa_and_torchaudio(huge: int) -> None:
    for library, functions in (("librosa", LIBROSA), ("torchaudio", TORCHAUDIO)):
        for function in functions:
            more = dict(norm=None, tuning=0.0) if "chroma" in function else {}
            for field, value in from_arguments(library, function, more).source.honoured.items():
                if isinstance(value, (int, float)) and not isinstance(value, bool):
                    check(partial(from_arguments, library, function, {**more, field: huge}), field, huge)


COUNTS = sorted(
    field.name
    for field in dataclasses.fields(kapre.Recipe)
    if "int" in str(field.type) and "Literal" not in str(field.type)
)


@pytest.mark.parametrize("huge", HUGE)
def test_every_count_of_a_recipe(huge: int) -> None:
    assert {"hop_length", "fixed_samples", "pad_left", "stack", "patch_hop", "delta_window", "n_mfcc"} <= set(COUNTS)
    for name in ("whisper", "kaldi_mfcc", "paraformer", "vggish", "encodec", "msclap", "yamnet", "hifigan"):
        recipe = kapre.frontends.preset(name).recipe
        for field in (*COUNTS, "sample_rate", "input_rate"):
            check(partial(recipe.replace, **{field: huge}), field, huge)


def test_values_that_are_read_in_full_and_those_that_are_too_long_to_show() -> None:
    extractor = {"feature_extractor_type": "WhisperFeatureExtractor"}
    with pytest.raises(SourceError, match=f"received hop_length={10**30}\\. "):
        read({**extractor, "hop_length": 10**30})
    with pytest.raises(SourceError, match="received hop_length=an integer of 16610 bits"):
        read(json.loads(json.dumps(extractor)) | {"hop_length": 10**5000})
