"""Audio files: what is healthy decodes as soundfile decodes it, and what is damaged is never taken for a whole clip."""

import builtins
import os
import struct
import sys
import wave

import numpy as np
import pytest
import soundfile as sf
import soxr

from kapre import audio, corpus
from kapre.audio import AudioError
from tests.once.sounds import MP3_MODES, encoded, noise

PCM = ("PCM_16", "PCM_24", "PCM_32", "PCM_U8", "FLOAT", "DOUBLE", "ULAW", "ALAW")
KINDS = [
    *(("WAV", subtype) for subtype in (*PCM, "IMA_ADPCM", "MS_ADPCM", "GSM610")),
    *(("WAVEX", subtype) for subtype in PCM),
    *(("RF64", subtype) for subtype in ("PCM_16", "PCM_24", "FLOAT")),
    *(("AIFF", subtype) for subtype in ("PCM_S8", "PCM_16", "PCM_24", "FLOAT", "DOUBLE")),
    *((container, "PCM_16") for container in ("W64", "CAF", "AU")),
    *(("FLAC", subtype) for subtype in ("PCM_S8", "PCM_16", "PCM_24")),
    ("OGG", "VORBIS"),
    ("OGG", "OPUS"),
    ("MP3", "MPEG_LAYER_III"),
]
MOST_CHANNELS = {"MPEG_LAYER_III": 2, "GSM610": 1, "IMA_ADPCM": 2, "MS_ADPCM": 2}
CUT_KINDS = [
    ("WAV", "PCM_U8"),
    ("WAV", "PCM_16"),
    ("WAV", "FLOAT"),
    ("WAV", "IMA_ADPCM"),
    ("WAVEX", "PCM_24"),
    ("RF64", "PCM_32"),
    ("AIFF", "PCM_24"),
    ("W64", "PCM_16"),
    ("CAF", "PCM_16"),
    ("AU", "PCM_16"),
    ("FLAC", "PCM_16"),
    ("OGG", "VORBIS"),
    ("OGG", "OPUS"),
    *(("MP3", mode) for mode in MP3_MODES),
]


def by_soundfile(path):
    # Not soundfile.read: it seeks first, which changes the last bit of some MP3.
    with sf.SoundFile(path) as sound:
        return sound.read(sound.frames, dtype="float32", always_2d=True)


def verdict(path):
    """What is wrong with a file: the damage, or the text of the error; empty for a sound file."""
    try:
        return "; ".join(corpus.inspect(path).damage)
    except AudioError as error:
        line = str(error)
    assert len(line.splitlines()) == 1
    assert line.startswith(f"{path}: ")
    return line


def rates(subtype, container):
    if subtype == "OPUS":
        return (8000, 16000, 48000)
    if subtype == "GSM610":
        return (8000,)
    return (8000, 16000, 44100) if container == "MP3" else (8000, 44100, 192000)


@pytest.mark.parametrize(("container", "subtype"), KINDS)
def test_healthy_file_is_decoded_whole_and_reported_sound(container, subtype, save):
    seen = 0
    for channels in (1, 2, 8):
        if channels > MOST_CHANNELS.get(subtype, 8):
            continue
        for sample_rate in rates(subtype, container):
            for n_samples in (1, 4801):
                path = save(encoded(container, subtype, noise(n_samples, channels), sample_rate))
                expected = by_soundfile(path)
                info = corpus.inspect(path)
                recording = audio.read(path)
                assert info.damage == ()
                assert recording.info == info
                np.testing.assert_array_equal(recording.samples, expected)
                assert recording.samples.dtype == np.float32
                assert (info.path, info.format) == (str(path), container)
                assert (info.n_samples, info.channels) == expected.shape
                assert (info.sample_rate, recording.sample_rate) == (sample_rate, sample_rate)
                assert info.duration_seconds == len(expected) / sample_rate
                assert info.peak == np.abs(expected).max()
                np.testing.assert_allclose(info.rms, np.sqrt(np.mean(expected.astype(np.float64) ** 2)), rtol=1e-9)
                assert info.non_finite == 0
                seen += 1
    assert seen >= 2


def test_lossless_samples_come_back(save):
    samples = noise(1000, 3)
    path = save(encoded("WAV", "FLOAT", samples, 16000))
    recording = audio.read(path)
    np.testing.assert_array_equal(recording.samples, samples.astype(np.float32))
    assert recording.info.subtype == "FLOAT"


