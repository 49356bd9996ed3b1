"""Which files of a folder are images, whatever programs and systems leave there."""

import os
from pathlib import Path

import pytest

from vae_runtime.rows.formats.image_files import (
    SUFFIXES,
    anomalies_of,
    images_of,
    is_image,
    unread_of,
)

LEFT = (  # by systems, programs and cameras
    *("Thumbs.db", ".DS_Store", "._photo.png", "desktop.ini", "labels.txt", "photo.png.part"),
    *("__MACOSX/photo.png", "__MACOSX/deep/._photo.png", ".thumbnails/photo.png"),
    *("@eaDir/photo.png/SYNO_THUMB.jpg", "#recycle/photo.png", "$RECYCLE.BIN/photo.png"),
    *("System Volume Information/photo.png", "good/.git/photo.png", ".png"),
)


@pytest.fixture
def folder(tmp_path):
    """Makes empty files of these names."""

    def make(*names):
        for name in names:
            file = tmp_path / "photos" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
        images_of.cache_clear()
        return tmp_path / "photos"

    return make


def found_in(folder):
    return [file.relative_to(folder).as_posix() for file in images_of(str(folder))]


def test_images_are_found_by_their_endings_in_the_order_of_their_paths(folder):
    names = [f"{9 - i}{ending}" for i, ending in enumerate(SUFFIXES)]
    where = folder(*names, "b/2.PNG", "a/deep/1.Jpg", "_DSC0001.JPG", *LEFT)
    assert sorted(found_in(where)) == sorted([*names, "b/2.PNG", "a/deep/1.Jpg", "_DSC0001.JPG"])
    assert list(images_of(str(where))) == sorted(images_of(str(where)))


@pytest.mark.parametrize("name", LEFT)
def test_what_programs_leave_behind_is_no_image(folder, name):
    assert found_in(folder("a.png", name)) == ["a.png"]


def test_a_hidden_folder_that_is_asked_for_is_read(folder):
    assert found_in(folder(".hidden/a.png") / ".hidden") == ["a.png"]


def test_a_folder_or_a_pipe_of_such_a_name_is_no_image_and_a_dead_link_is_one(folder):
    where = folder("a.png")
    (where / "folder.png").mkdir()
    os.mkfifo(where / "pipe.png")
    (where / "z.png").symlink_to(where / "nothing.png")
    assert found_in(where) == ["a.png", "z.png"]


def test_a_file_is_its_own_only_image(folder):
    file = folder("a.png", "b.png") / "b.png"
    assert images_of(str(file)) == (file,)


def test_formats_that_are_not_read_are_counted(folder):
    where = folder("a.png", "b.HEIC", "c.heic", "d/e.cr2", ".hidden/f.heic", "notes.txt")
    assert unread_of(where) == "2 of .heic and 1 of .cr2"
    assert unread_of(folder() / "nothing") == ""


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a/1", "good/2", "good/deep/3", "z", "bad/Good/4"], [True, False, False, True, False]),
        (["NORMAL/1", "normal2/2"], [False, True]),
        (["cats/1", "dogs/2", "good"], [False, False, False]),
        ([], []),
    ],
)
def test_images_beside_a_folder_of_normal_ones_are_anomalies(names, expected):
    folder = Path("good")  # whose own name says nothing
    assert anomalies_of(folder, [folder / name for name in names]).tolist() == expected


@pytest.mark.parametrize(("name", "expected"), [("a.tiff", True), ("a.txt", False), ("a", False)])
def test_an_image_is_told_by_its_name(name, expected):
    assert is_image(Path(name)) is expected
