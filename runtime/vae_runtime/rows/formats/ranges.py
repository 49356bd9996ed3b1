"""Texts in stretches of whole rows: byte ranges that are read by themselves, each row in one."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from vae_runtime.rows.blocks import Shard, Wanted
from vae_runtime.rows.text.csv_rows import OpenQuote
from vae_runtime.rows.text.line_limit import longest_line
from vae_runtime.rows.text.text_files import BOM, UTF8, is_streamed, open_text, skip

BLOCK = 2**20  # bytes that a plan looks at together
SHARD_BYTES = 2**23  # about: what a run which was killed scores again at most


class Taken(NamedTuple):
    """Size of the whole rows at the start of some bytes: in bytes, rows and lines.

    `problem` is why there are no more, where a quote is not closed.
    """

    size: int
    rows: int
    lines: int
    problem: OpenQuote | None = None


class Text(NamedTuple):
    """File of text, and the encoding that it is in."""

    path: Path
    encoding: str = UTF8


# Of bytes that begin with a row, and whether the text ends with them: the whole rows in them.
Take = Callable[[bytes, bool], Taken]


class Begin(NamedTuple):
    """Position of the first row of a file: the number of bytes and lines before it."""

    size: int
    lines: int


def plan_ranges(
    path: Path, format: str, begin: Begin, take: Take, wanted: Wanted, *, encoding: str = UTF8
) -> list[Shard]:
    """The rows of a file from `begin` on, counted, in shards; one of what cannot be sought in.

    Raises:
        ValueError: it is no text in utf-8, or a line is longer than any row can be.
    """
    shards: list[Shard] = []
    start, stop, rows, first, line = begin.size, begin.size, 0, 0, begin.lines + 1
    lines, most = 0, math.inf if is_streamed(path, encoding) else SHARD_BYTES
    longest = longest_line(wanted.shape)
    text = Text(path, encoding)
    for block, taken in blocks_in(text, begin.size, take, size=BLOCK, longest=longest, line=line):
        check_utf8(path, block)
        stop, rows, lines = stop + taken.size, rows + taken.rows, lines + taken.lines
        if rows and stop - start >= most:
            shards.append(Shard(str(path), format, start, stop, first, rows, line))
            start, first, line = stop, first + rows, line + lines
            rows = lines = 0
    return [*shards, Shard(str(path), format, start, stop, first, rows, line)] if rows else shards


def blocks_in(
    text: Text,
    start: int,
    take: Take,
    *,
    stop: int | None = None,
    size: int,
    longest: int | None = None,
    line: int = 1,
) -> Iterator[tuple[bytes, Taken]]:
    """The bytes of a text in stretches of whole rows, each of about `size` bytes.

    Args:
        text: a file, and its encoding.
        start, stop: bytes of it in utf-8, from where to where; None for its end.
        take: what is whole rows.
        size: of a stretch.
        longest: bytes of a row, where they are bounded.
        line: the number of the first one.

    Raises:
        ValueError: a row is much longer than `longest`; or a quote is never closed; or the file
            ends before.
    """
    rest = b""
    for more, is_last in _chunks(text, start, stop, size):
        block = rest + more
        taken = take(block, is_last)
        if taken.problem is not None:
            raise ValueError(f"{text.path}: {taken.problem.message(line - 1)}")
        if taken.size:
            yield block[: taken.size], taken
        rest, line = block[taken.size :], line + taken.lines
        if longest is not None and len(rest) > max(longest, size):
            raise ValueError(
                f"{text.path}: expected lines of at most {longest:,} bytes. Received: a longer "
                f"one, from line {line} on. A quote in it may never be closed."
            )


def _chunks(text: Text, start: int, stop: int | None, size: int) -> Iterator[tuple[bytes, bool]]:
    """Stretches of bytes, each with whether it is the last."""
    with open_text(text.path, text.encoding) as file:
        skip(file, start)
        if stop is None:
            more = file.read(size)
            while more:
                ahead = file.read(size)
                yield more, not ahead
                more = ahead
            return
        left = stop - start
        while left:
            more = file.read(min(size, left))
            if not more:
                raise ValueError(
                    f"{text.path}: expected {stop:,} bytes. Received: a file that shrank."
                )
            left -= len(more)
            yield more, not left


def blocks_of(
    shard: Shard, take: Take, wanted: Wanted, *, encoding: str = UTF8
) -> Iterator[tuple[bytes, Taken]]:
    """The bytes of a shard in stretches of whole rows, as many in each as a block is to have.

    Raises:
        ValueError: the file has changed since the plan.
    """
    a_row = (shard.stop - shard.start) / shard.rows
    size, rows = int(a_row * wanted.block_rows) + 1, 0
    text = Text(Path(shard.file), encoding)
    blocks = blocks_in(text, shard.start, take, stop=shard.stop, size=size, line=shard.line)
    for block, taken in blocks:
        rows += taken.rows
        yield block, taken
    if rows != shard.rows:
        raise ValueError(
            f"{shard.file}: expected {shard.rows:,} rows from row {shard.first_row:,} on. "
            f"Received: {rows:,}. Leave the file alone while it is read."
        )


def after_mark(path: Path, encoding: str = UTF8) -> int:
    """Bytes of the byte order mark of a text: 3, or 0 without one."""
    with open_text(path, encoding) as file:
        return len(BOM) if file.read(len(BOM)) == BOM else 0


def check_utf8(path: Path, block: bytes) -> None:
    """Raises ValueError for lines that are not utf-8."""
    try:
        if not block.isascii():
            block.decode()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}: expected text in utf-8. Received: {error}. Say what it is in: --encoding "
            "latin-1, cp1252, utf-16-le or utf-16-be."
        ) from error
