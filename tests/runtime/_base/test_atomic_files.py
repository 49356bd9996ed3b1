"""Files are written whole or not at all."""

import os
import re

import pytest

from vae_runtime._base.atomic_files import write_aside


def refuses(message):
    return pytest.raises(ValueError, match=re.escape(message))


def test_writing_aside_shows_the_file_only_when_it_is_whole(tmp_path):
    path = tmp_path / "out.npy"
    path.write_bytes(b"old")

    def write(file):
        file.write(b"new")
        assert path.read_bytes() == b"old"

    write_aside(path, write)
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="other systems do not replace a file that is open")
def test_writing_aside_does_not_disturb_who_still_reads_the_old_file(tmp_path):
    path = tmp_path / "out.npy"
    path.write_bytes(b"old")
    with path.open("rb") as reader:
        write_aside(path, lambda file: file.write(b"new"))
        assert reader.read() == b"old"


@pytest.mark.parametrize("before", [None, b"old"])
def test_writing_aside_changes_nothing_where_it_fails(tmp_path, before):
    path = tmp_path / "out.npy"
    if before is not None:
        path.write_bytes(before)

    def fail(file):
        file.write(b"half of it")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_aside(path, fail)
    assert [p.read_bytes() for p in tmp_path.iterdir()] == ([before] if before else [])


def test_writing_aside_makes_the_directory(tmp_path):
    write_aside(tmp_path / "a" / "b" / "out.npy", lambda file: file.write(b"new"))
    assert [p.name for p in (tmp_path / "a" / "b").iterdir()] == ["out.npy"]


def test_a_directory_in_the_way_of_a_file_is_refused_and_nothing_left_beside_it(tmp_path):
    path = tmp_path / "out"
    path.mkdir()
    with refuses(f"{path}: expected a file to write. Received: a folder of that name."):
        write_aside(path, lambda file: file.write(b"new"))
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_is_told_by_the_name_that_was_given(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    path = tmp_path / "file" / "out.npy"
    with pytest.raises(OSError, match=r"exists|directory") as e:
        write_aside(path, lambda file: file.write(b"new"))
    assert e.value.filename == str(path)
