"""Rows of a record batch, read from its file some at a time: memory does not grow with it."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from vae_runtime._base.libraries import settle_pandas

from .arrow_messages import Batch, Source


def slices(
    source: Source, batch: Batch, schema: Any, names: Sequence[str], step: int
) -> Iterator[Any] | None:
    """Record batches of some columns, of `step` rows each; None where it must be read as a whole.

    That is so of a batch that is compressed, and of columns whose values lie elsewhere, as those of
    dictionaries do.
    """
    kinds = [field.type for field in schema]
    wanted = [schema.get_field_index(name) for name in names]
    whole = not batch.is_plain or None in map(_buffers, kinds)
    if whole or not all(_is_sliced(kinds[i]) for i in wanted):
        return None
    return _slices(source, batch, (kinds, wanted, names), step)


def _slices(
    source: Source, batch: Batch, columns: tuple[list[Any], list[int], Sequence[str]], step: int
) -> Iterator[Any]:
    import pyarrow as pa

    kinds, wanted, names = columns
    for start in range(0, batch.rows, step):
        stop, arrays, cursor = min(start + step, batch.rows), {}, _Cursor(source, batch)
        for i, kind in enumerate(kinds):
            if i in wanted:
                arrays[i] = cursor.take(kind, start, stop)
            else:
                cursor.skip(kind)
        yield pa.record_batch([arrays[i] for i in wanted], names=list(names))


class _Cursor:
    """Goes through the arrays of a batch in the order of the schema."""

    def __init__(self, source: Source, batch: Batch) -> None:
        self._source, self._path = source, source.path
        self._nulls, self._buffers = iter(batch.nulls), iter(batch.buffers)

    def skip(self, kind: Any) -> None:
        """Leaves out an array with its children."""
        for each in _with_children(kind):
            next(self._nulls, None)
            for _ in range(_buffers(each) or 0):
                next(self._buffers, None)

    def take(self, kind: Any, start: int, stop: int) -> Any:
        """The rows from `start` to `stop` of an array."""
        import pyarrow as pa
        import pyarrow.types as types

        if hasattr(kind, "storage_type"):
            storage = self.take(kind.storage_type, start, stop)
            return pa.ExtensionArray.from_storage(kind, storage)
        if stop <= start:
            self.skip(kind)
            settle_pandas()
            return pa.array([], kind)
        nulls = next(self._nulls, 0)
        if types.is_null(kind):
            return pa.nulls(stop - start)
        first = start // 8 * 8  # bits are read from whole bytes on
        valid = self._read(first // 8, -(-stop // 8), optional=not nulls)
        buffers, children = self._content(kind, first, stop)
        found = pa.Array.from_buffers(kind, stop - first, [valid, *buffers], children=children)
        return found.slice(start - first)

    def _content(self, kind: Any, first: int, stop: int) -> tuple[list[Any], list[Any]]:
        """Reads the buffers and children of rows of an array, all but its bits of validity."""
        import pyarrow as pa
        import pyarrow.types as types

        if types.is_struct(kind):
            return [], [self.take(field.type, first, stop) for field in kind]
        if types.is_fixed_size_list(kind):
            n = kind.list_size
            return [], [self.take(kind.value_type, first * n, stop * n)]
        if _buffers(kind) == 2 and not _is_list(kind):
            width = kind.bit_width
            return [self._read(first * width // 8, -(-stop * width // 8))], []
        large = (types.is_large_list, types.is_large_string, types.is_large_binary)
        is_large = any(test(kind) for test in large)
        dtype = np.dtype(np.int64 if is_large else np.int32)
        raw = self._read(first * dtype.itemsize, (stop + 1) * dtype.itemsize)
        offsets = np.frombuffer(raw, dtype)
        low, high = int(offsets[0]), int(offsets[-1])
        moved = pa.py_buffer(np.ascontiguousarray(offsets - offsets[0]))
        if _is_list(kind):
            return [moved], [self.take(kind.value_type, low, high)]
        return [moved, self._read(low, high)], []

    def _read(self, start: int, stop: int, *, optional: bool = False) -> Any:
        """Bytes of the next buffer; None of one that may be left out."""
        import pyarrow as pa

        place, size = next(self._buffers, (0, 0))
        if optional:
            return None
        if not 0 <= start <= stop <= size:
            raise ValueError(
                f"{self._path} is not a readable Arrow file: it has impossible positions. "
                "Copy it again."
            )
        return pa.py_buffer(self._source.read(place + start, stop - start))


def _with_children(kind: Any) -> Iterator[Any]:
    kind = getattr(kind, "storage_type", kind)
    yield kind
    for i in range(kind.num_fields):
        yield from _with_children(kind.field(i).type)


def _buffers(kind: Any) -> int | None:
    """Number of an array's own buffers; None where it is not known of it, or of a child."""
    import pyarrow.types as types

    kind = getattr(kind, "storage_type", kind)
    if any(_buffers(kind.field(i).type) is None for i in range(kind.num_fields)):
        return None
    if types.is_null(kind) or types.is_run_end_encoded(kind):
        return 0
    if types.is_struct(kind) or types.is_fixed_size_list(kind):
        return 1
    if types.is_dictionary(kind) or types.is_map(kind) or _is_list(kind):
        return 2
    if _is_text(kind):
        return 3
    fixed = types.is_primitive(kind) or types.is_decimal(kind) or types.is_fixed_size_binary(kind)
    return 2 if fixed else None


def _is_sliced(kind: Any) -> bool:
    """True for a type of which some rows can be read without the others."""
    import pyarrow.types as types

    others = (types.is_dictionary, types.is_map, types.is_run_end_encoded)
    return not any(test(each) for each in _with_children(kind) for test in others)


def _is_list(kind: Any) -> bool:
    import pyarrow.types as types

    return bool(types.is_list(kind) or types.is_large_list(kind))


def _is_text(kind: Any) -> bool:
    import pyarrow.types as types

    tests = (types.is_string, types.is_large_string, types.is_binary, types.is_large_binary)
    return any(test(kind) for test in tests)
