"""List of rejected rows."""

import csv

from vae_runtime.batch.bad_rows import RejectFile
from vae_runtime.rows.bad_rows import Reject


def test_rejected_rows_are_listed_as_csv(tmp_path):
    path = tmp_path / "rejects.csv"
    rejects = RejectFile(path)
    rejects.write([Reject("a, b.csv", 7, 'line 8: expected "numbers"')])
    rejects.write([])
    rejects.close()
    with path.open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["file", "row", "reason"],
            ["a, b.csv", "7", 'line 8: expected "numbers"'],
        ]
