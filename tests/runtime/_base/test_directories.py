"""Directories that take the place of an earlier one: of nothing else, whole, and in one step."""

import errno
import os
import re
import signal
import subprocess
import sys
import threading
import time

import pytest

from vae_runtime._base import exchange
from vae_runtime._base.directories import Kind, check_replaceable, directory_aside

KILLS = 20


def refuses(message):
    return pytest.raises(ValueError, match=re.escape(message))


def own(mark):
    if "mine" not in mark.read_text():
        raise ValueError("another's")
    return ("more", "deep/inner.txt")


KIND = Kind("thing", mark="mark.json", files=own)


def fill(path):
    with directory_aside(path, KIND) as aside:
        (aside / "mark.json").write_text("new, mine")


@pytest.fixture
def earlier(tmp_path):
    """A directory of the kind that `fill` writes, with a file that it does not write."""
    path = tmp_path / "out"
    path.mkdir()
    (path / "mark.json").write_text("old, mine")
    (path / "more").write_text("old")
    return path


def test_a_directory_appears_whole_when_the_block_ends(tmp_path):
    path = tmp_path / "deeper" / "out"
    with directory_aside(path, KIND) as aside:
        (aside / "mark.json").write_text("new, mine")
        assert not path.exists()
    assert [p.name for p in path.iterdir()] == ["mark.json"]
    assert list(path.parent.iterdir()) == [path]


def test_a_directory_of_its_own_kind_is_replaced_whole(earlier):
    fill(earlier)
    assert {p.name: p.read_text() for p in earlier.iterdir()} == {"mark.json": "new, mine"}
    assert list(earlier.parent.iterdir()) == [earlier]


def test_an_empty_directory_is_replaced(tmp_path):
    (tmp_path / "out").mkdir()
    fill(tmp_path / "out")
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["mark.json"]


def test_a_foreign_directory_is_refused_and_untouched(tmp_path):
    path = tmp_path / "home"
    path.mkdir()
    (path / "thesis.txt").write_text("years of work")
    with refuses(f"{path}: expected a new path, or an earlier thing to replace."):
        fill(path)
    assert {p.name: p.read_text() for p in path.iterdir()} == {"thesis.txt": "years of work"}
    assert list(tmp_path.iterdir()) == [path]


def test_a_directory_of_others_whose_mark_has_the_same_name_is_refused_and_untouched(tmp_path):
    """config.json and manifest.json are among the commonest names there are."""
    path = tmp_path / "app"
    path.mkdir()
    (path / "mark.json").write_text("my web app")
    with refuses(f"{path}: expected a new path, or an earlier thing to replace."):
        fill(path)
    assert {p.name: p.read_text() for p in path.iterdir()} == {"mark.json": "my web app"}


@pytest.mark.parametrize("name", ["NOTES.txt", ".git"])
def test_what_somebody_put_into_an_earlier_directory_is_not_lost(earlier, name):
    (earlier / name).mkdir()
    with refuses(f"{earlier}: expected a thing alone, to replace it. Received: also {name}, which"):
        fill(earlier)
    assert (earlier / name).is_dir()


def test_a_file_in_the_way_is_refused_and_untouched(tmp_path):
    path = tmp_path / "out"
    path.write_text("a file")
    with refuses(f"{path}: expected a new path"):
        fill(path)
    assert path.read_text() == "a file"


def fail_in_the_block(path):
    with directory_aside(path, KIND) as aside:
        (aside / "mark.json").write_text("half of it")
        raise ZeroDivisionError


