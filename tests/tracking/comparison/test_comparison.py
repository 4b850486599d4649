"""vreason_tracking.comparison.comparison: all of it together, with nothing dropped in silence."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from tests.helpers import compared, records
from vreason.errors import IncomparableRunsError, TrackingError
from vreason.events import SampleRecord
from vreason_tracking.comparison.comparison import baseline_of, compare
from vreason_tracking.comparison.export.documents import to_json
from vreason_tracking.records.summary import RunSummary

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return [compared.recorded(folder, f"run {seed}", compared.mixed(seed)) for seed in range(4)]


def test_the_runs_own_figures(runs) -> None:
    """Accuracy over all questions, of each problem type and category, is the summary metric that the run was recorded with."""
    comparison = compare(runs)
    for place, run in enumerate(runs):
        metrics = RunSummary.of(SampleRecord(**row) for row in compared.rows(run)).metrics()
        found = {(group.grouping, group.name): group.results[place].accuracy for group in comparison.groups}
        own = found["all", "all questions"]
        assert metrics["accuracy"] == pytest.approx(own.estimate.value, abs=1e-12)
        assert (metrics["samples/answered"], metrics["samples/failed"]) == (own.answered, own.failed)
        for (grouping, name), accuracy in found.items():
            metric = {"problem type": "accuracy/type", "category": "accuracy/category"}.get(grouping)
            if metric:
                assert metrics[f"{metric}/{name}"] == pytest.approx(accuracy.estimate.value, abs=1e-12)


def by_name(comparison):
    """Results of every group by the runs' names, and of the groups themselves all but the results."""
    names = comparison.names
    return [
        ((group.grouping, group.name, group.questions, group.videos), dict(zip(names, group.results, strict=True)))
        for group in comparison.groups
    ]


def test_order_of_the_runs(runs) -> None:
    """Named in another order, every figure is the same to the last bit, p-values too."""
    expected = compare(runs, "run 1")
    for order in ((3, 2, 1, 0), (1, 3, 0, 2)):
        found = compare([runs[place] for place in order], "run 1")
        assert by_name(expected) == by_name(found)
        assert sorted(expected.warnings) == sorted(found.warnings)


def test_order_of_the_samples(runs) -> None:
    """Recorded in another order, and in pieces: the same, to the last bit."""
    luck = np.random.default_rng(5)
    shuffled = [compared.rewritten(run, lambda table: table.take(luck.permutation(len(table))), row_group_size=11) for run in runs]
    assert to_json(compare(runs)) == to_json(compare(shuffled))


def test_twice(runs) -> None:
    """The same runs give the same results."""
    one, other = compare(runs), compare(runs)
    assert (one.groups, one.completeness, one.warnings) == (other.groups, other.completeness, other.warnings)
    assert to_json(one) == to_json(other)


def test_a_run_more(runs) -> None:
    """Another run beside them changes no figure of theirs but those adjusted for the number of comparisons."""
    fewer, more = (
        [group for group in compare(part).groups if group.grouping != "video length"]  # a third run may know how long a clip is
        for part in (runs[:2], runs[:3])
    )
    for one, other in zip(fewer, more, strict=True):
        first, second = one.results[1], other.results[1]
        assert (first.costs, first.memory, first.signatures) == (second.costs, second.memory, second.signatures)
        plain = [replace(each.accuracy.difference, p_holm=None) for each in (first, second) if each.accuracy.difference]
        assert plain[:1] == plain[1:]


def test_too_few(runs) -> None:
    """One run is no comparison; nor is none."""
    with pytest.raises(TrackingError, match=re.escape("needs two runs at least, and there is only 'run 0' (run-0-id)")):
        compare(runs[:1])
    with pytest.raises(TrackingError, match="needs two runs at least, and there is none"):
        compare([])


def test_two_of_one_name(runs) -> None:
    """Figures are told apart by name: runs of one name would hide each other's differences."""
    other = replace(runs[1], name="run 0", tags={**runs[1].tags, "data.digest": "another"})
    with pytest.raises(ValueError, match="names must differ"):
        compare([runs[0], other])


