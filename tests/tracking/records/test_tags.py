"""vreason_tracking.records.tags: the names of all tags, each written once."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from mlflow.utils.validation import _validate_tag_name

from vreason_tracking.records import tags

ROOT = Path(__file__).parents[3]
NAMES = {name: value for name, value in vars(tags).items() if name.endswith("_TAG")}
PLAIN = {name for name, value in NAMES.items() if "." not in value}
"""Tags that are called like other things, a column of a table or a field of the journal."""


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("KIND_TAG", "vreason.kind"),
        ("RUN_TAG", "vreason.run_id"),
        ("CALL_TAG", "vreason.call"),
        ("HEARTBEAT_TAG", "vreason.heartbeat"),
        ("EXPECTED_SAMPLES_TAG", "vreason.asked"),
        ("DONE_TAG", "vreason.samples"),
        ("SESSIONS_TAG", "vreason.sessions"),
        ("SAMPLE_ID_TAG", "vreason.sample_id"),
        ("NUMBER_TAG", "vreason.number"),
        ("COMPARISON_TAG", "vreason.comparison"),
        ("INCOMPLETE_TAG", "record.incomplete"),
        ("ERROR_TAG", "error"),
        ("NOTES_TAG", "notes"),
        ("IDENTITY_PREFIX", "identity."),
        ("DATA_DIGEST_TAG", "data.digest"),
    ],
)
def test_names_are_those_of_every_record(name, expected) -> None:
    """Runs of every version are found by them."""
    assert expected == getattr(tags, name)


def test_no_name_means_two_things() -> None:
    """Each tag has one name, which MLflow takes."""
    assert len(NAMES) == len(set(NAMES.values()))
    for name in NAMES.values():
        _validate_tag_name(name)


def test_the_tag_of_a_text_is_no_other_tag() -> None:
    """It is the record's own bookkeeping, which no comparison looks at."""
    assert "vreason.text/accuracy/category/a:2f:b" == tags.text_tag("accuracy/category/a:2f:b")
    assert tags.text_tag("").startswith(tags.OWN_PREFIX)
    assert [] == [name for name in NAMES.values() if name.startswith(tags.TEXT_PREFIX)]


def test_a_sample_s_tags_are_called_like_its_fields(tmp_path) -> None:
    """What delivery writes of a sample stands here, all of it."""
    from tests.helpers import records
    from vreason_tracking.delivery.mlflow_points import sample_tags

    whole = records.sample(signatures=("truncated",), error="both at once")
    assert set(sample_tags(whole)) <= set(NAMES.values())


@pytest.mark.parametrize("folder", ["records", "stores", "delivery", "catalog", "comparison", "presentation"])
def test_a_name_is_written_once(folder) -> None:
    """No module of these rooms but this one spells a tag by itself; words that are also columns or settings are not looked for."""
    spelt = {NAMES[name] for name in NAMES if name not in PLAIN} - {"model.revision"}
    found = []
    for path in sorted((ROOT / "tracking" / "vreason_tracking" / folder).rglob("*.py")):
        if path.name != "tags.py":
            texts = [node.value for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Constant)]
            found += [
                (path.name, text) for text in texts if isinstance(text, str) and any(name in text for name in spelt) and "\n" not in text
            ]
    assert [] == found
