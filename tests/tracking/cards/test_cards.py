"""vreason_tracking.cards: figures out of the record, a README that the Hub reads, and a check that names what differs."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import ModelCard
from jsonschema import Draft202012Validator

from tests.helpers import like_runs, trials
from tests.helpers.cards import evidence_of
from vreason.errors import TrackingError
from vreason_tracking.audit import FILE
from vreason_tracking.cards import Evidence, check, check_sources, claims_of, gather, hand_written, to_readme
from vreason_tracking.cards.method_card import DEPARTS, OURS, PAPER, controller_of
from vreason_tracking.cards.schema_page import render, schema
from vreason_tracking.catalog import Catalog, recorded_runs
from vreason_tracking.comparison import named_runs


def test_figures(evidence: Evidence) -> None:
    """Accuracy and the paired difference are those of the raw scores, over the questions and videos that they rest on."""
    base, own = (sum(scores.values()) / len(scores) for scores in (like_runs.BASE, like_runs.OWN))
    found = evidence.figure("v-reason", "accuracy", "mean")
    assert found is not None
    assert (pytest.approx(own), like_runs.COUNT) == (found.value, found.n)
    assert found.clusters == evidence.videos
    difference = evidence.figure("v-reason", "accuracy", "difference")
    assert difference is not None
    assert pytest.approx(own - base) == difference.value
    assert difference.low is not None
    assert "baseline" == evidence.baseline


def test_the_same_bytes(recorded: tuple[Path, str], card: str, evidence: Evidence) -> None:
    """Computed again, the card and its evidence are the same to the byte, and JSON without NaN."""
    with evidence_of(*recorded, "baseline", "v-reason") as again:
        assert card == to_readme(again)
        assert evidence.to_json() == again.to_json()
    told = json.loads(evidence.to_json(), parse_constant=lambda name: pytest.fail(name))
    assert ("vreason-card/1", "shapes") == (told["format"], told["title"])


def test_the_hub_reads_it(card: str, evidence: Evidence) -> None:
    """huggingface_hub reads the figures of the front matter, by variant and benchmark, and writes them back."""
    results = ModelCard(card).data.eval_results
    assert results
    told = {each.metric_name: each.metric_value for each in results}
    for name in ("baseline", "v-reason"):
        figure = evidence.figure(name, "accuracy", "mean")
        assert figure is not None
        assert figure.value == told[f"accuracy of {name}"]


def test_it_agrees(card: str, evidence: Evidence, recorded: tuple[Path, str]) -> None:
    """A card that nobody touched, with whatever somebody wrote by hand, and with another machine's line ends."""
    assert [] == check(card, evidence)
    assert [] == check(card.replace("\n", "\r\n"), evidence)
    noted = to_readme(evidence, "For **shapes** only.\n\n| a | b |\n|---|---|\n| 99 % | 1 |")
    assert "For **shapes** only." in hand_written(noted)
    assert [] == check(noted, evidence)
    assert [] == check_sources(evidence, recorded[0])


def test_each_changed_figure_is_named(card: str, evidence: Evidence) -> None:
    """In whatever cell of whatever table somebody changes a digit, the message names table, row and column, and both values."""
    lines = card.splitlines()
    places = [number for number, line in enumerate(lines) if line.startswith("| ") and any(letter.isdigit() for letter in line)]
    assert len(places) >= 28
    for place in places:
        cells = lines[place].split(" | ")
        index = max(number for number, cell in enumerate(cells) if any(letter.isdigit() for letter in cell))
        digit = next(letter for letter in cells[index] if letter.isdigit())
        changed = [*cells[:index], cells[index].replace(digit, str((int(digit) + 1) % 10), 1), *cells[index + 1 :]]
        found = check("\n".join([*lines[:place], " | ".join(changed), *lines[place + 1 :]]) + "\n", evidence)
        assert 1 == len(found), lines[place]
        assert found[0].card != found[0].record
        assert " of " in found[0].where


def test_a_changed_front_matter(card: str, evidence: Evidence) -> None:
    """A figure in the model-index, a base model, a figure that is taken out: each is named."""
    figure = evidence.figure("v-reason", "accuracy", "mean")
    assert figure is not None
    (found,) = check(card.replace(f"value: {figure.value}", "value: 0.99", 1), evidence)
    assert "accuracy of" in found.where
    assert "0.99" == found.card
    (found,) = check(card.replace("pipeline_tag:", "license: mit\npipeline_tag:"), evidence)
    assert ("front matter, license", "mit", "") == (found.where, found.card, found.record)


