"""vreason_tracking.running.units: batches of samples, and in which order the variants answer each."""

from __future__ import annotations

import pickle
from collections import Counter
from dataclasses import replace

import pytest

from tests.helpers import records
from vreason.benchmarks import Sample
from vreason.events import PrefillRecord
from vreason_tracking.running.units import UnitEvent, WorkUnit, plan_units, rotation


def samples(count: int) -> list[Sample]:
    return [
        Sample(
            sample_id=f"s-{number}",
            question=f"Question {number}?",
            options=("left", "right"),
            problem_type="multiple choice",
            answer="A",
            video=f"clips/{number}.mp4",
            benchmark="demo",
        )
        for number in range(count)
    ]


def ids(unit: WorkUnit) -> list[str]:
    return [sample.sample_id for sample in unit.samples]


@pytest.mark.parametrize("seed", [0, 1, 20261126])
@pytest.mark.parametrize("variants", range(1, 8))
def test_every_variant_at_every_place_once_a_block(variants, seed) -> None:
    """Over every block of as many units as there are variants, each stands at each place exactly once."""
    for block in range(20):
        orders = [rotation(range(variants), block * variants + number, seed) for number in range(variants)]
        assert [set(range(variants))] * variants == [set(places) for places in zip(*orders, strict=True)]
        assert [set(range(variants))] * variants == list(map(set, orders))


@pytest.mark.parametrize("variants", [2, 3, 5])
def test_places_over_a_run(variants) -> None:
    """However many units there are, no variant stands at a place more than once oftener than another."""
    for units in range(1, 40):
        counts = Counter((place, each) for number in range(units) for place, each in enumerate(rotation(range(variants), number, 0)))
        for place in range(variants):
            found = [counts[place, each] for each in range(variants)]
            assert max(found) - min(found) <= 1


def test_the_order_is_drawn() -> None:
    """Blocks begin with different variants, so that nothing periodic in the machine meets the same variant each time."""
    first = [rotation(range(3), 3 * block, 0) for block in range(40)]
    assert 6 == len(set(first))


def test_the_order_is_the_seeds() -> None:
    """The same seed gives the same orders, in any process; another one gives others."""
    orders = [[rotation(range(4), number, seed) for number in range(40)] for seed in (7, 7, 8)]
    assert orders[0] == orders[1] != orders[2]
    assert [(1, 0, 2), (0, 2, 1), (2, 1, 0), (1, 2, 0)] == [rotation((0, 1, 2), number, 0) for number in range(4)]


def test_positions_need_not_be_all() -> None:
    """Those that take part are turned among themselves, whatever their numbers."""
    assert {(1, 4), (4, 1)} == {rotation((1, 4), number, 0) for number in (6, 7)}


@pytest.mark.parametrize(("count", "size", "expected"), [(7, 3, [3, 3, 1]), (4, 4, [4]), (3, 1, [1, 1, 1]), (2, 9, [2]), (0, 2, [])])
def test_units_are_the_batches(count, size, expected) -> None:
    """Every sample is in one unit, in order, and each unit is for all variants, of which nothing is done."""
    units = plan_units(samples(count), size, {0: frozenset(), 1: frozenset()}, 0)
    assert expected == [len(unit.samples) for unit in units]
    assert [sample.sample_id for sample in samples(count)] == [name for unit in units for name in ids(unit)]
    assert list(range(len(expected))) == [unit.number for unit in units]
    assert [rotation((0, 1), number, 0) for number in range(len(expected))] == [unit.order for unit in units]
    assert all({0: frozenset(), 1: frozenset()} == unit.done for unit in units)


def test_what_is_done_changes_no_order() -> None:
    """A run that goes on answers what is left in the order in which it would have: variants that are through with a unit leave it."""
    whole = plan_units(samples(12), 2, dict.fromkeys(range(3), frozenset()), 5)
    done = {0: frozenset({"s-0", "s-1", "s-2", "s-3"}), 1: frozenset({"s-0", "s-1"}), 2: frozenset({"s-0", "s-1", "s-2"})}
    rest = plan_units(samples(12), 2, done, 5)
    assert [1, 2, 3, 4, 5] == [unit.number for unit in rest]
    assert tuple(each for each in whole[1].order if each != 0) == rest[0].order
    assert [unit.order for unit in whole[2:]] == [unit.order for unit in rest[1:]]


def test_a_unit_stays_whole() -> None:
    """A batch of which a part is done has all its samples, and says for each variant that answers which are done."""
    (unit,) = plan_units(samples(3), 3, {0: frozenset({"s-1"}), 1: frozenset({"s-0", "s-1", "s-2"}), 2: frozenset()}, 0)
    assert ["s-0", "s-1", "s-2"] == ids(unit)
    assert {0: frozenset({"s-1"}), 2: frozenset()} == unit.done
    assert {0, 2} == set(unit.order)


def test_a_complete_unit() -> None:
    """Only where every variant of the run answers do places compare: not where one is through with the unit, or takes no part any more."""
    nothing = frozenset[str]()
    assert [False, True] == [unit.complete for unit in plan_units(samples(2), 1, {0: frozenset({"s-0"}), 1: nothing}, 0)]
    assert [True, True] == [unit.complete for unit in plan_units(samples(2), 1, {0: nothing, 1: nothing}, 0, 2)]
    assert [False, False] == [unit.complete for unit in plan_units(samples(2), 1, {0: nothing, 1: nothing}, 0, 3)]


def test_a_variant_that_is_through() -> None:
    """It takes part in nothing, and alone it leaves nothing to do. Ids of no sample are in nobody's way."""
    everything = frozenset({"s-0", "s-1", "s-2", "gone"})
    assert [(1,)] * 3 == [unit.order for unit in plan_units(samples(3), 1, {0: everything, 1: frozenset({"gone"})}, 0)]
    assert [] == plan_units(samples(3), 1, {0: everything}, 0)


def test_units_can_be_pickled() -> None:
    """They are plain data: another process gets the same."""
    units = plan_units(samples(5), 2, {0: frozenset({"s-0"}), 1: frozenset()}, 3)
    assert units == pickle.loads(pickle.dumps(units))


@pytest.mark.parametrize(
    "event",
    [
        PrefillRecord("s-1", 60, 36, 18),
        tuple(records.steps("s-1", 5)),
        records.sample("s-1", records.steps("s-1", 5)),
        replace(records.failed("s-2"), rotation_place=1, other_load=0.25, cpu_steal=0.0),
    ],
)
def test_events_can_be_pickled(event) -> None:
    """So is whatever happens while one is worked on."""
    told = UnitEvent(2, event)
    assert told == pickle.loads(pickle.dumps(told))
