"""perf/run_overhead.py: its ways answer alike, and record what they say."""

from __future__ import annotations


def test_a_journal_changes_no_reply_and_holds_points():
    """Without a record and with a journal a variant answers the same; the journal has more points than the replies have tokens."""
    from run_overhead import CONFIG, Task

    from vreason.models import load_model
    from vreason_tracking.running import load_samples
    from vreason_tracking.settings import load_settings
    from vreason_tracking.telemetry import MemorySampler

    settings = load_settings(CONFIG, ["generation.max_new_tokens=6"], limit=2)
    variant = settings.resolved_variants()[1]
    with MemorySampler() as meter:
        task = Task(load_model(settings.model), settings, variant, load_samples(settings), meter)
        bare, journalled = task.unrecorded(), task.journalled()
    assert bare.output == journalled.output
    assert (12, 12) == (bare.tokens, journalled.tokens)
    assert 0 == bare.points < journalled.tokens < journalled.points
