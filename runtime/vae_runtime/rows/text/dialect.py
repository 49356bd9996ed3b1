"""Dialect of a text file: what the user says of it, then what its first block shows.

Each file is recognised by itself, since the next export of a logger may differ from that of
training; the dialect recorded in training settles what two readings would explain equally well.
What was taken is told in one line, but for plain CSV.
"""

import dataclasses
import logging
import re
import shlex
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from vae_runtime._base.printable import printable
from vae_runtime.bundle.records import Dialect

from .cells import CellFormat
from .no_tables import check_table
from .recognition import Ambiguous, Readings, recognise_text
from .text_files import UTF8, UTF16_MARKS, encoding_named, head_of

HEAD = 2**16  # bytes of a file that are looked at
BLANKS = " "
SEPARATORS = {  # as they are typed, beside the character itself
    "tab": "\t",
    "\\t": "\t",
    "comma": ",",
    "semicolon": ";",
    "bar": "|",
    "blank": BLANKS,
    "blanks": BLANKS,
    "\\s+": BLANKS,
}
WORDS = {
    ",": "commas",
    ";": "semicolons",
    "\t": "tabs",
    "|": "bars",
    BLANKS: "blanks",
}
PLAIN = Dialect()
MOST_LINES = 10_000  # above a table


@dataclass(frozen=True)
class Reading:
    r"""Options of reading text; None is as the file shows.

    Args:
        sep, decimal, thousands, encoding, comment, header, skiprows: see `Dialect`.
        missing: cells that mean "no value", in files of any format.
        recorded: the dialect of training, for what the file leaves open.

    >>> Reading(sep="tab").sep
    '\t'
    """

    sep: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    encoding: str | None = None
    comment: str | None = None
    header: bool | None = None
    skiprows: int | None = None
    missing: tuple[str, ...] = ()
    recorded: Dialect | None = None

    def __post_init__(self) -> None:
        for name in ("sep", "decimal", "thousands", "comment"):
            _check_mark(name, self._settle(name, SEPARATORS if name == "sep" else {}))
        if self.encoding is not None:
            object.__setattr__(self, "encoding", encoding_named(self.encoding))
        if self.skiprows is not None and not 0 <= self.skiprows <= MOST_LINES:
            raise ValueError(
                f"expected --skiprows of 0 to {MOST_LINES:,}. Received: {self.skiprows}."
            )
        if self.recorded is not None and self.recorded.sep in SEPARATORS:  # a tab by its name
            plain = dataclasses.replace(self.recorded, sep=SEPARATORS[self.recorded.sep])
            object.__setattr__(self, "recorded", plain)
        if self.decimal is not None and self.decimal == self.thousands:
            raise ValueError(
                "expected different marks for --decimal and --thousands. Received: "
                f"{self.decimal!r} twice."
            )

    def _settle(self, name: str, words: dict[str, str]) -> str | None:
        given: str | None = getattr(self, name)
        if given is not None:
            given = words.get(given.lower(), given)
            object.__setattr__(self, name, given)
        return given

    @property
    def codes(self) -> tuple[str, ...]:
        """Cells that mean "no value": those given, or else those of training."""
        return self.missing or (self.recorded.missing if self.recorded is not None else ())

    @property
    def asked(self) -> dict[str, Any]:
        """Fields of a `Dialect` that are given."""
        names = ("sep", "decimal", "thousands", "encoding", "comment", "header", "skiprows")
        found = {name: getattr(self, name) for name in names}
        return {name: value for name, value in found.items() if value is not None}


def open_dialect(path: Path, reading: Reading | None = None) -> Dialect:
    """The dialect of a text file, told once where it is not plain CSV.

    Raises:
        ValueError: two readings are equally likely; says what to type for each.
        OSError: it cannot be read.
    """
    found = path.stat()
    return _opened(path, (found.st_size, found.st_mtime_ns), reading or Reading())


def recognise(head: bytes, reading: Reading, *, is_whole: bool = True) -> Dialect:
    r"""The dialect of a text by its first bytes; `is_whole` where they are all of it.

    Raises:
        ValueError: two readings are equally likely, or an encoding does not fit.

    >>> found = recognise(b"t;x\n1,5;2,5\n", Reading())
    >>> found.sep, found.decimal
    (';', ',')
    """
    encoding = reading.encoding or encoding_of(head)
    text = _decoded(head, encoding)
    lines = re.split(r"\r\n|\r|\n", text)  # not at U+2028 and the like, which csv leaves alone
    lines = lines[:-1] if lines and not lines[-1] else lines
    if not is_whole and len(lines) > 1:
        lines = lines[:-1]
    try:
        readings = recognise_text(lines, reading.asked)
    except Ambiguous as problem:
        readings = _by_recorded(problem, reading.recorded)
    fields = dataclasses.asdict(readings) | {"encoding": encoding, "missing": reading.codes}
    return Dialect(**(fields | reading.asked))


def encoding_of(head: bytes) -> str:
    """The encoding of a text by its first bytes: marks, zeros, what is not utf-8."""
    for mark, encoding in UTF16_MARKS.items():
        if head.startswith(mark):
            return encoding
    zeros = [head[i::2].count(0) for i in (0, 1)]
    if max(zeros) * 4 > len(head) and min(zeros) * 20 < max(zeros):
        return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"
    try:
        head.decode()
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:  # else a character that the head cuts
            is_windows = any(0x80 <= byte < 0xA0 for byte in head)
            return "cp1252" if is_windows else "latin-1"
    return UTF8


