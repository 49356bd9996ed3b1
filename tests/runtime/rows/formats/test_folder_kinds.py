"""Folders of images, of files of rows, and of both, which is told."""

import logging

import numpy as np
import pytest

from vae_runtime.bundle.manifest import ImageSpec
from vae_runtime.rows.blocks import Wanted
from vae_runtime.rows.formats.image_files import is_of_images
from vae_runtime.rows.input_files import files_of

SPEC = ImageSpec(8, None, "upright")
PHOTO, ROWS = Wanted(shape=(5, 7, 1), image=SPEC), Wanted(shape=(3,))
ANY, ARRAYS = Wanted(), Wanted(shape=(5, 7, 1))


@pytest.fixture
def folder(tmp_path):
    """Makes a folder of so many images and tables, beside what programs leave there."""

    def make(images, tables):
        names = [*(f"{i}.PNG" for i in range(images)), *(f"{i}.csv" for i in range(tables))]
        for name in (*names, "Thumbs.db", "._0.png", "_notes.csv"):
            (tmp_path / name).write_bytes(b"")
        return tmp_path

    return make


@pytest.mark.parametrize(
    ("images", "tables", "wanted", "expected", "told"),
    [
        (3, 0, PHOTO, True, False),
        (3, 0, ANY, True, False),
        (3, 0, ROWS, False, False),
        (0, 2, PHOTO, False, False),
        (0, 2, ANY, False, False),
        (0, 0, ANY, True, False),
        (3, 1, ANY, True, True),
        (3, 1, ARRAYS, True, True),
        (1, 3, ANY, False, True),
        (2, 2, ARRAYS, False, True),
        (1, 3, PHOTO, True, True),
        (3, 1, ROWS, False, False),
    ],
)
def test_a_folder_of_both_is_told(folder, caplog, images, tables, wanted, expected, told):
    where = folder(images, tables)
    with caplog.at_level(logging.WARNING, "vae_runtime"):
        for _ in range(2):
            files = sorted(where.glob("[0-9]*.csv"))
            assert is_of_images(where, files, wanted) is expected
    assert len(caplog.messages) == told
    if told:
        read, left = (f"images ({images})", f"files of rows ({tables}, such as .csv)")
        if not expected:
            read, left = left, read
        glob = "/*.csv" if expected else "/*.png"
        assert caplog.messages[0] == (
            f"{where}: its {read} are read, its {left} are left alone. To read those, name them: "
            f"'{where}{glob}'"
        )


def test_what_is_read_of_a_folder_of_both(folder):
    where = folder(2, 1)
    assert files_of([str(where)], PHOTO) == [where]
    assert files_of([str(where)], ROWS) == [where / "0.csv"]
    assert files_of([f"{where}/*.csv"], PHOTO) == [where / "0.csv", where / "_notes.csv"]
    assert files_of([f"{where}/*.PNG"], PHOTO) == [where / "0.PNG", where / "1.PNG"]
    np.testing.assert_equal(files_of([str(where / "1.PNG")], PHOTO), [where / "1.PNG"])
