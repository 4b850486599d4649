"""docs/guides/objective.md, followed: the objective steers real runs, and what it did is in their record."""

from __future__ import annotations

import math
import shutil

import pytest

from tests.helpers.guides import errors_of, text_of, unlike

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def walk(followed):
    """Whoever has followed the guide to its end."""
    return followed("objective")


def test_the_recorded_alpha_is_the_objectives(walk) -> None:
    """+1 up to token 11, -1 from token 12 on, in every reply; the baseline records what the paper's switch would do."""
    runs = walk.runs("explore-first")
    assert ["baseline", "explore-first"] == sorted(runs)
    own = runs["explore-first"].samples
    assert 4 == len(own)
    for each in own:
        assert [1 if step.token_index < 12 else -1 for step in each.steps] == [step.alpha for step in each.steps]
    base = [step.alpha for each in runs["baseline"].samples for step in each.steps]
    assert [step.alpha for each in own for step in each.steps] != base


def test_the_recorded_loss_is_the_objectives(walk) -> None:
    """-alpha * log(1 + H) at every fourth token, and none elsewhere; dV moves by it."""
    steps = [step for each in walk.runs("explore-first")["explore-first"].samples for step in each.steps]
    updates = [step for step in steps if step.token_index and step.token_index % 4 == 0]
    assert updates == [step for step in steps if step.loss is not None]
    for step in updates:
        assert step.loss == pytest.approx(-step.alpha * math.log1p(step.entropy), abs=1e-6)
    assert max(step.delta_v_norm for step in updates) > 0


def test_the_record_names_the_package(walk) -> None:
    """Of every variant of the call; a function of a module is named by its parameter alone."""
    for run in walk.runs("explore-first").values():
        assert "explore-first = vreason-explore-first 0.1" == run.manifest.tags["plugins"]
    late = walk.runs("late")["late"].manifest
    assert ("late:after_token_eight", None) == (late.params["method.controller.objective"], late.tags.get("plugins"))


def test_the_function_steers_too(walk) -> None:
    """-1 before token 8, then by entropy and average; the loss is the paper's."""
    for each in walk.runs("late")["late"].samples:
        wanted = [1 if step.token_index >= 8 and step.entropy > step.ema else -1 for step in each.steps]
        assert wanted == [step.alpha for step in each.steps]
        losses = [(-step.alpha * step.entropy, step.loss) for step in each.steps if step.loss is not None]
        assert [wanted for wanted, _ in losses] == pytest.approx([loss for _, loss in losses], abs=1e-6)


def uninstall(walk):
    shutil.rmtree(walk.site)


MISTAKES = [
    ("run.yaml", uninstall),
    ("run.yaml", lambda walk: walk.rewrite("my_objective.py", "class MyObjective", "class YourObjective")),
    ("run-function.yaml", lambda walk: (walk.folder / "late.py").unlink()),
    (
        "run.yaml",
        lambda walk: walk.rewrite(
            "my_objective.py",
            "direction = 1.0",
            'raise NotImplementedError("place 3 of the template is not filled in")\n        direction = 1.0',
        ),
    ),
    ("run.yaml", lambda walk: walk.rewrite("my_objective.py", "return torch.full_like(entropy, direction)", "return direction")),
    ("run.yaml", lambda walk: walk.rewrite("my_objective.py", "torch.log1p(entropy)", "torch.log1p(entropy.detach())")),
]


@pytest.mark.parametrize(("number", "config", "mistake"), [(number, *each) for number, each in enumerate(MISTAKES)])
def test_the_errors_are_those_of_the_guide(walk, tmp_path, number, config, mistake) -> None:
    """Each message of its table is what the program says of that mistake, with exit code 2; none is left untried."""
    messages = errors_of(text_of("objective"))
    assert len(MISTAKES) == len(messages)
    other = walk.another(tmp_path)
    mistake(other)
    code, said = other.vreason_track("run", "--config", config, "--variant", "explore-first" if config == "run.yaml" else "late")
    assert 2 == code, said
    assert [] == unlike(f"...{messages[number]}...", said), said
