"""One-hot groups among the columns of a table: columns `color_red`, `color_green` of `color`."""

from collections.abc import Sequence

from vae_keras._base.arrays import Array, Shape
from vae_runtime.rows.names.missing_names import some


def groups_last(names: Sequence[str], prefixes: Sequence[str]) -> tuple[tuple[str, ...], Shape]:
    """The names in an order in which the groups come last, and the sizes of the groups.

    Raises:
        ValueError: a prefix has fewer than two columns.
    """
    groups = [[name for name in names if name.startswith(f"{prefix}_")] for prefix in prefixes]
    for prefix, group in zip(prefixes, groups, strict=True):
        if len(group) < 2:
            raise ValueError(
                f"expected several columns named {prefix}_... for the one-hot group {prefix!r}. "
                f"Received: {len(group)} in {some(names) or 'a file without names'}."
            )
    last = [name for group in groups for name in group]
    first = [name for name in names if name not in set(last)]
    return (*first, *last), tuple(map(len, groups))


def check_kinds(seen: Array, names: Sequence[str], groups: Shape) -> None:
    """Raises ValueError where a kind occurs in no row; `seen` is bool (columns,)."""
    start = len(names) - sum(groups)
    unseen = [
        name for name, is_seen in zip(names[start:], seen[start:], strict=True) if not is_seen
    ]
    if unseen:
        raise ValueError(
            "expected every column of a one-hot group to be 1 in some normal row. Received: none "
            f"in which {unseen[0]} is. A kind that is never seen cannot be learnt; leave it out."
        )
