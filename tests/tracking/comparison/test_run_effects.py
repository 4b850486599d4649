"""vreason_tracking.comparison.run_effects: what is sure of a run's variants as soon as it has ended, out of the journal alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.helpers import compared, readback, records
from vreason.config import PRESETS
from vreason.errors import TrackingError
from vreason_tracking.catalog import LocalRun, Run, recorded_runs
from vreason_tracking.comparison.comparison import compare
from vreason_tracking.comparison.costs import QUANTITIES
from vreason_tracking.comparison.run_effects import RunEffects, run_effects
from vreason_tracking.settings.variants import Variant

TIMES = {"latency_ms", "time_to_first_token_ms", "ms_per_token"}


def known(root, name, samples, preset="baseline", schedule="interleaved", **changes) -> Run:
    """A run of the journal `root` with these samples, of one call with the others, each at a place of its own."""
    place = len(list(root.iterdir())) if root.exists() else 0
    params = {f"method.{key}": value for key, value in Variant(name, PRESETS[preset]).flattened().items()}
    about = {"params": params, "tags": {"schedule": schedule}, "sample_ids": tuple(sample.sample_id for sample, _ in samples)}
    recorder = readback.recorder_of(root, name, **about | changes)
    for sample, _ in samples:
        recorder.on_steps(records.steps(sample.sample_id, sample.output_tokens))
        recorder.on_sample(replace(sample, rotation_place=place))
    recorder.finish("FINISHED")
    return Run(LocalRun(recorder.folder), None, None)


@pytest.fixture
def root(tmp_path):
    return tmp_path / "journal"


@pytest.fixture
def pair(root):
    """A baseline that is right half of the time, and a variant that is right nearly always and says less."""
    return lambda **changes: [
        known(root, "baseline", compared.make_samples(60, 20, 0, right=0.4)),
        known(root, "v-reason", compared.make_samples(60, 20, 1, right=0.95, tokens=0.7), "v-reason", **changes),
    ]


def test_effects_are_those_of_a_comparison(pair) -> None:
    """What is shown is to the last digit what `compare` says of the same runs."""
    runs = pair()
    baseline, (nothing, effects) = run_effects(runs)
    with recorded_runs(runs, steps=False) as files:
        found = compare(files).groups[0].results[1]
    assert (0, RunEffects()) == (baseline, nothing)
    assert found.accuracy.difference.estimate == effects.accuracy
    assert {"output_tokens", "latency_ms"} <= set(effects.ratios)
    assert {name: found.costs[name].ratio.median for name in effects.ratios} == effects.ratios
    assert effects.timing_issue is None


def test_only_what_is_shown(pair) -> None:
    """An effect is one whose interval leaves out that there is none; every other quantity is left out."""
    runs = pair()
    _, (_, effects) = run_effects(runs)
    with recorded_runs(runs, steps=False) as files:
        costs = compare(files).groups[0].results[1].costs
    shown = {
        name: cost.ratio.median.low is not None and not cost.ratio.median.low <= 1.0 <= cost.ratio.median.high
        for name, cost in costs.items()
        if name != "control_share"
    }
    assert {name for name, is_shown in shown.items() if is_shown} == set(effects.ratios)
    assert {"output_tokens", *TIMES} == set(shown) == {quantity.name for quantity in QUANTITIES} - {"control_share"}


def test_no_effect(root) -> None:
    """A variant that does the same shows nothing at all."""
    same = compared.make_samples(60, 20, 0)
    runs = [known(root, "baseline", same), known(root, "v-reason", same, "v-reason")]
    assert (0, [RunEffects(), RunEffects()]) == run_effects(runs)


def test_too_few_to_tell(root) -> None:
    """From few videos there is no interval, and without one nothing is shown."""
    runs = [
        known(root, "baseline", compared.make_samples(3, 1, 0, right=0.0)),
        known(root, "v-reason", compared.make_samples(3, 1, 1, right=1.0, tokens=0.5), "v-reason"),
    ]
    assert [RunEffects(), RunEffects()] == run_effects(runs)[1]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"schedule": "sequential"}, "the variants ran one after another (schedule: sequential), so that each met other conditions"),
        ({"call_id": "another"}, "measured at different times, in different calls of `run`"),
    ],
)
def test_times_that_do_not_compare(pair, changes, why) -> None:
    """Why is said, and no ratio of times is; accuracy and tokens do not depend on the conditions."""
    _, (base, effects) = run_effects(pair(**changes))
    assert (None, why) == (base.timing_issue, effects.timing_issue)
    assert {"output_tokens"} == set(effects.ratios)
    assert effects.accuracy is not None


def test_the_baseline(root) -> None:
    """It is the variant without a method, wherever it stands; without one it is the first."""
    samples = compared.make_samples(12, 6)
    own, lite = known(root, "own", samples, "v-reason"), known(root, "lite", samples, "v-reason-lite")
    base = known(root, "plain", samples)
    assert [2, 0, 0] == [run_effects(runs)[0] for runs in ([own, lite, base], [base, own], [lite, own])]


def test_a_single_variant(root) -> None:
    """It has nothing to be compared with."""
    assert (0, [RunEffects()]) == run_effects([known(root, "v-reason", compared.make_samples(6, 3), "v-reason")])


@pytest.mark.parametrize("other", [[], [(records.sample("elsewhere"), ())]])
def test_nothing_in_common(root, other) -> None:
    """Where no question was answered by all, nothing is said of any."""
    runs = [known(root, "baseline", compared.make_samples(6, 3)), known(root, "v-reason", other, "v-reason")]
    assert (0, [RunEffects(), RunEffects()]) == run_effects(runs)


def test_failures(root) -> None:
    """Samples that failed are in no difference; where all did there is none."""
    base = compared.make_samples(20, 10, 0)
    names = ("video", "question", "options", "problem_type", "category")
    failed = [(records.failed(sample.sample_id, **{name: getattr(sample, name) for name in names}), ()) for sample, _ in base]
    runs = [known(root, "baseline", base), known(root, "v-reason", failed, "v-reason")]
    assert [RunEffects(), RunEffects()] == run_effects(runs)[1]


def test_part_of_the_questions(root) -> None:
    """A run that was ended early is compared on what both have answered."""
    base, own = compared.make_samples(60, 20, 0, right=0.0), compared.make_samples(60, 20, 1, right=1.0)
    runs = [known(root, "baseline", base), known(root, "v-reason", own[:40], "v-reason")]
    _, (_, effects) = run_effects(runs)
    assert effects.accuracy is not None
    assert (40, 20) == (effects.accuracy.n, effects.accuracy.clusters)


def test_a_journal_that_cannot_be_read(pair) -> None:
    """It is named."""
    runs = pair()
    path = runs[1].local.folder.fragments()[0][1]
    path.unlink()
    path.mkdir()
    with pytest.raises(TrackingError, match=path.name):
        run_effects(runs)
