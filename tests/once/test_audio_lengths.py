"""Length fields that lie: all of the sound is read, or damage says so; and no header makes a walk long."""

import itertools
import os
import struct
import tempfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kapre import audio, corpus
from kapre.audio import AudioError, _chunks, _decoding, _ogg, _source
from tests.once.sounds import RATE, N, encoded, mp3, noise, without_first_frame

FIELDS = {
    # container: (format, offset from the mark, mark, further fields at a fixed place)
    "WAV": [("<I", b"data", 4), ("<I", b"RIFF", 4)],
    "RF64": [("<Q", b"ds64", 8), ("<Q", b"ds64", 16), ("<Q", b"ds64", 24)],
    "AIFF": [(">I", b"SSND", 4), (">I", b"FORM", 4), (">I", b"COMM", 10)],
    "W64": [("<Q", b"data", 16), ("<Q", b"riff", 16)],
    "CAF": [(">Q", b"data", 4)],
    "AU": [(">I", b".snd", 8)],
}
LINEAR = [
    *(("WAV", subtype) for subtype in ("PCM_U8", "PCM_16", "PCM_24", "FLOAT", "ULAW")),
    *((container, "PCM_16") for container in ("RF64", "AIFF", "W64", "CAF", "AU")),
    ("AIFF", "FLOAT"),
    ("AU", "ULAW"),
    ("CAF", "PCM_24"),
]


def count_or_none(path):
    """The samples that are read, or None where damage or an error says that this is not all."""
    try:
        info = corpus.inspect(path)
    except AudioError:
        return None
    if info.damage:
        with pytest.raises(AudioError):
            audio.read(path)
        return None
    assert len(audio.read(path).samples) == info.n_samples
    return info.n_samples


def with_field(content, field, change):
    form, mark, offset = field
    changed = bytearray(content)
    at = content.index(mark) + offset
    value = struct.unpack_from(form, changed, at)[0]
    struct.pack_into(form, changed, at, change(value) % (1 << 8 * struct.calcsize(form)))
    return bytes(changed)


CHANGES = st.one_of(
    st.sampled_from([0, 0xFFFFFFFF, 0xFFFFFFFE, 0x80000000, 0x7FFFF000, 0x80000024, (1 << 64) - 1, 1 << 63]).map(
        lambda value: lambda _: value
    ),
    st.integers(1, 2 * N).map(lambda less: lambda value: value - less),
    st.integers(1, 1 << 20).map(lambda more: lambda value: value + more),
    st.floats(0.0, 1.0).map(lambda part: lambda value: int(part * value)),
)


@pytest.mark.parametrize(("container", "subtype"), LINEAR)
def test_a_size_that_lies_loses_no_sound_in_silence(container, subtype, tmp_path):
    whole = {channels: encoded(container, subtype, noise(N, channels)) for channels in (1, 2)}
    path = tmp_path / "clip"

    @settings(max_examples=25, deadline=None)
    @given(st.sampled_from(FIELDS[container]), CHANGES, st.sampled_from([1, 2]), st.booleans())
    def check(field, change, channels, outer_too):
        content = with_field(whole[channels], field, change)
        if outer_too and len(FIELDS[container]) > 1:  # as a recorder leaves it that wrote its header some time ago
            content = with_field(content, FIELDS[container][1], change)
        path.write_bytes(content)
        found = count_or_none(path)
        if container == "W64" and found is not None:  # a chunk ends at a multiple of 8 bytes: 7 may be padding
            assert 0 <= (N - found) * 2 * channels <= 7
        else:
            assert found in (N, None)

    path.write_bytes(whole[1])
    assert count_or_none(path) == N
    check()


@pytest.mark.parametrize("value", [0xFFFFFFFF, 0xFFFFFFFE, 0x80000000, 0x7FFFFFFF, 0x7FFFF000])
@pytest.mark.parametrize("container", ["WAV", "AU", "AIFF"])
def test_what_recorders_write_to_a_pipe_is_whole(container, value, save):
    """`arecord -t wav -` writes 0x80000000, `arecord -t au -` 0xFFFFFFFE, SoX 0x7FFFF000."""
    content = with_field(encoded(container, "PCM_16"), FIELDS[container][0], lambda _: value)
    if container != "AU":
        content = with_field(content, FIELDS[container][1], lambda _: (value + 36) % (1 << 32))
    recording = audio.read(save(content))
    assert recording.info.damage == ()
    np.testing.assert_allclose(recording.samples, noise(), atol=1e-4)


def sparse(path, head, size, tail):
    with open(path, "wb") as file:
        file.write(head)
        file.truncate(size - len(tail))
        file.seek(0, os.SEEK_END)
        file.write(tail)


