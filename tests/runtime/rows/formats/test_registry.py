"""One table in every format: the same rows; and what no format reads is refused."""

import bz2
import gzip
import json
import lzma
import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vae_runtime.rows.formats import registry
from vae_runtime.rows.text.dialect import Reading
from vae_runtime.rows.text.endings import ENDINGS

AB = ("a", "b")


def write_all(folder, x, ids):
    """The same table in each format; returns the files."""
    table = pa.table({"id": ids, "b": x[:, 1], "a": x[:, 0]})
    np.save(folder / "t.npy", x)
    np.savez(folder / "t.npz", x=x, id=np.array(ids))
    pq.write_table(table, folder / "t.parquet", row_group_size=7)
    for name, new in (
        ("t.arrow", pa.ipc.new_file),
        ("t.feather", pa.ipc.new_file),
        ("t.arrows", pa.ipc.new_stream),
    ):
        with new(folder / name, table.schema) as writer:
            writer.write_table(table, max_chunksize=7)
    rows = [{"id": i, "a": a, "b": b} for i, (a, b) in zip(ids, x.tolist(), strict=True)]
    for name in ("t.jsonl", "t.ndjson"):
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    lines = ["b,id,a", *(f"{row['b']!r},{row['id']},{row['a']!r}" for row in rows)]
    (folder / "t.csv").write_text("\n".join(lines))
    return [folder / f"t{ending}" for ending in registry.FORMATS if ending.startswith(".")]


@settings(max_examples=20, deadline=None)
@given(x=arrays(np.float64, st.tuples(st.integers(1, 30), st.just(2))))
def test_a_table_is_the_same_in_every_format(tmp_path_factory, request, x):
    folder = tmp_path_factory.getbasetemp()
    wanted, read = request.getfixturevalue("wanted"), request.getfixturevalue("read")
    ids = [f"no {i}" for i in range(len(x))]
    for path in write_all(folder, x, ids):
        keep = () if path.suffix == ".npy" else ("id",)
        found = read(path, wanted((2,), AB, keep=keep))
        holes = np.isnan(x).any(1) & (path.suffix not in (".npy", ".npz"))
        assert list(found.bad) == np.flatnonzero(holes).tolist()
        good = np.flatnonzero(~holes)
        np.testing.assert_array_equal(found.x[good], x[good], err_msg=path.suffix)
        np.testing.assert_array_equal(found.row, np.arange(len(x)))
        if keep:
            assert found.kept["id"].tolist() == ids


@pytest.mark.parametrize(
    ("name", "received"),
    [("rows.doc", ".doc"), ("rows", "a file without an ending"), ("none", "nothing there")],
)
def test_a_file_that_no_format_reads_is_refused(tmp_path, wanted, name, received):
    if name != "none":
        (tmp_path / name).write_bytes(b"\xd0\xcf\x11\xe0 no rows")
    expected = ", ".join(ENDINGS)
    message = f"{tmp_path / name}: expected a file of {expected}. Received: {received}."
    with pytest.raises(ValueError, match=re.escape(message)):
        registry.plan(tmp_path / name, wanted())


@pytest.mark.parametrize("name", [name for name in registry.FORMATS if name.startswith(".")])
def test_a_file_that_is_not_there_is_named(tmp_path, wanted, name):
    with pytest.raises(FileNotFoundError, match=f"none{name}"):
        registry.plan(tmp_path / f"none{name}", wanted())


@pytest.mark.parametrize(
    ("name", "advice"),
    [("t.XLSX", "Save the sheet as .csv"), ("t.json", "an object a line"), ("t.zip", "Unpack it")],
)
def test_files_of_other_endings_are_refused_with_what_to_do(tmp_path, wanted, name, advice):
    (tmp_path / name).touch()
    with pytest.raises(ValueError, match=re.escape(advice)):
        registry.plan(tmp_path / name, wanted())


def packed(ending, text):
    kinds = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}
    if ending == ".zst":
        return bytes(pa.compress(text, "zstd", asbytes=True))
    return kinds[ending](text) if ending else text


@pytest.mark.parametrize("name", ["t.csv", "T.CSV", "t.dat", "t", "t.jsonl"])
@pytest.mark.parametrize("ending", ["", ".gz", ".bz2", ".xz", ".zst"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_text_is_read_however_it_is_packed_and_encoded(
    tmp_path, wanted, read, name, ending, encoding
):
    lines = [f"{i},{i / 7!r},3" for i in range(50)]
    if name.endswith("l"):
        lines = [f"[{line}]" for line in lines]
    path = tmp_path / f"{name}{ending}"
    path.write_bytes(packed(ending, "".join(f"{line}\n" for line in lines).encode(encoding)))
    found = read(path, wanted())
    np.testing.assert_array_equal(found.x, [[i, i / 7, 3] for i in range(50)])
    assert len(found.shards) == 1


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz", ".zst"])
def test_a_packed_file_that_is_cut_is_named(tmp_path, wanted, ending):
    path = tmp_path / f"t.csv{ending}"
    text = "".join(f"{i},{i * 7919 % 1000},3\n" for i in range(20_000)).encode()
    path.write_bytes(packed(ending, text)[:-20])
    with pytest.raises(ValueError, match=f"{path}: expected a whole file"):
        registry.plan(path, wanted())


def test_an_array_that_is_packed_is_refused(tmp_path, wanted):
    (tmp_path / "t.npy.gz").write_bytes(gzip.compress(b"\x93NUMPY"))
    with pytest.raises(ValueError, match="Unpack it first"):
        registry.plan(tmp_path / "t.npy.gz", wanted())


@pytest.mark.parametrize("ending", [".parquet", ".arrow", ".arrows", ".csv", ".jsonl"])
def test_cells_of_text_mean_the_same_in_every_format(tmp_path, wanted, read, ending):
    cells = ["1.5", "True", "OFF", "NA", None, "high", "-200.0", "7"]
    table, path = pa.table({"a": [1.0] * 8, "b": cells}), tmp_path / f"t{ending}"
    if ending == ".parquet":
        pq.write_table(table, path)
    elif ending == ".csv":
        path.write_text(
            "".join(f"{a},{b}\n" for a, b in [("a", "b"), *((1, c or "") for c in cells)])
        )
    elif ending == ".jsonl":
        path.write_text("".join(json.dumps({"a": 1, "b": cell}) + "\n" for cell in cells))
    else:
        with (pa.ipc.new_file if ending == ".arrow" else pa.ipc.new_stream)(
            path, table.schema
        ) as w:
            w.write_table(table)
    asked = wanted((2,), AB)._replace(reading=Reading(missing=("-200",)))
    found = read(path, asked)
    np.testing.assert_array_equal(found.x[:, 1], [1.5, 1, 0, 0, 0, 0, 0, 7])
    reasons = {i: re.sub(r"^line \d+: ", "", why) for i, why in found.bad.items()}
    assert reasons.pop(5).endswith("Received: 'high'.")
    said = {3: " (NA)", 4: "", 6: " (-200.0)"}
    assert reasons == {i: f"no value in column 'b'{cell}." for i, cell in said.items()}
    holes = read(path, asked._replace(reading=Reading(missing=("-200",)), allow_missing=True))
    assert list(holes.bad) == [5]
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(holes.x[:, 1])), [3, 4, 6])
