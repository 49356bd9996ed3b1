"""How much is read at a time."""

from vae_runtime import Runner
from vae_runtime.rows.blocks import BLOCK_ROWS, BLOCK_VALUES, Wanted


def test_fewer_rows_are_read_at_a_time_where_results_are_longer(golden):
    wanted = Wanted.of(Runner.load(golden).manifest.model)
    assert wanted.block_rows == BLOCK_ROWS
    long = wanted._replace(values=28 * 28).block_rows
    assert 0 < long * 28 * 28 <= BLOCK_VALUES
    assert wanted._replace(values=2 * BLOCK_VALUES).block_rows == 1
