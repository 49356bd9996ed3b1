"""Peak memory and rate of training from Parquet, in memory and streamed, over the number of rows.

    python benchmarks/streaming.py [--rows 1000000,4000000,16000000]

Each training is a process of its own, one epoch of a small MLP on 32 correlated float32 columns in
row groups of 20,000 rows; the peak is the largest resident memory that the kernel saw of it. In
memory, tables beyond --largest are not tried.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

COLUMNS, FACTORS, ROW_GROUP = 32, 4, 20_000
TRAIN = "from vae_keras.cli import main; raise SystemExit(main())"


def main() -> None:
    """Writes the tables, trains on each, prints a row of the table for each training."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", default="1000000,4000000,16000000")
    parser.add_argument("--largest", type=int, default=4_000_000, help="rows to try in memory")
    args = parser.parse_args()
    print("| rows | GB as float32 | way | peak MB | seconds | rows/s |\n|---|---|---|---|---|---|")
    for rows in map(int, args.rows.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            table = Path(folder) / "rows.parquet"
            write(table, rows)
            for way in ("in memory", "streamed"):
                if way == "streamed" or rows <= args.largest:
                    peak, seconds = train(table, ["--stream"] if way == "streamed" else [])
                    size = rows * COLUMNS * 4 / 1e9
                    print(
                        f"| {rows:,} | {size:.2f} | {way} | {peak:,.0f} | {seconds:.0f} | "
                        f"{rows / seconds:,.0f} |",
                        flush=True,
                    )


def write(path: Path, rows: int) -> None:
    """A table of correlated columns, a row group at a time."""
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(FACTORS, COLUMNS))
    schema = pa.schema([(f"c{i}", pa.float32()) for i in range(COLUMNS)])
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, rows, ROW_GROUP):
            n = min(ROW_GROUP, rows - start)
            x = rng.normal(size=(n, FACTORS)) @ mixing + 0.1 * rng.normal(size=(n, COLUMNS))
            writer.write_table(pa.table(list(x.astype(np.float32).T), schema=schema), ROW_GROUP)


def train(table: Path, options: list[str]) -> tuple[float, float]:
    """Peak resident memory in MB, and seconds, of `vae-keras train`."""
    out = str(table.with_name("run"))
    command = ["train", "--data", str(table), "--out", out, "--epochs", "1", "--batch-size", "1024"]
    started = time.monotonic()
    process = os.posix_spawn(
        sys.executable, [sys.executable, "-c", TRAIN, *command, *options], dict(os.environ)
    )
    _, status, usage = os.wait4(process, 0)
    if status:
        raise SystemExit(f"vae-keras train failed: {os.waitstatus_to_exitcode(status)}")
    return usage.ru_maxrss / 1000, time.monotonic() - started


if __name__ == "__main__":
    main()
