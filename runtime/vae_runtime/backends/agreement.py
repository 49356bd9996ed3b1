"""Checks of an opened graph: it agrees with the manifest, and it runs."""

from collections.abc import Iterable, Mapping

import numpy as np

from vae_runtime.bundle.manifest import File, Tensor
from vae_runtime.errors import BundleError

from .protocol import Session

Found = Mapping[str, tuple[object, ...]]


def check_tensors(file: File, kind: str, declared: tuple[Tensor, ...], found: Found) -> None:
    """Raises BundleError for names, dtypes or shapes that differ from the manifest's.

    Args:
        file: whose tensors they are.
        kind: "input" or "output".
        declared: by the manifest.
        found: dtype and shape by name; of 8-bit tensors scale and zero point as well.
    """
    if set(found) != {tensor.name for tensor in declared}:
        raise BundleError(
            f"{file.name}: expected the {kind}s {listed(t.name for t in declared)}. "
            f"Received: {listed(found)}. Export the bundle again."
        )
    for tensor in declared:
        integers = () if tensor.scale is None else (tensor.scale, tensor.zero_point)
        said = (tensor.dtype, tensor.shape, *integers)
        if found[tensor.name] != said:
            raise BundleError(
                f'{file.name}: {kind} "{tensor.name:.60}" is {_shown(found[tensor.name])}; '
                f"manifest.json says {_shown(said)}. Export the bundle again."
            )


def warm_up(name: str, session: Session) -> None:
    """Runs a session once, since its first run takes memory and time for all later runs.

    Raises:
        BundleError: it answers something else than the manifest says.
    """
    try:
        feeds = {
            tensor.name: np.zeros(_of_one_row(tensor), tensor.dtype) for tensor in session.inputs
        }
    except MemoryError as error:
        raise failure(name, "a row of it has no room in memory", error) from error
    answers = session.run(tuple(tensor.name for tensor in session.outputs), feeds)
    for tensor, answer in zip(session.outputs, answers, strict=True):
        said = (tensor.dtype, _of_one_row(tensor))
        if (str(answer.dtype), answer.shape) != said:
            raise BundleError(
                f"{name}: expected {tensor.name} of one row as {said}, as the manifest "
                f"says. Received: {(str(answer.dtype), answer.shape)}. Export the bundle again."
            )


def _of_one_row(tensor: Tensor) -> tuple[int, ...]:
    return tuple(1 if isinstance(size, str) else size for size in tensor.shape)


def listed(names: Iterable[str]) -> str:
    """Names from an unchecked file, as text that can be printed."""
    return ascii(", ".join(names)[:200])[1:-1]


def _shown(described: tuple[object, ...]) -> str:
    return ascii(described)[:200]


def failure(name: str, what: str, error: Exception) -> BundleError:
    """Error in place of an engine's own, in one line that can be printed.

    Args:
        name: of the file.
        what: the engine could not do: "onnxruntime 1.15.0 cannot load it".
        error: whose text may repeat what stands in the file.
    """
    first = ascii(str(error).strip().partition("\n")[0][:300])[1:-1]
    return BundleError(f"{name}: {what}: {first}")
