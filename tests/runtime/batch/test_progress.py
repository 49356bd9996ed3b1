"""What people and machines are told of a run."""

import errno
import io
import os
import re

import pytest

from vae_runtime.batch import progress
from vae_runtime.batch.progress import Counts, Progress, line_of, metrics_of


def test_a_line_says_how_far_how_fast_how_long_and_how_many():
    counts = Counts(done=1_000_000, rejected=0, anomalies=1234)
    assert line_of(counts, 4_000_000, 250_000.0) == (
        "1,000,000 of 4,000,000 rows, 250,000 a second, 12 s left, 1,234 anomalies"
    )
    assert line_of(Counts(5, 2), 9, 0.001).endswith("33:20 left, 0 anomalies, 2 rejected")
    assert "2:46:40 left" in line_of(Counts(), 10_000, 1.0)


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_terminal_gets_a_line_now_and_then_which_goes_at_the_end(clock):
    terminal = io.StringIO()
    watch = Progress(1000, terminal, None)
    watch(Counts(1))
    assert terminal.getvalue() == ""
    clock[0] += 1.0
    watch(Counts(300))
    watch(Counts(301))
    assert terminal.getvalue().startswith("\r300 of 1,000 rows, 300 a second, 2 s left")
    assert terminal.getvalue().count("\r") == 1
    watch.close(finished=True)
    assert re.search(r"\r +\r$", terminal.getvalue())


def test_the_rate_is_of_late(clock):
    terminal = io.StringIO()
    watch = Progress(10_000_000, terminal, None)
    rows = 5_000_000  # that an earlier run had done
    for _ in range(2 * progress.LINES_OF_RATE):
        clock[0] += 1.0
        rows += 100
        watch(Counts(rows))
    assert ", 100 a second," in terminal.getvalue().rpartition("\r")[2]


def test_metrics_are_what_a_monitoring_system_reads(tmp_path, clock):
    path = tmp_path / "run.prom"
    watch = Progress(1000, None, path)
    clock[0] += 2.5
    watch(Counts(300, 7, 5))
    first = path.read_text()
    assert "vae_batch_rows_scored_total 300\n" in first
    assert "vae_batch_rows_rejected_total 7\n" in first
    assert "vae_batch_anomalies_total 5\n" in first
    assert "vae_batch_seconds 2.5\n" in first
    assert "vae_batch_finished 0\n" in first
    watch(Counts(993, 7, 5))
    watch.close(finished=True)
    assert "vae_batch_rows_scored_total 993\n" in path.read_text()
    assert "vae_batch_finished 1\n" in path.read_text()


def test_metrics_are_open_metrics():
    """Families of HELP, TYPE and a sample, counters with _total; the end is marked."""
    text = metrics_of(Counts(3, 1, 2), 10, 1.5, finished=False)
    *families, end = re.split(r"(?=# HELP)|(?=# EOF)", text)[1:]
    assert end == "# EOF\n"
    assert len(families) == 6
    for family in families:
        name, kind = re.search(r"# TYPE (\w+) (counter|gauge)\n", family).groups()
        suffix = "_total" if kind == "counter" else ""
        assert re.fullmatch(
            rf"# HELP {name} .+\n# TYPE {name} {kind}\n{name}{suffix} [0-9.]+\n", family
        )


def test_a_narrow_terminal_gets_no_line_that_breaks(clock, monkeypatch):
    class Terminal(io.StringIO):
        def fileno(self):
            return 2

    monkeypatch.setattr(progress.os, "get_terminal_size", lambda fd: os.terminal_size((40, 24)))
    terminal = Terminal()
    watch = Progress(10_000_000, terminal, None)
    clock[0] += 1.0
    watch(Counts(300_000, 5, 7))
    watch.close(finished=True)
    assert {len(line) for line in terminal.getvalue().split("\r")} <= {0, 39}


def test_metrics_are_there_from_the_begin_or_are_an_error(tmp_path):
    Progress(5, None, tmp_path / "m.prom")
    assert "vae_batch_rows_expected 5\n" in (tmp_path / "m.prom").read_text()
    with pytest.raises(ValueError, match="a folder of that name"):
        Progress(5, None, tmp_path)


def test_a_disk_that_refuses_metrics_later_is_told_and_stops_nothing(tmp_path, monkeypatch):
    def full(path, write):
        raise OSError(errno.ENOSPC, "No space left on device")

    watch = Progress(5, None, tmp_path / "m.prom")
    monkeypatch.setattr(progress, "write_aside", full)
    watch.close(finished=True)
    assert watch.refused is not None
