"""Columns of tables: arrays of numpy, or of pyarrow as a file has them."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from vae_runtime._base.libraries import settle_pandas
from vae_runtime.rows.blocks import Column, Columns

from .json_columns import MARK, is_json, pack_json, unpack_json

Kind: TypeAlias = Literal["truth", "number", "decimal", "text", "timestamp", "other"]


def take(column: Column, good: NDArray[np.bool_]) -> Column:
    """The rows of a column that are good."""
    if isinstance(column, np.ndarray):
        return column[good]
    import pyarrow as pa

    return column.filter(pa.array(good))


def flat(columns: Columns) -> dict[str, Column]:
    """Columns of one value a row: of (rows, n), n columns `name_0`, `name_1`, ..."""
    found: dict[str, Column] = {}
    for name, column in columns.items():
        if isinstance(column, np.ndarray) and column.ndim > 1:
            each = column.reshape(len(column), int(np.prod(column.shape[1:]))).T
            found |= {f"{name}_{i}": values for i, values in enumerate(each)}
        else:
            found[name] = column
    return found


def check_names(names: Sequence[str]) -> None:
    """Raises ValueError where two columns would have the same name."""
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise ValueError(
            "expected columns to keep that differ in name from each other and from results. "
            f"Received: {', '.join(twice)} twice. Rename these, or name the columns to keep."
        )


def decoded(column: Any) -> Any:
    """A column of Arrow with values where it has numbers of a dictionary's entries."""
    import pyarrow.types as types

    return column.dictionary_decode() if types.is_dictionary(column.type) else column


def cast(array: Any, field: Any, where: str, instead: str) -> Any:
    """An array of Arrow as the type of a field.

    Args:
        array: of any type.
        field: with the type that it must have, as the first rows had.
        where: the array is from, for the error.
        instead: what to do, for the error.

    Raises:
        ValueError: a value would change.
    """
    import pyarrow as pa

    if array.type == field.type:
        return array
    if array.null_count == len(array):
        return pa.nulls(len(array), field.type)
    try:
        if is_alike(array.type, field.type):
            found = array.cast(field.type)
            if found.cast(array.type).equals(array) or _is_wider(array.type, field.type):
                return found
        cause = None  # 007 as a whole number is 7, and 7 is not the text "7"
    except (pa.ArrowException, NotImplementedError) as error:
        cause = error
    raise ValueError(
        f"{where}: expected {field.type} in column {field.name!r}, as in the first rows. "
        f"Received: {array.type}. {instead}, or leave the column out."
    ) from cause


def is_alike(given: Any, wanted: Any) -> bool:
    """Tells whether two types of Arrow hold values of one kind: numbers both, or texts, or times.

    Of lists and structs, their values.
    """
    import pyarrow.types as types

    given, wanted = _of_values(given), _of_values(wanted)
    if given.num_fields or wanted.num_fields:
        shapes = {(kind.num_fields, types.is_struct(kind)) for kind in (given, wanted)}
        if len(shapes) > 1:
            return False
        fields = ((given.field(i), wanted.field(i)) for i in range(given.num_fields))
        return all(types.is_null(a.type) or is_alike(a.type, b.type) for a, b in fields)
    return _family(given) == _family(wanted)


def _of_values(kind: Any) -> Any:
    """The type of the values that a dictionary or an extension stands for."""
    import pyarrow.types as types

    kind = getattr(kind, "storage_type", kind)
    return _of_values(kind.value_type) if types.is_dictionary(kind) else kind


def _family(kind: Any) -> str:
    """Name of a type without its width or unit: `int32` and `uint8` are both numbers."""
    import pyarrow.types as types

    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return "number"
    if types.is_timestamp(kind):
        return f"timestamp in {kind.tz}"
    text = str(kind).removeprefix("large_").removeprefix("fixed_size_").removesuffix("_view")
    return text.partition("[")[0].rstrip("0123456789")


def _is_wider(given: Any, wanted: Any) -> bool:
    """True where both types are floats, the wanted one at least as wide as the given one.

    Then no value changes, though NaN, which equals nothing, keeps `equals` from saying so.
    """
    import pyarrow.types as types

    both = types.is_floating(given) and types.is_floating(wanted)
    return both and bool(wanted.bit_width >= given.bit_width)


def as_floats(column: Any, where: str, instead: str) -> Any:
    """Decimals as floats; ValueError where one would change."""
    import pyarrow as pa

    found = column.cast("float64", safe=False)
    try:
        is_same = found.cast(column.type, safe=False).equals(column)
    except pa.ArrowException:
        is_same = False
    if not is_same:
        raise ValueError(
            f"{where}: expected numbers that floats hold, as arrays have no decimals. Received: "
            f"{column.type} with larger ones. Write {instead}."
        )
    return found


def kind_of(column: Any) -> Kind:
    """Kind of the values of an Arrow column; a dictionary must be `decoded` before."""
    import pyarrow.types as types

    tests: dict[Kind, tuple[Callable[[Any], bool], ...]] = {
        "truth": (types.is_boolean,),
        "number": (types.is_integer, types.is_floating),
        "decimal": (types.is_decimal,),
        "text": (types.is_string, types.is_large_string),
        "timestamp": (types.is_timestamp,),
    }
    return next((k for k, each in tests.items() if any(t(column.type) for t in each)), "other")


def pack(column: Column) -> NDArray[Any]:
    """A column as an array that numpy can save without pickles."""
    if is_json(column):
        return np.array(np.void(pack_json(column)))
    if isinstance(column, np.ndarray):
        return np.ascontiguousarray(column)
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    batch = pa.record_batch([column], names=["column"])
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return np.array(np.void(sink.getvalue().to_pybytes()))


def unpack(array: NDArray[Any]) -> Column:
    """The column that `pack` made this of."""
    if array.dtype.kind != "V":
        return array
    if array.tobytes().startswith(MARK):
        return unpack_json(array.tobytes())
    import pyarrow as pa

    settle_pandas()
    with pa.ipc.open_stream(array.tobytes()) as reader:
        return reader.read_next_batch().column(0)