def test_baseline(tmp_path) -> None:
    """The one without a method, wherever it stands; else the first; else the one that is named."""
    runs = compared.trio(tmp_path, questions=6, videos=3)
    assert [0, 2, 1, 0] == [
        *(baseline_of(order, None) for order in (runs, runs[::-1], [runs[1], runs[0]], runs[1:])),
    ]
    named = [replace(runs[0], run_id="abc1", mlflow_id="abc1", journal_id="20261120-x"), replace(runs[1], run_id="abc2"), runs[2]]
    assert [0, 1, 0, 0, 1, 2] == [
        baseline_of(named, name) for name in ("abc1", "abc2", "20261120-x", "2026", "v-reason", "v-reason-lite-i")
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("nobody", "--baseline: 'nobody' is not one of these runs; name one of: baseline, v-reason, v-reason-lite"),
        ("", "--baseline: '' is not one of these runs; name one of: baseline, v-reason, v-reason-lite"),
        ("v-r", "--baseline: 'v-r' fits 2 of these runs; name one of: baseline, v-reason, v-reason-lite"),
    ],
)
def test_no_such_baseline(tmp_path, name, text) -> None:
    """What there is stands in the message."""
    runs = compared.trio(tmp_path, questions=6, videos=3)
    with pytest.raises(TrackingError, match=re.escape(text)):
        compare(runs, name)


def test_a_variant_twice_as_baseline(tmp_path) -> None:
    """Of two runs of a variant the name does not tell which one is meant."""
    runs = [replace(run, variant="same") for run in compared.trio(tmp_path, questions=6, videos=3)]
    with pytest.raises(TrackingError, match="'same' fits 3 of these runs"):
        compare(runs, "same")


def test_unlike_by_force(tmp_path) -> None:
    """What is common is compared; the warnings begin with what differs, and count what each run does not bring."""
    expected_samples = compared.make_samples(24, 12)
    changed = [(replace(sample, question="Another?") if number == 0 else sample, ()) for number, (sample, _) in enumerate(expected_samples)]
    runs = [
        compared.recorded(tmp_path, "a", expected_samples),
        compared.recorded(tmp_path, "b", changed[:20], expected_samples=24, status="KILLED", params={"video.nframes": "16"}),
    ]
    with pytest.raises(IncomparableRunsError):
        compare(runs)
    found = compare(runs, force=True, notes=["what somebody should know"])
    assert 19 == len(found.frame.ids) == found.groups[0].questions
    assert [19, 19] == [result.accuracy.answered + result.accuracy.failed for result in found.groups[0].results]
    assert "what somebody should know" == found.warnings[0]
    assert found.warnings[1].startswith("UNLIKE RUNS, compared because --force was given")
    assert ["differs: partial run", "differs: sample set", "differs: frames, video.nframes"] == [
        ":".join(each.split(":")[:2]) for each in found.warnings[2:5]
    ]
    assert [
        "compared are the 19 questions that all runs have, of 25.",
        "a: 5 of its questions are left out, for another run does not have them.",
        "b: 4 of the questions that it was to ask are missing in its record.",
        "b: 1 of its questions are left out, for another run does not have them.",
    ] == list(found.warnings[5:])
    assert [(24, 24, 0, 5), (24, 20, 4, 1)] == [
        (each.expected_samples, each.recorded, each.missing, each.excluded) for each in found.completeness
    ]


def test_force_on_like_runs(runs) -> None:
    """It changes nothing where nothing differs."""
    assert to_json(compare(runs)) == to_json(compare(runs, force=True))


@pytest.mark.parametrize("other", [[], [(records.sample("elsewhere"), ())]])
def test_nothing_in_common(tmp_path, other) -> None:
    """Not even by force; it is an error of unlike runs, not a division by nothing."""
    runs = [compared.recorded(tmp_path, "a", compared.make_samples(4, 2)), compared.recorded(tmp_path, "b", other)]
    with pytest.raises(IncomparableRunsError, match="no question in common") as refused:
        compare(runs, force=True)
    assert 6 == refused.value.exit_code


