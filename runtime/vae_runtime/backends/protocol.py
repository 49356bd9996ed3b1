"""Protocols of a backend, which runs a bundle's graphs, and of its sessions."""

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from vae_runtime._base.libraries import Extra
from vae_runtime.bundle import Bundle
from vae_runtime.bundle.manifest import Tensor

from .profiles import Profile

SETTINGS = ("profile", "provider")  # that only some backends have, by the options that set them


class Session(Protocol):
    """Graph that is ready to run. Safe to share between threads.

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

    The class says `name`, by which it is found; `formats` of the files that it runs, the preferred
    first; `extra`, the library to install for it, None where there is nothing to install; and
    which of `SETTINGS` it heeds. Each that is made says in `chunk` how many rows it is best given
    at a time, and in `workers` how many chunks side by side.
    """

    name: ClassVar[str]
    formats: ClassVar[tuple[str, ...]]
    extra: ClassVar[Extra | None]
    settings: ClassVar[tuple[str, ...]]
    chunk: int
    workers: int

    @classmethod
    def of(cls, profile: Profile, provider: str | None = None) -> "Backend":
        """Makes a backend with these settings; it heeds the profile's threads at least.

        Raises:
            ValueError: a setting cannot be.
        """

    def open(self, bundle: Bundle, role: str, precision: str, format: str) -> Session:
        """Opens the graph of a role, see `bundle.interfaces`; some are in fp32 at any precision.

        Args:
            bundle: of the graph.
            role: of the graph.
            precision: of its file.
            format: of its file, one of `formats`.

        Raises:
            BundleError: the bundle has none of that precision, or it cannot be loaded, or it
                differs from the manifest.
        """
