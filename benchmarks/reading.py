"""What reading rows costs: rows a second of files in each dialect, beside pyarrow's own reading.

    python benchmarks/reading.py [--rows 2e6]

A table of four sensors is written as CSV, with semicolons and decimal commas, packed, with a cell
missing in a row of a hundred, and as Parquet. Ours are all blocks of all shards, one after the
other in one thread, with a reason for each bad row; pyarrow's is `read_csv` or `read_table` in one
thread. The ways take turns three times; the best of each counts.
"""

import argparse
import gzip
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from vae_runtime.rows.blocks import Wanted
from vae_runtime.rows.input_files import plan

NAMES = ("temp", "current", "vib", "flow")
ROUNDS = 3
GROUP = 131_072


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=float, default=2e6)
    rows = int(parser.parse_args().rows)
    with tempfile.TemporaryDirectory() as folder:
        ways = write(Path(folder), rows)
        best = dict.fromkeys(ways, float("inf"))
        for _ in range(ROUNDS):
            for name, read in ways.items():
                begun = time.perf_counter()
                read()
                best[name] = min(best[name], time.perf_counter() - begun)
    print("| | M rows/s | of pyarrow |\n|---|---:|---:|")
    for name, seconds in best.items():
        theirs = best["pyarrow, Parquet" if "Parquet" in name else "pyarrow, CSV"]
        print(f"| {name} | {rows / seconds / 1e6:.2f} | {theirs / seconds:.2f} |")


def write(folder: Path, rows: int) -> dict[str, Callable[[], object]]:
    """Writes the files; returns the ways to read them, by name."""
    rng = np.random.default_rng(0)
    x = np.stack([rng.normal(m, s, rows).round(4) for m, s in ((40, 5), (12, 3), (2, 1), (99, 9))])
    table = pa.table(dict(zip(NAMES, x, strict=True)))
    plain, parquet = folder / "plain.csv", folder / "rows.parquet"
    pyarrow.csv.write_csv(table, plain, pyarrow.csv.WriteOptions(quoting_style="none"))
    pq.write_table(table, parquet, row_group_size=GROUP)
    content = plain.read_bytes()
    commas, packed, holes = folder / "c.csv", folder / "p.csv.gz", folder / "holes.csv"
    commas.write_bytes(content.replace(b",", b";").replace(b".", b","))
    packed.write_bytes(gzip.compress(content, 1))
    cells = content.split(b"\n")
    cells[100::100] = [b"NA" + line[line.find(b",") :] for line in cells[100::100] if line]
    holes.write_bytes(b"\n".join(cells))
    once = pyarrow.csv.ReadOptions(use_threads=False)
    files = {"CSV": plain, "CSV, ; and decimal commas": commas, "CSV, .gz": packed}
    files |= {"CSV, 1 % of rows lack a value": holes, "Parquet": parquet}
    return {
        "pyarrow, CSV": partial(pyarrow.csv.read_csv, plain, once),
        "pyarrow, Parquet": partial(pq.read_table, parquet, use_threads=False),
        **{name: partial(read_all, path) for name, path in files.items()},
    }


def read_all(path: Path) -> int:
    """Number of good rows of a file, all of which are read."""
    inputs = plan([str(path)], Wanted(NAMES, (len(NAMES),)))
    blocks = (block for shard in inputs.shards for block in inputs.read(shard))
    return sum(len(block.x) - len(block.bad) for block in blocks)


if __name__ == "__main__":
    main()
