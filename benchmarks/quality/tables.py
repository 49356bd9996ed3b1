"""From figures of each set and method to tables in markdown.

python benchmarks/quality/tables.py figures.jsonl --adbench DIR [--against KNN5]
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import sets
from scipy.stats import rankdata, wilcoxon
from spreading import read

OURS = "ours"
CORRELATION, EXPLAINED = (
    "strongest correlation",
    ("explained at 3", "explained at 5", "explained at 10"),
)

Figures = dict[str, dict[str, float]]  # of each method, of each set, the mean over seeds


def main() -> None:
    """Prints all tables of a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("figures", type=Path, help="JSON lines, as run.py writes them")
    parser.add_argument("--adbench", type=Path, required=True, help="whose order of sets to keep")
    parser.add_argument("--against", default="KNN5", help="the method of the paired test")
    args = parser.parse_args()
    order = sets.names(args.adbench)  # whose halves the ablation takes
    rows = sorted(read(args.figures), key=lambda row: order.index(row["set"]))
    for protocol in dict.fromkeys(row["protocol"] for row in rows):
        own = [row for row in rows if row["protocol"] == protocol]
        print(f"## {protocol.replace('_', ' ')}\n")
        for figure in ("auroc", "auprc"):
            print(f"### {figure.upper()}\n\n{ranking(own, figure, args.against)}\n")
        print(f"### False alarms\n\n{alarms(own)}\n")
        if protocol == "normals_only":
            print(f"### Explanations\n\n{explanations(own)}\n")


def ranking(rows: Sequence[dict[str, Any]], figure: str, against: str) -> str:
    """A line for each set, then means, mean ranks, and wins of ours with a paired test."""
    found = _by_method(rows, figure)
    methods, names = list(found), list(found[OURS])
    values = np.array([[found[method].get(name, np.nan) for method in methods] for name in names])
    whole = ~np.isnan(values).any(1)  # sets that every method could do
    ranks = np.array([rankdata(-line) for line in values[whole]])
    lines = [
        ["set", *methods],
        ["---", *("---:" for _ in methods)],
        *([name, *map(_cell, line)] for name, line in zip(names, values, strict=True)),
        [f"**mean of {whole.sum()}**", *(f"**{v:.4f}**" for v in values[whole].mean(0))],
        ["of the first half", *map(_cell, values[::2][whole[::2]].mean(0))],
        ["of the second half", *map(_cell, values[1::2][whole[1::2]].mean(0))],
        ["mean rank", *(f"{rank:.2f}" for rank in ranks.mean(0))],
    ]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{table}\n\n{_compare(found, against)}"


def alarms(rows: Sequence[dict[str, Any]]) -> str:
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


def explanations(rows: Sequence[dict[str, Any]]) -> str:
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


def _fault(key: str) -> str:
    return f"{key.rpartition(' ')[2]} deviations"


def _by_method(rows: Sequence[dict[str, Any]], figure: str) -> Figures:
    each: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row in rows:
        if figure in row:
            each[row["method"], row["set"]].append(row[figure])
    found: Figures = defaultdict(dict)
    for (method, name), values in each.items():
        found[method][name] = float(np.mean(values))
    return found


def _compare(found: Figures, against: str) -> str:
    shared = [name for name in found[OURS] if name in found.get(against, {})]
    if not shared:
        return ""
    gains = np.array([found[OURS][name] - found[against][name] for name in shared])
    p = wilcoxon(gains).pvalue if np.any(gains) else 1.0
    return (
        f"Ours against {against}, {len(shared)} sets: {np.sum(gains > 0)} won, "
        f"{np.sum(gains < 0)} lost, mean difference {gains.mean():+.4f}, Wilcoxon's signed-rank "
        f"test p = {p:.3f}."
    )


def _cell(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.4f}"


if __name__ == "__main__":
    sys.exit(main())
