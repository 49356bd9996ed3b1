"""New alarm thresholds for a bundle, from normal rows of the place where its device now stands.

Graphs, their hashes and the probe stay what they are, byte for byte; the manifest gets the scores
that these rows have by each precision's own files, as export does it.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae_runtime._base.arguments import number
from vae_runtime.bundle import MANIFEST_LIMIT, Bundle, manifest, open_bundle, writer
from vae_runtime.bundle.manifest import ENDS, Calibration, File, Manifest, Recalibration
from vae_runtime.rows.arrays import RowCheck

from .calibrated_files import FP32, Ways, graphs_of, kept_calibrations, ways_of
from .calibration_groups import CalibrationGroups
from .foreign_rows import check_known
from .scorer import each_score
from .threshold_change import Change, changes_of

HASHED_ROWS = 4096  # rows at a time


@dataclass(frozen=True)
class Recalibrated:
    """A bundle with new thresholds.

    Args:
        path: of it.
        record: what its manifest says of the new rows.
        changes: of each precision, and of each machine that has new rows.
        lost_machines: those that the old bundle knew, and the new one does not.
        left_out: files of the old bundle that the new one lacks: the report, which shows the old
            thresholds; the signature, which was of the old manifest; precisions not asked for.
    """

    path: Path
    record: Recalibration
    changes: tuple[Change, ...]
    lost_machines: tuple[str, ...]
    left_out: tuple[str, ...]


def recalibrate(
    bundle: str | Path | Bundle,
    x: ArrayLike,
    out: str | Path,
    *,
    alpha: float | None = None,
    precisions: Sequence[str] | None = None,
    machines: str | Mapping[str, ArrayLike] | None = None,
    force: bool = False,
) -> Recalibrated:
    """Writes a bundle with alarm thresholds that these normal rows set.

    Args:
        bundle: the old bundle: its path, or what `open_bundle` opened with a key.
        x: (batch, *input_shape), normal rows, as `Runner.score` takes them.
        out: path of the new bundle: of a directory, or of one file where it ends in .vaeb. A bundle
            that is there already, the old one too, is replaced at the end.
        alpha: the alarm level; that of the old bundle where None.
        precisions: the calibrations to keep, with their files, by their names in the manifest,
            "int8" or "int8.tflite"; "fp32" is always kept. All where None.
        machines: {column: names of each row's machine (batch,)}, to calibrate for each machine by
            itself, and the column of tables that names them; or one name: all rows are of this
            machine, which is added or replaced, while the others stay as they are.
        force: whether the threshold may be one of rows that the model does not know, see
            `foreign_rows`.

    Raises:
        ValueError: the rows do not fit, are too few for alpha or of another world than the model's,
            a precision cannot be run here, or something else than a bundle is at `out`.
        BundleError: the old bundle is missing, incomplete or altered.

    >>> done = recalibrate("artifacts/sensors", normal, "artifacts/sensors-here")
    >>> done.changes[0].precision, done.changes[0].threshold > 0
    ('fp32', True)
    """
    writer.check_out(out)
    old = bundle if isinstance(bundle, Bundle) else open_bundle(bundle)
    old.verify()
    ways = ways_of(old.manifest)
    before = kept_calibrations(old.manifest, ways, precisions)
    if alpha is not None:
        level = number("alpha", alpha)
        before = {name: replace(c, alpha=level) for name, c in before.items()}
    rows = RowCheck(old.manifest.model).as_array(x)
    digest = _sha256(old, rows)
    groups = CalibrationGroups.of(machines, len(rows))
    groups.check(before[FP32], old.manifest.calibration[FP32].alpha)
    scores = _scores(old, ways, before, rows)
    changes = [
        change for name in before for change in changes_of(name, before[name], groups, scores[name])
    ]
    if not force:
        own = [change for change in changes if change.precision == FP32]
        check_known(old, graphs_of(old, ways[FP32]), before[FP32], own)
    after = {name: groups.calibration(before[name], found) for name, found in scores.items()}
    record = Recalibration(
        datetime.now(UTC).isoformat(timespec="seconds"), len(rows), digest, groups.machine
    )
    document = _document(old.manifest, after, record, groups)
    contents = {file.name: old.read(file) for file in document.files}
    left_out = sorted({*old.contents()} - {*contents, manifest.NAME, manifest.CHECKSUM_NAME})
    writer.write(out, contents, document, check=lambda path: open_bundle(path).verify())
    lost = {*(before[FP32].by_machine or ())} - {*(after[FP32].by_machine or ())}
    return Recalibrated(Path(out), record, tuple(changes), tuple(sorted(lost)), tuple(left_out))


def _sha256(bundle: Bundle, rows: NDArray[Any]) -> str:
    """Hash of the rows' bytes as graphs take them; ValueError for rows that do not fit."""
    check, digest = RowCheck(bundle.manifest.model), hashlib.sha256()
    if rows.ndim == 0 or rows.shape[1:] != check.shape or not len(rows):
        check(rows)  # refuses them as they are, not a part of them
    for start in range(0, len(rows), HASHED_ROWS):
        checked = check(rows[start : start + HASHED_ROWS], start)
        digest.update(np.ascontiguousarray(checked).tobytes())
    return digest.hexdigest()


def _scores(
    bundle: Bundle, ways: Ways, names: Collection[str], rows: NDArray[Any]
) -> dict[str, NDArray[np.float32]]:
    """Scores of the rows by each precision's own files, by the name of the calibration."""
    found: dict[str, NDArray[np.float32]] = {}
    for files, each_way in ways.items():
        scores = [score for score, end in ENDS.items() if f"{files}{end}" in names]
        if scores:
            given = each_score(graphs_of(bundle, each_way), scores, rows)
            found |= {f"{files}{ENDS[score]}": each for score, each in given.items()}
    for name, each in found.items():
        bad = np.flatnonzero(~np.isfinite(each))
        if len(bad):
            raise ValueError(
                f"expected rows with finite scores in {name}. Received: {each[bad[0]]} for row "
                f"{bad[0]} ({len(bad)} such rows). They are far from any that the model was "
                "trained on."
            )
    return {name: found[name] for name in names}


def _document(
    old: Manifest,
    after: Mapping[str, Calibration],
    record: Recalibration,
    groups: CalibrationGroups,
) -> Manifest:
    """New manifest; ValueError for one that would be too large."""
    made = replace(
        old,
        model=replace(old.model, machine_column=groups.column_of(old)),
        calibration=dict(after),
        recalibrated=(*groups.earlier(old), record),
        files=tuple(file for file in old.files if _stays(file, old, after)),
    )
    size = len(manifest.dumps(made))
    if size > MANIFEST_LIMIT:
        raise ValueError(
            f"expected a manifest of {MANIFEST_LIMIT:,} bytes at most. Received: scores that make "
            f"it {size:,}. Calibrate on fewer rows: 10,000 of a machine are plenty."
        )
    return made


def _stays(file: File, old: Manifest, after: Mapping[str, Calibration]) -> bool:
    """True for a file that still holds in the new bundle: the report shows the old thresholds."""
    if file.inputs:  # of a graph
        return old.calibration_name(file.format, file.precision) in after
    return file.role != "report"
