"""vreason_tracking.running.manifests: all that is known of a variant's run before its first record."""

from __future__ import annotations

import re

import pytest

from tests.helpers import trials
from vreason.benchmarks import Sample
from vreason.clock import unix_ms
from vreason_tracking.presentation import COLOURS
from vreason_tracking.running.inputs import variant_params
from vreason_tracking.running.manifests import manifest_of
from vreason_tracking.running.plan import Plan, Task, VariantRequest
from vreason_tracking.settings import parse_settings

URI = "http://me:s3cret@h:5000"
SAMPLES = [Sample(sample_id=name, question="?", options=(), problem_type="free-form", answer="a", video="v.mp4") for name in ("b", "a")]
IDENTITY = {"run": "0" * 16, "method": "1" * 16}
TAGS = {"host": "here", "schedule": "interleaved"}


@pytest.fixture
def settings():
    tracking = {"uri": URI, "experiment": "nights", "mode": "offline"}
    return parse_settings(trials.trial("some/model", variants=trials.TWO, tracking=tracking))


def plan_of(settings) -> Plan:
    request = [VariantRequest(variant, variant_params(settings, variant), IDENTITY) for variant in settings.resolved_variants()]
    return Plan("call-1", [Task(each, position) for position, each in enumerate(request)])


def test_a_manifest(settings) -> None:
    """Variant, call and place in it, config, where it is to go, parameters, tags and digests, and what is asked in which order."""
    todo, before = plan_of(settings), unix_ms()
    made = manifest_of(settings, todo.tasks[1], todo, TAGS, SAMPLES)
    assert ("v-reason", "call-1", 1, 2) == (made.variant, made.call_id, made.call_position, made.call_variants)
    assert ("trial", "nights", "offline", ("b", "a")) == (made.config_name, made.experiment, made.mode, made.sample_ids)
    assert before <= made.created_ms <= unix_ms()
    assert re.fullmatch(r"\d{8}T\d{6}-[0-9a-f]{6}", made.run_id)
    assert todo.tasks[1].request.params == made.params
    assert IDENTITY == made.identity
    digests = {"identity.run": "0" * 16, "identity.method": "1" * 16}
    assert {**TAGS, **digests, "vreason.call": "call-1"} == made.tags


def test_the_variants_of_a_call(settings) -> None:
    """Each has a run and a colour of its own, which is that of its place; the tags that all share are not changed."""
    todo = plan_of(settings)
    tags = dict(TAGS)
    made = [manifest_of(settings, task, todo, tags, SAMPLES) for task in todo.tasks]
    assert list(COLOURS[:2]) == [each.colour for each in made]
    assert 2 == len({each.run_id for each in made})
    assert TAGS == tags


def test_more_variants_than_colours(settings) -> None:
    """Colours come round again."""
    todo = plan_of(settings)
    far = Task(todo.tasks[0].request, len(COLOURS) + 1)
    assert COLOURS[1] == manifest_of(settings, far, todo, TAGS, SAMPLES).colour


def test_no_password_is_kept(settings) -> None:
    """Neither in the address nor in the configuration."""
    todo = plan_of(settings)
    made = manifest_of(settings, todo.tasks[0], todo, TAGS, SAMPLES)
    assert "s3cret" not in repr(made)
    assert made.tracking_uri.endswith("@h:5000")
