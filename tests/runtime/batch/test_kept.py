"""Columns that are kept: each kind of value from each input to each output, or refused by name."""

import csv
import datetime
import json
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vae_runtime import Runner
from vae_runtime.batch.columns import pack, unpack
from vae_runtime.cli import main
from vae_runtime.engines.options import RowOptions
from vae_runtime.engines.record_batches import BatchScorer

MOMENT = datetime.datetime(2026, 1, 31, 23, 59, 59, 123456)
BIG = 2**53 + 1
TEXTS = ["007", "1e5", "NaN", " a ", "", 'é\n"q", x', "\u4e16\u754c"]

# Of each kind: values, and the text that .csv has of them; None where text is refused.
KINDS = {
    "whole": (pa.array([BIG, -BIG]), [str(BIG), str(-BIG)]),
    "whole or none": (pa.array([BIG, None]), [str(BIG), ""]),
    "uint64": (pa.array([2**64 - 1, None], pa.uint64()), [str(2**64 - 1), ""]),
    "decimal": (
        pa.array([Decimal("12345678901234567890.10"), None], pa.decimal128(38, 2)),
        ["12345678901234567890.10", ""],
    ),
    "small decimal": (pa.array([Decimal("1.10"), None]), ["1.10", ""]),
    "decimal of floats": (pa.array([Decimal("1.10"), Decimal("2.25")]), ["1.10", "2.25"]),
    "float or none": (pa.array([0.5, None]), ["0.5", ""]),
    "float, NaN or none": (pa.array([0.5, np.nan, None]), ["0.5", "nan", ""]),
    "infinite": (pa.array([-np.inf, np.nan], pa.float32()), ["-inf", "nan"]),
    "truth": (pa.array([True, None]), ["1", ""]),
    "text": (pa.array(TEXTS), TEXTS),
    "categories": (pa.array(["p", None]).dictionary_encode(), ["p", ""]),
    "float": (pa.array([0.1, 1e300]), ["0.1", "1e+300"]),
    "half": (pa.array([1.5, 2.25], pa.float16()), ["1.5", "2.25"]),
    "date": (pa.array([MOMENT.date(), None]), ["2026-01-31", ""]),
    "time": (pa.array([86399123456789, None], pa.time64("ns")), ["23:59:59.123456789", ""]),
    "stamp": (
        pa.array([1769903999123456789, None], pa.timestamp("ns", "UTC")),
        ["2026-01-31T23:59:59.123456789+00:00", ""],
    ),
    "zone": (
        pa.array([1769903999123456, None], pa.timestamp("us", "Europe/Berlin")),
        ["2026-02-01T00:59:59.123456+01:00", ""],
    ),
    "text or none": (pa.array(["", None, "a"]), ["", "", "a"]),
    "span": (pa.array([5, None], pa.duration("ns")), None),
    "bytes": (pa.array([b"\0\xff", None]), None),
    "list": (pa.array([[BIG, None], None]), [f"[{BIG}, null]", ""]),
    "struct": (pa.array([{"a": ["é"]}, None]), ['{"a": ["é"]}', ""]),
    "list of bytes": (pa.array([[b"a"]]), None),
}
ARRAYS = {"truth or none", "whole or none", "uint64", "decimal", "truth", "list", "struct", "time"}
ARRAYS |= {"categories", "text or none", "zone"}  # as text or zones that arrays do not have
TYPES = {"decimal", "list", "struct", "time", "bytes", "list of bytes", "zone"}  # by them alone
ARRAYS |= {"bytes", "list of bytes", "small decimal", "float or none", "float, NaN or none"}
LINES = {"float, NaN or none", "infinite"}  # what .jsonl refuses, as .npz the kinds of ARRAYS


@pytest.fixture
def keep(golden, tmp_path, capsys):
    """Scores a file with the column k; exit code, message, and where the results are."""

    def apply(name, save, n, ending):
        runner = Runner.load(golden)
        x = np.resize(runner.probe_rows(), (n, runner.manifest.model.input_shape[0]))
        path, output = tmp_path / name, tmp_path / f"o{ending}"
        save(path, dict(zip(runner.manifest.model.feature_names, x.T, strict=True)))
        code = main(["score", str(golden), str(path), "-o", str(output), "--keep", "k"])
        return code, capsys.readouterr().err, output

    return apply


def save_arrow(column):
    def save(path, columns):
        table = pa.table({**{k: np.ascontiguousarray(v) for k, v in columns.items()}, "k": column})
        if path.suffix == ".parquet":
            pq.write_table(table, path)
        else:
            with pa.ipc.new_file(path, table.schema) as writer:
                writer.write_table(table)

    return save


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".npz", ".parquet", ".arrow"])
@pytest.mark.parametrize("name", ["rows.parquet", "rows.arrow"])
@pytest.mark.parametrize("kind", KINDS)
def test_values_with_types_arrive_or_are_refused(keep, kind, name, ending):
    column, texts = KINDS[kind]
    code, err, output = keep(name, save_arrow(column), len(column), ending)
    is_text = ending in (".csv", ".jsonl")
    refused = {".npz": ARRAYS, ".jsonl": LINES}.get(ending, ())
    if (texts is None and is_text) or kind in refused:
        assert code == 1
        assert "column 'k'" in err
        assert "Write .parquet" in err or "Write .csv, .parquet" in err
        assert "--resume" not in err or kind not in TYPES - {"decimal"}  # before work begins
        return
    assert code == 0, err
    check(output, column, texts)


