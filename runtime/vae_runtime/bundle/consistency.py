"""Checks of a manifest beyond its types: possible values, and parts that agree with each other.

The hashes tell damage; these checks tell a manifest that was written wrongly, or edited and hashed
again. They bound every number and every text, as a device acts on the ones and prints the others.
They cannot tell a lie that is consistent; a signature can.
"""

import itertools
import math
import re

from .interfaces import (
    DTYPES,
    LARGEST_ROW,
    NETWORKS,
    check_inputs,
    check_outputs,
    check_parity,
    check_tensor,
)
from .names import AROUND, NAME, NEG_ELBO_END, OWN_NAMES, PLAIN_NAME
from .records import ENCODINGS, Calibration, Clock, Dialect, File, Manifest, Model, Preprocessing
from .texts import check_texts, expect

MOST_FILES = 250  # an archive has room for them and the bundle's own
LARGEST_FILE = 2**31 - 1  # bytes; a protobuf file cannot be larger
LARGEST_TOLERANCE = 0.01  # what a self-test with more still tells is little

# Rounding moves the alarm threshold up, as scores within it count as tied: a nat, or a thousandth
# of the largest calibration score, where float32 gives a millionth of the terms.
LARGEST_ROUNDING, LARGEST_ROUNDING_SHARE = 1.0, 1e-3

SMALLEST, LARGEST = 2.0**-126, 2.0**127  # of numbers that graphs have in float32
MOST_TESTED = 10**9  # test rows
LARGEST_SIDE = 16_384  # pixels of an image that is a row
ORIENTATIONS = ("upright", "stored")

TAB = "tab"  # as a mark between cells, since texts have no control characters
NO_MARKS = '"\r\n_'  # in a text file, they cannot stand between cells or in numbers
MOST_LINES = 10_000  # above a table in a text file
MOST_CODES, LONGEST_CODE = 100, 100  # that mean "no value" there, and characters of each

LONGEST_CLOCK = 100  # characters of a format of times, and of the names of their columns
SHORTEST_STEP, LONGEST_STEP = 1e-9, 1e18  # of times, in seconds or in a unit of their own

LONGEST_MACHINE = 100  # characters of the name of a machine, which errors and tables print
LONGEST_CATEGORY = 100  # characters of a column of categories, or of one of its values

NEEDED = (("encoder", "onnx"), ("decoder", "onnx"), ("scorer", "onnx"), ("probe", "npz"))
SHA256 = re.compile("[0-9a-f]{64}")


def check(manifest: Manifest) -> None:
    """Raises ValueError, which names the place, for a manifest that contradicts itself."""
    _check_names([file.name for file in manifest.files])
    check_texts(manifest, NAME)
    _check_model(manifest.model)
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


def _check_model(model: Model) -> None:
    where, shape = f"{NAME}.model", model.input_shape
    expect(0 < len(shape) <= 8, f"{where}.input_shape: expected 1 to 8 dimensions", len(shape))
    whole = math.prod(shape) if min(shape) > 0 else 0
    expect(0 < whole <= LARGEST_ROW, f"{where}.input_shape: expected sizes that can be", shape)
    latents = model.latent_dim
    expect(0 < latents <= LARGEST_ROW, f"{where}.latent_dim: expected from 1", latents)
    dtype = model.input_dtype
    expect(dtype in DTYPES, f"{where}.input_dtype: expected {' or '.join(DTYPES)}", dtype)
    low, high = model.value_range or (0.0, 1.0)
    expect(low < high, f"{where}.value_range: expected low < high", model.value_range)
    counts = f"{where}: expected beta and parameters from 0"
    expect(model.beta >= 0 <= model.parameters, counts, (model.beta, model.parameters))
    _check_features(model)
    _check_categories(model)
    if model.dialect is not None:
        _check_dialect(model.dialect)
    _check_image(model)
    if model.clock is not None:
        _check_clock(model.clock)
    _check_scaling(model.preprocessing, {1, shape[-1], whole}, f"{where}.preprocessing")
    sigma = model.sigma if model.sigma is not None else (1.0,)
    numbers = whole - sum(model.one_hot)
    fits = len(sigma) in (1, numbers) and SMALLEST <= min(sigma) <= max(sigma) <= LARGEST
    expect(fits, f"{where}.sigma: expected one above 0 for all numbers, or for each", len(sigma))


def _check_features(model: Model) -> None:
    names, columns = model.feature_names, model.input_shape[-1]
    if names is not None:
        differ = len(set(names)) == len(names)
        expect(differ, f"{NAME}: expected feature names that differ", names)
        count = f"{len(names)} names"
        expect(len(names) == columns, f"{NAME}: expected a name for each feature", count)
    stride = model.stride
    if stride is not None:
        windows = stride >= 1 and len(model.input_shape) == 2
        expect(windows, f"{NAME}: expected a stride from 1, of windows (window, channels)", stride)
    groups = all(size > 0 for size in model.one_hot) and sum(model.one_hot) <= columns
    expect(groups, f"{NAME}: expected one-hot groups within the columns", model.one_hot)
    table = not model.one_hot or len(model.input_shape) == 1
    expect(table, f"{NAME}: expected one-hot groups of a table's rows alone", model.input_shape)


