"""From figures of each set and method to tables in markdown.

python benchmarks/quality/tables.py figures.jsonl [--against KNN KNN5] [--earlier other.jsonl]
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import sets
from scipy.stats import rankdata, wilcoxon
from spreading import read

OURS, EARLIER = "ours", "earlier"
CORRELATION, EXPLAINED = (
    "strongest correlation",
    ("explained at 3", "explained at 5", "explained at 10"),
)
FIGURES = ("auroc", "auprc")
MANY_ROWS = 1_000  # of a set: smaller ones tell little, and publications copy rows of them
NORMAL_ROWS_TRAIN = ("normals_only", sets.ODDBENCH)  # protocols whose sets are means of one kind

Row = dict[str, Any]
Figures = dict[str, dict[str, float]]  # of each method, of each set, the mean over seeds


def main() -> None:
    """Prints all tables of a file."""
    args = parse()
    rows, earlier = _in_order(read(args.figures), args), read(args.earlier) if args.earlier else []
    found = list(dict.fromkeys(row["protocol"] for row in rows if row["method"] == OURS))
    if not found:
        raise SystemExit(f"{args.figures}: expected figures of {OURS}. Received: none so far.")
    for protocol in found:
        own, before = _of([protocol], rows), _of([protocol], earlier)
        print(f"## {protocol.replace('_', ' ')}\n")
        for figure in FIGURES:
            print(f"### {figure.upper()}\n\n{ranking(own, figure, args.against, before)}\n")
        print(f"### False alarms\n\n{alarms(own)}\n")
        if protocol == "normals_only":
            print(f"### Explanations\n\n{explanations(own)}\n")
    if set(NORMAL_ROWS_TRAIN) <= set(found):
        own, before = _of(NORMAL_ROWS_TRAIN, rows), _of(NORMAL_ROWS_TRAIN, earlier)
        print("## all sets, normal rows alone\n")
        for figure in FIGURES:
            print(f"### {figure.upper()}\n\n{overall(own, figure, args.against, before)}\n")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("figures", type=Path, help="JSON lines, as run.py writes them")
    parser.add_argument("--adbench", type=Path, help="whose order of sets to keep")
    parser.add_argument(
        "--against", nargs="+", default=["KNN", "KNN5"], help="methods of the paired tests"
    )
    parser.add_argument("--earlier", type=Path, help="figures of ours to compare with, by sets")
    return parser.parse_args()


def ranking(
    rows: Sequence[Row], figure: str, against: Sequence[str], earlier: Sequence[Row] = ()
) -> str:
    """A line for each set, then those of `overall`."""
    methods, names, values = _values(_by_method(rows, figure))
    lines = [[name, *map(_cell, line)] for name, line in zip(names, values, strict=True)]
    return _table(methods, [*lines, *_means(rows, values, names)]) + _tests(
        rows, figure, against, earlier
    )


def overall(
    rows: Sequence[Row], figure: str, against: Sequence[str], earlier: Sequence[Row] = ()
) -> str:
    """Means, mean ranks, and wins of ours with paired tests."""
    methods, names, values = _values(_by_method(rows, figure))
    return _table(methods, _means(rows, values, names)) + _tests(rows, figure, against, earlier)


def alarms(rows: Sequence[Row]) -> str:
    """Of ours, the share of unseen normal rows that alarm at each level, averaged over sets.

    Sets whose rows are too few for a level have no figure for it: nobody could have asked for it.
    """
    ours = [row for row in rows if row["method"] == OURS]
    keys = sorted({key for row in ours for key in row if key.startswith("alarms at")})
    lines = ["| level | sets | realised, mean over sets | least | most |", f"|{'---:|' * 5}"]
    for key in keys:
        by_set = list(_by_method(ours, key)[OURS].values())
        level = float(key.rpartition(" ")[2])
        cells = (np.mean(by_set), min(by_set), max(by_set))
        shown = [f"{level:.0%}", str(len(by_set)), *(f"{cell:.2%}" for cell in cells)]
        lines.append(f"| {' | '.join(shown)} |")
    return "\n".join(lines)


def explanations(rows: Sequence[Row]) -> str:
    """How often the feature with a fault is named first, from weak to strong correlation."""
    ours = [row for row in rows if row["method"] == OURS]
    by_set = {key: _by_method(ours, key)[OURS] for key in (CORRELATION, *EXPLAINED)}
    heads = ["set", "strongest correlation of a feature, mean", *map(_fault, EXPLAINED)]
    lines = [f"| {' | '.join(heads)} |", f"|---|{'---:|' * (len(heads) - 1)}"]
    for name in sorted(by_set[CORRELATION], key=by_set[CORRELATION].__getitem__):
        found = [by_set[key][name] for key in EXPLAINED]
        cells = [f"{by_set[CORRELATION][name]:.2f}", *(f"{share:.0%}" for share in found)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def compare(ours: dict[str, float], theirs: dict[str, float], against: str) -> str:
    """Wins, mean difference and its standard error, and a paired test, over the sets of both."""
    shared = [name for name in ours if name in theirs]
    gains = np.array([ours[name] - theirs[name] for name in shared])
    p = wilcoxon(gains).pvalue if np.any(gains) else 1.0
    error = gains.std(ddof=1) / np.sqrt(len(gains)) if len(gains) > 1 else np.nan
    return (
        f"Ours against {against}, {len(shared)} sets: {np.sum(gains > 0)} won, "
        f"{np.sum(gains < 0)} lost, mean difference {gains.mean():+.4f} (standard error "
        f"{error:.4f}), Wilcoxon's signed-rank test p = {p:.3f}."
    )


def _means(rows: Sequence[Row], values: Any, names: Sequence[str]) -> Iterator[list[str]]:
    """Lines of means over sets that every method could do, and of mean ranks."""
    whole = ~np.isnan(values).any(1)
    sizes = {row["set"]: row.get("size", 0) for row in rows if row["method"] == OURS}
    large = whole & [sizes[name] >= MANY_ROWS for name in names]
    yield [f"**mean of {whole.sum()}**", *(f"**{v:.4f}**" for v in values[whole].mean(0))]
    if large.any():
        yield [f"of {large.sum()} of {MANY_ROWS:,} rows or more", *_cells(values[large])]
    if whole[::2].any() and whole[1::2].any():
        yield ["of the first half", *_cells(values[::2][whole[::2]])]
        yield ["of the second half", *_cells(values[1::2][whole[1::2]])]
    ranks = np.array([rankdata(-line) for line in values[whole]])
    yield ["mean rank", *(f"{rank:.2f}" for rank in ranks.mean(0))]


def _tests(rows: Sequence[Row], figure: str, against: Sequence[str], earlier: Sequence[Row]) -> str:
    found, before = _by_method(rows, figure), _by_method(earlier, figure)
    others = {name: found[name] for name in against if name in found}
    if OURS in before:
        others[EARLIER] = before[OURS]
    return "".join(f"\n\n{compare(found[OURS], other, name)}" for name, other in others.items())


def _values(found: Figures) -> tuple[list[str], list[str], Any]:
    """Methods, sets, and figures (sets, methods), NaN where a method has none of a set."""
    methods, names = list(found), list(found[OURS])
    values = [[found[method].get(name, np.nan) for method in methods] for name in names]
    return methods, names, np.array(values)


def _table(methods: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    heads = [["set", *methods], ["---", *("---:" for _ in methods)]]
    return "\n".join(f"| {' | '.join(line)} |" for line in [*heads, *lines])


def _fault(key: str) -> str:
    return f"{key.rpartition(' ')[2]} deviations"


def _in_order(rows: Sequence[Row], args: argparse.Namespace) -> list[Row]:
    """Rows by set, in ADBench's order where its folder is given, and peers before ours."""
    first = sets.names(args.adbench) if args.adbench else []  # whose halves the ablation takes
    order = {name: i for i, name in enumerate(first)}
    return sorted(
        rows,
        key=lambda row: (
            row["protocol"] == sets.ODDBENCH,
            order.get(row["set"], len(order)),
            row["set"],
            row["method"].startswith(OURS),
        ),
    )


def _of(protocols: Sequence[str], rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row["protocol"] in protocols]


def _by_method(rows: Sequence[Row], figure: str) -> Figures:
    each: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row in rows:
        if figure in row:
            each[row["method"], row["set"]].append(row[figure])
    found: Figures = defaultdict(dict)
    for (method, name), values in each.items():
        found[method][name] = float(np.mean(values))
    return found


def _cells(values: Any) -> Iterator[str]:
    return map(_cell, values.mean(0))


def _cell(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.4f}"


if __name__ == "__main__":
    sys.exit(main())
