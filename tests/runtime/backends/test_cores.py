"""How many cores, by files such as the kernel shows."""

import os

import pytest

from vae_runtime.backends.cores import cores

MANY = "1000000 1000"  # a quota of 1,000 cores


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine of eight cores, of whose cgroups these files tell."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))

    def make(membership, **files):
        (tmp_path / "membership").write_text(membership)
        for name, text in files.items():
            path = tmp_path / "root" / name.replace("__", "/").replace("_DOT_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return cores(tmp_path / "root", tmp_path / "membership")

    return make


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        ("max 100000", 8),
        ("200000 100000", 2),
        ("50000 100000", 1),
        ("250000 100000", 3),
        (MANY, 8),
        ("", 8),
        ("rubbish", 8),
        ("0 100000", 8),
    ],
)
def test_the_quota_of_a_container_counts(machine, quota, expected):
    assert machine("0::/\n", cpu_DOT_max=quota) == expected


def test_the_quota_of_a_cgroup_above_counts_too(machine):
    files = {"a__b__cpu_DOT_max": "max 100000", "a__cpu_DOT_max": "300000 100000"}
    assert machine("0::/a/b\n", **files) == 3


def test_the_quota_of_a_neighbour_does_not_count(machine):
    assert machine("0::/a\n", a__cpu_DOT_max=MANY, b__cpu_DOT_max="100000 100000") == 8


def test_the_first_version_of_cgroups_is_known(machine):
    files = {"cpu__a__cpu_DOT_cfs_quota_us": "200000", "cpu__a__cpu_DOT_cfs_period_us": "100000"}
    assert machine("5:cpu,cpuacct:/a\n", **files) == 2


def test_no_limit_of_the_first_version_is_none(machine):
    files = {"cpu__a__cpu_DOT_cfs_quota_us": "-1", "cpu__a__cpu_DOT_cfs_period_us": "100000"}
    assert machine("5:cpu,cpuacct:/a\n", **files) == 8


def test_without_cgroups_the_cores_that_the_process_is_bound_to_count(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 5, 6})
    assert cores(tmp_path / "none", tmp_path / "none") == 3


def test_this_machine_has_one_core_at_least():
    assert 1 <= cores() <= (os.cpu_count() or 1)
