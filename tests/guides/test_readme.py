"""docs/guides/README.md: what holds for everything that somebody adds."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from tests.helpers.guides import GUIDES, ROOT, Walk, errors_of, text_of
from vreason.events import PrefillRecord, SampleRecord, StepRecord
from vreason.listeners import Listener, RunStarted, VariantFinished, VariantStarted
from vreason.plugins import GROUPS

pytestmark = pytest.mark.slow

TEXT = text_of("README")
FIVE = ("model", "benchmark", "metric", "objective", "table")


def test_every_guide_is_there_and_every_template_is_copied_by_one() -> None:
    """No guide without a template, a table of errors and a test; nothing that no guide leads to."""
    assert sorted([*FIVE, "README"]) == sorted(path.stem for path in GUIDES.glob("*.md"))
    assert sorted(FIVE) == sorted(path.name for path in (GUIDES / "templates").iterdir())
    for guide in FIVE:
        assert f"({guide}.md)" in TEXT
        assert f"cp -r docs/guides/templates/{guide} my-" in text_of(guide)
        assert len(errors_of(text_of(guide))) >= 6
        assert (ROOT / "tests" / "guides" / f"test_{guide}.py").is_file()


@pytest.mark.parametrize("guide", FIVE)
def test_every_place_of_a_template_is_filled_in_by_its_guide(guide) -> None:
    """In their order, each once."""
    marked = [re.findall(r"# PLACE (\d+):", path.read_text()) for path in (GUIDES / "templates" / guide).iterdir() if path.is_file()]
    filled = re.findall(r"^```\w+ place=(\d+)$", text_of(guide), re.MULTILINE)
    assert sorted(number for numbers in marked for number in numbers) == filled


def test_every_group_is_named() -> None:
    """Of entry points."""
    assert [] == [group for group in GROUPS if f"`{group}`" not in TEXT]


def test_the_methods_of_a_listener_are_listed_with_what_they_are_told() -> None:
    """All of them, and only fields that there are."""
    rows = TEXT.split("| method | is told |")[1].split("\n\n")[0].splitlines()[2:]
    listed = [name for row in rows for name in re.findall(r"`(on_\w+)\(", row.split(" | ")[0])]
    assert [name for name in vars(Listener) if name.startswith("on_")] == listed
    told = {"on_run_started": RunStarted, "on_variant_started": VariantStarted, "on_prefill": PrefillRecord, "on_steps": StepRecord}
    told |= {"on_sample": SampleRecord, "on_variant_finished": VariantFinished}
    for row in rows:
        method = re.findall(r"`(on_\w+)\(", row)[0]
        if method in told:
            named = re.findall("`([a-z_]+)`", row.split(" | ")[1])
            assert named
            assert set(named) <= {field.name for field in fields(told[method])}, method


def test_the_listener_is_told(program, tmp_path) -> None:
    """Of every sample of every variant, by name, in turns."""
    walk = Walk("README", tmp_path, program).follow()
    scores = {name: [each.sample for each in run.samples] for name, run in walk.runs("told").items()}
    assert {"baseline": 2, "v-reason": 2} == {name: len(samples) for name, samples in scores.items()}
    wanted = [f"{name} {sample.sample_id} {sample.score}" for name, samples in scores.items() for sample in samples]
    assert sorted(wanted) == sorted((walk.folder / "told.txt").read_text().splitlines())


def test_a_plug_in_that_cannot_be_loaded_is_in_nobodys_way(program, tmp_path) -> None:
    """A package whose every module raises: a run that uses none of it is as it was, and so are other commands."""
    walk = Walk("README", tmp_path, program)
    about = walk.site / "vreason_old-0.3.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: vreason-old\nVersion: 0.3\n")
    (about / "entry_points.txt").write_text("".join(f"[{group}]\nold-one = old_one:Old\n" for group in GROUPS))
    (walk.site / "old_one.py").write_text("import a_module_that_is_gone")
    walk.follow()
    assert "plugins" not in walk.runs("told")["v-reason"].manifest.tags
    assert 0 == walk.vreason_track("runs", "list")[0]
    code, said = walk.vreason_track("doctor")
    lines = [line for line in said.splitlines() if line.startswith("failure ")]
    assert (1, len(GROUPS)) == (code, len(lines))
    shown = next(line for line in TEXT.splitlines() if line.startswith("failure plug-in old-one"))
    start, hint = shown.removesuffix("...").split("... ")
    assert [line for line in lines if line.startswith(start) and hint in line]
    for change in ("data.source=old-one", "listeners=[old-one]"):
        code, said = walk.vreason_track("run", "--config", "run.yaml", "--set", change)
        assert (2, True) == (code, "of vreason-old 0.3 cannot be loaded: ModuleNotFoundError" in said), said