def cell_format(dialect: Dialect) -> CellFormat:
    """The way in which the cells of a dialect write numbers."""
    return CellFormat(dialect.decimal, dialect.thousands, dialect.missing)


def recorded(dialect: Dialect) -> Dialect:
    r"""The dialect as a run and a manifest have it: `tab` by name, as they have no controls.

    >>> recorded(Dialect(sep="\t")).sep
    'tab'
    """
    return dataclasses.replace(dialect, sep="tab") if dialect.sep == "\t" else dialect


def options_of(dialect: Dialect) -> str:
    """Options that say a dialect, where it is not plain CSV: `--sep ';' --decimal ,`."""
    said: list[str] = []
    for name in ("sep", "decimal", "thousands", "encoding", "comment", "skiprows"):
        value = getattr(dialect, name)
        if value != getattr(PLAIN, name):
            said.append(f"--{name} {_typed(value)}")
    return " ".join(said)


def described(dialect: Dialect) -> str:
    """Dialect in words, where it is not plain CSV: `semicolons between cells, decimal commas`."""
    said = []
    if dialect.sep != ",":
        said.append(f"{WORDS.get(dialect.sep, repr(dialect.sep))} between cells")
    if dialect.decimal != ".":
        said.append(
            "decimal commas" if dialect.decimal == "," else f"{dialect.decimal!r} before fractions"
        )
    if dialect.thousands is not None:
        said.append(f"{dialect.thousands!r} between thousands")
    if dialect.encoding != UTF8:
        said.append(dialect.encoding.replace("latin", "Latin").replace("utf", "UTF"))
    if dialect.comment is not None:
        said.append(f"lines of {dialect.comment} left out")
    if dialect.skiprows:
        said.append(f"{_counted(dialect.skiprows, 'line')} above the table left out")
    if dialect.units:
        said.append(f"{_counted(dialect.units, 'line')} of units below the names left out")
    return ", ".join(said)


@lru_cache(maxsize=256)
def _opened(path: Path, state: tuple[int, int], reading: Reading) -> Dialect:
    head = head_of(path, HEAD)
    check_table(path, head)
    try:
        dialect = recognise(head, reading, is_whole=len(head) < HEAD)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    words, options = described(dialect), options_of(dialect)
    given = {name: getattr(PLAIN, name) for name in dialect.__dataclass_fields__} | reading.asked
    if words and dialect != Dialect(**(given | {"missing": dialect.missing})):
        many = options.count("--") > 1
        _tell(path, f"{words} ({options} {'say' if many else 'says'} so)" if options else words)
    return dialect


@lru_cache(maxsize=256)
def _told(folder: Path, suffix: str, words: str) -> list[Path]:
    """The file of a folder that was told to be read so; none before."""
    return []


def _tell(path: Path, words: str) -> None:
    """Warns of how a file is read; of the files of a folder that are read alike, of the first."""
    told = _told(path.parent, path.suffix, words)
    if not told:
        told.append(path)
        logging.getLogger("vae_runtime").warning(
            "%s: read as: %s", printable(path), printable(words)
        )


def _by_recorded(problem: Ambiguous, recorded: Dialect | None) -> Readings:
    """The one of several readings that is as in training; else the error that names them."""
    for each in problem.readings:
        if recorded is not None and each.marks == (
            SEPARATORS.get(recorded.sep, recorded.sep),
            recorded.decimal,
            recorded.thousands,
        ):
            return each
    ways = [f"{described(_marked(each))} ({_full_options(each)})" for each in problem.readings[:2]]
    raise ValueError(
        f"expected a table that can be read in one way. Received: {problem.example!r:.60}, which "
        f"may be {' or '.join(ways)}. Give the options of the one that it is."
    ) from problem


def _marked(each: Readings) -> Dialect:
    return Dialect(sep=each.sep, decimal=each.decimal, thousands=each.thousands)


def _full_options(each: Readings) -> str:
    """Options of a reading, with the decimal mark in any case."""
    said = [f"--sep {_typed(each.sep)}", f"--decimal {_typed(each.decimal)}"]
    if each.thousands is not None:
        said.append(f"--thousands {_typed(each.thousands)}")
    return " ".join(said)


def _typed(value: Any) -> str:
    """A value as a shell takes it."""
    text = {"\t": "tab", BLANKS: "blanks"}.get(value, str(value))
    return text if text == "," else shlex.quote(text)


def _decoded(head: bytes, encoding: str) -> str:
    """Text of the first bytes; a character that they cut at the end is left out."""
    try:
        text = head.decode(encoding)
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:
            raise ValueError(
                f"expected text in {encoding}. Received: {error}. Say what it is in: --encoding "
                "latin-1, cp1252, utf-16-le or utf-16-be."
            ) from error
        text = head[: error.start].decode(encoding)
    return text.removeprefix("\ufeff")


def _check_mark(name: str, mark: str | None) -> None:
    if mark is None:
        return
    fits = len(mark) == 1 and not mark.isalnum() and mark not in '"\r\n_'
    if not fits:
        raise ValueError(
            f"expected --{name} of one character, no letter, digit or quote. "
            f"Received: {mark!r:.40}."
        )


def _counted(n: int, one: str) -> str:
    return f"{n:,} {one if n == 1 else one + 's'}"
