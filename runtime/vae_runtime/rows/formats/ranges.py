"""Texts in stretches of whole rows: byte ranges that are read by themselves, each row in one."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from vae_runtime.rows.blocks import Shard, Wanted
from vae_runtime.rows.csv_rows import OpenQuote
from vae_runtime.rows.line_limit import longest_line

BLOCK = 2**20  # bytes that a plan looks at together
SHARD_BYTES = 2**23  # about: what a run which was killed scores again at most
BOM = b"\xef\xbb\xbf"
MARKS = {  # of what is no text in utf-8, and what to do about it
    b"\x1f\x8b": "gzip. Unpack it: gunzip -c FILE | vae-runtime score BUNDLE -.",
    b"\x28\xb5\x2f\xfd": "zstd. Unpack it: zstd -dc FILE | vae-runtime score BUNDLE -.",
    b"\xff\xfe": "utf-16. Convert it: iconv -f UTF-16 -t UTF-8 FILE.",
    b"\xfe\xff": "utf-16. Convert it: iconv -f UTF-16 -t UTF-8 FILE.",
}


class Taken(NamedTuple):
    """Size of the whole rows at the start of some bytes: in bytes, rows and lines.

    `problem` is why there are no more, where a quote is not closed.
    """

    size: int
    rows: int
    lines: int
    problem: OpenQuote | None = None


# Of bytes that begin with a row, and whether the text ends with them: the whole rows in them.
Take = Callable[[bytes, bool], Taken]


class Begin(NamedTuple):
    """Position of the first row of a file: the number of bytes and lines before it."""

    size: int
    lines: int


def plan_ranges(path: Path, format: str, begin: Begin, take: Take, wanted: Wanted) -> list[Shard]:
    """The rows of a file from `begin` on, counted, in shards.

    Raises:
        ValueError: it is no text in utf-8, or a line is longer than any row can be.
    """
    shards: list[Shard] = []
    start, stop, rows, first, line = begin.size, begin.size, 0, 0, begin.lines + 1
    lines, end = 0, path.stat().st_size
    longest = longest_line(wanted.shape)
    span = (begin.size, end)
    for block, taken in blocks_in(path, span, take, size=BLOCK, longest=longest, line=line):
        check_utf8(path, block)
        stop, rows, lines = stop + taken.size, rows + taken.rows, lines + taken.lines
        if rows and (stop - start >= SHARD_BYTES or stop == end):
            shards.append(Shard(str(path), format, start, stop, first, rows, line))
            start, first, line = stop, first + rows, line + lines
            rows = lines = 0
    return shards


def blocks_in(
    path: Path,
    span: tuple[int, int],
    take: Take,
    *,
    size: int,
    longest: int | None = None,
    line: int = 1,
) -> Iterator[tuple[bytes, Taken]]:
    """The bytes of a span in stretches of whole rows, each of about `size` bytes.

    Args:
        path: of the file.
        span: where to begin, and where to end.
        take: what is whole rows.
        size: of a stretch.
        longest: bytes of a row, where they are bounded.
        line: the number of the first one.

    Raises:
        ValueError: a row is much longer than `longest`; or a quote is never closed; or the file
            ends before.
    """
    (start, stop), rest = span, b""
    with path.open("rb") as file:
        file.seek(start)
        left = stop - start
        while left:
            more = file.read(min(max(size, len(rest)), left))
            if not more:
                raise ValueError(f"{path}: expected {stop:,} bytes. Received: a file that shrank.")
            left -= len(more)
            block = rest + more
            taken = take(block, not left)
            if taken.problem is not None:
                raise ValueError(f"{path}: {taken.problem.message(line - 1)}")
            if taken.size:
                yield block[: taken.size], taken
            rest, line = block[taken.size :], line + taken.lines
            if longest is not None and len(rest) > max(longest, size):
                raise ValueError(
                    f"{path}: expected lines of at most {longest:,} bytes. Received: a longer one, "
                    f"from line {line} on. A quote in it may never be closed."
                )


def blocks_of(shard: Shard, take: Take, wanted: Wanted) -> Iterator[tuple[bytes, Taken]]:
    """The bytes of a shard in stretches of whole rows, as many in each as a block is to have.

    Raises:
        ValueError: the file has changed since the plan.
    """
    a_row = (shard.stop - shard.start) / shard.rows
    span, size, rows = (shard.start, shard.stop), int(a_row * wanted.block_rows) + 1, 0
    for block, taken in blocks_in(Path(shard.file), span, take, size=size, line=shard.line):
        rows += taken.rows
        yield block, taken
    if rows != shard.rows:
        raise ValueError(
            f"{shard.file}: expected {shard.rows:,} rows from row {shard.first_row:,} on. "
            f"Received: {rows:,}. Leave the file alone while it is read."
        )


def after_mark(path: Path) -> int:
    """Bytes that the byte order mark of a text takes: 3, or 0 where there is none."""
    with path.open("rb") as file:
        return len(BOM) if file.read(len(BOM)) == BOM else 0


def check_utf8(path: Path, block: bytes) -> None:
    """Raises ValueError where whole lines are no text in utf-8."""
    try:
        if not block.isascii():
            block.decode()
    except UnicodeDecodeError as error:
        what = next((what for mark, what in MARKS.items() if block.startswith(mark)), f"{error}.")
        raise ValueError(f"{path}: expected text in utf-8. Received: {what}") from error
