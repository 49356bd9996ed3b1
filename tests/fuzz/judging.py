"""The verdict on a case: what vae_runtime does with a bundle or a state that was changed."""

import io
import json
import random
import resource
import sys
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vae_runtime import BundleError, DriftSettings, LiteRT, Runner, StreamScorer
from vae_runtime.bundle import open_bundle
from vae_runtime.cli import main
from vae_runtime.live.state_file import StateFile
from vae_runtime.verdicts.recalibration import recalibrate

# Address space beyond what a worker has when it starts: a case of 80 kB that wants more is refused
# memory, and fails with MemoryError.
MEMORY = 2**30

# What may come of a case. "other model" is no failure where whoever sealed the bundle may have put
# another model in it: that is what signatures are for.
REFUSED, HARMLESS, OTHER, NOTICED = "refused", "harmless", "other model", "failed selftest"
WRONG, ESCAPED, CRASHED, HUNG = "wrong", "escaped", "crashed", "hung"
VERDICTS = (REFUSED, HARMLESS, NOTICED, OTHER, ESCAPED, WRONG, CRASHED, HUNG)


# How errors begin that are about what is asked, not about the bundle: rows that it does not take
# any more, samples where noise is no input, rows that have no finite score.
ROWS_REFUSED = (
    "x: ",
    "z: ",
    "expected no more than this graph",
    "expected rows with finite",
    "alpha=",
)

DRIFT = DriftSettings(capacity=400, spacing=2)
PERIOD = 0.1


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


def judge(
    path: Path, good: Answers, *, model: bool, every: bool = False, lost: bool = False
) -> tuple[str, str]:
    """One of `VERDICTS`, and why.

    Args:
        path: of the case.
        good: what the bundle answered before it was changed.
        model: whether another model is a sound outcome.
        every: whether all else that can be asked of a bundle is asked, in each precision.
        lost: whether weights are lost, so that the self-test must not pass.
    """
    try:
        runner = Runner.load(path)
        report = runner.selftest()
        if lost:
            return (WRONG, "lost weights pass the self-test") if report.passed else (NOTICED, "")
        if runner.manifest.model.input_shape != good.x.shape[1:]:
            return OTHER if model else WRONG, "it takes other rows"
        scores = runner.score(good.x)
        if every:
            use_everything(path, runner, good.x)
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


def use_everything(path: Path, runner: Runner, x: np.ndarray) -> None:
    """Asks a bundle all that there is; BundleError, and what rows themselves are refused for."""
    bundle = open_bundle(path)
    with redirect_stdout(io.StringIO()):
        main(["info", str(path)])
    backends = {"onnx": "onnxruntime", "tflite": LiteRT()}
    kinds = {(f.format, f.precision) for f in bundle.manifest.files if f.format in backends}
    each = [runner]
    for format, precision in sorted(kinds):
        try:
            each.append(Runner(bundle, precision=precision, backend=backends[format]))
        except BundleError:
            continue
    for one in each:
        latents = np.zeros((2, one.manifest.model.latent_dim), np.float32)
        for ask in (
            *(one.selftest, one.probe_rows),
            *(partial(ask, x) for ask in (one.score, one.explain, one.encode, one.classify)),
            *(partial(one.top_features, x), partial(one.decode, latents)),
            partial(one.score, x, threshold=1.0, samples=2, seed=0),
        ):
            try:
                ask()
            except BundleError:
                continue
            except ValueError as error:
                if not str(error).startswith(ROWS_REFUSED):
                    raise
    try:
        recalibrate(bundle, np.repeat(x, 20, axis=0), path.with_suffix(".calibrated"))
    except ValueError as error:
        if not str(error).startswith(ROWS_REFUSED):
            raise


def judge_state(path: Path, runner: Runner, good: bytes) -> tuple[str, str]:
    """The same of the file of a stream's state: refused, or what was written."""
    stream = StreamScorer(runner, period=PERIOD, drift=DRIFT)
    before = stream.state()
    try:
        StateFile(path, results=1, seconds=1.0).resume(stream)
    except ValueError as error:
        text = str(error)
        if stream.state() != before:
            return WRONG, "refused, and believed in part"
        fine = len(text) < 3_000 and all(c.isprintable() for c in text)
        return (REFUSED, text) if fine else (WRONG, f"an error not to print: {ascii(text)[:300]}")
    except Exception as error:
        return ESCAPED, f"{type(error).__name__}: {ascii(str(error))[:300]}"
    same = json.loads(path.read_bytes()) == json.loads(good)
    return (HARMLESS, "") if same else (WRONG, "a state that was changed")


def good_state(runner: Runner, x: np.ndarray) -> bytes:
    """What a stream of these rows remembers."""
    stream = StreamScorer(runner, period=PERIOD, drift=DRIFT)
    stream.push(x, np.arange(len(x)) * PERIOD)
    return json.dumps(stream.state()).encode()


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
