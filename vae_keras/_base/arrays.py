"""Names of array types, as Keras has no types of its own."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Tensor = Any  # a tensor of Keras's backend; numpy arrays are taken wherever one is
Array = NDArray[Any]
Arrays = dict[str, NDArray[Any]]
Floats = NDArray[np.floating[Any]]
Shape = tuple[int, ...]
