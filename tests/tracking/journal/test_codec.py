"""vreason_tracking.journal.codec: events into records and back, over versions."""

from __future__ import annotations

import dataclasses
import math
import struct
import typing
from typing import Any

import pytest
from hypothesis import given, strategies as st

from tests.helpers import journals, records
from vreason.events import PrefillRecord, SampleRecord, StepRecord
from vreason_tracking.journal.codec import (
    COLUMNS,
    FORMAT,
    Event,
    SampleEntry,
    SessionEnded,
    SessionStarted,
    foot,
    from_record,
    head,
    to_record,
)
from vreason_tracking.journal.lines import from_line, to_line
from vreason_tracking.telemetry import DeviceRecord

KINDS = (SessionStarted, StepRecord, DeviceRecord, SampleRecord, SessionEnded)
SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    int: st.integers(-(2**200), 2**200),
    float: st.floats(),
    bool: st.booleans(),
    str: st.text(st.characters(codec=None, exclude_categories=())),  # lone surrogates and control characters included
    type(None): st.none(),
}
STEP = records.steps(count=5)[4]


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Anything that a field of this type may hold."""
    if typing.get_origin(hint) is tuple:
        return st.lists(values_of(typing.get_args(hint)[0]), max_size=4).map(tuple)
    parts = typing.get_args(hint) or (hint,)
    return st.one_of([SCALARS[part] for part in parts])


def any_of(kind: type[Any]) -> st.SearchStrategy[Any]:
    """An event of this kind with anything in its fields."""
    return st.builds(kind, **{name: values_of(hint) for name, hint in typing.get_type_hints(kind).items()})


def exact(value: Any) -> Any:
    """The value with its types and its floats' bits: what `==` does not tell (-0.0 from 0.0, 1 from 1.0 and True) and NaN as itself."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else struct.pack(">d", value)
    if dataclasses.is_dataclass(value):
        return type(value), [exact(getattr(value, field.name)) for field in dataclasses.fields(value)]
    return [exact(each) for each in value] if isinstance(value, tuple) else (type(value), value)


def there_and_back(event: Event) -> Event | None:
    """Through a line of a file."""
    return from_record(from_line(to_line(to_record(event))[:-1]))


@given(st.one_of([any_of(kind) for kind in KINDS]))
def test_every_event(event: Any) -> None:
    """Whatever stands in its fields, an event comes back from its line as the very same: every bit, every type, every character."""
    given = SampleEntry(event, 7) if isinstance(event, SampleRecord) else event
    assert exact(given) == exact(there_and_back(given))


def test_the_kinds() -> None:
    """These names stand in files: they are not changed without a new format."""
    told = [journals.begin(), STEP, journals.device(), SampleEntry(records.sample(), 7), journals.end()]
    assert ["begin", "step", "device", "sample", "end"] == [to_record(event)[0] for event in told]
    assert ("head", "foot", 1) == (head("run", 3)[0], foot(9)[0], FORMAT)


def test_the_head() -> None:
    """It tells format, run, fragment, and the columns by which its rows are to be read."""
    columns = {kind: [field.name for field in dataclasses.fields(made)] for kind, made in (("step", StepRecord), ("device", DeviceRecord))}
    assert ["head", {"format": 1, "run": "the-run", "fragment": 3, "columns": columns}] == head("the-run", 3)


@pytest.mark.parametrize("record", [head("run", 1), foot(3), ["of a later version", {"anything": 1}], ["steps"]])
def test_what_is_no_event(record: list[Any]) -> None:
    """Heads, feet and kinds that a later version may write are passed over."""
    assert from_record(record) is None


def test_columns_in_another_order() -> None:
    """A row is read by the columns that its fragment names."""
    kind, *row = to_record(STEP)
    assert from_record([kind, *reversed(row)], {"step": COLUMNS["step"][::-1]}) == STEP


