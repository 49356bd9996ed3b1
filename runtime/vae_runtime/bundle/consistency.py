"""Checks of a manifest beyond its types: possible values, and parts that agree with each other.

The hashes tell damage; these checks tell a manifest that was written wrongly, or edited and hashed
again. They bound every number and every text, as a device acts on the ones and prints the others.
They cannot tell a lie that is consistent; a signature can.
"""

import itertools
import re

from .interfaces import NETWORKS, check_inputs, check_outputs, check_parity, check_tensor
from .model_checks import check_model
from .records import AROUND, NAME, NEG_ELBO_END, OWN_NAMES, PLAIN_NAME, Calibration, File, Manifest
from .texts import check_texts, expect

MOST_FILES = 250  # an archive has room for them and the bundle's own
LARGEST_FILE = 2**31 - 1  # bytes; a protobuf file cannot be larger
LARGEST_TOLERANCE = 0.01  # what a self-test with more still tells is little

# Rounding moves the alarm threshold up, as scores within it count as tied: a nat, or a thousandth
# of the largest calibration score, where float32 gives a millionth of the terms.
LARGEST_ROUNDING, LARGEST_ROUNDING_SHARE = 1.0, 1e-3

MOST_TESTED = 10**9  # test rows
LONGEST_MACHINE = 100  # characters of the name of a machine, which errors and tables print

NEEDED_FILES = (("encoder", "onnx"), ("decoder", "onnx"), ("scorer", "onnx"), ("probe", "npz"))
SHA256 = re.compile("[0-9a-f]{64}")


def check(manifest: Manifest) -> None:
    """Raises ValueError, which names the place, for a manifest that contradicts itself."""
    _check_names([file.name for file in manifest.files])
    check_texts(manifest, NAME)
    check_model(manifest.model)
    _check_training_and_score(manifest)
    _check_files(manifest.files)
    _check_classes(manifest)
    _check_mixture(manifest)
    _check_around(manifest)
    expect(
        0 < manifest.tolerance <= LARGEST_TOLERANCE,
        f"{NAME}.tolerance: expected more than 0 and at most {LARGEST_TOLERANCE}",
        manifest.tolerance,
    )
    for check_each in (check_inputs, check_outputs):
        for file in manifest.files:
            check_each(file, manifest.model)
    for file in manifest.files:
        _check_file(file)
        check_parity(file, manifest.model, manifest.tolerance)
    _check_calibrations(manifest)


def _check_training_and_score(manifest: Manifest) -> None:
    rows, score = manifest.training.rows, manifest.score
    expect(rows >= 0, f"{NAME}.training.rows: expected from 0", rows)
    meaning = (score.unit, score.direction)
    known = ("nats", "higher is more anomalous")
    expect(meaning == known, f"{NAME}.score: expected {known}", meaning)


def _check_names(names: list[str]) -> None:
    for name in names:
        expect(bool(PLAIN_NAME.fullmatch(name)), f"{NAME}: expected plain file names", repr(name))
    if len({*OWN_NAMES, *map(str.lower, names)}) < len(OWN_NAMES) + len(names):
        raise ValueError(f"{NAME}: expected files of different names. Received: {names}.")


def _check_files(files: "tuple[File, ...]") -> None:
    expect(len(files) <= MOST_FILES, f"{NAME}.files: expected {MOST_FILES} at most", len(files))
    kinds = [(file.role, file.format, file.precision) for file in files]
    twice = sorted({kind for kind in kinds if kinds.count(kind) > 1})
    expect(not twice, f"{NAME}.files: expected one of each role, format and precision", twice)
    missing = [kind for kind in NEEDED_FILES if (*kind, "fp32") not in kinds]
    expect(
        not missing,
        f"{NAME}.files: expected {missing} in fp32 as well",
        [file.name for file in files],
    )


def _check_file(file: File) -> None:
    where = f"{NAME}: {file.name}"
    expect(0 <= file.bytes <= LARGEST_FILE, f"{where}: expected bytes below 2^31", file.bytes)
    expect(bool(SHA256.fullmatch(file.sha256)), f"{where}: expected a sha256", file.sha256)
    expect(file.opset is None or file.opset > 0, f"{where}: expected an opset", file.opset)
    tensors = (*file.inputs, *file.outputs)
    names = [tensor.name for tensor in tensors]
    expect(len({*names}) == len(names), f"{where}: expected tensors of different names", names)
    for tensor in tensors:
        check_tensor(tensor, f"{where} {tensor.name!r}")


def _check_classes(manifest: Manifest) -> None:
    """Checks that there is a classifier where there are classes."""
    classes = manifest.model.classes or ()
    several = len(set(classes)) == len(classes) != 1
    expect(several, f"{NAME}: expected two classes or more that differ", classes)
    classifiers = [file for file in manifest.files if file.role == "classifier"]
    if bool(classifiers) != bool(classes):
        raise ValueError(
            f"{NAME}: expected a classifier where the model has classes, and nowhere else. "
            f"Received: {len(classes)} classes, {len(classifiers)} files of a classifier."
        )


def _check_mixture(manifest: Manifest) -> None:
    """Checks that there are files of the mixture where the model has one, and nowhere else."""
    encoders = [f for f in manifest.files if f.role == "encoder" and f.precision == "fp32"]
    role, kinds = "replacements", {f.format for f in encoders}
    if manifest.format_version == 1:
        role, kinds = "mixture", {"npz"}
    centres, files = manifest.model.mixture, [f for f in manifest.files if f.role == role]
    expect(
        centres is None or centres >= 1, f"{NAME}: expected a mixture of 1 centre or more", centres
    )
    if sorted(f.format for f in files) != (sorted(kinds) if centres is not None else []):
        raise ValueError(
            f"{NAME}: expected a file of {role} in {' and '.join(sorted(kinds))} where the model "
            f"has a mixture, and nowhere else. Received: {len(files)} files, {centres} centres."
        )


