"""How much is read at a time."""

from vae_runtime import Runner
from vae_runtime.batch.parts import PART_ROWS, PART_VALUES, Wanted


def test_fewer_rows_are_read_at_a_time_where_results_are_longer(golden):
    wanted = Wanted(Runner.load(golden).manifest.model)
    assert wanted.part_rows == PART_ROWS
    long = wanted._replace(values=28 * 28).part_rows
    assert 0 < long * 28 * 28 <= PART_VALUES
    assert wanted._replace(values=2 * PART_VALUES).part_rows == 1
