"""Records of results, as lines of JSON have them."""

import math
from typing import Any

from numpy.typing import NDArray

from vae_runtime.runner import Runner

from .stream import StreamResult, StreamScorer


def result_record(result: StreamResult, top: list[dict[str, Any]] | None) -> dict[str, Any]:
    """Result as JSON has it: null for a NaN or infinity; without `drift`, which is told of once."""
    record = result._asdict()
    del record["drift"]
    record["score"] = _finite(result.score)
    return record if top is None else {**record, "top": top}


def drift_record(stream: StreamScorer, result: StreamResult, time: Any) -> dict[str, Any]:
    """Record of drift that was noticed with this result."""
    since = None if stream.drift is None else stream.drift.since
    return {"drift": {"row": result.last_row, "since": since, "time": time}}


def top_records(
    runner: Runner, x: NDArray[Any], top: int
) -> list[list[dict[str, Any]]] | list[None]:
    """Top features of each example, see `Runner.top_features`."""
    if not top:
        return [None] * len(x)
    found = runner.top_features(x, top)
    return [
        [{"feature": name, "nats": _finite(share)} for name, share in zip(names, nats, strict=True)]
        for names, nats in zip(found.names.tolist(), found.nats.tolist(), strict=True)
    ]


def _finite(number: float) -> float | None:
    """Number as JSON can say it; None for a NaN or infinity."""
    return number if math.isfinite(number) else None
