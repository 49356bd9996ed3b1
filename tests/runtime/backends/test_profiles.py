import pytest

from vae_runtime.backends.cores import cores
from vae_runtime.backends.profiles import PROFILES, Profile, profile_of


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


@pytest.mark.parametrize("wrong", [{"threads": -1}, {"workers": -1}, {"chunk": 0}])
def test_numbers_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match="expected threads and workers from 0"):
        Profile(**wrong)
