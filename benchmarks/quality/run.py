"""Score quality on ADBench's and OddBench's tables, through train, export and the device's runner.

    make bench-quality ADBENCH=dir [ODDBENCH=dir]

The tables are made from the figures of each set and method, by tables.py. A run that was stopped
goes on where it was; of another score, give another --out: figures of other detectors are kept in
--peers, by the rows that they are of.
"""

import argparse
import functools
import importlib
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sets
from spreading import spread

KEYS = ("set", "protocol", "seed", "judge")
OURS, PEERS = "judging", "baselines"  # modules, never of one process: TensorFlow, perhaps PyTorch

Folders = dict[str, Path]  # of the tables of each protocol


def main() -> None:
    """Judges every set by every protocol and seed, several at a time."""
    args = parse()
    jobs = [*jobs_of(args)]
    folders = {**dict.fromkeys(sets.PROTOCOLS, args.adbench), sets.ODDBENCH: args.oddbench}
    by_peers = functools.partial(_judge_peers, folders, args.peers)
    by_ours = functools.partial(_judge_ours, folders)
    for judge, function in ((PEERS, by_peers), (OURS, by_ours)):
        own = [(*job, judge) for job in jobs]
        spread(function, own, args.out, keys=KEYS, processes=args.processes)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--adbench", type=Path, help="folder of ADBench's .npz files")
    parser.add_argument(
        "--oddbench", type=Path, help=f"folder of OddBench's .npz files, and {sets.NAMES}"
    )
    parser.add_argument("--out", type=Path, required=True, help="JSON lines to add figures to")
    parser.add_argument(
        "--peers", type=Path, help="folder of other detectors' figures; default: beside --out"
    )
    parser.add_argument(
        "--protocols", nargs="+", default=list(sets.PROTOCOLS), choices=sets.PROTOCOLS
    )
    parser.add_argument("--seeds", type=int, default=2, help="splits of each set")
    parser.add_argument("--sets", nargs="+", help="their names; default: all")
    parser.add_argument("--processes", type=int, help="default: as there are cores")
    args = parser.parse_args()
    if args.adbench is None and args.oddbench is None:
        parser.error("expected --adbench DIR, --oddbench DIR or both. Received: neither.")
    args.peers = args.peers or args.out.with_name("peers")
    return args


def jobs_of(args: argparse.Namespace) -> Iterator[tuple[str, str, int]]:
    """Set, protocol and seed of each job."""
    known: dict[str, list[str]] = {}
    if args.adbench is not None:
        known |= dict.fromkeys(args.protocols, sets.names(args.adbench))
    if args.oddbench is not None:
        known[sets.ODDBENCH] = sets.oddbench_names(args.oddbench)
    unknown = set(args.sets or ()).difference(*known.values())
    if unknown:
        raise ValueError(f"expected names of sets. Received: {', '.join(sorted(unknown))}.")
    for protocol, names in known.items():
        own = [name for name in names if args.sets is None or name in args.sets]
        yield from itertools.product(own, [protocol], range(args.seeds))


def _judge_ours(folders: Folders, name: str, protocol: str, seed: int, _: str) -> list[Any]:
    judging = importlib.import_module(OURS)
    return judging.judge(folders[protocol], name, protocol, seed)


def _judge_peers(
    folders: Folders, kept: Path, name: str, protocol: str, seed: int, _: str
) -> list[Any]:
    baselines = importlib.import_module(PEERS)
    return baselines.judge(folders[protocol], name, protocol, seed, kept)


if __name__ == "__main__":
    sys.exit(main())