@pytest.mark.parametrize("container", ["WAV", "AIFF", "AU"])
@pytest.mark.parametrize("written", ["wrapped", "full"])
def test_sizes_beyond_32_bits(container, written, tmp_path):
    """Of 37 hours, libsndfile reads what is left of the size modulo 2 ** 32, or the largest size that fits."""
    head = encoded(container, "PCM_16", noise(10))[: -2 * 10]
    first, last = encoded(container, "PCM_16")[-2 * N :], encoded(container, "PCM_16", noise(seed=1))[-2 * N :]
    length = (1 << 32) + 20 * N
    skip = 8 if container == "AIFF" else 0  # SSND counts its own two fields
    for field, whole in zip(FIELDS[container], (length + skip, len(head) - 8 + length), strict=False):
        value = min(whole, 0xFFFFFFFF) if written == "full" else whole % (1 << 32)
        head = with_field(head, field, lambda _, value=value: value)
    path = tmp_path / "long"
    sparse(path, head + first, len(head) + length, last)
    assert audio.told_seconds(path) == length // 2 / RATE
    with open(path, "rb", buffering=0) as file:
        container_ = _decoding.examined("long", _source.Source(file))
        assert container_.damage == []
        parts = [part for stream in container_.streams for part in stream if not isinstance(part, bytes)]
        sounding = [part for part in parts if part[0] >= len(head)]
        assert sounding[0][0] == len(head)
        assert sounding[-1][1] == len(head) + length
        assert all(one[1] == two[0] for one, two in itertools.pairwise(sounding))
    # A decoder goes over from one piece to the next without a seam: with pieces of 1000 bytes.
    kept, _chunks._LINK = _chunks._LINK, 1000
    try:
        path.write_bytes(encoded(container, "PCM_16"))
        np.testing.assert_allclose(audio.read(path).samples, noise(), atol=1e-4)
        assert corpus.inspect(path).damage == ()
    finally:
        _chunks._LINK = kept


def test_a_size_that_may_have_overflowed_before_zeros_is_said(tmp_path):
    content = encoded("WAV", "PCM_16")
    path = tmp_path / "clip"
    sparse(path, content, len(content) + (1 << 32), b"")
    assert "overflowed" in corpus.inspect(path).damage[0]


FLAC_TOTALS = st.one_of(st.sampled_from([0, 1, N - 1, N + 1, (1 << 36) - 1]), st.integers(0, 2 * N))


def flac_of(total, content):
    changed = bytearray(content)
    changed[21] = changed[21] & 0xF0 | total >> 32
    changed[22:26] = (total & 0xFFFFFFFF).to_bytes(4, "big")
    return bytes(changed)


@settings(max_examples=15, deadline=None)
@given(FLAC_TOTALS, st.sampled_from([b"", b"TAG" + bytes(125), bytes(50_000)]))
def test_a_count_of_flac_that_lies_loses_no_sound_in_silence(total, after):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip"
        content = encoded("FLAC", "PCM_16")
        path.write_bytes(flac_of(total, content) + after)
        found = count_or_none(path)
        assert found == N if total == N else found in (N, None)
        if total == 0 and not after:
            assert found == N


def test_joined_flac_is_read_whole(save):
    one, two, three = (encoded("FLAC", "PCM_16", noise(N + n, seed=n)) for n in range(3))
    tagged = one + b"TAG" + bytes(125) + two + flac_of(0, three)
    recording = audio.read(save(tagged))
    np.testing.assert_allclose(recording.samples, np.concatenate([noise(N + n, seed=n) for n in range(3)]), atol=1e-4)
    assert audio.told_seconds(save(one + two)) == (2 * N + 1) / RATE
    assert corpus.inspect(save(one + two[:-500])).damage
    other = encoded("FLAC", "PCM_16", noise(N, 2))
    assert "changes to" in corpus.inspect(save(one + other)).damage[0]


def in_wav(stream, byte_rate=4000):
    """MP3 in WAV, as old recorders wrote it: the byte rate is an average, and often wrong."""
    form = struct.pack("<HHIIHHHHIHHH", 0x55, 1, RATE, byte_rate, 1, 0, 12, 1, 2, 144, 1, 0)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(stream)) + stream
    return b"RIFF" + struct.pack("<I", len(body) + len(stream) % 2) + body + bytes(len(stream) % 2)


@pytest.mark.parametrize("mode", ["VARIABLE", "CONSTANT", "AVERAGE"])
@pytest.mark.parametrize("counted", [True, False])
def test_mp3_in_wav_is_read_as_it_is_outside(mode, counted, save):
    content = mp3(mode=mode)
    stream = content if counted else without_first_frame(content)
    expected = audio.read(save(stream)).samples
    assert len(expected) >= 32000
    for byte_rate in (1000, 4000, 64000):
        recording = audio.read(save(in_wav(stream, byte_rate)))
        np.testing.assert_array_equal(recording.samples, expected)
        assert (recording.info.format, recording.info.subtype) == ("WAV", "MPEG_LAYER_III")
    assert corpus.inspect(save(in_wav(stream)[:-1000])).damage
    longer = with_field(in_wav(stream), ("<I", b"data", 4), lambda value: value - 1000)
    assert corpus.inspect(save(longer)).damage


