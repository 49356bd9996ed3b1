"""Runs a graph on any number of rows, some at a time, so that memory stays flat."""

import errno
import mmap
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_runtime.errors import BundleError
from vae_runtime.rows.arrays import ArrayCheck

from . import Session, names
from .threads import startable

# Pages of a mapped file that have been read count as memory of this process until it gives them
# back, which it does after so many bytes.
MAPPED_BYTES = 8 * 2**20

Rows = NDArray[Any]
Feeds = Mapping[str, NDArray[Any]]
Answers = list[NDArray[np.float32]]


class Question:
    """Graph, with the outputs that are asked for and the input that rows go into.

    Args:
        session: the graph.
        outputs: to be answered, by name.
        name: the input that the rows go into.
        check: makes of them what the graph takes.
    """

    def __init__(
        self, session: Session, outputs: tuple[str, ...], name: str, check: ArrayCheck
    ) -> None:
        self._session, self._outputs, self._name, self.check = session, outputs, name, check
        declared = {tensor.name: tensor.shape[1:] for tensor in session.outputs}
        taken = {tensor.name for tensor in session.inputs}
        if name not in taken or not {*outputs} <= {*declared}:
            raise BundleError(
                f"expected a graph of {name} that gives {', '.join(outputs)}. Received: one of "
                f"{', '.join(taken)!s:.200} that gives {', '.join(declared)!s:.200}. Export the "
                "bundle again."
            )
        self._shapes = [declared[output] for output in outputs]

    def check_shared(self, shared: Feeds) -> None:
        """Raises ValueError for inputs that a graph lacks, such as noise that is fixed in it."""
        taken = [tensor.name for tensor in self._session.inputs]
        if not set(shared) <= set(taken):
            raise ValueError(
                f"expected no more than this graph takes: {', '.join(taken)}. Received: "
                f"{', '.join(shared)} too. To score with samples, load the bundle with a backend "
                f"of .onnx files ({', '.join(names('onnx'))}); the score of others is at the "
                "posterior mean, always."
            )

    def answer(self, rows: Rows, first_row: int = 0, shared: Feeds | None = None) -> Answers:
        """The outputs for these rows, all at once.

        Args:
            rows: (batch, ...).
            first_row: the number of the first of them, for errors.
            shared: inputs that are the same for all rows.

        Raises:
            ValueError: the rows do not fit the graph.
            BundleError: the graph answers what its description does not say.
        """
        rows = self.check(rows, first_row)
        feeds = {self._name: rows} if shared is None else {self._name: rows, **shared}
        answers = self._session.run(self._outputs, feeds)
        for answer, shape in zip(answers, self._shapes, strict=True):
            if answer.shape != (len(rows), *shape):
                raise BundleError(
                    f"expected {' and '.join(self._outputs)} of {len(rows)} rows, each of shape "
                    f"{shape}. Received: shape {answer.shape}. The graph is not what the manifest "
                    "describes; export the bundle again."
                )
        return answers


def ask(
    question: Question, rows: Rows, shared: Feeds | None = None, *, chunk: int, workers: int = 1
) -> Answers:
    """The outputs for all rows, computed `chunk` rows at a time by `workers` threads."""
    if rows.ndim == 0 or len(rows) <= chunk or rows.shape[1:] != question.check.shape:
        return question.answer(rows, 0, shared)
    first = question.answer(rows[:chunk], 0, shared)
    results = [np.empty((len(rows), *a.shape[1:]), a.dtype) for a in first]

    def put(answers: Answers, start: int) -> None:
        for result, answer in zip(results, answers, strict=True):
            result[start : start + chunk] = answer

    def fill(start: int) -> None:
        put(question.answer(rows[start : start + chunk], start, shared), start)

    put(first, 0)
    pages, starts = _mapped_file(rows), range(chunk, len(rows), chunk)
    at_a_time = max(workers, MAPPED_BYTES // max(rows[:chunk].nbytes, 1))
    with _threads(workers) as each:
        for block in range(0, len(starts), at_a_time):
            for _ in each(fill, starts[block : block + at_a_time]):
                pass
            if pages is not None:
                _give_back(pages)
    return results


@contextmanager
def _threads(workers: int) -> Iterator[Callable[..., Iterator[None]]]:
    """`map`, or one that shares the work among threads."""
    if workers == 1:
        yield map
    else:
        from concurrent.futures import ThreadPoolExecutor  # 6 ms that most devices never need

        with ThreadPoolExecutor(workers) as pool, startable(workers):
            yield pool.map


def _give_back(pages: mmap.mmap) -> None:
    """Gives back pages that were read; a process that has locked its memory keeps them."""
    try:
        pages.madvise(mmap.MADV_DONTNEED)
    except OSError as error:
        if error.errno != errno.EINVAL:  # which says that they are locked (mlockall)
            raise


def _mapped_file(rows: Rows) -> mmap.mmap | None:
    """The mapping of the file that these rows are from, where its pages are sure to come back.

    That is a `np.memmap` opened read-only. Pages of any other buffer may be the only copy of what
    was written to them: of memory that is mapped privately or has no file, zeros would come back.
    """
    array: Any = rows
    while isinstance(array, np.ndarray):
        mapping = getattr(array, "_mmap", None)  # numpy's, of a memmap and of its views
        if mapping is not None:
            is_read_only = isinstance(array, np.memmap) and array.mode == "r"
            return mapping if is_read_only and hasattr(mmap, "MADV_DONTNEED") else None
        array = array.base
    return None
