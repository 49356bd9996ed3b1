"""The probe is read as numpy reads it, or refused; never more memory than its bytes account for."""

import contextlib
import io
import re
import struct
import time
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from vae_runtime.bundle import npz

ARRAYS = {"x": np.arange(6, dtype=np.float32).reshape(2, 3), "scorer.score": np.ones(2, np.uint8)}


def refuses(message):
    return pytest.raises(ValueError, match=re.escape(message))


def saved(arrays, save=np.savez):
    buffer = io.BytesIO()
    save(buffer, **arrays)
    return buffer.getvalue()


def zipped(members, method=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def npy(header, data=b"", version=b"\x01\x00"):
    header = header.encode() + b"\n"
    return b"\x93NUMPY" + version + len(header).to_bytes(2, "little") + header + data


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(
        st.sampled_from(["<f4", "<f8", "u1", "i1", "<i8"]),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0),
    ),
    st.sampled_from([np.savez, np.savez_compressed]),
    st.sampled_from("CF"),
)
def test_arrays_are_read_as_numpy_wrote_them(array, save, order):
    array = np.asarray(array, order=order)
    read = npz.read(saved({"a.b": array}, save))["a.b"]
    assert (read.dtype, read.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(read, array)


@pytest.mark.parametrize(
    "array",
    [
        np.array([{}], object),
        np.array(["a"]),
        np.array([b"a"]),
        np.zeros(2, [("a", "f4")]),
        np.zeros(2, "M8[s]"),
        np.zeros(2, complex),
        np.zeros(2, ">f4"),
    ],
    ids=["objects", "text", "bytes", "records", "times", "complex", "big-endian"],
)
def test_what_is_no_plain_number_is_refused(array):
    with refuses("a.npy is not an array of plain numbers"):
        npz.read(saved({"a": array}))


def test_pickles_are_refused_in_our_words():
    with pytest.raises(ValueError, match="objects") as e:
        npz.read(saved({"a": np.array([{}], object)}))
    assert "pickle" not in str(e.value)


HEADER = "{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }"
BROKEN = {
    "more than it has": (HEADER % "999999999999,", bytes(4), "says shape (999999999999,)"),
    "overflow": (HEADER % "4294967296, 4294967296", b"", "says shape"),
    "less than it has": (HEADER % "1,", bytes(8), "says shape (1,)"),
    "negative": (HEADER % "-1,", bytes(4), "not an array of plain numbers"),
    "expression": (HEADER % "2**3,", bytes(32), "not an array of plain numbers"),
    "nested": ("(" * 9000, b"", "not an array of plain numbers"),
    "many axes": (HEADER % ("1, " * 40), bytes(4), "says shape"),
    "axes without end": (HEADER % ("1, " * 400), bytes(4), "not an array of plain numbers"),
    "a float of a byte": (HEADER.replace("f4", "f1") % "4,", bytes(4), "not an array of plain"),
    "an unsigned float": (HEADER.replace("<f4", "|f1") % "4,", bytes(4), "not an array of plain"),
    "half a float": (HEADER.replace("f4", "f3") % "4,", bytes(12), "not an array of plain numbers"),
}


@pytest.mark.parametrize(("header", "data", "message"), BROKEN.values(), ids=BROKEN)
def test_a_header_that_does_not_fit_its_data_is_refused(header, data, message):
    with refuses(message):
        npz.read(zipped([("a.npy", npy(header, data))]))


@pytest.mark.parametrize("version", [b"\x03\x00", b"\x00\x00", b"\xff\xff"])
def test_other_versions_are_refused(version):
    with refuses("not an array of plain numbers"):
        npz.read(zipped([("a.npy", npy(HEADER % "1,", bytes(4), version))]))


def test_an_archive_that_would_inflate_without_end_is_refused_before_it_does():
    content = saved({"a": np.zeros(50_000_000, np.uint8)}, np.savez_compressed)
    assert len(content) < 60_000
    tracemalloc.start()
    with refuses(f"its {len(content)} bytes would become 50000"):
        npz.read(content)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_a_member_that_inflates_to_more_than_it_says_is_refused_at_that_size():
    content = bytearray(saved({"a": np.zeros(50_000_000, np.uint8)}, np.savez_compressed))
    entry = content.index(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = (1000).to_bytes(4, "little")
    tracemalloc.start()
    with refuses("zip archive"):
        npz.read(bytes(content))
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([("a.npy", b""), ("b.txt", b"")], "it holds 'b.txt', which is not an array"),
        ([("\x1b.npy", b"")], "it holds '\\x1b.npy', which is not an array"),
        ([(f"a{i}.npy", b"") for i in range(257)], "it has 257 arrays"),
        ([("a.npy", b"")], "a.npy is not an array of plain numbers"),
    ],
)
def test_other_members_are_refused(members, message):
    with refuses(message):
        npz.read(zipped(members))


SECONDS = 20.0  # where it took minutes


def test_a_header_of_many_megabytes_is_not_looked_at():
    header = (HEADER % ("1, " * 6_000_000)).encode() + b"\n"
    data = b"\x93NUMPY\x02\x00" + len(header).to_bytes(4, "little") + header + bytes(4)
    begun = time.monotonic()
    with refuses("a.npy is not an array of plain numbers") as e:
        npz.read(zipped([("a.npy", data)]))
    assert time.monotonic() - begun < SECONDS
    assert len(str(e.value)) < 1000


def directory(entries, count, size):
    """An archive with a directory of so many entries, which says that it has these."""
    entry = struct.pack("<4s6H3I5H2I", b"PK\x01\x02", *[0] * 9, 1, *[0] * 6) + b"a"
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, count, count, size, 0, 0)
    return entry * entries + end


@pytest.mark.parametrize("count", [2, 300, 65_535])
def test_a_directory_of_a_million_members_is_refused_before_it_is_read(count):
    content = directory(1_000_000, count, 47_000_000)
    begun = time.monotonic()
    tracemalloc.start()
    with refuses(f"it has {count} arrays and 47000000 bytes of directory, too many"):
        npz.read(content)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()
    assert time.monotonic() - begun < SECONDS


def test_an_archive_of_many_gigabytes_by_its_own_word_is_refused():
    content = saved(ARRAYS)
    end = struct.pack("<4sIQI", b"PK\x06\x07", 0, 0, 1)
    with refuses("bytes of directory, too many"):
        npz.read(content[:-22] + end + content[-22:])


@pytest.mark.parametrize("content", [b"", b"PK", saved(ARRAYS)[:-1], saved(ARRAYS) + b"\0"])
def test_an_archive_that_does_not_end_as_one_is_refused(content):
    with refuses("it is not a valid zip archive"):
        npz.read(content)


def test_two_arrays_of_one_name_are_refused():
    content = saved({"a": np.ones(2), "b": np.ones(2)}).replace(b"b.npy", b"a.npy")
    with refuses("it has 2 arrays, too many or of one name"):
        npz.read(content)


def test_a_damaged_header_is_not_repeated_at_length():
    content = saved({"a" * 90: np.ones(2)})
    at = content.index(b"a" * 90)
    with refuses("zip archive") as e:
        npz.read(content[:at] + b"\xff" * 80 + content[at + 80 :])
    assert len(str(e.value)) < 200


def test_other_compressions_are_refused():
    with refuses("a.npy is compressed in another way than by deflate"):
        npz.read(zipped([("a.npy", b"")], zipfile.ZIP_LZMA))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damage_is_an_array_or_a_value_error(data):
    content = bytearray(saved(ARRAYS, np.savez_compressed))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ValueError):
        npz.read(bytes(content))
