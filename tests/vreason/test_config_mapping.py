"""vreason.config_mapping: from plain data to a checked dataclass, or everything wrong with the data."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from vreason.config_checks import check_number, check_order
from vreason.config_mapping import config_from_mapping
from vreason.errors import ConfigError, ConfigIssue


@dataclass(frozen=True)
class Range:
    """A section for these tests."""

    low: int = 1
    high: int = 9

    def issues(self, path: str = "range") -> list[ConfigIssue]:
        """Everything wrong."""
        return [
            *check_number(f"{path}.low", self.low, 1, whole=True),
            *check_number(f"{path}.high", self.high, 1, whole=True),
            *check_order(path, "low", self.low, "high", self.high),
        ]

    def __post_init__(self) -> None:
        if found := self.issues():
            raise ConfigError(found)


@pytest.mark.parametrize(
    ("values", "expected"), [({}, Range()), ({"low": 3}, Range(low=3)), ({"high": 5, "low": 5}, Range(5, 5))], ids=["none", "one", "both"]
)
def test_fields_left_out_are_defaults(values: dict[str, int], expected: Range) -> None:
    """What the mapping gives is taken, the rest is the dataclass's own default."""
    assert (expected, []) == config_from_mapping(Range, values, "a")


def test_everything_wrong_comes_at_once_under_the_path_given() -> None:
    """Unknown keys, wrong types and wrong combinations are reported together, and nothing is made."""
    made, issues = config_from_mapping(Range, {"lo": 2, "high": "x", "zzz": 1}, "variants.0.range")
    assert made is None
    assert [
        "variants.0.range.lo: unknown key; did you mean low?",
        "variants.0.range.zzz: unknown key; known are low, high",
        "variants.0.range.high: 'x' is not a whole number of at least 1",
    ] == [str(issue) for issue in issues]
    assert ["a.low"] == [issue.path for issue in config_from_mapping(Range, {"low": 10}, "a")[1]]


def test_null_is_no_default_of_a_field() -> None:
    """A field that is set to null is checked as such, not taken for left out."""
    assert ["a.low: null is not a whole number of at least 1"] == [
        str(issue) for issue in config_from_mapping(Range, {"low": None}, "a")[1]
    ]


@pytest.mark.parametrize("values", [3, "x", [], None])
def test_what_is_no_mapping_is_one_issue(values: object) -> None:
    """A single value or a list where a section belongs is answered with the section's keys."""
    made, issues = config_from_mapping(Range, values, "a")
    assert (None, ["a"]) == (made, [issue.path for issue in issues])
    assert issues[0].message.endswith("is not a mapping with any of low, high")


def test_null_may_stand_for_a_section() -> None:
    """Where a section can be off, None is a value, and what is allowed says so."""
    assert (None, []) == config_from_mapping(Range, None, "a", or_null=True)
    (issue,) = config_from_mapping(Range, 3, "a", or_null=True)[1]
    assert "a: 3 is not a mapping with any of low, high, or null" == str(issue)


def test_a_key_of_another_section_is_suggested_its_place() -> None:
    """A key that only one other section has is answered with that path."""
    (issue,) = config_from_mapping(Range, {"dtype": "x"}, "a", elsewhere=["model", "model.dtype", "a.low"])[1]
    assert "a.dtype: unknown key; did you mean model.dtype?" == str(issue)
