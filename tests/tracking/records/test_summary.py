"""vreason_tracking.records.summary: a variant's figures out of its samples."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import asdict

import pytest

from tests.helpers import compared, records
from vreason.evaluation.failure_signatures import ADVICE
from vreason.events import SampleRecord
from vreason_tracking.comparison.comparison import compare
from vreason_tracking.records.metrics import LIVE_METRICS, SUMMARY_METRICS
from vreason_tracking.records.summary import RunSummary


@pytest.fixture
def mixed():
    """Two choices (one right, one wrong), a regression item at 0.4, a one-token reply and two failures."""
    return [
        records.sample("a", records.steps("a", 11), signatures=("truncated", "unparsed")),
        records.sample("b", records.steps("b", 21), score=0.0, prediction="A", signatures=("truncated",), peak_memory_bytes=3_000_000),
        records.sample("c", records.steps("c", 1), score=0.4, problem_type="regression", options=()),
        records.failed("d"),
        records.failed("e", signatures=("out-of-memory",)),
    ]


def test_by_hand(mixed) -> None:
    """Accuracy counts answered samples; Video-R1's two means part at regression; failures are counted, not scored."""
    found = RunSummary.of(mixed).metrics()
    assert 1.4 / 3 == pytest.approx(found["accuracy"])
    assert 0.5 == found["accuracy/mean_acc"]
    assert 0.4 == found["accuracy/mean_mra"]
    assert (3.0, 2.0) == (found["samples/answered"], found["samples/failed"])
    assert (11.0, 11.0, 20.0) == pytest.approx((found["tokens/mean"], found["tokens/p50"], found["tokens/p95"]))
    assert 7.0 == pytest.approx(found["latency/per_token_mean_ms"])
    assert (2.0, 1.0, 1.0, 0.0) == tuple(found[f"signatures/{name}"] for name in ("truncated", "unparsed", "out-of-memory", "no-effect"))
    assert 3_000_000.0 == found["memory/peak_bytes"]


def test_every_figure_is_as_defined(mixed) -> None:
    """All summary metrics equal those worked out apart from the samples' fields, and there are no others."""
    expected = records.figures([asdict(record) for record in mixed])
    assert expected == pytest.approx(RunSummary.of(mixed).metrics())


def test_names_are_those_of_the_table(mixed) -> None:
    """Nothing is recorded that the table of metrics does not explain."""
    patterns = [re.sub(r"\\{.*\\}", ".+", re.escape(metric.name)) for metric in SUMMARY_METRICS]
    names = [*RunSummary.of(mixed).metrics()]
    assert [] == [name for name in names if not any(re.fullmatch(pattern, name) for pattern in patterns)]
    assert {*RunSummary.of(mixed).live()} == {metric.name for metric in LIVE_METRICS}


def test_nothing_answered() -> None:
    """Without an answer there is no mean to give: counts only, and no division by zero."""
    found = RunSummary.of([records.failed("d")]).metrics()
    counts = {"samples/answered": 0.0, "samples/failed": 1.0, "samples/videos": 0.0}
    assert {**counts, **{f"signatures/{name}": 0.0 for name in ADVICE}} == found
    assert {"live/failed": 1.0} == RunSummary.of([records.failed("d")]).live()


INTERVAL = ("accuracy/interval_low", "accuracy/interval_high")


def of_videos(*scores: tuple[str, float]) -> dict[str, float]:
    """Summary metrics of samples about these videos, with these scores."""
    return RunSummary.of([records.sample(f"s-{i}", video=video, score=score) for i, (video, score) in enumerate(scores)]).metrics()


def test_the_interval_counts_videos() -> None:
    """Ten questions about each of four videos say no more than one about each: they stand or fall together."""
    one = of_videos(*((f"{name}.mp4", float(name in "ab")) for name in "abcd"))
    ten = of_videos(*((f"{name}.mp4", float(name in "ab")) for name in "abcd" * 10))
    assert (4.0, 40.0) == (ten["samples/videos"], ten["samples/answered"])
    assert [one[name] for name in INTERVAL] == pytest.approx([ten[name] for name in INTERVAL])
    assert 0.0 <= ten[INTERVAL[0]] < 0.5 < ten[INTERVAL[1]] <= 1.0


@pytest.mark.parametrize(("count", "low"), [(2, 0.025**0.5), (48, 0.025 ** (1 / 48))])
def test_all_right_does_not_prove_that_all_are(count, low) -> None:
    """The exact interval over the videos."""
    found = of_videos(*((f"{number}.mp4", 1.0) for number in range(count)))
    assert (low, 1.0) == pytest.approx(tuple(found[name] for name in INTERVAL))


