"""Models without a bundle, what is wanted for them, and all that a file has, put together."""

from typing import Any, NamedTuple

import numpy as np
import pytest

from vae_runtime.bundle.manifest import Model, Preprocessing
from vae_runtime.rows.bad_rows import Reject
from vae_runtime.rows.blocks import Shard, Wanted
from vae_runtime.rows.in_memory import rows_of
from vae_runtime.rows.input_files import plan, plan_file, read_shard
from vae_runtime.rows.machine_names import NAMELESS
from vae_runtime.rows.names.marks import marks_of
from vae_runtime.rows.names.name_texts import plain_column


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


@pytest.fixture
def model_of():
    """Makes a model without a bundle."""
    return model


class Small(Wanted):
    """Parts of few rows, so that small files have several."""

    ROWS = 4

    @property
    def block_rows(self):
        return self.ROWS


@pytest.fixture
def wanted():
    """Makes what is wanted, in blocks of 4 rows; of rows of 3 numbers, unless said otherwise."""

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
        spec = model(shape, names, **others)
        named = {"keep": keep, "machine_column": machine_column, "column": column}
        return Small.of(spec, **named, **windowed)

    return make


class Whole(NamedTuple):
    """A file's blocks put together, and what they were put together from."""

    x: Any
    row: Any
    kept: dict[str, Any]
    machines: Any
    bad: dict[int, str]
    shards: list[Shard]
    blocks: list[Any]


def _joined(columns):
    arrays = [c if isinstance(c, np.ndarray) else np.array(c.to_pylist()) for c in columns]
    return np.concatenate(arrays)


def whole(path, wanted):
    """Reads all shards of a file, the last first, and checks what each shard promises."""
    shards = plan_file(path, wanted)
    by_shard = [list(read_shard(shard, wanted)) for shard in reversed(shards)][::-1]
    first = 0
    for shard, blocks in zip(shards, by_shard, strict=True):
        assert shard.first_row == first
        assert shard.rows == sum(len(block.x) for block in blocks)
        assert all(0 < len(block.x) for block in blocks)
        first += shard.rows
    blocks = [block for blocks in by_shard for block in blocks]
    starts = np.cumsum([0, *(len(block.x) for block in blocks)])
    bad = {
        int(a) + i: why
        for a, block in zip(starts, blocks, strict=False)
        for i, why in block.bad.items()
    }
    rows = np.concatenate([block.where.get("row", block.where.get("last_row")) for block in blocks])
    kept = {name: _joined([block.kept[name] for block in blocks]) for name in blocks[0].kept}
    machines = (
        None if blocks[0].machines is None else np.concatenate([block.machines for block in blocks])
    )
    x = np.concatenate([block.x for block in blocks])
    assert not x[[i for i, why in bad.items() if why != NAMELESS]].any()
    return Whole(x, rows, kept, machines, bad, shards, blocks)


@pytest.fixture
def read():
    """Reads a file whole through its shards; see `whole`."""
    return whole


class Table(NamedTuple):
    """All rows of a file, with the columns that were asked for."""

    x: Any
    y: Any
    names: Any
    extra: dict[str, Any]
    kept: dict[str, Any]


@pytest.fixture(scope="session")
def read_rows():
    """Reads all rows of a file, of whatever columns it has; the first bad one is an error."""

    def apply(path, columns=None, label=None, extra=(), kept=()):
        looked_at = (*extra, *(() if label is None else (label,)))
        asked = Wanted(columns, keep=kept, extra=looked_at, marked=label is None)
        inputs = plan([str(path)], asked)
        rows = rows_of(b for shard in inputs.shards for b in inputs.read(shard))
        if rows.bad:
            place = min(rows.bad)
            file = rows.files[rows.file[place]]
            raise Reject(file, int(rows.where["row"][place]), rows.bad[place]).error()
        marks = rows.extra.get(label or "y")
        y = None if marks is None else marks_of(marks, label or "y")[0]
        found = {name: plain_column(rows.extra[name]) for name in extra}
        return Table(rows.x, y, inputs.wanted.features, found, rows.kept)

    return apply
