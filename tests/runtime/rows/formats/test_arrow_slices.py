"""Rows of record batches, read some at a time: those that pyarrow reads of the whole."""

import datetime
import decimal

import pyarrow as pa
import pytest

from vae_runtime.rows.formats.arrow_messages import Source, batches_of_file, batches_of_stream
from vae_runtime.rows.formats.arrow_slices import slices

N = 61
MOMENT = datetime.datetime(2026, 1, 31, 23, 59, 59, 123456)


def some(values, kind=None):
    """So many values in turn, with some missing."""
    found = [values[i % len(values)] if i % 5 else None for i in range(N)]
    return pa.array(found, kind)


SLICED = {
    "i8": some([1, -2, 3], pa.int8()),
    "u64": some([2**64 - 1, 7], pa.uint64()),
    "f16": some([1.5, -2.0], pa.float16()),
    "f64": some([0.1, float("inf")]),
    "whole": pa.array(range(N), pa.int64()),
    "truth": some([True, False, False]),
    "text": some(["", "a", 'é\n"', "longer text"]),
    "large": some(["x", "yy"], pa.large_string()),
    "bytes": some([b"", b"\0\xff"]),
    "fixed": some([b"abc", b"def"], pa.binary(3)),
    "decimal": some([decimal.Decimal("1.10"), decimal.Decimal("-7.00")], pa.decimal128(20, 2)),
    "date": some([MOMENT.date()]),
    "time": some([MOMENT.time()]),
    "stamp": some([MOMENT], pa.timestamp("ns", "Europe/Berlin")),
    "span": some([datetime.timedelta(seconds=3)]),
    "list": some([[1, 2], [], [3, None]]),
    "of_large": some([["a"], ["b", ""]], pa.list_(pa.large_string())),
    "large_list": some([[["p"], []], [["q", "r"]]], pa.large_list(pa.list_(pa.string()))),
    "fixed_list": some([[1.0, 2.0], [3.0, None]], pa.list_(pa.float64(), 2)),
    "struct": some([{"a": 1, "b": [True]}, {"a": None, "b": [False, None]}]),
    "nothing": pa.nulls(N),
}
WHOLE = {
    "dictionary": some(["p", "q"]).dictionary_encode(),
    "map": some([[("k", 1)], []], pa.map_(pa.string(), pa.int32())),
    "view": some(["a", "a text of more than twelve"], pa.string_view()),
}


@pytest.fixture
def write(tmp_path):
    def apply(columns, new=pa.ipc.new_file, **options):
        path = tmp_path / "rows"
        batch = pa.record_batch(columns)
        with new(path, batch.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
            writer.write_batch(batch)
            writer.write_batch(batch.slice(3, 20))
        return path, batch

    return apply


@pytest.mark.parametrize("step", [1, 7, 8, 64])
@pytest.mark.parametrize("name", SLICED)
def test_each_kind_is_as_pyarrow_reads_it(write, name, step):
    path, batch = write({"before": SLICED["struct"], name: SLICED[name], "text": SLICED["text"]})
    with Source(path) as source:
        first, second = batches_of_file(source)
        for found, want in ((first, batch), (second, batch.slice(3, 20))):
            blocks = list(slices(source, found, batch.schema, [name], step))
            assert max(block.num_rows for block in blocks) <= step
            for block in blocks:
                block.validate(full=True)
            assert pa.Table.from_batches(blocks)[name].to_pylist() == want[name].to_pylist()


@pytest.mark.parametrize("new", [pa.ipc.new_file, pa.ipc.new_stream])
@pytest.mark.parametrize("metadata", [pa.ipc.MetadataVersion.V4, pa.ipc.MetadataVersion.V5])
@pytest.mark.parametrize("is_old", [False, True])
def test_files_and_streams_of_all_versions_are_found(write, new, metadata, is_old):
    columns = {**SLICED, "dictionary": WHOLE["dictionary"], "map": WHOLE["map"]}
    options = {"metadata_version": metadata, "use_legacy_format": is_old}
    path, batch = write(columns, new, **options)
    find = batches_of_file if new is pa.ipc.new_file else batches_of_stream
    with Source(path) as source:
        first, second = find(source)
        assert (first.rows, second.rows) == (N, 20)
        (block,) = slices(source, second, batch.schema, list(SLICED), 20)
    want = batch.slice(3, 20).select(list(SLICED))
    assert block.to_pylist() == want.to_pylist()


@pytest.mark.parametrize("name", WHOLE)
def test_what_cannot_be_read_in_parts_is_not(write, name):
    path, batch = write({"a": SLICED["f64"], name: WHOLE[name]})
    with Source(path) as source:
        (first, _) = batches_of_file(source)
        assert slices(source, first, batch.schema, [name], 8) is None


def test_what_is_compressed_is_read_whole(write):
    path, batch = write({"a": SLICED["f64"]}, compression="zstd")
    with Source(path) as source:
        assert slices(source, batches_of_file(source)[0], batch.schema, ["a"], 8) is None


@pytest.mark.parametrize("new", [pa.ipc.new_file, pa.ipc.new_stream])
def test_damage_is_an_error_of_ours_or_of_pyarrow(write, new):
    path, batch = write({"whole": SLICED["whole"], "list": SLICED["large_list"]}, new)
    content = path.read_bytes()
    find = batches_of_file if new is pa.ipc.new_file else batches_of_stream
    refused = 0
    for place in range(0, len(content), 3):
        for value in (0, 0x7F, 0xFF):
            damaged = bytearray(content)
            damaged[place] = value
            path.write_bytes(damaged)
            try:
                with Source(path) as source:
                    for found in find(source):
                        if found.rows <= N:
                            for block in slices(source, found, batch.schema, ["list"], 8) or ():
                                block.validate(full=True)
            except (ValueError, pa.ArrowException):
                refused += 1
    assert refused > 100
