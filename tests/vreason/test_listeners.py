"""Who is told of a run: a base class that does nothing, and a guard that a broken listener does not get through."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Sequence
from dataclasses import FrozenInstanceError, fields
from typing import Any, get_type_hints

import pytest
import torch

import vreason
from tests.helpers.records import sample, steps
from tests.helpers.tiny_models import prompt, shared_model
from vreason.events import PrefillRecord, SampleRecord, StepRecord
from vreason.listeners import Listener, ListenerGuard, RunStarted, VariantFinished, VariantStarted

STEPS = tuple(steps("a", 3))
STARTED = VariantStarted("v-reason", "r1")
FINISHED = VariantFinished("v-reason", "r1", "FINISHED", 3, 0, 1.0)
EVENTS: dict[str, Any] = {
    "on_run_started": RunStarted("trial", "demo (float32)", "cpu", 3, ("baseline", "v-reason"), "interleaved"),
    "on_variant_started": STARTED,
    "on_variant_resumed": VariantStarted("v-reason", "r1", done=2),
    "on_turn": "v-reason",
    "on_prefill": PrefillRecord("a", 50, 36, 18),
    "on_steps": STEPS,
    "on_sample": sample("a", STEPS),
    "on_variant_finished": FINISHED,
    "on_variant_failed": VariantFinished("v-reason", "r1", "FAILED", 1, 2, None, error="RuntimeError: shapes"),
    "on_notice": "The store does not answer.",
}
"""An event for each method of the base class, in the order of a run."""
TYPES: dict[str, Any] = {
    "on_run_started": RunStarted,
    "on_turn": str,
    "on_prefill": PrefillRecord,
    "on_steps": Sequence[StepRecord],
    "on_sample": SampleRecord,
    "on_notice": str,
    **dict.fromkeys(("on_variant_started", "on_variant_resumed"), VariantStarted),
    **dict.fromkeys(("on_variant_finished", "on_variant_failed"), VariantFinished),
}
METHODS = [name for name in vars(Listener) if not name.startswith("__")]


class Everything(Listener):
    """Keeps what it is told, under whose name, in a list that several may share."""

    def __init__(self, name: str = "", heard: list[tuple[str, str, Any]] | None = None) -> None:
        self.name, self.heard = name, [] if heard is None else heard

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("on_"):
            return lambda event: self.heard.append((self.name, name, event))
        return super().__getattribute__(name)


class Broken(Listener):
    """Fails at prompts and at steps."""

    def on_prefill(self, prefill: PrefillRecord) -> None:
        raise OSError("disk full")

    def on_steps(self, steps: Sequence[StepRecord]) -> None:
        raise ValueError("no such column")


class StepsOnly:
    """No `Listener` at all: one method, the others missing."""

    def __init__(self) -> None:
        self.count = 0

    def on_steps(self, steps: Sequence[StepRecord]) -> None:
        self.count += len(steps)


def tell(guard: ListenerGuard, *names: str) -> None:
    """The events of these names, in this order."""
    for name in names:
        guard.tell(name, EVENTS[name])


@pytest.mark.parametrize("name", METHODS)
def test_every_method_does_nothing_and_is_typed(name: str) -> None:
    """It takes one event of the type that is told, returns nothing, and leaves the listener as it was."""
    listener = Listener()
    assert getattr(listener, name)(EVENTS[name]) is None
    assert {} == vars(listener)
    (told, returned) = get_type_hints(getattr(Listener, name)).values()
    assert (TYPES[name], type(None)) == (told, returned)
    assert 2 == len(inspect.signature(getattr(Listener, name)).parameters)
    assert inspect.getdoc(getattr(Listener, name))


def test_the_events_of_a_whole_run_have_a_method_each() -> None:
    """Ten methods; those that the method itself calls are among them."""
    assert list(EVENTS) == METHODS
    assert set(TYPES) == set(METHODS)
    assert vreason.Listener is Listener


@pytest.mark.parametrize("event", [EVENTS["on_run_started"], STARTED, FINISHED], ids=lambda event: type(event).__name__)
def test_events_are_frozen(event: Any) -> None:
    """A listener cannot change what the next one hears."""
    with pytest.raises(FrozenInstanceError):
        setattr(event, fields(event)[0].name, "another")


def test_a_new_variant_has_nothing_done_and_was_not_kept() -> None:
    """What is told of every variant has no default, what is special has."""
    assert (0, None, False) == (STARTED.done, FINISHED.error, FINISHED.kept)


def test_listeners_are_told_in_their_order() -> None:
    """Each event reaches every listener before the next event reaches any, first handed in first told; `tell` passes on every kind."""
    heard: list[tuple[str, str, Any]] = []
    guard = ListenerGuard([Everything("first", heard), Everything("second", heard)])
    tell(guard, *EVENTS)
    assert [(who, name, event) for name, event in EVENTS.items() for who in ("first", "second")] == heard
    assert {} == guard.failures


def test_the_method_s_own_events_have_names_of_their_own() -> None:
    """`prefill`, `steps` and `sample` are told as `on_prefill`, `on_steps` and `on_sample`."""
    listener = Everything()
    guard = ListenerGuard([listener])
    guard.prefill(EVENTS["on_prefill"])
    guard.steps(STEPS)
    guard.sample(EVENTS["on_sample"])
    names = ("on_prefill", "on_steps", "on_sample")
    assert [("", name, EVENTS[name]) for name in names] == listener.heard


def test_whoever_lacks_a_method_is_not_told_of_that_event() -> None:
    """Something with one method, and something with none, miss the others without a failure."""
    part, whole = StepsOnly(), Everything()
    guard = ListenerGuard([part, object(), whole])
    tell(guard, *EVENTS)
    assert 3 == part.count
    assert list(EVENTS) == [name for _, name, _ in whole.heard]
    assert {} == guard.failures


def test_a_failure_is_warned_about_once_and_counted_each_time() -> None:
    """Under the listener's class, whatever it raises; it is asked again at the next event, and whoever comes after it misses nothing."""
    after = Everything()
    guard = ListenerGuard([Broken(), after])
    with pytest.warns(RuntimeWarning) as caught:
        tell(guard, "on_prefill", "on_steps", "on_sample", "on_steps", "on_turn")
    (message,) = (str(warning.message) for warning in caught)
    assert "listener Broken failed: OSError('disk full'); the run goes on without its part" == message
    assert {"Broken": 3} == guard.failures
    assert ["on_prefill", "on_steps", "on_sample", "on_steps", "on_turn"] == [name for _, name, _ in after.heard]


