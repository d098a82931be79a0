"""From a folder of labelled recordings to a model of samples, in two variants, and to a file that runs without Keras.

    KERAS_BACKEND=torch python examples/train_keywords.py recordings/ --output out/

`recordings/` has a folder for each class. A recording is mixed to one channel, resampled to the front end's rate and
cut into clips from its beginning; a shorter one, mostly the last, is padded with zeros behind, which count as sound.
Of each class a fifth of the recordings is held out, with all of their clips.

- `fly`: the model begins with a `kapre.Frontend`, which computes the features in every step of the training;
- `store`: `kapre.corpus.extract` computes them once, the network learns from the store, then gets the front end.

Both begin with the same weights and see the same clips in the same order, and both give one model, from samples to
probabilities. It is judged on what was held out, exported to ONNX, and the file is run on one of these recordings.

With `--augment`, layers of `kapre.augmentation` change the sound and the features at random in every step; this takes
the variant `fly`. `--augment folder/` also mixes in sounds of that folder. With `--noise folder/`, what was held out is
judged a second time, mixed with sounds of that folder.
"""

import argparse
import json
import math
import sys
import time
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import kapre  # isort: skip  (first: it picks the backend that is installed)
import keras
import numpy as np
import onnxruntime
from matplotlib.figure import Figure
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from kapre import audio, augmentation

FEWEST = 5  # recordings of a class


@dataclass(frozen=True)
class Recording:
    """A file: its clips `(clips, samples)`, and how much of each is sound."""

    path: Path
    label: str
    clips: np.ndarray
    sound: np.ndarray


def read_clips(path: Path, recipe: kapre.Recipe) -> tuple[np.ndarray, np.ndarray]:
    """Return the clips of a file, the last one padded with zeros, and which share of each is sound."""
    samples = audio.load(path, recipe).samples
    count = max(1, math.ceil(len(samples) / recipe.fixed_samples))
    padded = np.pad(samples, (0, count * recipe.fixed_samples - len(samples)))
    sound = np.clip(len(samples) / recipe.fixed_samples - np.arange(count), 0, 1)
    return padded.reshape(count, -1), sound


