"""Tables as loggers write them, as blocks of text."""

import numpy as np
import pytest

from vae_keras.survey import RawBlock, survey

ROWS = 1_000


def as_text(values):
    return np.array([f"{v:.3f}" if isinstance(v, float) else str(v) for v in values])


@pytest.fixture
def sensors():
    """Two sensors, times and a rare label: text (rows,) each."""
    rng = np.random.default_rng(0)
    load = rng.normal(size=ROWS)
    clock = np.datetime64("2026-03-01T08:00:00") + np.arange(ROWS).astype("timedelta64[s]")
    return {
        "time": np.char.replace(clock.astype(str), "T", " "),
        "temp": as_text((40 + load).tolist()),
        "flow": as_text((100 + 20 * load + rng.normal(size=ROWS)).tolist()),
        "fault": as_text((np.arange(ROWS) >= ROWS - 50).astype(int).tolist()),
    }


@pytest.fixture
def look():
    """Function that surveys columns, cut into blocks of uneven sizes."""

    def surveyed(columns, *, size=170, **options):
        rows = len(next(iter(columns.values())))
        parts = [slice(i, i + size) for i in range(0, rows, size)]
        blocks = [RawBlock("a.csv", {n: v[part] for n, v in columns.items()}) for part in parts]
        return survey(blocks, **options)

    return surveyed
