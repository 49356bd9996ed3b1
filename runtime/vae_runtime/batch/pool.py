"""Shards read and worked on by several threads, their results in order.

Each thread reads blocks of a shard of its own and works on them: reading, converting and scoring
overlap without a hand-over between threads. When no shard is left to begin, or too many results
wait for their turn, it helps with those that are under way, the first of them first, whose blocks
are read one after the other but worked on side by side: a file of a single row group keeps all
threads busy.
"""

import itertools
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Generic, TypeVar

from vae_runtime.backends.threads import startable, threads_of

S = TypeVar("S")
P = TypeVar("P")
R = TypeVar("R")

# Results for each thread that may wait for their turn: as many as a shard of a million rows has
# blocks, so that as many shards as threads can be under way from end to end. Beyond that, only
# blocks of the shard whose turn it is are read, so many for each thread.
WAITING = 16
WAITING_FIRST = 2


class Pool(Generic[S, P, R]):
    """Results of all blocks of all shards, in their order; see the module.

    Args:
        shards: to read.
        read: gives the blocks of a shard, one after the other.
        compute: makes a result of a block; called by several threads at a time.
        threads: how many; 0 is as many as there are cores.

    Raises:
        ValueError: that is no number of threads: with none, nobody would do the work.
    """

    def __init__(
        self,
        shards: Sequence[S],
        read: Callable[[S], Iterator[P]],
        compute: Callable[[P], R],
        threads: int,
    ) -> None:
        self._shards, self._read, self._compute = shards, read, compute
        self._threads = threads_of(threads)
        self._most_waiting = WAITING * self._threads
        self._changed = threading.Condition()
        self._lanes: dict[int, _Lane[P, R]] = {}  # of shards that are begun, in their order
        self._begun = 0
        self._next = (0, 0)  # lane and block that the reader of results waits for
        self._waiting, self._stopped = 0, False

    def results(self) -> Generator[tuple[int, R | None], None, None]:
        """(number of the shard, result) of each block; (number, None) behind the last of a shard.

        Whatever `read` or `compute` raises is raised here, where its result would have come.
        """
        threads: list[threading.Thread] = []
        try:
            with startable(self._threads):
                for _ in range(self._threads):
                    thread = threading.Thread(target=self._run, daemon=True)
                    thread.start()
                    threads.append(thread)
            for number in range(len(self._shards)):
                yield from ((number, result) for result in self._of_shard(number))
                yield number, None
        finally:
            with self._changed:
                self._stopped = True
                self._changed.notify_all()
            for thread in threads:
                thread.join()
            for lane in self._lanes.values():
                lane.source.close()  # and with it the file

    def _of_shard(self, number: int) -> Iterator[R]:
        for block in itertools.count():
            with self._changed:
                self._next = number, block
                self._changed.notify_all()
                self._changed.wait_for(self._is_next_there)
                lane = self._lanes[number]
                if block not in lane.results:
                    del self._lanes[number]
                    return
                result = lane.results.pop(block)
                self._waiting -= 1
            if isinstance(result, _Failure):
                raise result.error
            yield result

    def _is_next_there(self) -> bool:
        """True where the next result has come, or never will: the shard has no such block."""
        number, block = self._next
        lane = self._lanes.get(number)
        if lane is None:
            return False
        return block in lane.results or (lane.is_read and block >= lane.blocks)

    def _run(self) -> None:
        own = None
        while True:
            with self._changed:
                own = self._choose(own)
                while own is None and not self._is_over():
                    self._changed.wait()
                    own = self._choose(own)
                if own is None:
                    return
                own.is_busy = True
            self._do(own)

    def _do(self, lane: "_Lane[P, R]") -> None:
        """Reads a block of a lane that nobody else reads from now, and works on it."""
        block: P | None = None
        result: R | _Failure | None = None
        try:
            block = next(lane.source, None)
        except BaseException as error:  # goes to whoever reads the results, who waits for it
            result = _Failure(error)
        with self._changed:
            lane.is_busy, lane.is_read, place = False, block is None, lane.blocks
            if block is not None or result is not None:
                lane.blocks += 1
                self._waiting += 1
            self._changed.notify_all()
        if block is not None:
            try:
                result = self._compute(block)
            except BaseException as error:  # as above
                result = _Failure(error)
        if result is not None:
            with self._changed:
                lane.results[place] = result
                self._changed.notify_all()

    def _choose(self, own: "_Lane[P, R] | None") -> "_Lane[P, R] | None":
        """Chooses the lane to read from, maybe a new one; None where none may be read now."""
        if self._stopped:
            return None
        under_way = {n: lane for n, lane in self._lanes.items() if not lane.is_read}
        free = [lane for n, lane in under_way.items() if self._may_read(n, lane)]
        if own in free:
            return own
        is_room = len(under_way) < self._threads and self._waiting < self._most_waiting
        if is_room and self._begun < len(self._shards):
            lane = self._lanes[self._begun] = _Lane(self._blocks(self._shards[self._begun]))
            self._begun += 1
            return lane
        return free[0] if free else None

    def _may_read(self, number: int, lane: "_Lane[P, R]") -> bool:
        """True where a block of a lane may be read now.

        The lane that is waited for has room of its own: else the results of the others would keep
        its blocks from being worked on side by side.
        """
        first, block = self._next
        is_room = self._waiting < self._most_waiting
        if number == first:
            is_room |= lane.blocks - block < WAITING_FIRST * self._threads
        return is_room and not lane.is_busy

    def _blocks(self, shard: S) -> Generator[P, None, None]:
        """The blocks of a shard, which is opened when the first is asked for, not before."""
        yield from self._read(shard)

    def _is_over(self) -> bool:
        read = self._begun == len(self._shards) and all(v.is_read for v in self._lanes.values())
        return self._stopped or read


class _Lane(Generic[P, R]):
    """A shard that is begun: where its blocks come from, and results that wait for their turn."""

    def __init__(self, source: Generator[P, None, None]) -> None:
        self.source = source
        self.blocks = 0  # that have been read
        self.is_busy = self.is_read = False  # whether one is being read; whether all are
        self.results: dict[int, R | _Failure] = {}


class _Failure:
    """Error that stands in place of a result."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
