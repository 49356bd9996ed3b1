"""Backend of LiteRT, which was TensorFlow Lite.

It is an extra, `vae-runtime[litert]`, and imported when the first session opens.
"""

import functools
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_runtime._base.libraries import LIBRARIES, Extra, need
from vae_runtime.bundle import Bundle
from vae_runtime.bundle.manifest import File
from vae_runtime.errors import BundleError

from . import int8_networks
from .agreement import check_tensors, failure, listed, warm_up
from .profiles import Profile
from .protocol import Session
from .threads import threads_of

SIGNATURE = "serving_default"
MODULE = "ai_edge_litert.interpreter"


class LiteRT:
    """Runs the .tflite files.

    Those of fp32, fp16 and dynamic hold whole graphs; those of int8 hold networks, before and after
    which others in fp32 run.

    Args:
        threads: that work within one call; 0 is as many as there are cores.

    Raises:
        ValueError: that is no number of threads.

    >>> lite = Runner.load("artifacts/sensors", backend=LiteRT(threads=2))
    >>> lite.score(x[6:]).is_anomaly.tolist()
    [True, True]
    """

    name = "litert"
    formats = ("tflite",)
    extra = Extra(MODULE, LIBRARIES["ai_edge_litert"].install)
    settings = ()
    chunk, workers = 256, 1

    def __init__(self, *, threads: int = 1) -> None:
        self._threads = threads_of(threads)

    @classmethod
    def of(cls, profile: Profile, provider: str | None = None) -> "LiteRT":
        """Makes one with these settings; see `Backend.of`."""
        return cls(threads=profile.threads)

    def open(self, bundle: Bundle, role: str, precision: str, format: str = "tflite") -> Session:
        """Opens the graph of this role; see `Backend.open`."""
        load = functools.partial(self._load, bundle, precision)
        if precision == int8_networks.PRECISION and role in int8_networks.CHAINS:
            return int8_networks.chain(role, load)
        return load(role)

    def _load(self, bundle: Bundle, precision: str, role: str) -> "LiteRTSession":
        file = bundle.manifest.file(role, format="tflite", precision=precision)
        session = LiteRTSession(file, _interpreter(file, bundle.read(file), self._threads))
        warm_up(file.name, session)
        return session


class LiteRTSession:
    """One file in LiteRT; see `protocol.Session`.

    An interpreter serves one call at a time, so that threads wait for each other here.

    Raises:
        BundleError: it is not what the manifest describes.
    """

    def __init__(self, file: File, interpreter: Any) -> None:
        self.name = file.name
        self.parity: Mapping[str, float] = file.parity
        self.inputs, self.outputs = file.inputs, file.outputs
        # By its signature: the interpreter's own lists are in another order.
        try:
            signature = interpreter.get_signature_runner(SIGNATURE)
            given, answered = signature.get_input_details(), signature.get_output_details()
            taken, told = ({n: _tensor(d) for n, d in each.items()} for each in (given, answered))
        except Exception as error:  # LiteRT's own; what it finds wrong, and when, differs
            raise failure(file.name, "LiteRT cannot load it", error) from error
        check_tensors(file, "input", file.inputs, taken)
        check_tensors(file, "output", file.outputs, told)
        self._given = {name: details["index"] for name, details in given.items()}
        self._answered = {name: details["index"] for name, details in answered.items()}
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._interpreter, self._alone = interpreter, threading.Lock()

    def run(
        self, outputs: tuple[str, ...], feeds: Mapping[str, NDArray[Any]]
    ) -> list[NDArray[Any]]:
        """Computes the named outputs; `feeds` are all inputs of the graph."""
        with self._alone:
            try:
                self._resize({name: value.shape for name, value in feeds.items()})
                for name, value in feeds.items():
                    self._interpreter.set_tensor(self._given[name], value)
                self._interpreter.invoke()
                return [self._interpreter.get_tensor(self._answered[name]) for name in outputs]
            except Exception as error:  # LiteRT's own
                raise failure(self.name, "LiteRT cannot run it", error) from error

    def _resize(self, shapes: dict[str, tuple[int, ...]]) -> None:
        """Makes room for so many rows, which costs more than to score one."""
        if shapes == self._shapes:
            return
        self._shapes = {}  # of no use until there is room
        for name, shape in shapes.items():
            self._interpreter.resize_tensor_input(self._given[name], shape, strict=True)
        self._interpreter.allocate_tensors()
        self._shapes = shapes


def _interpreter(file: File, content: bytes, threads: int) -> Any:
    litert = need(MODULE, "running .tflite files in LiteRT", "take another backend")
    try:
        interpreter = litert.Interpreter(model_content=content, num_threads=threads)
        signatures = list(interpreter.get_signature_list())
    except Exception as error:  # as above
        raise failure(file.name, "LiteRT cannot load it", error) from error
    if signatures != [SIGNATURE]:
        raise BundleError(
            f"{file.name}: expected one signature, {SIGNATURE}. Received: "
            f"{listed(signatures) or 'none'}. Export the bundle again."
        )
    return interpreter


def _tensor(details: Mapping[str, Any]) -> tuple[object, ...]:
    """Dtype and shape as the manifest says them, of 8-bit tensors scale and zero point as well."""
    first, *rest = details["shape_signature"].tolist()
    described = np.dtype(details["dtype"]).name, ("batch" if first == -1 else first, *rest)
    scale, zero_point = details["quantization"]
    return (*described, scale, zero_point) if scale else described