@pytest.mark.parametrize("field", ["frames", "bytes"])
@pytest.mark.parametrize("value", [0, 1, -1, -5, 1 << 30, "max"])
def test_a_count_of_mp3_that_lies_loses_no_sound_in_silence(field, value, save):
    content = mp3()
    at = content.index(b"Xing") + (8 if field == "frames" else 12)
    now = struct.unpack_from(">I", content, at)[0]
    new = 0xFFFFFFFF if value == "max" else max(0, now + value) if value < 0 else value
    changed = content[:at] + struct.pack(">I", new) + content[at + 4 :]
    found = count_or_none(save(changed))
    assert found is None or found >= 32000


def test_positions_of_ogg_that_go_back_are_said(save):
    """A position in the last page that lies before the one in front would cut off whole pages."""
    content = encoded("OGG", "VORBIS", noise(60000))
    at = content.rindex(b"OggS")
    for position in (0, 1, 5000):
        page = bytearray(content[at:])
        page[6:14] = struct.pack("<Q", position)
        table = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
        bare = bytes(page[:22]) + bytes(4) + bytes(page[26:])
        crc = zlib.crc32(bare.translate(table), 0xFFFFFFFF) ^ 0xFFFFFFFF
        page[22:26] = crc.to_bytes(4, "big").translate(table)
        assert _ogg._page_matches(bytes(page))
        assert count_or_none(save(content[:at] + bytes(page))) in (None, 60000)


class Counted:
    """Counts the reads of a source, and their bytes, which is the work that a header can cause."""

    def __init__(self, monkeypatch):
        self.reads = 0
        kept = _source.Source.at, _source.Source._read

        def at(source, offset, count):
            self.reads += 1
            return kept[0](source, offset, count)

        def read(source, offset, count):
            self.reads += 1
            return kept[1](source, offset, count)

        monkeypatch.setattr(_source.Source, "at", at)
        monkeypatch.setattr(_source.Source, "_read", read)


