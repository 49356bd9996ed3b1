"""A signal ends a loop over a source, but not in the middle of its work."""

import signal
import threading
import time

import pytest

from vae_runtime._base.interrupts import StopOnSignal


def test_a_signal_at_work_waits_for_it_to_end():
    worked = []
    before = signal.getsignal(signal.SIGTERM)
    with StopOnSignal() as stop:
        for item in stop.items(range(9)):
            if item == 2:
                signal.raise_signal(signal.SIGTERM)
            worked.append(item)
    assert worked == [0, 1, 2]
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.fixture
def heard():
    """SIGHUP as a terminal leaves it; whoever runs the tests may ignore it, as nohup does."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_wait_for_an_item(number, heard):
    def endless():
        yield 1
        main = threading.main_thread().ident
        threading.Timer(0.05, signal.pthread_kill, (main, number)).start()
        time.sleep(60)
        yield 2

    with StopOnSignal() as stop:
        start = time.monotonic()
        assert list(stop.items(endless())) == [1]
        assert list(stop.items(endless())) == []
    assert time.monotonic() - start < 30


def test_an_error_of_the_source_is_passed_on():
    with StopOnSignal() as stop, pytest.raises(ZeroDivisionError):
        list(stop.items(1 // n for n in (1, 0)))


def test_a_hangup_that_is_ignored_stays_so():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with StopOnSignal() as stop:
            signal.raise_signal(signal.SIGHUP)
            assert list(stop.items(range(3))) == [0, 1, 2]
    finally:
        signal.signal(signal.SIGHUP, before)
