"""MP4 and AAC, which PyAV decodes: samples are where they were, and what is damaged is never taken for a whole clip."""

import struct
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from kapre import audio, corpus
from kapre.audio import AudioError
from tests.containers import as_int16, as_int24, box, encoded, patched, video

FASTSTART = {"movflags": "+faststart"}
FRAGMENTS = {"movflags": "+frag_keyframe+delay_moov", "frag_duration": "200000"}
FIRST_IN_MOOV = {"movflags": "+frag_keyframe", "frag_duration": "200000"}
TRACK = ("moov", "trak")
TABLES = (*TRACK, "mdia", "minf", "stbl")
PADDED = 1024
"""Samples before the sound that FFmpeg's AAC encoder makes, and ADTS does not tell."""


def sound(n_samples, sample_rate, channels=1, seed=0):
    """A tone for each channel, that of the fourth low: it is an effects channel; over a little noise."""
    rng = np.random.default_rng(seed)
    t = np.arange(n_samples)[:, None] / sample_rate
    tones = 0.4 * np.sin(2 * np.pi * t * np.array([440, 740, 1040, 60, 1340, 1640])[:channels])
    return tones + 0.002 * rng.standard_normal((n_samples, channels))


def verdict(path):
    """What is wrong with a file, empty for a sound one. `read` and `blocks` agree."""
    line = ""
    try:
        found = "; ".join(corpus.inspect(path).damage)
    except AudioError as error:
        found, line = error.problem, str(error)
    assert not line or (line.startswith(f"{path}: {found}. ") and len(line.splitlines()) == 1)
    if found:
        with pytest.raises(AudioError):
            audio.read(path)
        with pytest.raises(AudioError):
            list(audio.blocks(path))
    return found


def snr(samples, original):
    """Decibels; the samples have to be where the original's are."""
    return 10 * np.log10(np.sum(original**2) / np.sum((samples - original) ** 2))