def _check_around(manifest: Manifest) -> None:
    """Checks that the graphs around networks are there, without which these are of no use."""
    if manifest.format_version == 1:
        return
    kinds = {(file.role, file.format, file.precision) for file in manifest.files}
    format, precision = NETWORKS
    missing = [role for role in AROUND if (role, format, "fp32") not in kinds]
    if ("encoder", format, precision) in kinds and missing:
        raise ValueError(
            f"{NAME}: expected {', '.join(missing)} in fp32 {format} beside networks of "
            f"{precision}, which are of no use without. Received: none."
        )


def _check_calibrations(manifest: Manifest) -> None:
    scorers = {file.precision for file in manifest.files if file.role == "scorer"}
    given = set(manifest.calibration)
    wanted = {"fp32"} | scorers
    if manifest.model.mixture is not None:
        names = wanted | {name.removesuffix(NEG_ELBO_END) for name in given}
        wanted |= {f"{name}{NEG_ELBO_END}" for name in names}
    missing = sorted(wanted - given)
    if missing:
        raise ValueError(
            f"{NAME}.calibration: expected an entry for {', '.join(missing)}. Received: none."
        )
    for precision, calibration in manifest.calibration.items():
        _check_calibration(calibration, f"{NAME}.calibration.{precision}")
        _check_machines(calibration, f"{NAME}.calibration.{precision}")
        _check_trial(calibration, f"{NAME}.calibration.{precision}.trial")
    each = {frozenset(c.by_machine or ()) for c in manifest.calibration.values()}
    expect(
        len(each) == 1, f"{NAME}.calibration: expected the same machines in all entries", len(each)
    )
    machines = each.pop()
    expect(
        bool(machines) or manifest.model.machine_column is None,
        f"{NAME}.model.machine_column: expected null where no calibration has machines",
        manifest.model.machine_column,
    )
    _check_recalibrated(manifest, machines)


def _check_calibration(calibration: Calibration, where: str) -> None:
    alpha, scores, rounding = calibration.alpha, calibration.scores, calibration.rounding
    expect(0 < alpha < 1, f"{where}: expected 0 < alpha < 1", alpha)
    ascending = all(a <= b for a, b in itertools.pairwise(scores))
    expect(ascending, f"{where}: expected ascending scores", "unsorted scores")
    expect(calibration.folds >= 1, f"{where}.folds: expected 1 or more", calibration.folds)
    resolved = 1 / (len(scores) + 1) <= alpha
    expect(resolved, f"{where}: expected scores enough for alpha {alpha:g}", len(scores))
    largest = max(map(abs, (scores[0], scores[-1])))
    limit = max(LARGEST_ROUNDING, LARGEST_ROUNDING_SHARE * largest)
    expect(0 <= rounding <= limit, f"{where}.rounding: expected 0 to {limit:g}", rounding)


def _check_machines(calibration: Calibration, where: str) -> None:
    """Checks that each machine has scores, and that these are all the scores."""
    if calibration.by_machine is None:
        return
    expect(
        bool(calibration.by_machine), f"{where}.by_machine: expected one or more, or null", "none"
    )
    for name, scores in calibration.by_machine.items():
        fits = 0 < len(name) <= LONGEST_MACHINE and name == name.strip()
        expect(
            fits,
            f"{where}.by_machine: expected names of 1 to {LONGEST_MACHINE} characters",
            repr(name),
        )
        ascending = bool(scores) and all(a <= b for a, b in itertools.pairwise(scores))
        expect(
            ascending,
            f"{where}.by_machine: expected ascending scores of {name!r}",
            "unsorted scores, or none",
        )
    together = tuple(sorted(itertools.chain.from_iterable(calibration.by_machine.values())))
    expect(
        together == calibration.scores,
        f"{where}.by_machine: expected machines whose scores are all there are, "
        f"{len(calibration.scores)}",
        f"{len(together)}, or others",
    )


def _check_trial(calibration: Calibration, where: str) -> None:
    trial = calibration.trial
    if trial is None:
        return
    counts = (trial.false_alarms, trial.normal_rows, trial.anomalies)
    fits = 0 <= counts[0] <= counts[1] <= MOST_TESTED and 0 <= counts[2] <= MOST_TESTED
    expect(fits, f"{where}: expected counts of rows, alarms among them", counts)
    both = trial.normal_rows > 0 and trial.anomalies > 0
    fits = (trial.auroc is not None) == both and 0 <= (trial.auroc or 0) <= 1
    expect(fits, f"{where}.auroc: expected 0 to 1 where there are anomalies", trial.auroc)
    for name in ("independent", "alike"):
        share = getattr(trial, name)
        expect(0 < share <= 1, f"{where}.{name}: expected a share above 0", share)


def _check_recalibrated(manifest: Manifest, machines: frozenset[str]) -> None:
    where = f"{NAME}.recalibrated"
    for i, made in enumerate(manifest.recalibrated):
        expect(made.rows > 0, f"{where}: expected rows from 1", made.rows)
        expect(bool(SHA256.fullmatch(made.sha256)), f"{where}: expected a sha256", made.sha256)
        whose = made.machine in machines if made.machine is not None else i == 0
        expect(whose, f"{where}: expected a machine of the calibration, or all first", made.machine)
