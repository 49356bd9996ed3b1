"""Score quality on ADBench's tables, through train, export and the device's runner.

    make bench-quality ADBENCH=dir

The tables are made from the figures of each set and method, by tables.py.
"""

import argparse
import functools
import importlib
import itertools
import sys
from pathlib import Path
from typing import Any

import sets
from spreading import spread

JUDGES = ("judging", "baselines")  # modules for a process each: ours, and the others


def main() -> None:
    """Judges every set by every protocol and seed, several at a time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--adbench", type=Path, required=True, help="folder of ADBench's .npz files"
    )
    parser.add_argument("--out", type=Path, required=True, help="JSON lines to add figures to")
    parser.add_argument(
        "--protocols", nargs="+", default=list(sets.PROTOCOLS), choices=sets.PROTOCOLS
    )
    parser.add_argument("--seeds", type=int, default=2, help="splits of each set")
    parser.add_argument("--sets", nargs="+", help="their names; default: all")
    parser.add_argument("--processes", type=int, help="default: as there are cores")
    args = parser.parse_args()
    names = args.sets or sets.names(args.adbench)
    jobs = itertools.product(names, args.protocols, range(args.seeds), JUDGES)
    judge = functools.partial(_judge, args.adbench)
    keys = ("set", "protocol", "seed", "judge")
    spread(judge, jobs, args.out, keys=keys, processes=args.processes)


def _judge(adbench: Path, name: str, protocol: str, seed: int, judge: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = importlib.import_module(judge).judge(
        adbench, name, protocol, seed
    )
    return found


if __name__ == "__main__":
    sys.exit(main())
