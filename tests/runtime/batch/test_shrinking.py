"""Files that shrink while they are read: an error in one line, never a process that is killed."""

import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pytest

from vae_runtime import Runner

ROWS = 2**21
AT_ONCE = 2**18


def write_arrow(path, x, names):
    """A single large record batch, as polars writes it."""
    batch = pa.record_batch([np.ascontiguousarray(c) for c in x.T], names=list(names))
    new = pa.ipc.new_stream if path.suffix == ".arrows" else pa.ipc.new_file
    with new(path, batch.schema) as writer:
        writer.write_batch(batch)


def write_npy(path, x, names):
    np.save(path, np.asfortranarray(x) if "fortran" in path.stem else x)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("rows.arrow", write_arrow),
        ("rows.arrows", write_arrow),
        ("rows.npy", write_npy),
        ("fortran.npy", write_npy),
    ],
)
@pytest.mark.parametrize("resume", [False, True])
def test_a_file_that_shrinks_is_an_error_in_one_line(
    golden, golden_rows, tmp_path, name, write, resume
):
    path, output = tmp_path / name, tmp_path / "o.jsonl"
    x = np.tile(golden_rows(AT_ONCE, 0), (ROWS // AT_ONCE, 1))
    write(path, x, Runner.load(golden).manifest.model.feature_names)
    run = [sys.executable, "-c", "import sys; from vae_runtime.cli import main; sys.exit(main())"]
    command = [
        *run,
        "score",
        str(golden),
        str(path),
        "-o",
        str(output),
        "--threads",
        "1",
        *(["--resume"] if resume else []),
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    journal = tmp_path / "o.jsonl.journal"
    while process.poll() is None and not (journal.exists() and journal.stat().st_size > 1000):
        time.sleep(0.001)
    with path.open("r+b") as file:
        file.truncate(4096)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert errors.startswith(f"vae-runtime: {path}")
    lines = [line for line in errors.splitlines() if not line.startswith("--resume goes on")]
    assert len(lines) == 1
    assert not output.exists()
