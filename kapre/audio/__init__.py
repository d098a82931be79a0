"""Read audio files, and report damage instead of hiding it.

`load` gives the samples that a recipe takes, and `stream` gives them chunk by chunk. `read` and `blocks` give all
channels of a file. Keras is not loaded.

soundfile decodes a truncated file as a shorter clip without an error. This package checks every file against its own
header, so that a clip either has all of its samples or is reported. The following checks reveal damage in each format:

* WAV, RF64, BW64, AIFF, W64, CAF, AU: chunk sizes against the actual bytes. Sizes that a writer to a pipe left open (0,
  all ones, SoX's 0x7FFFF000, arecord's 0x80000000 and the like) mean "to the end of the file". In such a file, a cut is
  detected only inside a sample. A 32-bit size of more than 4 GiB is recognised by its remainder. Bytes after the
  samples that are not chunks, tags or zeros are damage. A wrong bit in the samples cannot be detected.
* FLAC: the sample count and the checksum of every frame. Concatenated files are read as one. Without a sample count
  (encoded to a pipe), a cut exactly between two frames cannot be detected.
* Ogg Vorbis and Opus: the checksum and number of every page, the end-of-stream mark and the positions.
* MP3: the frame count of the Xing, Info or VBRI header (soundfile and LAME write one) and every frame header. Without a
  count, a cut exactly between two frames cannot be detected. Wrong bits inside a frame cannot be detected. For some of
  them, mpg123 inside libsndfile prints a line to the terminal. It prints nothing for other damage, except after a gap,
  because it receives only whole frames, after a header that agrees with them. The same applies to MP3 inside WAV.
* MP4, M4A and QuickTime (AAC, ALAC and others; PyAV): the list of samples against the end of the file. The list may be
  at the end of the file and is then lost in a cut. Fragmented files (fMP4) have no list, so a cut between two fragments
  cannot be detected.
* AAC in ADTS (PyAV): every frame header. A cut exactly between two frames cannot be detected.
* AAC and ALAC data: what their decoder refuses. They have no checksums, so most wrong bits cannot be detected. Wrong
  bits in an edit list or a clock of MP4 cannot be detected either.
* Matroska and WebM, ASF (wma), AMR (PyAV): the clusters, the size in the header and every frame, respectively. Live
  recordings leave lengths open, so a cut between two clusters cannot be detected.
* NIST SPHERE: the sample count.
* Other formats that libsndfile reads: only what its decoder reports.

If PyAV is installed, it decodes encodings that libsndfile does not support, such as FLAC in Ogg or WMA in WAV.

In every format, samples that are not finite and fewer decoded samples than promised are damage.

Samples that an encoder added to an MP4 file before and after the sound are removed, as the edit list of the file
specifies, so that samples keep their original positions. ADTS does not give the number of added samples, so they remain
(usually 1024 or 2112).
"""

from kapre.audio._conversion import resampling_problem
from kapre.audio._errors import AudioError
from kapre.audio._opening import AudioFile
from kapre.audio.loading import load, stream
from kapre.audio.reading import AudioInfo, Recording, blocks, inspect, read, readable_formats, told_seconds

__all__ = [
    "AudioError",
    "AudioFile",
    "AudioInfo",
    "Recording",
    "blocks",
    "inspect",
    "load",
    "read",
    "readable_formats",
    "resampling_problem",
    "stream",
    "told_seconds",
]
