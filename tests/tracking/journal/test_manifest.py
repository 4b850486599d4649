"""vreason_tracking.journal.manifest: what is known of a run before its first record."""

from __future__ import annotations

import json

import pytest

from tests.helpers import journals
from vreason.errors import TrackingError
from vreason_tracking.journal.manifest import Manifest

ODD = 'a "quoted" \\ line\nand\ranother, größer, \ud800 and \u2028'


def read(text: str) -> Manifest:
    return Manifest.from_json(text, "the-file")


def test_there_and_back() -> None:
    """Every field comes back as it was."""
    assert journals.manifest() == read(journals.manifest().to_json())


def test_odd_texts() -> None:
    """Names, configurations and ids with quotes, line ends and lone surrogates come back as they were."""
    odd = journals.manifest(variant=ODD, config=ODD, tags={ODD: ODD}, sample_ids=(ODD, ""), params={ODD: 1e-320})
    assert odd == read(odd.to_json())


def test_a_person_reads_it() -> None:
    """It is JSON, a field a line, letters as letters."""
    lines = journals.manifest().to_json().splitlines()
    assert ' "tracking_uri": "sqlite:////tmp/größer.db",' in lines


def test_fields_of_a_later_version_with_the_same_format() -> None:
    """They are left out; fields that have a default may be missing."""
    values = json.loads(journals.manifest().to_json()) | {"format": 1}
    fewer = {name: value for name, value in values.items() if name not in ("params", "tags", "identity", "sample_ids")}
    expected = journals.manifest(params={}, tags={}, identity={}, sample_ids=())
    assert expected == read(json.dumps({**fewer, "later": [1, 2]}))


def test_a_later_format() -> None:
    """It is refused, naming the file, both formats and the way out."""
    values = json.loads(journals.manifest().to_json())
    with pytest.raises(TrackingError, match=r"^the-file: is of format 3, this version reads up to 2; upgrade vreason-track$"):
        read(json.dumps({**values, "format": 3, "anything": "else"}))


def test_the_first_format() -> None:
    """It had no checksum, and is read as before."""
    values = json.loads(journals.manifest().to_json()) | {"format": 1}
    del values["checksum"]
    assert journals.manifest() == read(json.dumps(values, indent=1))


@pytest.mark.parametrize("bit", range(8))
def test_every_flipped_bit(bit: int) -> None:
    """One bit, anywhere in the file: it is refused, so that nothing lands in another place or under another name."""
    whole = journals.manifest().to_json().encode()
    for place, byte in enumerate(whole):
        changed = whole[:place] + bytes([byte ^ 1 << bit]) + whole[place + 1 :]
        with pytest.raises((TrackingError, UnicodeDecodeError)):
            read(changed.decode("utf-8", "surrogatepass"))


def test_every_cut() -> None:
    """So is a file that ends early, and one to which something was added."""
    whole = journals.manifest().to_json()
    for text in [*(whole[:end] for end in range(len(whole))), whole + " ", whole + whole]:
        with pytest.raises(TrackingError, match=r"^the-file: is not the manifest of a run"):
            read(text)


def test_changed_by_hand() -> None:
    """JSON that is right and was changed is refused, and it is said why."""
    text = journals.manifest().to_json()
    for changed in (text.replace('"trial"', '"other"', 1), json.dumps(json.loads(text))):
        with pytest.raises(TrackingError, match=r"its checksum (does not fit|is missing): it was changed after it was written"):
            read(changed)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", "null", '"run"', "{}", '{"format": "one"}', '{"format": 1}', '{"format": 1, "run_id": 3}', '{"format": null}'],
)
def test_what_is_no_manifest(text: str) -> None:
    """It is refused, naming the file and the way out."""
    with pytest.raises(TrackingError, match=r"^the-file: is not the manifest of a run \(.+\); restore it from a backup, or move"):
        read(text)


@pytest.mark.parametrize("field", ["sample_ids", "params", "tags", "identity"])
def test_a_field_of_another_kind(field: str) -> None:
    """A number where a list or a table belongs is no manifest either: whoever uses it would fail later, far from the file."""
    values = json.loads(journals.manifest().to_json()) | {"format": 1}
    with pytest.raises(TrackingError, match=r"^the-file: is not the manifest of a run"):
        read(json.dumps({**values, field: 3}))
