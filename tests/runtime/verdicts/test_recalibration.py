"""New thresholds for an old bundle: what changes, what stays, and what is refused."""

import hashlib
import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from vae_runtime import BundleError, Runner, recalibrate
from vae_runtime.backends.graphs import Graphs
from vae_runtime.bundle import open_bundle
from vae_runtime.bundle.containers import pack
from vae_runtime.bundle.manifest import Calibration
from vae_runtime.verdicts.calibration import threshold
from vae_runtime.verdicts.calibration_groups import CalibrationGroups

REPORT = {"report.html", "report.json"}
OWN = {"manifest.json", "manifest.json.sha256"}


def refuses(message):
    return pytest.raises(ValueError, match=re.escape(message))


def contents(path):
    return open_bundle(path).contents()


@pytest.mark.parametrize("name", ["new", "new.vaeb"])
def test_the_scores_are_those_of_the_rows_and_the_files_are_the_old_ones(
    golden, golden_rows, tmp_path, name
):
    x, out = golden_rows(300, 0), tmp_path / name
    done = recalibrate(golden, x, out)
    assert done.path == out
    assert out.is_dir() == (name == "new")
    runner, old = Runner.load(out), Runner.load(golden)
    np.testing.assert_array_equal(runner.calibration.scores, np.sort(old.score(x).score))
    assert runner.calibration.alpha == old.calibration.alpha
    assert runner.calibration.rounding == old.calibration.rounding
    before, after = contents(golden), contents(out)
    assert set(before) == set(after)
    assert done.left_out == ()
    assert all(after[file] == before[file] for file in set(after) - OWN)
    assert runner.selftest().passed


def test_the_manifest_says_what_rows_these_were(golden, golden_rows, tmp_path):
    x = golden_rows(200, 1)
    recalibrate(golden, x.astype(np.float64), tmp_path / "new")
    (record,) = open_bundle(tmp_path / "new").manifest.recalibrated
    assert (record.rows, record.machine) == (200, None)
    assert record.sha256 == hashlib.sha256(x.tobytes()).hexdigest()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", record.date)
    assert open_bundle(golden).manifest.recalibrated == ()
    recalibrate(tmp_path / "new", golden_rows(150, 2), tmp_path / "newer")
    (record,) = open_bundle(tmp_path / "newer").manifest.recalibrated
    assert record.rows == 150


def test_what_changed_is_told(golden, golden_rows, tmp_path):
    x, old = golden_rows(400, 3, 0.6), Runner.load(golden)
    (change,) = recalibrate(golden, x, tmp_path / "new", alpha=0.05).changes
    scores = old.score(x, alpha=0.05)
    assert (change.precision, change.machine, change.alpha) == ("fp32", None, 0.05)
    assert (change.rows, change.distinct) == (400, len(np.unique(scores.score)))
    assert change.old_threshold == threshold(np.array(old.calibration.scores), 0.05)
    assert change.threshold == threshold(np.sort(scores.score), 0.05)
    assert change.old_alarm_rate == scores.is_anomaly.mean() > 0.1
    assert Runner.load(tmp_path / "new").score(x).is_anomaly.mean() <= 0.05


def test_an_alpha_that_the_old_rows_could_not_resolve_has_no_old_threshold(
    golden, golden_rows, tmp_path
):
    n = len(Runner.load(golden).calibration.scores)
    alpha = 0.5 / (n + 1)
    (change,) = recalibrate(golden, golden_rows(2 * n + 2, 0), tmp_path / "a", alpha=alpha).changes
    assert (change.old_threshold, change.old_alarm_rate) == (None, None)


