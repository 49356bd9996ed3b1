"""Images from idx files, and what is said of files that are none."""

import gzip

import numpy as np
import pytest

from vae_keras import DataConfig, data
from vae_keras.data import idx
from vae_keras.data.idx import load_images, read_idx

IMAGES = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)


def encoded(array):
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


@pytest.fixture
def folder(tmp_path):
    """The training images plain, the test images gzipped, as both are found in the wild."""
    (tmp_path / "train-images-idx3-ubyte").write_bytes(encoded(IMAGES))
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(encoded(IMAGES[:2] + 1)))
    return tmp_path


def test_images_come_with_a_channel(folder):
    train, test = load_images("mnist", str(folder))
    np.testing.assert_array_equal(train, IMAGES[..., None])
    np.testing.assert_array_equal(test, IMAGES[:2, ..., None] + 1)
    assert train.dtype == test.dtype == np.uint8


def test_a_dataset_by_name_is_all_of_its_images_in_bytes(folder):
    dataset = data.load(DataConfig("fashion_mnist", data_dir=str(folder)))
    assert (dataset.name, dataset.x.shape, dataset.value_range) == (
        "fashion_mnist",
        (5, 4, 5, 1),
        (0.0, 255.0),
    )
    assert not dataset.y.any()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a", b"", "expected an idx file of bytes"),
        ("a", b"PK\x03\x04 a zip", "expected an idx file of bytes"),
        ("a", encoded(IMAGES)[:-1], r"expected 60 values for shape \(3, 4, 5\)\. Received: 59"),
        ("a.gz", b"no gzip", "is not a gzip file"),
        ("a.gz", gzip.compress(encoded(IMAGES))[:-9], "is not a gzip file"),
    ],
)
def test_what_is_no_idx_file_is_refused(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_idx(tmp_path / name)


def test_a_folder_without_the_files_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"expected a file train-images-idx3-ubyte"):
        load_images("mnist", str(tmp_path))


def test_a_download_that_fails_says_what_to_do(monkeypatch):
    def fail():
        raise Exception("no route to host")

    monkeypatch.setattr(idx.DATASETS["mnist"], "load_data", fail)
    with pytest.raises(ValueError, match=r"no route to host.*--data-dir DIR"):
        load_images("mnist", None)