def same(found, column):
    """Tells whether two columns are equal, in which NaN equals NaN."""
    if pa.types.is_floating(column.type):
        nothing = found.is_null(), column.is_null()
        values = (each.to_numpy(zero_copy_only=False) for each in (found, column))
        return nothing[0].equals(nothing[1]) and np.array_equal(*values, equal_nan=True)
    return found.equals(column)


def check(output, column, texts):
    if output.suffix == ".csv":
        with output.open(newline="", encoding="utf-8") as file:
            assert [row["k"] for row in csv.DictReader(file)] == texts
    elif output.suffix == ".jsonl":
        lines = output.read_text(encoding="utf-8").splitlines()
        found = [json.loads(line, parse_float=Decimal)["k"] for line in lines]
        expected = column.to_pylist() if pa.types.is_nested(column.type) else None
        if expected is not None:
            assert found == expected
        else:
            as_texts = ["" if v is None else str(int(v) if v is True else v) for v in found]
            alike = [t.replace("1e+300", "1E+300") for t in texts]
            assert as_texts == alike
    elif output.suffix == ".npz":
        with np.load(output) as arrays:
            assert len(arrays["k"]) == len(column)
            if pa.types.is_string(column.type) or pa.types.is_integer(column.type):
                assert arrays["k"].tolist() == column.to_pylist()
    else:
        read = pq.read_table if output.suffix == ".parquet" else pa.ipc.open_file
        table = read(output)
        found = (table if isinstance(table, pa.Table) else table.read_all())["k"]
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        assert found.type == column.type
        assert same(found.combine_chunks(), column)


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".npz", ".parquet", ".arrow"])
@pytest.mark.parametrize("name", ["rows.csv", "rows.jsonl"])
def test_text_arrives_as_it_was(keep, name, ending):
    def save(path, columns):
        rows = [dict(zip(columns, map(float, row), strict=True)) for row in zip(*columns.values())]  # noqa: B905
        for row, text in zip(rows, TEXTS, strict=True):
            row["k"] = text
        with path.open("w", newline="", encoding="utf-8") as file:
            if path.suffix == ".csv":
                writer = csv.DictWriter(file, rows[0])
                writer.writeheader()
                writer.writerows(rows)
            else:
                file.writelines(json.dumps(row) + "\n" for row in rows)

    code, err, output = keep(name, save, len(TEXTS), ending)
    assert code == 0, err
    check(output, pa.array(TEXTS), TEXTS)


@pytest.mark.parametrize(
    ("values", "ending", "expected"),
    [
        (np.array([BIG, 1]), ".csv", [str(BIG), "1"]),
        (np.array([2**64 - 1, 1], np.uint64), ".csv", [str(2**64 - 1), "1"]),
        (np.array(["2026-01-31", "NaT"], "M8[D]"), ".csv", ["2026-01-31", ""]),
        (np.array([" a ", 'b"\n']), ".csv", [" a ", 'b"\n']),
        (np.array([1, 2], "m8[s]"), ".csv", None),
        (np.array([b"a", b"b"]), ".csv", None),
        (np.array([1j, 2j]), ".jsonl", None),
        (np.array([0.5, np.nan]), ".jsonl", None),
        (np.array([np.inf, 0.5]), ".jsonl", None),
        (np.array([np.inf, np.nan]), ".csv", ["inf", "nan"]),
        (np.array([1j, 2j]), ".parquet", None),
        (np.array([1j, 2j]), ".arrow", None),
    ],
)
def test_arrays_arrive_or_are_refused(keep, values, ending, expected):
    def save(path, columns):
        np.savez(path, x=np.stack(list(columns.values()), 1), k=values)

    code, err, output = keep("rows.npz", save, len(values), ending)
    if expected is None:
        assert code == 1
        assert "column 'k'" in err
    else:
        assert code == 0, err
        check(output, None, expected)


@pytest.mark.parametrize("kind", ["span", "bytes", "list of bytes"])
@pytest.mark.parametrize("name", ["rows.parquet", "rows.arrow"])
def test_a_type_that_the_output_has_not_is_refused_before_work(keep, monkeypatch, kind, name):
    monkeypatch.setattr("vae_runtime.cli.batches.run", pytest.fail)
    column, _ = KINDS[kind]
    code, err, output = keep(name, save_arrow(column), len(column), ".csv")
    assert code == 1
    assert "column 'k'" in err
    assert not output.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_record_batches_have_values_as_they_were(golden, kind):
    column, _ = KINDS[kind]
    scorer = BatchScorer.of(golden, row_options=RowOptions(keep=("k",)))
    model = scorer.runner.manifest.model
    x = np.resize(scorer.runner.probe_rows(), (len(column), model.input_shape[0]))
    features = dict(zip(model.feature_names, map(np.ascontiguousarray, x.T), strict=True))
    found = scorer(pa.record_batch({**features, "k": column}))["k"]
    assert found.type == column.type
    assert same(found, column)