def test_blocks_join_without_a_seam(save):
    samples = noise(300_001, 2)  # more than one block
    path = save(encoded("FLAC", "PCM_16", samples, 44100))
    recording = audio.read(path)
    np.testing.assert_array_equal(recording.samples, by_soundfile(path))
    assert corpus.inspect(path) == recording.info


@pytest.mark.parametrize(("container", "subtype"), CUT_KINDS)
def test_every_cut_is_found(container, subtype, save):
    # MP3 made by soundfile always has an Info or Xing header, so that a cut between two frames is found too.
    rng = np.random.default_rng(1)
    for channels, sample_rate in ((1, 16000), (2, 48000)):
        content = encoded(container, subtype, noise(sample_rate // 2 + 1, channels), sample_rate)
        size = len(content)
        cuts = {size - 1, size - 2, size - 3, size - 4, 1, 4, 12, 20, 30, 44, 60, *rng.integers(1, size, 15).tolist()}
        for cut in sorted(cuts):
            path = save(content[:cut])
            assert verdict(path), f"{container} {subtype}, {channels} channels: cut to {cut} of {size} bytes"
            with pytest.raises(AudioError):
                audio.read(path)
        assert verdict(save(content)) == ""


def test_cut_file_names_both_durations_and_the_remedy(save):
    content = encoded("WAV", "PCM_16", noise(10 * 8000), 8000)
    path = save(content[: 44 + 2 * 33704], "speech.wav")
    damage = "cut short: the header promises 10.000 s, 4.213 s are there"
    info = corpus.inspect(path)
    assert info.damage == (damage,)
    assert info.n_samples == 33704
    with pytest.raises(AudioError) as error:
        audio.read(path)
    assert str(error.value) == f"{path}: {damage}. Copy it again from its source."


@pytest.mark.parametrize("container", ["FLAC", "MP3"])
def test_cut_compressed_file_tells_what_is_left(container, save):
    content = encoded(container, "PCM_16", noise(32000), 16000)
    info = corpus.inspect(save(content[: len(content) // 2]))
    assert info.damage == (f"cut short: the header promises 2.000 s, {info.duration_seconds:.3f} s are there",)
    assert 0.7 < info.duration_seconds < 1.1
    assert 0.08 < info.rms < 0.12


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_ogg_without_its_last_page_lacks_the_end_mark(subtype, save):
    content = encoded("OGG", subtype, noise(144000), 48000)
    info = corpus.inspect(save(content[: content.rindex(b"OggS")]))
    assert info.damage == (f"cut short: the end-of-stream mark is missing after {info.duration_seconds:.3f} s",)
    assert 0 < info.duration_seconds < 3


@pytest.mark.parametrize(("container", "subtype"), [("OGG", "VORBIS"), ("OGG", "OPUS"), ("FLAC", "PCM_16")])
def test_a_wrong_bit_is_found(container, subtype, save):
    content = encoded(container, subtype, noise(96000), 48000)
    rng = np.random.default_rng(2)
    for position in rng.integers(len(content) // 2, len(content), 8):
        changed = bytearray(content)
        changed[position] ^= 1 << int(rng.integers(8))
        assert verdict(save(bytes(changed))), f"{subtype}: byte {position} of {len(content)}"


@pytest.mark.parametrize(
    ("container", "subtype"), [("OGG", "VORBIS"), ("OGG", "OPUS"), ("FLAC", "PCM_16"), ("MP3", "CONSTANT")]
)
@pytest.mark.parametrize("change", ["zeros", "removed"])
def test_a_hole_is_found(container, subtype, change, save):
    content = encoded(container, subtype, noise(96000), 48000)
    half = len(content) // 2
    hole = bytes(4000) if change == "zeros" else b""
    assert "damaged inside" in verdict(save(content[:half] + hole + content[half + 4000 :]))


def test_flac_of_unknown_length_shows_a_cut_inside_a_frame(save):
    content = bytearray(encoded("FLAC", "PCM_16", noise(20000), 16000))
    expected = by_soundfile(save(content))
    content[21] &= 0xF0  # STREAMINFO's 36-bit sample count, 0 when FLAC is written to a pipe
    content[22:26] = bytes(4)
    np.testing.assert_array_equal(audio.read(save(content)).samples, expected)
    for cut in (1, 100, 5000):
        assert verdict(save(content[:-cut])).startswith("cut short: the file breaks off after")


def open_sizes(content, riff, data):
    changed = bytearray(content)
    at = content.index(b"data")
    changed[4:8] = struct.pack("<I", riff)
    changed[at + 4 : at + 8] = struct.pack("<I", data)
    return bytes(changed)


OPEN_SIZES = [(0xFFFFFFFF, 0xFFFFFFFF), (0x7FFFF024, 0x7FFFF000), (0, 0), (8, 0), (36, 0), (0, 0xFFFFFFFF)]


@pytest.mark.parametrize(("riff", "data"), OPEN_SIZES)
def test_wav_written_to_a_pipe_is_read_to_its_end(riff, data, save):
    content = encoded("WAV", "PCM_16", noise(2000, 2), 16000)
    expected = by_soundfile(save(content))
    path = save(open_sizes(content, riff, data))
    np.testing.assert_array_equal(audio.read(path).samples, expected)
    # A cut between two samples cannot be known without a size, one inside a sample can.
    assert verdict(save(open_sizes(content, riff, data)[:-4])) == ""
    assert verdict(save(open_sizes(content, riff, data)[:-3])) == "cut short: the file ends inside a sample"


@pytest.mark.parametrize("size", [0, 0xFFFFFFFFFFFFFFFF])
def test_rf64_and_bw64_with_open_sizes_are_read_to_their_end(size, save):
    content = bytearray(encoded("RF64", "PCM_16", noise(2000, 2), 16000))
    expected = by_soundfile(save(content))
    np.testing.assert_array_equal(audio.read(save(b"BW64" + content[4:])).samples, expected)
    content[20:36] = struct.pack("<QQ", size, size)
    np.testing.assert_array_equal(audio.read(save(content)).samples, expected)


def test_chunks_after_the_samples_are_fine(save):
    content = encoded("WAV", "PCM_16", noise(1000), 16000)
    longer = content + b"LIST" + struct.pack("<I", 4) + b"INFO"
    assert verdict(save(longer)) == ""
    counted = longer[:4] + struct.pack("<I", len(longer) - 8) + longer[8:]
    assert verdict(save(counted)) == ""
    assert verdict(save(counted[:-1])).startswith("cut short")
    assert verdict(save(content[:4] + struct.pack("<I", len(content)) + content[8:])) == ""  # counts its own header


ID3V2 = b"ID3\x04\0\0\0\0\x02\x00" + bytes(256)
ID3V1 = b"TAG" + bytes(125)
APEV2 = struct.pack("<8sIIII8x", b"APETAGEX", 2000, 32, 0, 0xA0000000) + bytes(2000)


@pytest.mark.parametrize(
    ("container", "before", "after"),
    [
        ("MP3", ID3V2, ID3V1),
        ("MP3", b"", APEV2 + ID3V1),
        ("MP3", ID3V2 + ID3V2, b""),
        ("FLAC", ID3V2, ID3V1),
        ("WAV", ID3V2, ID3V1),
        ("OGG", ID3V2, ID3V1),
    ],
)
def test_tags_are_fine(container, before, after, save):
    subtype = {"OGG": "VORBIS"}.get(container, "PCM_16")
    content = encoded(container, subtype, noise(5000), 16000)
    expected = by_soundfile(save(content))
    np.testing.assert_array_equal(audio.read(save(before + content + after)).samples, expected)


def frame_size(content):
    """The size in bytes of the first frame of a 16 kHz MP3: 72 × bit rate / sample rate (MPEG-2 layer III)."""
    assert content[:2] in (b"\xff\xf3", b"\xff\xf2")
    kbits = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)[content[2] >> 4]
    return 72 * kbits * 1000 // 16000


def frames_of(content):
    """The frames of a constant bit rate MP3 at 16 kHz; the first is the Info header."""
    size = frame_size(content)
    assert len(content) % size == 0
    return [content[i : i + size] for i in range(0, len(content), size)]


def test_mp3_without_a_count_shows_a_cut_unless_between_frames(save):
    frames = frames_of(encoded("MP3", "CONSTANT", noise(16000), 16000))[1:]
    size = len(frames[0])
    whole = b"".join(frames)
    assert verdict(save(whole)) == ""
    assert corpus.inspect(save(whole)).n_samples == 576 * len(frames)
    for short in range(1, 2 * size):
        found = verdict(save(whole[:-short]))
        # The documented limit: whole frames only, and nothing that says how many there were.
        assert bool(found) == (short % size != 0), short


def test_variable_bit_rate_mp3_without_a_count_is_decoded_whole(save):
    # libsndfile guesses the length from the first frame's bit rate and stops there: here at less than half.
    samples = np.concatenate([noise(40000), np.zeros((80000, 1)), noise(40000)])
    content = encoded("MP3", "VARIABLE", samples, 16000)
    frames = struct.unpack(">I", content[content.index(b"Xing") + 8 :][:4])[0]
    path = save(content[frame_size(content) :])
    without_count = audio.read(path)
    assert without_count.info == corpus.inspect(path)
    assert without_count.info.n_samples == 576 * frames
    assert len(by_soundfile(path)) < 576 * frames / 2
    with_count = audio.read(save(content)).samples
    delay = 576 + 529  # LAME's own and the decoder's
    np.testing.assert_allclose(without_count.samples[delay : delay + len(samples)], with_count, atol=1e-6)


def test_joined_mp3_is_longer_than_its_header_says(save):
    content = encoded("MP3", "CONSTANT", noise(32000), 16000)
    assert verdict(save(content + content)).startswith("longer than its header says")


def test_chained_ogg_is_decoded_to_its_end(save):
    first, second = (encoded("OGG", "VORBIS", noise(n, seed=n), 16000) for n in (8000, 12000))
    expected = np.concatenate([by_soundfile(save(first)), by_soundfile(save(second))])
    np.testing.assert_array_equal(audio.read(save(first + second)).samples, expected)
    assert verdict(save(first + second[:-1])).startswith("cut short")
    other = encoded("OGG", "VORBIS", noise(8000, 2), 16000)
    assert "stream 2 of 2 in the chain changes" in verdict(save(first + other))


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("channels", [1, 3])
def test_wav_by_the_standard_library_is_sound(width, channels, save, tmp_path):
    path = tmp_path / "clip.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, width, 16000, 0, "NONE", ""))
        file.writeframes(np.random.default_rng(0).bytes(1001 * channels * width))
    info = corpus.inspect(path)
    assert (info.damage, info.n_samples, info.channels) == ((), 1001, channels)


def test_samples_that_are_not_finite_are_counted(save):
    samples = noise(1000, 2).astype(np.float32)
    samples[3, 1], samples[7, :] = np.nan, (np.inf, -np.inf)
    path = save(encoded("WAV", "FLOAT", samples, 16000))
    info = corpus.inspect(path)
    assert info.non_finite == 3
    assert info.damage == ("3 samples are not finite (NaN or infinity)",)
    finite = samples[np.isfinite(samples)].astype(np.float64)
    assert info.peak == np.abs(finite).max()
    np.testing.assert_allclose(info.rms, np.sqrt(np.mean(finite**2)), rtol=1e-9)
    with pytest.raises(AudioError, match="3 samples are not finite"):
        audio.read(path)


@pytest.mark.parametrize("container", ["WAV", "AIFF", "RF64"])
def test_no_samples_is_damage(container, save):
    path = save(encoded(container, "PCM_16", np.zeros((0, 1)), 16000))
    info = corpus.inspect(path)
    assert info.damage[0].startswith("no samples: ")
    assert (info.n_samples, info.duration_seconds, info.peak, info.rms) == (0, 0.0, 0.0, 0.0)
    with pytest.raises(AudioError, match="no samples"):
        audio.read(path)


NOT_AUDIO = {
    "empty": b"",
    "text": b"hello world\n" * 50,
    "utf-16": b"\xff\xfe" + ("hello world" * 50).encode("utf-16-le"),
    "zeros": bytes(5000),
    "random": np.random.default_rng(0).bytes(5000),
    "ones": b"\xff" * 5000,
    "AVI": b"RIFF\x10\0\0\0AVI " + bytes(500),
    "ID3 only": ID3V2,
}


@pytest.mark.parametrize("kind", NOT_AUDIO)
@pytest.mark.parametrize("name", ["clip.wav", "clip.mp3", "clip.vox", "clip.raw"])
def test_what_is_not_audio_is_an_error_whatever_its_name(kind, name, save, capfd):
    path = save(NOT_AUDIO[kind], name)
    with pytest.raises(AudioError) as error:
        corpus.inspect(path)
    assert str(error.value).startswith(f"{path}: ")
    assert len(str(error.value).splitlines()) == 1
    assert capfd.readouterr() == ("", "")


def test_the_content_decides_not_the_name(save):
    content = encoded("MP3", "CONSTANT", noise(8000), 16000)
    info = corpus.inspect(save(content, "clip.wav"))
    assert (info.format, info.damage, info.n_samples) == ("MP3", (), 8000)


def test_mp3_decoder_writes_nothing_to_the_terminal(save, capfd):
    # mpg123 inside libsndfile writes warnings for these when it is given the file as it is.
    content = encoded("MP3", "CONSTANT", noise(48000), 16000)
    frames = frames_of(content)
    for changed in (content[:-5000], content[:-1], content + bytes(9000), content * 2, b"".join(frames[:2])):
        verdict(save(changed))
    assert capfd.readouterr() == ("", "")


def test_files_that_cannot_be_opened(tmp_path, monkeypatch):
    with pytest.raises(AudioError, match=r"missing\.wav: no such file\. Check the path\.$"):
        corpus.inspect(tmp_path / "missing.wav")
    with pytest.raises(AudioError, match="a folder, not a file"):
        audio.read(tmp_path)
    with pytest.raises(AudioError, match=r"two\\nlines: no such file"):
        corpus.inspect("two\nlines")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(AudioError, match="a pipe or a device"):
            corpus.inspect(tmp_path / "pipe")
    (tmp_path / "locked.wav").write_bytes(b"RIFF")

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(builtins, "open", refuse)
    with pytest.raises(AudioError, match=r"locked\.wav: permission denied\. "):
        corpus.inspect(tmp_path / "locked.wav")


def test_a_failing_disk_is_an_error_and_an_interrupt_stops(save, monkeypatch, capfd):
    from kapre.audio import _source

    path = save(encoded("FLAC", "PCM_16", noise(50000), 16000))
    for failure, expected in ((OSError(5, "Input/output error"), AudioError), (KeyboardInterrupt(), KeyboardInterrupt)):

        def fail(self, offset, view, failure=failure):
            raise failure

        monkeypatch.setattr(_source.Source, "read_into", fail)
        with pytest.raises(expected) as error:
            corpus.inspect(path)
        if expected is AudioError:
            assert str(error.value).startswith(f"{path}: reading failed (Input/output error). ")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("old", "new", "channels"), [(44100, 16000, 2), (16000, 44100, 1), (48000, 8000, 8)])
def test_resampled_as_soxr_does(old, new, channels, save):
    path = save(encoded("WAV", "PCM_24", noise(old // 2 + 1, channels), old))
    recording = audio.read(path, new)
    expected = soxr.resample(by_soundfile(path), old, new, quality="HQ")
    np.testing.assert_array_equal(recording.samples, expected)
    assert recording.samples.dtype == np.float32
    assert abs(len(expected) - (old // 2 + 1) * new / old) <= 1
    assert recording.sample_rate == new
    assert (recording.info.sample_rate, recording.info.n_samples) == (old, old // 2 + 1)
    assert audio.read(path, old).sample_rate == old


def test_resampling_keeps_a_tone(save):
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(44100) / 44100)
    samples = audio.read(save(encoded("WAV", "FLOAT", tone, 44100)), 16000).samples[:, 0]
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    np.testing.assert_allclose(samples[500:15500], expected[500:15500], atol=1e-3)


def test_sample_rate_is_checked(save):
    path = save(encoded("WAV", "PCM_16", noise(10), 16000))
    with pytest.raises(TypeError, match=r"`sample_rate` must be a positive integer; received sample_rate=16000\.5"):
        audio.read(path, 16000.5)
    assert type(audio.read(path, 16000.0).sample_rate) is int
    with pytest.raises(ValueError, match="received sample_rate=0"):
        audio.read(path, 0)


def test_readable_formats_agree_with_libsndfile():
    formats = corpus.readable_formats()
    assert list(formats) == ["wav", "flac", "ogg", "opus", "mp3", "m4a"]
    assert formats["m4a"] is True
    assert formats["wav"] is formats["flac"] is formats["ogg"] is True
    assert formats["mp3"] == ("MP3" in sf.available_formats())


def test_missing_package_names_the_remedy(save, monkeypatch):
    path = save(encoded("WAV", "PCM_16", noise(10), 16000))
    monkeypatch.setitem(sys.modules, "soxr", None)
    with pytest.raises(ImportError, match=r"^Resampling needs soxr: run `pip install 'kapre\[audio\]'`\.$"):
        audio.read(path, 8000)
    monkeypatch.setitem(sys.modules, "soundfile", None)
    for call in (lambda: corpus.inspect(path), corpus.readable_formats):
        with pytest.raises(ImportError, match=r"^Reading audio needs soundfile: run `pip install 'kapre\[audio\]'`\.$"):
            call()
