"""Classes on the device: `Runner.classify`, its manifest, its self-test and its command."""

import csv
import io
import json
import re

import numpy as np
import pytest

from vae_runtime import BundleError, Runner
from vae_runtime.backends.profiles import PROFILES
from vae_runtime.bundle import open_bundle
from vae_runtime.cli import main

CHUNK = PROFILES["edge"].chunk
FLOAT32 = 1e-6  # of probabilities, which are 1 at most
CLASSES = ("full, hot", "half", "idle")


def test_every_row_has_a_probability_of_each_class_and_they_sum_to_one(states):
    probabilities = states.runner.classify(states.x)
    assert probabilities.shape == (len(states.x), 3)
    assert probabilities.dtype == np.float32
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(1), 1.0, rtol=FLOAT32)


def test_the_likeliest_class_is_the_right_one(states):
    assert states.runner.manifest.model.classes == CLASSES
    known = states.labels >= 0
    right = states.runner.classify(states.x)[known].argmax(1) == states.labels[known]
    assert right.mean() > 0.9


def test_the_same_call_twice_gives_the_same_bits(states):
    first, second = (states.runner.classify(states.x) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("size", [1, 7])
def test_a_row_has_the_same_probabilities_in_a_batch_of_any_size(states, size):
    starts = range(0, len(states.x), size)
    parts = [states.runner.classify(states.x[i : i + size]) for i in starts]
    whole = states.runner.classify(states.x)
    np.testing.assert_allclose(np.concatenate(parts), whole, rtol=0, atol=FLOAT32)


def test_probabilities_do_not_depend_on_where_chunks_begin(states):
    many = np.resize(states.x, (CHUNK + 9, 6))
    expected = np.resize(states.runner.classify(states.x), (CHUNK + 9, 3))
    np.testing.assert_allclose(states.runner.classify(many), expected, rtol=0, atol=FLOAT32)


def test_bad_rows_are_refused(states):
    with pytest.raises(ValueError, match=r"x: expected finite numbers\."):
        states.runner.classify(states.x * np.nan)


def test_a_model_without_classes_says_how_to_get_some(digits):
    with pytest.raises(BundleError, match=r"a classifier.*--classes COLUMN"):
        digits.runner.classify(digits.x)


def test_the_selftest_asks_the_classifier_too(states):
    report = states.runner.selftest()
    assert report.passed
    names = [check.name for check in report.checks]
    assert names.count("classifier.probabilities") == 2
    assert names.count("replacements.x_expected") == 2
    assert len(names) == 34


def test_an_altered_probability_fails_the_selftest(states_copy, change_probe):
    def alter(arrays):
        arrays["classifier.probabilities"][0] = arrays["classifier.probabilities"][0, ::-1]

    change_probe(states_copy, alter)
    failed = {c.name for c in Runner.load(states_copy).selftest().checks if not c.passed}
    assert failed == {"classifier.probabilities"}


def forget_the_classes(document):
    document["model"]["classes"] = None


def drop_the_classifier(document):
    document["files"] = [f for f in document["files"] if f["role"] != "classifier"]


def name_another(document):
    document["model"]["classes"].append("jammed")


def name_one_twice(document):
    document["model"]["classes"][1] = document["model"]["classes"][0]


def rename_the_output(document):
    for file in document["files"]:
        if file["role"] == "classifier":
            file["outputs"][0]["name"] = "logits"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (forget_the_classes, "a classifier where the model has classes, and nowhere else"),
        (drop_the_classifier, "a classifier where the model has classes, and nowhere else"),
        (name_another, "classifier.onnx has the outputs {'probabilities': (3,)}; the model says"),
        (name_one_twice, "expected two classes or more that differ"),
        (rename_the_output, "classifier.onnx has the outputs {'logits': (3,)}; the model says"),
    ],
)
def test_a_manifest_whose_classes_are_not_those_of_its_classifier_is_refused(
    states_copy, edit_manifest, change, message
):
    edit_manifest(states_copy, change)
    with pytest.raises(BundleError, match=re.escape(message)):
        Runner.load(states_copy)


def test_a_manifest_from_before_there_were_classes_is_read(bundle_copy, edit_manifest):
    edit_manifest(bundle_copy, lambda document: document["model"].pop("classes"))
    assert open_bundle(bundle_copy).manifest.model.classes is None
    assert Runner.load(bundle_copy).selftest().passed


def classified(capsys, *arguments):
    code = main(["classify", *map(str, arguments)])
    return code, capsys.readouterr()


