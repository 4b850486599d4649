"""The records of a run: plain values, told in blocks and in order, and what they say about themselves."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import pytest
import torch
from transformers import LogitsProcessorList

import vreason
from tests.helpers.tiny_models import Turn, prompt, shared_model, special_ids
from vreason import ControllerConfig, PrefillRecord, SampleRecord, StepRecord, VReasonConfig
from vreason.clock import unix_ms

STEP = StepRecord("a", 3, 7, 1.5, 0.5, 0.75, -1, None, 0.0, None, 1.0, False, None, None, 1_700_000_000_000, 2.0, 0.5)
SAMPLE = SampleRecord("a", "clip.mp4", "Up?", ("yes", "no"), "multiple choice", "motion", "A")


class Listener:
    """Keeps everything it is told, in order."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def on_prefill(self, prefill: PrefillRecord) -> None:
        self.heard.append(prefill)

    def on_steps(self, steps: Sequence[StepRecord]) -> None:
        self.heard.append(list(steps))

    def on_sample(self, sample: SampleRecord) -> None:
        self.heard.append(sample)

    @property
    def steps(self) -> list[StepRecord]:
        return [step for block in self.heard if isinstance(block, list) for step in block]


def run(observers: Sequence[Any], *turns: Turn, tokens: int = 37, **options: Any) -> Any:
    torch.manual_seed(2)
    method = {"custom_generate": vreason.decode, "vreason": VReasonConfig(ControllerConfig(lr=0.01)), "observers": observers}
    asked = {"do_sample": True, "max_new_tokens": tokens, "suppress_tokens": special_ids()} | options
    return shared_model().generate(**prompt("qwen2_5_vl", *turns), **method, **asked)


LIGHT = ["vreason", *(f"vreason.{name}" for name in ("config", "events", "errors", "prompts", "listeners", "meters", "plugins"))]
LIGHT += ["vreason.benchmarks.names", "vreason.evaluation.ema_peak", "vreason.scoring.profiles"]


@pytest.mark.parametrize("module", LIGHT)
def test_settings_and_events_load_without_torch(module: str) -> None:
    """A fresh interpreter that imports the module has loaded neither torch nor transformers nor numpy."""
    code = f"import sys, {module}; print(sorted({{'torch', 'transformers', 'numpy'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]" == done.stdout.strip()


def test_records_arrive_in_order_and_in_blocks() -> None:
    """Prompts first, then blocks of several tokens with a batch's rows side by side, the last block at the end; each token once."""
    listener = Listener()
    output = run([listener], Turn((4,)), Turn((2,), text="Up?"), sample_ids=["x", "y"])
    assert ["x", "y"] == [told.sample_id for told in listener.heard[:2]]
    blocks = listener.heard[2:]
    assert 1 < len(blocks) < 37
    assert [(token, name) for token in range(37) for name in ("x", "y")] == [(step.token_index, step.sample_id) for step in listener.steps]
    tokens = [[step.token_id for step in listener.steps if step.sample_id == name] for name in ("x", "y")]
    assert output[:, -37:].tolist() == tokens


def test_records_are_plain_python() -> None:
    """No value of any record is a torch or numpy type: exactly int, float, str, bool or None, as the fields declare."""
    listener = Listener()
    run([listener], tokens=9, memory=lambda: (123, "rss"))
    plain = {"int": (int,), "float": (float,), "str": (str,), "bool": (bool,)}
    told: list[StepRecord | PrefillRecord] = [*listener.steps, listener.heard[0]]
    for record in told:
        for field in fields(record):
            name, _, optional = str(field.type).partition(" | ")
            allowed = plain[name] + ((type(None),) if optional else ())
            assert type(getattr(record, field.name)) in allowed, field.name


def test_times_and_memory_are_told() -> None:
    """Unix milliseconds within the call and ascending, durations that fit into it, and the reader's newest value at each token."""
    listener, readings = Listener(), iter(range(1000, 2000))
    start = unix_ms()
    run([listener], tokens=9, memory=lambda: (next(readings), "nvml:0"))
    end = unix_ms()
    stamps = [step.timestamp_ms for step in listener.steps]
    assert sorted(stamps) == stamps
    assert start <= stamps[0] <= stamps[-1] <= end
    assert all(step.forward_ms > 0 and step.control_ms >= 0 for step in listener.steps)
    assert sum(step.step_ms for step in listener.steps) <= end - start + 2
    assert [(1000 + token, "nvml:0") for token in range(9)] == [(s.device_memory_bytes, s.memory_source) for s in listener.steps]


@pytest.mark.parametrize("memory", [None, lambda: None], ids=["no reader", "nothing read yet"])
def test_without_a_reading_memory_is_none(memory: Any) -> None:
    """No reader, or one that has nothing yet, leaves both fields None."""
    listener = Listener()
    run([listener], tokens=3, memory=memory)
    assert {(None, None)} == {(step.device_memory_bytes, step.memory_source) for step in listener.steps}


def test_steps_of_a_broken_call_are_told() -> None:
    """When a logits processor raises at token 20, the records of tokens 0 to 19 have reached the listener."""
    listener, calls = Listener(), iter(range(100))

    def breaks(_: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        if next(calls) == 20:
            raise ValueError("enough")
        return scores

    with pytest.raises(ValueError, match="enough"):
        run([listener], logits_processor=LogitsProcessorList([breaks]))
    assert list(range(20)) == [step.token_index for step in listener.steps]


def test_records_are_frozen() -> None:
    """A listener cannot change what the next one hears."""
    for record in (STEP, SAMPLE, PrefillRecord("a", 1, 0, 0)):
        with pytest.raises(FrozenInstanceError):
            record.sample_id = "b"  # type: ignore[misc]


def test_what_records_say_about_themselves() -> None:
    """Phase reads alpha; a step lasts forward plus control; full marks are correct; time a token leaves the first one out."""
    assert ("exploit", "explore", 2.5) == (STEP.phase, replace(STEP, alpha=1).phase, STEP.step_ms)
    assert [None, False, True] == [replace(SAMPLE, score=score).correct for score in (None, 0.99, 1.0)]
    timed = replace(SAMPLE, generation_ms=100.0, time_to_first_token_ms=40.0, output_tokens=4)
    assert 20.0 == timed.ms_per_token
    untimed: list[dict[str, Any]] = [{"output_tokens": 1}, {"generation_ms": None}, {"time_to_first_token_ms": None}]
    assert [None] * 3 == [replace(timed, **lack).ms_per_token for lack in untimed]