def test_a_new_directory_leaves_nothing_where_the_block_fails(tmp_path):
    with pytest.raises(ZeroDivisionError):
        fail_in_the_block(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_directory_stays_where_the_block_fails(earlier):
    with pytest.raises(ZeroDivisionError):
        fail_in_the_block(earlier)
    assert {p.name: p.read_text() for p in earlier.iterdir()} == {
        "mark.json": "old, mine",
        "more": "old",
    }
    assert list(earlier.parent.iterdir()) == [earlier]


def lose_the_new_directory(path):
    with directory_aside(path, KIND) as aside:
        aside.rmdir()


def test_an_earlier_directory_stays_where_the_last_step_fails(earlier):
    with pytest.raises(FileNotFoundError):
        lose_the_new_directory(earlier)
    assert {p.name: p.read_text() for p in earlier.iterdir()} == {
        "mark.json": "old, mine",
        "more": "old",
    }


def contents(folder):
    return {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    "name", ["more.bak", "More", ".more", "mark.json.old", "deep.d/thesis.txt", "deep/thesis.txt"]
)
def test_names_that_are_like_its_own_are_not(earlier, name):
    (earlier / "deep").mkdir()
    (earlier / "deep" / "inner.txt").write_text("old")
    (earlier / name).parent.mkdir(exist_ok=True)
    (earlier / name).write_text("years of work")
    before = contents(earlier)
    shown = name if name.startswith("deep/") else name.split("/")[0]
    with refuses(f"Received: also {shown}, which would be lost."):
        check_replaceable(earlier, KIND)
    with refuses(f"Received: also {shown}, which would be lost."):
        fill(earlier)
    assert contents(earlier) == before


def a_directory(path):
    path.mkdir()
    (path / "thesis.txt").write_text("years of work")


def a_link(path):
    path.symlink_to(path.parent.parent / "thesis.txt")


@pytest.mark.parametrize("make", [a_directory, a_link, os.mkfifo])
@pytest.mark.parametrize("name", ["more", "mark.json", "deep"])
def test_what_is_no_file_where_a_file_is_expected_is_not_replaced(earlier, make, name):
    (earlier.parent / "thesis.txt").write_text("mine, for years")
    (earlier / name).unlink(missing_ok=True)
    make(earlier / name)
    if (name, make) == ("deep", a_directory):
        name = "deep/thesis.txt"
    said = "expected a new path" if name == "mark.json" else f"Received: also {name}, which"
    with refuses(said):
        fill(earlier)
    assert os.path.lexists(earlier / name)
    assert (earlier.parent / "thesis.txt").read_text() == "mine, for years"


def test_folders_of_its_own_are_replaced_with_what_is_in_them(earlier):
    (earlier / "deep").mkdir()
    (earlier / "deep" / "inner.txt").write_text("old")
    fill(earlier)
    assert contents(earlier) == {"mark.json": "new, mine"}
    assert list(earlier.parent.iterdir()) == [earlier]


def test_what_comes_while_the_new_one_is_written_is_not_lost(earlier):
    with refuses("Received: also thesis.txt"), directory_aside(earlier, KIND) as aside:
        (aside / "mark.json").write_text("new, mine")
        (earlier / "thesis.txt").write_text("years of work")
    assert contents(earlier) == {
        "mark.json": "old, mine",
        "more": "old",
        "thesis.txt": "years of work",
    }
    assert list(earlier.parent.iterdir()) == [earlier]


@pytest.mark.parametrize("there", [True, False], ids=["there", "dangling"])
def test_of_a_link_what_it_leads_to_is_replaced(earlier, tmp_path, there):
    link, target = tmp_path / "link", earlier if there else tmp_path / "new"
    link.symlink_to(target)
    fill(link)
    assert link.is_symlink()
    assert contents(target) == {"mark.json": "new, mine"}


@pytest.mark.parametrize("path", ["", " ", "."])
def test_the_current_folder_is_not_replaced(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"an empty text|the current folder"):
        fill(path)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(params=["in one step", "by two renames"])
def way(request, monkeypatch):
    """Both ways of taking a place: of systems that have an exchange, and of those that have not."""
    if request.param == "by two renames":

        def unknown(one, other):
            raise OSError(errno.EINVAL, "Invalid argument", str(other))

        monkeypatch.setattr(exchange, "exchange", unknown)
    return request.param


def test_the_earlier_directory_is_given_back_whole(earlier, tmp_path, way):
    new = tmp_path / "new.part"
    new.mkdir()
    old = exchange.put_in_place(new, earlier)
    assert contents(earlier) == {}
    assert contents(old) == {"mark.json": "old, mine", "more": "old"}
    assert sorted(tmp_path.iterdir()) == sorted([earlier, old])


def test_a_step_that_fails_leaves_all_as_it_was(earlier, tmp_path, way):
    with pytest.raises(FileNotFoundError):
        exchange.put_in_place(tmp_path / "new.part", earlier)
    assert contents(earlier) == {"mark.json": "old, mine", "more": "old"}
    assert list(tmp_path.iterdir()) == [earlier]


def can_exchange(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
    try:
        exchange.exchange(tmp_path / "a", tmp_path / "b")
    except OSError:
        return False
    return True


REPLACING = """
import sys
from pathlib import Path
from vae_runtime._base.directories import Kind, directory_aside
KIND = Kind("thing", mark="mark.json", files=lambda mark: ())
print("ready", flush=True)
while True:
    with directory_aside(sys.argv[1], KIND) as aside:
        (aside / "mark.json").write_text("mine")
"""


def test_a_kill_at_any_moment_leaves_a_whole_directory(tmp_path):
    if not can_exchange(tmp_path):
        pytest.skip("this file system has no exchange")
    path = tmp_path / "out"
    path.mkdir()
    (path / "mark.json").write_text("mine")
    for kill in range(KILLS):
        command = [sys.executable, "-c", REPLACING, path]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout.readline() == b"ready\n"
            time.sleep(0.003 * kill / KILLS)
            process.send_signal(signal.SIGKILL)
        assert contents(path) == {"mark.json": "mine"}
    check_replaceable(path, Kind("thing", mark="mark.json", files=lambda mark: ()))


def test_whoever_looks_finds_a_whole_directory_at_every_moment(tmp_path):
    if not can_exchange(tmp_path):
        pytest.skip("this file system has no exchange")
    path, missing, looks, done = tmp_path / "out", [], [], threading.Event()
    fill(path)

    def watch():
        while not done.is_set():
            looks.append(1)
            if not os.path.exists(path):  # noqa: PTH110 - in as few steps as there can be
                missing.append(1)

    watcher = threading.Thread(target=watch)
    watcher.start()
    for _ in range(300):
        fill(path)
    done.set()
    watcher.join()
    assert len(looks) > 300
    assert not missing