def tails():
    riff, big = struct.Struct("<4sI"), struct.Struct(">4sI")
    return {
        "zeros": lambda size: bytes(size),
        "empty chunks": lambda size: riff.pack(b"free", 0) * (size // 8),
        "empty big-endian chunks": lambda size: big.pack(b"free", 0) * (size // 8),
        "boxes": lambda size: big.pack(b"free", 8) * (size // 8),
        "tags": lambda size: (b"ID3\4" + bytes(6)) * (size // 10),
        "lyrics": lambda size: (b"LYRICSBEGIN" + bytes(5)) * (size // 16),
        "pages": lambda size: (b"OggS" + bytes(23)) * (size // 27),
    }


@pytest.mark.parametrize("container", ["WAV", "RF64", "AIFF", "W64", "CAF", "AU", "FLAC", "OGG", "MP3"])
@pytest.mark.parametrize("kind", tails())
@pytest.mark.parametrize("inside", [False, True])
def test_no_header_and_no_tail_makes_a_walk_long(container, kind, inside, save, monkeypatch):
    """4 MB of nothing behind the samples, or in front of them, cost at most some thousand reads."""
    content = {"OGG": lambda: encoded("OGG", "VORBIS"), "MP3": mp3}.get(
        container, lambda: encoded(container, "PCM_16")
    )()
    tail = tails()[kind](1 << 22)
    at = len(content)
    if inside:
        at = {"WAV": 12, "RF64": 12, "AIFF": 12, "W64": 40, "CAF": 8}.get(container, 0)
    path = save(content[:at] + tail + content[at:])
    counted = Counted(monkeypatch)
    try:
        found = corpus.inspect(path)
    except AudioError:
        assert inside or kind == "pages"
    else:
        assert found.damage or found.n_samples in (N, 32000)
        if kind == "zeros" and not inside and container not in ("MP3", "OGG"):
            assert (found.damage, found.n_samples) == ((), N)
    assert counted.reads < 40_000


@pytest.mark.parametrize("container", ["WAV", "RF64", "AIFF", "CAF", "AU", "FLAC"])
def test_gigabytes_of_zeros_behind_the_samples_are_no_work(container, tmp_path, monkeypatch):
    content = encoded(container, "PCM_16")
    sparse(tmp_path / "clip", content, len(content) + 3_000_000_000, b"")
    info = corpus.inspect(tmp_path / "clip")
    assert (info.damage, info.n_samples) == ((), N)


def with_rate(content, rate):
    return content[:24] + struct.pack("<I", rate) + content[28:]


@pytest.mark.parametrize("rate", [1, 62, 4_200_000, 0xFFFFFFF])
def test_a_rate_that_no_recording_has_is_refused_before_anything_is_resampled(rate, save):
    path = save(with_rate(encoded("WAV", "PCM_16"), rate))
    assert corpus.inspect(path).n_samples == N
    with pytest.raises(AudioError, match=f"{rate} Hz cannot be resampled to 16000 Hz: more than 256 times as"):
        audio.read(path, RATE)
    assert audio.read(path).sample_rate == rate


JOINED = {"WAV": {}, "WAVEX": {}, "AIFF": {}, "W64": {}, "RF64": {}, "RIFX": {"endian": "BIG"}}


@pytest.mark.parametrize("container", JOINED)
@pytest.mark.parametrize("between", [b"", b"TAG" + bytes(125), bytes(16)])
def test_joined_files_of_chunks_are_said(container, between):
    """The second file passes for a chunk of the first."""
    content = encoded(container.replace("RIFX", "WAV"), "PCM_16", **JOINED[container])
    assert corpus.inspect(content).damage == ()
    (said,) = corpus.inspect(content + between + content).damage
    assert said.startswith("longer than its header says: 0.188 s promised")


def test_files_of_several_kinds_joined_are_said():
    wav, flac, ogg = (encoded(*kind) for kind in (("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS")))
    empty = encoded("WAV", "PCM_16", noise(0))
    for one, other in itertools.product((wav, flac, ogg, empty), (wav, flac, ogg, mp3())):
        tagged = corpus.inspect(one + b"TAG" + bytes(125))
        assert tagged.damage == corpus.inspect(one).damage
        if one in (flac, empty) and other == mp3():  # only its decoder knows where FLAC ends; the other is to a pipe
            continue
        found = corpus.inspect(one + other)
        assert any("longer than its header says" in said for said in found.damage) or found.n_samples == 2 * N


def wave(*chunks, padded=True, after=b""):
    body = b"WAVE"
    for name, content in chunks:
        body += name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2 if padded else 0)
    return b"RIFF" + struct.pack("<I", len(body)) + body + after


def fmt(channels, bits, block, extra=b""):
    return b"fmt ", struct.pack("<HHIIHH", 1, channels, RATE, RATE * block, block, bits) + extra


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("bits", [8, 16, 24, 32])
@pytest.mark.parametrize("block", [0, 1, 3, 4, 8])
def test_a_wrong_block_in_the_header_does_no_harm(channels, bits, block):
    subtype = {8: "PCM_U8", 16: "PCM_16", 24: "PCM_24", 32: "PCM_32"}[bits]
    content = encoded("WAV", subtype, noise(N + 1, channels))
    if bits == 24 and block == 4 * channels:  # is 24 bits in 32
        return
    sound = content[44 : 44 + (N + 1) * channels * bits // 8]
    recording = audio.read(wave(fmt(channels, bits, block), (b"data", sound)))
    np.testing.assert_array_equal(recording.samples, audio.read(content).samples)
    assert corpus.inspect(wave(fmt(channels, bits, block), (b"data", sound))[:-100]).damage


@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("samples", [N, 0x4040 // 2])  # a size whose bytes might be letters, too
def test_odd_chunks_without_padding_are_followed(padded, samples):
    content = encoded("WAV", "PCM_16", noise(samples))
    data = b"data", content[44:]
    listed = b"LIST", b"INFOabcde"
    for chunks in (
        (fmt(1, 16, 2), listed, data),
        (fmt(1, 16, 2, b"\0"), data),
        (listed, fmt(1, 16, 2), (b"note", b"abc"), data),
        (fmt(1, 16, 2), data, (b"note", b"abc"), listed),
    ):
        recording = audio.read(wave(*chunks, padded=padded))
        np.testing.assert_array_equal(recording.samples, audio.read(content).samples)


def test_chunks_that_cannot_be_followed_are_said():
    data = b"data", encoded("WAV", "PCM_16")[44:]
    content = wave(fmt(1, 16, 2), (b"note", bytes(20)), data)
    wrong = with_field(content, ("<I", b"note", 4), lambda value: value + 10)
    with pytest.raises(AudioError, match="its chunks cannot be followed"):
        audio.read(wrong)


def test_an_empty_data_chunk_before_the_samples_is_passed_over():
    content = encoded("WAV", "PCM_16")
    recording = audio.read(wave(fmt(1, 16, 2), (b"data", b""), (b"data", content[44:])))
    np.testing.assert_array_equal(recording.samples, audio.read(content).samples)
