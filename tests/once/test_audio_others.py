"""Audio that PyAV alone decodes, MP3 behind other bytes, content and file objects, and what damage leaves."""

import contextlib
import gzip
import io
import struct
import sys
import zipfile

import numpy as np
import pytest
import soundfile as sf

from kapre import audio, corpus
from kapre.audio import AudioError, _decoding
from tests.containers import encoded
from tests.once.sounds import RATE, mp3, noise, without_first_frame
from tests.once.sounds import encoded as by_soundfile

OTHERS = {
    "webm": ("libopus", "WEBM", 48000),
    "matroska": ("flac", "MATROSKA", RATE),
    "ogg": ("flac", "OGG", RATE),
    "asf": ("wmav2", "ASF", RATE),
    "wav": ("wmav2", "WAV", RATE),
    "tta": ("tta", "TTA", RATE),
}


def of_kind(container, n_samples=2 * RATE):
    codec, name, rate = OTHERS[container]
    t = np.arange(n_samples * rate // RATE) / rate
    x = 0.4 * np.sin(2 * np.pi * 440 * t)
    bit_rate = 64000 if codec == "wmav2" else None
    return encoded(x, rate, codec, container, bit_rate=bit_rate), x, name, rate


@pytest.mark.parametrize("container", OTHERS)
def test_what_pyav_decodes_is_read_and_a_cut_is_said(container, save, monkeypatch):
    content, x, name, rate = of_kind(container)
    recording = audio.read(save(content))
    assert (recording.info.format, recording.info.damage, recording.sample_rate) == (name, (), rate)
    assert abs(len(recording.samples) - len(x)) <= 4096
    y = recording.samples[4096 : len(x) - 4096, 0]
    tone = np.exp(2j * np.pi * 440 / rate * np.arange(len(y)))
    assert abs(2 * abs(np.mean(y * tone)) - 0.4) < 0.02
    for part in (0.5, 0.75, 0.97):
        cut = save(content[: int(part * len(content))])
        with pytest.raises(AudioError):
            audio.read(cut)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(AudioError, match=r"pip install 'kapre\[av\]'") as error:
        audio.read(save(content))
    assert "opy it again" not in str(error.value)


@pytest.mark.parametrize(
    "front",
    [
        bytes(3000),
        b"ID3\4\0\0\0\0\2\0" + bytes(256) + bytes(1000),
        b"ID3\3\0\0" + struct.pack(">I", 300) + b"\1" * 300,  # a size of 8 bits in a byte
        b"ID3\3\0\0" + struct.pack(">I", 0x1FF) + b"\1" * 0x1FF,
        b"some other words before it\r\n" * 9,
    ],
)
@pytest.mark.parametrize("counted", [True, False])
def test_mp3_behind_other_bytes_is_whole(front, counted, save):
    content = mp3() if counted else without_first_frame(mp3())
    expected = audio.read(save(content)).samples
    recording = audio.read(save(front + content))
    assert recording.info.damage == ()
    np.testing.assert_array_equal(recording.samples, expected)


@pytest.mark.parametrize("container", ["VOC", "SVX"])
def test_a_cut_of_older_containers_is_said(container, save):
    content = sf_bytes(container)
    assert corpus.inspect(save(content)).damage == ()
    for part in (0.3, 0.7, 0.99):
        assert corpus.inspect(save(content[: int(part * len(content))])).damage[0].startswith("cut short")


def sphere(n_samples, promised, tail=b""):
    fields = f"channel_count -i 1\nsample_count -i {promised}\nsample_rate -i {RATE}\nsample_n_bytes -i 2\n"
    fields += "sample_byte_format -s2 01\nsample_sig_bits -i 16\nsample_coding -s3 pcm\nend_head\n"
    x = np.round(noise(n_samples) * 32767).astype("<i2")
    return (b"NIST_1A\n   1024\n" + fields.encode()).ljust(1024, b"\n") + x.tobytes() + tail


def test_sphere_is_read_and_its_count_is_checked(save):
    np.testing.assert_allclose(audio.read(save(sphere(3000, 3000))).samples, noise(3000), atol=1e-4)
    assert corpus.inspect(save(sphere(3000, 4000))).damage[0].startswith("cut short")
    assert corpus.inspect(save(sphere(3000, 1000))).damage[0].startswith("longer")


class Stream(io.RawIOBase):
    """A file that cannot seek."""

    def __init__(self, content):
        self.content = io.BytesIO(content)

    def readable(self):
        return True

    def readinto(self, buffer):
        return self.content.readinto(buffer)


@pytest.mark.parametrize("given", ["bytes", "bytearray", "memoryview", "BytesIO", "open", "unbuffered", "stream"])
def test_content_and_file_objects_are_read(given, save):
    for content in (mp3(), sf_bytes("WAV"), sf_bytes("FLAC")):
        path = save(content)
        expected = audio.read(path, 8000.0)

        files = {
            "open": lambda path=path: path.open("rb"),
            "unbuffered": lambda path=path: path.open("rb", buffering=0),
            "BytesIO": lambda content=content: io.BytesIO(content),
            "stream": lambda content=content: Stream(content),
        }
        kinds = {"bytes": bytes, "bytearray": bytearray, "memoryview": memoryview}
        made = files[given]() if given in files else kinds[given](content)
        found = audio.read(made, 8000)
        np.testing.assert_array_equal(found.samples, expected.samples)
        names = {"open": str(path), "unbuffered": str(path), **dict.fromkeys(kinds, "<bytes>")}
        assert found.info.path == names.get(given, "<file>")
        if hasattr(made, "close"):
            made.close()
    with pytest.raises(AudioError, match=r"^<bytes>: an empty file"):
        corpus.inspect(b"")
    with pytest.raises(TypeError, match="`path` must be"):
        audio.read(io.StringIO("text"))


def sf_bytes(container, x=None, subtype="PCM_16"):
    return by_soundfile(container, subtype, x)


def test_damage_can_be_kept(save):
    content = sf_bytes("WAV")
    cut = save(content[:-2000])
    with pytest.raises(AudioError):
        audio.read(cut)
    kept = audio.read(cut, on_damage="keep")
    np.testing.assert_allclose(kept.samples, noise()[:-1000], atol=1e-4)
    assert kept.info.damage == ("cut short: the header promises 0.188 s, 0.125 s are there",)
    assert len(audio.read(cut, 8000, on_damage="keep").samples) == 1000
    flac = sf_bytes("FLAC", noise(40000))
    some = audio.read(flac[: len(flac) // 2], on_damage="keep")
    assert 10000 < len(some.samples) < 30000
    np.testing.assert_allclose(some.samples, noise(40000)[: len(some.samples)], atol=1e-4)
    assert audio.read(sf_bytes("WAV", np.zeros((0, 2))), on_damage="keep").samples.shape == (0, 2)
    assert audio.read(content, on_damage="keep").info.damage == ()
    with pytest.raises(ValueError, match="`on_damage` must be one of 'raise', 'keep'"):
        audio.read(content, on_damage="skip")
    with pytest.raises(AudioError, match="not audio"):
        audio.read(b"hello world" * 99, on_damage="keep")


@pytest.mark.parametrize(
    ("x", "said"), [((1, -1), "their mean is silence"), ((1, -0.99), "is 46 dB quieter than they are")]
)
def test_channels_that_cancel_each_other_are_a_warning(x, said):
    both = sf_bytes("WAV", noise() * np.array([x]), "DOUBLE")
    info = corpus.inspect(both)
    assert info.damage == ()
    assert said in info.warnings[0]
    assert corpus.inspect(sf_bytes("WAV", noise(channels=2))).warnings == ()
    assert corpus.inspect(sf_bytes("WAV")).warnings == ()


@pytest.mark.parametrize(("codec", "container"), [("tta", "tta"), ("aac", "ipod"), ("flac", "matroska")])
def test_joined_files_that_pyav_decodes_are_said(codec, container):
    content = encoded(noise(RATE // 2), RATE, codec, container)
    once = corpus.inspect(content)
    assert once.damage == ()
    for other in (content, sf_bytes("WAV")):
        twice = corpus.inspect(content + other)
        assert twice.damage or (other is content and twice.n_samples > 1.9 * once.n_samples)


@pytest.mark.parametrize(
    "content",
    [
        *(b"#!AMR", b"#!AMR_MC1.0\n" + bytes(99), b"#!AMR\n", b"TTA1", b"\x1a\x45\xdf\xa3", b"NIST_1A\n", b"wvpk"),
        b"\xff\xfb\x00\x00" + b"\x55" * 200 + b"\xff\xfb",
        b"Creative Voice File\x1a",
    ],
)
def test_a_few_bytes_of_a_header_end_no_run(content, save, monkeypatch):
    for find in (corpus.inspect, audio.read, audio.told_seconds):
        with contextlib.suppress(AudioError):
            assert find is audio.told_seconds or find(content).damage
    for wrong in (StopIteration, IndexError, KeyError, struct.error, OverflowError, ZeroDivisionError):

        def examine(_, wrong=wrong):
            raise wrong

        monkeypatch.setattr(_decoding, "examine", examine)
        for find in (corpus.inspect, lambda path: next(audio.blocks(path))):
            with pytest.raises(AudioError, match="damaged inside: its header cannot be read"):
                find(content)


@pytest.mark.parametrize(
    "front", [b"\xff\xff\xff", b"\xff\xf1\x00", b"\xff\xe0" + b"\1" * 50, b"\xff\xfb\x90\x00" + b"\1" * 37]
)
@pytest.mark.parametrize("rate", [RATE, 44100])
def test_mp3_behind_bytes_like_a_header_is_whole(front, rate):
    file = io.BytesIO()
    sf.write(file, noise(20000), rate, format="MP3")
    for content in (file.getvalue(), without_first_frame(mp3())):
        recording = audio.read(front + content)
        np.testing.assert_array_equal(recording.samples, audio.read(content).samples)
    with pytest.raises(AudioError, match="not audio"):
        audio.read(front + bytes(5000))


@pytest.mark.parametrize("counted", [True, False])
def test_mp3_of_another_rate_behind_mp3_is_said(counted):
    file = io.BytesIO()
    sf.write(file, noise(20000), 24000, format="MP3")
    one = mp3() if counted else without_first_frame(mp3())
    for between in (b"", b"TAG" + bytes(125)):
        (said,) = corpus.inspect(one + between + file.getvalue()).damage
        assert said.startswith("it changes to 24000 Hz after 2.")


class Short(Stream):
    """A file that gives some bytes at a time, as it may."""

    def __init__(self, content, most=4096, end=True):
        super().__init__(content)
        self.most, self.end = most, end

    def seekable(self):
        return True

    def tell(self):
        return self.content.tell()

    def seek(self, *place):
        at = self.content.seek(*place)
        return at if self.end else None

    def readinto(self, buffer):
        return self.content.readinto(memoryview(buffer)[: self.most])


def zipped(content):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.wav", content)
    return file.getvalue()


def member(content):
    return zipfile.ZipFile(io.BytesIO(content)).open("a.wav")


@pytest.mark.parametrize("kind", [("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("MP3", None)])
def test_files_that_give_less_than_asked_are_read(kind):
    content = mp3() if kind[0] == "MP3" else sf_bytes(kind[0], subtype=kind[1])
    expected = audio.read(content)
    assert expected.info.damage == ()
    for made in (
        Short(content),
        Short(content, end=False),
        gzip.GzipFile(fileobj=io.BytesIO(gzip.compress(content))),
        member(zipped(content)),
    ):
        np.testing.assert_array_equal(audio.read(made).samples, expected.samples)


def test_what_a_file_object_raises_is_an_audio_error():
    content = sf_bytes("WAV")
    packed, archive = gzip.compress(content), bytearray(zipped(content))
    archive[200] ^= 255
    broken = bytearray(packed)
    broken[len(packed) // 2] ^= 255

    class Raises(Short):
        def readinto(self, buffer):
            raise RuntimeError("the line\nis gone")

    for made in (
        gzip.GzipFile(fileobj=io.BytesIO(packed[: len(packed) // 2])),
        gzip.GzipFile(fileobj=io.BytesIO(bytes(broken))),
        member(bytes(archive)),
        Raises(content),
    ):
        with pytest.raises(AudioError, match=r"^(<file>|a\.wav): reading failed \(") as error:
            corpus.inspect(made)
        assert "\n" not in str(error.value)

    class Text:
        def read(self, size=-1):
            return "text"

    with pytest.raises(TypeError, match="`path` must be"):
        audio.read(Text())


ID3V1 = b"TAG" + b"title".ljust(30) + b"band".ljust(94) + b"\1"
FOOTER, HEADER = (b"APETAGEX" + struct.pack("<IIII8x", 2000, 64, 1, flags) for flags in (0x80000000, 0xA0000000))
APE = HEADER + b"\x17\0\0\0\0\0\0\0Title\0" + b"x" * 18 + FOOTER
LYRICS = b"LYRICSBEGININD0000210000021LYRICS200"
TAILS = [
    bytes(4),
    bytes(65536),
    ID3V1,
    b"TAG" + bytes(125),
    APE,
    APE + bytes(9),
    APE + ID3V1,
    LYRICS + ID3V1 + bytes(99),
]


def flac_to_a_pipe(x):
    content = bytearray(sf_bytes("FLAC", x))
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    return bytes(content)


@pytest.mark.parametrize("kind", ["flac", "mp3", "ipod", "adts", "matroska", "webm", "wv"])
def test_tags_and_zeros_behind_the_sound_are_no_damage(kind):
    x = noise(RATE)
    content = {
        "flac": lambda: flac_to_a_pipe(x),
        "mp3": lambda: without_first_frame(mp3()),
        "wv": lambda: encoded(x, RATE, "wavpack", "wv", kind="fltp"),
        "webm": lambda: encoded(x, 48000, "libopus", "webm"),
        "matroska": lambda: encoded(x, RATE, "flac", "matroska"),
    }.get(kind, lambda: encoded(x, RATE, "aac", kind))()
    whole = audio.read(content).samples
    for tail in TAILS:
        np.testing.assert_array_equal(audio.read(content + tail).samples, whole)
        if kind != "mp3":  # without a count, and with a cut between frames
            try:
                cut = corpus.inspect(content[: len(content) * 3 // 4] + tail)
            except AudioError:
                continue
            assert cut.damage
    assert kind == "mp3" or corpus.inspect(content + b"\1" * 5000).damage


def test_flac_of_unknown_length_is_chained_behind_tags():
    one, id3 = flac_to_a_pipe(noise(3000)), b"ID3\4\0\0\0\0\0\x20" + b"x" * 32
    for seed in range(20):  # a checksum may end in zeros
        other = flac_to_a_pipe(noise(500, seed=seed))
        assert len(audio.read(other + ID3V1 + bytes(50)).samples) == 500
        assert len(audio.read(other + id3 + one).samples) == 3500
