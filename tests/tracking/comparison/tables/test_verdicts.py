"""vreason_tracking.comparison.tables.verdicts: what may be said, and what may not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.helpers import compared, records
from vreason_tracking.comparison.comparison import compare
from vreason_tracking.comparison.tables.verdicts import in_short, verdicts


def said(comparison, p_holm, value=0.125):
    """The verdict on the second run if its difference were this one."""
    group = comparison.groups[0]
    result = group.results[1]
    difference = result.accuracy.difference
    changed = replace(difference, p=0.012, p_holm=p_holm, estimate=replace(difference.estimate, value=value, low=-0.05, high=0.3))
    results = [group.results[0], replace(result, accuracy=replace(result.accuracy, difference=changed)), *group.results[2:]]
    return verdicts(replace(comparison, groups=[replace(group, results=results), *comparison.groups[1:]]))[0]


def test_a_sentence_a_run_but_the_baseline(trio) -> None:
    """In the runs' order, each beginning with the run's name."""
    assert ["v-reason", "v-reason-lite"] == [each.partition(":")[0] for each in verdicts(trio)]


@pytest.mark.parametrize(
    ("p_holm", "value", "start"),
    [
        (0.012, 0.125, "v-reason: better than baseline by +12.5 points (−5.0 to +30.0), p = 0.012; "),
        (0.0499999, -0.125, "v-reason: worse than baseline by −12.5 points (−5.0 to +30.0), p = 0.012, < 0.050 after Holm; "),
        (0.05, 0.125, "v-reason: no difference to baseline is shown: +12.5 points (−5.0 to +30.0), p = 0.012, 0.050 after Holm; "),
        (0.0500001, -0.125, "v-reason: no difference to baseline is shown: −12.5 points (−5.0 to +30.0), p = 0.012, 0.050 after Holm; "),
        (1.0, 0.0, "v-reason: no difference to baseline is shown: 0.0 points (−5.0 to +30.0), p = 0.012, 1.00 after Holm; "),
    ],
)
def test_better_or_worse_is_said_only_below_the_line(trio, p_holm, value, start) -> None:
    """By the adjusted p, whatever the interval looks like."""
    assert said(trio, p_holm, value).startswith(start)


def test_without_a_difference_the_smallest_that_would_be_found_is_named(trio) -> None:
    """So that "nothing shown" is not read as "nothing there"."""
    detectable = trio.groups[0].results[1].accuracy.difference.smallest_detectable
    assert f"; one below {100 * detectable:.1f} points would usually not be found with these questions; " in said(trio, 0.3)


def test_costs_stand_in_the_sentence(trio) -> None:
    """Ratios of totals of tokens and time, with their intervals."""
    ratios = [trio.groups[0].results[1].costs[name].ratio.of_totals for name in ("output_tokens", "latency_ms")]
    tokens, time = [f"× {each.value:.2f} ({each.low:.2f} to {each.high:.2f})" for each in ratios]
    assert verdicts(trio)[0].endswith(f"; total tokens {tokens}, total time {time}.")


def test_times_that_do_not_compare(trio, elsewhere) -> None:
    """In place of a ratio of times it is said why there is none; the other run's sentence is as it was."""
    start, _, _ = verdicts(trio)[0].partition(", total time ")
    why = "measured at different times, in different calls of `run`"
    assert [f"{start}, times not comparable ({why}).", verdicts(trio)[1]] == list(verdicts(elsewhere))


def test_every_reason_stands_in_its_sentence(unequal, conditions) -> None:
    """Of a sequential schedule, a busy machine and a busy hypervisor as well."""
    told = {sentence.partition(":")[0]: sentence for sentence in verdicts(unequal)}
    for name, why in conditions.items():
        assert told[name].endswith(f", times not comparable ({why}).")
    assert ", total time × " in told["in turn"]


def test_one_video_proves_nothing(tmp_path) -> None:
    """Then there is no interval and no p, and nothing is concluded."""
    runs = [compared.recorded(tmp_path, name, compared.make_samples(8, 1, seed, right=seed)) for seed, name in enumerate(("base", "own"))]
    value = compare(runs).groups[0].results[1].accuracy.difference.estimate.value
    start = f"own: +{100 * value:.1f} points (–) against base, from a single video: nothing can be concluded; total tokens × 1.00"
    assert verdicts(compare(runs))[0].startswith(start)


def test_nothing_came_out_differently(tmp_path) -> None:
    """Then nothing tells of the spread: what cannot be excluded is said, and nothing of what would have been found."""
    runs = [compared.recorded(tmp_path, name, compared.make_samples(24, 12)) for name in ("base", "own")]
    high = compare(runs).groups[0].results[1].accuracy.difference.estimate.high
    start = f"own: no question came out differently from base; a difference of up to {100 * high:.1f} points cannot be excluded; "
    assert verdicts(compare(runs))[0].startswith(start)


def test_too_few_videos_that_differ(tmp_path) -> None:
    """With three of them no p can be small: the sentence says so, and does not speak of what would be found."""
    samples = compared.make_samples(24, 24)
    flipped = [(replace(s, score=1.0 - round(s.score)) if n in (0, 1, 3) else s, steps) for n, (s, steps) in enumerate(samples)]
    told = verdicts(compare([compared.recorded(tmp_path, "base", samples), compared.recorded(tmp_path, "own", flipped)]))[0]
    assert "; only 3 video(s) differ, and with so few p (Holm) cannot be below 0.25; " in told
    assert "would usually not be found" not in told


def test_five_videos_cannot_show_a_difference(tmp_path) -> None:
    """Right in everything against wrong in everything: no verdict of better, and a warning that says why."""
    runs = [compared.recorded(tmp_path, name, compared.make_samples(5, 5, seed, right=seed)) for seed, name in enumerate(("base", "own"))]
    comparison = compare(runs)
    assert "no difference to base is shown" in verdicts(comparison)[0]
    assert any("too few videos to tell" in each for each in comparison.warnings)


def test_no_pair_answered(tmp_path) -> None:
    """One run failed where the other answered: there is nothing to compare, and that is all that is said."""
    base = compared.make_samples(6, 6)
    own = [
        (
            records.failed(
                s.sample_id, video=s.video, question=s.question, options=s.options, problem_type=s.problem_type, category=s.category
            ),
            (),
        )
        for s, _ in base
    ]
    comparison = compare([compared.recorded(tmp_path, "base", base), compared.recorded(tmp_path, "own", own)])
    assert ["own: no question was answered both by it and by base."] == verdicts(comparison)
    assert "Of 1 runs, better than base: none; worse: none; no difference is shown for 1." == in_short(comparison)


def test_many_runs_in_short(many) -> None:
    """Those that are surely better or worse by name, the others by their number; the same that the sentences say."""
    told = verdicts(many)
    better = [each.partition(":")[0] for each in told if ": better than" in each]
    worse = [each.partition(":")[0] for each in told if ": worse than" in each]
    assert (["run-2"], ["run-3"]) == (better, worse)
    assert "Of 9 runs, better than run-0: 1 (run-2); worse: 1 (run-3); no difference is shown for 7." == in_short(many)