def _check_categories(model: Model) -> None:
    """Checks that categories are the last one-hot groups, of short values that differ.

    Of windows they are channels of 0 and 1, the last ones, which form no group of a likelihood.
    """
    if model.categories is None:
        return
    where, categories = f"{NAME}.model.categories", model.categories
    sizes = tuple(map(len, categories.values()))
    in_groups = model.stride is not None or model.one_hot[-len(sizes) :] == sizes
    fits = bool(sizes) and min(sizes) > 0 and in_groups
    expect(fits, f"{where}: expected the last one-hot groups {model.one_hot}", sizes)
    for column, values in categories.items():
        lengths = [len(text) for text in (column, *values)]
        short = 0 < min(lengths) and max(lengths) <= LONGEST_CATEGORY
        expect(short, f"{where}: expected 1 to {LONGEST_CATEGORY} characters", max(lengths))
        plain = all(text == text.strip() for text in (column, *values))
        expect(plain, f"{where}: expected texts without spaces around", column)
        expect(
            len({*values}) == len(values), f"{where}.{column}: expected values that differ", values
        )
    parts = tuple(f"{column}_{value}" for column in categories for value in categories[column])
    names = (model.feature_names or ())[-len(parts) :]
    expect(names == parts, f"{where}: expected the last feature names", names)
    others = {*(model.feature_names or ())} & {*categories}
    expect(not others, f"{where}: expected columns that are no features", sorted(others))


def _check_dialect(dialect: Dialect) -> None:
    """Checks that a dialect has marks of one character, a known encoding and few lines on top."""
    where = f"{NAME}.model.dialect"
    for name in ("sep", "decimal", "thousands", "comment"):
        mark = getattr(dialect, name)
        mark = "\t" if name == "sep" and mark == TAB else mark
        fits = mark is None or (len(mark) == 1 and not mark.isalnum() and mark not in NO_MARKS)
        expect(fits, f"{where}.{name}: expected one character, no letter or digit", repr(mark))
    differ = dialect.decimal != dialect.thousands
    expect(differ, f"{where}: expected decimal and thousands that differ", dialect.decimal)
    known = dialect.encoding in ENCODINGS
    expect(known, f"{where}.encoding: expected one of {', '.join(ENCODINGS)}", dialect.encoding)
    lines = (dialect.skiprows, dialect.units)
    expect(0 <= min(lines) <= max(lines) <= MOST_LINES, f"{where}: expected few lines", lines)
    codes = len(dialect.missing) <= MOST_CODES and all(
        len(code) <= LONGEST_CODE for code in dialect.missing
    )
    expect(codes, f"{where}.missing: expected up to {MOST_CODES} short codes", dialect.missing)


def _check_image(model: Model) -> None:
    """Checks that what is said of images can be done to them, and gives the model's rows."""
    image, shape = model.image, model.input_shape
    if image is None:
        return
    where = f"{NAME}.model.image"
    fits = len(shape) == 3 and shape[2] in (1, 3) and max(shape[:2]) <= LARGEST_SIDE
    fits = fits and model.stride is None and model.feature_names is None
    expect(fits, f"{where}: expected rows of (height, width, 1 or 3 channels)", shape)
    kind = (image.bits, shape[2], model.input_dtype)
    known = {(8, 1, "uint8"), (8, 3, "uint8"), (16, 1, "float32")}
    expect(kind in known, f"{where}.bits: expected 8 of uint8, or 16 of grey as float32", kind)
    for name, words in (("resampling", (None, "bilinear")), ("orientation", ORIENTATIONS)):
        value = getattr(image, name)
        expect(value in words, f"{where}.{name}: expected one of {words}", repr(value))
    least, most = image.aspect or (1.0, 1.0)
    possible = 1 / LARGEST_SIDE <= least <= most <= LARGEST_SIDE
    expect(possible, f"{where}.aspect: expected ratios of sides, ascending", image.aspect)


def _check_clock(clock: Clock) -> None:
    """One column of times or two, a format that is short, and steps that can be."""
    where, names = f"{NAME}.model.clock", clock.columns
    fits = len(names) in (1, 2) and len({*names}) == len(names)
    expect(fits, f"{where}.columns: expected one or two that differ", names)
    for text in (*names, *(() if clock.format is None else (clock.format,))):
        expect(
            0 < len(text) <= LONGEST_CLOCK,
            f"{where}: expected names and a format of 1 to {LONGEST_CLOCK} characters",
            repr(text),
        )
    for name in ("step", "gap"):
        value = getattr(clock, name)
        fits = value is None or SHORTEST_STEP <= value <= LONGEST_STEP
        expect(fits, f"{where}.{name}: expected a number above 0, or null", value)


def _check_scaling(scaling: Preprocessing, sizes: set[int], where: str) -> None:
    received = (len(scaling.offset), len(scaling.scale))
    fits = {*received} <= sizes and 0 not in scaling.scale
    expect(fits, f"{where}: expected one offset and scale, or one for each, not 0", received)
    sizes_of = [abs(value) for value in (*scaling.offset, *scaling.scale) if value]
    fits = not sizes_of or SMALLEST <= min(sizes_of) <= max(sizes_of) <= LARGEST
    expect(fits, f"{where}: expected offset and scale that float32 holds", "others")
    if scaling.low is not None and scaling.high is not None:
        expect(
            scaling.low < scaling.high, f"{where}: expected low < high", (scaling.low, scaling.high)
        )


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
    missing = [kind for kind in NEEDED if (*kind, "fp32") not in kinds]
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
    """All scores are those of the machines, each of which has some."""
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
            "others or none",
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