def test_a_changed_text(card: str, evidence: Evidence) -> None:
    """A limit that somebody takes out, and a claim that somebody adds."""
    line = next(line for line in card.splitlines() if line.startswith("- The figures hold"))
    (found,) = check(card.replace(line + "\n", ""), evidence)
    assert "Limits" == found.where
    assert "" == found.card
    (found,) = check(card.replace("## Results", "Best model in the world.\n\n## Results"), evidence)[:1]
    assert "Best model" in found.card


def test_whose_runs(card: str) -> None:
    """A card says which runs it rests on; what is none of ours is refused, whatever it is."""
    claims = claims_of(card)
    assert ("shapes", 2, "baseline") == (claims.title, len(claims.runs), claims.baseline)
    for text in (
        "",
        "# x",
        "---\n---\n",
        "---\na: [\n---\n",
        "---\n- 1\n---\n",
        "---\nvreason: 1\n---\n",
        "---\nvreason: {format: vreason-card/1, runs: [1]}\n---\n",
    ):
        with pytest.raises(TrackingError, match="no card"):
            claims_of(text)


def test_changed_samples(recorded: tuple[Path, str], card: str, tmp_path: Path, mlflow_template: Path) -> None:
    """Another record makes other figures, and the check says which."""
    uri = trials.copy_store(mlflow_template, tmp_path)
    changed = {**like_runs.OWN, "q-00": 0.0}
    like_runs.one(tmp_path / "journal", "baseline", like_runs.BASE)
    like_runs.one(tmp_path / "journal", "v-reason", changed, 1)
    with evidence_of(tmp_path / "journal", uri, "baseline", "v-reason") as other:
        found = {each.where for each in check(card, other)}
    assert any(each.startswith("Accuracy: accuracy of v-reason") for each in found)
    assert not any(each.startswith("Accuracy: accuracy of baseline") for each in found)


def test_one_run(recorded: tuple[Path, str]) -> None:
    """A card of a single run has no difference, and says that it has no baseline."""
    with evidence_of(*recorded, "v-reason") as found:
        assert found.baseline is None
        assert any("a baseline" in each for each in found.missing)
        text = to_readme(found)
        assert [] == check(text, found)
    assert claims_of(text).baseline is None


def test_what_is_missing_is_said(evidence: Evidence, card: str) -> None:
    """Nothing is guessed: what the record lacks is named."""
    assert any("commit" in each for each in evidence.missing)
    assert all(each.replace("_", "\\_") in card or each in card for each in evidence.missing)


def test_where_a_setting_comes_from() -> None:
    """The paper's value, one of ours, and one that departs from the paper, with the paper's beside it."""
    told = {
        "method.controller.k": "4",
        "method.controller.lr": "0.03",
        "method.controller.clip": "1.0",
        "method.pruning": "null",
        "seed": "0",
    }
    found = {each.name: (each.source, each.why) for each in controller_of(told)}
    assert {"controller.k", "controller.lr", "controller.clip"} == set(found)
    assert (PAPER, "") == found["controller.k"]
    assert (DEPARTS, "paper: 0.0003") == found["controller.lr"]
    assert OURS == found["controller.clip"][0]


def test_a_file_that_is_not_what_was_stored(evidence: Evidence, recorded: tuple[Path, str]) -> None:
    """The audit trail has the digest of each file when it was stored; another one is named."""
    run = replace(evidence.runs[0], files={**evidence.runs[0].files, "samples.parquet": "0" * 64})
    (found,) = check_sources(replace(evidence, runs=[run]), recorded[0])
    assert found.where.startswith("samples.parquet of")
    assert "when it was stored" in found.record


def test_without_an_audit_trail(card: str, evidence: Evidence) -> None:
    """Where the journal is elsewhere the card agrees as well, and a changed figure is found as well."""
    assert all(run.audit for run in evidence.runs)
    elsewhere = replace(
        evidence,
        runs=[replace(run, audit=[]) for run in evidence.runs],
        missing=[f"{run.name}: entries of an audit trail; none was found beside the journal" for run in evidence.runs]
        + [*evidence.missing],
    )
    assert [] == check(card, elsewhere)
    assert 1 == len(check(card.replace("| v-reason | all questions | ", "| v-reason | all questions | 1", 1), elsewhere))
    assert [] == check(to_readme(elsewhere), elsewhere)