@pytest.mark.parametrize("scores", [[], [("a.mp4", 1.0)], [("a.mp4", 1.0), ("a.mp4", 0.0)]])
def test_fewer_than_two_videos_have_no_interval(scores) -> None:
    """It is absent, not made up."""
    found = of_videos(*scores)
    assert ([], float(len({video for video, _ in scores}))) == ([name for name in INTERVAL if name in found], found["samples/videos"])


def test_a_score_that_is_no_number_has_no_interval() -> None:
    """And stops nobody from delivering the rest."""
    found = of_videos(("a.mp4", 1.0), ("b.mp4", float("nan")))
    assert ([], 2.0) == ([name for name in INTERVAL if name in found], found["samples/answered"])


def test_samples_without_a_video_are_clusters_of_their_own() -> None:
    """Nothing is known that they have in common; a failed one is none."""
    summary = RunSummary.of([records.sample("a", video=""), records.sample("b", video="", score=0.0), records.failed("c", video="c.mp4")])
    assert 2.0 == summary.metrics()["samples/videos"]


@pytest.mark.parametrize("seed", range(3))
def test_the_interval_is_that_of_a_comparison(tmp_path, seed) -> None:
    """The same numbers, of the same run, as the report's; with failures, several kinds and uneven videos."""
    runs = [compared.recorded(tmp_path, f"run-{number}", compared.mixed(seed + number)) for number in range(2)]
    whole = next(group for group in compare(runs).groups if group.grouping == "all")
    for run, result in zip(runs, whole.results, strict=True):
        found = RunSummary.of(SampleRecord(**row) for row in compared.rows(run)).metrics()
        estimate = result.accuracy.estimate
        expected = (estimate.value, estimate.low, estimate.high, estimate.clusters)
        assert expected == pytest.approx(tuple(found[name] for name in ("accuracy", *INTERVAL, "samples/videos")), rel=1e-12)


def test_a_run_does_not_begin_with_statistics() -> None:
    """Its process loads the record's modules without scipy and mlflow, and grows a summary without them; the interval is for the end."""
    code = (
        "import sys, vreason_tracking.running.recorder, vreason_tracking.running.runner\n"
        "from tests.helpers import records\nfrom vreason_tracking.records.summary import RunSummary\n"
        "summary = RunSummary.of([records.sample('a'), records.sample('b')])\nsummary.live()\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'scipy', 'mlflow', 'pandas'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]" == done.stdout.strip()


def test_live_figures(mixed) -> None:
    """While the run goes on: mean score, failures, mean tokens, tokens a second of generation, greatest memory."""
    seconds = (20 + 70 + 20 + 140 + 20) / 1000
    expected = {
        "live/accuracy": 1.4 / 3,
        "live/failed": 2.0,
        "live/output_tokens": 11.0,
        "live/tokens_per_second": 33 / seconds,
        "live/peak_memory_bytes": 3_000_000.0,
    }
    assert expected == pytest.approx(RunSummary.of(mixed).live())


def test_one_sample_at_a_time(mixed) -> None:
    """Adding samples as they come ends at the same figures as taking them all at once."""
    grown = RunSummary()
    for record in mixed:
        grown.add(record)
    assert RunSummary.of(mixed).metrics() == grown.metrics()


def test_accuracy_by_category() -> None:
    """Each of the benchmark's own kinds of question has its mean; a question of no kind makes none."""
    made = [records.sample("a", category="order"), records.sample("b", category="order", score=0.0), records.sample("c", category="")]
    found = RunSummary.of(made).metrics()
    expected = {"accuracy/category/order": 0.5}
    assert expected == {name: value for name, value in found.items() if name.startswith("accuracy/category/")}


def test_categories_that_look_alike() -> None:
    """Each has its own mean, and a tag with its whole text where its metric's name does not spell it; a kind of question likewise."""
    texts = ["a/b", "a_b", "x ", "x"]
    made = [records.sample(f"s-{i}", category=text, score=i / 4, problem_type="odd: one") for i, text in enumerate(texts)]
    summary = RunSummary.of(made)
    found = {name.removeprefix("accuracy/category/"): value for name, value in summary.metrics().items() if "/category/" in name}
    assert {"a:2f:b": 0.0, "a_b": 0.25, "x:20:": 0.5, "x": 0.75} == found
    expected = {"type/odd:3a: one": "odd: one", "category/a:2f:b": "a/b", "category/x:20:": "x "}
    assert {f"vreason.text/accuracy/{name}": text for name, text in expected.items()} == summary.name_tags()


def test_advice(mixed) -> None:
    """A line for each signature found, with how often and what to do, and none for the others."""
    lines = RunSummary.of(mixed).advice()
    found = {"truncated": 2, "unparsed": 1, "out-of-memory": 1}
    assert len(found) == len(lines)
    for name, count in found.items():
        (line,) = [line for line in lines if line.startswith(f"{name}:")]
        assert f"{count} sample(s)" in line
        assert ADVICE[name] in line


def of_memory(*peaks: tuple[int | None, str | None]) -> RunSummary:
    return RunSummary.of([records.sample(f"s-{i}", peak_memory_bytes=used, memory_source=source) for i, (used, source) in enumerate(peaks)])


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]])
def test_when_the_source_changes_the_best_one_s_peak_counts(order) -> None:
    """Resident memory and strangers' memory never outbid this process's GPU memory, whichever came first; the source says whose it is."""
    peaks = [(3, "nvml:process"), (80, "nvml:device"), (99, "rss"), (2, "nvml:process")]
    summary = of_memory(*(peaks[number] for number in order))
    assert (3, "nvml:process") == (summary.peak_memory, summary.memory_source)
    assert [3.0, 3.0] == [summary.metrics()["memory/peak_bytes"], summary.live()["live/peak_memory_bytes"]]


