"""Profiles of how a session uses the machine: three measured ones, or one of your own.

The figures behind each choice are in benchmarks/runtime.md.
"""

import math
from dataclasses import dataclass, replace

from vae_runtime._base.arguments import whole

from .threads import check_threads, threads_of

# Rows of so few values are given by so many: a table in Parquet scores a fifth faster than by 512.
FEW_VALUES, FEW_VALUES_CHUNK = 64, 2048


@dataclass(frozen=True)
class Profile:
    """Share of the machine that a session may use.

    `threads` work within one call, `workers` side by side on the chunks of a long one; 0 is as many
    as there are cores. `spinning` threads wait for work without sleeping. An `arena` keeps
    the memory of the largest batch seen. `chunk` is how many rows are given to a session at a time.

    >>> OnnxRuntime(Profile(threads=2, chunk=256)).chunk
    256
    """

    threads: int = 1
    workers: int = 1
    spinning: bool = False
    arena: bool = False
    chunk: int = 1024

    def __post_init__(self) -> None:
        check_threads(self.threads)
        check_threads(self.workers, "workers")
        whole("a chunk of rows", self.chunk, least=1)

    def resolved(self) -> "Profile":
        """Profile with the cores that this process may use in place of 0."""
        threads, workers = threads_of(self.threads), threads_of(self.workers, "workers")
        return Profile(threads, workers, self.spinning, self.arena, int(self.chunk))


PROFILES = {
    "edge": Profile(chunk=256),
    "server": Profile(arena=True, chunk=512),
    "throughput": Profile(workers=0, arena=True, chunk=512),
}


def profile_of(profile: str | Profile) -> Profile:
    """Profile of that name, or the given one, with the cores of this machine."""
    if isinstance(profile, Profile):
        return profile.resolved()
    if not isinstance(profile, str) or profile not in PROFILES:
        raise ValueError(f"expected a profile of {', '.join(PROFILES)}. Received: {profile!r}.")
    return PROFILES[profile].resolved()


def profile_of_files(shape: tuple[int, ...]) -> Profile:
    """The profile to score long files with, of rows of this shape."""
    server = PROFILES["server"]
    return replace(server, chunk=FEW_VALUES_CHUNK) if math.prod(shape) <= FEW_VALUES else server