def test_the_warning_points_at_whoever_tells() -> None:
    """Its place is the caller of `guard.steps`, not a line of the guard's own file."""
    with pytest.warns(RuntimeWarning) as caught:
        ListenerGuard([Broken()]).steps(STEPS)
    assert [__file__] == [warning.filename for warning in caught]


def test_every_listener_has_its_own_count() -> None:
    """Two that fail are both warned about and counted apart."""

    class Another(Broken):
        """Fails as well."""

    guard = ListenerGuard([Broken(), Another()])
    with pytest.warns(RuntimeWarning) as caught:
        tell(guard, "on_steps", "on_prefill")
    assert 2 == len(caught)
    assert {"Broken": 2, "Another": 2} == guard.failures


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_an_interruption_is_not_a_listener_s_fault(stop: type[BaseException]) -> None:
    """Ctrl-C and exit pass through the guard."""

    class Interrupted(Listener):
        """Is interrupted."""

        def on_steps(self, steps: Sequence[StepRecord]) -> None:
            raise stop

    guard = ListenerGuard([Interrupted()])
    with pytest.raises(stop):
        guard.steps(STEPS)
    assert {} == guard.failures


def test_a_broken_listener_stops_no_generation() -> None:
    """Tokens and the other listeners' records are as without it; one RuntimeWarning names it and its error."""

    def run(*observers: Any) -> Any:
        torch.manual_seed(2)
        method = {"custom_generate": vreason.decode, "observers": observers}
        return shared_model().generate(**prompt(), **method, do_sample=True, max_new_tokens=20)

    alone, beside, part = Everything(), Everything(), StepsOnly()
    expected = run(alone)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = run(Broken(), beside, part)
    assert expected.tolist() == found.tolist()
    told = [[step.entropy for _, name, block in each.heard if name == "on_steps" for step in block] for each in (alone, beside)]
    assert told[0] == told[1]
    assert len(told[0]) == part.count
    (ours,) = (str(warning.message) for warning in caught if issubclass(warning.category, RuntimeWarning))
    assert "Broken" in ours
    assert "disk full" in ours


def test_a_failure_where_warnings_are_errors() -> None:
    """It is counted, ends nothing, and the next listener is told."""

    class Breaks(Listener):
        def on_notice(self, text: str) -> None:
            raise OSError("no paper in the printer")

    told: list[str] = []

    class Hears(Listener):
        def on_notice(self, text: str) -> None:
            told.append(text)

    guard = ListenerGuard([Breaks(), Hears()])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        guard.tell("on_notice", "one")
        guard.tell("on_notice", "two")
    assert (["one", "two"], {"Breaks": 2}) == (told, guard.failures)
