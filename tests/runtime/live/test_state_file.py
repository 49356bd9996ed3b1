"""The state is written when it is due, and only over what is a file."""

import json
import os
import random
import time

import numpy as np
import pytest

from vae_runtime import DriftSettings, Runner, StreamScorer
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


@pytest.fixture
def saved(golden, tmp_path):
    """A stream with some rows, and the file of its state."""
    rows = json.loads(golden.with_suffix(".json").read_text())["x"]
    stream = StreamScorer(Runner.load(golden), drift=DriftSettings())
    stream.push(np.array(rows, np.float32))
    StateFile(tmp_path / "state.json", results=1, seconds=1.0).save(stream)
    return stream, tmp_path / "state.json"


def refuses_to_resume(stream, path):
    before = stream.state()
    with pytest.raises(ValueError, match=r"state\.json: .*Or remove the file, to begin anew"):
        StateFile(path, results=1, seconds=1.0).resume(stream)
    assert stream.state() == before


def test_every_flipped_bit_is_refused(saved):
    stream, path = saved
    content = path.read_bytes()
    for bit in random.Random(0).sample(range(8 * len(content)), 300):
        data = bytearray(content)
        data[bit // 8] ^= 1 << bit % 8
        path.write_bytes(data)
        refuses_to_resume(stream, path)
    path.write_bytes(content)
    StateFile(path, results=1, seconds=1.0).resume(stream)


DAMAGE = {
    "nothing": lambda content: b"",
    "cut short": lambda content: content[:-1],
    "cut in half": lambda content: content[: len(content) // 2],
    "a line feed more": lambda content: content + b"\n",
    "a zero more": lambda content: content + b"\0",
    "twice": lambda content: content + content,
    "in brackets": lambda content: b"[" + content + b"]",
    "spaces": lambda content: content.replace(b": ", b":", 1),
    "a key twice": lambda content: content.replace(b'"rows": 8', b'"rows": 8, "rows": 8'),
    "escapes": lambda content: content.replace(b'"rows"', b'"\\u0072ows"'),
    "another way to write it": lambda content: content.replace(b'"rows": 8', b'"rows": 8e0'),
    "beyond all numbers": lambda content: content.replace(b'"rows": 8', b'"rows": 1e999'),
    "endless digits": lambda content: content.replace(b": 8", b": " + b"8" * 10_000, 1),
    "no text": lambda content: content.replace(b"rows", b"r\xffws", 1),
    "nested deeply": lambda content: b"[" * 990 + b"]" * 990,
}


@pytest.mark.parametrize("name", DAMAGE)
def test_any_other_bytes_are_refused(saved, name):
    stream, path = saved
    content = path.read_bytes()
    path.write_bytes(DAMAGE[name](content))
    assert path.read_bytes() != content
    refuses_to_resume(stream, path)
