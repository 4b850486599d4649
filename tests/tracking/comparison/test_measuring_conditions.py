"""vreason_tracking.comparison.measuring_conditions: whether times of two runs may be set against each other."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from tests.helpers import compared, records
from vreason_tracking.comparison.measuring_conditions import BUSY, STOLEN, timing_issues
from vreason_tracking.comparison.paired_samples import align
from vreason_tracking.records.sample_table import read_samples

CALLS = "measured at different times, in different calls of `run`"
SEQUENTIAL = "the variants ran one after another (schedule: sequential), so that each met other conditions"
PARTS = "of the questions were answered by both in turn, the others in different sessions or another schedule"
COUNT = 20


def samples(**changes):
    """Twenty answered samples; `changes` are fields, a value for all or a list with one for each."""
    fields = [{name: each[number] if isinstance(each, list) else each for name, each in changes.items()} for number in range(COUNT)]
    return [(records.sample(f"q-{number:02d}", **own), ()) for number, own in enumerate(fields)]


@pytest.fixture
def pair(tmp_path):
    """A baseline and a variant of one call, of which each answered in turn; `own` and `base` are their samples."""

    def make(own=None, base=None, **changes):
        baseline = compared.recorded(tmp_path, "baseline", base or samples())
        return [baseline, compared.recorded(tmp_path, "v-reason", own or samples(), preset="v-reason", **changes)]

    return make


def issues(runs, baseline=0):
    return timing_issues(runs, align(runs, [read_samples(run.samples) for run in runs]), baseline)


def test_measured_in_turn(pair) -> None:
    """Variants of one call that answered each batch in turn compare, whichever is the baseline; it has no issue with itself."""
    runs = pair()
    assert [None, None] == issues(runs) == issues(runs, 1)


@pytest.mark.parametrize("call", ["another", None])
def test_different_calls(pair, call) -> None:
    """Runs of different calls were measured at different times; of which call a run is must be known."""
    runs = pair(call_id=call)
    assert [None, CALLS] == issues(runs)
    assert [CALLS, None] == issues(runs, 1)


def test_calls_that_nobody_knows(pair) -> None:
    """Two runs of which nobody tells the call are not of the same one."""
    assert [None, CALLS] == issues([replace(run, call_id=None) for run in pair()])


@pytest.mark.parametrize("schedule", ["sequential", ""])
@pytest.mark.parametrize("which", [0, 1])
def test_one_after_another(pair, schedule, which) -> None:
    """Where one of the two was measured in another way the other's way does not help; records before that was a choice do not say."""
    runs = pair()
    tags = {**runs[which].tags, "schedule": schedule}
    runs[which] = replace(runs[which], tags=tags if schedule else {name: text for name, text in tags.items() if name != "schedule"})
    assert [None, SEQUENTIAL] == issues(runs)


@pytest.mark.parametrize(
    ("own", "base", "expected"),
    [
        ([1] * 10 + [0] * 10, [0] * 10 + [1] * 10, None),
        ([0] * COUNT, [0] * COUNT, f"only 0% {PARTS}"),
        ([1] * 12 + [0] * 8, [0] * COUNT, f"only 60% {PARTS}"),
        ([1] * 17 + [0] * 3, [0] * COUNT, f"only 85% {PARTS}"),
        ([1] * 18 + [0] * 2, [0] * COUNT, None),
    ],
)
def test_a_call_in_parts(pair, own, base, expected) -> None:
    """Variants that answered a sample in turn stood at different places. Where one of them was added to the call later they did not; an
    interruption, which costs a batch, is forgiven.
    """
    assert [None, expected] == issues(pair(samples(rotation_place=own), samples(rotation_place=base)))


def test_a_call_that_went_on_in_another_way(pair) -> None:
    """Samples that tell no place were answered one after another, whatever the run was begun with."""
    runs = pair()

    def half(table):
        places = [place if number % 2 else None for number, place in enumerate(table["rotation_place"].to_pylist())]
        return table.set_column(table.column_names.index("rotation_place"), "rotation_place", pa.array(places, pa.int64()))

    assert [None, f"only 50% {PARTS}"] == issues([runs[0], compared.rewritten(runs[1], half)])


@pytest.mark.parametrize(
    ("name", "limit", "told"),
    [
        ("other_load", BUSY, "other programs used {} of the machine's processors meanwhile"),
        ("cpu_steal", STOLEN, "the hypervisor gave {} of the machine's processor time to others meanwhile"),
    ],
)
def test_a_busy_machine(pair, tmp_path, name, limit, told) -> None:
    """Above a limit of the mean over both runs, and not at it."""
    assert (0.10, 0.05) == (BUSY, STOLEN)
    runs = pair(samples(**{name: 1.5 * limit}), samples(**{name: 0.5 * limit}))
    assert [None, None] == issues(runs)
    busier = compared.recorded(tmp_path, "lite", samples(**{name: 2.5 * limit}))
    assert [None, None, told.format(f"{1.5 * limit:.0%}")] == issues([*runs, busier])


@pytest.mark.parametrize("name", ["other_load", "cpu_steal"])
@pytest.mark.parametrize(("busy", "idle", "expected"), [(100.0, 10_000.0, None), (10_000.0, 100.0, 0.9 * 10_000 / (10_000 + 19 * 100))])
def test_long_samples_count_for_more(pair, name, busy, idle, expected) -> None:
    """The mean is over the time: a long sample on a busy machine weighs more than many short ones on an idle one."""
    both = {name: [0.9] + [0.0] * 19, "generation_ms": [busy] + [idle] * 19}
    issue = issues(pair(samples(**both), samples(**both)))[1]
    assert (expected is None) == (issue is None)
    assert expected is None or f" {expected:.0%} " in issue


def test_loads_that_nobody_measured(pair) -> None:
    """What is not known is no reason, and neither is a time of nothing: means are over what there is."""
    unknown = samples(other_load=[None] * 19 + [0.99], generation_ms=[100.0] * 19 + [None])
    assert [None, None] == issues(pair(unknown, samples(other_load=None, cpu_steal=None)))


def test_every_run_for_itself(pair, tmp_path) -> None:
    """Of several runs each is told of its own reason."""
    runs = [
        *pair(),
        compared.recorded(tmp_path, "later", samples(), call_id="another"),
        compared.recorded(tmp_path, "in line", samples(), tags={"schedule": "sequential"}),
        compared.recorded(tmp_path, "busy", samples(other_load=0.5)),
        compared.recorded(tmp_path, "fine", samples()),
    ]
    expected = [None, None, CALLS, SEQUENTIAL, "other programs used 50% of the machine's processors meanwhile", None]
    assert expected == issues(runs)