@pytest.mark.parametrize(
    ("container", "options"),
    [
        ("ipod", None),
        ("ipod", FASTSTART),
        ("mp4", FRAGMENTS),
        ("mp4", FIRST_IN_MOOV),
        ("mov", None),
        ("adts", None),
    ],
)
@pytest.mark.parametrize("sample_rate", [16000, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_aac_lies_where_the_original_does(container, options, sample_rate, channels, save):
    for n_samples in (sample_rate // 2 + 1, 7 * 1024):
        x = sound(n_samples, sample_rate, channels)
        path = save(encoded(x, sample_rate, "aac", container, options, bit_rate=96000 * channels))
        recording = audio.read(path)
        start = PADDED if container == "adts" or options is FIRST_IN_MOOV else 0  # neither has an edit list
        y = recording.samples[start : start + n_samples]
        assert recording.info == corpus.inspect(path)
        assert recording.info.damage == ()
        assert (recording.info.format, recording.info.subtype) == ("ADTS" if container == "adts" else "MP4", "AAC")
        assert (recording.sample_rate, recording.info.channels) == (sample_rate, channels)
        assert recording.samples.dtype == np.float32
        assert y.shape == x.shape
        inside, full = slice(1000, -1000), [channel for channel in range(channels) if channel != 3]
        assert snr(y[inside, full], x[inside, full]) > 27
        assert snr(np.roll(y, 1, axis=0)[inside, full], x[inside, full]) < 25
        if container in ("ipod", "mov"):  # in fragments, the last frame stays whole
            assert len(recording.samples) == n_samples


def edited(content, milliseconds, first):
    """The content with another edit list: how long, on a movie's clock that has milliseconds only, and from where."""
    content = patched(content, ("moov", "mvhd"), 12, "II", 1000, milliseconds)
    return patched(content, (*TRACK, "edts", "elst"), 8, "Ii", milliseconds, first)


@pytest.mark.parametrize(("codec", "first"), [("aac", PADDED), ("alac", 0)])
@pytest.mark.parametrize("sample_rate", [22050, 44100])
def test_every_sample_is_there_though_edits_are_in_milliseconds(codec, first, sample_rate, save):
    for n_samples in (1, 10, 1025, 1034, 7168, 7173, 25601):
        content = encoded(sound(n_samples, sample_rate), sample_rate, codec)
        assert audio.read(save(content)).info.n_samples == n_samples
        rounded = edited(content, n_samples * 1000 // sample_rate, first)
        assert audio.read(save(rounded)).info.n_samples == n_samples


@pytest.mark.parametrize("options", [None, FASTSTART])
@pytest.mark.parametrize("channels", [1, 2])
def test_alac_of_16_bits_comes_back_bit_for_bit(options, channels, save):
    for sample_rate, n_samples in ((16000, 8001), (44100, 4096), (48000, 70000)):
        x = sound(n_samples, sample_rate, channels)
        recording = audio.read(save(encoded(x, sample_rate, "alac", "ipod", options)))
        np.testing.assert_array_equal(recording.samples, as_int16(x).astype(np.float32) / 32768)
        assert (recording.info.subtype, recording.info.n_samples) == ("ALAC", n_samples)


def test_alac_of_24_bits_comes_back_bit_for_bit(save):
    x = sound(8001, 48000, 2)
    recording = audio.read(save(encoded(x, 48000, "alac", kind="s32p")))
    np.testing.assert_array_equal(recording.samples, (as_int24(np.float32(x)) / 2**31).astype(np.float32))


@pytest.mark.parametrize("duration", ["200000", "800000", "2000000"])
@pytest.mark.parametrize("n_samples", [16000, 17500, 34000])
def test_all_fragments_are_read_though_the_first_is_in_the_index(n_samples, duration, save):
    x = sound(n_samples, 16000)
    content = encoded(x, 16000, "aac", "mp4", {"movflags": "+frag_keyframe", "frag_duration": duration})
    recording = audio.read(save(content))
    assert recording.info.damage == ()
    assert n_samples + PADDED <= len(recording.samples) < n_samples + PADDED + 1024


def test_a_size_that_runs_over_the_end_is_damage(save):
    content = encoded(sound(8000, 16000), 16000)
    start, _ = box(content, *TRACK)
    for size in (1 << 30, (1 << 32) - 1):
        changed = content[:start] + struct.pack(">I", size) + content[start + 4 :]
        assert "the list of its samples" in verdict(save(changed))
    long = struct.pack(">I4sQ", 1, b"trak", 1 << 63) + content[start + 16 :]
    assert verdict(save(content[:start] + long))


def test_long_runs_of_sync_bytes_are_searched_once(save):
    """A damaged card reads as 0xFF: two million of them take no hours, which would be this test's whole limit."""
    content = encoded(sound(8000, 16000), 16000, container="adts")
    assert "ADTS frames are missing" in verdict(save(content + b"\xff" * 2_000_000 + content))


def test_blocks_join_without_a_seam(save):
    x = sound(300_001, 44100, 2)  # more than one block
    path = save(encoded(x, 44100, "alac"))
    blocks = [block for block, _ in audio.blocks(path)]
    assert len(blocks) > 2
    np.testing.assert_array_equal(np.concatenate(blocks), audio.read(path).samples)


@pytest.mark.parametrize("shift", [100, 1024, 1500])
def test_the_edit_list_says_where_the_sound_starts(shift, save):
    x = sound(16000, 16000)
    content = encoded(x, 16000)
    whole = audio.read(save(content)).samples
    later = edited(content, 1000, PADDED + shift)
    np.testing.assert_array_equal(audio.read(save(later)).samples, whole[shift:])
    half = edited(content, 500, PADDED)
    np.testing.assert_array_equal(audio.read(save(half)).samples, whole[:8000])
    without = audio.read(save(content.replace(b"edts", b"free"))).samples
    np.testing.assert_array_equal(without[PADDED:], whole)


def test_the_rate_is_that_of_the_decoded_frames(save):
    # As HE-AAC may have it: the header has half of the rate, and so its clock.
    x = sound(16000, 16000)
    content = encoded(x, 16000)
    whole = audio.read(save(content)).samples
    halved = patched(content, (*TRACK, "mdia", "mdhd"), 12, "II", 8000, 17024 // 2)
    halved = patched(halved, (*TABLES, "stts"), 8, "IIII", 16, 512, 1, 640 // 2)
    halved = edited(halved, 1000, PADDED // 2)
    halved = patched(halved, (*TABLES, "stsd"), 40, "H", 8000)
    recording = audio.read(save(halved))
    assert (recording.sample_rate, recording.info.damage) == (16000, ())
    np.testing.assert_array_equal(recording.samples, whole)


def test_what_the_header_says_is_told_without_decoding(save):
    import soundfile

    for options, container in ((None, "ipod"), (FASTSTART, "ipod"), (None, "mov")):
        assert audio.told_seconds(save(encoded(sound(24001, 16000), 16000, "aac", container, options))) == 24001 / 16000
    assert audio.told_seconds(save(encoded(sound(15 * 1024, 16000), 16000, "aac", "adts"))) == 1.024
    path = save(b"", "clip.wav")
    soundfile.write(path, sound(8000, 16000), 16000)
    assert audio.told_seconds(path) == 0.5
    with pytest.raises(AudioError, match="no such file"):
        audio.told_seconds(path.parent / "missing.m4a")


def test_a_title_in_an_old_encoding_is_fine(save):
    content = encoded(sound(8000, 16000), 16000)
    at = content.rindex(b"Lavf")
    assert audio.read(save(content[:at] + b"\xff\xfe\x80" + content[at + 3 :])).info.n_samples == 8000


def test_resampled_and_named_by_content(save):
    x = sound(48000, 48000)
    path = save(encoded(x, 48000, "alac"), "clip.mp3")
    recording = audio.read(path, 16000)
    assert recording.samples.shape == (16000, 1)
    assert recording.info.format == "MP4"
    path = save(encoded(x, 48000, "aac", "adts"), "clip.wav")
    assert corpus.inspect(path).format == "ADTS"


@pytest.mark.parametrize(
    ("codec", "container", "options"),
    [("aac", "ipod", None), ("aac", "ipod", FASTSTART), ("alac", "ipod", FASTSTART), ("alac", "mov", None)],
)
def test_every_cut_is_found(codec, container, options, save, capfd):
    content = encoded(sound(24001, 48000, 2), 48000, codec, container, options)
    size = len(content)
    cuts = {size - 1, size - 2, size - 3, size - 4, size - 9, 1, 4, 8, 12, 20, 28, 36, 44, 60}
    for cut in sorted(cuts | set(np.random.default_rng(1).integers(1, size, 25).tolist())):
        assert verdict(save(content[:cut])), f"cut to {cut} of {size} bytes"
    assert verdict(save(content)) == ""
    assert capfd.readouterr() == ("", "")


def test_a_cut_in_front_of_the_list_of_samples_loses_it(save):
    content = encoded(sound(16000, 16000), 16000)
    assert content.index(b"mdat") < content.index(b"moov")
    found = "cut short: the list of its samples (moov) is missing"
    assert verdict(save(content[: len(content) // 2])) == found
    assert verdict(save(content[:28])) == found
    assert verdict(save(content[:-100])) == "cut short: the list of its samples (moov) breaks off"


@pytest.mark.parametrize("codec", ["aac", "alac"])
def test_a_cut_behind_the_list_names_both_durations(codec, save):
    content = encoded(sound(32000, 16000), 16000, codec, "ipod", FASTSTART)
    start = box(content, "mdat")[0]
    path = save(content[: start + (len(content) - start) // 2])
    info = corpus.inspect(path)
    there = f"{info.duration_seconds:.3f} s"
    assert info.damage == (f"cut short: the header promises 2.000 s, {there} are there",)
    assert 0.6 < info.duration_seconds < 1.4
    with pytest.raises(AudioError) as error:
        audio.read(path)
    assert str(error.value) == f"{path}: {info.damage[0]}. Copy it again from its source."


def test_a_cut_in_fragments_is_found_unless_between_two(save):
    content = encoded(sound(16000, 16000), 16000, "aac", "mp4", FRAGMENTS)
    assert content.count(b"moof") > 2
    assert verdict(save(content)) == ""
    last = content.rindex(b"mfra") - 4
    assert verdict(save(content[: last - 10])).startswith("cut short: the header promises")
    assert verdict(save(content[: last + 5])).startswith("cut short: the file breaks off in the header of a box")


@pytest.mark.parametrize("container", ["ipod", "adts"])
def test_a_hole_in_aac_is_found(container, save, capfd):
    content = encoded(sound(96000, 48000), 48000, "aac", container, bit_rate=96000)
    half = len(content) // 2
    for hole in (bytes(2000), np.random.default_rng(0).bytes(2000)):
        assert "damaged inside" in verdict(save(content[:half] + hole + content[half + 2000 :]))
    assert capfd.readouterr() == ("", "")


def test_flipped_bits_are_found_or_change_no_length(save, capfd):
    content = encoded(sound(24000, 48000, 2), 48000, "aac", "ipod", FASTSTART)
    start = box(content, "mdat")[0] + 8
    rng, found = np.random.default_rng(3), 0
    for position in rng.integers(start, len(content), 60):
        changed = bytearray(content)
        changed[position] ^= 1 << int(rng.integers(8))
        path = save(bytes(changed))
        if said := verdict(path):
            found += 1
            assert said.startswith("damaged inside")
        else:
            assert corpus.inspect(path).n_samples == 24000
    assert found >= 8  # AAC has no checksum: most single bits cannot be known
    assert capfd.readouterr() == ("", "")


def test_wrong_lists_of_samples_are_found(save):
    content = encoded(sound(24000, 48000), 48000, "aac", "ipod", FASTSTART)
    for path, offset, value, said in (
        ((*TABLES, "stts"), 8, 5, "damaged inside: its lists of samples have different lengths"),
        ((*TABLES, "stsz"), 8, 5, "damaged inside: its lists of samples have different lengths"),
        ((*TABLES, "stco"), 8, 1 << 30, "cut short: the header promises 0.500 s, 0.000 s are there"),
    ):
        assert verdict(save(patched(content, path, offset, "I", value))).startswith(said), path
    lost = content.replace(b"stts", b"free")
    assert verdict(save(lost)).startswith("damaged inside: the list of its samples cannot be read")
    shorter = patched(content, (*TRACK, "mdia", "mdhd"), 16, "I", 0)
    shorter = patched(shorter, (*TABLES, "stts"), 12, "I", 512)
    shorter = shorter.replace(b"edts", b"free")
    assert verdict(save(shorter)).startswith("longer than its header says")


def test_adts_shows_a_cut_unless_between_frames(save):
    content = encoded(sound(16000, 16000), 16000, "aac", "adts")
    starts, position = [], 0
    while position < len(content):
        starts.append(position)
        position += (content[position + 3] & 3) << 11 | content[position + 4] << 3 | content[position + 5] >> 5
    assert position == len(content)
    for cut in range(starts[5] + 1, starts[7]):
        found = verdict(save(content[:cut]))
        # The documented limit: nothing says how many frames there were.
        assert bool(found) == (cut != starts[6]), cut
        assert not found or found == f"cut short: the file breaks off inside a frame or tag, after {found[-7:]}"
    assert "ADTS frames are missing in 1 place" in verdict(
        save(content[: starts[5]] + b"x" * 99 + content[starts[5] :])
    )
    assert verdict(save(content[: starts[5]] + content[starts[5] + 20 :])).startswith("damaged inside")


@pytest.mark.parametrize("before", [b"", b"ID3\x04\0\0\0\0\x02\x00" + bytes(256)])
@pytest.mark.parametrize("after", [b"", b"TAG" + bytes(125)])
def test_tags_around_adts_are_fine(before, after, save):
    content = encoded(sound(8000, 16000), 16000, "aac", "adts")
    expected = audio.read(save(content)).samples
    path = save(before + content + after)
    np.testing.assert_array_equal(audio.read(path).samples, expected)
    assert not after or verdict(save(before + content + after[:-1])).startswith("cut short")


def test_a_change_on_the_way_is_damage(save):
    mono, faster, stereo = (
        encoded(sound(8000, rate, channels), rate, "aac", "adts")
        for rate, channels in ((16000, 1), (48000, 1), (16000, 2))
    )
    assert verdict(save(mono + faster)) == "it changes to 48000 Hz and 1 channel after 0.576 s"
    assert verdict(save(mono + stereo)) == "it changes to 16000 Hz and 2 channels after 0.576 s"


def without_samples(content):
    for name in ("stts", "stsc", "stco"):
        content = patched(content, (*TABLES, name), 4, "I", 0)
    return patched(content, (*TABLES, "stsz"), 4, "II", 0, 0)


def test_files_without_sound(save):
    content = encoded(sound(8000, 16000), 16000)
    assert verdict(save(video())) == "no audio in it: its tracks are of other kinds, such as video"
    assert verdict(save(encoded(sound(0, 16000), 16000))) == "no audio in it: an MP4 file without a track"
    assert verdict(save(without_samples(content))).startswith("no samples")
    protected = content.replace(b"mp4a", b"drms", 1) if b"mp4a" in content[:40] else content.replace(b"mp4a", b"drms")
    assert verdict(save(protected)) == "its audio is encrypted"
    assert verdict(save(b"\xff\xf1" + bytes(500))).startswith("not audio that can be read: it starts like AAC")
    assert verdict(save(struct.pack(">I4s", 8, b"free") * 9)).startswith("cut short")


def test_without_pyav_a_file_is_an_error_that_names_it(save, monkeypatch):
    content = {name: encoded(sound(8000, 16000), 16000, "aac", name) for name in ("ipod", "adts")}
    monkeypatch.setitem(sys.modules, "av", None)
    for name, format_ in (("ipod", "MP4"), ("adts", "ADTS")):
        path = save(content[name], "clip.m4a")
        said = f"{format_} is decoded by PyAV, which is not installed: run `pip install 'kapre[av]'`"
        assert verdict(path) == said
        with pytest.raises(AudioError) as error:
            audio.read(path)
        assert str(error.value) == f"{path}: {said}. Or convert it to WAV or FLAC."
    assert corpus.readable_formats()["m4a"] is False
    assert corpus.readable_formats()["wav"] is True


def test_a_failing_disk_is_an_error_and_an_interrupt_stops(save, monkeypatch, capfd):
    from kapre.audio import _source

    path = save(encoded(sound(300_000, 16000), 16000, "alac"))
    whole = _source.Source.read_into
    for failure, expected in ((OSError(5, "Input/output error"), AudioError), (KeyboardInterrupt(), KeyboardInterrupt)):
        for reads in (0, 3):
            left = [reads]

            def fail(self, offset, view, failure=failure, left=left):
                left[0] -= 1
                if left[0] < 0:
                    raise failure
                return whole(self, offset, view)

            monkeypatch.setattr(_source.Source, "read_into", fail)
            with pytest.raises(expected) as error:
                corpus.inspect(path)
            if expected is AudioError:
                assert str(error.value).startswith(f"{path}: reading failed (Input/output error). ")
    assert capfd.readouterr() == ("", "")


def test_threads_read_side_by_side_and_logging_stays_as_it_was(save, capfd):
    import av

    before = av.logging.get_level()
    content = encoded(sound(48000, 48000), 48000, "aac", "ipod", FASTSTART)
    half = len(content) // 2
    paths = [save(content, "good"), save(content[:half], "cut")]
    paths.append(save(content[:half] + bytes(2000) + content[half + 2000 :], "hole"))
    with ThreadPoolExecutor(4) as pool:
        found = [bool(info.damage) for info in pool.map(corpus.inspect, paths * 8)]
    assert found == [False, True, True] * 8
    assert av.logging.get_level() == before
    assert capfd.readouterr() == ("", "")
