"""The state is written when it is due, and only over what is a file."""

import json
import os
import time

import pytest

from vae_runtime import StreamScorer
from vae_runtime.live.state_file import StateFile


@pytest.fixture
def stream(table):
    return StreamScorer(table.runner)


def test_nothing_but_a_file_is_taken_and_nothing_is_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path / "link", tmp_path, "/dev/null"):
        with pytest.raises(ValueError, match="expected a file for the state, or nothing there yet"):
            StateFile(tmp_path / path, results=1, seconds=1.0)  # would wait for ever at a pipe


def test_a_link_to_a_file_and_no_file_are_taken(stream, tmp_path):
    StateFile(tmp_path / "new.json", results=1, seconds=1.0).save(stream)
    (tmp_path / "link").symlink_to(tmp_path / "new.json")
    StateFile(tmp_path / "link", results=1, seconds=1.0).resume(stream)


def test_it_is_due_after_so_many_results(stream, tmp_path):
    path = tmp_path / "state.json"
    kept = StateFile(path, results=3, seconds=9e9)
    due = []
    for results in range(1, 8):
        kept.save_if_due(stream, results)
        due.append(path.exists())
        path.unlink(missing_ok=True)
    assert due == [False, False, True, False, False, True, False]


def test_it_is_due_after_so_many_seconds_with_a_result(stream, table, tmp_path):
    path = tmp_path / "state.json"
    kept = StateFile(path, results=10_000, seconds=0.05)
    kept.save_if_due(stream, 0)
    time.sleep(0.06)
    kept.save_if_due(stream, 0)
    assert not path.exists()  # nothing new
    stream.push(table.x[:1])
    kept.save_if_due(stream, 1)
    assert json.loads(path.read_bytes())["rows"] == 1
    path.unlink()
    kept.save_if_due(stream, 2)
    assert not path.exists()  # not long enough since then
