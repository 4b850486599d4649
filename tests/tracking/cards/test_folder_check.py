"""vreason_tracking.cards.folder_check: each file beside the README says what the record says, to the byte."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from vreason_tracking.cards import Evidence, HubDataset, check_folder, hub_files, to_readme, write_files

NOTES = "By hand."


@pytest.fixture
def folder(evidence: Evidence, tmp_path: Path) -> Path:
    write_files(hub_files(evidence, NOTES, {"shapes": HubDataset("team/shapes")}), tmp_path)
    return tmp_path


def test_it_agrees(folder: Path, evidence: Evidence) -> None:
    """With all files, with some, and beside somebody else's results."""
    readme = to_readme(evidence, NOTES)
    assert [] == check_folder(folder, readme, evidence)
    (folder / "card.html").unlink()
    (folder / ".eval_results" / "other.yaml").write_text("- dataset: {id: a/b, task_id: c}\n  value: 99\n")
    assert [] == check_folder(folder, readme, evidence)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("evidence.json", '"n": 14', '"n": 15'),
        ("card.html", "v-reason", "v-raison"),
        ("mlbom.cdx.json", "14", "15"),
        (".eval_results/v-reason.yaml", "value: ", "value: 9"),
        (".eval_results/v-reason.yaml", "team/shapes:default", "team/other:default"),
    ],
)
def test_a_changed_file(folder: Path, evidence: Evidence, name: str, old: str, new: str) -> None:
    """Is named, with the line, and what it and the record say."""
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1))
    (found,) = check_folder(folder, to_readme(evidence, NOTES), evidence)
    assert found.where.startswith(f"{name}, line ")
    assert found.card != found.record


def test_on_another_machine(folder: Path, evidence: Evidence) -> None:
    """Where no trail is at hand, the entries that the files name are left alone, and a changed figure is found as well."""
    said = [f"{run.name}: entries of an audit trail; none was found beside the journal" for run in evidence.runs]
    elsewhere = replace(evidence, runs=[replace(run, audit=[]) for run in evidence.runs], missing=[*said, *evidence.missing])
    readme = (folder / "README.md").read_text()
    assert [] == check_folder(folder, readme, elsewhere)
    text = (folder / "evidence.json").read_text()
    (folder / "evidence.json").write_text(text.replace('"n": 14', '"n": 15', 1))
    assert "evidence.json" in [each.where.split(",")[0] for each in check_folder(folder, readme, elsewhere)]
