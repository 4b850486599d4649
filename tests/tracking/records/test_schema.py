"""vreason_tracking.records.schema: the columns of the record, derived from the records' types; what earlier versions lack has a default."""

from __future__ import annotations

from dataclasses import MISSING, asdict, dataclass
from typing import Annotated, Any

import pytest

from tests.helpers import records
from vreason.events import RECORD_VERSION, SampleRecord, Since, StepRecord
from vreason_tracking.records.schema import Column, column_names, columns_of, make_record, missing_columns
from vreason_tracking.telemetry import DeviceRecord

KINDS = (StepRecord, SampleRecord, DeviceRecord)
FIRST = {
    StepRecord: (
        *("sample_id", "token_index", "token_id", "entropy", "ema", "peak", "alpha", "loss", "delta_v_norm", "grad_norm", "value_cosine"),
        *("updated", "device_memory_bytes", "memory_source", "timestamp_ms", "forward_ms", "control_ms"),
    ),
    SampleRecord: (
        *("sample_id", "video", "question", "options", "problem_type", "category", "answer", "output", "prediction", "score", "error"),
        *("prompt_tokens", "video_tokens", "kept_video_tokens", "output_tokens", "peak_token", "stopped", "signatures", "started_ms"),
        *("decode_video_ms", "time_to_first_token_ms", "generation_ms", "control_ms", "peak_memory_bytes", "memory_source"),
        *("frames", "video_seconds"),
    ),
    DeviceRecord: (
        *("device", "name", "started_ms", "timestamp_ms", "second", "process_bytes", "device_bytes", "utilization_percent", "power_watts"),
        *("rss_bytes", "samples", "errors"),
    ),
}
"""Of each record the columns that every version has: those of the first."""
LATER = {
    "peak_allocated_bytes": (2, ()),
    "peak_reserved_bytes": (2, ()),
    "benchmark": (3, ""),
    "token_ends": (3, ()),
    "rotation_place": (4, None),
    "other_load": (4, None),
    "cpu_steal": (4, None),
    "video_reader": (5, ""),
    "uneven_seconds": (5, None),
    "metadata": (5, ""),
    "energy_joules": (6, None),
}
"""Of a sample the columns that came later: in which version, and what they are in a record from before it."""


def test_the_version_that_is_written() -> None:
    """It is the newest in which a column came: a new column needs a new version."""
    newest = max(column.since for record in KINDS for column in columns_of(record))
    assert (6, 6) == (RECORD_VERSION, newest)


@pytest.mark.parametrize("record", KINDS)
def test_columns_of_the_first_version(record) -> None:
    """They stay what they are for ever: records of every version have them, by these names and in this order."""
    assert FIRST[record] == tuple(column.name for column in columns_of(record) if column.since == 1)


def test_columns_that_came_later() -> None:
    """All are of samples; each says when it came and what it is where it is missing."""
    found = {column.name: (column.since, column.default) for record in KINDS for column in columns_of(record) if column.since > 1}
    assert LATER == found
    assert set(LATER) < set(column_names(SampleRecord))


@pytest.mark.parametrize("made", [records.steps("s-1", 5)[4], records.sample("s-1", records.steps("s-1", 3)), records.device("gpu.0")])
def test_values_are_of_the_columns_kinds(made) -> None:
    """The names are the record's fields in their order, and the values of a real one are of the kinds that the columns tell."""
    columns = columns_of(type(made))
    assert list(asdict(made)) == [column.name for column in columns] == list(column_names(type(made)))
    for column in columns:
        value = getattr(made, column.name)
        assert column.many == isinstance(value, tuple)
        assert {column.kind} >= {type(each) for each in (value if column.many else [value] if value is not None else [])}


@pytest.mark.parametrize(
    ("record", "column"),
    [
        (StepRecord, Column("sample_id", str, False, False, 1, MISSING)),
        (StepRecord, Column("updated", bool, False, False, 1, MISSING)),
        (StepRecord, Column("loss", float, False, True, 1, None)),
        (SampleRecord, Column("options", str, True, False, 1, MISSING)),
        (SampleRecord, Column("output_tokens", int, False, False, 1, 0)),
        (SampleRecord, Column("peak_allocated_bytes", int, True, False, 2, ())),
        (SampleRecord, Column("rotation_place", int, False, True, 4, None)),
        (DeviceRecord, Column("power_watts", float, False, True, 1, None)),
    ],
)
def test_a_column(record, column) -> None:
    """Kind, list or not, empty or not, version and default are read off the field's annotation."""
    assert column in columns_of(record)