def test_an_entry_that_was_changed(recorded: tuple[Path, str], mlflow_template: Path, tmp_path: Path) -> None:
    """An entry about a run that the tree does not hold any more is named."""
    uri = trials.copy_store(mlflow_template, tmp_path)
    like_runs.one(tmp_path / "journal", "baseline", like_runs.BASE)
    with evidence_of(tmp_path / "journal", uri, "baseline") as found:
        assert [] == check_sources(found, tmp_path / "journal")
        with closing(sqlite3.connect(tmp_path / "journal" / FILE)) as connection:
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                connection.execute(f'DROP TRIGGER "{name}"')
            connection.execute('UPDATE audit_entries SET body = replace(body, \'"done"\', \'"gone"\') WHERE "index" > 0')
            connection.commit()
        told = check_sources(found, tmp_path / "journal")
    assert len(found.runs[0].audit) == len(told)
    assert all("not in the tree" in each.record for each in told)


def test_schema(evidence: Evidence) -> None:
    """The evidence is what its JSON Schema says, which is the one in the docs; a field more, less or of another kind is not."""
    told = json.loads(evidence.to_json())
    assert (Path(__file__).parents[3] / "docs" / "card.schema.json").read_text(encoding="utf-8") == render(), "run `make docs`"
    validator = Draft202012Validator(schema())
    validator.validate(told)
    for changed in (
        {**told, "more": 1},
        {name: told[name] for name in told if name != "figures"},
        {**told, "format": "x"},
        {**told, "videos": "3"},
    ):
        assert not validator.is_valid(changed)
    assert not validator.is_valid({**told, "figures": [{**told["figures"][0], "value": "high"}]})


def test_claims_that_pose_as_a_trail(card: str, evidence: Evidence) -> None:
    """Without the trail at hand its one table is left alone, and nothing that looks like it: no claim, no second table, no other row."""
    elsewhere = replace(evidence, runs=[replace(run, audit=[]) for run in evidence.runs])
    said = [f"{run.name}: entries of an audit trail; none was found beside the journal" for run in evidence.runs]
    elsewhere = replace(elsewhere, missing=[*said, *evidence.missing])
    assert [] == check(card, elsewhere)
    table = "### Entries of the audit trail\n\n| variant | entry |\n| --- | ---: |\n| v-reason on Video-MME | 99.9 % |\n\n"
    for changed in (
        card.replace("## Hand-written", "- v-reason beats all: entries of an audit trail; proven\n\n## Hand-written", 1),
        card.replace("### Cost", f"{table}### Cost", 1),
        card.replace("\n\nComputed by", "\n| v-reason on Video-MME | 1 | 99.9 % |\n\nComputed by", 1),
    ):
        assert changed != card
        assert check(changed, elsewhere), changed
    without = to_readme(elsewhere)
    assert [] == check(without, evidence), "made where no trail was found, it agrees where there is one"
    assert check(without.replace(f"- {said[0]}\n", "", 1), evidence), "but what it says of that cannot be taken out"


def test_a_later_version_of_the_program(card: str, evidence: Evidence) -> None:
    """An upgrade alone makes no card wrong; the version that made it is what it says."""
    assert [] == check(card, replace(evidence, version="9.9"))
    assert check(card.replace(f"Computed by vreason-track {evidence.version}", "Computed by vreason-track 7.7"), evidence)


def test_notes_are_a_quotation(evidence: Evidence) -> None:
    """A heading, a fence or an element of theirs reaches no further than they do; they are read back as they were written."""
    notes = "## Results\n\n```\n<details>\n<!-- hand-written: <!-- hand-written: end -->end -->\n\n> quoted\n| 99.9 % |"
    made = to_readme(evidence, notes)
    inside = made.split("<!-- hand-written: begin -->\n\n")[1].split("\n\n<!-- hand-written: end -->\n")[0]
    assert all(line.startswith(">") for line in inside.splitlines())
    assert (notes, []) == (hand_written(made), check(made, evidence))


def test_other_tags_are_no_part_of_a_card(recorded: tuple[Path, str], card: str) -> None:
    """What somebody writes beside a run in MLflow changes no card."""
    found = named_runs(Catalog(*recorded, "vreason"), ["baseline", "v-reason"])
    with recorded_runs(found.runs) as runs:
        changed = [replace(run, tags={**run.tags, "team": "alpha", "reviewed": "yes"}) for run in runs]
        assert card == to_readme(gather(changed, "shapes", recorded[0]))


def test_a_front_matter_that_is_none(card: str) -> None:
    """A date that cannot be, and lists in lists, are no card; another kind of metric is named."""
    for line in ("date: 2024-13-45", "x: " + "[" * 3_000):
        with pytest.raises(TrackingError, match="no card"):
            claims_of(card.replace("pipeline_tag:", f"{line}\npipeline_tag:", 1))


def test_another_kind_of_metric(card: str, evidence: Evidence) -> None:
    """It is a mismatch of the model-index, and not of the card's form."""
    found = check(card.replace("type: accuracy", "type: f1", 1), evidence)
    assert ["front matter, model-index"] == [each.where for each in found]
