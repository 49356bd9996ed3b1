"""Files of results that appear whole or not at all."""

from contextlib import suppress
from pathlib import Path

from vae_runtime._base.atomic_files import aside_of, begin_aside, named, put_file_in_place, sync
from vae_runtime.batch.results import Result

from .bad_rows import RejectFile
from .journal import JournalRefused
from .writing import Opener, Writer


class Output:
    """The file of results, and that of rejected rows where there is one, written aside.

    Args:
        path: of the results.
        rejects: of the list of rejected rows; None where there can be none.
        open_writer: of the results' format.
    """

    def __init__(self, path: Path, rejects: Path | None, open_writer: Opener) -> None:
        self._path, self._rejects = path, rejects
        for each in self._paths():
            each.parent.mkdir(parents=True, exist_ok=True)
        self._list = None if rejects is None else RejectFile(begin_aside(rejects))
        try:
            self._writer: Writer = open_writer(begin_aside(path))
        except BaseException:
            self._close_list()
            self._remove()
            raise

    def add(self, result: Result) -> None:
        """Writes what became of a block."""
        if result.rows:
            with named(aside_of(self._path)):
                self._writer.write(result.columns)
        if self._rejects is not None and self._list is not None:
            with named(aside_of(self._rejects)):
                self._list.write(result.rejects)
        elif result.rejects:
            file, row, _ = result.rejects[0]
            raise JournalRefused(
                f"{file}, row {row}: expected --on-bad-row reject, as the run began with, which "
                "had this row rejected. Received: fail. Resume with what the run began with, or "
                "leave --resume out, to begin anew."
            )

    def commit(self) -> None:
        """Puts the files where they belong; from the disk, not from memory, if power is cut."""
        self._close_results()
        self._close_list()
        for path in self._paths():
            sync(aside_of(path))
        for path in self._paths():
            put_file_in_place(aside_of(path), path)

    def commit_rejects(self) -> None:
        """Puts the list of rejected rows in place where there are no results."""
        self._close_list()
        if self._rejects is not None:
            sync(aside_of(self._rejects))
            put_file_in_place(aside_of(self._rejects), self._rejects)

    def abandon(self) -> None:
        """Leaves nothing behind.

        Why is being raised already: what comes of closing a file that could not be written, or of
        closing one twice, would hide it.
        """
        for close in (self._close_results, self._close_list):
            with suppress(Exception):
                close()
        self._remove()

    def _remove(self) -> None:
        for path in self._paths():
            aside_of(path).unlink(missing_ok=True)

    def _close_results(self) -> None:
        with named(aside_of(self._path)):
            self._writer.close()

    def _close_list(self) -> None:
        if self._rejects is not None and self._list is not None:
            with named(aside_of(self._rejects)):
                self._list.close()

    def _paths(self) -> list[Path]:
        """The list of rejected rows first: where results are, it is there too."""
        return [*([] if self._rejects is None else [self._rejects]), self._path]
