"""vreason_tracking.records.step_table: entropy by token out of the recorded steps, and single samples' steps."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.helpers import compared, records
from vreason.errors import TrackingError
from vreason_tracking.records.entropy_curve import EntropyCurve
from vreason_tracking.records.step_table import STEP_COLUMNS, read_steps

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")
LENGTHS = {"q-0": 12, "q-1": 1, "q-2": 40, "q-3": 7, "q-4": 40}


def replies(lengths=LENGTHS):
    return {name: records.steps(name, length) for name, length in lengths.items()}


def recorded(folder, name="run", lengths=LENGTHS, row_group_size=None):
    """A run's steps; in row groups of so many rows."""
    run = compared.recorded(folder, name, [(records.sample(sample, reply), reply) for sample, reply in replies(lengths).items()])
    if row_group_size:
        pq.write_table(pq.read_table(run.steps), run.steps, row_group_size=row_group_size)
    return run.steps


def curve_of(names):
    curve = EntropyCurve()
    for name in names:
        curve.add(replies()[name])
    return curve


def same(one, other):
    """Equal but for the order in which floats were added."""
    assert one.count.tolist() == other.count.tolist()
    for name in ("entropy", "square", "ema"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-12)


@pytest.mark.parametrize("row_group_size", [None, 1, 5, 13])
@pytest.mark.parametrize("members", [tuple(LENGTHS), ("q-1", "q-3"), ("q-2",), ("q-0", "not recorded")])
def test_the_curve(tmp_path, members, row_group_size) -> None:
    """What `EntropyCurve` makes of the same records, over the samples asked for and no other, however the file is cut."""
    (found,) = read_steps([recorded(tmp_path, row_group_size=row_group_size)], members, ())
    same(curve_of([name for name in members if name in LENGTHS]), found.curve)
    assert {} == found.samples


@pytest.mark.parametrize("row_group_size", [None, 5])
def test_single_samples(tmp_path, row_group_size) -> None:
    """Every recorded step of them in the order of the tokens, also where a row group ends amid a reply."""
    (found,) = read_steps([recorded(tmp_path, row_group_size=row_group_size)], ("q-0",), ("q-2", "q-1", "nobody"))
    assert {"q-1", "q-2"} == set(found.samples)
    for name, columns in found.samples.items():
        expected = [asdict(step) for step in replies()[name]]
        assert {column: [row[column] for row in expected] for column in STEP_COLUMNS} == columns
    same(curve_of(["q-0"]), found.curve)


def test_each_run_its_own(tmp_path) -> None:
    """Several runs in their order, each with those of the samples wanted that it has."""
    files = [recorded(tmp_path, f"run {number}", dict(list(LENGTHS.items())[: number + 1])) for number in range(4)]
    found = read_steps(files, LENGTHS, ("q-1", "q-3"))
    assert [set(), {"q-1"}, {"q-1"}, {"q-1", "q-3"}] == [set(each.samples) for each in found]
    assert [1, 2, 3, 4] == [int(each.curve.count[0]) for each in found]


class Counted(Collection[str]):
    """Ids that know how often somebody went through them."""

    def __init__(self, ids: Sequence[str]) -> None:
        self.ids, self.rounds = ids, 0

    def __contains__(self, name: object) -> bool:
        return name in self.ids

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[str]:
        self.rounds += 1
        return iter(self.ids)


def test_many_row_groups_do_not_multiply_the_ids(tmp_path) -> None:
    """Whatever the number of runs and of row groups, the ids are gone through once."""
    files = [recorded(tmp_path, f"run {number}", row_group_size=2) for number in range(2)]
    members, wanted = Counted(["q-0", "q-2"]), Counted(["q-1"])
    read_steps(files, members, wanted)
    assert (50, 1, 1) == (pq.ParquetFile(files[0]).num_row_groups, members.rounds, wanted.rounds)


def test_no_steps(tmp_path) -> None:
    """A run without a step has an empty curve, and so has one of none of whose samples is asked for."""
    empty = compared.recorded(tmp_path, "run", [(records.sample("s-1"), ())]).steps
    found = read_steps([empty, recorded(tmp_path, "other")], ("s-1",), ("s-1",))
    assert [0, 0] == [len(each.curve.count) for each in found]
    assert [{}, {}] == [each.samples for each in found]


def test_an_infinite_entropy(tmp_path) -> None:
    """It is shown as it was recorded, without a warning of numpy's and without spoiling other tokens."""
    path = recorded(tmp_path, lengths={"q-0": 12})
    bend(path, "entropy", lambda values: [float("inf"), *values[1:]])
    (found,) = read_steps([path], LENGTHS, ())
    assert np.isinf(found.curve.mean_entropy[0])
    assert np.isfinite(found.curve.mean_entropy[1:]).all()
    assert np.isfinite(found.curve.deviation[1:]).all()


def bend(path, name, change):
    table = pq.read_table(path)
    values = change(table.column(name).to_pylist())
    pq.write_table(table.set_column(table.column_names.index(name), name, pa.array(values)), path)


@pytest.mark.parametrize("index", [-1, 2**20 + 1, 2**40, None])
def test_a_token_that_cannot_be(tmp_path, index) -> None:
    """A wild token index is damage: it is refused before room is made for a curve of that length."""
    path = recorded(tmp_path)
    bend(path, "token_index", lambda values: [*values[:-1], index])
    with pytest.raises(TrackingError, match=re.escape(str(path)) + ": is not a record of steps"):
        read_steps([path], LENGTHS, ())


@pytest.mark.parametrize("name", ["sample_id", "token_index", "entropy", "ema", "delta_v_norm"])
def test_a_column_that_must_be_there(tmp_path, name) -> None:
    """The message names the file and the column."""
    path = recorded(tmp_path)
    pq.write_table(pq.read_table(path).drop_columns([name]), path)
    with pytest.raises(TrackingError, match=re.escape(str(path)) + ".*" + name):
        read_steps([path], LENGTHS, ("q-0",))


@pytest.mark.parametrize(("name", "values"), [("sample_id", 7), ("entropy", "much"), ("token_index", "first")])
def test_a_column_of_another_kind(tmp_path, name, values) -> None:
    """It is refused, not taken for something else."""
    path = recorded(tmp_path)
    bend(path, name, lambda whole: [values] * len(whole))
    with pytest.raises(TrackingError, match=re.escape(str(path))):
        read_steps([path], LENGTHS, ())


def test_no_file(tmp_path) -> None:
    """One that is gone is named, whichever of the runs it is of."""
    there, gone = recorded(tmp_path), tmp_path / "gone.parquet"
    with pytest.raises(TrackingError, match=re.escape(str(gone))):
        read_steps([there, gone], LENGTHS, ())


def refusal(path):
    """What reading says against a file; None where it is read."""
    try:
        with np.errstate(all="ignore"):
            read_steps([path], LENGTHS, ("q-0", "q-2"))
    except TrackingError as error:
        return str(error)
    return None


def test_damage_anywhere(tmp_path) -> None:
    """Whatever byte is changed, or wherever the file ends, it is read or refused with its name: there is no other error."""
    path = recorded(tmp_path)
    whole, luck, refusals = path.read_bytes(), np.random.default_rng(3), []
    for number in range(400):
        place = int(luck.integers(0, len(whole)))
        path.write_bytes(whole[:place] if number % 8 == 0 else whole[:place] + bytes([int(luck.integers(0, 256))]) + whole[place + 1 :])
        refusals.append(refusal(path))
    told = [each for each in refusals if each is not None]
    assert len(told) >= 50
    assert all(each.startswith(f"{path}: is not a record of steps (") for each in told)
