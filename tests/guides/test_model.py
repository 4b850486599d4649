"""docs/guides/model.md, followed: a family that is not built in is run by its adapter, and steered."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.helpers.guides import blocks_of, errors_of, text_of, unlike
from vreason.video import VideoFrames

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def walk(followed):
    """Whoever has followed the guide to its end."""
    return followed("model")


def test_the_family_is_answered_by_its_adapter(walk) -> None:
    """All three variants of all questions, with the video tokens that the family has; Lite keeps half of them."""
    runs = walk.runs("llava")
    assert ["baseline", "v-reason", "v-reason-lite"] == sorted(runs)
    for name, run in runs.items():
        assert [(None, 16, 33, 17 if name == "v-reason-lite" else 33)] * 3 == [
            (each.sample.error, each.sample.output_tokens, each.sample.video_tokens, each.sample.kept_video_tokens) for each in run.samples
        ]


def test_the_family_is_steered(walk) -> None:
    """dV moves at every fourth token, in both variants; without a method it does not."""
    runs = walk.runs("llava")
    for name, updated in (("baseline", []), ("v-reason", [4, 8, 12]), ("v-reason-lite", [4, 8, 12])):
        for each in runs[name].samples:
            assert updated == [step.token_index for step in each.steps if step.updated]
            assert (each.steps[-1].delta_v_norm or 0) > 0 or name == "baseline"


def test_the_record_names_the_package(walk) -> None:
    """Of every variant."""
    for run in walk.runs("llava").values():
        assert "llava_onevision = vreason-llava-onevision 0.1" == run.manifest.tags["plugins"]


def test_the_guide_names_every_field_of_the_frames() -> None:
    """And none that they have not."""
    table = text_of("model").split("| field of `VideoFrames` |")[1].split("\n\n")[0]
    listed = [line.split("`")[1] for line in table.splitlines() if line.startswith("| `")]
    assert [*VideoFrames.__dataclass_fields__, "seconds_per_frame"] == listed


SAVE = """
from vreason.models import ensure_torchvision

ensure_torchvision()

import my_family as mine
from transformers import AutoProcessor

theirs = mine.LlavaOnevisionForConditionalGeneration.from_pretrained("tiny")
values = {name: value for name, value in theirs.config.to_dict().items() if name not in ("model_type", "architectures")}
own = mine.GlanceForConditionalGeneration(mine.GlanceConfig(**values))
own.load_state_dict(theirs.state_dict())
own.generation_config = theirs.generation_config
own.save_pretrained("own")
AutoProcessor.from_pretrained("tiny").save_pretrained("own")
"""


def test_a_family_with_classes_of_its_own(walk, tmp_path) -> None:
    """The lines of the guide make a checkpoint of an unknown type one that is run, by the class that the package brings."""
    other = walk.another(tmp_path)
    (lines,) = [block for block in blocks_of(text_of("model")) if block.use == "append"]
    module = other.folder / lines.name
    module.write_text(f"{module.read_text()}\n\n{lines.text}")
    other.rewrite("pyproject.toml", "llava_onevision =", "glance =")
    (other.folder / "save.py").write_text(SAVE)
    other.command("python save.py")
    assert "glance" == json.loads((other.folder / "own" / "config.json").read_text())["model_type"]
    code, said = other.vreason_track("run", "--config", "run.yaml", "--set", "model.id=own", "--variant", "v-reason", "--limit", "1")
    assert 0 == code, said
    run = other.runs("llava")["v-reason"]
    assert "glance = vreason-llava-onevision 0.1" == run.manifest.tags["plugins"]
    own, theirs = run.samples[0], walk.runs("llava")["v-reason"].samples[0]
    assert [step.token_id for step in theirs.steps] == [step.token_id for step in own.steps]


def uninstall(walk):
    shutil.rmtree(walk.site)


MODULE = "my_family.py"
MISTAKES = [
    (3, uninstall),
    (2, lambda walk: walk.rewrite(MODULE, "class MyFamilyAdapter", "class YourFamilyAdapter")),
    (2, lambda walk: walk.rewrite(MODULE, "def head(", "def tail(")),
    (2, lambda walk: walk.rewrite(MODULE, "return model.model.language_model.layers", "return model.model.language.layers")),
    (2, lambda walk: walk.rewrite(MODULE, "input_ids == model.config.video_token_id", "input_ids")),
    (2, lambda walk: walk.rewrite(MODULE, 'padding_side="left"', 'padding_side="right"')),
    (2, lambda walk: walk.rewrite(MODULE, "return processor(", "return processor.prepare(")),
]


@pytest.mark.parametrize(("number", "code", "mistake"), [(number, *each) for number, each in enumerate(MISTAKES)])
def test_the_errors_are_those_of_the_guide(walk, tmp_path, number, code, mistake) -> None:
    """Each message of its table is what the program says of that mistake, with its exit code; none is left untried."""
    messages = errors_of(text_of("model"))
    assert len(MISTAKES) == len(messages)
    other = walk.another(tmp_path)
    mistake(other)
    found, said = other.vreason_track("run", "--config", "run.yaml", "--set", "batch_size=2", "--variant", "v-reason")
    assert code == found, said
    assert [] == unlike(f"...{messages[number]}...", said), said


def test_what_is_no_error(walk, tmp_path) -> None:
    """Frames that are refused are their samples' error, and a run in which all are has failed.

    A mask that finds nothing leaves the tokens as the baseline's, and says 0.
    """
    other = walk.another(tmp_path / "refusing")
    other.rewrite(MODULE, "return processor(", 'raise ValueError("frames of odd size")\n        return processor(')
    assert 4 == other.vreason_track("run", "--config", "run.yaml", "--variant", "v-reason")[0]
    assert all(
        "the processor refuses its frames (frames of odd size)" in each.sample.error for each in other.runs("llava")["v-reason"].samples
    )
    blind = walk.another(tmp_path / "blind")
    blind.rewrite(MODULE, "input_ids == model.config.video_token_id", "input_ids < 0")
    assert 0 == blind.vreason_track("run", "--config", "run.yaml", "--variant", "v-reason")[0]
    base = walk.runs("llava")["baseline"].samples
    for each, plain in zip(blind.runs("llava")["v-reason"].samples, base, strict=True):
        assert 0 == each.sample.video_tokens
        assert [step.token_id for step in plain.steps] == [step.token_id for step in each.steps]