def read_folder(folder: Path, recipe: kapre.Recipe) -> tuple[list[str], list[Recording]]:
    """Return the classes and their recordings; say which files cannot be read."""
    found, broken = [], []
    for path in sorted(folder.glob("*/**/*")):
        inside = path.relative_to(folder).parts
        if path.is_file() and not any(part.startswith(".") for part in inside):
            try:
                one = Recording(path, inside[0], *read_clips(path, recipe))
            except audio.AudioError as error:
                broken.append(str(error))
            else:
                if one.sound.any():
                    found.append(one)
                else:  # a sample or two, of which nothing is left at the front end's rate
                    broken.append(f"{path}: no samples")
    if broken:
        print(f"unreadable files, skipped: {len(broken)}", *broken, sep="\n  ")
    classes = sorted({path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")})
    if len(classes) < 2:
        raise ValueError(f"{folder} has {len(classes)} folders. Give it one for each class, two at least.")
    for name in classes:
        count = sum(one.label == name for one in found)
        if count < FEWEST:
            raise ValueError(f"{folder / name} has {count} recordings that can be read. A class takes {FEWEST}.")
    return classes, found


def split(recordings: list[Recording], share: float, seed: int) -> tuple[list[Recording], list[Recording]]:
    """Return recordings to train with and those held out: the same share of each class, by chance but repeatably."""
    rng, held_out = np.random.default_rng(seed), set()
    for label in sorted({one.label for one in recordings}):
        paths = [one.path for one in recordings if one.label == label]
        held_out |= {paths[n] for n in rng.permutation(len(paths))[: max(1, round(share * len(paths)))]}
    return [r for r in recordings if r.path not in held_out], [r for r in recordings if r.path in held_out]


def extract(folder: Path, recipe: kapre.Recipe, parts: dict[str, list[Recording]]) -> tuple[np.ndarray, list[str]]:
    """Put the features of all recordings into a store; return those to train with, and their labels."""
    manifest = folder / "manifest.jsonl"
    rows = [dict(path=str(r.path.absolute()), label=r.label, split=part) for part in parts for r in parts[part]]
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    summary = kapre.corpus.extract(manifest, folder / "features", recipe, overwrite=True)
    print(f"store: {summary.rows} clips of {summary.items} recordings in {summary.elapsed:.0f} s")
    store = kapre.corpus.read(folder / "features")
    if store.errors():
        raise ValueError(f"{folder / 'features' / 'errors.csv'} has recordings without features.")
    clips = [clip for clip in store if clip.carried["split"] == "train"]
    return np.stack([clip.features for clip in clips]), [clip.carried["label"] for clip in clips]


def network(features: np.ndarray, classes: int) -> keras.Sequential:
    """Return what is behind the front end; it brings each band of these features to mean 0 and deviation 1 first."""
    bands = features.shape[-1]
    scale = keras.layers.Normalization()
    scale.adapt(features.reshape(-1, bands))
    layers = [keras.Input(features.shape[1:]), scale, keras.layers.Reshape((-1, bands))]  # patches one after another
    for filters in (32, 64, 64):
        layers += [keras.layers.Conv1D(filters, 5, padding="same"), keras.layers.BatchNormalization(momentum=0.9)]
        layers += [keras.layers.ReLU(), keras.layers.MaxPooling1D(2, padding="same")]
    head = [keras.layers.GlobalAveragePooling1D(), keras.layers.Dropout(0.2)]
    return keras.Sequential([*layers, *head, keras.layers.Dense(classes, activation="softmax")], name="network")


def augmented(recipe: kapre.Recipe, bands: int, sounds: Path | None) -> tuple[list[keras.Layer], list[keras.Layer]]:
    """Return layers that change samples `(batch, time)` and features `(batch, frames, bands)` while training."""
    rate = int(recipe.sample_rate)
    samples = [
        keras.layers.Reshape((-1, 1)),
        augmentation.RandomGain(-12.0, 6.0),
        augmentation.RandomEqualizer(rate, -6.0, 6.0, p=0.3),
        augmentation.AddColoredNoise(10.0, 40.0, p=0.3),
    ]
    if sounds is not None:
        bank = augmentation.bank(sounds, rate, seconds=recipe.fixed_samples / rate)
        samples.append(augmentation.AddNoise(bank, 0.0, 30.0, p=0.7))
    masks = augmentation.SpecAugment(freq_mask_param=bands // 10, time_mask_param=15, mask_value="mean")
    before = [*samples, keras.layers.Reshape((-1,))]
    return before, [keras.layers.Reshape((-1, bands, 1)), masks, keras.layers.Reshape((-1, bands))]


def mixed(recordings: list[Recording], folder: Path, recipe: kapre.Recipe, snr_db: float, seed: int) -> list[Recording]:
    """Return recordings mixed with random parts of the sounds in a folder, at this signal-to-noise ratio."""
    rate = int(recipe.sample_rate)
    bank = augmentation.bank(folder, rate, seconds=recipe.fixed_samples / rate)
    noise = augmentation.AddNoise(bank, snr_db, snr_db, seed=seed)
    clips = np.concatenate([one.clips for one in recordings])[..., None]
    lengths = np.round(np.concatenate([one.sound for one in recordings]) * recipe.fixed_samples).astype("int32")
    loud = keras.ops.convert_to_numpy(noise(clips, lengths=lengths, training=True))[..., 0]
    parts = np.split(loud, np.cumsum([len(one.clips) for one in recordings])[:-1])
    return [replace(one, clips=part) for one, part in zip(recordings, parts, strict=True)]


class Batches(keras.utils.PyDataset):
    """Batches in an order that the seed alone decides; rare classes weigh as much as frequent ones."""

    def __init__(self, x: np.ndarray, y: np.ndarray, seed: int, size: int = 32) -> None:
        super().__init__()
        self.x, self.y, self.size, self.rng = x, y, size, np.random.default_rng(seed)
        counts = np.bincount(y)
        self.weights = (len(y) / len(counts) / counts)[y].astype("float32")
        self.on_epoch_end()

    def on_epoch_end(self) -> None:
        self.order = self.rng.permutation(len(self.x))

    def __len__(self) -> int:
        return math.ceil(len(self.x) / self.size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        chosen = self.order[index * self.size : (index + 1) * self.size]
        return self.x[chosen], self.y[chosen], self.weights[chosen]


class Bar(keras.callbacks.Callback):
    """A bar with loss, accuracy and the time left; a line for each epoch where there is no terminal."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.title = title
        figures = TextColumn("{task.fields[figures]}")
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), figures, TimeRemainingColumn())
        self.bar = Progress(*columns, console=Console(stderr=True), auto_refresh=False)

    def on_train_begin(self, logs: Any = None) -> None:
        self.task = self.bar.add_task(self.title, total=self.params["epochs"] * self.params["steps"], figures="")

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epoch = f"epoch {epoch + 1} of {self.params['epochs']}"

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.figures = f"{self.epoch}, loss {logs['loss']:.3f}, accuracy {logs['accuracy']:.3f}"
        self.bar.update(self.task, advance=1, figures=self.figures, refresh=self.bar.console.is_terminal)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if not self.bar.console.is_terminal:
            print(f"{self.title}: {self.figures}", flush=True)


def fit(model: keras.Model, batches: Batches, epochs: int, title: str) -> None:
    """Train; nothing is chosen by what is held out, so that no third part of the recordings is needed."""
    rate = keras.optimizers.schedules.CosineDecay(2e-3, epochs * len(batches))
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", weighted_metrics=["accuracy"])
    bar = Bar(title)
    with bar.bar if bar.bar.console.is_terminal else nullcontext():
        model.fit(batches, epochs=epochs, shuffle=False, verbose=0, callbacks=[bar])


def probabilities(model: keras.Model, recordings: list[Recording]) -> np.ndarray:
    """Return each recording's probabilities, `(recordings, classes)`: the mean of its clips by how much is sound."""
    found = model.predict(np.concatenate([one.clips for one in recordings]), verbose=0)
    parts = np.split(found, np.cumsum([len(one.clips) for one in recordings])[:-1])
    return np.array([np.average(p, axis=0, weights=one.sound) for p, one in zip(parts, recordings, strict=True)])


def run_onnx(path: Path, recording: Path) -> tuple[list[str], np.ndarray]:
    """Return the classes and their probabilities of a recording, from the exported file alone."""
    about = kapre.deploy.read_metadata(path)
    clips, sound = read_clips(recording, kapre.Recipe.from_json(json.dumps(about["recipes"][0])))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: clips})
    return about["class_names"], np.average(found, axis=0, weights=sound)


def draw(path: Path, classes: list[str], truth: np.ndarray, answers: dict[str, np.ndarray]) -> None:
    """Draw a confusion matrix of each variant: counts, shaded by their share of the row."""
    side = 2.2 + 0.6 * len(classes)
    figure = Figure(figsize=(side * len(answers), side), layout="constrained")
    for axes, (variant, answer) in zip(
        figure.subplots(1, len(answers), squeeze=False)[0], answers.items(), strict=True
    ):
        counts = np.zeros((len(classes), len(classes)), int)
        np.add.at(counts, (truth, answer), 1)
        shares = counts / counts.sum(axis=1, keepdims=True)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for row, column in zip(*np.nonzero(counts), strict=True):
            color = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, counts[row, column], ha="center", va="center", color=color)
        axes.set_xticks(range(len(classes)), classes, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(classes)), classes)
        axes.set(xlabel="answer", ylabel="truth")
        axes.set_title(f"{variant}: {np.mean(truth == answer):.1%} of {len(truth)} recordings", pad=10)
    figure.savefig(path, dpi=110, bbox_inches="tight")


