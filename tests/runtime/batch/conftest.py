"""Models without a bundle, what is wanted for them, and all that a file has, put together."""

from typing import Any, NamedTuple

import numpy as np
import pytest

from vae_runtime.batch import formats
from vae_runtime.batch.parts import Shard, Wanted
from vae_runtime.bundle.manifest import Model, Preprocessing
from vae_runtime.rows.machine_names import NAMELESS


def model(shape, names=None, **others):
    plain = {
        "name": "test",
        "input_dtype": "float32",
        "value_range": None,
        "one_hot": (),
        "stride": None,
        "latent_dim": 2,
        "likelihood": "gaussian",
        "beta": 1.0,
        "parameters": 0,
        "preprocessing": Preprocessing(offset=(0.0,), scale=(1.0,), low=None, high=None),
    }
    return Model(input_shape=shape, feature_names=names, **(plain | others))


class Small(Wanted):
    """Parts of few rows, so that small files have several."""

    ROWS = 4

    @property
    def part_rows(self):
        return self.ROWS


@pytest.fixture
def wanted():
    """Makes what is wanted, in parts of 4 rows; of rows of 3 numbers, unless said otherwise."""

    def make(
        shape=(3,),
        names=None,
        *,
        keep=(),
        machine_column=None,
        column="x",
        windowing=None,
        **others,
    ):
        windowed = {} if windowing is None else {"windowing": windowing}
        return Small(model(shape, names, **others), keep, machine_column, column, **windowed)

    return make


class Whole(NamedTuple):
    """A file's parts put together, and what they were put together from."""

    x: Any
    row: Any
    kept: dict[str, Any]
    machines: Any
    bad: dict[int, str]
    shards: list[Shard]
    parts: list[Any]


def _joined(columns):
    arrays = [c if isinstance(c, np.ndarray) else np.array(c.to_pylist()) for c in columns]
    return np.concatenate(arrays)


def whole(path, wanted):
    """Reads all shards of a file, the last first, and checks what each shard promises."""
    shards = formats.plan(path, wanted)
    by_shard = [list(formats.read(shard, wanted)) for shard in reversed(shards)][::-1]
    first = 0
    for shard, parts in zip(shards, by_shard, strict=True):
        assert shard.first_row == first
        assert shard.rows == sum(len(part.x) for part in parts)
        assert all(0 < len(part.x) for part in parts)
        first += shard.rows
    parts = [part for parts in by_shard for part in parts]
    starts = np.cumsum([0, *(len(part.x) for part in parts)])
    bad = {
        int(a) + i: why
        for a, part in zip(starts, parts, strict=False)
        for i, why in part.bad.items()
    }
    rows = np.concatenate([part.where.get("row", part.where.get("last_row")) for part in parts])
    kept = {name: _joined([part.kept[name] for part in parts]) for name in parts[0].kept}
    machines = (
        None if parts[0].machines is None else np.concatenate([part.machines for part in parts])
    )
    x = np.concatenate([part.x for part in parts])
    assert not x[[i for i, why in bad.items() if why != NAMELESS]].any()
    return Whole(x, rows, kept, machines, bad, shards, parts)


@pytest.fixture
def read():
    """Reads a file whole through its shards; see `whole`."""
    return whole
