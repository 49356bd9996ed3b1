"""Tables with known anomalies, and the protocols by which they are split.

ADBench (Han et al. 2022): a folder of .npz files with `X` and `y`, 1 for anomalies. `normals_only`
trains on normal rows alone; `contaminated` on 70 % of all rows, anomalies among them.

OddBench (macrOData 2026, repository psorus/Outformer): tables that come split, as .npz files with
`train`, `test` and `test_labels`. `oddbench` takes them as they are, at most so many rows of each.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST_TRAINING, MOST_TEST = 5_000, 10_000

NAMES = "names.txt"  # of OddBench's tables to take, a line each; others in the folder stay unread
ODDBENCH = "oddbench"
MOST_NORMAL, MOST_ANOMALIES = 3_000, 2_000  # rows of an OddBench table to tell apart

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Split(NamedTuple):
    """Rows to train on, and rows to tell apart; `y` is True for anomalies.

    `size` is how many rows the whole table has, where that is known.
    """

    train: Array
    test: Array
    y: Flags
    size: int = 0


def names(folder: Path, half: str = "both") -> list[str]:
    """ADBench's sets in the folder: all, or the "first" or "second" half, which take turns."""
    found = list(_files(folder))
    return {"both": found, "first": found[::2], "second": found[1::2]}[half]


def oddbench_names(folder: Path) -> list[str]:
    """OddBench's tables that `names.txt` in the folder lists, in alphabetical order."""
    if not (folder / NAMES).is_file():
        raise ValueError(
            f"{folder}: expected {NAMES}, which lists the tables to take, a name in each line, "
            "beside their .npz files. Received: no such file."
        )
    found = sorted((folder / NAMES).read_text().split())
    missing = [name for name in found if not (folder / f"{name}.npz").is_file()]
    if missing or not found:
        raise ValueError(
            f"{folder}: expected an .npz file for each name in {NAMES}. Received: {len(found)} "
            f"names, {len(missing)} of them without a file: {', '.join(missing[:5])}."
        )
    return found


def split(folder: Path, name: str, protocol: str, seed: int) -> Split:
    """A set as a protocol splits it, without columns that never change in training."""
    if protocol == ODDBENCH:
        whole = _ready(folder / f"{name}.npz")
    else:
        x, y = _load(_files(folder)[name])
        whole = PROTOCOLS[protocol](x, y, seed)._replace(size=len(x))
    varies = whole.train.std(0) > 1e-6 * np.abs(whole.train.mean(0))
    return whole._replace(train=whole.train[:, varies], test=whole.test[:, varies])


def digest(split: Split) -> str:
    """Name of exactly these rows in this order, for figures that depend on nothing else."""
    found = hashlib.sha256()
    for part in (split.train, split.test, split.y):
        found.update(f"{part.dtype} {part.shape}".encode())
        found.update(np.ascontiguousarray(part).tobytes())
    return found.hexdigest()[:32]


def normals_only(x: Array, y: Flags, seed: int) -> Split:
    """Half of the normal rows, 5,000 at most, trains; the others and all anomalies are told apart.

    Of these 10,000 at most are drawn.
    """
    rng = np.random.default_rng(seed)
    normal = rng.permutation(np.flatnonzero(~y))
    half = min(len(normal) // 2, MOST_TRAINING)
    rest = np.concatenate([normal[half:], np.flatnonzero(y)])
    if len(rest) > MOST_TEST:
        rest = rng.choice(rest, MOST_TEST, replace=False)
    return Split(x[normal[:half]], x[rest], y[rest])


def contaminated(x: Array, y: Flags, seed: int) -> Split:
    """70 % of all rows train, anomalies among them; the others are told apart."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(x))
    cut = int(0.7 * len(x))
    train, test = order[:cut][:MOST_TRAINING], order[cut:][:MOST_TEST]
    return Split(x[train], x[test], y[test])


PROTOCOLS: dict[str, Callable[[Array, Flags, int], Split]] = {
    "normals_only": normals_only,
    "contaminated": contaminated,
}


def _ready(path: Path) -> Split:
    """An OddBench table as it comes; the same rows whatever the seed of a model is."""
    with np.load(path, allow_pickle=False) as arrays:
        train, test = (arrays[key].astype(float) for key in ("train", "test"))
        y = arrays["test_labels"] == 1
    size = len(train) + len(test)
    if len(train) > MOST_TRAINING:
        train = train[np.random.default_rng(0).choice(len(train), MOST_TRAINING, replace=False)]
    order = np.random.default_rng(0).permutation(len(test))
    kept = order[~y[order]][:MOST_NORMAL], order[y[order]][:MOST_ANOMALIES]
    rows = np.concatenate(kept)
    return Split(train, test[rows], y[rows], size)


def _files(folder: Path) -> dict[str, Path]:
    """ADBench's files by the names of their sets, by the numbers that ADBench gives them."""
    files = sorted(folder.glob("*.npz"), key=lambda path: int(path.stem.split("_")[0]))
    if not files:
        raise ValueError(f"{folder}: expected ADBench's .npz files. Received: none.")
    return {path.stem.split("_", 1)[1]: path for path in files}


def _load(path: Path) -> tuple[Array, Flags]:
    with np.load(path, allow_pickle=False) as arrays:
        return arrays["X"].astype(float), arrays["y"] == 1