def arguments_of() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description="Train a model of samples on a folder with a folder for each class.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--output", type=Path, required=True, help="a folder for models, store and picture")
    parser.add_argument("--variant", choices=["fly", "store", "both"], default="both")
    parser.add_argument("--preset", default="kaldi_fbank", help="one of kapre.list_presets(); default: kaldi_fbank")
    parser.add_argument("--f-max", type=float, help="Hz; recordings made at 8 kHz take 4000: above is rounding alone")
    parser.add_argument("--clip-seconds", type=float, default=2.0)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--held-out", type=float, default=0.2, help="share of the recordings of each class")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--augment", action="store_true", help="change the sound at random while training; --variant fly"
    )
    parser.add_argument("--noise", type=Path, help="a folder of sounds to mix with what is held out, judged again")
    parser.add_argument(
        "--snr-db", type=float, default=10.0, help="how far the sounds of --noise are below; default: 10"
    )
    parser.add_argument("--recording", type=Path, help="one to run the exported model on; default: one held out")
    found = parser.parse_args()
    if found.epochs < 1 or found.seed < 0 or not 0 < found.held_out <= 0.5 or not 0.05 <= found.clip_seconds <= 60:
        parser.error("--epochs is 1 or more, --seed 0 or more, --held-out up to 0.5, --clip-seconds 0.05 to 60")
    if found.augment is not None and found.variant != "fly":
        parser.error("--augment changes the sound in every step, which a store does not hold: add --variant fly")
    return found


