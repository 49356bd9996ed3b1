import numpy as np
import pytest

from vae_runtime.backends.profiles import PROFILES, Profile, profile_of, profile_of_files
from vae_runtime.backends.threads import MOST_THREADS, cores, threads_of


def test_the_default_profile_is_one_sleeping_thread_without_an_arena():
    edge = profile_of("edge")
    assert (edge.threads, edge.workers, edge.spinning, edge.arena) == (1, 1, False, False)


@pytest.mark.parametrize("name", PROFILES)
def test_profiles_are_resolved_to_the_cores_there_are(name):
    profile = profile_of(name)
    assert 1 <= profile.threads <= cores()
    assert 1 <= profile.workers <= cores()


def test_a_profile_of_your_own_is_taken_as_it_is():
    assert profile_of(Profile(threads=3, chunk=7)) == Profile(threads=3, chunk=7)


def test_a_profile_that_there_is_not_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="expected a profile of edge, server, throughput"):
        profile_of("fast")


@pytest.mark.parametrize("count", [-1, 257, 99_999, 2.5, True, "4", None])
@pytest.mark.parametrize("name", ["threads", "workers"])
def test_a_number_of_threads_that_makes_no_sense_is_refused(name, count):
    with pytest.raises(
        ValueError,
        match=f"expected {name} .* from 0 to 256, as a whole number. Received: {count!r}",
    ):
        Profile(**{name: count})


@pytest.mark.parametrize("chunk", [0, 2.5, "8"])
def test_a_chunk_of_no_rows_is_refused(chunk):
    with pytest.raises(ValueError, match="expected a chunk of rows from 1"):
        Profile(chunk=chunk)


def test_a_profile_of_numpys_numbers_is_one_of_pythons():
    profile = profile_of(Profile(threads=np.int64(3), workers=np.int32(2), chunk=np.uint8(7)))
    assert [type(n) for n in (profile.threads, profile.workers, profile.chunk)] == [int] * 3


@pytest.mark.parametrize("profile", [None, 3, ["edge"]])
def test_what_is_no_profile_is_refused(profile):
    with pytest.raises(ValueError, match="expected a profile of edge, server, throughput"):
        profile_of(profile)


@pytest.mark.parametrize(("shape", "chunk"), [((9,), 2048), ((8, 8, 1), 2048), ((28, 28, 1), 512)])
def test_rows_of_few_values_are_scored_by_more_at_a_time(shape, chunk):
    assert profile_of_files(shape) == Profile(arena=True, chunk=chunk)


def test_cores_beyond_the_most_threads_are_left_alone(monkeypatch):
    """A server of 384 cores can use every profile."""
    monkeypatch.setattr("vae_runtime.backends.threads.cores", lambda: 384)
    assert profile_of("throughput").workers == MOST_THREADS
    assert threads_of(0) == MOST_THREADS
