"""Recognition of a table in lines of text: what stands between cells, how numbers are written.

Each way to read the lines is tried, and the one is taken by which most cells are numbers, dates,
truths or missing, in rows of one length. Plain CSV is taken where no other way explains more.
"""

import csv
import itertools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from .cells import FALSE, TRUE, CellFormat
from .headers import is_numbered
from .table_begin import TIME, first_of, is_number, is_typed_cell

SEPARATORS = (",", ";", "\t", "|", " ")
FORMATS: tuple[tuple[str, str | None], ...] = (  # decimal mark, mark of thousands
    (".", None),
    (",", None),
    (".", ","),
    (",", "."),
    (".", "'"),
    (",", "'"),
    (".", " "),
    (",", " "),
    (".", "\u00a0"),
    (",", "\u00a0"),
    (".", "\u202f"),
    (",", "\u202f"),
)
COMMENTS = "#%!"  # marks of a comment that are known by themselves
LOOKED_AT = 200  # rows
MOST_CELLS = 1_000  # of them
ALMOST = 0.95  # share of lines or cells that counts as all of them
MOST_UNITS = 2  # lines below the names
SEP_LINE = re.compile(r'^"?sep=(.)"?[,;\t]*$', re.IGNORECASE)  # as Excel writes it
RULER = re.compile(r"^:?-{3,}:?$")  # between names and rows
DOTTED = re.compile(r"^\d{1,2}\.\d{1,2}\.(\d{4}|\d{2})([ T]|$)")
BLANKS = re.compile(r'("[^"]*")|[ \t]+')
SEVERAL_BLANKS = re.compile(r"\t+ *| {2,}\t*")
ONE_NUMBER = re.compile(r"^[+-]?\d+,\d+$")


@dataclass(frozen=True)
class Readings:
    """What the lines of a text show of its dialect."""

    sep: str = ","
    decimal: str = "."
    thousands: str | None = None
    comment: str | None = None
    header: bool = True
    skiprows: int = 0
    units: int = 0

    @property
    def marks(self) -> tuple[str, str, str | None]:
        """The marks by which cells and numbers are told."""
        return self.sep, self.decimal, self.thousands


class Ambiguous(ValueError):
    """Error for a text that two readings explain equally well; `example` is a line of it."""

    def __init__(self, readings: Sequence[Readings], example: str) -> None:
        super().__init__("two readings are equally likely")
        self.readings, self.example = readings, example


class Table(NamedTuple):
    """Cells of the lines by one separator, from `first` on; `even` is the share that are rows."""

    sep: str
    rows: list[list[str]]
    first: int
    even: float


def recognise_text(lines: Sequence[str], asked: Mapping[str, Any]) -> Readings:
    """What lines show, but for what is asked; Ambiguous where two readings are equally likely."""
    said = SEP_LINE.match(lines[0]) if lines and "skiprows" not in asked else None
    if said is None:
        return _recognised(lines, asked)
    try:
        found = _recognised(lines[1:], {"sep": said[1], **asked})
    except Ambiguous as problem:  # Excel writes that line where commas are before fractions
        found = next((r for r in problem.readings if r.decimal == ","), problem.readings[0])
    return replace(found, skiprows=1 + found.skiprows)


def _recognised(lines: Sequence[str], asked: Mapping[str, Any]) -> Readings:
    """What lines show that do not say it themselves."""
    skipped = asked.get("skiprows", 0)
    comment = asked.get("comment") or _comment_of(lines[skipped:])
    numbered = [
        (i, line)
        for i, line in enumerate(lines)
        if i >= skipped and line.strip() and not is_comment(line, comment)
    ][: 1 + LOOKED_AT]
    texts = [line for _, line in numbered]
    if "sep" not in asked and asked.get("decimal", ",") == "," and _is_one_column(texts):
        return Readings(";", ",", None, comment, asked.get("header", True), skipped)
    seps = (asked["sep"],) if "sep" in asked else SEPARATORS
    tables = [found for sep in seps if (found := _table(sep, texts, "skiprows" in asked))]
    if not texts:
        return Readings(asked.get("sep", ","), comment=comment, skiprows=skipped)
    if not tables:
        plain = Table(asked.get("sep", ","), [[text] for text in texts], 0, 0)
        tables = [plain]
    best = _best(tables, asked, "\n".join(texts))
    if len(best) > 1:
        ways = [Readings(t.sep, f.decimal, f.thousands, comment) for t, f in best]
        raise Ambiguous(ways, texts[min(len(texts) - 1, 1 + best[0][0].first)])
    table, format = best[0]
    start = numbered[table.first][0] if table.first else skipped
    header = asked.get("header", _is_header(table.rows, format))
    units = _units(table.rows, format) if header else 0
    return Readings(table.sep, format.decimal, format.thousands, comment, header, start, units)


