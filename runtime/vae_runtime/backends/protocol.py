"""What the runner asks of whatever runs a bundle's graphs."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vae_runtime.bundle import Bundle
from vae_runtime.bundle.manifest import Tensor


class Session(Protocol):
    """One graph, ready to run. Safe to share between threads.

    `inputs` and `outputs` are in real values: a session quantises and dequantises by itself.
    `parity` is, for each output, how far it was from Keras at export; see `manifest.File`.
    """

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    parity: Mapping[str, float]

    def run(
        self, outputs: tuple[str, ...], feeds: Mapping[str, NDArray[Any]]
    ) -> list[NDArray[np.float32]]:
        """The named outputs for these inputs; inputs with a default may be left out.

        Raises:
            BundleError: the graph cannot be run, or gives what the manifest does not say.
        """


class Backend(Protocol):
    """Opens the graphs of a bundle.

    `format` is that of the files it runs. `chunk` is how many rows it is best given at a time, and
    `workers` how many chunks side by side.
    """

    format: str
    chunk: int
    workers: int

    def open(self, bundle: Bundle, role: str, precision: str) -> Session:
        """The graph of this role, see `bundle.interfaces`; some are in fp32 at any precision.

        Raises:
            BundleError: there is none of that precision, or it cannot be loaded, or it is not what
                the manifest describes.
        """
