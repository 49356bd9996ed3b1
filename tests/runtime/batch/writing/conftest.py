"""Results written in blocks, and read back."""

import pytest

from vae_runtime.batch.writing import open_writer


@pytest.fixture
def write(tmp_path):
    """Writes tables of columns one after the other, and gives the file."""

    def apply(ending, *tables, name="results"):
        path = tmp_path / f"{name}{ending}"
        writer = open_writer(path, ending)
        try:
            for table in tables:
                writer.write(table)
        finally:
            writer.close()
        return path

    return apply
