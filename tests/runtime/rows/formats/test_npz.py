"""Arrays in .npz files: rows as they are unpacked, and other keys with them."""

import re
import tracemalloc
import zipfile

import numpy as np
import pytest

from vae_runtime.rows.formats import registry
from vae_runtime.rows.text.tables import ColumnError


def refuses(message, error=ValueError):
    return pytest.raises(error, match=re.escape(message))


X = np.arange(123.0).reshape(41, 3)


@pytest.fixture
def save(tmp_path):
    def apply(compressed=False, **arrays):
        path = tmp_path / "rows.npz"
        (np.savez_compressed if compressed else np.savez)(path, **arrays)
        return path

    return apply


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("key", ["x", "X"])
def test_rows_come_with_the_keys_that_are_kept(save, wanted, read, compressed, order, key):
    names = np.array([f"no {i}" for i in range(41)])
    arrays = {key: np.asarray(X, order=order), "id": np.arange(41), "name": names, "y": X[0]}
    path = save(compressed, other=np.array([None]), **arrays)
    found = read(path, wanted(keep=("id", "name"), machine_column="name"))
    np.testing.assert_array_equal(found.x, X)
    np.testing.assert_array_equal(found.row, np.arange(41))
    assert found.kept["id"].dtype == np.int64
    np.testing.assert_array_equal(found.kept["id"], np.arange(41))
    assert found.kept["name"].tolist() == found.machines.tolist() == names.tolist()
    assert [len(block.x) for block in found.blocks] == [*[4] * 10, 1]
    assert len(found.shards) == 1


def test_a_column_of_any_name_may_be_kept(save, wanted, read):
    found = read(save(X=X, x=X + 1, keep=np.ones(41)), wanted(keep=("keep",)))
    np.testing.assert_array_equal(found.x, X + 1)
    np.testing.assert_array_equal(found.kept["keep"], np.ones(41))


def test_a_row_whose_machine_is_not_named_is_bad(save, wanted, read):
    machines = np.array(["p", "", "q"])
    found = read(save(x=X[:3], machine=machines), wanted(machine_column="machine"))
    assert found.bad == {1: "expected the name of a machine. Received: none."}
    assert found.machines.tolist() == ["p", "", "q"]


def test_memory_does_not_grow_with_the_file(save, wanted):
    path = save(True, x=np.zeros((400_000, 3)))
    tracemalloc.start()
    try:
        for shard in registry.plan(path, wanted()):
            for block in registry.read(shard, wanted()):
                assert block.x.shape[1] == 3
                if block.where["row"][0] > 20_000:
                    break
        assert tracemalloc.get_traced_memory()[1] < 2**20  # the array has 9.6 MB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("arrays", "options", "message"),
    [
        ({"z": X}, {}, 'expected the key "x". Received: z.'),
        ({"x": X[:, :2]}, {}, "x: expected shape (batch, 3). Received: (41, 2)."),
        ({"x": X}, {"keep": ("id",)}, "expected the key 'id'. Received: x."),
        ({"x": X}, {"machine_column": "id"}, "expected the key 'id'. Received: x."),
        ({"x": X, "id": X}, {"keep": ("id",)}, "expected id of shape (41,). Received: (41, 3)."),
        ({"x": X.astype(str)}, {}, "x: expected numbers."),
    ],
)
def test_what_cannot_be_there_is_refused(save, wanted, arrays, options, message):
    with refuses(message):
        registry.plan(save(**arrays), wanted(**options))


def test_a_missing_key_is_a_missing_column(save, wanted):
    with refuses("'id'", ColumnError):
        registry.plan(save(x=X), wanted(keep=("id",)))


def test_no_rows_are_no_shards(save, wanted):
    assert registry.plan(save(x=X[:0]), wanted()) == []


@pytest.mark.parametrize("compressed", [False, True])
def test_a_damaged_archive_is_named(save, wanted, compressed):
    path = save(compressed, x=np.random.default_rng(0).normal(size=(999, 3)))
    (shard,) = registry.plan(path, wanted())
    content = bytearray(path.read_bytes())
    content[9000] ^= 255
    path.write_bytes(content)
    with refuses(f"{path} is not a numpy file of plain numbers"):
        list(registry.read(shard, wanted()))
    path.write_bytes(content[:9000])
    with refuses(f"{path} is not a numpy file of plain numbers"):
        registry.plan(path, wanted())


def test_an_array_that_is_shorter_than_it_says_is_refused(save, wanted):
    path = save(x=X)
    with zipfile.ZipFile(path) as archive:
        content = archive.read("x.npy")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", content[:-8])
    (shard,) = registry.plan(path, wanted())
    with refuses("Received: a file that ends before"):
        list(registry.read(shard, wanted()))


def test_another_key_of_rows_is_named_as_a_column_is(save, wanted, read):
    path = save(z=X, x=X + 1)
    np.testing.assert_array_equal(read(path, wanted(column="z")).x, X)
    with refuses('expected the key "latents". Received: z, x.'):
        registry.plan(path, wanted(column="latents"))
