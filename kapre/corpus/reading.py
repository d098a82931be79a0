"""Reading of stores: rows in order or at random, as arrays in the layout of the recipe."""

from __future__ import annotations

import json
import os
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kapre._checks import flag
from kapre._shown import short, table
from kapre.audio._errors import one_line
from kapre.corpus import _folder, _shards
from kapre.corpus._errors import CorpusError
from kapre.corpus._place import Place
from kapre.recipe import Recipe

_OWN = set(_shards.schema("float32", pa.schema([])).names)
_GROUPS_KEPT = 4


@dataclass(frozen=True, eq=False)
class StoredClip:
    """Hold one row of a store.

    Args:
        path: The file.
        start: Start of the clip in the file, in seconds.
        duration: Duration in seconds.
        sample_rate: Rate in Hz of the samples from which the features were computed.
        n_samples: Number of these samples.
        features: The features in the layout of the recipe, with the dtype of the store.
        carried: The other columns of the manifest.
        warning: A problem that is not an error, such as channels whose mean is silence. Empty if there is none.

    Example:
        ```python
        import numpy as np, soundfile
        import kapre

        soundfile.write("tone.wav", np.sin(np.arange(16000) / 5), 16000)
        kapre.corpus.extract("tone.wav", "features", "whisper", dtype="float16")
        clip = kapre.corpus.read("features")[0]
        assert clip.features.shape == (80, 3000) and clip.duration == 1.0
        ```
    """

    path: str
    start: float
    duration: float
    sample_rate: int
    n_samples: int
    features: np.ndarray
    carried: dict[str, Any] = field(default_factory=dict)
    warning: str = ""


@dataclass(frozen=True)
class StoredError:
    """Explain why a file, a slice or a segment has no features.

    Args:
        path: The file.
        start: Start in the file, in seconds.
        stage: The stage that failed: "open", "fetch" (storage did not deliver the file; `resume=True` tries again),
            "decode", "slice", "channel", "resample", "length", "memory" or "features".
        reason: A description of the problem.

    Example:
        ```python
        import kapre

        kapre.corpus.extract(["gone.wav"], "features", "kaldi_fbank")
        (error,) = kapre.corpus.read("features").errors()
        assert (error.path, error.stage) == ("gone.wav", "open")
        ```
    """

    path: str
    start: float
    stage: str
    reason: str


