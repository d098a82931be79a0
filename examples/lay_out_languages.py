"""A real corpus with a folder for each class: spoken prompts in five languages, out of Debian's packages.

    python examples/lay_out_languages.py languages/

Asterisk, a telephone exchange, comes with some 550 prompts in each of five languages, at 8 kHz: letters, digits, words
and sentences, from 0.2 s to over a minute. English and Spanish are spoken by one voice, French, Italian and Russian by
one each. The recordings are licensed CC BY-SA 3.0 (English, Spanish, French) and CC BY 3.0 (Italian, Russian): each
package's `copyright` says so, and is copied beside the classes.

With `--music folder/`, the five pieces of music that Asterisk plays to those who wait are laid out there too (CC BY-SA
3.0), as sounds to mix with speech: those of one artist in `train`, those of two others in `test`.

The packages are downloaded with `apt-get download` and unpacked with `dpkg-deb`, as any user; nothing is installed.
Where they are, `--from /usr/share/asterisk/sounds` takes them from there.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

LANGUAGES = {"en": "english", "es": "spanish", "fr": "french", "it": "italian", "ru": "russian"}
NOT_SPEECH = ("silence/*", "beep*", "*-2tone*", "tt-monkeys.*")
PACKAGE = "asterisk-core-sounds-{}-wav"
MUSIC = "asterisk-moh-opsound-wav"


def unpack(package: str, folder: Path) -> Path:
    """Download a package and return the folder of what it shares."""
    subprocess.run(["apt-get", "download", "-qq", package], cwd=folder, check=True)
    (file,) = folder.glob(f"{package}_*.deb")
    subprocess.run(["dpkg-deb", "-x", str(file), str(folder)], check=True)
    return folder / "usr/share"


def lay_out(sounds: Path, code: str, output: Path) -> int:
    """Copy a language's speech into the folder of its class; return how many recordings there are."""
    folders = [path for path in sounds.glob(f"{code}_*") if path.is_dir()]
    if len(folders) != 1:
        raise ValueError(f"{sounds} has {len(folders)} folders {code}_*")
    (folder,), count = folders, 0
    for path in sorted(folder.rglob("*.wav")):
        inside = path.relative_to(folder)
        if not any(inside.match(pattern) for pattern in NOT_SPEECH):
            target = output / LANGUAGES[code] / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            count += 1
    licence = sounds.absolute().parents[1] / "doc" / PACKAGE.format(code) / "copyright"
    shutil.copyfile(licence, output / f"copyright-{LANGUAGES[code]}")
    return count


def lay_out_music(share: Path, output: Path) -> int:
    """Copy the music, and its licence, into a folder; return how many pieces there are."""
    pieces = sorted((share / "asterisk/moh").glob("*.wav"))
    for path in pieces:
        part = output / ("train" if path.name.startswith("macroform") else "test")
        part.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, part / path.name)
    shutil.copyfile(share / "doc" / MUSIC / "copyright", output / "copyright")
    return len(pieces)


def main() -> None:
    """Lay out all languages, and say what there is."""
    parser = argparse.ArgumentParser(description="Lay out spoken prompts of five languages, a folder for each.")
    parser.add_argument("output", type=Path)
    parser.add_argument("--from", type=Path, dest="sounds", help="the folder of installed sounds; default: download")
    parser.add_argument("--music", type=Path, help="a folder for music, which is downloaded")
    arguments = parser.parse_args()
    for code, name in LANGUAGES.items():
        with tempfile.TemporaryDirectory() as folder:
            try:
                sounds = arguments.sounds or unpack(PACKAGE.format(code), Path(folder)) / "asterisk/sounds"
                count = lay_out(sounds, code, arguments.output)
            except (OSError, ValueError, subprocess.CalledProcessError) as error:
                sys.exit(f"lay_out_languages.py: {name} is not there: {error}")
            print(f"{name}: {count} recordings")
    if arguments.music:
        with tempfile.TemporaryDirectory() as folder:
            try:
                count = lay_out_music(unpack(MUSIC, Path(folder)), arguments.music)
            except (OSError, ValueError, subprocess.CalledProcessError) as error:
                sys.exit(f"lay_out_languages.py: music is not there: {error}")
        print(f"music: {count} pieces")


if __name__ == "__main__":
    main()