def test_one_array_keeps_nothing(golden, tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["encode", str(golden), "r.npz", "-o", str(tmp_path / "z.npy"), "--keep", "k"])
    assert stopped.value.code == 2
    assert "expected no --keep with .npy, which holds one array. Received: --keep k." in (
        capsys.readouterr().err
    )


MIXED = [3, "3", None, "", True, 2.5, [1, "é"], {"a": None}]
# Of columns of JSON: values, and the text that .csv has of them.
OF_JSON = {
    "mixed": (MIXED, ["3", "3", "", '""', "1", "2.5", '"[1, ""é""]"', '"{""a"": null}"']),
    "whole or none": ([BIG, None], [str(BIG), ""]),
    "numbers": ([7, 7.5], ["7", "7.5"]),
    "truths": ([True, False], ["1", "0"]),
    "large": ([10**30, 1], [str(10**30), "1"]),
    "text or none": (["a", None, ""], ["a", "", '""']),
    "float or none": ([0.5, None], ["0.5", ""]),
    "infinite": ([0.5, np.inf], ["0.5", "inf"]),
    "lists": ([[1], [2, 3]], ["[1]", '"[2, 3]"']),
}
NO_TYPE = {".npz": {"mixed", "whole or none", "float or none", "large", "text or none", "lists"}}
NO_TYPE |= {ending: {"mixed", "large"} for ending in (".parquet", ".arrow")}


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".npz", ".parquet", ".arrow"])
@pytest.mark.parametrize("kind", OF_JSON)
def test_values_of_json_arrive_as_they_were_or_are_refused(keep, kind, ending):
    values, texts = OF_JSON[kind]

    def save(path, columns):
        rows = zip(*columns.values(), strict=True)
        named = (dict(zip(columns, map(float, row), strict=True)) for row in rows)
        path.write_text(
            "\n".join(json.dumps(row | {"k": v}) for row, v in zip(named, values, strict=True))
        )

    code, err, output = keep("rows.jsonl", save, len(values), ending)
    if kind in NO_TYPE.get(ending, ()):
        assert code == 1
        assert "column 'k': expected values of one type" in err
        return
    if kind == "infinite" and ending == ".jsonl":
        assert code == 1
        assert "expected numbers that JSON has in column 'k'" in err
        return
    assert code == 0, err
    found = read_json_column(output)
    assert found == (texts if ending == ".csv" else values)
    if ending == ".jsonl":
        assert [*map(type, found)] == [*map(type, values)]


@pytest.mark.parametrize(
    "number", ["12345678901234567890.10", "0.100000000000000012", "1e400", '[1, {"a": 1e-400}]']
)
@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_numbers_that_no_float_holds_are_refused_by_name(keep, number, ending):
    def save(path, columns):
        row = json.dumps({name: float(values[0]) for name, values in columns.items()})
        path.write_text(f'{row[:-1]}, "k": {number}}}\n')

    code, err, output = keep("rows.jsonl", save, 1, ending)
    assert code == 1
    assert "line 1: expected numbers that floats hold in column 'k', which is kept" in err
    assert not output.exists()


def test_numbers_that_floats_hold_are_kept_however_long_they_are(keep):
    numbers = [0.1 + 0.2, 1e-300, 12345678901234567890, 1769903999.123456, -1.5e300, 1e22]
    texts = [repr(number) for number in numbers]
    texts[0] = f"{numbers[0]:.17g}"  # as C writes it

    def save(path, columns):
        row = json.dumps({name: float(values[0]) for name, values in columns.items()})
        path.write_text("".join(f'{row[:-1]}, "k": {text}}}\n' for text in texts))

    code, err, output = keep("rows.jsonl", save, len(numbers), ".jsonl")
    assert code == 0, err
    assert read_json_column(output) == numbers


def read_json_column(output):
    if output.suffix == ".csv":
        rows = output.read_text(encoding="utf-8").splitlines()
        place = rows[0].split(",").index("k")
        after = rows[0].count(",") - place
        return [row.split(",", place)[place].rsplit(",", after)[0] for row in rows[1:]]
    if output.suffix == ".jsonl":
        return [json.loads(line)["k"] for line in output.read_text().splitlines()]
    if output.suffix == ".npz":
        with np.load(output) as arrays:
            return arrays["k"].tolist()
    read = pq.read_table if output.suffix == ".parquet" else pa.ipc.open_file
    table = read(output)
    return (table if isinstance(table, pa.Table) else table.read_all())["k"].to_pylist()


def test_values_of_json_are_noted_in_the_journal_as_they_are():
    column = np.empty(len(MIXED), object)
    for i, value in enumerate(MIXED):
        column[i] = value
    assert unpack(pack(column)).tolist() == MIXED
