import array
import ctypes
import functools
import mmap
import tempfile
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import numpy as np
import pytest

from vae_runtime import BundleError
from vae_runtime.backends.chunks import MAPPED_BYTES, Question, ask
from vae_runtime.bundle.manifest import Tensor


class Doubling:
    """A graph that doubles its rows, and remembers how many it was given at a time."""

    inputs = (Tensor("x", "float32", ("batch", 2)),)
    outputs = (Tensor("y", "float32", ("batch", 2)), Tensor("sum", "float32", ("batch",)))
    parity = {"y": 0.0, "sum": 0.0}  # noqa: RUF012 - a test's own

    def __init__(self, spoil=lambda answer: answer):
        self.sizes, self._spoil = [], spoil

    def run(self, outputs, feeds):
        x = feeds["x"]
        self.sizes.append(len(x))
        answers = {"y": 2 * x + feeds.get("noise", 0), "sum": x.sum(1)}
        return [self._spoil(answers[name]) for name in outputs]


class Any2:
    """Takes rows of two."""

    shape = (2,)
    as_array = staticmethod(np.asarray)

    def __call__(self, rows, first_row=0, /):
        if (rows < 0).any():
            raise ValueError(f"row {first_row + np.flatnonzero((rows < 0).any(1))[0]}")
        return np.ascontiguousarray(rows)


def question(graph, outputs=("y", "sum")):
    return Question(graph, outputs, "x", Any2())


def rows(n):
    return np.arange(2 * n, dtype=np.float32).reshape(n, 2)


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("n", [1, 6, 7, 8, 14, 100])
def test_answers_are_those_of_all_rows_at_once(n, workers):
    graph = Doubling()
    y, sums = ask(question(graph), rows(n), chunk=7, workers=workers)
    np.testing.assert_array_equal(y, 2 * rows(n))
    np.testing.assert_array_equal(sums, rows(n).sum(1))
    assert max(graph.sizes) <= 7
    assert sum(graph.sizes) == n


def test_what_rows_share_goes_with_each_chunk():
    (y,) = ask(question(Doubling(), ("y",)), rows(20), {"noise": np.float32(1)}, chunk=7)
    np.testing.assert_array_equal(y, 2 * rows(20) + 1)


@pytest.mark.parametrize("workers", [1, 3])
def test_errors_name_rows_by_their_number_among_all(workers):
    x = rows(100)
    x[93] = -1
    with pytest.raises(ValueError, match="row 93"):
        ask(question(Doubling()), x, chunk=7, workers=workers)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda a: a[:-1], id="fewer rows"),
        pytest.param(lambda a: a[..., None], id="another rank"),
        pytest.param(lambda a: a[:1] if len(a) > 1 else a[:0], id="one row, which would broadcast"),
    ],
)
@pytest.mark.parametrize("n", [3, 20])
def test_a_graph_that_answers_something_else_is_refused(spoil, n):
    with pytest.raises(BundleError, match="not what the manifest describes"):
        ask(question(Doubling(spoil)), rows(n), chunk=7)


def mapped(folder: Path, n: int, mode: str) -> np.memmap:
    np.save(folder / "x.npy", rows(n))
    return np.load(folder / "x.npy", mmap_mode=mode)


@pytest.mark.parametrize("mode", ["r", "r+", "c"])
@pytest.mark.parametrize("view", [lambda x: x, np.asarray, lambda x: x[5:]])
def test_rows_of_a_mapped_file_are_read_as_they_are(tmp_path, mode, view):
    n = MAPPED_BYTES // 8 + 1000  # more than is kept in memory at a time
    x = view(mapped(tmp_path, n, mode))
    (y,) = ask(question(Doubling(), ("y",)), x, chunk=65536)
    np.testing.assert_array_equal(y, 2 * rows(n)[n - len(x) :])


def test_what_was_written_to_a_private_mapping_stays(tmp_path):
    n = MAPPED_BYTES // 8 + 1000
    x = mapped(tmp_path, n, "c")
    x[3] = 77.0
    (y,) = ask(question(Doubling(), ("y",)), x, chunk=65536)
    assert y[3].tolist() == [154.0, 154.0]
    assert x[3].tolist() == [77.0, 77.0]


MANY = MAPPED_BYTES // 8 + 1000  # rows of two float32: more than is kept in memory at a time


def anonymous(size, **options):
    return mmap.mmap(-1, size, **options)


