import io
import re

import numpy as np
import pytest

from vae_runtime.rows.formats.registry import ENDINGS


def refuses(message):
    return pytest.raises(ValueError, match=re.escape(message))


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def npz(**named):
    buffer = io.BytesIO()
    np.savez(buffer, **named)
    return buffer.getvalue()


class Pickled:
    """Unpickling one creates a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
def test_an_npy_file_is_its_array(tmp_path, dtype, read_rows):
    x = np.arange(12).reshape(2, 3, 2).astype(dtype)
    (tmp_path / "rows.npy").write_bytes(npy(x))
    rows = read_rows(tmp_path / "rows.npy")
    assert rows.x.dtype == dtype
    np.testing.assert_array_equal(rows.x, x)
    assert (rows.y, rows.names) == (None, None)


@pytest.mark.parametrize("key", ["x", "X"])
def test_an_npz_file_holds_x(tmp_path, key, read_rows):
    (tmp_path / "rows.npz").write_bytes(npz(**{key: np.eye(3), "other": np.ones(9)}))
    rows = read_rows(str(tmp_path / "rows.npz"))
    np.testing.assert_array_equal(rows.x, np.eye(3))
    assert (rows.y, rows.names) == (None, None)


def test_an_npz_file_may_hold_labels(tmp_path, read_rows):
    (tmp_path / "rows.npz").write_bytes(npz(x=np.eye(3), y=np.array([0, 1, 0])))
    np.testing.assert_array_equal(read_rows(tmp_path / "rows.npz").y, [0, 1, 0])


def test_an_npz_file_without_x_is_refused_with_what_it_has(tmp_path, read_rows):
    path = tmp_path / "rows.npz"
    path.write_bytes(npz(a=np.ones(3), b=np.ones(3)))
    with refuses(f'{path}: expected the key "x". Received: a, b.'):
        read_rows(path)


@pytest.mark.parametrize("shape", [(2,), (4,), (3, 1)])
def test_labels_that_are_not_one_a_row_are_refused(tmp_path, shape, read_rows):
    path = tmp_path / "rows.npz"
    path.write_bytes(npz(x=np.eye(3), y=np.zeros(shape)))
    with refuses(f"{path}: expected y of shape (3,). Received: {shape}."):
        read_rows(path)


@pytest.mark.parametrize(("name", "save"), [("rows.npy", npy), ("rows.npz", lambda x: npz(x=x))])
def test_a_pickle_is_refused_by_file_and_not_run(tmp_path, name, save, read_rows):
    path, trace = tmp_path / name, tmp_path / "unpickled"
    path.write_bytes(save(np.array([Pickled(str(trace))])))
    with refuses(f"{path} is not a numpy file of plain numbers: it holds Python objects"):
        read_rows(path)
    assert not trace.exists()


def encrypted(content):
    """The same archive, said to need a password."""
    at = content.index(b"PK\x01\x02") + 8  # the flags in the central directory; bit 0 is this one
    return content[:at] + bytes([content[at] | 1]) + content[at + 1 :]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("rows.npy", b"", id="empty npy"),
        pytest.param("rows.npz", b"", id="empty npz"),
        pytest.param("rows.npy", b"1,2,3\n", id="text as npy"),
        pytest.param("rows.npz", b"1,2,3\n", id="text as npz"),
        pytest.param("rows.npy", npy(np.eye(9))[:-1], id="truncated npy"),
        pytest.param("rows.npy", npy(np.eye(9)).replace(b")", b"("), id="damaged npy header"),
        pytest.param(
            "rows.npy", npy(np.eye(9)).replace(b" 'f", b"b'f"), id="npy header of another type"
        ),
        pytest.param("rows.npz", npz(x=np.eye(9))[:-30], id="truncated npz"),
        pytest.param("rows.npz", encrypted(npz(x=np.eye(9))), id="encrypted npz"),
        pytest.param("rows.npz", npz(x=np.eye(9)).replace(bytes(50), b"a" * 50), id="damaged npz"),
        pytest.param("rows.npz", npy(np.eye(9)), id="npy as npz"),
        pytest.param("rows.npy", npz(x=np.eye(9)), id="npz as npy"),
    ],
)
def test_what_is_not_the_file_that_its_name_promises_is_refused_by_its_name(
    tmp_path, name, content, read_rows
):
    path = tmp_path / name
    path.write_bytes(content)
    with refuses(str(path)):
        read_rows(path)


def test_another_extension_is_refused_with_those_there_are(tmp_path, read_rows):
    path = tmp_path / "rows.doc"
    with refuses(f"{path}: expected a file of {', '.join(ENDINGS)}. Received: {path.suffix}."):
        read_rows(path)


def test_a_name_without_an_ending_says_whether_anything_is_there(tmp_path, read_rows):
    with refuses("Received: nothing there."):
        read_rows(tmp_path / "rows")
    (tmp_path / "rows").write_bytes(b"\0\1\2")
    with refuses("Received: a file without an ending."):
        read_rows(tmp_path / "rows")


@pytest.mark.parametrize("name", ["rows.npy", "rows.npz", "rows.csv", "rows.parquet"])
def test_a_missing_file_is_an_oserror_that_names_it(tmp_path, name, read_rows):
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path / name))):
        read_rows(tmp_path / name)


def test_a_label_is_refused_where_parts_have_no_names(tmp_path, read_rows):
    path = tmp_path / "rows.npy"
    path.write_bytes(npy(np.eye(3)))
    with refuses(f"{path}: expected a file whose parts have names, for y. Received: a .npy file"):
        read_rows(path, label="y")


def test_the_key_of_labels_of_an_npz_may_have_another_name(tmp_path, read_rows):
    (tmp_path / "rows.npz").write_bytes(npz(x=np.eye(3), broken=np.array([0, 1, 0])))
    assert read_rows(tmp_path / "rows.npz", label="broken").y.tolist() == [False, True, False]


def test_an_npz_file_may_hold_what_its_rows_are_told_apart_by(tmp_path, read_rows):
    machine, time = np.array(["m", "m", "n"]), np.arange(3)
    (tmp_path / "rows.npz").write_bytes(npz(x=np.eye(3), machine=machine, time=time))
    rows = read_rows(tmp_path / "rows.npz", extra=("machine", "time"))
    np.testing.assert_array_equal(rows.extra["machine"], machine)
    np.testing.assert_array_equal(rows.extra["time"], time)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, "rows.npz: expected the key 'machine'. Received: x."),
        ({"machine": np.zeros(2)}, "expected machine of shape (3,). Received: (2,)."),
    ],
)
def test_an_npz_file_must_hold_it_for_each_row(tmp_path, arrays, message, read_rows):
    (tmp_path / "rows.npz").write_bytes(npz(x=np.eye(3), **arrays))
    with refuses(message):
        read_rows(tmp_path / "rows.npz", extra=("machine",))


def test_an_npy_file_has_no_parts_with_names(tmp_path, read_rows):
    (tmp_path / "rows.npy").write_bytes(npy(np.eye(3)))
    with refuses("expected a file whose parts have names, for machine. Received: a .npy file"):
        read_rows(tmp_path / "rows.npy", extra=("machine",))


def test_keys_of_an_npz_file_are_read_as_they_are(tmp_path, read_rows):
    kind = np.array(["on", "", "off"])
    (tmp_path / "rows.npz").write_bytes(npz(x=np.eye(3), kind=kind, other=np.ones(9)))
    extra = read_rows(tmp_path / "rows.npz", extra=("kind",)).extra
    assert list(extra) == ["kind"]
    np.testing.assert_array_equal(extra["kind"], kind)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("kind", "expected kind of shape (3,). Received: (2,)."),
        ("sort", "expected the key 'sort'. Received: x, kind."),
    ],
)
def test_keys_that_are_not_one_a_row_or_not_there_are_refused(tmp_path, extra, message, read_rows):
    (tmp_path / "rows.npz").write_bytes(npz(x=np.eye(3), kind=np.ones(2)))
    with refuses(f"{tmp_path / 'rows.npz'}: {message}"):
        read_rows(tmp_path / "rows.npz", extra=(extra,))


def test_a_single_array_has_nothing_beside_it(tmp_path, read_rows):
    (tmp_path / "rows.npy").write_bytes(npy(np.eye(3)))
    with refuses("expected a file whose parts have names, for kind."):
        read_rows(tmp_path / "rows.npy", extra=("kind",))
