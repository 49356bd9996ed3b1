"""Paths that are empty, and places that are no files: what is written never takes their place."""

import os
import re
import socket
from pathlib import Path

import numpy as np
import pytest

from vae_runtime import Runner
from vae_runtime._base.atomic_files import write_aside
from vae_runtime._base.paths import file_target, is_same, path_of
from vae_runtime.bundle import open_bundle
from vae_runtime.engines.record_batches import BatchScorer
from vae_runtime.live.state_file import StateFile
from vae_runtime.rows.input_files import plan
from vae_runtime.rows.inputs import read_input
from vae_runtime.verdicts.recalibration import recalibrate


def refuses(message):
    return pytest.raises(ValueError, match=re.escape(message))


@pytest.mark.parametrize("text", ["", " ", "\t\n"])
def test_an_empty_text_is_no_path(text):
    with refuses(f"expected the path of a thing. Received: {text!r}, an empty text."):
        path_of(text, "the path of a thing")


@pytest.mark.parametrize("path", [".", "-", "a b", Path("out"), Path()])
def test_any_other_is(path):
    assert path_of(path) == Path(path)


def a_socket(path):
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(os.path.relpath(path))  # an absolute one may be too long


def a_loop(path):
    path.symlink_to(path.name)


def a_device(path):
    try:
        os.mknod(path, 0o20666, os.makedev(1, 3))  # another /dev/null
    except PermissionError:
        pytest.skip("only root makes devices")


NO_FILES = {
    "a pipe": os.mkfifo,
    "a socket": a_socket,
    "a device": a_device,
    "a link that leads back to itself": a_loop,
}


@pytest.mark.parametrize("by_link", [False, True], ids=["itself", "by a link"])
@pytest.mark.parametrize("kind", NO_FILES)
def test_what_is_no_file_is_not_replaced(tmp_path, monkeypatch, kind, by_link):
    monkeypatch.chdir(tmp_path)
    place = path = tmp_path / "out.csv"
    NO_FILES[kind](place)
    if by_link:
        path = tmp_path / "link.csv"
        path.symlink_to(place)
    before = place.lstat()
    for write in (file_target, lambda path: write_aside(path, lambda file: file.write(b"new"))):
        with refuses(f"{path}: expected a file to write. Received: {kind}."):
            write(path)
    assert os.path.samestat(place.lstat(), before)
    assert len(list(tmp_path.iterdir())) == 1 + by_link


SYSTEM = ["/dev/stdout", "/dev/stderr", "/dev/null", "/dev/fd/1", "/proc/self/fd/1", "/dev/new"]


@pytest.mark.parametrize("path", SYSTEM)
def test_what_is_the_systems_is_not_replaced_whatever_it_leads_to(tmp_path, path):
    """/dev/stdout leads to a file where standard output is redirected to one."""
    (tmp_path / "link").symlink_to(path)
    for each in (path, tmp_path / "link", f"/tmp/..{path}"):
        with refuses("Received: one of the system's. Choose another path. (Where a command can"):
            file_target(each)


@pytest.mark.parametrize("there", [True, False], ids=["there", "dangling"])
def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path, there):
    target, link, second = tmp_path / "data" / "out.csv", tmp_path / "link", tmp_path / "second"
    if there:
        target.parent.mkdir()
        target.write_bytes(b"old")
    link.symlink_to("data/out.csv")
    second.symlink_to(link)
    write_aside(second, lambda file: file.write(b"new"))
    assert link.is_symlink()
    assert second.is_symlink()
    assert target.read_bytes() == b"new"
    assert [p.name for p in target.parent.iterdir()] == ["out.csv"]


def test_a_folder_that_is_a_link_is_a_folder(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path)
    with refuses("expected a file to write. Received: a folder of that name."):
        file_target(tmp_path / "link")


def test_one_file_has_many_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.csv"
    path.touch()
    os.link(path, tmp_path / "hard.csv")
    (tmp_path / "soft.csv").symlink_to(path)
    (tmp_path / "folder").symlink_to(tmp_path)
    names = ["a.csv", "./a.csv", "x/../a.csv", "hard.csv", "soft.csv", "folder/a.csv"]
    assert all(is_same(path, name) for name in names)
    (tmp_path / "b.csv").touch()
    assert not is_same(path, "b.csv")
    assert is_same("new.csv", "folder/new.csv")
    assert not is_same("new.csv", "newer.csv")


@pytest.mark.parametrize("path", ["", "  "])
def test_no_function_that_takes_a_path_takes_an_empty_text(golden, tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    x = np.zeros((200, 6), np.float32)
    for call in (
        open_bundle,
        Runner.load,
        BatchScorer.of,
        lambda path: read_input(path, Runner.load(golden).manifest.model),
        lambda path: plan([path], None),
        lambda path: recalibrate(golden, x, path),
        lambda path: recalibrate(path, x, "new"),
        lambda path: write_aside(path, lambda file: None),
        lambda path: StateFile(path, results=1, seconds=1.0),
    ):
        with refuses("an empty text. Is a variable not set?"):
            call(path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_protected_from_being_written_stays(tmp_path):
    path = tmp_path / "o.csv"
    path.write_text("kept")
    path.chmod(0o444)
    for place in (path, tmp_path / "link.csv"):
        if place != path:
            place.symlink_to(path)
        with refuses("Received: one that is protected from being written. Choose another path."):
            write_aside(place, lambda file: file.write(b"new"))
    assert path.read_text() == "kept"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_what_takes_the_place_of_a_file_is_for_the_same_readers(tmp_path, mode):
    path = tmp_path / "o.csv"
    path.touch()
    path.chmod(mode)
    write_aside(path, lambda file: file.write(b"new"))
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == mode