def of_file(access):
    def make(size):
        with tempfile.TemporaryFile() as file:
            file.write(bytes(size))
            file.flush()
            return mmap.mmap(file.fileno(), size, access=access)

    return make


# what numpy wraps, by how it is made; an array of it can be written to
BUFFERS = {
    "its own memory": bytearray,
    "ctypes": lambda size: (ctypes.c_char * size)(),
    "array.array": lambda size: array.array("B", bytes(size)),
    "memoryview": lambda size: memoryview(bytearray(size))[:],
    "anonymous mapping": anonymous,
    "copied mapping": of_file(mmap.ACCESS_COPY),
    "written mapping": of_file(mmap.ACCESS_WRITE),
}
if hasattr(mmap, "MAP_PRIVATE"):
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    BUFFERS["private mapping"] = functools.partial(anonymous, flags=flags)

VIEWS = {
    "itself": lambda x: x,
    "a part": lambda x: x[5:],
    "every second": lambda x: x[::2],
    "read-only": lambda x: np.lib.stride_tricks.as_strided(x, writeable=False),
    "as a memmap": lambda x: x.view(np.memmap),
    "by its buffer": lambda x: np.frombuffer(x, np.float32).reshape(-1, 2),
}


def check_that_rows_stay(kept, view, workers):
    """Rows in this buffer are scored as they are, and are still there afterwards."""
    whole = np.ndarray((MANY, 2), np.float32, kept)
    whole[:] = rows(MANY)
    x = VIEWS[view](whole)
    expected = x.copy()
    (y,) = ask(question(Doubling(), ("y",)), x, chunk=65536, workers=workers)
    np.testing.assert_array_equal(y, 2 * expected)
    np.testing.assert_array_equal(whole, rows(MANY))


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("buffer", BUFFERS)
@pytest.mark.parametrize("workers", [1, 2])
def test_whatever_holds_the_rows_they_are_scored_and_stay(buffer, view, workers):
    check_that_rows_stay(BUFFERS[buffer](MANY * 8), view, workers)


def test_rows_in_shared_memory_are_scored_and_stay():
    block = SharedMemory(create=True, size=MANY * 8)
    try:
        check_that_rows_stay(block.buf, "itself", workers=1)
    finally:
        block.close()
        block.unlink()


def test_a_file_that_is_gone_is_read_as_it_was(tmp_path):
    x = mapped(tmp_path, MANY, "r")
    (tmp_path / "x.npy").unlink()
    for _ in range(2):
        (y,) = ask(question(Doubling(), ("y",)), x, chunk=65536)
        np.testing.assert_array_equal(y, 2 * rows(MANY))


@pytest.mark.skipif(
    not (hasattr(mmap, "MADV_DONTNEED") and Path("/proc/self/smaps").exists()),
    reason="this system does not say what is mapped",
)
def test_pages_that_were_read_are_given_back(tmp_path):
    x = mapped(tmp_path, MAPPED_BYTES // 2, "r")  # four times what is kept
    ask(question(Doubling(), ("sum",)), x, chunk=65536)
    assert resident(tmp_path / "x.npy") <= MAPPED_BYTES / 2**20


@pytest.mark.skipif(not hasattr(mmap, "MADV_DONTNEED"), reason="no pages are given back here")
def test_pages_that_the_process_has_locked_stay_and_are_no_error(tmp_path):
    x = mapped(tmp_path, MANY, "r")
    page = ctypes.c_void_p(x.ctypes.data // mmap.PAGESIZE * mmap.PAGESIZE)
    lock = ctypes.CDLL(None, use_errno=True).mlock
    if lock(page, ctypes.c_size_t(mmap.PAGESIZE)):
        pytest.skip("this process may not lock memory")
    (y,) = ask(question(Doubling(), ("y",)), x, chunk=65536)
    np.testing.assert_array_equal(y, 2 * rows(MANY))


def resident(path: Path) -> float:
    """MiB of a mapped file that count as memory of this process."""
    lines = iter(Path("/proc/self/smaps").read_text().splitlines())
    found = [
        next(part for part in lines if part.startswith("Rss:"))
        for line in lines
        if str(path) in line
    ]
    return sum(int(line.split()[1]) for line in found) / 1024


def test_a_graph_that_gives_or_takes_other_things_is_refused():
    session = Doubling()
    with pytest.raises(BundleError, match="a graph of x that gives score"):
        Question(session, ("score",), "x", Any2())
    with pytest.raises(BundleError, match="a graph of z that gives y"):
        Question(session, ("y",), "z", Any2())
