"""vreason_cli.terminal.progress: what a user sees while a run goes on."""

from __future__ import annotations

import os
import pty
import re
import select
import sys
import time
from dataclasses import replace

import pytest

from tests.helpers import records, trials
from vreason.listeners import RunStarted, VariantFinished, VariantStarted
from vreason_cli.terminal.progress import LiveProgress, PlainProgress, progress_for
from vreason_tracking.settings import parse_settings


@pytest.fixture
def settings():
    return parse_settings(trials.trial("some/model"))


class Terminal:
    """A pseudo-terminal, 140 columns wide."""

    def __init__(self, monkeypatch) -> None:
        self.master, slave = pty.openpty()
        self.out = os.fdopen(slave, "w")
        self._monkeypatch = monkeypatch
        for name in ("NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "FORCE_COLOR"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "140")

    def watcher(self, settings) -> PlainProgress:
        """Whoever shows progress when standard output is this terminal. To be called by the test itself: between a test and its
        fixtures pytest puts its own standard output back.
        """
        self._monkeypatch.setattr(sys, "stdout", self.out)
        return progress_for(settings)

    def raw(self) -> str:
        """What was written since the last call, a moment after it was written; of a live display, which never falls silent, a second."""
        self.out.flush()
        parts, end = [], time.monotonic() + 1.0
        while time.monotonic() < end and select.select([self.master], [], [], 0.2)[0]:
            parts.append(os.read(self.master, 1 << 16))
        return b"".join(parts).decode()

    def text(self) -> str:
        """The same without colours and cursor movements."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.raw())


@pytest.fixture
def terminal(monkeypatch):
    made = Terminal(monkeypatch)
    yield made
    made.out.close()
    os.close(made.master)


def started(samples, *names, schedule="interleaved") -> RunStarted:
    """Model and data are there."""
    return RunStarted("trial", "some/model (float32)", "cpu", samples, names or ("v-reason",), schedule)


def ended(name="v-reason", status="FINISHED", accuracy: float | None = 1.0, **changes) -> VariantFinished:
    """A variant's end."""
    return VariantFinished(name, "0123456789abcdef", status, answered=2, failed=0, accuracy=accuracy, **changes)


def go(watcher, *lengths) -> None:
    """A variant over samples of these lengths; 0 makes one that fails."""
    watcher.on_variant_started(VariantStarted("v-reason", "0123456789abcdef"))
    watcher.on_turn("v-reason")
    for number, length in enumerate(lengths):
        reply = records.steps(f"s-{number}", length)
        if reply:
            watcher.on_steps(reply)
        watcher.on_sample(records.sample(f"s-{number}", reply, score=float(number % 2 == 0)) if reply else records.failed(f"s-{number}"))
    watcher.on_variant_finished(ended())


def test_plain_where_no_terminal_is(settings, capsys) -> None:
    """Output that goes into a file or a pipe is plain lines."""
    assert PlainProgress is type(progress_for(settings))


def test_live_on_a_terminal(settings, terminal) -> None:
    """A terminal gets the live display."""
    assert isinstance(terminal.watcher(settings), LiveProgress)


def test_plain_lines(settings, capsys) -> None:
    """What is loaded, how much there is to do, each variant with its run, each failure, and how it ended."""
    with progress_for(settings) as watcher:
        watcher.on_run_started(started(3, "baseline", "v-reason", "v-reason-lite"))
        go(watcher, 5, 0, 5)
    out = capsys.readouterr().out
    assert "\x1b" not in out
    lines = out.splitlines()
    assert "trial: loading model some/model and data demo" == lines[0]
    assert "some/model (float32) on cpu, 3 sample(s), 3 variant(s), interleaved" == lines[1]
    assert "v-reason: run 0123456789abcdef" == lines[2]
    assert "v-reason: s-1 failed: clips/s-9.mp4: is not a video" in lines
    assert lines[-1].startswith("v-reason: FINISHED, accuracy 100.0%")


def test_what_was_done_before(settings, capsys) -> None:
    """A variant that goes on says how many samples an earlier call answered, and counts from there."""
    watcher = PlainProgress(settings)
    watcher.on_run_started(started(5))
    watcher.on_variant_resumed(VariantStarted("v-reason", "20261120T094512-3f2a9c", 3))
    watcher.on_sample(records.sample("s-4", records.steps("s-4", 2)))
    lines = capsys.readouterr().out.splitlines()
    assert "v-reason: run 20261120T094512-3f2a9c, 3 sample(s) done before" in lines
    assert lines[-1].startswith("v-reason: 4/5 samples")


def test_a_kept_result(settings, capsys) -> None:
    """A variant that an earlier call finished is told as such."""
    watcher = PlainProgress(settings)
    watcher.on_variant_finished(ended("baseline", kept=True))
    assert "baseline: FINISHED, as an earlier call left it, accuracy 100.0%" == capsys.readouterr().out.strip()


def test_notices(settings, capsys) -> None:
    """What happens in between, such as a store that goes away, is a line of its own."""
    PlainProgress(settings).on_notice("the tracking store is unavailable [500]")
    assert "the tracking store is unavailable [500]\n" == capsys.readouterr().out


def test_plain_lines_are_few(settings, capsys) -> None:
    """A thousand quick samples do not make a thousand lines: one every few seconds."""
    watcher = PlainProgress(settings)
    watcher.on_run_started(started(1000))
    start = time.monotonic()
    go(watcher, *[3] * 1000)
    allowed = 1 + (time.monotonic() - start) / 3
    lines = [line for line in capsys.readouterr().out.splitlines() if "/1000 samples" in line]
    assert 1 <= len(lines) <= allowed


def test_a_line_says_where_the_run_stands(settings, capsys) -> None:
    """Samples done, accuracy so far, tokens a second of generation, the newest entropy and its phase."""
    watcher = PlainProgress(settings)
    watcher.on_run_started(started(4))
    watcher.on_variant_started(VariantStarted("v-reason", "id"))
    reply = records.steps("s-1", 11)
    watcher.on_steps(reply)
    watcher.on_sample(records.sample("s-1", reply))
    last = capsys.readouterr().out.splitlines()[-1]
    phase = "explore" if reply[-1].alpha > 0 else "exploit"
    assert f"v-reason: 1/4 samples, accuracy 100.0%, {11 / 0.09:.0f} tokens/s, H {reply[-1].entropy:.2f} nats, {phase}" == last


def test_nothing_answered(settings, capsys) -> None:
    """A variant that ends before its first answer says so."""
    watcher = PlainProgress(settings)
    watcher.on_variant_started(VariantStarted("v-reason", "id"))
    watcher.on_variant_failed(ended(status="KILLED", accuracy=None, error="terminated (SIGTERM)"))
    assert "v-reason: KILLED, nothing answered" == capsys.readouterr().out.splitlines()[-1]


def test_an_early_end(settings, capsys) -> None:
    """One that has failed is told with what it is worth so far."""
    PlainProgress(settings).on_variant_failed(ended(status="FAILED", accuracy=0.5, error="ValueError: odd"))
    assert "v-reason: FAILED, accuracy 50.0%" == capsys.readouterr().out.strip()


def test_a_variant_begins_anew(settings, capsys) -> None:
    """The figures of one variant do not run on into the next."""
    watcher = PlainProgress(settings)
    watcher.on_run_started(started(2, "v-reason", "second", schedule="sequential"))
    go(watcher, 4, 4)
    watcher.on_variant_started(VariantStarted("second", "id"))
    assert ("nothing answered", 0) == (watcher.now.figures(), watcher.now.done)


def test_variants_in_turn(settings, capsys) -> None:
    """Each counts its own samples and has its own figures, whoever's turn was in between; a line names whose they are."""
    watcher = PlainProgress(settings)
    watcher.on_run_started(started(3, "baseline", "v-reason"))
    for name in ("baseline", "v-reason"):
        watcher.on_variant_started(VariantStarted(name, f"run of {name}"))
    scores = {"v-reason": 1.0, "baseline": 0.0}
    for number, name in enumerate(("v-reason", "baseline", "baseline", "v-reason", "v-reason")):
        watcher.on_turn(name)
        reply = records.steps(f"{name} {number}", 5 + number)
        watcher.on_steps(reply)
        watcher.on_sample(records.sample(f"s-{number}", reply, score=scores[name]))
    assert {"baseline": 2, "v-reason": 3} == {name: each.done for name, each in watcher.variants.items()}
    assert {"baseline": 0.0, "v-reason": 1.0} == {name: each.summary.accuracy for name, each in watcher.variants.items()}
    newest = {"baseline": records.steps("baseline 2", 7)[-1], "v-reason": records.steps("v-reason 4", 9)[-1]}
    assert newest == {name: each.last for name, each in watcher.variants.items()}
    watcher._said = 0.0
    watcher.on_turn("baseline")
    watcher.on_sample(records.failed("s-9"))
    lines = capsys.readouterr().out.splitlines()
    assert "baseline: s-9 failed: clips/s-9.mp4: is not a video" in lines
    assert lines[-1].startswith("baseline: 3/3 samples, accuracy 0.0%, ")


def test_the_last_sample_is_remembered(settings, capsys) -> None:
    """By variant: the one that the program suggests to look at when the run has ended must be one that its run has."""
    watcher = PlainProgress(settings)
    assert {} == watcher.last_samples
    go(watcher, 4, 4)
    assert {"v-reason": "s-1"} == watcher.last_samples


def test_the_live_display(settings, terminal) -> None:
    """The bar names its variant, counts samples, and shows the figures beside it; failures stand above."""
    with terminal.watcher(settings) as watcher:
        watcher.on_run_started(started(3, "baseline", "v-reason", "v-reason-lite"))
        go(watcher, 5, 0, 5)
    text = terminal.text()
    assert re.search(r"v-reason .*3/3 +accuracy 100\.0%, \d+ tokens/s, H \d\.\d\d nats, exp", text)
    assert "some/model (float32) on cpu, 3 sample(s), 3 variant(s), interleaved" in text
    assert "s-1 failed: clips/s-9.mp4: is not a video" in text


def test_the_live_display_follows_the_tokens(settings, terminal) -> None:
    """Entropy and phase change while a sample is being answered, before it has ended."""
    with terminal.watcher(settings) as watcher:
        watcher.on_run_started(started(2))
        watcher.on_variant_started(VariantStarted("v-reason", "id"))
        watcher.on_steps([replace(records.steps("s-1", 1)[0], entropy=1.25, alpha=1)])
    assert re.search(r"0/2 +H 1\.25 nats, explore", terminal.text())


def test_a_bar_goes_on(settings, terminal) -> None:
    """The bar of a variant that is continued begins where an earlier call left it; a notice stands above it, as it is written."""
    with terminal.watcher(settings) as watcher:
        watcher.on_run_started(started(5))
        watcher.on_variant_resumed(VariantStarted("v-reason", "id", 3))
        watcher.on_notice("the tracking store is back [/red]")
        watcher.on_sample(records.sample("s-4", records.steps("s-4", 2)))
    text = terminal.text()
    assert re.search(r"v-reason .*4/5", text)
    assert "the tracking store is back [/red]" in text


def test_a_bar_a_variant(settings, terminal) -> None:
    """A variant that has ended keeps its bar beside that of the next."""
    with terminal.watcher(settings) as watcher:
        watcher.on_run_started(started(1))
        for name in ("one", "two"):
            watcher.on_variant_started(VariantStarted(name, "id"))
            watcher.on_sample(records.sample("s-1", records.steps("s-1", 3)))
    assert re.search(r"one .*1/1.*\r?\n.*two .*1/1", terminal.text())


def test_bars_in_turn(settings, terminal) -> None:
    """All variants have their bars from the beginning, and each moves in its own turn."""
    with terminal.watcher(settings) as watcher:
        watcher.on_run_started(started(2, "one", "two"))
        for name in ("one", "two"):
            watcher.on_variant_started(VariantStarted(name, "id"))
        assert re.search(r"one .*0/2.*\r?\n.*two .*0/2", terminal.text())
        for name in ("two", "one", "one"):
            watcher.on_turn(name)
            watcher.on_sample(records.sample("s-1", records.steps("s-1", 3)))
    assert re.search(r"one .*2/2.*\r?\n.*two .*1/2", terminal.text())


def test_the_terminal_is_given_back(settings, terminal) -> None:
    """An interrupt in the middle leaves the cursor visible and goes on."""
    watcher = terminal.watcher(settings)

    def interrupted() -> None:
        with watcher:
            watcher.on_run_started(started(1))
            watcher.on_variant_started(VariantStarted("v-reason", "id"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert "\x1b[?25h" in terminal.raw()


def test_text_is_no_markup(settings, terminal) -> None:
    """Names and errors in square brackets are shown as they are written, in the lines and at the bar."""
    with terminal.watcher(settings) as watcher:
        watcher.on_run_started(started(1))
        watcher.on_variant_started(VariantStarted("[red]k", "id"))
        watcher.on_sample(records.failed("s-1", error="[/nowhere] is not a video"))
    text = terminal.text()
    assert "[/nowhere] is not a video" in text
    assert re.search(r"\[red\]k .*1/1", text)
