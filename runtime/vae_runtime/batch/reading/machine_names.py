"""The unit of each row, where a row that names none is bad and the others are not."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_runtime.rows.windows import UNNAMED
from vae_runtime.verdicts.machines import names_of

NAMELESS = "expected the name of a unit. Received: none."


def names_or_bad(values: NDArray[Any], bad: dict[int, str]) -> NDArray[np.str_]:
    """Names from text or whole numbers, (rows,); "" of a row without one, which goes to `bad`.

    Raises:
        ValueError: they can be no names at all, as numbers that are not whole.
    """
    named = ~np.isin(values.astype(str), UNNAMED)
    for place in np.flatnonzero(~named).tolist():
        bad.setdefault(place, NAMELESS)
    if named.all():
        return names_of(values, len(values))
    known = names_of(values[named], int(named.sum())) if named.any() else np.array([], "U1")
    names = np.zeros(len(values), known.dtype)
    names[named] = known
    return names