def main() -> None:
    """Train, judge, export, and run what was exported."""
    arguments = arguments_of()
    output, seed = arguments.output, arguments.seed
    try:
        changes = {} if arguments.f_max is None else {"f_max": arguments.f_max}
        recipe = kapre.Frontend.from_preset(arguments.preset, layout="time_first", dither=0.0, **changes).recipe
        samples = round(arguments.clip_seconds * recipe.sample_rate)  # the recipe itself pads, and counts it as sound
        recipe = recipe.replace(fixed_samples=samples, fixed_by="zeros", valid_frames="all")
        if arguments.recording:
            read_clips(arguments.recording, recipe)  # what is wrong with it is said before the training
        classes, recordings = read_folder(arguments.folder, recipe)
        train, held_out = split(recordings, arguments.held_out, seed)
        noisy = mixed(held_out, arguments.noise, recipe, arguments.snr_db, seed) if arguments.noise else None
        x = {} if arguments.variant == "store" else {"fly": np.concatenate([one.clips for one in train])}
        y = np.array([classes.index(one.label) for one in train for _ in one.clips])
        counts = f"{len(train)} recordings to train with ({len(y)} clips), {len(held_out)} held out"
        print(f"{len(classes)} classes; {counts}", flush=True)
        if output.resolve().is_relative_to(arguments.folder.resolve()):
            raise ValueError(
                f"{output} is inside {arguments.folder}, where it would be a class. Give another --output."
            )
        output.mkdir(parents=True, exist_ok=True)
        if arguments.variant != "fly":
            x["store"], labels = extract(output, recipe, {"train": train, "held out": held_out})
            assert [classes.index(label) for label in labels] == y.tolist()  # the same clips in the same order
    except (ValueError, TypeError, OSError, audio.AudioError, kapre.corpus.CorpusError) as error:
        sys.exit(f"train_keywords.py: {error}")

    truth, features, answers = np.array([classes.index(one.label) for one in held_out]), {}, {}
    new = arguments.recording or held_out[0].path
    for variant in ["fly", "store"] if arguments.variant == "both" else [arguments.variant]:
        frontend = keras.Sequential([keras.Input((None,), name="samples"), kapre.Frontend(recipe)])
        features[variant] = x[variant] if variant == "store" else frontend.predict(x["fly"], verbose=0)
        keras.utils.set_random_seed(seed)
        behind = network(features[variant], len(classes))
        samples, bands = ([], [])
        if arguments.augment is not None:
            sounds = None if arguments.augment == Path() else arguments.augment
            samples, bands = augmented(recipe, features[variant].shape[-1], sounds)
        entry = keras.Input((recipe.fixed_samples,), name="samples")
        model = keras.Sequential([entry, *samples, *frontend.layers, *bands, behind])
        begun = time.perf_counter()
        fit(model if variant == "fly" else behind, Batches(x[variant], y, seed), arguments.epochs, variant)
        took = time.perf_counter() - begun
        answers[variant] = probabilities(model, held_out).argmax(axis=1)
        right = answers[variant] == truth
        of_classes = np.mean([right[truth == label].mean() for label in range(len(classes))])
        mean = f"mean of classes {of_classes:.4f}"
        print(f"{variant}: accuracy {right.mean():.4f}, {mean}, trained in {took:.0f} s", flush=True)
        if noisy is not None:
            right = probabilities(model, noisy).argmax(axis=1) == truth
            sounds = f"with sounds of {arguments.noise} at {arguments.snr_db:g} dB"
            print(f"{variant}: accuracy {right.mean():.4f} {sounds}", flush=True)
        draw(output / "confusion.png", classes, truth, answers)

        model.save(output / f"{variant}.keras")
        try:
            kapre.export(model, output / f"{variant}.onnx", class_names=classes, overwrite=True)
        except (kapre.deploy.ExportError, ImportError) as error:
            sys.exit(f"train_keywords.py: {error}")
        names, found = run_onnx(output / f"{variant}.onnx", new)
        off = abs(found - probabilities(model, [Recording(new, "", *read_clips(new, recipe))])[0]).max()
        print(f"{variant}.onnx: {new} is {names[found.argmax()]} ({found.max():.4f}), off Keras by {off:.1e}")
    if len(answers) == 2:
        off = abs(features["fly"] - features["store"]).max() / np.ptp(features["fly"])
        others = np.sum(answers["fly"] != answers["store"])
        print(f"both: features differ by {off:.1e} of their range, the answers for {others} recordings")


if __name__ == "__main__":
    main()
