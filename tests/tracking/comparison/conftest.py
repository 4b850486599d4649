"""Comparisons whose outputs are looked at: one as it should be, one of unlike runs with names that mean something to every format."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.helpers import compared, records
from vreason_tracking.comparison.comparison import compare
from vreason_tracking.presentation import Table

HOSTILE = "=1+1|a,b;<img src=x onerror=alert(1)>&amp;\"'$[x](http://e.example)`*_~#🙂\n</title></script>"


@pytest.fixture(scope="session")
def trio(tmp_path_factory):
    """A baseline and two variants, 48 questions about 12 videos."""
    return compare(compared.trio(tmp_path_factory.mktemp("trio"), steps=12))


@pytest.fixture(scope="session")
def with_added(trio, hostile):
    """The same with two tables of the user's own, one of whose texts mean something to every format."""
    one = Table("by-shelf", "By shelf", ["run", "shelf", "books"], [["baseline", "upper", "3"]], 2, "counted by hand")
    return replace(trio, added_tables=[one, Table("hostile", hostile, [hostile, "n"], [[hostile, "1"]], note=hostile)])


@pytest.fixture(scope="session")
def elsewhere(tmp_path_factory):
    """The same runs, of which the second is of another call: its times do not compare, the third's do."""
    base, own, lite = compared.trio(tmp_path_factory.mktemp("elsewhere"), steps=12)
    return compare([base, replace(own, call_id="another"), lite])


CONDITIONS = {
    "other call": "measured at different times, in different calls of `run`",
    "sequential": "the variants ran one after another (schedule: sequential), so that each met other conditions",
    "busy": "other programs used 45% of the machine's processors meanwhile",
    "steal": "the hypervisor gave 30% of the machine's processor time to others meanwhile",
}
"""Why times of a run do not compare, by the run's name."""


@pytest.fixture(scope="session")
def conditions():
    return CONDITIONS


@pytest.fixture(scope="session")
def unequal(tmp_path_factory):
    """A baseline, a run measured in turn with it, and one for each of `CONDITIONS`."""
    folder = tmp_path_factory.mktemp("unequal")
    samples = {name: compared.make_samples(48, 12, seed) for seed, name in enumerate(("baseline", "in turn", *CONDITIONS))}
    for name, load in (("busy", {"other_load": 0.9}), ("steal", {"cpu_steal": 0.6})):
        samples[name] = [(replace(sample, generation_ms=1_000.0, **load), steps) for sample, steps in samples[name]]
    samples["baseline"] = [(replace(s, generation_ms=1_000.0, other_load=0.0, cpu_steal=0.0), steps) for s, steps in samples["baseline"]]
    runs = [compared.recorded(folder, name, each) for name, each in samples.items()]
    changes = {"other call": {"call_id": "another"}, "sequential": {"tags": {**compared.TAGS, "schedule": "sequential"}}}
    return compare([replace(run, **changes.get(run.name, {})) for run in runs])


@pytest.fixture(scope="session")
def many(tmp_path_factory):
    """A baseline and nine others, of which some are surely better or worse."""
    folder = tmp_path_factory.mktemp("many")
    rights = (0.5, 0.5, 0.95, 0.05, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5)
    runs = [compared.recorded(folder, f"run-{seed}", compared.make_samples(60, 20, seed, right=right)) for seed, right in enumerate(rights)]
    return compare(runs)


@pytest.fixture(scope="session")
def hostile():
    """The name of the run, the category and the error that a format may stumble over."""
    return HOSTILE


@pytest.fixture(scope="session")
def forced(tmp_path_factory):
    """Unlike runs: one of a hostile name that was killed, with failures, other decoding and another device."""
    folder = tmp_path_factory.mktemp("forced")
    own = [(replace(sample, category=HOSTILE), steps) for sample, steps in compared.make_samples(40, 10, 1, right=0.8, steps=12)]
    base = [(replace(sample, category=HOSTILE), steps) for sample, steps in compared.make_samples(40, 10, 0, steps=12)]
    for place in (3, 5, 17):
        old = own[place][0]
        question = {name: getattr(old, name) for name in ("video", "question", "options", "problem_type", "category")}
        own[place] = (records.failed(old.sample_id, error=HOSTILE, **question), ())
    other = {"params": {"generation.max_new_tokens": "128"}, "tags": {"device": HOSTILE}, "status": "KILLED", "expected_samples": 40}
    run = compared.recorded(folder, "own", own[:36], "v-reason", **other)
    return compare([compared.recorded(folder, "baseline", base), replace(run, name=HOSTILE, config=HOSTILE)], force=True)
