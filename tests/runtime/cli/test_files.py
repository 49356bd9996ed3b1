"""Paths that are typed: what is written takes the place of nothing else, and empty is not here."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vae_runtime.batch.locks import locked
from vae_runtime.cli import main

ROWS = 40


@pytest.fixture
def rows(golden_rows, tmp_path):
    """A file of rows, one of which is none."""
    x = golden_rows(ROWS, 0)
    x[3, 1] = np.nan
    np.save(tmp_path / "rows.npy", x)
    return tmp_path / "rows.npy"


@pytest.fixture
def score(run, golden, rows):
    """Scores these rows with more options; those that are none are listed."""
    return lambda *options: run("score", golden, rows, "--on-bad-row", "reject", *options)


def commands(golden, rows, place):
    """Every way to name a file to write."""
    score = ["score", golden, rows, "--on-bad-row", "reject"]
    return {
        "score -o": [*score, "-o", place],
        "--rejects": [*score, "-o", rows.parent / "o.csv", "--rejects", place],
        "--metrics": [*score, "-o", rows.parent / "o.csv", "--metrics", place],
        "--metrics alone": [*score, "--metrics", place],
        "sample": ["sample", golden, "-n", "3", "-o", place],
        "encode": ["encode", golden, rows, "--on-bad-row", "reject", "-o", place],
        "pack": ["pack", golden, "-o", place],
        "calibrate": ["calibrate", golden, rows.with_name("good.npy"), "-o", place],
        "interpolate": ["interpolate", golden, rows.with_name("good.npy"), "-o", place],
        "--state": ["score", golden, rows.with_name("good.csv"), "--follow", "--state", place],
    }


ENDINGS = {"pack": ".vaeb", "calibrate": ".vaeb", "interpolate": ".npy"}
WAYS = list(commands("", Path("x"), ""))


@pytest.fixture
def good(golden_rows, rows):
    x = golden_rows(200, 1)
    np.save(rows.with_name("good.npy"), x)
    np.savetxt(rows.with_name("good.csv"), x[:5], delimiter=",")
    return rows


@pytest.mark.parametrize("way", WAYS)
def test_a_pipe_stays_and_nobody_waits_at_it(run, golden, good, tmp_path, way):
    place = tmp_path / f"pipe{ENDINGS.get(way, '.csv')}"
    os.mkfifo(place)
    before = sorted(path.name for path in tmp_path.iterdir())
    done = run(*commands(golden, good, place)[way])
    assert done.code == 1
    assert str(place) in done.err
    assert len(done.err.splitlines()) == 1
    assert place.is_fifo()
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize("way", WAYS)
def test_a_link_stays_and_what_it_leads_to_is_written(run, golden, good, tmp_path, way):
    (tmp_path / "far").mkdir()
    ending = ENDINGS.get(way, ".csv")
    link, target = tmp_path / f"link{ending}", tmp_path / "far" / f"real{ending}"
    link.symlink_to(target)
    if way not in ("pack", "calibrate", "--state"):  # which replace none but their own
        target.write_text("old")
    assert run(*commands(golden, good, link)[way]).code == 0
    assert link.is_symlink()
    assert target.stat().st_size > 3
    assert [path.name for path in (tmp_path / "far").iterdir()] == [target.name]


@pytest.mark.parametrize("path", ["/dev/stdout", "/dev/null", "/dev/fd/1"])
def test_a_name_of_the_systems_says_what_to_type(score, tmp_path, check_failed, path):
    check_failed(score("--metrics", path), f"{path}: expected a file to write. Received: one of")
    (tmp_path / "o.csv").symlink_to(path)
    check_failed(score("-o", tmp_path / "o.csv"), "that is -, or no -o.")


def test_a_bundle_in_one_file_replaces_another_and_nothing_else(
    run, golden, tmp_path, check_failed
):
    (tmp_path / "x.vaeb").write_text("mine")
    check_failed(run("pack", golden, "-o", tmp_path / "x.vaeb"), "something else that is there")
    assert (tmp_path / "x.vaeb").read_text() == "mine"


def test_outputs_of_one_stem_have_a_list_of_rejects_each(score, tmp_path):
    for ending in (".csv", ".jsonl"):
        assert score("-o", tmp_path / f"o{ending}").code == 0
    lists = sorted(path.name for path in tmp_path.glob("*.rejects.csv"))
    assert lists == ["o.csv.rejects.csv", "o.jsonl.rejects.csv"]


@pytest.mark.parametrize("taken", ["o.csv", "o.csv.rejects.csv", "o.csv.journal", "m.prom"])
def test_a_path_that_another_run_writes_is_refused_whatever_it_is_to_either(
    score, tmp_path, check_failed, taken
):
    """Results, rejects, journal and metrics of one run are none of these of another."""
    with locked([tmp_path / taken]):
        done = score("-o", tmp_path / "o.csv", "--metrics", tmp_path / "m.prom")
        check_failed(done, f"{tmp_path / taken}: expected no other run that writes the same output")
    assert not (tmp_path / "o.csv").exists()
    assert score("-o", tmp_path / "o.csv", "--metrics", tmp_path / "m.prom").code == 0


@pytest.mark.parametrize(
    "options",
    [
        ("-o", "o.csv", "--rejects", "o.csv"),
        ("-o", "o.csv", "--rejects", "./o.csv"),
        ("-o", "o.csv", "--rejects", "folder/o.csv"),
        ("-o", "o.csv", "--metrics", "soft.csv"),
        ("-o", "o.csv", "--metrics", "hard.csv"),
        ("-o", "o.csv", "--metrics", "o.csv.rejects.csv"),
        ("-o", "o.csv", "--metrics", "o.csv.journal"),
        ("-o", "o.csv", "--rejects", "m", "--metrics", "m"),
    ],
)
def test_one_file_for_two_outputs_is_refused(score, tmp_path, monkeypatch, check_failed, options):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "o.csv").write_text("of yesterday")
    os.link("o.csv", "hard.csv")
    (tmp_path / "soft.csv").symlink_to("o.csv")
    (tmp_path / "folder").symlink_to(tmp_path)
    check_failed(score(*options), "expected a file for each output. Received: one for two.")
    assert (tmp_path / "o.csv").read_text() == "of yesterday"


@pytest.mark.parametrize(
    "name", ["rows.npz", "./rows.npz", "soft.npz", "hard.npz", "folder/rows.npz"]
)
@pytest.mark.parametrize("option", ["-o", "--rejects", "--metrics"])
def test_an_input_is_no_output(
    run, golden, golden_rows, tmp_path, monkeypatch, check_failed, name, option
):
    monkeypatch.chdir(tmp_path)
    np.savez("rows.npz", x=golden_rows(ROWS, 0))
    os.link("rows.npz", "hard.npz")
    (tmp_path / "soft.npz").symlink_to("rows.npz")
    (tmp_path / "folder").symlink_to(tmp_path)
    before = (tmp_path / "rows.npz").read_bytes()
    output = [] if option == "-o" else ["-o", "o.csv"]
    done = run("score", golden, "rows.npz", "--on-bad-row", "reject", *output, option, name)
    check_failed(done, "expected another file than the input. Received: the same.")
    assert (tmp_path / "rows.npz").read_bytes() == before


def test_a_link_in_a_folder_of_inputs_leads_to_one_of_them(
    run, golden, golden_rows, tmp_path, check_failed
):
    (tmp_path / "days").mkdir()
    np.savez(tmp_path / "o.npz", x=golden_rows(ROWS, 0))
    (tmp_path / "days" / "monday.npz").symlink_to(tmp_path / "o.npz")
    done = run("score", golden, tmp_path / "days", "-o", tmp_path / "o.npz")
    check_failed(done, "expected another file than the input. Received: the same.")


@pytest.mark.parametrize("name", ["probe.npz", "mixture.npz", "head.npz", "report.csv"])
def test_a_file_of_the_bundle_is_no_output(run, digits, bundle_copy, rows, check_failed, name):
    done = run("sample", bundle_copy, "-n", "3", "-o", bundle_copy / name)
    check_failed(done, "expected another file than those of the bundle")
    done = run("sample", bundle_copy, "--metrics", bundle_copy / "manifest.json")
    check_failed(done, "expected another file than those of the bundle")
    assert run("selftest", bundle_copy).code == 0


def test_a_journal_that_is_a_pipe_is_refused_and_nobody_waits_at_it(score, tmp_path, check_failed):
    os.mkfifo(tmp_path / "o.csv.journal")
    check_failed(score("-o", tmp_path / "o.csv"), "o.csv.journal: expected a file to write.")


SCORE = "import sys; from vae_runtime.cli import main; sys.exit(main(sys.argv[1:]))"


def test_of_two_runs_at_once_each_has_its_own_list(golden, golden_rows, tmp_path):
    """Both write their lists as they go: a shared one would hold the rows of the other."""
    for name, bad in (("a", 3), ("b", 5)):
        x = golden_rows(30_000, 0)
        x[bad::10, 1] = np.nan
        np.save(tmp_path / f"{name}.npy", x)
    runs = []
    for name, ending in (("a", ".csv"), ("b", ".jsonl")):
        options = ["-o", tmp_path / f"o{ending}", "--on-bad-row", "reject"]
        arguments = ["score", golden, tmp_path / f"{name}.npy", *options]
        runs.append(subprocess.Popen([sys.executable, "-c", SCORE, *map(str, arguments)]))
    assert [each.wait(timeout=120) for each in runs] == [0, 0]
    for ending, last in ((".csv", "3"), (".jsonl", "5")):
        lines = (tmp_path / f"o{ending}.rejects.csv").read_text().splitlines()[1:]
        assert len(lines) == 3_000
        assert {line.split(",")[1][-1] for line in lines} == {last}


EMPTY = [
    ["info", ""],
    ["selftest", " "],
    ["score", "", "rows.npy"],
    ["score", "bundle", ""],
    ["score", "bundle", "rows.npy", ""],
    ["score", "bundle", "", "--engine", "ray", "-o", "out"],
    ["score", "bundle", "rows.npy", "-o", ""],
    ["score", "bundle", "rows.npy", "--output="],
    ["score", "bundle", "rows.npy", "--metrics", ""],
    ["score", "bundle", "rows.npy", "--on-bad-row", "reject", "--rejects", ""],
    ["score", "bundle", "--follow", "--state", ""],
    ["pack", "bundle", "-o", ""],
    ["calibrate", "bundle", "rows.npy", "-o", ""],
    ["calibrate", "bundle", "", "-o", "new"],
    ["interpolate", "bundle", "rows.npy", "-o", ""],
    ["interpolate", "bundle", "", "-o", "new.npy"],
    ["sample", "bundle", "-o", ""],
    ["decode", "bundle", "", "-o", "x.npy"],
]


@pytest.mark.parametrize("arguments", EMPTY, ids=" ".join)
def test_an_empty_text_is_not_the_current_folder(capsys, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as e:
        main(arguments)
    assert e.value.code == 2
    assert "an empty text. Is a variable not set?" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("more", [["x.npy", ""], ["", "--engine", "ray", "-o", "out"], ["", "x"]])
def test_an_empty_input_behind_an_option_is_not_either(
    run, golden, good, tmp_path, monkeypatch, check_failed, more
):
    """argparse gives inputs behind an option to nobody, and checks none of them."""
    monkeypatch.chdir(tmp_path)
    done = run("score", golden, good, "--alpha", "0.1", *more)
    check_failed(done, "expected an input. Received: '', an empty text.")


def test_an_empty_source_to_follow_is_not_either(run, golden, check_failed):
    done = run("score", golden, "--follow", "--alpha", "0.1", "")
    check_failed(done, "expected an input. Received: '', an empty text.")


def test_an_empty_column_is_still_one_that_is_not_there(run, golden, good, check_failed):
    done = run("score", golden, good.with_name("good.npy"), "--unit-column", "")
    assert done.code == 0