def is_comment(line: str, comment: str | None) -> bool:
    """True for a line that begins with the mark of comments."""
    return comment is not None and line.lstrip(" \t").startswith(comment)


def split_blanks(line: str) -> list[str]:
    """Cells of a line between blanks and tabs, quotes where needed."""
    return next(csv.reader([tabbed(line)], delimiter="\t"), [])


def split_wide(line: str) -> list[str]:
    """Names that have single blanks in them, between columns that have several, or tabs.

    >>> split_wide("  Air temp   Flow")
    ['Air temp', 'Flow']
    """
    return SEVERAL_BLANKS.split(line.strip(" \t\r\n"))


def tabbed(line: str) -> str:
    """A line with tabs for the blanks between its cells, without its end."""
    return BLANKS.sub(lambda m: m[1] if m[1] else "\t", line.strip(" \t\r\n"))


def _comment_of(lines: Sequence[str]) -> str | None:
    """The mark of comments of a text that begins with some, and goes on without."""
    first = next((line.strip() for line in lines if line.strip()), "")
    if first[:1] and first[0] in COMMENTS:
        if any(line.strip() and not is_comment(line, first[0]) for line in lines):
            return first[0]
    return None


def _table(sep: str, lines: Sequence[str], is_begun: bool) -> Table | None:
    """The rows of lines by a separator; None where it separates nothing."""
    if sep == " ":
        rows = [split_blanks(line) for line in lines]
    else:
        try:
            rows = [cells for cells in csv.reader(lines, delimiter=sep)]
        except csv.Error:
            return None
    counts = Counter(map(len, rows[1:] or rows))
    width, _ = max(counts.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
    if width < 2:
        return None
    first = 0 if is_begun else first_of(rows, width)
    below = rows[first:]
    return Table(sep, below, first, sum(len(row) == width for row in below) / len(below))


def _is_one_column(lines: Sequence[str]) -> bool:
    """True for one name above numbers with decimal commas."""
    named = len(lines) > 1 and "," not in lines[0] and not is_typed_cell(lines[0].strip())
    return named and all(ONE_NUMBER.match(line.strip()) for line in lines[1:])


def _formats(asked: Mapping[str, Any], sep: str, text: str) -> list[CellFormat]:
    """Ways to write numbers that agree with what is asked, and whose marks are in the text."""
    decimal, thousands = asked.get("decimal"), asked.get("thousands")
    if decimal is not None and thousands is not None:
        return [CellFormat(decimal, thousands)]
    found = [
        CellFormat(*marks)
        for marks in FORMATS
        if decimal in (None, marks[0])
        and thousands in (None, marks[1])
        and all(_is_possible(mark, sep, text) for mark in marks if mark not in (None, "."))
    ]
    if decimal is not None and not any(format.thousands is None for format in found):
        found.append(CellFormat(decimal))
    return found or [CellFormat(decimal or ("," if thousands == "." else "."), thousands)]


def _is_possible(mark: str | None, sep: str, text: str) -> bool:
    """True for a mark within cells: it is in the text, in quotes where it also separates them."""
    return mark is not None and mark in text and (mark != sep or (sep != " " and '"' in text))


def _best(
    tables: Sequence[Table], asked: Mapping[str, Any], text: str
) -> list[tuple[Table, CellFormat]]:
    """The ways to read that explain most cells; several where nothing tells them apart."""
    plain = tables[0]
    formats = {table.sep: _formats(asked, table.sep, text) for table in tables}
    is_plain = plain.sep == "," and not plain.first and plain.even == 1
    if is_plain and CellFormat() in formats[","] and _share(plain, CellFormat()) == 1:
        return [(plain, CellFormat())]
    ways = [
        (_share(table, format), table, format) for table in tables for format in formats[table.sep]
    ]
    rival = any(table.sep != " " and table.even > ALMOST for table in tables)
    fit = [way for way in ways if not (rival and way[1].sep == " " and way[0] < ALMOST)]
    most = max(share for share, _, _ in fit or ways)
    best = [(table, format) for share, table, format in fit or ways if share > most - 1e-9]
    return _apart(best) if most > 0 else best[:1]


def _apart(ways: list[tuple[Table, CellFormat]]) -> list[tuple[Table, CellFormat]]:
    """Ways to read that are truly different, without those that suppose more than they need."""
    plain = [way for way in ways if way == (way[0], CellFormat())]
    commas = [way for way in plain if way[0].sep == ","]
    if commas:
        return commas
    found: dict[tuple[str, str, str | None], tuple[Table, CellFormat]] = {}
    for table, format in ways:
        if format != CellFormat() and any(table is each for each, _ in plain):
            continue
        has_groups = format.thousands is not None and _has_groups(table, format)
        if format.thousands is None or has_groups:
            found.setdefault((table.sep, format.decimal, format.thousands), (table, format))
    several = list(found.values()) or ways[:1]
    others = [way for way in several if way[0].sep != " "]
    if any(format.thousands is None for _, format in others):
        several = others  # blanks are in texts and times as well
    if len({id(table) for table, _ in several}) == 1 and _is_continental(several[0][0]):
        several = [way for way in several if way[1].decimal == ","] or several
    tabs = [way for way in several if way[0].sep == "\t"]
    return tabs[:1] if len({t.sep for t, _ in several}) > 1 and tabs else several


def _is_continental(table: Table) -> bool:
    """True for dates with dots, as 27.02.2026, which are written where commas are decimal."""
    cells = (cell.strip() for row in table.rows[1:] for cell in row)
    return any(DOTTED.match(cell) for cell in itertools.islice(cells, MOST_CELLS))


def _has_groups(table: Table, format: CellFormat) -> bool:
    """True where a cell has the mark of thousands."""
    mark = format.thousands or ""
    return any(mark in cell and is_number(cell, format) for row in table.rows for cell in row)


def _share(table: Table, format: CellFormat) -> float:
    """Share of the cells below the first line that mean something, in rows of one length."""
    rows = table.rows[1:] or table.rows
    width = Counter(map(len, rows)).most_common(1)[0][0]
    rows = rows[: max(MOST_CELLS // width, 5)]
    whole = [row for row in rows if len(row) == width]
    typed = sum(_is_typed(cell.strip(), format) for row in whole for cell in row)
    begun = len(table.rows) / (table.first + len(table.rows))
    return table.even * begun * typed / (width * len(rows))


def _is_typed(cell: str, format: CellFormat) -> bool:
    return is_number(cell, format) or bool(TIME.match(cell)) or format.is_missing(cell)


def _is_header(rows: Sequence[Sequence[str]], format: CellFormat) -> bool:
    """True for a first line in which nothing is a number, or which numbers the columns."""
    if not rows:
        return False
    return not any(_is_digits(cell, format) for cell in rows[0]) or is_numbered(rows[0], rows[1:])


def _is_digits(cell: str, format: CellFormat) -> bool:
    """True for a number that is no word: a column may be called No."""
    return format.is_number(cell) and cell.strip().lower() not in TRUE | FALSE


def _units(rows: Sequence[Sequence[str]], format: CellFormat) -> int:
    """Number of lines of text below the names, where numbers are below them."""
    found = 0
    below = rows[1 + MOST_UNITS : 11 + MOST_UNITS]
    for row in rows[1 : 1 + MOST_UNITS]:
        if not _is_units(row, below or rows[2 + found :], format):
            break
        found += 1
    return found


def _is_units(row: Sequence[str], below: Sequence[Sequence[str]], format: CellFormat) -> bool:
    if not below or any(_is_digits(cell, format) or TIME.match(cell.strip()) for cell in row):
        return False
    filled = [cell.strip() for cell in row if cell.strip()]
    if filled and all(map(RULER.match, filled)):
        return True
    texts = [i for i, cell in enumerate(row) if format.is_text(cell)]
    return bool(texts) and any(
        all(i < len(each) and not format.is_text(each[i]) for each in below) for i in texts
    )