@dataclass(frozen=True)
class Pair:
    """A record as a later version may have it."""

    name: str
    maybe: int | None
    many: Annotated[tuple[float, ...], Since(2)] = ()
    noted: Annotated[str, "a note", Since(3)] = "-"


def test_any_class_can_be_described() -> None:
    """Other notes beside the version do no harm; a column that may be empty needs no default of its own."""
    expected = (
        Column("name", str, False, False, 1, MISSING),
        Column("maybe", int, False, True, 1, None),
        Column("many", float, True, False, 2, ()),
        Column("noted", str, False, False, 3, "-"),
    )
    assert expected == columns_of(Pair)


def described(annotation: Any, **default: Any) -> type[Any]:
    """A class with one field."""
    return dataclass(type("Odd", (), {"__annotations__": {"field": annotation}, **default}))


@pytest.mark.parametrize(
    "annotation", [Annotated[int, Since(2)], Annotated[tuple[str, ...], Since(5)], Annotated[bool, "a note", Since(2)]]
)
def test_a_later_column_needs_a_default(annotation) -> None:
    """Without one the records of earlier versions could not be read, so nothing can be written with such a class; with one it can."""
    with pytest.raises(TypeError, match=r"Odd\.field: came in version \d of the record, and needs a default for those before"):
        columns_of(described(annotation))
    assert 1 == len(columns_of(described(annotation, field=())))


def test_a_later_column_that_may_be_empty() -> None:
    """It needs no default: it is empty in the records before."""
    assert (Column("field", int, False, True, 2, None),) == columns_of(described(Annotated[int | None, Since(2)]))


@pytest.mark.parametrize("annotation", [dict[str, int], int | str, int | str | None, bytes, tuple[bytes, ...], object])
def test_what_the_record_cannot_hold(annotation) -> None:
    """A column is one text, number or truth value, or a list of them: anything else is refused, with the field's name."""
    with pytest.raises(TypeError, match=r"Odd\.field: the record cannot hold "):
        columns_of(described(annotation))


@pytest.mark.parametrize(
    ("present", "version", "expected"),
    [
        (("name", "maybe", "many", "noted"), 3, []),
        (("name", "maybe", "many"), 3, ["noted"]),
        (("name", "maybe", "many"), 2, []),
        (("name", "maybe"), None, []),
        (("name", "maybe"), 1, []),
        (("name", "maybe", "noted"), 2, ["many"]),
        (("many", "noted"), None, ["name", "maybe"]),
        (("name", "maybe", "many", "noted", "from the future"), 7, []),
    ],
)
def test_missing_columns(present, version, expected) -> None:
    """A record lacks what its version has; one that does not tell its version may lack whatever came later. More is never too much."""
    assert expected == missing_columns(Pair, present, version)


def test_a_record_is_made_of_what_was_read() -> None:
    """Lists become tuples; columns that an earlier version lacks get their defaults, those of a later one are passed over."""
    assert Pair("a", 7, (1.0, 2.0), "b") == make_record(Pair, {"name": "a", "maybe": 7, "many": [1.0, 2.0], "noted": "b"})
    assert Pair("a", None, (), "-") == make_record(Pair, {"name": "a", "from the future": {"x": 1}})


def test_a_record_that_lacks_a_column() -> None:
    """What every version has, and may not be empty, must be there."""
    with pytest.raises(ValueError, match=r"^no column name$"):
        make_record(Pair, {"maybe": 7})


@pytest.mark.parametrize(
    "made", [records.steps("s-1", 5)[4], records.sample("s-1", records.steps("s-1", 3)), records.failed(), records.device()]
)
def test_there_and_back(made) -> None:
    """A record made of its own plain values is the record, and so is one made of them without what came later, but for that."""
    values = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(made).items()}
    assert made == make_record(type(made), values)
    old = make_record(type(made), {name: value for name, value in values.items() if name not in LATER})
    assert asdict(made) | {name: default for name, (_, default) in LATER.items() if name in values} == asdict(old)
