"""vreason_tracking.settings.overrides: --set path=value."""

from __future__ import annotations

import pytest

from vreason_tracking.settings.overrides import apply_overrides


def base() -> dict:
    return {"name": "x", "variants": [{"name": "a", "controller": {"k": 4}}, {"name": "b"}], "tracking": None}


@pytest.mark.parametrize(
    ("override", "path", "expected"),
    [
        ("name=y", ["name"], "y"),
        ("variants.0.controller.k=8", ["variants", 0, "controller", "k"], 8),
        ("variants.1.controller.lr=3e-4", ["variants", 1, "controller", "lr"], 3e-4),
        ("variants.1={name: c}", ["variants", 1], {"name": "c"}),
        ("generation.temperature=0.1", ["generation", "temperature"], 0.1),
        ("tracking.uri=http://h?a=b", ["tracking", "uri"], "http://h?a=b"),
        ("data.limit=", ["data", "limit"], None),
        ("prompt.suffixes.multiple choice=' x'", ["prompt", "suffixes", "multiple choice"], " x"),
        ("matrix.controller.k=[2, 4]", ["matrix", "controller.k"], [2, 4]),
    ],
)
def test_value_lands_at_its_path(override, path, expected):
    """The value is read as YAML and put where the path leads, sections made as needed; a matrix's dotted key is one key."""
    data = base()
    assert [] == apply_overrides(data, [override])
    for key in path:
        data = data[key]
    assert expected == data


def test_later_overrides_win():
    """Overrides are laid over in order."""
    data = base()
    assert [] == apply_overrides(data, ["name=y", "name=z"])
    assert "z" == data["name"]


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("limit", "--set: 'limit' is not of the form path=value; write for example --set data.limit=10"),
        ("=3", "--set: '=3' is not of the form path=value; write for example --set data.limit=10"),
        ("a..b=3", "--set: 'a..b=3' is not of the form path=value; write for example --set data.limit=10"),
        ("variants.2.name=z", "--set variants.2.name: there is no variants.2; variants has 2 item(s), numbered from 0"),
        ("variants.-1.name=z", "--set variants.-1.name: variants is a list and '-1' is no index; write variants.0 for its first item"),
        ("name.a.b=3", "--set name.a.b: name is 'x', which has no parts; give the whole of it instead"),
        ("name=[1", "--set name: line 1, column 3: expected ',' or ']', but got '<stream end>'; correct the YAML there"),
        ("data={limit: 1, limit: 2}", "--set data: limit: is given twice, in lines 1 and 1; keep one of them"),
    ],
)
def test_overrides_that_cannot_be_laid_over(override, expected):
    """A wrong override says what is wrong with it, and the others are laid over all the same."""
    data = base()
    assert [expected] == [str(fault) for fault in apply_overrides(data, [override, "seed=7"])]
    assert {**base(), "seed": 7} == data


def test_empty_list_has_no_items():
    """An index into an empty list is answered with that it is empty."""
    assert ["--set variants.0: there is no variants.0; variants is empty"] == [
        str(fault) for fault in apply_overrides({"variants": []}, ["variants.0=1"])
    ]
