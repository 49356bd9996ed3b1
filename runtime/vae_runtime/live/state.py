"""What a stream remembers, as JSON: written by one process, checked and read by the next."""

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_runtime import typed_json
from vae_runtime.bundle import manifest
from vae_runtime.bundle.manifest import Calibration, Manifest

from .cutting import Cut
from .drift import DriftState
from .settings import StreamSettings


@dataclass(frozen=True)
class StreamState:
    """What `StreamScorer.state` gives; `pending` is flattened."""

    bundle: str
    settings: StreamSettings
    rows: int
    start: int
    pending: tuple[float, ...]
    time: float | None
    untested_until: int
    drift: DriftState | None


def fingerprint(described: Manifest, calibration: Calibration) -> str:
    """Tells bundles, and precisions of a bundle, apart."""
    content = manifest.dumps(described) + repr(calibration).encode()
    return hashlib.sha256(content).hexdigest()


def as_json(state: StreamState) -> dict[str, Any]:
    """The state as dicts, lists, numbers and text alone."""
    return dict(json.loads(json.dumps(dataclasses.asdict(state), allow_nan=False)))


def parse(document: Mapping[str, Any]) -> StreamState:
    """The state that `as_json` gave; ValueError where it is none."""
    try:
        plain = json.loads(json.dumps(document, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"state: expected what state() gave. Received: {error}.") from error
    return typed_json.convert(StreamState, plain, "state")


def check_fits(state: StreamState, bundle: str, settings: StreamSettings) -> None:
    """Raises ValueError where a state is of another bundle or other settings."""
    if state.bundle != bundle:
        raise ValueError(
            "state: expected one of this bundle. Received: one of another bundle, whose scores "
            "are others. Begin without a state."
        )
    if state.settings != settings:
        raise ValueError(f"state: expected one of {settings}. Received: one of {state.settings}.")
    if (state.drift is None) != (settings.drift is None) or state.untested_until < 0:
        raise ValueError("state: expected a state of the drift test as the settings say.")


def cut_of(state: StreamState, like: NDArray[Any]) -> Cut:
    """Where cutting had got to; `like` is (0, *sample_shape), of the samples' dtype.

    Raises:
        ValueError: it cannot have got there.
    """
    window, stride, shape = state.settings.window, state.settings.stride, like.shape[1:]
    known, over = divmod(len(state.pending), math.prod(shape))
    ahead = state.start + known - state.rows  # rows between two windows that are still to come
    if over or known >= window or not 0 <= ahead < (1 if known else stride) or state.start < 0:
        raise ValueError("state: expected the samples of a window that has begun.")
    values = np.array(state.pending).reshape(known, *shape)
    with np.errstate(over="ignore", invalid="ignore"):  # what does not fit is refused below
        pending = values.astype(like.dtype)
    if not (np.isfinite(pending) & np.isclose(pending, values)).all():
        raise ValueError(f"state: expected samples of {like.dtype}. Received: others.")
    return Cut(state.rows, state.start, pending)