def test_columns_that_this_version_does_not_have() -> None:
    """They are left out, wherever they stand, of rows as of objects."""
    columns = {"step": ["later", *COLUMNS["step"], "more"]}
    kind, *row = to_record(STEP)
    assert from_record([kind, 1, *row, [2]], columns) == STEP
    assert from_record(["begin", {**to_record(journals.begin())[1], "later": 1}]) == journals.begin()
    assert from_record(["sample", {**to_record(SampleEntry(records.sample(), 7))[1], "later": 1}, 7]) == SampleEntry(records.sample(), 7)


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(StepRecord) if "None" in str(field.type)])
def test_a_step_of_a_version_that_did_not_measure_this(name: str) -> None:
    """A column that an older fragment lacks is None in its steps, where the field may be None: the value is not known."""
    columns = [column for column in COLUMNS["step"] if column != name]
    row = [getattr(STEP, column) for column in columns]
    assert from_record(["step", *row], {"step": columns}) == dataclasses.replace(STEP, **{name: None})


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(DeviceRecord) if "None" in str(field.type)])
def test_a_device_of_a_version_that_did_not_measure_this(name: str) -> None:
    """The same of devices."""
    columns = [column for column in COLUMNS["device"] if column != name]
    row = [getattr(journals.device(), column) for column in columns]
    assert from_record(["device", *row], {"device": columns}) == dataclasses.replace(journals.device(), **{name: None})


def test_an_object_of_a_version_that_had_fewer_fields() -> None:
    """What an older sample or end lacks is what it is by default."""
    sample = to_record(SampleEntry(records.sample(), 7))[1]
    fewer = {name: value for name, value in sample.items() if not name.startswith("peak_")}
    expected = records.sample(peak_token=None, peak_memory_bytes=None, peak_allocated_bytes=(), peak_reserved_bytes=())
    assert SampleEntry(expected, 7) == from_record(["sample", fewer, 7])
    ended = {name: value for name, value in to_record(journals.end())[1].items() if name != "notes"}
    assert dataclasses.replace(journals.end(), notes=()) == from_record(["end", ended])


def test_a_sample_of_a_version_that_knew_neither_benchmark_nor_spans() -> None:
    """A line as it was written then is read; what it lacks is empty."""
    line = (
        b'5c039d89 ["sample",{"sample_id":"s-1","video":"clips/s-1.mp4","question":"Which way does the red circle move?",'
        b'"options":["left","right"],"problem_type":"multiple choice","category":"direction","answer":"B",'
        b'"output":"<think>It starts left.\\nIt ends right.</think><answer>B</answer>","prediction":"B","score":1.0,"error":null,'
        b'"prompt_tokens":60,"video_tokens":36,"kept_video_tokens":18,"output_tokens":2,"peak_token":3,"stopped":"eos","signatures":[],'
        b'"started_ms":1699999999980,"decode_video_ms":12.5,"time_to_first_token_ms":20.0,"generation_ms":27.0,'
        b'"control_ms":3.0572154821996973,"peak_memory_bytes":2000000,"memory_source":"rss","peak_allocated_bytes":[1500000,0],'
        b'"peak_reserved_bytes":[1800000,2048],"frames":8,"video_seconds":3.2},7]'
    )
    expected = records.sample("s-1", records.steps("s-1", 2), benchmark="", token_ends=())
    assert SampleEntry(expected, 7) == from_record(from_line(line))


@pytest.mark.parametrize(
    "record",
    [
        ["step"],
        ["step", "s-1", 0],
        [*to_record(STEP), 1],
        ["begin"],
        ["begin", {"session": 1}],
        ["begin", 3],
        ["sample", {"sample_id": "s-1"}, 3],
        ["sample", to_record(SampleEntry(records.sample(), 7))[1]],
    ],
)
def test_a_record_that_is_not_whole(record: list[Any]) -> None:
    """It is refused, and with an error that a reader of fragments takes for damage."""
    with pytest.raises((TypeError, ValueError, KeyError, IndexError)):
        from_record(record)


def test_an_event_that_has_no_record() -> None:
    """What could not be read back is refused when it is written."""
    with pytest.raises(TypeError, match="PrefillRecord"):
        to_record(PrefillRecord("s-1", 60, 36, 18))  # type: ignore[arg-type]