def test_failures_are_told(tmp_path) -> None:
    """Failed samples are counted with their reasons and warned about; a run whose failures hide behind a high accuracy too."""
    base = [(records.sample(f"s-{number:02d}", video=f"{number}.mp4", score=float(number % 2)), ()) for number in range(12)]
    hides = [(records.failed(sample.sample_id, f"{sample.video}: is empty", video=sample.video), ()) if not sample.score else (sample, ())
             for sample, _ in base]  # fmt: skip
    found = compare([compared.recorded(tmp_path, "base", base), compared.recorded(tmp_path, "hides", hides)])
    assert [0, 6] == [each.failed for each in found.completeness]
    assert [("is empty", 6)] == list(found.completeness[1].errors)
    assert 1.0 == found.groups[0].results[1].accuracy.estimate.value
    (warning,) = found.warnings
    assert warning.startswith("hides: 6 of 12 questions failed; ")


@pytest.mark.parametrize(
    ("videos", "runs", "warning"),
    [
        (1, 2, ["too few videos to tell: with 1 of them and 1 comparison(s) no p (Holm) is below 1."]),
        (5, 2, ["too few videos to tell: with 5 of them and 1 comparison(s) no p (Holm) is below 0.062."]),
        (6, 2, ["only 6 videos: intervals and p-values from so few are rough."]),
        (6, 3, ["too few videos to tell: with 6 of them and 2 comparison(s) no p (Holm) is below 0.062."]),
        (9, 2, ["only 9 videos: intervals and p-values from so few are rough."]),
        (10, 2, []),
    ],
)
def test_few_videos(tmp_path, videos, runs, warning) -> None:
    """Too few for any difference to be found, or few enough for rough intervals: the reader is told."""
    expected_samples = compared.make_samples(60, videos)
    found = compare([compared.recorded(tmp_path, f"run {number}", expected_samples) for number in range(runs)])
    assert warning == list(found.warnings)


def test_a_video_of_many_questions(tmp_path) -> None:
    """One that has more than a fifth of the questions is told of, for intervals do not make that good."""
    expected_samples = [(records.sample(f"s-{number:02d}", video=f"{max(0, number - 19)}.mp4"), ()) for number in range(40)]
    found = compare([compared.recorded(tmp_path, name, expected_samples) for name in "ab"])
    assert ["one video has 50% of the questions: intervals are too narrow for that, p-values are not."] == list(found.warnings)


def test_earlier_records(tmp_path) -> None:
    """Columns that an earlier version did not write are missed by nobody."""
    gone = ("benchmark", "token_ends", "peak_allocated_bytes", "rotation_place", "other_load", "cpu_steal")
    runs = compared.trio(tmp_path)
    old = [compared.rewritten(run, compared.without(*gone)) for run in runs]
    mixed = [old[0], *runs[1:]]
    whole, found = compare(runs), compare(mixed)
    assert [group.results[1].accuracy for group in whole.groups] == [group.results[1].accuracy for group in found.groups]
    assert None is compare(old).groups[0].results[0].memory.torch_allocated_bytes
    assert {"demo", "demo (acc)", "demo (MRA)"} == {group.name for group in compare(old).groups if group.grouping == "benchmark"}


def test_a_damaged_record(tmp_path) -> None:
    """It is named; there is no comparison of what is left."""
    runs = compared.trio(tmp_path, questions=6, videos=3)
    runs[1].samples.write_bytes(runs[1].samples.read_bytes()[:-30])
    with pytest.raises(TrackingError, match=re.escape(str(runs[1].samples))):
        compare(runs, force=True)


def test_the_scoring_profile(tmp_path) -> None:
    """One, or by force several."""
    runs = compared.trio(tmp_path, questions=6, videos=3)
    assert "robust" == compare(runs).scoring
    other = replace(runs[1], tags={**runs[1].tags, "scoring": "video-r1"})
    assert "robust, video-r1" == compare([runs[0], other, runs[2]], force=True).scoring


def test_many(tmp_path) -> None:
    """Five runs of a thousand samples: every question counts once."""
    runs = [compared.recorded(tmp_path, f"run {seed}", compared.mixed(seed, 1_000, 300)) for seed in range(5)]
    found = compare(runs)
    assert (1_000, 300, 5) == (found.groups[0].questions, found.groups[0].videos, len(found.groups[0].results))
    for grouping in ("benchmark", "problem type", "video length"):
        whole = [group.questions for group in found.groups if group.grouping == grouping and "(" not in group.name]
        assert 1_000 == sum(whole)
