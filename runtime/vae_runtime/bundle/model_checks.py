"""Checks of what a manifest says of its model, and of the model's rows."""

import math

from .interfaces import DTYPES, LARGEST_ROW
from .records import ENCODINGS, NAME, Clock, Dialect, Model, Preprocessing
from .texts import expect

SMALLEST, LARGEST = 2.0**-126, 2.0**127  # of numbers that graphs have in float32
LARGEST_SIDE = 16_384  # pixels of an image that is a row
ORIENTATIONS = ("upright", "stored")

TAB = "tab"  # as a mark between cells, since texts have no control characters
NO_MARKS = '"\r\n_'  # in a text file, they cannot stand between cells or in numbers
MOST_LINES = 10_000  # above a table in a text file
MOST_CODES, LONGEST_CODE = 100, 100  # that mean "no value" there, and characters of each

LONGEST_CLOCK = 100  # characters of a format of times, and of the names of their columns
SHORTEST_STEP, LONGEST_STEP = 1e-9, 1e18  # of times, in seconds or in a unit of their own

LONGEST_CATEGORY = 100  # characters of a column of categories, or of one of its values


def check_model(model: Model) -> None:
    """Raises ValueError, which names the place, for a model that cannot exist."""
    where, shape = f"{NAME}.model", model.input_shape
    expect(0 < len(shape) <= 8, f"{where}.input_shape: expected 1 to 8 dimensions", len(shape))
    whole = math.prod(shape) if min(shape) > 0 else 0
    expect(
        0 < whole <= LARGEST_ROW,
        f"{where}.input_shape: expected sizes from 1, at most 2^28 values",
        shape,
    )
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
    expect(not others, f"{where}: expected columns other than the features", sorted(others))


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
    """Checks that images can be prepared as described, and become the model's rows."""
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
    """Checks that one or two columns hold times, in a short format, with possible steps."""
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
    expect(fits, f"{where}: expected offset and scale that float32 holds", "too large or small")
    if scaling.low is not None and scaling.high is not None:
        expect(
            scaling.low < scaling.high, f"{where}: expected low < high", (scaling.low, scaling.high)
        )