class Store(Sequence[StoredClip]):
    """Provide the rows of a store that have features, in order. Made by `read`.

    A store is a sequence and can be pickled. Any reader that takes a sequence (`torch.utils.data.DataLoader`,
    `grain.MapDataset.source`) accepts it. Only the last row groups are kept in memory. All other data stays on the
    disk.

    Args:
        folder: The store: a folder, or a URI such as "s3://bucket/features".
        filesystem: A pyarrow file system on which `folder` is a path.

    Attributes:
        recipe: The recipe of the features.
        about: The description of the store in `_kapre.json`.

    Example:
        ```python
        import numpy as np, soundfile
        import kapre

        for n in range(3):
            soundfile.write(f"{n}.wav", np.random.default_rng(n).uniform(-0.5, 0.5, 16000 + n), 16000)
        kapre.corpus.extract([f"{n}.wav" for n in range(3)], "features", "kaldi_fbank")
        store = kapre.corpus.read("features")
        assert [clip.n_samples for clip in store] == [16000, 16001, 16002]
        assert store[-1].path == "2.wav"
        ```
    """

    def __init__(self, folder: str | os.PathLike[str], filesystem: Any = None) -> None:
        self.folder, self._place = folder, Place.of(folder, filesystem)
        self.about = _folder.about_store(self._place)
        try:
            self.recipe = Recipe.from_json(json.dumps(self.about["recipe"]))
            self._files = _shards.shards_of(self._place, self.about["format"])
        except (KeyError, TypeError, ValueError) as error:
            reason = one_line(error)
            raise CorpusError(
                f"{self._place.name}: what the store says of itself cannot be used here ({reason}). Use the Kapre that "
                "made it, or a newer one."
            ) from None
        self._shards = _shards.open_shards(self._place, list(self._files))
        for name, shard in zip(self._files, self._shards, strict=True):
            if shard.about.get("run") != self.about.get("run"):
                raise CorpusError(
                    f"{self._place.shown(_shards.SHARDS, name)}: is of another run. Remove it, and use resume=True."
                )
        self._ends = list(accumulate(each.about["ok"] for each in self._shards))
        self._failed = [each.about["failed"] for each in self._shards]
        self._sound: dict[int, np.ndarray] = {}
        self._groups: OrderedDict[tuple[int, int], Any] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_groups": OrderedDict()}

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @property
    def is_whole(self) -> bool:
        """Return whether the run finished successfully and all of its shards exist."""
        shards = -(-self.about["items"] // self.about["shard_size"])
        return bool(self.about.get("complete")) and len(self._shards) == shards

    @property
    def n_bytes(self) -> int:
        """Return the size of all shards in bytes."""
        return sum(self._files.values())

    @property
    def warned(self) -> int:
        """Return the number of rows with a warning."""
        return sum(each.about.get("warned", 0) for each in self._shards)

    def __repr__(self) -> str:
        return f"<Store {str(self.folder)!r}: {len(self)} rows, {sum(self._failed)} errors>"

    def _repr_html_(self) -> str:
        """Return a table of the size and the recipe of the store, for a notebook."""
        rows = [
            ("rows", len(self)),
            ("errors", sum(self._failed)),
            ("warnings", self.warned),
            ("shards", len(self._shards)),
            ("size", f"{self.n_bytes / 1e6:.2f} MB"),
            ("complete", "yes" if self.is_whole else "no"),
            ("recipe", short(self.recipe)),
        ]
        return table(f"Store {self.folder}", rows)

    @overload
    def __getitem__(self, index: int) -> StoredClip: ...
    @overload
    def __getitem__(self, index: slice) -> list[StoredClip]: ...
    def __getitem__(self, index: int | slice) -> StoredClip | list[StoredClip]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        place = int(index) + (len(self) if index < 0 else 0)
        if not 0 <= place < len(self):
            raise IndexError(f"row {index} of a store of {len(self)}")
        shard = bisect_right(self._ends, place)
        row = place - (self._ends[shard - 1] if shard else 0)
        if self._failed[shard]:
            row = int(self._sound_rows(shard)[row])
        starts = self._shards[shard].starts
        group = bisect_right(starts, row) - 1
        return self._clip(self._shards[shard], self._group(shard, group), row - starts[group])

    def __iter__(self) -> Iterator[StoredClip]:
        for shard in self._shards:
            for group in range(len(shard.starts)):
                table = shard.read(group=group)
                for row, error in enumerate(table["error"].to_pylist()):
                    if not error:
                        yield self._clip(shard, table, row)

    def errors(self) -> list[StoredError]:
        """Return the rows with an error."""
        shards = zip(self._shards, self._failed, strict=True)
        return [StoredError(*each) for shard, failed in shards if failed for each in _shards.errors_of(shard)]

    def _sound_rows(self, shard: int) -> np.ndarray:
        if shard not in self._sound:
            errors = self._shards[shard].read(["error"])["error"]
            self._sound[shard] = np.flatnonzero(pc.equal(errors, "").to_numpy(zero_copy_only=False))
        return self._sound[shard]

    def _group(self, shard: int, group: int) -> Any:
        key = (shard, group)
        table = self._groups.get(key)
        if table is None:
            table = self._shards[shard].read(group=group)
            self._groups[key] = table
            while len(self._groups) > _GROUPS_KEPT:
                self._groups.popitem(last=False)
        return table

    @staticmethod
    def _clip(shard: _shards.Shard, table: Any, row: int) -> StoredClip:
        own = _OWN if "warned" in shard.about else _OWN - {"warning"}  # older stores: a manifest column
        one = {name: table[name][row] for name in table.schema.names}
        shape = tuple(one["shape"].as_py())
        features = one["features"].values.to_numpy(zero_copy_only=False).reshape(shape)
        return StoredClip(
            path=one["path"].as_py(),
            start=one["start"].as_py(),
            duration=one["duration"].as_py(),
            sample_rate=one["sample_rate"].as_py(),
            n_samples=one["n_samples"].as_py(),
            features=np.array(features),  # writable, and independent of the row group, which may be freed
            carried={name: value.as_py() for name, value in one.items() if name not in own},
            warning=one["warning"].as_py() if "warning" in own else "",
        )


def read(folder: str | os.PathLike[str], *, partial: bool = False, filesystem: Any = None) -> Store:
    """Read a store that `extract` made.

    Args:
        folder: The store: a folder, or a URI such as "s3://bucket/features".
        partial: Whether to accept a store that is not complete yet.
        filesystem: A pyarrow file system on which `folder` is a path. None means that `folder` determines it.

    Returns:
        A `Store`: a sequence of rows with features, each as an array in the layout of the recipe.

    Raises:
        CorpusError: If there is no store or it is not complete, or, when a row is read, if its bytes changed on the
            disk.

    Example:
        ```python
        import numpy as np, soundfile
        import kapre

        soundfile.write("tone.wav", np.sin(np.arange(16000) / 5), 16000)
        kapre.corpus.extract("tone.wav", "features", "nemo")
        assert kapre.corpus.read("features")[0].features.shape == (80, 101)
        ```
    """
    flag("partial", partial)
    store = Store(folder, filesystem)
    if not (partial or store.is_whole):
        raise CorpusError(f"{folder}: the store is not whole. Go on with resume=True, or read it with partial=True.")
    return store