def test_the_command_gives_a_row_its_class_and_all_probabilities(
    states, states_csv, tmp_path, capsys
):
    code, said = classified(capsys, states.bundle, states_csv)
    header, *lines = csv.reader(io.StringIO(said.out))
    assert code == 0
    assert header == ["row", "class", "probability", *(f"p_{name}" for name in CLASSES)]
    assert [line[0] for line in lines] == [str(i) for i in range(900)]
    probabilities = np.array([line[3:] for line in lines], np.float32)
    likeliest = probabilities.argmax(1)
    assert [line[1] for line in lines] == [CLASSES[i] for i in likeliest]
    found = np.array([line[2] for line in lines], np.float32)
    np.testing.assert_array_equal(found, probabilities.max(1))
    counts = ", ".join(f"{name}: {(likeliest == i).sum()}" for i, name in enumerate(CLASSES))
    assert said.err == f"classes of 900 rows: {counts}\n"


def test_the_command_writes_the_same_to_a_file(states, states_csv, tmp_path, capsys):
    _, said = classified(capsys, states.bundle, states_csv)
    code, quiet = classified(capsys, states.bundle, states_csv, "-o", tmp_path / "classes.csv")
    assert (code, quiet.out) == (0, "")
    assert (tmp_path / "classes.csv").read_text() == said.out


def test_rows_are_counted_by_class_though_the_run_was_stopped(states, states_csv, tmp_path, capsys):
    """What a resumed run reads from its journal is counted like what it works out itself."""
    _, whole = classified(capsys, states.bundle, states_csv)
    (tmp_path / "1.csv").write_text(states_csv.read_text())
    header, first = states_csv.read_text().splitlines(keepends=True)[:2]
    (tmp_path / "2.csv").write_text(f"{header}{'?' * header.count(',')}\n")
    files, output = (tmp_path / "1.csv", tmp_path / "2.csv"), ("-o", tmp_path / "c.parquet")
    assert classified(capsys, states.bundle, *files, *output)[0] == 1
    (tmp_path / "2.csv").write_text(header + first)
    code, said = classified(capsys, states.bundle, *files, *output, "--resume")
    assert code == 0
    assert said.err.startswith("classes of 901 rows: ")
    twice, once = ([int(n) for n in re.findall(r": (\d+)", s.err)] for s in (said, whole))
    assert sum(twice) == sum(once) + 1 == 901
    assert all(a in (b, b + 1) for a, b in zip(twice, once, strict=True))


def test_rows_that_are_none_have_no_class(states, tmp_path, capsys):
    x = states.x.copy()
    x[3] = np.nan
    np.save(tmp_path / "rows.npy", x)
    output = ("-o", tmp_path / "c.csv", "--on-bad-row", "reject", "--json")
    code, said = classified(capsys, states.bundle, tmp_path / "rows.npy", *output)
    assert code == 0
    assert said.err.startswith(
        f"classes of {len(x) - 1} rows; 1 of {len(x)} rejected, see "
        f"{tmp_path / 'c.csv.rejects.csv'}: "
    )
    each = json.loads(said.out)["classes"]
    assert sum(each.values()) == len(x) - 1
    assert said.err.endswith(", ".join(f"{name}: {each[name]}" for name in CLASSES) + "\n")


def test_the_command_writes_arrays(states, tmp_path, capsys):
    np.save(tmp_path / "rows.npy", states.x)
    output = tmp_path / "classes.npz"
    assert classified(capsys, states.bundle, tmp_path / "rows.npy", "-o", output)[0] == 0
    expected = states.runner.classify(states.x)
    with np.load(output, allow_pickle=False) as found:
        assert found.files == ["row", "class", "probability", *(f"p_{name}" for name in CLASSES)]
        np.testing.assert_array_equal(found["p_half"], expected[:, 1])
        assert found["class"][0] == CLASSES[expected[0].argmax()]


@pytest.mark.parametrize("name", ["classes.json", "machine.csv"])
def test_an_output_that_cannot_be_is_refused(states, states_csv, tmp_path, name, capsys):
    rows = tmp_path / "machine.csv"
    rows.write_text(states_csv.read_text())
    code, said = classified(capsys, states.bundle, rows, "-o", tmp_path / name)
    assert code == 1
    assert "expected a" in said.err
    assert rows.read_text() == states_csv.read_text()


def test_a_bundle_without_classes_is_one_line_and_exit_code_1(table, sensor_csv, capsys):
    code, said = classified(capsys, table.bundle, sensor_csv)
    assert code == 1
    assert said.err.startswith("vae-runtime: expected a bundle with a classifier")
    assert said.err.count("\n") == 1


def test_info_names_the_classes(states, capsys):
    assert main(["info", str(states.bundle)]) == 0
    assert "full, hot, half, idle" in capsys.readouterr().out
