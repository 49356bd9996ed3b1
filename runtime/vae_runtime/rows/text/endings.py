"""Formats of files by the endings of their names in any case, or by their first bytes.

What is packed is read as the file inside: rows.csv.gz is a .csv. Tables of text have many endings;
which mark is between their cells, their contents say.
"""

import json
from pathlib import Path

from .text_files import PACKED, head_of

TEXT = (".csv", ".tsv", ".tab", ".txt", ".dat", ".asc", ".data", ".log")
SURE = (".csv", ".tsv", ".tab")  # of them, those that hold tables alone
JSON_LINES = (".jsonl", ".ndjson")
JSON = ".json"  # often one array or object, sometimes lines
ARRAYS = (".npy", ".npz", ".parquet", ".arrow", ".feather", ".arrows")
ENDINGS = (*TEXT, *JSON_LINES, *ARRAYS)
SIGNATURES = {
    b"\x93NUMPY": ".npy",
    b"PK\x03\x04": ".npz",
    b"PAR1": ".parquet",
    b"ARROW1": ".arrow",
    b"\xff\xff\xff\xff": ".arrows",
}
HEAD = 2**16  # bytes that tell a format
ZEROS = 4  # of which a text in utf-16 has one in so many, at least


def ending_of(path: Path) -> str:
    """The ending of a file that says its format, in small letters: .csv of ROWS.CSV.GZ.

    >>> ending_of(Path("day 1.CSV.gz"))
    '.csv'
    """
    ending = path.suffix.lower()
    return Path(path.stem).suffix.lower() if ending in PACKED else ending


def format_ending(path: Path) -> str:
    """The ending of the format that reads a file: .csv of every table of text.

    A file of another ending is looked into.

    Returns:
        One of .csv, `JSON_LINES` and `ARRAYS`; the file's own ending where it is of no format.
    """
    ending = ending_of(path)
    if ending in ENDINGS:
        return ".csv" if ending in TEXT else ending
    if ending == JSON:
        return ".jsonl" if path.is_file() and _is_json_lines(head_of(path, HEAD)) else JSON
    return format_inside(path) or ending


def format_inside(path: Path) -> str | None:
    """The ending of the format of a file by its first bytes; None where it is not one of rows."""
    if not path.is_file():
        return None
    head = head_of(path, HEAD)
    for mark, ending in SIGNATURES.items():
        if head.startswith(mark):
            return ending if ending != ".npz" or b".npy" in head else None
    if not _is_text(head):
        return None
    return ".jsonl" if head.lstrip()[:1] in (b"{", b"[") else ".csv"


def _is_json_lines(head: bytes) -> bool:
    """True for a whole object or list in the first line, and another in the second, if any."""
    first, second = ([*filter(bytes.strip, head.splitlines()), b"", b""])[:2]
    is_cut = len(head) == HEAD and not second
    return not is_cut and _is_row(first, not second) and (not second or _is_row(second))


def _is_row(line: bytes, is_alone: bool = False) -> bool:
    """True for a row of JSON; alone in its file, an object of lists is one of columns."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return False
    if isinstance(value, dict):
        return not (is_alone and any(isinstance(v, list | dict) for v in value.values()))
    return isinstance(value, list) and not any(isinstance(v, dict) for v in value)


def _is_text(head: bytes) -> bool:
    """True for bytes without controls, or with the zeros of utf-16; there have to be some."""
    zeros = max(head[0::2].count(0), head[1::2].count(0))
    controls = sum(byte < 32 and byte not in b"\t\n\r\f\0" for byte in head[:4096])
    return bool(head) and not controls and (not zeros or zeros * ZEROS >= len(head))
