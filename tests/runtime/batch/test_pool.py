"""All blocks of all shards, each once and in order, whatever takes how long."""

import gc
import itertools
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vae_runtime.batch.pool import WAITING, WAITING_FIRST, Pool

LONG = 10.0  # seconds after which a test is hanging


class Source:
    """Shards (number, blocks), of which it is noted what was read and worked on, and when."""

    def __init__(self, counts, delays=None):
        self.shards = list(enumerate(counts))
        self.delays = delays
        self.lock = threading.Lock()
        self.read_blocks, self.worked, self.closed = [], [], []
        self.working = self.most_working = 0
        self.threads = set()

    def read(self, shard):
        number, blocks = shard
        try:
            for block in range(blocks):
                with self.lock:
                    self.read_blocks.append((number, block))
                yield number, block
        finally:
            self.closed.append(number)

    def compute(self, block):
        with self.lock:
            self.threads.add(threading.get_ident())
            self.working += 1
            self.most_working = max(self.most_working, self.working)
        if self.delays is not None:
            time.sleep(next(self.delays))
        with self.lock:
            self.working -= 1
            self.worked.append(block)
        return block

    def pool(self, threads, read=None, compute=None):
        return Pool(self.shards, read or self.read, compute or self.compute, threads)

    @property
    def expected(self):
        return [
            (n, block)
            for n, blocks in self.shards
            for block in [*((n, i) for i in range(blocks)), None]
        ]


@pytest.fixture(autouse=True)
def _no_thread_is_left():
    before = threading.active_count()
    yield
    assert threading.active_count() == before


@settings(max_examples=100, deadline=None)
@given(
    counts=st.lists(st.integers(0, 12), max_size=12),
    threads=st.integers(1, 5),
    delays=st.lists(st.sampled_from([0, 0, 0, 1e-4, 2e-3]), min_size=1, max_size=7),
)
def test_results_come_in_order_and_each_part_once(counts, threads, delays):
    source = Source(counts, itertools.cycle(delays))
    assert list(source.pool(threads).results()) == source.expected
    assert sorted(source.worked) == [block for _, block in source.expected if block]
    assert sorted(source.closed) == list(range(len(counts)))


def meeting(n):
    """Work that ends only where so many are at it at a time; a later few may be alone."""
    barrier = threading.Barrier(n)

    def compute(block):
        barrier.wait(LONG)
        return block

    return compute


@pytest.mark.parametrize("counts", [[32], [2] * 16, [3, 0, 29], [0] * 20 + [32]])
def test_all_threads_are_busy_whatever_the_shards(counts):
    source = Source(counts)
    assert list(source.pool(4, compute=meeting(4)).results()) == source.expected


def test_all_threads_work_on_a_first_shard_that_holds_up_the_others():
    source, long = Source([100, *[200] * 3]), threading.Event()
    meet = meeting(4)

    def compute(block):
        if block == (0, 0):
            long.wait(LONG)  # until as many results wait as may
        elif block[0] == 0 and 8 < block[1] < 93:
            meet(block)
        return block

    def slow_read(shard):
        for block in source.read(shard):
            if block[0] == 0 and block[1] < 8:
                time.sleep(0.005)
            yield block

    results = source.pool(4, slow_read, compute).results()
    threading.Timer(0.3, long.set).start()
    assert list(results) == source.expected


def test_one_thread_is_enough():
    source = Source([3, 0, 2])
    assert list(source.pool(1).results()) == source.expected
    assert len(source.threads) == 1


def test_no_shards_give_no_results():
    assert list(Source([]).pool(3).results()) == []


class Broken(BaseException):
    """Not an Exception, as of a test that fails or an interpreter that ends."""


@pytest.mark.parametrize("error", [ValueError("no"), MemoryError(), Broken()])
@pytest.mark.parametrize("where", ["read", "open", "work"])
@pytest.mark.parametrize("bad", [(0, 0), (1, 3), (2, 0)])
def test_an_error_is_raised_in_its_place(error, where, bad):
    source = Source([5, 6, 4])

    def read(shard):
        for block in source.read(shard):
            if block == bad and where == "read":
                raise error
            yield block

    def open_eagerly(shard):
        if shard[0] == bad[0]:
            raise error
        return source.read(shard)

    def compute(block):
        if block == bad and where == "work":
            raise error
        return source.compute(block)

    found = []
    pool = source.pool(3, open_eagerly if where == "open" else read, compute)
    with pytest.raises(type(error)) as caught:
        found.extend(pool.results())
    assert caught.value is error
    place = (bad[0], 0) if where == "open" else bad
    assert found == source.expected[: source.expected.index((bad[0], place))]
    gc.collect()
    assert len(source.closed) == len({number for number, _ in source.read_blocks})


@pytest.mark.parametrize("counts", [[2000], [5] * 400, [500] * 4, [1] * 2000, [1000, *[1] * 1000]])
def test_results_that_wait_are_bounded(counts):
    source, threads, taken, most = Source(counts), 3, 0, 0
    for _, result in source.pool(threads).results():
        taken += result is not None
        if taken in (1, 500):
            time.sleep(0.2)  # all threads go on for as long as they may
        most = max(most, len(source.read_blocks) - taken)
    assert WAITING * threads <= most <= (WAITING + WAITING_FIRST + 1) * threads


def test_shards_are_not_opened_before_their_turn():
    source = Source([1] * 1000)
    results = source.pool(2).results()
    next(results)
    time.sleep(0.1)
    results.close()
    assert len(source.read_blocks) <= (WAITING + WAITING_FIRST + 1) * 2


@pytest.mark.parametrize("taken", [1, 2, 30])
def test_closing_early_stops_the_threads_and_closes_the_files(taken):
    source = Source([200] * 5, itertools.cycle([1e-4, 1e-3]))
    results = source.pool(4).results()
    assert list(itertools.islice(results, taken)) == source.expected[:taken]
    results.close()
    read = len(source.read_blocks)
    assert read < 1000
    assert len(source.closed) == len({number for number, _ in source.read_blocks})
    time.sleep(0.02)
    assert len(source.read_blocks) == read


def test_nothing_begins_before_the_first_result_is_asked_for():
    source = Source([3])
    source.pool(2).results()
    assert source.read_blocks == []


@pytest.mark.parametrize("allowed", [0, 1, 3])
def test_threads_that_the_system_refuses_are_an_error_and_none_is_left(monkeypatch, allowed):
    start, begun = threading.Thread.start, []

    def start_few(thread):
        if len(begun) >= allowed:
            raise RuntimeError("can't start new thread")
        begun.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_few)
    source = Source([5, 5])
    with pytest.raises(MemoryError, match=r"a system that starts 4 threads\. .*Take fewer"):
        list(source.pool(4).results())
    assert len(begun) == allowed
    assert not any(thread.is_alive() for thread in begun)


@pytest.mark.parametrize("threads", [-1, 257, 1.5, None, True])
def test_threads_that_cannot_be_are_refused_and_nobody_waits(threads):
    with pytest.raises(ValueError, match=r"expected threads .* from 0 to 256"):
        Pool([], iter, str, threads)
