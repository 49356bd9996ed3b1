"""The verdict on a case: what vae_runtime does with a bundle that is not what it was."""

import json
import random
import resource
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vae_runtime import BundleError, Runner
from vae_runtime.bundle import open_bundle

# Address space beyond what a worker has when it starts: a case of 80 kB that wants more is refused
# memory, and fails with MemoryError.
MEMORY = 2**30

# What may come of a case. "other model" is no failure where whoever sealed the bundle may have put
# another model in it: that is what signatures are for.
REFUSED, HARMLESS, OTHER, NOTICED = "refused", "harmless", "other model", "failed selftest"
WRONG, ESCAPED, CRASHED, HUNG = "wrong", "escaped", "crashed", "hung"
VERDICTS = (REFUSED, HARMLESS, NOTICED, OTHER, ESCAPED, WRONG, CRASHED, HUNG)


class Answers(NamedTuple):
    """What the good bundle answers to the rows `x`."""

    x: np.ndarray
    score: np.ndarray
    manifest: dict


def good_answers(bundle: Path, x: np.ndarray) -> Answers:
    """Asks the bundle that all cases are made of."""
    scores = Runner.load(bundle).score(x)
    return Answers(x, scores.score, json.loads(open_bundle(bundle).contents()["manifest.json"]))


def limit_memory() -> None:
    """Lets this process have `MEMORY` more than it has now."""
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def judge(path: Path, good: Answers, *, model: bool) -> tuple[str, str]:
    """One of `VERDICTS`, and why.

    Args:
        path: of the case.
        good: what the bundle answered before it was changed.
        model: whether another model is a sound outcome.
    """
    try:
        runner = Runner.load(path)
        report = runner.selftest()
        if runner.manifest.model.input_shape != good.x.shape[1:]:
            return OTHER if model else WRONG, "it takes other rows"
        scores = runner.score(good.x)
    except BundleError as error:
        text = str(error)
        fine = len(text) < 3_000 and all(c.isprintable() or c == "\n" for c in text)
        return (REFUSED, text) if fine else (WRONG, f"an error not to print: {ascii(text)[:300]}")
    except Exception as error:
        return (
            ESCAPED,
            f"{type(error).__module__}.{type(error).__name__}: {ascii(str(error))[:300]}",
        )
    if not np.array_equal(scores.score, good.score):
        if not report.passed:
            return NOTICED if model else WRONG, "the self-test fails"
        return OTHER if model else WRONG, "other scores, and the self-test passes"
    if not np.array_equal(scores.p_value, expected_p_values(runner, good)):
        return WRONG, "p-values that are not those of its calibration"
    return HARMLESS, ""


def expected_p_values(runner: Runner, good: Answers) -> np.ndarray:
    """By docs/bundle-format.md and nothing else, from the manifest's numbers."""
    calibration = runner.manifest.calibration["fp32"]
    n, p = len(calibration.scores), []
    for s in good.score.astype(np.float64).tolist():
        t = s - (calibration.rounding + 1e-6 * abs(s))
        p.append((1 + sum(score >= t for score in calibration.scores)) / (n + 1))
    return np.array(p)


def seeded(kind: str, seed: int) -> random.Random:
    """The randomness of a case: the same everywhere."""
    return random.Random(f"{kind} {seed}")
