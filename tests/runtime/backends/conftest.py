"""Bundles that hold all formats and precisions, one of each likelihood that a table may have."""

import pytest


@pytest.fixture(params=["digits", "table", "pump", "states", "kinds"])
def full(request, full_of):
    """Images, a table, windows, classes, numbers beside one-hot groups."""
    return full_of(request.param)
