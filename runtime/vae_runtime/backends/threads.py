"""Threads: how many cores this process may use, how many are asked for, and whether they start.

A container with a quota of half a core on a machine of 64 still sees 64 cores; threads for all of
them would spend their time waiting for each other.
"""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vae_runtime._base.arguments import whole

MOST_THREADS = 256  # a mistyped number must not take the machine down
REFUSED = "can't start new thread"  # Python's own words, of a RuntimeError

ROOT = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def cores(root: Path = ROOT, membership: Path = MEMBERSHIP) -> int:
    """Number of cores that this process is bound to, or fewer by its cgroup's quota; 1 at least.

    Args:
        root: where the cgroup file system is mounted.
        membership: which cgroup this process is in.

    Source: Linux kernel, admin-guide/cgroup-v2.rst (cpu.max), scheduler/sched-bwc.rst (cfs_quota).
    """
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    quotas = [_quota(folder) for folder in _folders(root, membership)]
    return max(1, min([bound or 1, *(math.ceil(quota) for quota in quotas if quota is not None)]))


def check_threads(count: object, name: str = "threads") -> None:
    """Raises ValueError for an invalid number of threads."""
    try:
        whole(f"{name} (0: as many as there are cores)", count, least=0, most=MOST_THREADS)
    except ValueError as error:
        raise ValueError(f"{error} Cores here: {cores()}.") from error


def threads_of(count: int, name: str = "threads") -> int:
    """Number of threads that is asked for, 1 or more: 0 is as many as there are cores.

    Raises:
        ValueError: it is no number of threads.
    """
    check_threads(count, name)
    return int(count) or min(cores(), MOST_THREADS)


@contextmanager
def startable(count: int) -> Iterator[None]:
    """Context that turns the system's refusal to start threads into plain words.

    Raises:
        MemoryError: the system has no room for them, or does not allow as many.
    """
    try:
        yield
    except RuntimeError as error:
        if REFUSED not in str(error):
            raise
        raise MemoryError(
            f"expected a system that starts {count} threads. Received: one that starts fewer, as "
            "memory or the number of processes is limited (ulimit -a). Take fewer threads."
        ) from error


def _folders(root: Path, membership: Path) -> list[Path]:
    """The cgroup of this process and those above it, each of which may set a quota."""
    folders = [root, root / "cpu"]  # in a container, its own cgroup is the root that it sees
    for line in _read(membership).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "" or "cpu" in controllers.split(","):
            own = (root if controllers == "" else root / "cpu") / path.strip("/")
            folders += [own, *(p for p in own.parents if root in p.parents)]
    return folders


def _quota(folder: Path) -> float | None:
    """Cores by cpu.max (cgroup 2) or cpu.cfs_quota_us (cgroup 1); None for no limit."""
    quota, period = [*_read(folder / "cpu.max").split(), "max", "1"][:2]
    if quota == "max":
        quota = _read(folder / "cpu.cfs_quota_us").strip()
        period = _read(folder / "cpu.cfs_period_us").strip()
    if not (quota.isdigit() and period.isdigit() and int(quota) and int(period)):
        return None
    return int(quota) / int(period)


def _read(path: Path) -> str:
    """Text of a file of the kernel; empty for a file that is missing or not ours."""
    try:
        return path.read_text()
    except OSError:
        return ""