@pytest.mark.parametrize(
    ("peaks", "expected"),
    [
        ([(80, "nvml:device"), (99, "rss")], (80, "nvml:device")),
        ([(98, "rss"), (99, "rss")], (99, "rss")),
        ([(5, "another"), (2, "rss")], (2, "rss")),
        ([(5, "another"), (None, None)], (5, "another")),
        ([(0, "nvml:process")], (0, "nvml:process")),
        ([(None, None)], (None, None)),
    ],
)
def test_memory_by_rank_of_its_source(peaks, expected) -> None:
    """This process's GPU memory before the device's before resident memory; nothing measured is no number, and 0 is one."""
    summary = of_memory(*peaks)
    assert expected == (summary.peak_memory, summary.memory_source)
    assert (expected[0] is not None) == ("memory/peak_bytes" in summary.metrics())


def test_the_memory_of_a_failed_sample_counts() -> None:
    """The sample that ran out of memory is the greatest one, and often the only one that tells why."""
    broken = records.failed(
        "d",
        signatures=("out-of-memory",),
        peak_memory_bytes=80_000_000,
        memory_source="rss",
        peak_allocated_bytes=(79_000_000, 5),
        peak_reserved_bytes=(79_500_000, 6),
    )
    for order in ([records.sample("a"), broken], [broken, records.sample("a")], [broken]):
        summary = RunSummary.of(order)
        assert (80_000_000, "rss") == (summary.peak_memory, summary.memory_source)
        found = summary.metrics()
        assert (79_000_000.0, 79_500_000.0) == (found["memory/peak_allocated_bytes/0"], found["memory/peak_reserved_bytes/0"])
        assert 80_000_000.0 == found["memory/peak_bytes"] == summary.live()["live/peak_memory_bytes"]


def test_torch_s_peaks_are_maxima_device_by_device() -> None:
    """The greatest of each device over all samples, each by itself; without CUDA there are none."""
    found = RunSummary.of(
        [
            records.sample("a", peak_allocated_bytes=(5, 1), peak_reserved_bytes=(9, 2)),
            records.sample("b", peak_allocated_bytes=(3, 8), peak_reserved_bytes=(7, 0)),
            records.failed("c"),
        ]
    ).metrics()
    expected = {f"memory/peak_allocated_bytes/{i}": value for i, value in enumerate((5.0, 8.0))}
    expected |= {f"memory/peak_reserved_bytes/{i}": value for i, value in enumerate((9.0, 2.0))}
    assert expected == {name: value for name, value in found.items() if name.startswith(("memory/peak_allocated", "memory/peak_reserved"))}
    bare = RunSummary.of([records.sample("a", peak_allocated_bytes=(), peak_reserved_bytes=())]).metrics()
    assert [] == [name for name in bare if name.startswith(("memory/peak_allocated", "memory/peak_reserved"))]


def test_a_sample_without_timings() -> None:
    """A record that leaves durations out still counts for accuracy and tokens."""
    bare = records.sample("a", records.steps("a", 4), generation_ms=None, time_to_first_token_ms=None, control_ms=None)
    found = RunSummary.of([bare]).metrics()
    assert (1.0, 4.0) == (found["accuracy"], found["tokens/mean"])
    assert [] == [name for name in found if name.startswith("latency/")]
