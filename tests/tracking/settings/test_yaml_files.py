"""vreason_tracking.settings.yaml_files: the dialect, and everything that can be wrong with a file."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings, strategies as st

from vreason.errors import ConfigError
from vreason_tracking.settings.yaml_files import dump, read_mapping, read_text, read_value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3e-4", 3e-4),
        ("5E5", 5e5),
        ("1.", 1.0),
        (".5", 0.5),
        ("-.inf", -math.inf),
        ("1_000", 1000),
        ("0x1F", 31),
        ("-7", -7),
        ("true", True),
        ("yes", "yes"),
        ("no", "no"),
        ("off", "off"),
        ("none", "none"),
        ("~", None),
        ("", None),
        ("010", "010"),
        ("12:30", "12:30"),
        ("2024-01-01", "2024-01-01"),
        ("[2, 4]", [2, 4]),
    ],
)
def test_plain_values(text, expected):
    """Numbers are numbers also as 3e-4; yes, no, times, dates and numbers with a leading zero are text."""
    value = read_value(text)
    assert (type(expected), expected) == (type(value), value)


_value = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), _value, min_size=1, max_size=4))
@settings(max_examples=300, deadline=None)
def test_dump_reads_back(data):
    """What is written reads back to the same values of the same types, without faults."""
    back, faults = read_mapping(dump(data))
    assert ([], repr(data)) == (faults, repr(back))


@given(st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_mapping_or_a_config_error(text):
    """No text whatever brings another exception."""
    try:
        data, _ = read_mapping(text)
    except ConfigError as error:
        data = {fault.path: fault.message for fault in error.issues}
        assert data
    assert isinstance(data, dict)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "is empty"),
        ("# a\n", "is empty"),
        ("null", "is empty"),
        ("- a", "the top level is a list, not a mapping"),
        ("just words", "the top level is the single value 'just words', not a mapping"),
        ("a: b\nc: [1,\nd: 2", "line 3, column 5: "),
        ("a: 1\n\tb: 2", "line 2, column 1: "),
        ("a: !!python/object:os.x {}", "line 1, column 4: "),
        ("a: *b", "line 1, column 4: found undefined alias 'b'"),
        ("a: 1\n---\nb: 1", "line 2, column 1: "),
        ("a: 1\nb: x\x07y", "line 2, column 5: the character U+0007 is not allowed in YAML"),
        ("a: " + "[" * 100 + "]" * 100, "is nested deeper than 20 levels"),
        ("a: " + "[" * 2000, "is nested deeper than 20 levels"),
        ("a: &b [*b]", "is nested deeper than 20 levels"),
        ("a: " + "9" * 5000, "holds a value that cannot be read"),
        ("a: !!timestamp 2024-99-99", "holds a value that cannot be read"),
    ],
)
def test_texts_that_are_no_configuration(text, expected):
    """A text that cannot be read says where and what, and what the top level must be."""
    with pytest.raises(ConfigError) as caught:
        read_mapping(text)
    (fault,) = caught.value.issues
    assert expected == str(fault)[: len(expected)]


def test_repeated_keys_are_named_with_their_lines():
    """Keys given twice are faults at every depth, all at once, by path and lines."""
    _, faults = read_mapping("a: 1\nb:\n  - {c: 1,\n     c: 2}\na: 3\n")
    expected = ["b.0.c: is given twice, in lines 3 and 4; keep one of them", "a: is given twice, in lines 1 and 5; keep one of them"]
    assert sorted(expected) == sorted(map(str, faults))


def test_merge_keys_may_be_overridden():
    """A key beside << takes the merged one's place: that is what merging is for, not a key given twice."""
    data, faults = read_mapping("a: &a {k: 1, m: 2}\nb: {<<: *a, k: 3}\n")
    assert ({"a": {"k": 1, "m": 2}, "b": {"m": 2, "k": 3}}, []) == (data, faults)


def test_aliases_become_values_of_their_own():
    """A change of one place of an aliased value leaves the other as it was."""
    data, _ = read_mapping("a: &a {k: 1}\nb: *a\n")
    data["b"]["k"] = 2
    assert {"k": 1} == data["a"]


def test_keys_become_text():
    """A key is the text that is written, never a number or a truth value: as values, 1 and true would be one key."""
    assert {"1": "a", "true": "b"} == read_mapping("1: a\ntrue: b")[0]


def test_numbers_out_of_all_bounds_are_faults():
    """A whole number of 2^63 or more is reported by path; no arithmetic meets it."""
    _, faults = read_mapping(f"a: [{2**63}]")
    assert ["a.0: 92233720368547758080"[:-1] + "... is too large a number; give one below 2^63"] == [str(fault) for fault in faults]


def test_missing_file(tmp_path):
    """A missing file is answered with the command that writes one."""
    with pytest.raises(
        ConfigError, match=r"absent.yaml: 1 issue\(s\)\n  no such file \(/.*absent.yaml\); write one with `vreason-track init"
    ):
        read_text(tmp_path / "absent.yaml")


def test_folder_instead_of_a_file(tmp_path):
    """A folder is called one."""
    with pytest.raises(ConfigError, match="this is a folder; name the YAML file in it"):
        read_text(tmp_path)


def test_file_that_is_not_utf8(tmp_path):
    """A file in another encoding is reported with the first byte that is wrong."""
    (tmp_path / "latin.yaml").write_bytes("name: é".encode("latin-1"))
    with pytest.raises(ConfigError, match="byte 6 is not UTF-8; save the file as UTF-8"):
        read_text(tmp_path / "latin.yaml")


def test_path_that_no_file_can_have(tmp_path):
    """A path with a null character is a ConfigError like any other wrong path."""
    with pytest.raises(ConfigError, match="cannot be read"):
        read_text(tmp_path / "a\0b")