def test_every_precision_is_scored_by_its_own_files(full_of, tmp_path):
    bundle, x = full_of("table").bundle, full_of("table").x
    x = np.concatenate([x[: len(x) // 2]] * 4)
    done = recalibrate(bundle, x, tmp_path / "new", alpha=0.05)
    names = ["fp32", "int8", "fp16", "dynamic", "int8.tflite"]
    expected = [*names, *(f"{name}.neg_elbo" for name in names)]
    assert [change.precision for change in done.changes] == expected
    assert set(done.left_out) == REPORT
    made = open_bundle(tmp_path / "new").manifest.calibration
    for name, backend in (
        ("fp32", "onnxruntime"),
        ("int8", "onnxruntime"),
        ("fp16", "litert"),
        ("dynamic", "litert"),
        ("int8.tflite", "litert"),
    ):
        runner = Runner.load(bundle, precision=name.removesuffix(".tflite"), backend=backend)
        expected = np.sort(runner.score(x, threshold=0.0).score)
        np.testing.assert_array_equal(made[name].scores, expected)
    assert len({made[name].scores for name in made}) == len(made)


def test_each_precision_scores_the_rows_once_for_all_its_scores(table, tmp_path, monkeypatch):
    asked, ask = [], Graphs.ask
    monkeypatch.setattr(
        Graphs, "ask", lambda self, *given: asked.append(given[:2]) or ask(self, *given)
    )
    recalibrate(table.bundle, table.x, tmp_path / "new", alpha=0.05)
    assert asked == [("scorer", ("score", "nll", "kl"))]


def test_a_precision_that_is_not_asked_for_goes_with_its_files(full_of, tmp_path):
    full = full_of("table")
    done = recalibrate(full.bundle, full.x, tmp_path / "a", alpha=0.05, precisions=["int8"])
    made = open_bundle(tmp_path / "a").manifest
    assert set(made.calibration) == BOTH
    kinds = {(f.format, f.precision) for f in made.files if f.role == "encoder"}
    assert kinds == {("onnx", "fp32"), ("tflite", "fp32"), ("onnx", "int8")}
    assert {"scorer.fp16.tflite", "encoder.int8.tflite"} <= set(done.left_out)
    assert set(done.left_out).isdisjoint(contents(tmp_path / "a"))
    with refuses("expected precisions of fp32, int8, fp16, dynamic, int8.tflite,"):
        recalibrate(full.bundle, full.x, tmp_path / "b", precisions=["int4"])


# fp32 and int8, by the whole score and by the negative ELBO alone
BOTH = {"fp32", "int8", "fp32.neg_elbo", "int8.neg_elbo"}

WITHOUT_LITERT = """
import sys
sys.modules["ai_edge_litert"] = None  # as if it were not installed
import numpy as np
from vae_runtime import Runner, recalibrate
bundle, out, *precisions = sys.argv[1:]
x = Runner.load(bundle).sample(100, seed=0)
recalibrate(bundle, x, out, precisions=precisions or None)
"""


def test_without_litert_its_files_are_left_out_or_it_is_said_what_to_do(full_of, tmp_path):
    command = [sys.executable, "-c", WITHOUT_LITERT, full_of("table").bundle, tmp_path / "new"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "ValueError: scoring with the files of fp16, dynamic" in done.stderr
    assert "--precision fp32,int8." in done.stderr
    assert not (tmp_path / "new").exists()
    subprocess.run([*command, "int8"], check=True, capture_output=True)
    assert set(open_bundle(tmp_path / "new").manifest.calibration) == BOTH


def test_a_signature_is_left_out_as_it_was_of_the_old_manifest(golden, golden_rows, tmp_path):
    signed = {**contents(golden), "manifest.json.sig": bytes(64)}
    order = ["manifest.json", "manifest.json.sha256", "manifest.json.sig"]
    files = {name: signed[name] for name in [*order, *(set(signed) - set(order))]}
    (tmp_path / "signed.vaeb").write_bytes(pack(files))
    done = recalibrate(tmp_path / "signed.vaeb", golden_rows(100, 0), tmp_path / "new")
    assert "manifest.json.sig" in done.left_out
    assert not (tmp_path / "new" / "manifest.json.sig").exists()


@pytest.mark.parametrize("name", ["same", "same.vaeb"])
def test_a_bundle_can_take_its_own_place(golden, golden_rows, tmp_path, name):
    out = tmp_path / name
    recalibrate(golden, golden_rows(200, 0), out)
    recalibrate(out, golden_rows(300, 1), out)
    assert len(Runner.load(out).calibration.scores) == 300
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_what_is_no_bundle_is_not_replaced(golden, golden_rows, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("mine")
    with refuses("expected a new path, or an earlier bundle to replace."):
        recalibrate(golden, golden_rows(100, 0), tmp_path / "notes")
    assert (tmp_path / "notes" / "a.txt").read_text() == "mine"
    (tmp_path / "x.vaeb").write_text("mine")
    with refuses("expected a new path, or a bundle in one file to replace."):
        recalibrate(golden, golden_rows(100, 0), tmp_path / "x.vaeb")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x[:98], "alpha=0.01 needs at least 99 calibration rows. Received: 98"),
        (lambda x: x[:0], "expected at least one row."),
        (lambda x: x[:, :5], "x: expected shape (batch, 6). Received: (300, 5)."),
        (
            lambda x: np.where(np.arange(6) == 2, np.nan, x),
            "x: expected finite numbers. Received: nan in row 0",
        ),
    ],
)
def test_rows_that_cannot_set_a_threshold_are_refused_and_nothing_is_written(
    golden, golden_rows, tmp_path, change, message
):
    with refuses(message):
        recalibrate(golden, change(golden_rows(300, 0)), tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_an_altered_bundle_is_not_calibrated(golden, golden_rows, tmp_path):
    recalibrate(golden, golden_rows(100, 0), tmp_path / "a")
    with (tmp_path / "a" / "scorer.onnx").open("r+b") as file:
        file.write(b"x")
    with pytest.raises(BundleError, match="its sha256 is not the one"):
        recalibrate(tmp_path / "a", golden_rows(100, 0), tmp_path / "b")


def test_rows_that_are_all_equal_tie_and_never_alarm(golden, golden_rows, tmp_path):
    x = np.repeat(golden_rows(1, 0), 200, axis=0)
    (change,) = recalibrate(golden, x, tmp_path / "new").changes
    assert change.distinct <= 2  # its score depends on the batch by rounding
    runner = Runner.load(tmp_path / "new")
    assert not runner.score(x).is_anomaly.any()
    assert runner.score(x[:1]).p_value == 1.0
    assert runner.score(golden_rows(1, 5, 3.0)).is_anomaly.all()


def test_more_scores_than_a_manifest_holds_are_refused(golden, golden_rows, tmp_path, monkeypatch):
    monkeypatch.setattr("vae_runtime.verdicts.recalibration.MANIFEST_LIMIT", 20_000)
    with refuses("expected a manifest of 20,000 bytes at most."):
        recalibrate(golden, golden_rows(2000, 0), tmp_path / "new")


class TestMachines:
    """Calibrations for each machine."""

    @pytest.fixture
    def fleet(self, golden, golden_rows, tmp_path):
        x = np.concatenate([golden_rows(120, 0), golden_rows(100, 1, 0.5)])
        out, names = tmp_path / "fleet", ["a"] * 120 + ["b"] * 100
        self.done = recalibrate(golden, x, out, machines={"machine": names})
        return out

    def test_each_has_its_own_scores_and_all_are_together(self, fleet, golden, golden_rows):
        described, runner = open_bundle(fleet).manifest, Runner.load(golden)
        made = described.calibration["fp32"]
        assert described.model.machine_column == "machine"
        assert list(made.by_machine) == ["a", "b"]
        expected = np.sort(runner.score(golden_rows(100, 1, 0.5)).score)
        np.testing.assert_allclose(made.by_machine["b"], expected, rtol=1e-6)
        assert made.scores == tuple(sorted(made.by_machine["a"] + made.by_machine["b"]))
        assert [(c.machine, c.rows) for c in self.done.changes] == [("a", 120), ("b", 100)]
        assert (described.recalibrated[0].rows, described.recalibrated[0].machine) == (220, None)

    def test_one_is_added_and_the_others_stay(self, fleet, golden_rows, tmp_path):
        done = recalibrate(fleet, golden_rows(99, 2), tmp_path / "new", machines="c")
        before, after = (open_bundle(p).manifest for p in (fleet, tmp_path / "new"))
        old, new = before.calibration["fp32"], after.calibration["fp32"]
        assert {u: s for u, s in new.by_machine.items() if u != "c"} == old.by_machine
        assert len(new.by_machine["c"]) == 99
        assert new.scores == tuple(sorted(old.scores + new.by_machine["c"]))
        assert after.model.machine_column == "machine"
        assert [r.machine for r in after.recalibrated] == [None, "c"]
        assert done.lost_machines == ()
        (change,) = done.changes
        assert change.old_threshold == threshold(np.array(old.scores), old.alpha)

    def test_one_is_replaced_by_its_new_rows(self, fleet, golden_rows, tmp_path):
        recalibrate(fleet, golden_rows(99, 2), tmp_path / "new", machines="b")
        recalibrate(tmp_path / "new", golden_rows(130, 3), tmp_path / "new", machines="b")
        made = open_bundle(tmp_path / "new").manifest
        assert {u: len(s) for u, s in made.calibration["fp32"].by_machine.items()} == {
            "a": 120,
            "b": 130,
        }
        assert [(r.machine, r.rows) for r in made.recalibrated] == [(None, 220), ("b", 130)]

    def test_those_without_new_rows_are_lost_and_it_is_said(self, fleet, golden_rows, tmp_path):
        x, names = golden_rows(200, 2), ["b"] * 100 + ["c"] * 100
        done = recalibrate(fleet, x, tmp_path / "new", machines={"pump": names})
        assert done.lost_machines == ("a",)
        assert open_bundle(tmp_path / "new").manifest.model.machine_column == "pump"
        done = recalibrate(fleet, x, tmp_path / "pooled")
        assert done.lost_machines == ("a", "b")
        made = open_bundle(tmp_path / "pooled").manifest
        assert (made.model.machine_column, made.calibration["fp32"].by_machine) == (None, None)

    def test_the_first_of_a_bundle_without_any_begins_a_fleet(self, golden, golden_rows, tmp_path):
        recalibrate(golden, golden_rows(100, 0), tmp_path / "new", machines="a")
        made = open_bundle(tmp_path / "new").manifest
        assert made.calibration["fp32"].scores == made.calibration["fp32"].by_machine["a"]
        assert made.model.machine_column is None
        Runner.load(tmp_path / "new", machine="a").score(golden_rows(1, 0))

    @pytest.mark.parametrize(
        ("machines", "options", "message"),
        [
            ({"m": ["a"] * 150 + ["b"] * 50}, {}, "rows of each machine. Received: 50 of b."),
            ({"m": ["a"] * 199}, {}, "expected a name for each of 200 rows."),
            (
                {"m": ["a"] * 200, "n": ["a"] * 200},
                {},
                "expected machines as the name of one, or as",
            ),
            (["a"] * 200, {}, "expected machines as the name of one, or as"),
            (" a", {}, "expected the name of a machine as text"),
            ("c", {"alpha": 0.05}, "expected the bundle's own alpha, 0.01, for one machine"),
        ],
    )
    def test_machines_that_cannot_be_are_refused(
        self, fleet, golden_rows, tmp_path, machines, options, message
    ):
        with refuses(message):
            recalibrate(fleet, golden_rows(200, 0), tmp_path / "new", machines=machines, **options)
        assert not (tmp_path / "new").exists()

    def test_precisions_have_the_same_machines(self, full_of, tmp_path):
        full = full_of("table")
        x = np.concatenate([full.x[:90]] * 2)
        out = tmp_path / "new"
        recalibrate(full.bundle, x, out, alpha=0.05, machines={"m": [1] * 90 + [2] * 90})
        made = open_bundle(out).manifest.calibration
        assert {tuple(c.by_machine) for c in made.values()} == {("1", "2")}
        assert len({c.by_machine["1"] for c in made.values()}) == len(made)


def test_the_manifest_can_be_written_by_hand_from_json(golden, golden_rows, tmp_path):
    """What a device writes is what the document of the format says: plain JSON, nothing more."""
    recalibrate(golden, golden_rows(100, 0), tmp_path / "a", machines="pump-1")
    document = json.loads((tmp_path / "a" / "manifest.json").read_bytes())
    assert list(document["calibration"]["fp32"]["units"]) == ["pump-1"]
    assert document["recalibrated"][0]["unit"] == "pump-1"  # as version 1 has it
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert Runner.load(tmp_path / "b").manifest == Runner.load(tmp_path / "a").manifest


@pytest.mark.parametrize(
    ("of", "known", "folds"),
    [
        (None, "ab", 1),  # all rows are new ones, which training never saw
        ({"machine": ["a"] * 5 + ["b"] * 4}, "ab", 1),
        ("c", "ab", 5),  # the scores of a and b stay, and are by folds
        ("a", "ab", 5),
        ("a", "a", 1),
        ("c", "", 1),  # whose rows the old ones were is not known: they go
    ],
)
def test_folds_are_said_as_long_as_scores_by_folds_are_left(of, known, folds):
    machines = {
        machine: tuple(np.linspace(i, i + 1, 9).tolist()) for i, machine in enumerate(known)
    }
    together = tuple(sorted(sum(machines.values(), ()))) or (0.0,) * 9
    before = Calibration(0.1, 1e-3, together, folds=5, by_machine=machines or None)
    after = CalibrationGroups.of(of, 9).calibration(before, np.arange(9, dtype=np.float32))
    assert after.folds == folds
