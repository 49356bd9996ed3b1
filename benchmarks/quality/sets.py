"""Tables with known anomalies, and the protocols by which they are split.

ADBench (Han et al. 2022): a folder of .npz files with `X` and `y`, 1 for anomalies. `normals_only`
trains on normal rows alone; `contaminated` on 70 % of all rows, anomalies among them.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST_TRAINING, MOST_TEST = 5_000, 10_000

Array = NDArray[np.float64]


class Split(NamedTuple):
    """Rows to train on, and rows to tell apart; `y` is True for anomalies."""

    train: Array
    test: Array
    y: NDArray[np.bool_]


def read(folder: Path) -> Iterator[tuple[str, Array, NDArray[np.bool_]]]:
    """(name, X, y) of each set in the folder, by the numbers that ADBench gives them."""
    files = sorted(folder.glob("*.npz"), key=lambda path: int(path.stem.split("_")[0]))
    if not files:
        raise ValueError(f"{folder}: expected ADBench's .npz files. Received: none.")
    for path in files:
        with np.load(path, allow_pickle=False) as arrays:
            yield path.stem.split("_", 1)[1], arrays["X"].astype(float), arrays["y"] == 1


def names(folder: Path, half: str = "both") -> list[str]:
    """Of the sets in the folder: all, or the "first" or "second" half, which take turns."""
    found = [name for name, *_ in read(folder)]
    return {"both": found, "first": found[::2], "second": found[1::2]}[half]


def split(folder: Path, name: str, protocol: str, seed: int) -> Split:
    """A set as a protocol splits it, without columns that never change in training."""
    x, y = next((x, y) for found, x, y in read(folder) if found == name)
    whole = PROTOCOLS[protocol](x, y, seed)
    varies = whole.train.std(0) > 1e-6 * np.abs(whole.train.mean(0))
    return Split(whole.train[:, varies], whole.test[:, varies], whole.y)


def normals_only(x: Array, y: NDArray[np.bool_], seed: int) -> Split:
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


def contaminated(x: Array, y: NDArray[np.bool_], seed: int) -> Split:
    """70 % of all rows train, anomalies among them; the others are told apart."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(x))
    cut = int(0.7 * len(x))
    train, test = order[:cut][:MOST_TRAINING], order[cut:][:MOST_TEST]
    return Split(x[train], x[test], y[test])


PROTOCOLS: dict[str, Callable[[Array, NDArray[np.bool_], int], Split]] = {
    "normals_only": normals_only,
    "contaminated": contaminated,
}
