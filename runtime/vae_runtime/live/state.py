"""State of a stream as JSON: written by one process, checked and read by the next.

A state says the sha256 of its own content, so that a flipped bit is refused rather than believed.
Those of before there was one, without a `format_version`, are read without.
"""

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_runtime._base import typed_json
from vae_runtime.bundle.manifest import Calibration, Manifest, document_of
from vae_runtime.bundle.texts import LARGEST_WHOLE

from .drift import DriftState
from .settings import StreamSettings
from .windower import WindowerState

FORMAT_VERSION = 2
LATER = (
    "dialect",
    "categories",
    "clock",
    "image",
    "label",
    "normal",
)  # fields of a model, since then
SEAL = ("format_version", "sha256")  # keys beside those of the content


@dataclass(frozen=True)
class StreamState:
    """State that `StreamScorer.state` gives; `pending` is flattened, None for a missing value."""

    bundle: str
    settings: StreamSettings
    rows: int
    start: int
    pending: tuple[float | None, ...]
    time: float | None
    untested_until: int
    drift: DriftState | None


def fingerprint(described: Manifest, calibration: Calibration) -> str:
    """Fingerprint of a bundle and its precision, whatever its test rows were."""
    plain = document_of(described)
    for known in plain["calibration"].values():
        del known["trial"]
    for name in LATER:  # where not said, as in the states of before
        if plain["model"].get(name, 0) is None:
            del plain["model"][name]
    own = repr(calibration).replace(f", trial={calibration.trial!r}", "")
    own = own.replace(", by_machine=", ", units=")  # as states in the field have it
    return hashlib.sha256((typed_json.dumps(plain) + own).encode()).hexdigest()


def as_json(state: StreamState) -> dict[str, Any]:
    """The state as dicts, lists, numbers and text alone, with its checksum."""
    content = _content(state)
    return {"format_version": FORMAT_VERSION, "sha256": _sha256(content), **content}


def parse(document: Mapping[str, Any]) -> StreamState:
    """Parses a state from `as_json`; ValueError for anything else, or a damaged one."""
    try:
        plain = json.loads(json.dumps(document, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"state: expected what state() gave. Received: {error}.") from error
    if not isinstance(plain, dict) or not any(key in plain for key in SEAL):
        return _convert(plain)
    version, digest = (plain.pop(key, None) for key in SEAL)
    if type(version) is not int or version != FORMAT_VERSION:
        raise ValueError(
            f"state: expected format_version {FORMAT_VERSION}. Received: {version!r:.60}. Install "
            "the vae-runtime that reads it, or begin without it."
        )
    state = _convert(plain)
    if digest != _sha256(_content(state)):
        raise ValueError(
            "state: expected content whose sha256 is the one that it says. Received: another: it "
            "was altered or damaged. Begin without it."
        )
    return state


def check_fits(state: StreamState, bundle: str, settings: StreamSettings) -> None:
    """Raises ValueError for a state of another bundle, or of other settings.

    Alpha and threshold may differ: neither windows nor drift depend on them.
    """
    if state.bundle != bundle:
        raise ValueError(
            "state: expected one of this bundle. Received: one of another bundle, whose scores "
            "are others. Begin without a state."
        )
    differing = _differing(settings, state.settings)
    if differing:
        raise ValueError(
            f"state: expected one of the same settings. Received: {'; '.join(differing)}. Give "
            "the settings of the state, or begin without it."
        )
    if (state.drift is None) != (settings.drift is None):
        raise ValueError("state: expected a state of the drift test as the settings say.")
    if state.time is not None and state.rows < 1:
        raise ValueError(f"state: expected no time before any row. Received: {state.time}.")
    _check_tested(state)


def _content(state: StreamState) -> dict[str, Any]:
    return dict(json.loads(json.dumps(dataclasses.asdict(state), allow_nan=False)))


def _sha256(content: dict[str, Any]) -> str:
    """Hash of the content as JSON with sorted keys, since a store may put them in another order."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _convert(plain: Any) -> StreamState:
    """The state in a document without a seal, which has its keys and no others."""
    state = typed_json.convert(StreamState, plain, "state")
    if _content(state) != plain:
        raise ValueError("state: expected the keys that state() gave. Received: others, or fewer.")
    return state


def _differing(wanted: StreamSettings, found: StreamSettings) -> list[str]:
    """Settings that differ, each as "period: 0.1, the state has none"."""
    each, others = (_flat(dataclasses.asdict(settings)) for settings in (wanted, found))
    names = [name for name in {**each, **others} if name not in ("alpha", "threshold")]
    return [
        f"{name}: {_said(each.get(name))}, the state has {_said(others.get(name))}"
        for name in names
        if each.get(name) != others.get(name)
    ]


def _flat(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings in one dict, those of drift as drift.NAME."""
    drift = settings.pop("drift") or {}
    return settings | {f"drift.{name}": value for name, value in drift.items()}


def _said(value: Any) -> str:
    return "none" if value is None else str(value)


def _check_tested(state: StreamState) -> None:
    """Raises ValueError for a drift test that is ahead of the rows, and would wait for years."""
    settings, drift = state.settings, state.drift
    ahead = state.rows - settings.window + settings.spacing  # after the last window, if tested
    tested = 0 if drift is None else drift.tested
    since = 0 if drift is None else max(drift.since, default=0)
    if state.rows > LARGEST_WHOLE:
        raise ValueError("state: expected at most 2^53 rows. Received: more.")
    if not 0 <= state.untested_until <= max(ahead, 0) or max(tested, since) > state.rows:
        raise ValueError(f"state: expected a drift test of {state.rows} rows. Received: of others.")


def cut_of(state: StreamState, like: NDArray[Any]) -> WindowerState:
    """Progress of the cutting; `like` is (0, *sample_shape), of the samples' dtype.

    Raises:
        ValueError: it cannot have got there.
    """
    window, stride, shape = state.settings.window, state.settings.stride, like.shape[1:]
    known, over = divmod(len(state.pending), math.prod(shape))
    ahead = state.start + known - state.rows  # rows between two windows that are still to come
    if over or known >= window or not 0 <= ahead < (1 if known else stride) or state.start < 0:
        raise ValueError("state: expected the samples of a window that has begun.")
    given = [math.nan if value is None else value for value in state.pending]
    values = np.array(given).reshape(known, *shape)
    with np.errstate(over="ignore", invalid="ignore"):  # what does not fit is refused below
        pending = values.astype(like.dtype)
    there = ~np.isnan(values)
    if not (np.isfinite(pending) & np.isclose(pending, values))[there].all():
        raise ValueError(f"state: expected samples of {like.dtype}. Received: others.")
    return WindowerState(state.rows, state.start, pending)


def pending_of(cut: WindowerState) -> tuple[float | None, ...]:
    """Samples of a window that has begun, as a state has them."""
    values = cut.pending.ravel().tolist()
    return tuple(None if math.isnan(value) else value for value in values)
